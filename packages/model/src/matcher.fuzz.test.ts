/**
 * Goal: the model of the matcher does what proof/Matcher.v proves, whatever the counter does.
 * Method: every target of a few places that counts by ones, every key, margin and skid, every
 * behaviour of the adversary.
 */
import { describe, expect, test } from 'vitest';
import {
  type Adversary,
  countsByOnes,
  everyMatch,
  everyWay,
  lateInCounts,
  lateInSteps,
  type Matched,
  type Observation,
  scan,
  type Search,
  showsKey,
  type Target,
} from './index.ts';

interface Case {
  readonly target: Target;
  readonly place: number;
  readonly search: Search;
  readonly skid: number;
}

/**
 * So many places over two addresses and registers; the key of each, with pc and register or not.
 */
function* everyCase(length: number): Generator<Case, void> {
  const cases = everyWay((choose): Case | undefined => {
    let count = 0;
    const target: Observation[] = [];
    for (let i = 0; i < length; i++) {
      count += i > 0 ? choose(2) : 0;
      target.push({ count, pc: choose(2), register: i < 2 ? choose(2) : 0, check: i });
    }
    const place = choose(target.length);
    const { pc, register, check } = target[place] as Observation;
    const has = choose(3);
    const key = {
      count: target[place]?.count ?? 0,
      pc: has > 0 ? pc : undefined,
      register: has > 1 ? register : undefined,
    };
    // The proof asks for a unique key.
    if (target.some((seen, i) => i !== place && showsKey(key, seen))) return undefined;
    const margin = choose(3);
    return { target, place, search: { key, margin, check }, skid: choose(2) };
  });
  for (const each of cases) if (each !== undefined) yield each;
}

const inSteps = ({ skid }: Case, early = false): Adversary => lateInSteps(skid, early);
const inCounts = ({ skid, target }: Case, early = false): Adversary =>
  lateInCounts(skid, target, early);

/** How many cases `isOfUse`, and those of them that are not `isRight`: there should be none. */
function tryAll(
  length: number,
  isOfUse: (each: Case) => boolean,
  isRight: (each: Case) => boolean,
): { made: number; wrong: Case[] } {
  const result = { made: 0, wrong: [] as Case[] };
  for (const each of everyCase(length)) {
    if (!isOfUse(each)) continue;
    result.made++;
    if (!isRight(each)) result.wrong.push(each);
  }
  return result;
}

const isExact = ({ place }: Case, matches: readonly Matched[]): boolean =>
  matches.every(({ outcome, visited, isEnded }) => {
    const isThere = visited.at(-1) === place && visited.every((at) => at <= place);
    return outcome.kind === 'delivered' && isThere && !isEnded;
  });

describe.each([
  [5, false],
  [4, true],
])('%i places, runs that stop early: %s', (length, early) => {
  const all = ({ search, target }: Case, adversary: Adversary): Matched[] =>
    everyMatch(search, target, adversary);

  test('margin_covers_skid_in_steps, delivers_exactly, never_past: margin >= skid', () => {
    const isCovered = ({ search, skid }: Case): boolean => search.margin >= skid;
    const { made, wrong } = tryAll(length, isCovered, (each) => {
      return isExact(each, all(each, inSteps(each, early)));
    });
    expect(wrong).toEqual([]);
    expect(made).toBeGreaterThan(2000);
  });

  test('margin_covers_skid_in_counts: margin > skid', () => {
    const isCovered = ({ search, skid }: Case): boolean => search.margin > skid;
    const { made, wrong } = tryAll(length, isCovered, (each) => {
      return isExact(each, all(each, inCounts(each, early)));
    });
    expect(wrong).toEqual([]);
    expect(made).toBeGreaterThan(2000);
  });

  test('any margin: delivers_or_says_so, delivered_only_at_the_key, matcher_ends', () => {
    let misses = 0;
    const isTold = ({ place, target }: Case, { outcome, visited, isEnded }: Matched): boolean => {
      if (visited.length > 2 * target.length) return false;
      if (outcome.kind === 'delivered') return visited.at(-1) === place;
      misses++;
      if (outcome.kind === 'mismatch' || !outcome.isSkid) return false;
      return outcome.kind === 'overshoot' || isEnded;
    };
    const isAny = ({ search }: Case): boolean => search.margin < 2;
    const { made, wrong } = tryAll(length, isAny, (each) => {
      return all(each, inCounts(each, early)).every((matched) => isTold(each, matched));
    });
    expect(wrong).toEqual([]);
    expect(Math.min(made, misses)).toBeGreaterThan(1000);
  });
});

describe('a margin too small', () => {
  test('EqualMargin.overshoots: a margin equal to a skid in counts; four steps at least', () => {
    const shortest = [1, 2, 3, 4, 5].find((length) => {
      const isEqual = ({ search, skid }: Case): boolean => skid > 0 && search.margin === skid;
      const { wrong } = tryAll(length, isEqual, (each) => {
        const matches = everyMatch(each.search, each.target, inCounts(each));
        return matches.every(({ outcome }) => outcome.kind !== 'overshoot');
      });
      return wrong.length > 0;
    });
    expect(shortest).toBe(5);
    const example: Target = [0, 1, 2, 2, 3].map((n, i) => {
      return { count: n, pc: 4 * i, register: 0, check: 0 };
    });
    const key = { count: 2, pc: 8, register: undefined };
    expect(countsByOnes(example)).toBe(true);
    const ends = everyMatch(
      { key, margin: 1, check: undefined },
      example,
      lateInCounts(1, example),
    );
    expect(ends).toContainEqual({
      outcome: { kind: 'overshoot', isSkid: true },
      visited: [0, 3, 4],
      isEnded: false,
    });
  });
});

test.each([
  ['there', { count: 2, pc: 8, register: undefined }, undefined, { kind: 'delivered', place: 2 }],
  ['another state', { count: 2, pc: 8, register: 0 }, 9, { kind: 'mismatch', place: 2 }],
  ['no such pc', { count: 2, pc: 4, register: 0 }, 0, { kind: 'overshoot', differs: 'pc' }],
  [
    'no such register',
    { count: 2, pc: 8, register: 7 },
    0,
    { kind: 'overshoot', differs: 'register' },
  ],
  ['no such count', { count: 9, pc: 8, register: 0 }, 0, { kind: 'undershoot', differs: 'count' }],
] as const)('the reference scans: %s', (_, key, check, expected) => {
  const target = [0, 1, 2, 2, 3].map((n, i) => ({ count: n, pc: 4 * i, register: 0, check: 0 }));
  expect(scan(target, 0, key, check)).toEqual(expected);
});
