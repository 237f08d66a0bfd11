/**
 * When a key names a place once: proof/TimePoint.v. A run as its counters see it is a *trace*: what
 * each place shows, in the order of the run.
 */
import type { Hart } from './machine.ts';

/** What is seen at a place: TimePoint.v, `pc` and `register`. */
export interface Place {
  readonly pc: number;
  readonly register: number;
}

/** A trace with the steps between its places: `counted[i]`: the counter counts the step from i. */
export interface CountedTrace {
  readonly places: readonly Place[];
  readonly counted: readonly boolean[];
}

/** TimePoint.v, `branches`: what the counter shows at each place. */
export function branches({ places, counted }: CountedTrace): number[] {
  let count = 0;
  return places.map((_, i) => (i > 0 && counted[i - 1] === true ? ++count : count));
}

/** TimePoint.v, `iteration`: uncounted steps made at this pc since it was reached. */
export function iterations({ places, counted }: CountedTrace): number[] {
  const made: number[] = [];
  for (const [i, { pc }] of places.entries()) {
    const repeats = i > 0 && counted[i - 1] === false && places[i - 1]?.pc === pc;
    made.push(repeats ? (made[i - 1] ?? 0) + 1 : 0);
  }
  return made;
}

/**
 * TimePoint.v, `own_steps`: of the hart whose step follows, at each place; `turns[i]`: who that is.
 */
export function ownSteps(turns: readonly Hart[]): number[] {
  const made = new Map<Hart, number>();
  return turns.map((hart) => {
    const own = made.get(hart) ?? 0;
    made.set(hart, own + 1);
    return own;
  });
}

/** Two places of one name, if there are any: the first that repeats one before it. */
export function sameNames(
  names: readonly (readonly number[])[],
): readonly [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [i, parts] of names.entries()) {
    const name = parts.join();
    const before = seen.get(name);
    if (before !== undefined) return [before, i];
    seen.set(name, i);
  }
  return undefined;
}

/** The hypothesis of `branch_key_unique`: every way back to a pc passes a counted branch. */
export function everyWayBackIsCounted({ places, counted }: CountedTrace): boolean {
  return places.every(({ pc }, i) => {
    const back = places.findIndex((place, j) => j > i && place.pc === pc);
    return back < 0 || counted.slice(i, back).includes(true);
  });
}

/** The hypothesis of `falling_through_passes_branches`: what is not counted falls through. */
export function countsAllButFallThrough(trace: CountedTrace): boolean {
  return uncounted(trace, (a, b) => a.pc < b.pc);
}

/** The hypothesis of `register_key_unique`: it falls through, or repeats and the register falls. */
export function repeatsWithFallingRegister(trace: CountedTrace): boolean {
  return uncounted(trace, (a, b) => a.pc < b.pc || (a.pc === b.pc && b.register < a.register));
}

/** The hypothesis of `iteration_key_unique`: what is not counted does not go back. */
export function fallsThroughOrRepeats(trace: CountedTrace): boolean {
  return uncounted(trace, (a, b) => a.pc <= b.pc);
}

function uncounted(
  { places, counted }: CountedTrace,
  isFine: (from: Place, to: Place) => boolean,
): boolean {
  return places.every((from, i) => {
    const to = places[i + 1];
    return to === undefined || counted[i] === true || isFine(from, to);
  });
}

/** TimePoint.v, `BranchKey`: branches, pc, register. */
export type BranchKey = readonly [number, number, number];

/** TimePoint.v, `branch_before`: the register *falls* in the order of the run. */
export function branchBefore(a: BranchKey, b: BranchKey): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  if (a[1] !== b[1]) return a[1] < b[1];
  return b[2] < a[2];
}
