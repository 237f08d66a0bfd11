/**
 * Goal: the model of the matcher does what proof/Matcher.v proves, whatever the counter does.
 * Method: every target of a few places that counts by ones, every key, margin and skid, every
 * behaviour of the adversary.
 */
import { describe, expect, test } from 'vitest';
import {
  countsByOnes,
  everyMatch,
  everyWay,
  type Late,
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

/** Five places over two addresses and registers; the key of each, with pc and register or not. */
function* everyCase(): Generator<Case, void> {
  const cases = everyWay((choose): Case | undefined => {
    let count = 0;
    const target: Observation[] = [];
    for (let i = 0; i < 5; i++) {
      count += i > 0 ? choose(2) : 0;
      target.push({ count, pc: choose(2), register: i < 3 ? choose(2) : 0, check: i });
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
    const margin = choose(4);
    return { target, place, search: { key, margin, check }, skid: choose(3) };
  });
  for (const each of cases) if (each !== undefined) yield each;
}

const inSteps = ({ skid }: Case): Late => lateInSteps(skid);
const inCounts = ({ skid, target }: Case): Late => lateInCounts(skid, target);

function count(check: (each: Case) => boolean): number {
  let made = 0;
  for (const each of everyCase()) if (check(each)) made++;
  return made;
}

const isExact = ({ place }: Case, matches: readonly Matched[]): boolean =>
  matches.every(({ outcome, visited, isEnded }) => {
    const isThere = visited.at(-1) === place && visited.every((at) => at <= place);
    return outcome.kind === 'delivered' && isThere && !isEnded;
  });

describe('with a margin that covers the skid', () => {
  test('margin_covers_skid_in_steps, delivers_exactly, never_past: margin >= skid', () => {
    const made = count((each) => {
      if (each.search.margin < each.skid) return false;
      expect(isExact(each, everyMatch(each.search, each.target, inSteps(each)))).toBe(true);
      return true;
    });
    expect(made).toBeGreaterThan(10_000);
  });

  test('margin_covers_skid_in_counts: margin > skid', () => {
    const made = count((each) => {
      if (each.search.margin <= each.skid) return false;
      expect(isExact(each, everyMatch(each.search, each.target, inCounts(each)))).toBe(true);
      return true;
    });
    expect(made).toBeGreaterThan(5000);
  });
});

describe('with any margin', () => {
  test('delivers_or_says_so, delivered_only_at_the_key, matcher_ends', () => {
    let misses = 0;
    const made = count((each) => {
      const { target, search, place } = each;
      const matches = everyMatch(search, target, inCounts(each));
      for (const { outcome, visited, isEnded } of matches) {
        expect(visited.length).toBeLessThanOrEqual(2 * target.length);
        if (outcome.kind === 'delivered') expect(visited.at(-1)).toBe(place);
        else {
          misses++;
          expect(outcome).toMatchObject({ isSkid: true });
          expect(outcome.kind === 'overshoot' || isEnded).toBe(true);
        }
      }
      return matches.length > 0;
    });
    expect(Math.min(made, misses)).toBeGreaterThan(5000);
  });

  test('EqualMargin.overshoots: a margin equal to a skid in counts; the shortest is four steps', () => {
    const shortest = new Map<number, number>();
    count((each) => {
      const { target, search, skid, place } = each;
      if (skid === 0 || search.margin !== skid) return false;
      const missed = everyMatch(search, target, inCounts(each)).some(
        ({ outcome }) => outcome.kind === 'overshoot',
      );
      if (missed) shortest.set(skid, Math.min(shortest.get(skid) ?? Infinity, place));
      return missed;
    });
    // The place is two steps from the start, and the counter interrupts in its interval or later.
    expect([...shortest]).toEqual([[1, 2]]);
    const example: Target = [0, 1, 2, 2, 3].map((n, i) => {
      return { count: n, pc: 4 * i, register: 0, check: 0 };
    });
    const key = { count: 2, pc: 8, register: undefined };
    expect(countsByOnes(example)).toBe(true);
    const ends = everyMatch({ key, margin: 1, check: undefined }, example, lateInCounts(1, example));
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
  ['no such register', { count: 2, pc: 8, register: 7 }, 0, { kind: 'overshoot', differs: 'register' }],
  ['no such count', { count: 9, pc: 8, register: 0 }, 0, { kind: 'undershoot', differs: 'count' }],
] as const)('the reference scans: %s', (_, key, check, expected) => {
  const target = [0, 1, 2, 2, 3].map((n, i) => ({ count: n, pc: 4 * i, register: 0, check: 0 }));
  expect(scan(target, 0, key, check)).toEqual(expected);
});
