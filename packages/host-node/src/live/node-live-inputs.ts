/**
 * The live side of the seam on Node: clock, console, entropy, time-outs and power requests, as
 * events for the recorder. Everything that the host decides comes from the options, so that tests
 * can decide it.
 *
 * Invariants:
 * - a power event comes alone; else events come in the order console, entropy, clock;
 * - while the machine idles, time moves to where the host's clock is and never past the deadline;
 * - without `clock` no host time reaches the machine at all.
 */
import type { MachineEvent, PowerEvent } from '@casmotion/events';
import type { IdleAnswer, LiveInputs, LiveStatus } from '@casmotion/recorder';
import { EVENT_LIMITS } from '@casmotion/replay-log';
import type { ConsoleSource } from '../console/console-input.ts';
import { breathe, type ElapsedNanoseconds, type Wake } from './host-clock.ts';

/** Keeps the guest's time near the host's. */
export interface GuestClock {
  /** The machine idles: time until the next sample says nothing about its speed. */
  interrupt(): void;
  /** The new line, if the old one has drifted too far from `hostTicks`. */
  sample(status: LiveStatus, hostTicks: number): MachineEvent | undefined;
}

export interface LiveOptions {
  /** Present: guest time follows the host's. Absent: it is virtual, and idle time is skipped. */
  readonly clock: GuestClock | undefined;
  /** Host time since power-on. */
  readonly elapsed: ElapsedNanoseconds;
  readonly console: ConsoleSource | undefined;
  /** Which console is typed at; see `ConsoleInput` of @casmotion/events. */
  readonly consoleNumber: number;
  /** As many random bytes. */
  readonly entropy: (sizeBytes: number) => Uint8Array;
  /** After so much host time the machine is ended. */
  readonly timeoutSeconds: number | undefined;
  /** Set whenever console or power have something new. */
  readonly wake: Wake;
}

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

  /** Ends the machine at the next look at the host. The first request counts. */
  requestPower(cause: PowerEvent['cause']): void {
    this.#power ??= cause;
    this.#options.wake.set();
  }

  poll(status: LiveStatus): readonly MachineEvent[] | Promise<readonly MachineEvent[]> {
    const now = this.#options.elapsed();
    if (now - this.#breathAt < BREATH_INTERVAL) return this.#pollAt(status, now);
    this.#breathAt = now;
    return breathe().then(() => this.#pollAt(status, this.#options.elapsed()));
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    const { clock, console, elapsed, wake } = this.#options;
    clock?.interrupt();
    const startedAt = elapsed();
    if (startedAt - this.#breathAt >= BREATH_INTERVAL) {
      this.#breathAt = startedAt;
      await breathe();
    }
    for (;;) {
      const now = elapsed();
      const events = this.#collect(status, now);
      if (events.length > 0) return this.#withAdvance(events, status, now, deadlineTicks);
      if (deadlineTicks !== undefined && this.#isDue(deadlineTicks, now)) return 'deadline';
      const canComeLater = console !== undefined && !console.isEnded;
      if (deadlineTicks === undefined && !canComeLater) return 'never';
      const wakeAt = Math.min(this.#timeoutAt, (deadlineTicks ?? Infinity) * TICK_NANOSECONDS);
      await wake.sleep(Math.max(0, wakeAt - now));
    }
  }

  isSyncDue(): boolean {
    const now = this.#options.elapsed();
    if (now < this.#syncAt) return false;
    this.#syncAt = now + SYNC_INTERVAL;
    return true;
  }

  #pollAt(status: LiveStatus, now: number): readonly MachineEvent[] {
    const events = this.#collect(status, now);
    if (events[0]?.kind === 'power') return events;
    const line = this.#options.clock?.sample(status, hostTicks(now));
    return line === undefined ? events : [...events, line];
  }

  /** Under the virtual clock idle time is skipped: every deadline is due. */
  #isDue(deadlineTicks: number, now: number): boolean {
    if (this.#options.clock === undefined) return true;
    return hostTicks(now) + DEADLINE_SLACK_TICKS >= deadlineTicks;
  }

  /** What came while the machine idled, after the time that it idled until then. */
  #withAdvance(
    events: MachineEvent[],
    status: LiveStatus,
    now: number,
    deadlineTicks = Infinity,
  ): readonly MachineEvent[] {
    if (this.#options.clock === undefined || events[0]?.kind === 'power') return events;
    const ticks = Math.min(hostTicks(now), deadlineTicks) - status.ticks;
    return ticks < ADVANCE_MIN_TICKS ? events : [{ kind: 'idle-advance', ticks }, ...events];
  }

  #collect({ wantedEntropyBytes }: LiveStatus, now: number): MachineEvent[] {
    if (now >= this.#timeoutAt) this.#power ??= 'timeout';
    if (this.#power !== undefined) return [{ kind: 'power', cause: this.#power }];
    const { console, consoleNumber, entropy } = this.#options;
    const events: MachineEvent[] = [];
    const typed = console?.take(CONSOLE_BYTES_MAX);
    if (typed !== undefined) {
      events.push({ kind: 'console-input', console: consoleNumber, bytes: typed });
    }
    if (wantedEntropyBytes > 0) {
      const sizeBytes = Math.min(wantedEntropyBytes, EVENT_LIMITS.entropyBytes);
      events.push({ kind: 'entropy', bytes: entropy(sizeBytes) });
    }
    return events;
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
/** Timers are late by up to a millisecond: half of that is not worth one. */
const DEADLINE_SLACK_TICKS = 5_000;
/** Shorter idling is left to the clock's line. */
const ADVANCE_MIN_TICKS = 10_000;
/** A piped-in file reaches the guest in pieces, so that its queue stays short. */
const CONSOLE_BYTES_MAX = 4096;
