/// <reference types="node" />
/**
 * Goal: the production matcher stops exactly where the model's reference finds the place, and names
 * each miss rightly, whatever the counter does. Method: seeded cases; see `matcher-oracle.ts`.
 * More, or one again: `pnpm --filter @casmotion/model oracle matcher --seed N --count N`.
 */
import { expect, test } from 'vitest';
import { CASES_A_SEED, compareMatcher, newMatcherTally } from './matcher-oracle.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const SEEDS = 1200;

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
