/**
 * Keeps guest time near host time by moving the guest's line as seldom as it can (design.md §2, "Time"). Pure: the
 * host's clock is passed in as nanoseconds, what is to be done comes back as events.
 *
 * Guest time is `ticks` (100 ns each). Where it should be: target(host) = origin + (host - hostOrigin) / 100.
 * Drift = target - ticks: above 0 the guest is late.
 *
 * Invariants:
 * - |drift| <= tolerance: nothing is done, so a guest in step with its host, or asleep, costs no log;
 * - a new line is continuous and its slope above 0: guest time never goes back, it only waits;
 * - it brings the guest back on time in about `catchUp`, and then one more line lets it run at host speed;
 * - only a guest that is late by more than `jump` (the host was suspended) is moved at once.
 */
import { assert } from '@casmotion/base';
import type { ClockLine, IdleAdvance } from '@casmotion/events';

export interface ClockKeeperOptions {
  /** Drift in ticks that is let be. Default 50,000 (5 ms): a guest's own deadlines are kept closer. */
  readonly toleranceTicks?: number;
  /** Ticks in which a drift is made good. Default 500,000 (50 ms). */
  readonly catchUpTicks?: number;
  /** Lateness in ticks that is made good at once. Default 2,000,000 (200 ms). */
  readonly jumpTicks?: number;
}

/** The machine's own time, as in `LiveStatus`. */
export interface GuestTime {
  readonly step: number;
  readonly ticks: number;
}

export const NANOSECONDS_PER_TICK = 100;
/** `slope` for one tick a step. */
const SLOPE_ONE = 2 ** 32;
const SLOPE_MAX = 2 ** 48 - 1;
/** The line a machine starts with: a nanosecond a step. */
const FIRST_TICKS_PER_STEP = 1 / NANOSECONDS_PER_TICK;
/** Weight of the newest measurement in the mean of steps a tick. */
const RATE_WEIGHT = 0.25;
/** A measurement over less than this says nothing (10 µs). */
const RATE_MIN_TICKS = 100;

export class ClockKeeper {
  readonly #tolerance: number;
  readonly #catchUp: number;
  readonly #jump: number;
  #hostOrigin: number | undefined;
  #tickOrigin = 0;
  /** Where the last measurement of speed began; undefined after a sleep. */
  #sample: { readonly host: number; readonly step: number } | undefined;
  #stepsPerTick = 1 / FIRST_TICKS_PER_STEP;
  #hasRate = false;
  /** Host time at which a drift is made good and the line is to be levelled. */
  #levelAt: number | undefined;

  constructor(options: ClockKeeperOptions = {}) {
    const { toleranceTicks = 50_000, catchUpTicks = 500_000, jumpTicks = 2_000_000 } = options;
    assert(toleranceTicks < catchUpTicks && catchUpTicks <= jumpTicks, 'tolerance < catch-up <= jump');
    this.#tolerance = toleranceTicks;
    this.#catchUp = catchUpTicks;
    this.#jump = jumpTicks;
  }

  /** Between slices: a new line, if one is needed. `hostNanoseconds` is monotonic, from any origin. */
  poll(hostNanoseconds: number, guest: GuestTime): ClockLine | undefined {
    const drift = this.#drift(hostNanoseconds, guest);
    this.#measure(hostNanoseconds, guest.step);
    if (drift > this.#jump) return this.#line(hostNanoseconds, drift, 0);
    const isLevelling = this.#levelAt !== undefined && hostNanoseconds >= this.#levelAt;
    const isDrifting = Math.abs(drift) > this.#tolerance && !this.#isCatchingUp(hostNanoseconds, drift);
    if (!this.#hasRate || (!isLevelling && !isDrifting)) return undefined;
    return this.#line(hostNanoseconds, 0, drift);
  }

  /** How long the host may sleep until the guest's deadline is due, in nanoseconds; 0 or more. */
  sleepNanoseconds(hostNanoseconds: number, guest: GuestTime, deadlineTicks: number): number {
    const drift = this.#drift(hostNanoseconds, guest);
    return Math.max(0, (deadlineTicks - guest.ticks - drift) * NANOSECONDS_PER_TICK);
  }

  /**
   * After a sleep, or for none: how the idle guest's time moves. `deadline`: to its own deadline, nothing logged.
   * `hasInput` says that something waits to be applied; then time moves to where it is, and `idle-advance` says so.
   * Undefined: it is too early, sleep on.
   */
  wake(
    hostNanoseconds: number,
    guest: GuestTime,
    deadlineTicks: number | undefined,
    hasInput: boolean,
  ): 'deadline' | IdleAdvance | undefined {
    const drift = this.#drift(hostNanoseconds, guest);
    this.#sample = undefined;
    const now = Math.max(0, Math.floor(drift));
    const untilDeadline = (deadlineTicks ?? Infinity) - guest.ticks;
    if (now - untilDeadline > this.#jump) return { kind: 'idle-advance', ticks: now };
    if (now >= untilDeadline) return 'deadline';
    return hasInput ? { kind: 'idle-advance', ticks: now } : undefined;
  }

  /** Ticks by which the guest is late; below 0 it is early. */
  #drift(hostNanoseconds: number, { ticks }: GuestTime): number {
    if (this.#hostOrigin === undefined) {
      this.#hostOrigin = hostNanoseconds;
      this.#tickOrigin = ticks;
    }
    const passed = (hostNanoseconds - this.#hostOrigin) / NANOSECONDS_PER_TICK;
    return this.#tickOrigin + passed - ticks;
  }

  /** While a line makes good a drift that is small enough for it, the drift is no reason for another. */
  #isCatchingUp(hostNanoseconds: number, drift: number): boolean {
    if (this.#levelAt === undefined) return false;
    const left = (this.#levelAt - hostNanoseconds) / NANOSECONDS_PER_TICK / this.#catchUp;
    return Math.abs(drift) <= this.#tolerance * (1 + 2 * left);
  }

  #measure(host: number, step: number): void {
    const last = this.#sample;
    this.#sample = { host, step };
    if (last === undefined) return;
    const ticks = (host - last.host) / NANOSECONDS_PER_TICK;
    const steps = step - last.step;
    if (ticks < RATE_MIN_TICKS || steps <= 0) return;
    const rate = Math.max(steps / ticks, 1e-3);
    this.#stepsPerTick = this.#hasRate
      ? this.#stepsPerTick * (1 - RATE_WEIGHT) + rate * RATE_WEIGHT
      : rate;
    this.#hasRate = true;
  }

  /** From here on: host speed, and `drift` more within the catch-up. */
  #line(host: number, jump: number, drift: number): ClockLine {
    const isLevel = Math.abs(drift) <= this.#tolerance / 4;
    const ticks = isLevel ? this.#catchUp : Math.max(this.#catchUp / 8, this.#catchUp + drift);
    this.#levelAt = isLevel ? undefined : host + this.#catchUp * NANOSECONDS_PER_TICK;
    const slope = ticks / (this.#stepsPerTick * this.#catchUp);
    const bounded = Math.min(SLOPE_MAX, Math.max(1, Math.round(slope * SLOPE_ONE)));
    return { kind: 'clock-line', jumpTicks: Math.floor(jump), slope: bounded };
  }
}
