/// <reference types="node" />
/**
 * The production code against the model, on seeded cases, for ever or `--count N` seeds:
 *
 *   pnpm --filter @casmotion/model oracle [matcher|replayer] [--seed N] [--count N]
 *
 * One seed is 50 matches on one trace, or one recording and its replay. Exits with 1 at the first
 * difference, with the command that repeats it.
 */
import { parseArgs } from 'node:util';
import { createLogTools } from '@casmotion/replay-log';
import { compareMatcher, newMatcherTally } from '../test/matcher-oracle.ts';
import { compareReplayer, newReplayerTally } from '../test/replayer-oracle.ts';

const REPORT_EVERY = 2000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, count: { type: 'string' } },
});
const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
process.exitCode = await main(positionals[0] ?? 'matcher', seed, Number(values.count ?? Infinity));

async function main(which: string, first: number, count: number): Promise<number> {
  const isKnown = which === 'matcher' || which === 'replayer';
  if (!isKnown || positionals.length > 1 || !Number.isSafeInteger(first) || !(count >= 1)) {
    console.error('matcher or replayer; --seed and --count take whole numbers, --count from 1');
    return 1;
  }
  const tools = await createLogTools();
  const matcher = newMatcherTally();
  const replayer = newReplayerTally();
  for (let done = 0; done < count; done++) {
    const now = first + done;
    try {
      if (which === 'matcher') compareMatcher(now, matcher);
      else await compareReplayer(tools, now, replayer);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      console.error(
        `repeat: pnpm --filter @casmotion/model oracle ${which} --seed ${now} --count 1`,
      );
      return 1;
    }
    if ((done + 1) % REPORT_EVERY === 0 || done + 1 === count) {
      const tally = which === 'matcher' ? matcher : replayer;
      console.log(`${done + 1} seeds from ${first}, all agree: ${JSON.stringify(tally)}`);
    }
  }
  return 0;
}
