/**
 * The machine: a core, a board, and the loop that runs the one between the deadlines of the other.
 *
 * Invariants, whenever neither `run` nor `apply` is under way ("at rest"):
 *   no alarm is overdue:         alarms.nextTicks > ticks, and STIP says whether ticks >= stimecmp;
 *   waiting is waiting:          isWaiting implies not core.hasWakeUp;
 *   so what is due at a step is done when `run` returns there, before any event is applied there.
 * They make runs cut anywhere equal one run, and an event's effect independent of how its place was
 * reached.
 */
import { assert, ByteReader, ByteWriter, unreachable, VmError } from '@casmotion/base';
import type { CoreExit, CoreInterface, HartView, PageScope, Watch } from '@casmotion/cpu-core';
import type { BlockImage, PortStatus } from '@casmotion/devices';
import type { HypercallResult, MachineEvent, MachineOutputs, PeerCall } from '@casmotion/events';
import { type TimePoint, timePoint } from '@casmotion/time-point';
import type { Board } from './board/board.ts';
import type { StateDigest } from './digest/state-digest.ts';
import type {
  CountingMachine,
  HaltResult,
  Landmark,
  MachineSnapshot,
  Stop,
} from './machine-interface.ts';
import {
  readMachineState,
  restorePages,
  snapshotPages,
  writeMachineState,
} from './machine-state.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { putChannelResult } from './sbi/channel.ts';
import { handleSbiCall, hasSbiExtension } from './sbi/handle-sbi-call.ts';
import type { SbiHost } from './sbi/sbi.ts';

/** What a machine is made of; see `createMachine`. */
export interface MachineParts {
  readonly core: CoreInterface;
  readonly board: Board;
  readonly digest: StateDigest;
  readonly output: OutputBuffer;
}

export class Machine implements CountingMachine {
  readonly #core: CoreInterface;
  readonly #board: Board;
  readonly #digest: StateDigest;
  readonly #output: OutputBuffer;
  readonly #sbiHost: SbiHost;
  readonly #writer = new ByteWriter(4096);
  #isWaiting = false;
  #halt: HaltResult | undefined;
  /** Derived: the core is under way and stops by itself when time reaches this. */
  #limitTicks = Infinity;
  #isCoreRunning = false;
  /** Derived: this run began, or told its driver, while a device was waiting for the host. */
  #isHostTold = false;

  constructor(parts: MachineParts) {
    this.#core = parts.core;
    this.#board = parts.board;
    this.#digest = parts.digest;
    this.#output = parts.output;
    this.#sbiHost = this.#createSbiHost();
    this.#settle();
  }

  get at(): TimePoint {
    return timePoint(this.#core.step);
  }

  get pc(): bigint {
    return this.#core.hart.pc;
  }

  get ticks(): number {
    return this.#core.ticksAt(this.#core.step);
  }

  get wantedEntropyBytes(): number {
    return this.#board.rng?.wantedBytes ?? 0;
  }

  get awaitedCall(): PeerCall | undefined {
    return this.#board.eventChannel.awaitedCall;
  }

  /** An event-channel port as its EVTCHNOP_status tells of it; undefined for one out of range. */
  portStatus(port: number): PortStatus | undefined {
    return this.#board.eventChannel.portStatus(port);
  }

  get outputs(): MachineOutputs {
    return this.#output.outputs;
  }

  set outputs(outputs: MachineOutputs) {
    this.#output.outputs = outputs;
  }

  /**
   * The hart's registers: for debuggers and tests. Changing them is no event and cannot be
   * replayed.
   */
  get hart(): HartView {
    return this.#core.hart;
  }

  /** All of RAM, from guest-physical 0x8000_0000: to be looked at only. */
  get ram(): Uint8Array {
    return this.#core.ram;
  }

  /** The disks as the guest sees them, in the order of the configuration. */
  get disks(): readonly BlockImage[] {
    return this.#board.disks;
  }

  run(until: TimePoint): Stop {
    assert(until.step >= this.#core.step, `run until ${until.step}, at ${this.#core.step} already`);
    const stop = this.#runUntil(until.step);
    this.#output.flush();
    return stop;
  }

  runWatched(until: TimePoint, watch: Watch): Stop {
    assert(until.step >= this.#core.step, `run until ${until.step}, at ${this.#core.step} already`);
    const stop = this.#runUntil(until.step, watch);
    this.#output.flush();
    return stop;
  }

  /** Only of a machine with time points by branches. */
  get transfers(): number {
    const { transfers } = this.#core;
    assert(transfers !== undefined, 'the machine counts no transfers');
    return transfers;
  }

  get sp(): bigint {
    return this.#core.hart.getX(2);
  }

  apply(event: MachineEvent): void {
    this.#applyUnsettled(event);
    this.#settle();
    this.#output.flush();
  }

  wakeAtDeadline(): void {
    const deadline = this.#nextDeadlineTicks();
    assert(
      this.#isWaiting && deadline !== undefined,
      'wakeAtDeadline without a wait or a deadline',
    );
    this.#advanceTo(deadline);
    this.#output.flush();
  }

  registerDigest(): Uint8Array {
    return this.#core.hart.digest();
  }

  enableLandmarks(): void {
    this.#digest.enable();
  }

  get pagesSinceLandmark(): number {
    return this.#core.writtenPageCount;
  }

  landmark(): Landmark {
    return this.#landmark(this.#digest.update(this.#stateBytes()));
  }

  fullLandmark(scope: PageScope = 'all'): Landmark {
    return this.#landmark(this.#digest.digestAll(this.#stateBytes(), scope));
  }

  /** See `CoreInterface`. */
  findStaleTlbEntry(): string | undefined {
    return this.#core.findStaleTlbEntry();
  }

  snapshot(): MachineSnapshot {
    return { state: this.#stateBytes(), pages: snapshotPages(this.#core, this.#board.disks) };
  }

  /**
   * Throws `MalformedError` on a snapshot of another machine or none; the machine is then of no
   * more use.
   */
  restore(snapshot: MachineSnapshot): void {
    restorePages(this.#core, this.#board.disks, snapshot.pages);
    const state = readMachineState(new ByteReader(snapshot.state), this.#core, this.#board);
    this.#isWaiting = state.isWaiting;
    this.#halt = state.halt;
    this.#digest.forget();
    this.#settle();
  }

  #runUntil(untilStep: number, watch?: Watch): Stop {
    const first = this.#core.step;
    this.#isHostTold = this.wantedEntropyBytes > 0;
    for (;;) {
      if (this.#halt !== undefined) return { kind: 'halted', result: this.#halt };
      if (this.#core.step === untilStep) return { kind: 'time-point' };
      const seen = watch && { ...watch, isHereToo: watch.isHereToo || this.#core.step > first };
      if (seen?.isHereToo === true && this.#isAt(seen)) return { kind: 'time-point' };
      const deadlineTicks = this.#nextDeadlineTicks();
      if (this.#isWaiting) return { kind: 'idle', deadlineTicks };
      const call = this.awaitedCall;
      if (call !== undefined) return { kind: 'awaits-answer', call };
      if (this.#isHostWanted) return { kind: 'wants-host' };
      this.#runCore(untilStep, deadlineTicks, seen);
      this.#settle();
    }
  }

  /** Runs the core to its next exit, at the latest to `untilStep` or the deadline. */
  #runCore(untilStep: number, deadlineTicks: number | undefined, watch: Watch | undefined): void {
    const core = this.#core;
    const deadlineStep = deadlineTicks === undefined ? Infinity : core.stepWhen(deadlineTicks);
    this.#limitTicks = deadlineTicks ?? Infinity;
    this.#isCoreRunning = true;
    const end = Math.min(untilStep, deadlineStep);
    const exit = watch === undefined ? core.run(end) : core.runWatched(end, watch);
    this.#isCoreRunning = false;
    this.#handleExit(exit);
  }

  #isAt({ transfers, pc }: Watch): boolean {
    return this.transfers >= transfers || this.#core.hart.pc === pc;
  }

  #handleExit(exit: CoreExit): void {
    switch (exit) {
      case 'budget':
      case 'watch':
      case 'attention': // What drew it is seen when the loop goes round.
        return;
      case 'wfi':
        this.#isWaiting = true;
        return;
      case 'sbi':
        handleSbiCall(this.#core.hart, this.#sbiHost);
        return;
      default:
        unreachable(exit);
    }
  }

  /** Brings the machine to rest at the time that it is: see the invariants. */
  #settle(): void {
    let calls = 0;
    while (this.#board.alarms.fireOne()) assert(++calls < ALARM_CALLS_MAX, 'alarms without end');
    this.#core.refreshTimerInterrupt();
    if (this.#isWaiting && this.#core.hasWakeUp) this.#isWaiting = false;
  }

  /** The next tick after now at which something happens by itself. */
  #nextDeadlineTicks(): number | undefined {
    const stimecmp = this.#core.stimecmpTicks ?? Infinity;
    const next = Math.min(
      this.#board.alarms.nextTicks,
      stimecmp > this.ticks ? stimecmp : Infinity,
    );
    return next < Number.MAX_SAFE_INTEGER ? next : undefined;
  }

  /** Moves time on without a step; each deadline on the way falls due at its own time, in order. */
  #advanceTo(targetTicks: number): void {
    for (;;) {
      const deadline = this.#nextDeadlineTicks() ?? Infinity;
      const next = Math.min(deadline, targetTicks);
      if (next > this.ticks) {
        this.#setTimeLine(next, this.#core.timeLine.slope);
      }
      this.#settle();
      if (next === targetTicks) return;
    }
  }

  /** From here on, and for the time block in shared_info. */
  #setTimeLine(originTicks: number, slope: number): void {
    if (!Number.isSafeInteger(originTicks)) throw new TimeOverflowError();
    this.#core.timeLine = { originStep: this.#core.step, originTicks, slope };
    this.#board.eventChannel.timeLineChanged();
  }

  #applyUnsettled(event: MachineEvent): void {
    switch (event.kind) {
      case 'clock-line':
        this.#advanceTo(this.ticks + event.jumpTicks);
        this.#setTimeLine(this.ticks, event.slope);
        return;
      case 'idle-advance':
        this.#advanceTo(this.ticks + event.ticks);
        return;
      case 'console-input':
        this.#receiveConsole(event.console, event.bytes);
        return;
      case 'net-packet':
        this.#board.nics[event.nic]?.receive(event.bytes);
        return;
      case 'entropy':
        this.#board.rng?.provide(event.bytes);
        return;
      case 'port-raised':
        this.#board.eventChannel.raise(event.port);
        return;
      case 'virq-raised':
        this.#board.eventChannel.raiseVirq(event.virq, event.vcpu);
        return;
      case 'hypercall-result':
        this.#takeAnswer(event);
        return;
      case 'peer-request':
        this.#board.eventChannel.receiveRequest(event.domain, event.request);
        return;
      case 'shared-page-write':
        this.#board.eventChannel.receivePage(event.domain, event.ref, event.isOwn, event.runs);
        return;
      case 'power':
      case 'marker':
        return;
      default:
        unreachable(event);
    }
  }

  #receiveConsole(console: number, bytes: Uint8Array): void {
    if (console === 0) this.#board.uart.receive(bytes);
    else if (console <= this.#board.consoles.length) {
      this.#board.consoles[console - 1]?.receive(bytes);
    } else if (console === this.#board.consoles.length + 1) {
      this.#board.eventChannel.receiveConsole(bytes);
    }
  }

  /** The guest goes on; if it called by `ecall`, with the result in a0 and a1. */
  #takeAnswer(event: HypercallResult): void {
    const answered = this.#board.eventChannel.answer(event);
    if (answered?.isSbi === true) putChannelResult(this.#core.hart, answered.result);
  }

  /** A device or the SBI ends the machine, in the middle of a step or after one. */
  finish(result: HaltResult): void {
    this.#halt ??= result;
    if (this.#isCoreRunning) this.#core.requestExit();
  }

  /** The guest wrote to a device, in the middle of a step: does one wait for the host now? */
  busWritten(): void {
    if (this.#isCoreRunning && (this.#isHostWanted || this.#board.eventChannel.isAwaiting)) {
      this.#core.requestExit();
    }
  }

  /** A device set an alarm: the core must not run past it. */
  alarmSet(ticks: number): void {
    if (this.#isCoreRunning && ticks < this.#limitTicks) this.#core.requestExit();
  }

  get #isHostWanted(): boolean {
    return !this.#isHostTold && this.wantedEntropyBytes > 0;
  }

  #stateBytes(): Uint8Array {
    this.#writer.clear();
    const own = { isWaiting: this.#isWaiting, halt: this.#halt };
    writeMachineState(this.#writer, own, this.#core, this.#board);
    return this.#writer.toBytes();
  }

  #landmark(stateDigest: Uint8Array): Landmark {
    return { at: this.at, pc: this.pc, registerDigest: this.registerDigest(), stateDigest };
  }

  #createSbiHost(): SbiHost {
    const { uart, memory } = this.#board;
    return {
      memory,
      writeConsole: (bytes) => this.#output.console(0, bytes),
      // As firmware would: LCR.DLAB clear, LSR.DR set, then RBR.
      readConsoleByte: () => {
        const isReadable =
          (uart.read(UART_LCR, 1) & 0x80) === 0 && (uart.read(UART_LSR, 1) & 1) === 1;
        return isReadable ? uart.read(UART_RBR, 1) : undefined;
      },
      setSoftwareInterrupt: (isHigh) => this.#core.setInterrupt('SSIP', isHigh),
      waitForInterrupt: () => {
        this.#isWaiting = true;
      },
      halt: (result) => this.finish(result),
      operateChannel: (operation, args) =>
        this.#board.eventChannel.operate(0, operation, args, true),
      hasExtension: hasSbiExtension,
    };
  }
}

const UART_RBR = 0;
const UART_LCR = 3;
const UART_LSR = 5;
/**
 * Far above what devices ask for at one time; a device that asks for the same tick again would
 * hang.
 */
const ALARM_CALLS_MAX = 100_000;

/** Ticks are counted exactly up to 2^53: some 28 years of a clock of 10 MHz. */
export class TimeOverflowError extends VmError {
  override readonly name = 'TimeOverflowError';
  constructor() {
    super("the machine's time has run past what can be counted", {
      expected: 'at most 2^53 - 1 ticks of 100 ns in all events and steps',
      next: 'nothing: no recorder writes such a log',
    });
  }
}
