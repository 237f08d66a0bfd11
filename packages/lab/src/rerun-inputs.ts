/**
 * Brings a fresh machine to where a log's prefix ends, as the live inputs of a recorder: the new
 * log begins as the old one, and goes on from there with other inputs. Each event is compared like
 * in a replay.
 *
 * Invariants: an event is given only at its own step and wake, with pc and registers as recorded;
 * nothing is asked of what `thenLive` gives before `untilStep`.
 */
import { VmError } from '@casmotion/base';
import type { MachineEvent, PeerCall } from '@casmotion/events';
import type { MachineInterface } from '@casmotion/machine';
import type { IdleAnswer, LiveInputs, LiveStatus } from '@casmotion/recorder';
import {
  EVENT_CHECK_DIGEST_BYTES,
  type EventOrigin,
  type LoggedEvent,
} from '@casmotion/replay-log';
import type { LabMember } from './lab-member.ts';
import type { OriginCursor, Provenance } from './origin-cursor.ts';

export interface RerunOptions {
  /** For messages: whose domain this is. */
  readonly name: string;
  readonly machine: MachineInterface;
  readonly member: LabMember;
  readonly events: Iterator<LoggedEvent, void>;
  readonly origins: OriginCursor;
  /** How many of the events are kept. */
  readonly keep: number;
  /**
   * The machine runs on until here, or until it cannot without new events; it may be a step
   * further, for a recorder asks after a step.
   */
  readonly untilStep: number;
  /** Gives what comes after. Called once, when the machine is there. */
  readonly thenLive: () => LiveInputs;
  /** An incarnation begins with the next event: one of the old log, to be written again. */
  readonly onIncarnation: (incarnation: number) => void;
}

export class RerunInputs implements LiveInputs {
  readonly #options: RerunOptions;
  #taken = 0;
  #next: LoggedEvent | undefined;
  #given: Provenance[] = [];
  #wakes = { step: -1, count: 0 };
  #then: LiveInputs | undefined;

  constructor(options: RerunOptions) {
    this.#options = options;
    options.member.rerun();
    this.#advance();
  }

  get stepsMax(): number {
    if (this.#then !== undefined) return this.#then.stepsMax ?? Infinity;
    const { machine, untilStep } = this.#options;
    const left = (this.#next?.at.step ?? untilStep) - machine.at.step;
    return Math.max(1, left);
  }

  get hasHostTime(): boolean {
    return this.#then?.hasHostTime ?? false;
  }

  isSyncDue(): boolean {
    return this.#then?.isSyncDue?.() ?? false;
  }

  poll(status: LiveStatus): readonly MachineEvent[] | Promise<readonly MachineEvent[]> {
    const due = this.#due(status);
    if (due.length > 0) return due;
    const live = this.#liveAt(status);
    return live === undefined ? [] : live.poll(status);
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    const due = this.#due(status);
    if (due.length > 0) return due;
    const live = this.#liveAt(status, deadlineTicks === undefined);
    if (live !== undefined) return live.idle(status, deadlineTicks);
    if (deadlineTicks === undefined) throw this.#lost(status, 'waits for ever');
    const count = this.#wakes.step === status.step ? this.#wakes.count : 0;
    this.#wakes = { step: status.step, count: count + 1 };
    return 'deadline';
  }

  async answer(status: LiveStatus, call: PeerCall): Promise<readonly MachineEvent[]> {
    this.#options.member.noteCall();
    const due = this.#due(status);
    if (due.length > 0) return due;
    const live = this.#liveAt(status, true);
    const answer = await live?.answer?.(status, call);
    if (answer === undefined) throw this.#lost(status, "waits for another domain's answer");
    return answer;
  }

  noteEvent(event: MachineEvent): EventOrigin | undefined {
    const provenance = this.#given.shift();
    if (provenance === undefined) return this.#then?.noteEvent?.(event);
    const { member, onIncarnation } = this.#options;
    if (provenance.incarnation !== undefined) {
      onIncarnation(provenance.incarnation);
      member.clock.begin(provenance.incarnation);
    }
    return member.note(event, provenance.origin);
  }

  /**
   * The events of just here. Those of one place were given together or not: it makes no difference.
   */
  #due({ step }: LiveStatus): MachineEvent[] {
    const wakes = this.#wakes.step === step ? this.#wakes.count : 0;
    const events: MachineEvent[] = [];
    for (let next = this.#next; next?.at.step === step && next.wakes === wakes; next = this.#next) {
      // What was compared once at this place holds for those that follow only after they are
      // applied.
      if (events.length === 0) this.#compare(next);
      events.push(next.event);
      this.#given.push(this.#options.origins.take(next.number));
      this.#advance();
    }
    if ((this.#next?.at.step ?? Infinity) < step) throw this.#lost({ step }, 'runs on');
    return events;
  }

  #compare({ number, at, check }: LoggedEvent): void {
    if (check === undefined) return;
    const { machine } = this.#options;
    const found = machine.registerDigest().subarray(0, EVENT_CHECK_DIGEST_BYTES);
    const isSame = check.registerDigest.every((byte, index) => byte === found[index]);
    if (isSame && check.pc === machine.pc) return;
    const place = `event ${number}, step ${at.step}`;
    throw new RerunError(
      this.#options.name,
      place,
      `other registers, pc 0x${machine.pc.toString(16)}`,
    );
  }

  /** `isStuck`: it cannot get further by itself. */
  #liveAt({ step }: { readonly step: number }, isStuck = false): LiveInputs | undefined {
    if (this.#next !== undefined) return undefined;
    if (step < this.#options.untilStep && !isStuck) return undefined;
    this.#then ??= this.#options.thenLive();
    return this.#then;
  }

  #lost({ step }: { readonly step: number }, doing: string): RerunError {
    const place = this.#next === undefined ? 'its end' : `event ${this.#next.number}`;
    return new RerunError(this.#options.name, place, `the machine ${doing} at step ${step}`);
  }

  #advance(): void {
    const { events, keep } = this.#options;
    const next = this.#taken < keep ? events.next() : undefined;
    this.#next = next === undefined || next.done === true ? undefined : next.value;
    this.#taken++;
  }
}

/** A log's prefix could not be brought back. */
export class RerunError extends VmError {
  override readonly name = 'RerunError';
  constructor(name: string, where: string, found: string) {
    super(`the recording of ${name} does not come back as it was`, {
      where,
      found,
      next: `see where it differs: casmotion verify DIR --alone ${name}`,
    });
  }
}
