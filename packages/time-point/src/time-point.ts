/**
 * A time point names the place between two steps of a machine. Steps count instructions attempted,
 * over the whole machine and from its first one, so the number of steps already made is unique and
 * ordered by itself: it is the key. Program counter and register digest, where recorded, are
 * checks. docs/architecture.md §4, premise C6.
 */
import { assert } from '@casmotion/base';

/** Steps made before this place; 0 is before the first instruction. A safe integer. */
export interface TimePoint {
  readonly step: number;
}

/** Negative, 0 or positive as `a` comes before, at or after `b`. */
export function compareTimePoints(a: TimePoint, b: TimePoint): number {
  return a.step - b.step;
}

/** A checked time point. */
export function timePoint(step: number): TimePoint {
  assert(Number.isSafeInteger(step) && step >= 0, `step ${step}`);
  return { step };
}
