/**
 * Keeps guest time near host time by moving the guest's line as seldom as it can
 * (docs/architecture.md §4). Pure: the host's clock is passed in, what is to be done comes back as
 * events.
 *
 * All times are ticks of 100 ns since power-on; the host's may have a fraction. Drift is host time
 * less guest time: above 0 the guest is late.
 *
 * Invariants:
 * - |drift| <= tolerance: nothing is done, so a guest in step with its host, or asleep, costs no
 *   log;
 * - a new line is continuous and its slope above 0: guest time never goes back, it only waits;
 * - it makes good the drift in about `catchUp`, sooner if the guest is ahead, and then one more
 *   line lets it run level;
 * - a slice is short enough that a guest cannot get far ahead in it, however fast it turns out;
 * - only a guest that is late by more than `jump` is moved at once: it stays within 20 ms also on a
 *   host that lets it run by fits and starts;
 * - asleep it lives through each of its deadlines, a little late if need be, unless it is late by
 *   more than `suspend`.
 */
import { assert } from '@casmotion/base';
import type { ClockLine, IdleAdvance } from '@casmotion/events';

export interface ClockKeeperOptions {
  /** Drift that is let be. Default 40,000 (4 ms): a guest's own deadlines are kept closer. */
  readonly toleranceTicks?: number;
  /** Time in which a drift is made good. Default 500,000 (50 ms). */
  readonly catchUpTicks?: number;
  /** Lateness of a running guest that is made good at once. Default 100,000 (10 ms). */
  readonly jumpTicks?: number;
  /** Lateness of a sleep that means a suspended host. Default 500,000 (50 ms). */
  readonly suspendTicks?: number;
}

/** The machine's own time, as in `LiveStatus`. */
export interface GuestTime {
  readonly step: number;
  readonly ticks: number;
}

export class ClockKeeper {
  readonly #tolerance: number;
  readonly #catchUp: number;
  readonly #jump: number;
  readonly #suspend: number;
  /** Where the last measurement of speed began; undefined after a sleep. */
  #sample: { readonly step: number; readonly hostTicks: number } | undefined;
  /** Host ticks a step while the machine runs; undefined until it was measured. */
  #ticksPerStep: number | undefined;
  /** As measured last. */
  #newest = Infinity;
  /** The newest speed measured was far below the running mean. */
  #isSlow = false;
  /** The line makes good a drift: which, and when it is to be level again. */
  #slope: { readonly drift: number; readonly levelAt: number } | undefined;
  /** Of the newest line; before there is one, a nanosecond a step. */
  #lineTicksPerStep = 0.01;
  #stepsMax = Infinity;

  constructor(options: ClockKeeperOptions = {}) {
    const { toleranceTicks = 40_000, catchUpTicks = 500_000 } = options;
    const { jumpTicks = 100_000, suspendTicks = 500_000 } = options;
    assert(toleranceTicks < catchUpTicks && toleranceTicks < jumpTicks, 'tolerance is least');
    this.#tolerance = toleranceTicks;
    this.#catchUp = catchUpTicks;
    this.#jump = jumpTicks;
    this.#suspend = suspendTicks;
  }

  /** Steps after which the host's clock is to be looked at again. */
  get stepsMax(): number {
    return this.#stepsMax;
  }

  /** Between slices: a new line, if one is needed. */
  sample(guest: GuestTime, hostTicks: number): ClockLine | undefined {
    this.#measure(guest.step, hostTicks);
    const drift = hostTicks - guest.ticks;
    const isDue = this.#ticksPerStep !== undefined && this.#isLineDue(drift, hostTicks);
    const jumpTicks = isDue && drift > this.#jump ? Math.floor(drift) : 0;
    const line = isDue ? this.#line(jumpTicks, drift - jumpTicks, hostTicks) : undefined;
    const gain = Math.max(GAIN_MIN_TICKS, GAIN_TICKS + Math.min(0, drift - jumpTicks));
    this.#stepsMax = Math.max(SLICE_STEPS_MIN, Math.floor(gain / this.#lineTicksPerStep));
    return line;
  }

  /**
   * While the machine idles: how its time moves. `deadline`: to its own deadline, nothing logged.
   * An advance: to where the host is, because something came (`hasInput`) or because the host was
   * suspended and the guest need not live through each of its deadlines. Undefined: nothing yet,
   * sleep until the deadline (`deadlineTicks - hostTicks`) or an input. An input that comes with a
   * deadline is for after it.
   */
  wake(
    guest: GuestTime,
    hostTicks: number,
    deadlineTicks: number | undefined,
    hasInput: boolean,
  ): 'deadline' | IdleAdvance | undefined {
    // Time until the next sample says nothing about the machine's speed.
    this.#sample = undefined;
    const lateTicks = hostTicks - (deadlineTicks ?? Infinity);
    const ticks = Math.max(0, Math.floor(hostTicks - guest.ticks));
    if (lateTicks > this.#suspend) return { kind: 'idle-advance', ticks };
    if (lateTicks >= -EARLY_TICKS) return 'deadline';
    return hasInput ? { kind: 'idle-advance', ticks } : undefined;
  }

  #isLineDue(drift: number, hostTicks: number): boolean {
    if (this.#slope === undefined) return Math.abs(drift) > this.#tolerance;
    const isWorse = Math.abs(drift) > Math.abs(this.#slope.drift) + this.#tolerance / 2;
    const hasCrossed = Math.sign(drift) !== Math.sign(this.#slope.drift);
    return isWorse || hasCrossed || hostTicks >= this.#slope.levelAt;
  }

  #measure(step: number, hostTicks: number): void {
    const last = this.#sample;
    const steps = last === undefined ? 0 : step - last.step;
    if (last !== undefined && steps < STEPS_MIN) return;
    this.#sample = { step, hostTicks };
    if (last === undefined) return;
    const measured = Math.max(hostTicks - last.hostTicks, 1) / steps;
    const before = this.#ticksPerStep ?? measured;
    // A slow slice is mostly another program's. A guest that is late by it is moved at once; one
    // that runs on as if it were the speed gets far ahead, and may not go back.
    const found = Math.min(measured, before * SLOWER_MAX);
    this.#newest = found;
    const hasChanged = Math.abs(found - before) > before / 4;
    const isSlow = hasChanged && found > before;
    const isFirst = isSlow && !this.#isSlow;
    this.#isSlow = isSlow;
    this.#ticksPerStep = before;
    if (isFirst) return;
    this.#ticksPerStep = before + (found - before) * (hasChanged ? WEIGHT_CHANGED : WEIGHT);
  }

  /** Host speed from here on, and what is left of the drift made good within the catch-up. */
  #line(jumpTicks: number, drift: number, hostTicks: number): ClockLine {
    const ticksPerStep = this.#ticksPerStep ?? 0;
    const isLevel = Math.abs(drift) <= this.#tolerance / 2;
    this.#slope = isLevel ? undefined : { drift, levelAt: hostTicks + this.#catchUp };
    const share = isLevel ? 1 : Math.max(SLOWEST, 1 + drift / (drift < 0 ? BRAKE : this.#catchUp));
    // The mean is slow to forget what held the machine up; a guest that is ahead cannot wait.
    const isPast = drift < 0 && this.#newest < ticksPerStep * 0.75;
    const speed = isPast ? this.#newest : ticksPerStep;
    const slope = Math.round(speed * share * 2 ** 32);
    const bounded = Math.min(SLOPE_MAX, Math.max(1, slope));
    this.#lineTicksPerStep = bounded / 2 ** 32;
    return { kind: 'clock-line', jumpTicks, slope: bounded };
  }
}

const SLOPE_MAX = 2 ** 48 - 1;
/** A host's timers are late by up to a millisecond: half of that is not worth one. */
const EARLY_TICKS = 5_000;
/** What one sample may say about a machine that became slower. */
const SLOWER_MAX = 2;
/** A guest that is ahead by 10 ms or more all but waits: it may turn out faster than is known. */
const BRAKE = 100_000;
const SLOWEST = 1 / 1024;
/** Shorter runs are mostly overhead. */
const STEPS_MIN = 200_000;
/** 6 ms: what a guest may gain on its host in a slice that takes no time, less what it is ahead. */
const GAIN_TICKS = 60_000;
const GAIN_MIN_TICKS = 10_000;
/** For a machine of a million steps a second, or one that is held up so much. */
const SLICE_STEPS_MIN = 2_000;
/** Of the newest sample in the running mean: little for noise, much where the speed changes. */
const WEIGHT = 0.1;
const WEIGHT_CHANGED = 0.6;
