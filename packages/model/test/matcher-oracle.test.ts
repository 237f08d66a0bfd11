/// <reference types="node" />
/**
 * Goal: the production matcher stops exactly where the model's reference finds the place, and names
 * each miss rightly, whatever the counter does. Method: seeded cases; see `matcher-oracle.ts`.
 * More, or one again: `pnpm --filter @casmotion/model oracle matcher --seed N --count N`.
 */
import { matchTimePoint } from '@casmotion/time-point';
import { expect, test } from 'vitest';
import { CASES_A_SEED, compareMatcher, newMatcherTally } from './matcher-oracle.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const SEEDS = 800;

test('matcher and model agree', () => {
  const tally = newMatcherTally();
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    try {
      compareMatcher(seed, tally);
    } catch (error) {
      const repeat = `pnpm --filter @casmotion/model oracle matcher --seed ${seed} --count 1`;
      expect.fail(`${error instanceof Error ? error.message : error}\nrepeat: ${repeat}`);
    }
  }
  expect(tally.cases).toBe(SEEDS * CASES_A_SEED);
  const { cases: _, ...kinds } = tally;
  for (const [kind, count] of Object.entries(kinds)) {
    expect(count, kind).toBeGreaterThan(SEEDS / 10);
  }
});

/** As {@link matchTimePoint}, with what a mistake would do to it. */
type Match = typeof matchTimePoint;
const BROKEN: readonly (readonly [string, Match])[] = [
  [
    'a margin one too small',
    (target, key, options) =>
      matchTimePoint(target, key, { ...options, margin: Math.max(0, options.margin - 1) }),
  ],
  [
    'a check that is not compared',
    (target, key, { margin }) => matchTimePoint(target, key, { margin }),
  ],
  [
    'a register that is not compared',
    (target, { counter, count, pc }, options) =>
      matchTimePoint(target, { counter, count, ...(pc === undefined ? {} : { pc }) }, options),
  ],
  [
    'a miss that is blamed on skid',
    (target, key, options) => {
      const outcome = matchTimePoint(target, key, options);
      return 'isSkid' in outcome ? { ...outcome, isSkid: !outcome.isSkid } : outcome;
    },
  ],
];

test.each(BROKEN)('canary: %s is caught', (_, match) => {
  expect(() => {
    for (let seed = 0; seed < 200; seed++) compareMatcher(seed, newMatcherTally(), match);
  }).toThrow(/trace \[/);
});
