/**
 * Full monitoring: a machine that stands before the one that replays and passes everything on, also
 * to a second machine on the other engine, and compares. The replayer drives it as any machine.
 *
 * Invariants: until something is found both machines get the same calls in the same order; the
 * first finding stays. What it finds names a premise only where nothing else can explain it, and
 * else all that can.
 *
 * A machine is called and returns; nothing else runs meanwhile. So what happens between two calls
 * is nobody's step and nobody's event, and what happens in one is that call's doing.
 */
import { assert } from '@casmotion/base';
import type { MachineEvent, MachineOutputs, PeerCall } from '@casmotion/events';
import type {
  CountingMachine,
  Landmark,
  MachineInterface,
  MachineSnapshot,
  PageScope,
  Stop,
} from '@casmotion/machine';
import type { TimePoint } from '@casmotion/time-point';
import { noOutputs, type OutputDigest } from '../output-digest.ts';
import type { CheckCounts, CheckName, Premise } from './checks.ts';

/** A machine that can be looked into further than a replayer needs. */
export interface MonitoredMachine extends MachineInterface {
  /** An entry of a fast TLB that does not follow from the architectural one, in words. */
  findStaleTlbEntry?(): string | undefined;
}

/** Tells whether somebody asks the host while the machine is at work; see host-node. */
export interface HostWatch {
  begin(): void;
  /** What was asked for since `begin`, first of all; undefined: nothing. */
  end(): string | undefined;
}

export interface FullMonitorOptions {
  readonly machine: MonitoredMachine;
  /** On the other engine, as fresh as the first; and its outputs, digested. */
  readonly reference: { readonly machine: MonitoredMachine; readonly output: OutputDigest };
  readonly host: HostWatch | undefined;
  readonly counts: CheckCounts;
}

/** A check that failed. */
export interface Finding {
  readonly check: CheckName;
  /** Of these at least one is broken. */
  readonly premises: readonly Premise[];
  /** What was found, in words. */
  readonly what: string;
  /** Steps between which it happened. */
  readonly from: number;
  readonly to: number;
}

export class FullMonitor implements CountingMachine {
  readonly #machine: MonitoredMachine;
  readonly #reference: MonitoredMachine;
  readonly #referenceOutput: OutputDigest;
  readonly #host: HostWatch | undefined;
  readonly #counts: CheckCounts;
  #outputs: MachineOutputs = noOutputs;
  /** What the machines were when they were last left alone. */
  #rest: Rest | undefined;
  /** The premise that a look at the host would break now; undefined: the machines do nothing. */
  #guarded: 'C2' | 'C5' | undefined;
  #isOutputComparable = true;
  #hasMoved = false;
  #finding: Finding | undefined;
  /** Where all of both states was last found equal. */
  #agreedStep = 0;
  /** Was an event applied since then? */
  #hasEvents = false;

  constructor({ machine, reference, host, counts }: FullMonitorOptions) {
    this.#machine = machine;
    this.#reference = reference.machine;
    this.#referenceOutput = reference.output;
    this.#host = host;
    this.#counts = counts;
    reference.machine.outputs = reference.output;
  }

  /** The first check that failed. */
  get finding(): Finding | undefined {
    return this.#finding;
  }

  get at(): TimePoint {
    return this.#machine.at;
  }
  get pc(): bigint {
    return this.#machine.pc;
  }
  get ticks(): number {
    return this.#machine.ticks;
  }
  get wantedEntropyBytes(): number {
    return this.#machine.wantedEntropyBytes;
  }
  get awaitedCall(): PeerCall | undefined {
    return this.#machine.awaitedCall;
  }
  get pagesSinceLandmark(): number {
    return this.#machine.pagesSinceLandmark;
  }
  get transfers(): number {
    return counting(this.#machine).transfers;
  }
  get sp(): bigint {
    return counting(this.#machine).sp;
  }

  get outputs(): MachineOutputs {
    return this.#outputs;
  }
  /** Outputs are the host's: what they ask of it is none of the machine's business. */
  set outputs(outputs: MachineOutputs) {
    this.#outputs = outputs;
    const { peerMessage } = outputs;
    this.#machine.outputs = {
      consoleOutput: (console, bytes) =>
        this.#outside(() => outputs.consoleOutput(console, bytes)),
      netPacket: (nic, bytes) => this.#outside(() => outputs.netPacket(nic, bytes)),
      ...(peerMessage === undefined
        ? {}
        : { peerMessage: (message) => this.#outside(() => outputs.peerMessage?.(message)) }),
    };
  }

  run(until: TimePoint): Stop {
    return this.#runBoth('state', (machine) => machine.run(until));
  }

  /** Creeps: only registers are compared, or it would take for ever. */
  runWatched(until: TimePoint, watch: Parameters<CountingMachine['runWatched']>[1]): Stop {
    return this.#runBoth('registers', (machine) => counting(machine).runWatched(until, watch));
  }

  wakeAtDeadline(): void {
    const from = this.#enter();
    this.#compareAfterCreeping();
    this.#work('C2', (machine) => machine.wakeAtDeadline());
    this.#counts.note('engines-slice');
    this.#leave('state', from, 'states differ after a wake');
  }

  apply(event: MachineEvent): void {
    const from = this.#enter();
    this.#compareAfterCreeping();
    this.#hasEvents = true;
    this.#work('C5', (machine) => machine.apply(event));
    this.#counts.note('engines-event');
    const rest = this.#restOf('state');
    if (this.#finding === undefined && rest.texts[0] !== rest.texts[1]) {
      const what = `one event (${event.kind}) had two effects`;
      const premises: Premise[] = this.#hasUntrackedPage() ? ['C4', 'C5'] : ['C5'];
      this.#find({ check: 'engines-event', premises, what, from, to: from });
    }
    this.#rest = rest;
  }

  /** Asked for before an event: what differs then may have been touched from outside. */
  registerDigest(): Uint8Array {
    this.#enter();
    return this.#machine.registerDigest();
  }

  enableLandmarks(): void {
    this.#machine.enableLandmarks();
    this.#reference.enableLandmarks();
  }

  /** All pages, always. */
  landmark(): Landmark {
    return this.fullLandmark();
  }

  /** Also compares the engines, and looks at their TLBs. */
  fullLandmark(scope: PageScope = 'all'): Landmark {
    const from = this.#enter();
    const full = this.#machine.fullLandmark(scope);
    if (this.#finding !== undefined) return full;
    this.#counts.note('all-pages');
    this.#counts.note('engines-state');
    const other = this.#reference.fullLandmark(scope);
    this.#checkTlbs();
    if (!isEqual(full.stateDigest, other.stateDigest)) {
      this.#differ('engines-state', 'states differ', Math.min(from, this.#agreedStep));
      return full;
    }
    this.#agreedStep = full.at.step;
    this.#hasEvents = false;
    this.#rest ??= this.#restOf('state');
    return full;
  }

  /**
   * The state is not the log's, whose digest this is. Where dirty tracking sees the log's state and
   * the other engine is in it, nobody wrote what differs.
   */
  narrow(expected: Uint8Array): void {
    if (this.#finding?.check !== 'engines-state') return;
    const tracked = this.#machine.landmark().stateDigest;
    const other = this.#reference.fullLandmark('all').stateDigest;
    if (!isEqual(tracked, expected) || !isEqual(other, expected)) return;
    const { from, to } = this.#finding;
    const premises: Premise[] = this.#hasEvents ? ['C4', 'C5'] : ['C4'];
    const what = 'a page is not as it was when last known to be written';
    this.#finding = { check: 'all-pages', premises, what, from, to };
  }

  /** Compares what both engines let out: called where the replayer looks at that of the first. */
  checkOutput(digest: Uint8Array): void {
    if (!this.#isOutputComparable || isEqual(digest, this.#referenceOutput.digest())) return;
    this.#differ('engines-state', 'what was let out differs', this.#agreedStep);
  }

  snapshot(): MachineSnapshot {
    return this.#machine.snapshot();
  }

  /** Both machines go where the first was. What the second let out meanwhile is not taken back. */
  restore(snapshot: MachineSnapshot): void {
    this.#machine.restore(snapshot);
    this.#reference.restore(snapshot);
    this.#isOutputComparable = false;
    this.#rest = this.#restOf('registers');
  }

  #runBoth(scope: Rest['scope'], run: (machine: MonitoredMachine) => Stop): Stop {
    const from = this.#enter();
    const [stop, other] = this.#work('C2', run);
    this.#counts.note('engines-slice');
    const [here, there] = [this.#machine.at.step, this.#reference.at.step];
    if (other !== undefined && (here !== there || stopText(stop) !== stopText(other))) {
      const what = `${stopText(stop)} at step ${here}, and ${stopText(other)} at step ${there}`;
      this.#differ('engines-slice', what, from);
    }
    this.#leave(scope, from, `${scope === 'state' ? 'states' : 'registers'} differ`);
    return stop;
  }

  /**
   * While it creeps only registers are compared: the states, too, before an event or a wake, or
   * what the creeping did would be held against that.
   */
  #compareAfterCreeping(): void {
    if (this.#finding !== undefined || this.#rest?.scope !== 'registers') return;
    this.#leave('state', this.#agreedStep, 'states differ after creeping');
  }

  /** Nobody may have touched a machine that was left alone. */
  #enter(): number {
    const { step } = this.#machine.at;
    if (this.#rest === undefined || this.#finding !== undefined) return step;
    this.#counts.note('at-rest');
    const [now, { texts }] = [this.#restOf(this.#rest.scope).texts, this.#rest];
    if (now[0] === texts[0] && now[1] === texts[1]) return step;
    const what = 'the state changed while the machine was left alone';
    this.#find({ check: 'at-rest', premises: ['C4'], what, from: step, to: step });
    return step;
  }

  /** Notes what they are, and compares. */
  #leave(scope: Rest['scope'], from: number, what: string): void {
    if (this.#finding !== undefined) return;
    const rest = this.#restOf(scope);
    this.#rest = rest;
    if (rest.texts[0] === rest.texts[1]) return;
    const pcs = [this.#machine, this.#reference].map(({ pc }) => `0x${pc.toString(16)}`);
    this.#differ('engines-slice', `${what}, pc ${pcs.join(' and ')}`, from);
  }

  #restOf(scope: Rest['scope']): Rest {
    const textOf = (machine: MonitoredMachine): string =>
      scope === 'state'
        ? machine.landmark().stateDigest.join()
        : `${machine.at.step} ${machine.pc} ${machine.registerDigest().join()}`;
    return { scope, texts: [textOf(this.#machine), textOf(this.#reference)] };
  }

  /** The engines are not in one state, and were where all of it was compared last. */
  #differ(check: CheckName, what: string, from: number): void {
    if (this.#finding !== undefined) return;
    const to = this.#machine.at.step;
    if (!this.#hasMoved) return this.#find({ check, premises: ['C1'], what, from, to });
    if (this.#hasUntrackedPage()) {
      const written = `${what}; a page was written that no step and no event is known to have`;
      const premises: Premise[] = this.#hasEvents ? ['C4', 'C5'] : ['C4'];
      return this.#find({ check, premises, what: written, from: this.#agreedStep, to });
    }
    // Each event's effect was compared: what it wrote unknown to tracking would be C4, too.
    this.#find({ check, premises: ['C2', 'C4'], what, from, to });
  }

  /** Has one of them a page that is not as it was when last known to be written? */
  #hasUntrackedPage(): boolean {
    return [this.#machine, this.#reference].some((machine) => {
      const tracked = machine.landmark().stateDigest;
      return !isEqual(tracked, machine.fullLandmark('all').stateDigest);
    });
  }

  #checkTlbs(): void {
    for (const machine of [this.#machine, this.#reference]) {
      if (machine.findStaleTlbEntry === undefined) continue;
      this.#counts.note('tlb-subset');
      const what = machine.findStaleTlbEntry();
      if (what === undefined) continue;
      const to = machine.at.step;
      const premises = ['C2', 'C4'] as const;
      this.#find({ check: 'tlb-subset', premises, what, from: this.#agreedStep, to });
    }
  }

  /** Both machines at work. Once they differ, what the second would do is of no account. */
  #work<T>(premise: 'C2' | 'C5', work: (machine: MonitoredMachine) => T): [T, T | undefined] {
    this.#hasMoved = true;
    const first = this.#guard(premise, this.#machine, work);
    if (this.#finding !== undefined) return [first, undefined];
    return [first, this.#guard(premise, this.#reference, work)];
  }

  /** Nothing may ask the host. */
  #guard<T>(
    premise: 'C2' | 'C5',
    machine: MonitoredMachine,
    work: (machine: MonitoredMachine) => T,
  ): T {
    const host = this.#host;
    if (host === undefined) return work(machine);
    this.#counts.note('host-access');
    const from = machine.at.step;
    this.#guarded = premise;
    host.begin();
    try {
      return work(machine);
    } finally {
      this.#noteAsked(host.end(), premise, from);
      this.#guarded = undefined;
    }
  }

  /** The host is at work in the middle of the machine's: it may ask itself. */
  #outside(work: () => void): void {
    const [host, premise] = [this.#host, this.#guarded];
    if (host === undefined || premise === undefined) return work();
    this.#noteAsked(host.end(), premise, this.#machine.at.step);
    try {
      work();
    } finally {
      host.begin();
    }
  }

  #noteAsked(asked: string | undefined, premise: 'C2' | 'C5', from: number): void {
    if (asked === undefined) return;
    const what = `the machine asked the host: ${asked}`;
    const to = this.#machine.at.step;
    this.#find({ check: 'host-access', premises: [premise], what, from, to });
  }

  #find(finding: Finding): void {
    this.#finding ??= finding;
  }
}

/** What the machines are, as texts that are equal where they are. */
interface Rest {
  readonly scope: 'state' | 'registers';
  readonly texts: readonly [string, string];
}

function stopText(stop: Stop): string {
  if (stop.kind === 'idle') return `idle until ${stop.deadlineTicks ?? 'ever'}`;
  if (stop.kind === 'halted') return `halted by ${stop.result.cause}`;
  return stop.kind;
}

function counting(machine: MachineInterface): CountingMachine {
  assert('transfers' in machine && 'runWatched' in machine, 'a machine that counts transfers');
  return machine as CountingMachine;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
