/// <reference types="node" />
/**
 * Goal: the production recorder writes the model's log, and the production replayer's verdict is
 * the model's, for faults of every premise. Method: seeded toy machines; see `replayer-oracle.ts`.
 * More, or one again: `pnpm --filter @casmotion/model oracle replayer --seed N --count N`.
 */
import { createLogTools } from '@casmotion/replay-log';
import { expect, test } from 'vitest';
import { compareReplayer, newReplayerTally } from './replayer-oracle.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const SEEDS = 500;

test('replayer and model agree', async () => {
  const tools = await createLogTools();
  const tally = newReplayerTally();
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    try {
      await compareReplayer(tools, seed, tally);
    } catch (error) {
      const repeat = `pnpm --filter @casmotion/model oracle replayer --seed ${seed} --count 1`;
      expect.fail(`${error instanceof Error ? error.message : error}\nrepeat: ${repeat}`);
    }
  }
  expect(tally.diverged.none).toBe(undefined);
  expect(tally.matched.none).toBeGreaterThan(SEEDS / 20);
  for (const premise of ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7'] as const) {
    expect(tally.diverged[premise], premise).toBeGreaterThan(SEEDS / 100);
  }
  expect(tally.matched.C8).toBeGreaterThan(SEEDS / 50);
  // Faults that no landmark was there to see: the weak form of replay is weaker.
  expect(tally.unseen).toBeGreaterThan(0);
});
