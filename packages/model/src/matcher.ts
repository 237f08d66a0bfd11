/**
 * The matcher: proof/Matcher.v, and an obvious, slow reference for it that scans the whole trace.
 * {@link next} is the model of `Matcher.next` of packages/time-point; {@link scan} knows nothing of
 * how a place is found.
 */

/** Matcher.v, `Observation`: what a processor shows at a place. */
export interface Observation {
  readonly count: number;
  readonly pc: number;
  readonly register: number;
  readonly check: number;
}

/** Matcher.v, `Target`: what it would show after so many steps, until it ends. At least one. */
export type Target = readonly Observation[];

/** Matcher.v, `Key`. */
export interface MatchKey {
  readonly count: number;
  readonly pc: number | undefined;
  readonly register: number | undefined;
}

/** Matcher.v, `counts_by_ones`: a step adds one to the counter or nothing. */
export function countsByOnes(target: Target): boolean {
  return target.every(({ count }, i) => {
    const next = target[i + 1]?.count ?? count;
    return count <= next && next <= count + 1;
  });
}

/** Matcher.v, `shows_key`. */
export function showsKey(key: MatchKey, seen: Observation): boolean {
  const isAt = (part: number | undefined, value: number): boolean =>
    part === undefined || part === value;
  return key.count === seen.count && isAt(key.pc, seen.pc) && isAt(key.register, seen.register);
}

/** What there is to find, by looking at every place from `from` on. */
export type Scan =
  /** The first place that shows the key, and the check agrees there. */
  | { readonly kind: 'delivered'; readonly place: number }
  /** The first place that shows the key, and the check does not agree. */
  | { readonly kind: 'mismatch'; readonly place: number }
  /** There is none: the run goes past the count, or ends before. */
  | { readonly kind: 'overshoot' | 'undershoot'; readonly differs: 'count' | 'pc' | 'register' };

/** The reference. `check` undefined: nothing is compared. */
export function scan(target: Target, from: number, key: MatchKey, check: number | undefined): Scan {
  const ahead = target.slice(from);
  const found = ahead.findIndex((seen) => showsKey(key, seen));
  if (found >= 0) {
    const isChecked = check === undefined || ahead[found]?.check === check;
    return { kind: isChecked ? 'delivered' : 'mismatch', place: from + found };
  }
  const isPassed = ahead.some(({ count }) => count > key.count);
  const inInterval = ahead.filter(({ count }) => count === key.count);
  const isPcSeen = inInterval.some(({ pc }) => key.pc === undefined || pc === key.pc);
  const differs = inInterval.length === 0 ? 'count' : isPcSeen ? 'register' : 'pc';
  return { kind: isPassed ? 'overshoot' : 'undershoot', differs };
}

/** Matcher.v, `Action`. */
export type Action =
  | { readonly do: 'run-to-count'; readonly count: number }
  | { readonly do: 'run-to-breakpoint'; readonly pc: number; readonly guard: number }
  | { readonly do: 'step' };

/** Matcher.v, `Outcome`. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'overshoot' | 'undershoot'; readonly isSkid: boolean };

/** Matcher.v, `Memory`: is a run to a count under way, and where did the counter land last? */
export interface Memory {
  readonly isArmed: boolean;
  readonly landed: number | undefined;
}

export const FRESH: Memory = { isArmed: false, landed: undefined };

/** What a matcher looks for, and how. */
export interface Search {
  readonly key: MatchKey;
  /** In counts. */
  readonly margin: number;
  readonly check: number | undefined;
}

export type Next =
  | { readonly outcome: Outcome }
  | { readonly outcome?: never; readonly action: Action; readonly memory: Memory };

/** Matcher.v, `next`: an outcome, or what to do and what to remember. */
export function next(
  { key, margin, check }: Search,
  before: Memory,
  seen: Observation,
  isEnded: boolean,
): Next {
  const memory = before.isArmed ? { isArmed: false, landed: seen.count } : before;
  const isSkid = memory.landed !== undefined && memory.landed >= key.count;
  if (seen.count > key.count) return { outcome: { kind: 'overshoot', isSkid } };
  if (seen.count === key.count) {
    if (showsKey(key, seen)) {
      const isChecked = check === undefined || check === seen.check;
      return { outcome: { kind: isChecked ? 'delivered' : 'mismatch' } };
    }
    if (isEnded) return { outcome: { kind: 'undershoot', isSkid } };
    const isHere = key.pc === undefined || key.pc === seen.pc;
    return { action: isHere ? { do: 'step' } : creep(key), memory };
  }
  if (isEnded) return { outcome: { kind: 'undershoot', isSkid } };
  const far = key.count - margin;
  if (seen.count >= far) return { action: creep(key), memory };
  return { action: { do: 'run-to-count', count: far }, memory: { ...memory, isArmed: true } };
}

/** Matcher.v, `creep`. */
function creep({ count, pc }: MatchKey): Action {
  if (pc === undefined) return { do: 'step' };
  return { do: 'run-to-breakpoint', pc, guard: count + 1 };
}

/** Where an action leaves a target, and whether it is alive there: Matcher.v, `acts`. */
export interface Landing {
  readonly place: number;
  readonly isAlive: boolean;
}

/** What a counter and a processor may do to a matcher. */
export interface Adversary {
  /**
   * Matcher.v, `late`: may a counter that came to its count at place `q` interrupt at `j`? Asked
   * for the place after the end too.
   */
  late(q: number, j: number): boolean;
  /** May a run stop for no reason, to be asked for again? */
  readonly stopsEarly: boolean;
}

/** At most `skid` steps late. */
export function lateInSteps(skid: number, stopsEarly = false): Adversary {
  return { late: (q, j) => j <= q + skid, stopsEarly };
}

/** Late until the counter has counted `skid` more at most: anywhere in that interval. */
export function lateInCounts(skid: number, target: Target, stopsEarly = false): Adversary {
  const last = target.at(-1)?.count ?? 0;
  const late = (q: number, j: number): boolean =>
    (target[j]?.count ?? last) <= (target[q]?.count ?? 0) + skid;
  return { late, stopsEarly };
}

/** Matcher.v, `acts`: everywhere that an action may end. */
export function landings(
  target: Target,
  { late, stopsEarly }: Adversary,
  from: number,
  action: Action,
): Landing[] {
  const last = target.length - 1;
  const ended = { place: last, isAlive: false };
  if (action.do === 'step') return [from < last ? { place: from + 1, isAlive: true } : ended];
  const isCreeping = action.do === 'run-to-breakpoint';
  const [count, pc] = isCreeping ? [action.guard, action.pc] : [action.count, undefined];
  const found: Landing[] = [];
  const q = target.findIndex((seen, i) => i > from && seen.count >= count);
  for (let j = from + 1; j <= last; j++) {
    const isThere = pc !== undefined && target[j]?.pc === pc;
    const isInterrupted = q >= 0 && j >= q && late(q, j);
    const isEarly = stopsEarly && (q < 0 || j < q || (j === q && !isCreeping));
    if (isThere || isInterrupted || isEarly) found.push({ place: j, isAlive: true });
    if (isThere) return found;
  }
  // As in Matcher.v: a run to a breakpoint that is not there may always come to the end.
  if (isCreeping || q < 0 || late(q, last + 1)) found.push(ended);
  return found;
}

/** How a match went: every place that it stopped at, and its end. */
export interface Matched {
  readonly outcome: Outcome;
  readonly visited: readonly number[];
  readonly isEnded: boolean;
}

/** Matcher.v, `matches`: every way in which a match from place 0 may go. */
export function everyMatch(search: Search, target: Target, adversary: Adversary): Matched[] {
  const found: Matched[] = [];
  const go = (memory: Memory, place: number, isEnded: boolean, before: readonly number[]): void => {
    const seen = target[place];
    if (seen === undefined) throw new RangeError(`no place ${place}`);
    const visited = [...before, place];
    const then = next(search, memory, seen, isEnded);
    if (then.outcome !== undefined) found.push({ outcome: then.outcome, visited, isEnded });
    else {
      for (const landing of landings(target, adversary, place, then.action)) {
        go(then.memory, landing.place, !landing.isAlive, visited);
      }
    }
  };
  go(FRESH, 0, false, []);
  return found;
}
