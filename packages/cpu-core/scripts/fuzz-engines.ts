/**
 * Compares the engines on random programs, at random steps, under random events.
 *
 *   node --conditions=casmotion-source --import tsx scripts/fuzz-engines.ts
 *        [--seed N] [--count N] [--kind restless|eventful|random] [--steps N]
 *
 * Without --count it goes on for ever. Prints what was run; exits with 1 at the first difference,
 * with the command that repeats it.
 */
import { parseArgs } from 'node:util';
import { compareSeed, KIND_NAMES, type KindName, narrow } from '../test/engines/kinds.ts';

const REPORT_EVERY = 100;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string' },
    kind: { type: 'string' },
    steps: { type: 'string' },
  },
});
const firstSeed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
process.exitCode = main(firstSeed, Number(values.count ?? Infinity));

function main(first: number, count: number): number {
  const kinds = KIND_NAMES.filter((name) => values.kind === undefined || name === values.kind);
  if (!Number.isSafeInteger(first) || !(count >= 1) || kinds.length === 0) {
    console.error('--seed and --count take whole numbers, --count from 1; --kind one of');
    console.error(KIND_NAMES.join(' '));
    return 1;
  }
  const totals = { steps: 0, compared: 0, switches: 0, regions: 0 };
  for (let done = 0; done < count; done++) {
    if (kinds.some((kind) => !compare(kind, first + done, totals))) return 1;
    if ((done + 1) % REPORT_EVERY === 0 || done + 1 === count) {
      const { steps, compared, switches, regions } = totals;
      console.log(
        `${done + 1} seeds from ${first}, ${kinds.join(', ')}: equal in ${steps} steps, ` +
          `${compared} comparisons, ${switches} switches of engine, ${regions} regions`,
      );
    }
  }
  return 0;
}

/** Prints what differs, if anything does. */
function compare(
  kind: KindName,
  seed: number,
  totals: { steps: number; compared: number; switches: number; regions: number },
): boolean {
  const changes = values.steps === undefined ? {} : { steps: Number(values.steps) };
  const result = compareSeed(kind, seed, changes);
  for (const name of ['steps', 'compared', 'switches', 'regions'] as const) {
    totals[name] += result[name];
  }
  if (result.difference === undefined) return true;
  const { difference, steps } = narrow(kind, seed, result);
  console.error(difference);
  const repeat = `--seed ${seed} --count 1 --kind ${kind} --steps ${steps}`;
  console.error(`repeat: scripts/fuzz-engines.ts ${repeat}`);
  return false;
}
