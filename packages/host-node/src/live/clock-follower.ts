/**
 * Keeps the guest's time near the host's by as few new lines as can be: pure, fed with samples.
 *
 * A line is given only where the two differ by more than {@link TOLERANCE_TICKS}. A guest that is
 * behind jumps to the host's time; one that is ahead is slowed until the host has caught up, for
 * its time never goes back. The slope is what the machine's speed was lately.
 */
import type { ClockLine } from '@casmotion/events';

export class ClockFollower {
  #last: { readonly step: number; readonly hostTicks: number } | undefined;
  /** Host ticks a step while the machine runs; undefined until it was measured. */
  #ticksPerStep: number | undefined;
  /** How far ahead the guest was when it was slowed; 0: it is not slowed. */
  #slowedAt = 0;

  /** The machine idled or slept: time since the last sample says nothing about its speed. */
  interrupt(): void {
    this.#last = undefined;
  }

  /** `ticks` is the guest's time at `step`, `hostTicks` the host's since power-on. */
  sample(
    { step, ticks }: { readonly step: number; readonly ticks: number },
    hostTicks: number,
  ): ClockLine | undefined {
    this.#measure(step, hostTicks);
    const behind = hostTicks - ticks;
    if (this.#ticksPerStep === undefined || !this.#isLineDue(behind)) return undefined;
    this.#slowedAt = Math.max(0, -behind);
    const share = Math.max(SLOWEST, 1 - this.#slowedAt / CATCH_UP_TICKS);
    const slope = Math.round(this.#ticksPerStep * share * 2 ** 32);
    return {
      kind: 'clock-line',
      jumpTicks: Math.max(0, behind),
      slope: Math.min(Math.max(slope, 1), SLOPE_MAX),
    };
  }

  #isLineDue(behind: number): boolean {
    if (behind > TOLERANCE_TICKS) return true;
    if (this.#slowedAt === 0) return behind < -TOLERANCE_TICKS;
    // Slowed already: the host has caught up, or being slowed does not help.
    return behind >= 0 || behind < -this.#slowedAt - TOLERANCE_TICKS / 2;
  }

  #measure(step: number, hostTicks: number): void {
    const last = this.#last;
    const steps = last === undefined ? 0 : step - last.step;
    if (last !== undefined && steps < STEPS_MIN) return;
    this.#last = { step, hostTicks };
    if (last === undefined) return;
    const found = (hostTicks - last.hostTicks) / steps;
    const before = this.#ticksPerStep ?? found;
    const hasChanged = Math.abs(found - before) > before / 4;
    this.#ticksPerStep = before + (found - before) * (hasChanged ? WEIGHT_CHANGED : WEIGHT);
  }
}

/** 4 ms: with a slice's length on top it stays well below 20 ms. */
const TOLERANCE_TICKS = 40_000;
/** A guest that is ahead is slowed so that the host catches up within 100 ms. */
const CATCH_UP_TICKS = 1_000_000;
const SLOWEST = 1 / 8;
const SLOPE_MAX = 2 ** 48 - 1;
/** Shorter runs are mostly overhead. */
const STEPS_MIN = 200_000;
/** Of the newest sample in the running mean: little for noise, much where the speed changes. */
const WEIGHT = 0.1;
const WEIGHT_CHANGED = 0.6;
