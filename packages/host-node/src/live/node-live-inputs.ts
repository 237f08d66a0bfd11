/**
 * The live side of the seam on Node: clock, console, entropy, time-outs and power requests, as
 * events for the recorder. Everything that the host decides comes from the options, so that tests
 * can decide it.
 *
 * Invariants:
 * - a power event comes alone; else events come in the order console, entropy, peers, clock;
 * - while the machine idles, its time moves as the clock keeper says; what comes with a deadline
 *   comes after it;
 * - an idle machine is looked at once a second, whatever comes;
 * - without `clock` no host time reaches the machine at all.
 */
import type { MachineEvent, PeerCall, PowerEvent } from '@casmotion/events';
import { LAB_SLICE_STEPS, type LabMember } from '@casmotion/lab';
import {
  absentAnswer,
  type ClockKeeper,
  type IdleAnswer,
  type LiveInputs,
  type LiveStatus,
} from '@casmotion/recorder';
import { EVENT_LIMITS, type EventOrigin } from '@casmotion/replay-log';
import type { ConsoleSource } from '../console/console-input.ts';
import { breathe, type ElapsedNanoseconds, type Wake } from './host-clock.ts';

export interface LiveOptions {
  /** Present: guest time follows the host's. Absent: it is virtual, and idle time is skipped. */
  readonly clock: ClockKeeper | undefined;
  /** Host time since power-on. */
  readonly elapsed: ElapsedNanoseconds;
  readonly console: ConsoleSource | undefined;
  /** Which console is typed at; see `ConsoleInput` of @casmotion/events. */
  readonly consoleNumber: number;
  /** As many random bytes. */
  readonly entropy: (sizeBytes: number) => Uint8Array;
  /** After so much host time the machine is ended. */
  readonly timeoutSeconds: number | undefined;
  /** Set whenever console, power or peers have something new. */
  readonly wake: Wake;
  /** Of a domain in a lab. */
  readonly peers?: PeerSource;
}

/** The part of a lab's member that gives events. */
export type PeerSource = Pick<
  LabMember,
  'hasInput' | 'isEnded' | 'isHeld' | 'take' | 'note' | 'noteCall'
>;

export class NodeLiveInputs implements LiveInputs {
  readonly #options: LiveOptions;
  readonly #timeoutAt: number;
  #power: PowerEvent['cause'] | undefined;
  #breathAt = 0;
  #syncAt = SYNC_INTERVAL;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#timeoutAt = (options.timeoutSeconds ?? Infinity) * 1e9;
  }

  get hasHostTime(): boolean {
    return this.#options.clock !== undefined;
  }

  /** Ends the machine at the next look at the host. The first request counts. */
  requestPower(cause: PowerEvent['cause']): void {
    this.#power ??= cause;
    this.#options.wake.set();
  }

  poll(status: LiveStatus): readonly MachineEvent[] | Promise<readonly MachineEvent[]> {
    const now = this.#options.elapsed();
    if (this.#options.peers?.isHeld === true) return this.#pollHeld(status);
    if (now - this.#breathAt < BREATH_INTERVAL) return this.#pollAt(status, now);
    this.#breathAt = now;
    return breathe().then(() => this.#pollAt(status, this.#options.elapsed()));
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    const { elapsed, wake } = this.#options;
    const startedAt = elapsed();
    if (startedAt - this.#breathAt >= BREATH_INTERVAL) {
      this.#breathAt = startedAt;
      await breathe();
    }
    const lookAt = startedAt + SYNC_INTERVAL;
    const deadlineAt = (deadlineTicks ?? Infinity) * TICK_NANOSECONDS;
    for (;;) {
      const now = elapsed();
      const answer = this.#idleAt(status, now, deadlineTicks);
      if (answer !== undefined) return answer;
      if (now >= lookAt) return []; // The recorder has a look, and asks again.
      const wakeAt = Math.min(this.#timeoutAt, deadlineAt, lookAt);
      await wake.sleep(Math.max(0, wakeAt - now));
    }
  }

  /** Asks once; later only waits. What others ask meanwhile is let through. */
  async answer(_status: LiveStatus, call: PeerCall): Promise<readonly MachineEvent[]> {
    const { elapsed, wake, peers } = this.#options;
    if (peers === undefined) return [absentAnswer(call)];
    peers.noteCall();
    const lookAt = elapsed() + SYNC_INTERVAL;
    for (;;) {
      const now = elapsed();
      const power = this.#powerAt(now);
      if (power !== undefined) return [power];
      const events = peers.take();
      if (events.length > 0 || now >= lookAt) return events;
      await wake.sleep(Math.max(0, Math.min(this.#timeoutAt, lookAt) - now));
    }
  }

  noteEvent(event: MachineEvent): EventOrigin | undefined {
    return this.#options.peers?.note(event);
  }

  /**
   * A guest that follows the host's time must not get far ahead of it before the next look, and one
   * with peers looks often. One that is held makes a step only to take what has come.
   */
  get stepsMax(): number {
    const { clock, peers } = this.#options;
    const steps = clock?.stepsMax ?? Infinity;
    if (peers === undefined) return steps;
    return peers.isHeld ? 1 : Math.min(steps, LAB_SLICE_STEPS);
  }

  isSyncDue(): boolean {
    const now = this.#options.elapsed();
    if (now < this.#syncAt) return false;
    this.#syncAt = now + SYNC_INTERVAL;
    return true;
  }

  async #pollHeld(status: LiveStatus): Promise<readonly MachineEvent[]> {
    const { peers, wake, elapsed } = this.#options;
    if (peers?.hasInput !== true) await wake.sleep(HELD_INTERVAL);
    return this.#pollAt(status, elapsed());
  }

  #pollAt(status: LiveStatus, now: number): readonly MachineEvent[] {
    const power = this.#powerAt(now);
    if (power !== undefined) return [power];
    const events = this.#collect(status);
    const line = this.#options.clock?.sample(status, hostTicks(now));
    return line === undefined ? events : [...events, line];
  }

  /** Undefined: there is nothing yet. Under the virtual clock every deadline is due. */
  #idleAt(
    status: LiveStatus,
    now: number,
    deadlineTicks: number | undefined,
  ): IdleAnswer | undefined {
    const { clock, console, peers } = this.#options;
    const power = this.#powerAt(now);
    if (power !== undefined) return [power];
    const hasInput =
      console?.hasInput === true || status.wantedEntropyBytes > 0 || peers?.hasInput === true;
    const moved = clock?.wake(status, hostTicks(now), deadlineTicks, hasInput);
    if (moved === 'deadline') return moved;
    const events = this.#collect(status);
    if (moved !== undefined && moved.ticks >= ADVANCE_MIN_TICKS) return [moved, ...events];
    if (events.length > 0) return events;
    if (deadlineTicks !== undefined) return clock === undefined ? 'deadline' : undefined;
    const isSilent = console === undefined || console.isEnded;
    return isSilent && (peers === undefined || peers.isEnded) ? 'never' : undefined;
  }

  #powerAt(now: number): PowerEvent | undefined {
    if (now >= this.#timeoutAt) this.#power ??= 'timeout';
    return this.#power === undefined ? undefined : { kind: 'power', cause: this.#power };
  }

  #collect({ wantedEntropyBytes }: LiveStatus): MachineEvent[] {
    const { console, consoleNumber, entropy, peers } = this.#options;
    const events: MachineEvent[] = [];
    const typed = console?.take(CONSOLE_BYTES_MAX);
    if (typed !== undefined) {
      events.push({ kind: 'console-input', console: consoleNumber, bytes: typed });
    }
    if (wantedEntropyBytes > 0) {
      const sizeBytes = Math.min(wantedEntropyBytes, EVENT_LIMITS.entropyBytes);
      events.push({ kind: 'entropy', bytes: entropy(sizeBytes) });
    }
    return peers === undefined ? events : [...events, ...peers.take()];
  }
}

/** Ticks of the guest's timebase, 10 MHz. */
function hostTicks(nanoseconds: number): number {
  return Math.floor(nanoseconds / TICK_NANOSECONDS);
}

const TICK_NANOSECONDS = 100;
/** Keys and signals are seen within this; a turn of the event loop costs a few microseconds. */
const BREATH_INTERVAL = 5e6;
/** What a crash of the host may cost. An fsync takes milliseconds. */
const SYNC_INTERVAL = 1e9;
/** A domain that sent too much looks again whether it may go on. */
const HELD_INTERVAL = 10e6;
/** Shorter idling is left to the clock's line. */
const ADVANCE_MIN_TICKS = 10_000;
/** A piped-in file reaches the guest in pieces, so that its queue stays short. */
const CONSOLE_BYTES_MAX = 4096;
