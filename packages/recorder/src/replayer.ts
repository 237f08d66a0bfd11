/**
 * The replayer: read the next event, run to its time point, compare, apply (docs/architecture.md
 * §3). It asks no host.
 *
 * Invariants:
 * - an event is applied only where step, wakes, pc and register digest are the recorded ones;
 * - the machine never runs past the log's next event, landmark or end;
 * - every landmark of the log is compared, and what was let out up to it;
 * - whatever the machine does, the replay ends: matched, or diverged with a report.
 */
import { assert, type Hashes, VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import type {
  CountingMachine,
  Landmark,
  MachineInterface,
  PmuConfig,
  Stop,
} from '@casmotion/machine';
import {
  type EndReason,
  EVENT_CHECK_DIGEST_BYTES,
  type LogCut,
  type LogFooter,
  type LoggedOutput,
  type LogReader,
  type LoggedEvent,
} from '@casmotion/replay-log';
import { timePoint, type TimePointKey } from '@casmotion/time-point';
import {
  type DivergencePlace,
  type DivergenceReport,
  type Evidence,
  type Match,
  type Miss,
  openPremises,
} from './divergence.ts';
import { KeyFinder, type MatchStatistics } from './key-finder.ts';
import { CheckCounts } from './monitor/checks.ts';
import type { FullMonitor } from './monitor/full-monitor.ts';
import { SequenceJudge } from './monitor/sequence-judge.ts';
import { LogCursor, type PlacedEvent, type PlacedLandmark } from './log-cursor.ts';
import { noOutputs, OutputDigest } from './output-digest.ts';
import { applyEvent, guestEnd } from './recorder.ts';
import { WakeCounter } from './wake-counter.ts';

export interface ReplayerOptions {
  /** A machine of the log's configuration, before its first step. */
  readonly machine: MachineInterface;
  readonly log: LogReader;
  readonly hashes: Hashes;
  /**
   * For a log that names its places by keys: the machine, which counts, and its counter. `margin`:
   * where the matcher's margin starts, in transfers; see {@link KeyFinder}.
   */
  readonly keys?:
    | {
        readonly machine: CountingMachine;
        readonly pmu: PmuConfig;
        readonly margin?: number | undefined;
      }
    | undefined;
  /** Where the guest's output goes; nowhere by default. */
  readonly outputs?: MachineOutputs;
  /** True: every landmark digests all pages and asks no dirty tracking. */
  readonly isVerify?: boolean;
  /** Full monitoring: this very object is the machine, and that of `keys`. */
  readonly monitor?: FullMonitor | undefined;
  /** Where checks are counted; for a certificate. */
  readonly counts?: CheckCounts;
  /**
   * True: places are compared and nothing else, so that what the checks cost can be measured. Such
   * a replay proves nothing; its digests are empty.
   */
  readonly isUnchecked?: boolean;
  /** Steps between reports of progress. Default 4,000,000. */
  readonly sliceSteps?: number;
  /** Called after each slice; may be a promise, so that a host can breathe. */
  readonly onProgress?: (progress: ReplayProgress) => void | Promise<void>;
  /** Names and values for a divergence report. */
  readonly readRegisters?: () => readonly (readonly [string, bigint])[];
  /** The command that a divergence report recommends. */
  readonly nextCommand?: string;
  /** Of a replay together with other domains. */
  readonly gate?: ReplayGate;
}

/**
 * What holds a replay back until other domains' replays have come far enough. The machine sees
 * nothing of it.
 */
export interface ReplayGate {
  /**
   * The event is due and its place agrees. True: it is applied now. False: not before `wait` is
   * kept; then it is asked again. May throw, which ends the replay.
   */
  pass(event: DueEvent): boolean;
  wait(): Promise<void>;
}

/** An event of the log, and where the machine stands. */
export type DueEvent = Pick<LoggedEvent, 'number' | 'at' | 'wakes' | 'event'>;

export interface ReplayProgress {
  readonly step: number;
  /** Steps in all; undefined for a log cut short. */
  readonly totalSteps: number | undefined;
  readonly events: number;
  readonly landmarks: number;
}

export type ReplayResult = ReplayMatched | ReplayDiverged;

interface ReplayDone {
  readonly steps: number;
  readonly events: number;
  readonly landmarks: number;
  readonly outputBytes: number;
  readonly outputDigest: Uint8Array;
  /** What it took to find places named by keys; undefined where they are steps. */
  readonly matching: MatchStatistics | undefined;
}

/** Everything that the log holds agreed. */
export interface ReplayMatched extends ReplayDone {
  readonly kind: 'matched';
  /** How the recording ended; undefined if the log was cut: replayed up to its last whole chunk. */
  readonly end: EndReason | undefined;
  readonly cut: LogCut | undefined;
  readonly stateDigest: Uint8Array;
}

export interface ReplayDiverged extends ReplayDone {
  readonly kind: 'divergence';
  readonly report: DivergenceReport;
}

export class Replayer {
  readonly #options: ReplayerOptions;
  readonly #machine: MachineInterface;
  readonly #log: LogReader;
  readonly #cursor: LogCursor;
  readonly #output: OutputDigest;
  readonly #wakes = new WakeCounter();
  readonly #counts: CheckCounts;
  readonly #judge: SequenceJudge;
  /** Of a log with keys. */
  readonly #finder: KeyFinder | undefined;
  #checkedOutputBytes = 0;
  #landmarks = 0;
  #lastMatch: Match | undefined;
  #lastLandmark: Match | undefined;
  #eventsAtLandmark = 0;

  constructor(options: ReplayerOptions) {
    const { machine, log, hashes, outputs = noOutputs } = options;
    this.#options = options;
    this.#machine = machine;
    this.#log = log;
    this.#cursor = new LogCursor(log);
    this.#output = new OutputDigest(hashes, outputs);
    machine.outputs = options.isUnchecked === true ? outputs : this.#output;
    this.#counts = options.counts ?? new CheckCounts();
    this.#judge = new SequenceJudge(log, hashes, this.#counts);
    this.#counts.note('log-chain', log.chunkCount);
    assert((options.monitor ?? machine) === machine, 'the monitor of another machine');
    const { keys } = options;
    if (log.isKeyed !== (keys !== undefined) && this.#cursor.next !== undefined) {
      throw new PlacesMismatchError(log.isKeyed);
    }
    if (keys === undefined) return;
    assert(keys.machine === machine, 'the counter of another machine');
    this.#finder = new KeyFinder({ ...keys, wakes: this.#wakes, margin: keys.margin });
  }

  /** Replays the whole log. Throws `VmError`s for a log whose content is not sound. Once. */
  async run(): Promise<ReplayResult> {
    assert(this.#machine.at.step === 0, 'a replay starts with a fresh machine');
    if (!this.#isUnchecked) this.#machine.enableLandmarks();
    for (;;) {
      const due = this.#doWhatIsDue();
      if (due === 'held') {
        await this.#options.gate?.wait();
        continue;
      }
      const ended = due ?? (await this.#goOn()) ?? this.#found();
      if (ended !== undefined) return ended;
      const progress = this.#options.onProgress?.(this.#progress());
      if (progress !== undefined) await progress;
    }
  }

  /** Compares and applies everything that the log has for just here. */
  #doWhatIsDue(): ReplayResult | 'held' | undefined {
    const cursor = this.#cursor;
    for (;;) {
      const { landmark, event } = cursor;
      if (this.#isLandmarkHere(landmark)) {
        if (this.#isUnchecked) {
          cursor.takeLandmark();
          continue;
        }
        const diverged = this.#checkLandmark(landmark, this.#takeLandmark());
        if (diverged !== undefined) return diverged;
      } else if (this.#isEventHere(event)) {
        const diverged = this.#isUnchecked ? undefined : this.#checkEvent(event);
        if (diverged !== undefined) return diverged;
        if (this.#isHeld(event)) return 'held';
        applyEvent(this.#machine, event.event);
        if (!this.#isUnchecked) this.#judge.note(event);
        cursor.takeEvent();
        const found = this.#found();
        if (found !== undefined) return found;
        if (event.event.kind === 'power') {
          return this.#finish({ by: 'host', cause: event.event.cause });
        }
      } else if (cursor.isAtCut) return this.#finish(undefined);
      else return undefined;
    }
  }

  /** Goes to the next place of the log, or a slice of the way there. */
  #goOn(): ReplayResult | undefined | Promise<ReplayResult | undefined> {
    const { next } = this.#cursor;
    const finder = this.#finder;
    if (finder === undefined || next === undefined) return this.#runOn(this.#cursor.nextStep);
    // Here already: what is missing are wakes.
    return finder.isAt(next.place) ? this.#runOn(this.#machine.at.step) : this.#find(finder, next);
  }

  async #find(
    finder: KeyFinder,
    next: PlacedEvent | PlacedLandmark,
  ): Promise<ReplayResult | undefined> {
    const digest = 'check' in next ? next.check?.registerDigest : next.registerDigest;
    assert(digest !== undefined, 'a key comes with a digest');
    const finding = finder.find(next.place, digest);
    let reported = this.#machine.at.step;
    for (let pieces = 1; ; pieces++) {
      const piece = finding.next();
      if (piece.done === true) {
        return piece.value.kind === 'delivered' ? undefined : this.#notFound(finder, piece.value);
      }
      const { step } = this.#machine.at;
      if (Math.abs(step - reported) < PROGRESS_STEPS && pieces % PIECES_MAX !== 0) continue;
      reported = step;
      await this.#options.onProgress?.(this.#progress());
    }
  }

  #notFound(finder: KeyFinder, miss: Miss['outcome']): ReplayResult {
    const { margin } = finder.statistics;
    return this.#missed('does not come there', { outcome: miss, margin });
  }

  /** To a step, or a slice of the way there; undefined: as far as it goes. */
  #runOn(nextStep: number | undefined): ReplayResult | undefined {
    this.#finder?.noteEntry();
    const { step } = this.#machine.at;
    const target = nextStep ?? step;
    if (target < step) return this.#missed('has passed it'); // The log is out of order.
    // What is left at this very step comes after a wake, or is the end: only the next run shows it.
    const until = target === step ? step + 1 : target;
    const slice = this.#options.sliceSteps ?? 4_000_000;
    const stop = this.#machine.run(timePoint(Math.min(until, step + slice)));
    if (stop.kind === 'halted') return this.#finish(guestEnd(stop));
    if (stop.kind === 'idle') return this.#onIdle(stop);
    if (stop.kind === 'awaits-answer') return this.#onAwaitedAnswer();
    if (this.#machine.at.step > target) return this.#missed('runs on');
    return undefined;
  }

  #onIdle(stop: Extract<Stop, { kind: 'idle' }>): ReplayResult | undefined {
    const { step } = this.#machine.at;
    const { event, landmark } = this.#cursor;
    if (step > (this.#cursor.nextStep ?? step)) return this.#missed('runs on');
    if (this.#isEventHere(event) || this.#isLandmarkHere(landmark)) return undefined;
    if (stop.deadlineTicks === undefined)
      return this.#finish({ by: 'nobody', cause: 'idle-forever' });
    return this.#wakes.wakeIfFew(this.#machine) ? undefined : this.#missed('wakes without a step');
  }

  /** The answer is in the log, at this very step. */
  #onAwaitedAnswer(): ReplayResult | undefined {
    const { event, landmark } = this.#cursor;
    if (this.#isEventHere(event) || this.#isLandmarkHere(landmark)) return undefined;
    return this.#missed("waits for another domain's answer");
  }

  /** A landmark stands before what else is at its place. */
  #isLandmarkHere(landmark: PlacedLandmark | undefined): landmark is PlacedLandmark {
    if (landmark?.eventsBefore !== this.#cursor.eventsTaken) return false;
    return this.#isAt(landmark.place);
  }

  #isEventHere(event: PlacedEvent | undefined): event is PlacedEvent {
    const isAwake = event?.wakes === this.#wakes.at(this.#machine.at.step);
    return event !== undefined && isAwake && this.#isAt(event.place);
  }

  #isHeld(event: PlacedEvent): boolean {
    const { gate } = this.#options;
    return gate !== undefined && !gate.pass({ ...event, at: this.#machine.at });
  }

  #isAt(place: TimePointKey): boolean {
    if (this.#finder !== undefined) return this.#finder.isAt(place);
    return place.count === this.#machine.at.step;
  }

  get #isUnchecked(): boolean {
    return this.#options.isUnchecked === true;
  }

  #takeLandmark(): Landmark {
    const { isVerify } = this.#options;
    return isVerify === true ? this.#machine.fullLandmark() : this.#machine.landmark();
  }

  #checkLandmark(expected: PlacedLandmark, found: Landmark): ReplayResult | undefined {
    const { number } = expected;
    const { step } = found.at;
    const isSame =
      expected.pc === found.pc &&
      isEqual(expected.registerDigest, found.registerDigest) &&
      isEqual(expected.stateDigest, found.stateDigest);
    this.#counts.note('event-key');
    this.#counts.note(step === 0 ? 'start-state' : 'landmark-state');
    const output = this.#cursor.takeLandmark();
    if (!isSame) {
      this.#options.monitor?.narrow(expected.stateDigest);
      const place = number === 0 && step === 0 ? 'start' : 'landmark';
      const [wanted, seen] = [evidence(expected, step), evidence(found, step)];
      return this.#diverged({ kind: place, number }, wanted, seen);
    }
    const diverged = this.#checkOutput(number, output);
    if (diverged !== undefined) return diverged;
    const finding = this.#found();
    if (finding !== undefined) return finding;
    this.#landmarks++;
    this.#lastMatch = { kind: 'landmark', number, step };
    this.#lastLandmark = this.#lastMatch;
    this.#eventsAtLandmark = this.#cursor.eventsTaken;
    return undefined;
  }

  /** Without a record nothing was let out since the record before. */
  #checkOutput(landmark: number, output: LoggedOutput | undefined): ReplayResult | undefined {
    const { step } = this.#machine.at;
    const place = { kind: 'output', landmark } as const;
    const outputBytes = this.#output.totalBytes;
    const expectedBytes = output?.totalBytes ?? this.#checkedOutputBytes;
    if (outputBytes !== expectedBytes) {
      return this.#diverged(place, { step, outputBytes: expectedBytes }, { step, outputBytes });
    }
    this.#checkedOutputBytes = outputBytes;
    this.#counts.note('outputs');
    if (output === undefined) return undefined;
    const outputDigest = this.#output.digest();
    this.#options.monitor?.checkOutput(outputDigest);
    if (isEqual(output.digest, outputDigest)) return undefined;
    return this.#diverged(place, { step, outputDigest: output.digest }, { step, outputDigest });
  }

  #checkEvent({ number, event, check }: PlacedEvent): ReplayResult | undefined {
    const { step } = this.#machine.at;
    this.#counts.note('event-key');
    this.#counts.note('log-order');
    if (check !== undefined) {
      this.#counts.note('event-registers');
      const registerDigest = this.#machine.registerDigest().slice(0, EVENT_CHECK_DIGEST_BYTES);
      const found = { step, pc: this.#machine.pc, registerDigest };
      if (check.pc !== found.pc || !isEqual(check.registerDigest, registerDigest)) {
        return this.#diverged({ kind: 'event', number, event }, { step, ...check }, found);
      }
    }
    this.#lastMatch = { kind: 'event', number, step };
    return undefined;
  }

  /** The machine ended or waits for ever, or (undefined) a cut log has nothing more. */
  #finish(end: EndReason | undefined): ReplayResult {
    const { footer } = this.#log;
    const { step } = this.#machine.at;
    if (end !== undefined && !this.#isEndExpected(end, step)) return this.#missed(endText(end));
    if (this.#isUnchecked) {
      const stateDigest = new Uint8Array(0);
      return { kind: 'matched', end, cut: this.#log.cut, ...this.#done(), stateDigest };
    }
    const last = this.#machine.fullLandmark(this.#options.isVerify === true ? 'all' : 'written');
    if (footer !== undefined) {
      const diverged = this.#checkEnd(footer, last);
      if (diverged !== undefined) return diverged;
    }
    const found = this.#found() ?? this.#checkSequence();
    if (found !== undefined) return found;
    const { stateDigest } = last;
    return { kind: 'matched', end, cut: this.#log.cut, ...this.#done(), stateDigest };
  }

  #checkEnd(footer: LogFooter, found: Landmark): ReplayResult | undefined {
    const { step } = found.at;
    const { stateDigest, outputBytes, outputDigest } = footer;
    const done = this.#done();
    this.#counts.note('landmark-state');
    this.#counts.note('outputs');
    this.#options.monitor?.checkOutput(done.outputDigest);
    const isSame =
      isEqual(stateDigest, found.stateDigest) &&
      outputBytes === done.outputBytes &&
      isEqual(outputDigest, done.outputDigest);
    if (isSame) return undefined;
    this.#options.monitor?.narrow(stateDigest);
    const expected = { step, stateDigest, outputBytes, outputDigest };
    return this.#diverged({ kind: 'end' }, expected, {
      ...evidence(found, step),
      ...outputOf(done),
    });
  }

  /** What the full monitor has found. */
  #found(): ReplayResult | undefined {
    const finding = this.#options.monitor?.finding;
    if (finding === undefined) return undefined;
    const { check, from, to } = finding;
    return this.#diverged({ kind: 'check', check, from }, { step: to }, { step: to });
  }

  /** Everything agreed: are the events those that were recorded, all the same? */
  #checkSequence(): ReplayResult | undefined {
    const verdict = this.#judge.judge(this.#cursor);
    if (verdict.kind !== 'differs') return undefined;
    const { step } = this.#machine.at;
    return this.#diverged({ kind: 'check', check: 'event-sequence', from: 0 }, { step }, { step });
  }

  #isEndExpected(end: EndReason, step: number): boolean {
    const { footer } = this.#log;
    if (this.#cursor.event !== undefined || this.#cursor.landmark !== undefined) return false;
    if (footer === undefined) return end.by === 'host';
    return footer.steps === step && endText(footer.end) === endText(end);
  }

  /** The machine does something else than reach the log's next place. */
  #missed(doing: string, miss?: Miss): ReplayResult {
    const { event, landmark, nextStep, next } = this.#cursor;
    const { step } = this.#machine.at;
    const found = { step, pc: this.#machine.pc, doing, ...this.#foundKey() };
    const expected = this.#expectedPlace(next?.place) ?? { step: nextStep ?? step };
    // The end may come before it; of a landmark and an event at one step the landmark is first.
    const isBeforeEnd = next?.place.counter !== 'steps' || next.place.count === nextStep;
    if (event !== undefined && event === next && isBeforeEnd) {
      const place = { kind: 'event', number: event.number, event: event.event } as const;
      const pc = event.check === undefined ? {} : { pc: event.check.pc };
      const reaches = { ...expected, ...pc, doing: 'reaches the event' };
      return this.#diverged(place, reaches, found, miss);
    }
    if (landmark !== undefined && landmark === next && isBeforeEnd) {
      const place = { kind: 'landmark', number: landmark.number } as const;
      const runsOn = { ...expected, pc: landmark.pc, doing: 'runs on' };
      return this.#diverged(place, runsOn, found, miss);
    }
    const end = this.#log.footer?.end;
    const shouldDo = end === undefined ? 'runs on' : endText(end);
    return this.#diverged({ kind: 'end' }, { ...expected, doing: shouldDo }, found);
  }

  /** The name of a place, as far as it is a key. */
  #expectedPlace(place: TimePointKey | undefined): Evidence | undefined {
    if (this.#finder === undefined || place === undefined) return undefined;
    const { count: transfers, register } = place;
    return { transfers, ...(register === undefined ? {} : { sp: register }) };
  }

  #foundKey(): Pick<Evidence, 'transfers' | 'sp'> {
    return this.#expectedPlace(this.#finder?.key()) ?? {};
  }

  #diverged(
    place: DivergencePlace,
    expected: Evidence,
    found: Evidence,
    miss?: Miss,
  ): ReplayResult {
    const done = this.#done(); // Before the rest of the log is read.
    const first = this.#eventsAtLandmark;
    const last = this.#cursor.eventsTaken - 1;
    const eventsSince = last < first ? undefined : { first, last };
    const verdict = this.#judgePremises(place, eventsSince !== undefined, miss);
    const report: DivergenceReport = {
      place,
      expected,
      found,
      lastMatch: this.#lastMatch,
      lastLandmark: this.#lastLandmark,
      eventsSince,
      registers: this.#options.readRegisters?.() ?? [],
      ...verdict,
      miss,
      next: this.#options.nextCommand,
    };
    return { kind: 'divergence', report, ...done };
  }

  /** What is known for certain goes before what is left open. */
  #judgePremises(
    place: DivergencePlace,
    hasEventsSince: boolean,
    miss: Miss | undefined,
  ): Pick<DivergenceReport, 'premises' | 'reasons'> {
    if (place.kind === 'start') return { premises: ['C1'], reasons: [] };
    const finding = this.#options.monitor?.finding;
    if (finding !== undefined) {
      const reason = `${finding.check}, steps ${finding.from} to ${finding.to}: ${finding.what}`;
      return { premises: finding.premises, reasons: [reason] };
    }
    const hasEvents = this.#cursor.eventsTaken > 0 || this.#cursor.event !== undefined;
    const sequence = this.#judge.judge(this.#cursor);
    if (sequence.kind === 'differs') {
      return { premises: sequence.premises, reasons: [`event-sequence: ${sequence.what}`] };
    }
    const premises = openPremises(place, {
      hasEventsSince,
      isKeyed: this.#finder !== undefined,
      isSkid: miss?.outcome.isSkid === true,
      isLogDoubtful: hasEvents && sequence.kind === 'unknown',
    });
    return { premises, reasons: [] };
  }

  #done(): ReplayDone {
    return {
      steps: this.#machine.at.step,
      events: this.#cursor.eventsTaken,
      landmarks: this.#landmarks,
      outputBytes: this.#output.totalBytes,
      outputDigest: this.#output.digest(),
      matching: this.#finder?.statistics,
    };
  }

  #progress(): ReplayProgress {
    const totalSteps = this.#log.footer?.steps;
    const { step } = this.#machine.at;
    return { step, totalSteps, events: this.#cursor.eventsTaken, landmarks: this.#landmarks };
  }
}

/** A search for a place tells of its progress after so many steps, or so many pieces of it. */
const PROGRESS_STEPS = 2_000_000;
const PIECES_MAX = 4096;

function evidence(landmark: PlacedLandmark | Landmark, step: number): Evidence {
  const { pc, registerDigest, stateDigest } = landmark;
  return { step, pc, registerDigest, stateDigest };
}

function outputOf({ outputBytes, outputDigest }: ReplayDone): Partial<Evidence> {
  return { outputBytes, outputDigest };
}

function endText(end: EndReason): string {
  if (end.by === 'guest') {
    return end.cause === 'failure' ? `ends: failure ${end.code}` : `ends: ${end.cause}`;
  }
  return end.by === 'nobody' ? 'waits for ever' : `is ended by the host: ${end.cause}`;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** The header says that places are named in one way, and the log names them in the other. */
export class PlacesMismatchError extends VmError {
  override readonly name = 'PlacesMismatchError';
  constructor(isKeyed: boolean) {
    const [named, other] = isKeyed ? ['branches', 'steps'] : ['steps', 'branches'];
    super("the log's header and its content do not fit", {
      where: "header field 'machine.timePoint'",
      expected: `places named by ${other}, as the header says`,
      found: `places named by ${named}`,
    });
  }
}
