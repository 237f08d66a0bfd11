/**
 * The recorder: run a slice, ask the host, stamp, log, apply (docs/architecture.md §3). With no log
 * it is the plain driver of a machine and computes neither landmarks nor digests, so that the cost
 * of recording is an honest difference.
 *
 * Invariants:
 * - every event is in the log before it is applied, with the machine's step, wakes, pc and register
 *   digest before;
 * - after a wake at the machine's own deadline it runs at least until its next stop before the host
 *   is asked.
 */
import { assert, type Hashes } from '@casmotion/base';
import type { EventKind, MachineEvent, MachineOutputs } from '@casmotion/events';
import type { EmulatedPmu, Landmark, MachineInterface, Stop } from '@casmotion/machine';
import {
  countEvents,
  type EndReason,
  EVENT_CHECK_DIGEST_BYTES,
  type EventCounts,
  type LogWriter,
} from '@casmotion/replay-log';
import { stepKey, timePoint } from '@casmotion/time-point';
import { EventSequence } from './event-sequence.ts';
import type { LiveInputs, LiveStatus } from './live-inputs.ts';
import { noOutputs, OutputDigest } from './output-digest.ts';
import { absentAnswer } from './peer-events.ts';
import { WakeCounter } from './wake-counter.ts';

export interface RecorderOptions {
  readonly machine: MachineInterface;
  readonly live: LiveInputs;
  /** Where to record; undefined: run unrecorded. */
  readonly log: { readonly writer: LogWriter; readonly hashes: Hashes } | undefined;
  /**
   * The machine's performance counter: by it the log names all places, and not by steps. Needs a
   * log.
   */
  readonly pmu?: EmulatedPmu | undefined;
  /** Where the guest's output goes; nowhere by default. */
  readonly outputs?: MachineOutputs;
  /** Steps between looks at the host. Default 1,000,000. */
  readonly sliceSteps?: number;
  /** A landmark is due after so many steps. Default 256,000,000. */
  readonly landmarkSteps?: number;
  /** A landmark is due after so many pages were written. Default 16,384. */
  readonly landmarkPages?: number;
  /**
   * A landmark is taken of a sleeping machine soon after it fell asleep, and again after so many
   * times that the host wanted the log safe and nothing else was new. Default 16: at one a second,
   * 0.3 kB a minute.
   */
  readonly quietSyncs?: number;
  /** The run is ended by a `power` event at this step. */
  readonly maxSteps?: number;
  /** Called after each slice. */
  readonly onProgress?: (progress: RecordProgress) => void;
}

export interface RecordProgress {
  readonly step: number;
  readonly events: number;
  readonly logBytes: number;
}

export interface RecordResult {
  readonly end: EndReason;
  readonly steps: number;
  /** Events applied, by kind; counted also where there is no log. */
  readonly events: EventCounts;
  /** Digests and sizes of a recording; undefined for an unrecorded run. */
  readonly recorded:
    | {
        readonly landmarks: number;
        readonly logBytes: number;
        readonly outputBytes: number;
        readonly outputDigest: Uint8Array;
        readonly stateDigest: Uint8Array;
      }
    | undefined;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #machine: MachineInterface;
  readonly #output: OutputDigest | undefined;
  readonly #wakes = new WakeCounter();
  readonly #sliceSteps: number;
  readonly #sequence: EventSequence | undefined;
  #loggedSequence = 0;
  readonly #counts: { [K in EventKind]?: number } = {};
  #loggedOutputBytes = 0;
  #landmarkStep = 0;
  #eventStep = -1;
  /** Landmarks that are not in the file yet. */
  #pendingLandmarks = 0;
  /** Events and landmarks when last made safe, and how often there were no more since then. */
  #syncedRecords = 0;
  #quietSyncs = 0;
  #isQuietSaid = false;

  constructor(options: RecorderOptions) {
    const { machine, log, outputs = noOutputs, sliceSteps = 1_000_000 } = options;
    assert(sliceSteps >= 1, `slice of ${sliceSteps} steps`);
    assert(log !== undefined || options.pmu === undefined, 'a counter without a log');
    this.#options = options;
    this.#machine = machine;
    this.#sliceSteps = sliceSteps;
    this.#output = log === undefined ? undefined : new OutputDigest(log.hashes, outputs);
    this.#sequence = log === undefined ? undefined : new EventSequence(log.hashes);
    machine.outputs = this.#output ?? outputs;
  }

  /** Runs the machine to its end and closes the log. Throws what the log's sink throws. Once. */
  async run(): Promise<RecordResult> {
    this.#begin();
    for (;;) {
      this.#options.pmu?.noteEntry();
      const stop = this.#machine.run(timePoint(this.#sliceEnd()));
      if (stop.kind === 'halted') return this.#finish(guestEnd(stop));
      if (stop.kind === 'time-point') this.#landmarkIfDue();
      const answer = await this.#ask(stop);
      if (answer === 'deadline') {
        this.#wakes.wake(this.#machine);
        continue;
      }
      if (answer === 'never') return this.#finish({ by: 'nobody', cause: 'idle-forever' });
      for (const event of answer) {
        this.#take(event);
        if (event.kind === 'power') return this.#finish({ by: 'host', cause: event.cause });
      }
    }
  }

  async #ask(stop: Stop): Promise<'deadline' | 'never' | readonly MachineEvent[]> {
    const { live, maxSteps = Infinity } = this.#options;
    this.#syncIfDue(stop);
    const status = this.#status();
    this.#report(status);
    if (status.step >= maxSteps) return [{ kind: 'power', cause: 'step-limit' }];
    if (stop.kind === 'awaits-answer') {
      return (await live.answer?.(status, stop.call)) ?? [absentAnswer(stop.call)];
    }
    if (stop.kind !== 'idle') {
      const events = live.poll(status);
      return events instanceof Promise ? await events : events;
    }
    const answer = await live.idle(status, stop.deadlineTicks);
    const hasDeadline = stop.deadlineTicks !== undefined;
    assert(hasDeadline || answer !== 'deadline', 'a wake at a deadline that there is not');
    assert(!hasDeadline || answer !== 'never', 'a deadline is not never');
    return answer;
  }

  #take(event: MachineEvent): void {
    const { step } = this.#machine.at;
    const writer = this.#options.log?.writer;
    const origin = this.#options.live.noteEvent?.(event);
    if (writer !== undefined) {
      if (origin !== undefined) {
        writer.origin({ kind: 'received', event: writer.eventCount, origin });
      }
      const registerDigest = this.#machine.registerDigest().slice(0, EVENT_CHECK_DIGEST_BYTES);
      const wakes = this.#wakes.at(step);
      const key = this.#options.pmu?.key();
      if (key === undefined) {
        writer.event(step, event, { pc: this.#machine.pc, registerDigest }, wakes);
      } else writer.keyedEvent({ key, wakes, registerDigest, event });
      this.#sequence?.note(key ?? stepKey(step), wakes, event);
      this.#eventStep = step;
    }
    this.#counts[event.kind] = (this.#counts[event.kind] ?? 0) + 1;
    applyEvent(this.#machine, event);
  }

  #begin(): void {
    const writer = this.#options.log?.writer;
    if (writer === undefined) return;
    this.#machine.enableLandmarks();
    this.#landmark(this.#machine.landmark());
    this.#sync();
  }

  #landmarkIfDue(): void {
    const { log, landmarkSteps = 256_000_000, landmarkPages = 16_384 } = this.#options;
    if (log === undefined) return;
    const steps = this.#machine.at.step - this.#landmarkStep;
    if (steps < landmarkSteps && this.#machine.pagesSinceLandmark < landmarkPages) return;
    this.#landmark(this.#machine.landmark());
    if (this.#pendingLandmarks >= LANDMARKS_PENDING_MAX) this.#sync();
  }

  /** Makes safe what was recorded, and says now and then where a quiet machine has come to. */
  #syncIfDue(stop: Stop): void {
    const { log, live, quietSyncs = 16 } = this.#options;
    if (log === undefined || live.isSyncDue?.() !== true) return;
    const records = log.writer.eventCount + log.writer.landmarkCount;
    const isQuiet = records === this.#syncedRecords && this.#mayShowHost(stop);
    this.#quietSyncs = isQuiet ? this.#quietSyncs + 1 : 0;
    this.#isQuietSaid &&= isQuiet;
    this.#syncedRecords = records;
    const isDue =
      this.#quietSyncs >=
      (this.#isQuietSaid ? quietSyncs : Math.min(quietSyncs, QUIET_SYNCS_FIRST));
    const isSaid = isDue && this.#isQuietPlace(stop);
    if (isSaid) {
      this.#landmark(this.#machine.landmark());
      this.#isQuietSaid = true;
      this.#quietSyncs = 0;
      this.#syncedRecords++;
    }
    if (isSaid || live.hasHostTime === true || this.#eventStep >= 0) this.#sync();
  }

  /**
   * May the log show when the host looked? Where no host time reaches the machine it must not,
   * unless the machine waits for the host.
   */
  #mayShowHost(stop: Stop): boolean {
    if (this.#options.live.hasHostTime === true) return true;
    return stop.kind === 'idle' && stop.deadlineTicks === undefined;
  }

  /** Is a landmark of use here, and the only thing that happened at its step? */
  #isQuietPlace(stop: Stop): boolean {
    const { step } = this.#machine.at;
    const isNew = step > this.#landmarkStep && step > this.#eventStep;
    return stop.kind === 'idle' && isNew && this.#wakes.at(step) === 0;
  }

  #sync(): void {
    this.#pendingLandmarks = 0;
    this.#options.log?.writer.sync();
  }

  #landmark(landmark: Landmark): void {
    const writer = this.#options.log?.writer;
    assert(writer !== undefined && this.#output !== undefined, 'a landmark needs a log');
    this.#landmarkStep = landmark.at.step;
    this.#pendingLandmarks++;
    const key = this.#options.pmu?.key();
    if (key === undefined) writer.landmark(landmark);
    else {
      const { registerDigest, stateDigest } = landmark;
      writer.keyedLandmark({ key, registerDigest, stateDigest });
    }
    this.#logSequence();
    if (this.#output.totalBytes === this.#loggedOutputBytes) return;
    this.#loggedOutputBytes = this.#output.totalBytes;
    writer.output(this.#output.totalBytes, this.#output.digest());
  }

  #logSequence(): void {
    const sequence = this.#sequence;
    if (sequence === undefined || sequence.events === this.#loggedSequence) return;
    this.#loggedSequence = sequence.events;
    this.#options.log?.writer.sequence(sequence.digests());
  }

  #finish(end: EndReason): RecordResult {
    const steps = this.#machine.at.step;
    const events = { ...this.#counts };
    const writer = this.#options.log?.writer;
    if (writer === undefined || this.#output === undefined) {
      return { end, steps, events, recorded: undefined };
    }
    this.#logSequence();
    const { stateDigest } = this.#machine.fullLandmark('written');
    const outputBytes = this.#output.totalBytes;
    const outputDigest = this.#output.digest();
    const { landmarks } = writer.finish({ end, steps, outputBytes, stateDigest, outputDigest });
    const logBytes = writer.sizeBytes;
    const recorded = { landmarks, logBytes, outputBytes, outputDigest, stateDigest };
    return { end, steps, events, recorded };
  }

  /** The next multiple of the slice, so that landmarks do not depend on where the machine idled. */
  #sliceEnd(): number {
    const { step } = this.#machine.at;
    const end = (Math.floor(step / this.#sliceSteps) + 1) * this.#sliceSteps;
    const { live, maxSteps = Infinity } = this.#options;
    return Math.max(step + 1, Math.min(end, step + (live.stepsMax ?? Infinity), maxSteps));
  }

  #status(): LiveStatus {
    const { at, ticks, wantedEntropyBytes } = this.#machine;
    return { step: at.step, ticks, wantedEntropyBytes };
  }

  #report({ step }: LiveStatus): void {
    const { log, onProgress } = this.#options;
    const events = log?.writer.eventCount ?? countEvents(this.#counts);
    onProgress?.({ step, events, logBytes: log?.writer.sizeBytes ?? 0 });
  }
}

/** Landmarks of a busy machine written together: a few seconds of it. */
const LANDMARKS_PENDING_MAX = 4;

/** As `quietSyncs`, since something was new; less would double what sparse events cost. */
const QUIET_SYNCS_FIRST = 5;

/** Power and markers are for the driver and the reader: they do not touch the machine. */
export function applyEvent(machine: MachineInterface, event: MachineEvent): void {
  if (event.kind !== 'power' && event.kind !== 'marker') machine.apply(event);
}

/** How the guest ended, as the log's footer says it. */
export function guestEnd({ result }: Extract<Stop, { kind: 'halted' }>): EndReason {
  const code = result.cause === 'failure' ? result.code : 0;
  return { by: 'guest', cause: result.cause, code };
}
