/**
 * Goal: among all small worlds no replay fails while the eight premises hold; each premise, and
 * each half of C3 and C6, has a shortest counterexample that keeps all others, and its story reads
 * well.
 * Method: exhaustive search; the stories compared whole; the search held against one that leaves
 * nothing out. `pnpm --filter @casmotion/model search` goes further.
 */
import { describe, expect, test } from 'vitest';
import {
  checkClaim,
  type Claim,
  CLAIMS,
  claimsOf,
  type Counterexample,
  everyWay,
  firstViolation,
  isReplay,
  type Premise,
  search,
  tellStory,
} from './index.ts';

const SMALL = { states: 2, inputs: 1, events: 2, harts: 1 };

/** Bounds, moves, and the ways that there are: docs/model.md has the figures. */
const ALL_KEPT = [
  [SMALL, 3, 5365, 80],
  [{ ...SMALL, states: 3 }, 2, 3226, 39],
  [{ ...SMALL, inputs: 2 }, 3, 6918, 88],
  [{ ...SMALL, harts: 2 }, 3, 10645, 80],
] as const;

describe('all eight kept', () => {
  test.each(ALL_KEPT)('%o, %i moves: no replay fails', (bounds, most, ways, kept) => {
    for (let moves = 0; moves <= most; moves++) {
      const found = search({ bounds, dropped: [], moves });
      expect(found.counterexample && tellStory(found.counterexample)).toBe(undefined);
      if (moves === most) expect(found.tally).toEqual({ moves, ways, kept });
    }
  });
});

/** A shortest counterexample, of at most three moves. */
function shortest(dropped: readonly Claim[]): Counterexample {
  for (let moves = 0; moves <= 3; moves++) {
    const { counterexample } = search({ bounds: SMALL, dropped, moves });
    if (counterexample !== undefined) return counterexample;
  }
  return expect.fail(`none without ${dropped.join()}`);
}

const PREMISES: readonly Premise[] = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8'];

describe('one dropped', () => {
  test.each(PREMISES)('%s: a replay fails, and all others hold', (premise) => {
    const dropped = claimsOf(premise);
    const { world, failure, violations } = shortest(dropped);
    const kept = CLAIMS.filter((claim) => !dropped.includes(claim));
    expect(firstViolation(world, kept)).toBe(undefined);
    expect(dropped.some((claim) => checkClaim(claim, world) !== undefined)).toBe(true);
    expect(violations.every(({ claim }) => dropped.includes(claim))).toBe(true);
    expect(failure.kind).toBe('differs');
    expect(isReplay(failure.run, world.recording.made)).toBe(false);
  });

  test('their stories', async () => {
    const drops = [
      ...PREMISES.map(claimsOf),
      ...CLAIMS.filter((c) => c.includes('.')).map((c) => [c]),
    ];
    const stories = drops.map((dropped) => {
      return `--- without ${dropped.join(' and ')}\n\n${tellStory(shortest(dropped))}\n`;
    });
    await expect(stories.join('\n')).toMatchFileSnapshot('../test/golden/stories.txt');
  });
});

describe('the search itself', () => {
  test('tries every way once', () => {
    const ways = [...everyWay((choose) => [choose(2), choose(3)].join(''))];
    expect(ways).toEqual(['00', '01', '02', '10', '11', '12']);
    const uneven = [...everyWay((choose) => (choose(2) === 0 ? 'a' : `b${choose(2)}`))];
    expect(uneven).toEqual(['a', 'b0', 'b1']);
  });

  test.each([[] as const, ...PREMISES.map(claimsOf)])(
    'what nobody asks of a system changes no answer: without %s %s',
    (...dropped) => {
      const bounds = { states: 2, inputs: 0, events: 0, harts: 1 };
      let ways = 0;
      for (let moves = 0; moves <= 1; moves++) {
        const lazy = search({ bounds, dropped, moves });
        const eager = search({ bounds, dropped, moves, isEager: true });
        const isFound = lazy.counterexample !== undefined;
        expect(eager.counterexample !== undefined).toBe(isFound);
        if (!isFound) ways += eager.tally.ways;
        if (!isFound) expect(eager.tally.ways).toBeGreaterThan(10 * lazy.tally.ways);
      }
      expect(ways === 0).toBe(dropped.includes('C1'));
    },
  );

  test('bounds beyond memory are refused', () => {
    const bounds = { states: 8, inputs: 2, events: 1, harts: 1 };
    expect(() => search({ bounds, dropped: [], moves: 1 })).toThrow('take smaller bounds');
  });
});
