/**
 * A small deterministic machine: an instruction is chosen by the state itself, so that anything
 * that differs once goes on to differ everywhere. It has what the recorder must get right: a timer
 * that wakes it, an alarm that does not (several wakes at one step), a console, entropy, memory
 * pages with dirty tracking, and an end. What is due at a step is done before `run` returns there,
 * as in the real machine.
 */
import { assert, ByteReader, ByteWriter, defined, type Hashes } from '@casmotion/base';
import type { MachineEvent, MachineOutputs } from '@casmotion/events';
import type {
  CountingMachine,
  HaltResult,
  Landmark,
  MachineSnapshot,
  Stop,
} from '@casmotion/machine';
import { type TimePoint, timePoint } from '@casmotion/time-point';
import { noOutputs } from '../src/index.ts';

const PAGES = 64;
const PAGE_BYTES = 256;
const NEVER = 2 ** 40;

export interface FakeOptions {
  /** What the run depends on; stands for the configuration. */
  readonly seed: number;
  /** The guest switches off after so many steps; default never. */
  readonly stepsMax?: number;
  /** False: WFI never; default true. */
  readonly canIdle?: boolean;
  /** A fault that only this machine has, at a step: what a replay must notice. */
  readonly fault?: {
    readonly step: number;
    readonly kind: 'register' | 'memory' | 'untracked-write' | 'output' | 'halt' | 'stall';
  };
}

export class FakeMachine implements CountingMachine {
  outputs: MachineOutputs = noOutputs;
  /** Idle stops at a step where the machine had been idle before, without a step between. */
  repeatedWakes = 0;
  readonly #hashes: Hashes;
  readonly #options: FakeOptions;
  readonly #x = new Uint32Array(4);
  readonly #memory = new Uint8Array(PAGES * PAGE_BYTES);
  readonly #dirty = new Set<number>();
  readonly #pageDigests = new Map<number, Uint8Array>();
  #queue: number[] = [];
  #step = 0;
  #pc = 0x1000;
  /** Steps after which pc was not greater: the fake's transfers of control. */
  #transfers = 0;
  #line = { step: 0, ticks: 0, slope: 42_949_673 };
  #timer = NEVER;
  #alarm = NEVER;
  #alarms = 0;
  #isTimerPending = false;
  #isWaiting = false;
  #wanted = 0;
  #halt: HaltResult | undefined;
  #hasLandmarks = false;

  constructor(hashes: Hashes, options: FakeOptions) {
    this.#hashes = hashes;
    this.#options = options;
    this.#x.set([options.seed, 1, 2, 3]);
  }

  get at(): TimePoint {
    return timePoint(this.#step);
  }

  get pc(): bigint {
    return BigInt(this.#pc);
  }

  get transfers(): number {
    return this.#transfers;
  }

  get sp(): bigint {
    return BigInt(this.#x[3] ?? 0);
  }

  get ticks(): number {
    const { step, ticks, slope } = this.#line;
    return ticks + Math.floor((this.#step - step) * (slope / 2 ** 32));
  }

  get awaitedCall(): undefined {
    return undefined;
  }

  get wantedEntropyBytes(): number {
    return this.#wanted;
  }

  run(until: TimePoint): Stop {
    return this.runWatched(until);
  }

  runWatched(until: TimePoint, watch?: Parameters<CountingMachine['runWatched']>[1]): Stop {
    const first = this.#step;
    const isAtWatch = (): boolean =>
      watch !== undefined &&
      (watch.isHereToo || this.#step > first) &&
      (this.#transfers >= watch.transfers || this.pc === watch.pc);
    assert(until.step >= this.#step, `run until ${until.step} at ${this.#step}`);
    const wantedAtStart = this.#wanted;
    for (;;) {
      if (this.#halt !== undefined) return { kind: 'halted', result: this.#halt };
      if (this.#step === until.step || isAtWatch()) return { kind: 'time-point' };
      if (this.#isWaiting) return { kind: 'idle', deadlineTicks: this.#deadline() };
      if (wantedAtStart === 0 && this.#wanted > 0) return { kind: 'wants-host' };
      this.#oneStep();
      this.#settle();
    }
  }

  apply(event: MachineEvent): void {
    switch (event.kind) {
      case 'clock-line':
        this.#advance(this.ticks + event.jumpTicks);
        this.#line = { step: this.#step, ticks: this.ticks, slope: event.slope };
        break;
      case 'idle-advance':
        this.#advance(this.ticks + event.ticks);
        break;
      case 'console-input':
        this.#queue.push(...event.bytes);
        break;
      case 'entropy':
        for (const byte of event.bytes) this.#mix(byte);
        this.#wanted = 0;
        break;
      case 'port-raised':
        this.#mix(event.port);
        this.#isWaiting = false;
        break;
      case 'net-packet':
      case 'virq-raised':
      case 'hypercall-result':
      case 'peer-request':
      case 'shared-page-write':
      case 'power':
      case 'marker':
        assert(false, `the fake has no ${event.kind}`);
    }
    this.#settle();
  }

  wakeAtDeadline(): void {
    const deadline = defined(this.#deadline(), 'a deadline');
    assert(this.#isWaiting, 'waiting');
    this.#advance(deadline);
    if (this.#isWaiting) this.repeatedWakes++;
  }

  registerDigest(): Uint8Array {
    const writer = new ByteWriter().u32(this.#pc);
    for (const word of this.#x) writer.u32(word);
    return this.#hashes.xxh128(writer.toBytes()).slice(0, 8);
  }

  enableLandmarks(): void {
    this.#hasLandmarks = true;
    this.#dirty.clear();
    for (let page = 0; page < PAGES; page++) this.#dirty.add(page);
  }

  get pagesSinceLandmark(): number {
    return this.#dirty.size;
  }

  landmark(): Landmark {
    assert(this.#hasLandmarks, 'landmarks are enabled');
    for (const page of this.#dirty) this.#pageDigests.set(page, this.#digestPage(page));
    this.#dirty.clear();
    return this.#landmark((page) => defined(this.#pageDigests.get(page), 'digest'));
  }

  fullLandmark(): Landmark {
    return this.#landmark((page) => this.#digestPage(page));
  }

  snapshot(): MachineSnapshot {
    const pages = new Map<number, Uint8Array>();
    for (let page = 0; page < PAGES; page++) pages.set(page, this.#page(page).slice());
    return { state: this.#state(), pages };
  }

  restore({ state, pages }: MachineSnapshot): void {
    assert(new ByteReader(state).remaining > 0 && pages.size === PAGES, 'unused by the recorder');
  }

  #oneStep(): void {
    this.#step++;
    const op = this.#mix(this.#pc) & 0xfff;
    const before = this.#pc;
    this.#pc = 0x1000 + ((this.#x[1] ?? 0) % 0x4000) * 4;
    if (this.#pc <= before) this.#transfers++;
    const value = this.#x[2] ?? 0;
    if (op < 400) this.#store(value % this.#memory.length, value & 0xff);
    else if (op < 410) this.outputs.consoleOutput(0, Uint8Array.of(0x61 + (value % 26)));
    else if (op < 411) this.outputs.netPacket(0, new Uint8Array(20).fill(value & 0xff));
    else if (op < 420) this.#mix(this.#queue.shift() ?? 0);
    else if (op < 425) this.#mix(this.ticks % 2 ** 32);
    else if (op < 427) this.#timer = this.ticks + 1 + (value & 0xff);
    else if (op < 429) this.#alarm = this.ticks + 1 + (value & 0x3f);
    else if (op < 430 && this.#wanted === 0) this.#wanted = 1 + (value & 7);
    else if (op < 440 && this.#options.canIdle !== false) this.#isWaiting = true;
    if (this.#step === this.#options.stepsMax) this.#halt = { cause: 'failure', code: 7 };
    if (this.#step === this.#options.fault?.step) this.#breakDown(this.#options.fault.kind);
  }

  #breakDown(kind: NonNullable<FakeOptions['fault']>['kind']): void {
    if (kind === 'register') this.#x[3] = (this.#x[3] ?? 0) ^ 1;
    if (kind === 'memory') this.#store(5, (this.#memory[5] ?? 0) ^ 1);
    if (kind === 'untracked-write') this.#memory[5] = (this.#memory[5] ?? 0) ^ 1;
    if (kind === 'output') this.outputs.consoleOutput(0, Uint8Array.of(0x21));
    if (kind === 'halt') this.#halt = { cause: 'power-off' };
    if (kind !== 'stall') return;
    this.#isWaiting = true;
    this.#timer = NEVER;
    this.#alarm = NEVER;
  }

  /** Does what is due, as the real machine does when it comes to rest. */
  #settle(): void {
    if (this.ticks >= this.#alarm) {
      this.#alarm = NEVER;
      this.#alarms++;
    }
    if (this.ticks >= this.#timer) {
      this.#timer = NEVER;
      this.#isTimerPending = true;
    }
    if (!this.#isWaiting || (!this.#isTimerPending && this.#queue.length === 0)) return;
    this.#isWaiting = false;
    this.#isTimerPending = false;
  }

  #advance(target: number): void {
    for (;;) {
      const next = Math.min(this.#deadline() ?? Infinity, target);
      if (next > this.ticks) this.#line = { ...this.#line, step: this.#step, ticks: next };
      this.#settle();
      if (next === target) return;
    }
  }

  #deadline(): number | undefined {
    const next = Math.min(this.#timer, this.#alarm);
    return next === NEVER ? undefined : next;
  }

  #mix(value: number): number {
    const x = this.#x;
    const sum = Math.imul((x[0] ?? 0) ^ value, 0x9e37_79b1) + (x[3] ?? 0);
    const next = sum ^ (sum >>> 15);
    x.set([x[1] ?? 0, x[2] ?? 0, x[3] ?? 0, next + Math.imul(x[0] ?? 0, 5)]);
    return (x[3] ?? 0) >>> 8;
  }

  #store(address: number, value: number): void {
    this.#memory[address] = value;
    this.#dirty.add(Math.floor(address / PAGE_BYTES));
  }

  #page(page: number): Uint8Array {
    return this.#memory.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }

  #digestPage(page: number): Uint8Array {
    return this.#hashes.xxh128(this.#page(page)).slice();
  }

  #landmark(pageDigest: (page: number) => Uint8Array): Landmark {
    const parts = [this.#state()];
    for (let page = 0; page < PAGES; page++) parts.push(pageDigest(page));
    const stateDigest = this.#hashes.xxh128(...parts).slice();
    return { at: this.at, pc: this.pc, registerDigest: this.registerDigest(), stateDigest };
  }

  #state(): Uint8Array {
    const writer = new ByteWriter().u64(this.#step).u32(this.#pc).u64(this.ticks);
    for (const word of this.#x) writer.u32(word);
    writer.u64(this.#timer).u64(this.#alarm).u64(this.#alarms).u64(this.#line.slope);
    writer
      .u8(this.#isWaiting ? 1 : 0)
      .u8(this.#isTimerPending ? 1 : 0)
      .u8(this.#wanted);
    return writer.blob(Uint8Array.from(this.#queue)).toBytes();
  }
}
