/**
 * Compares all F and D arithmetic with QEMU's FPU over any number of drawn cases, each in five
 * rounding modes.
 *
 *   node --conditions=casmotion-source --import tsx scripts/float-against-qemu.ts
 *        [--cases N] [--seed N] [--only MNEMONIC,...]
 *
 * Prints one line an instruction; exits with 1 at the first difference, naming the operands.
 */
import { Prng } from '@casmotion/base';
import { parseArgs } from 'node:util';
import { firstDifference } from '../test/float/compare-tables.ts';
import { FloatHarness } from '../test/float/harness.ts';
import { drawTable } from '../test/float/operands.ts';
import { missingTools, runOnQemu } from '../test/float/qemu-reference.ts';

const CHUNK_CASES = 500_000;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const cases = Number(values.cases);
const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
process.exitCode = main();

function main(): number {
  if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
    console.error('--cases and --seed take whole numbers, --cases from 1');
    return 1;
  }
  const missing = missingTools();
  if (missing.length > 0) {
    console.error(`not installed: ${missing.join(', ')}`);
    return 1;
  }
  const harness = new FloatHarness();
  const wanted = values.only?.split(',');
  const mnemonics = harness.mnemonics.filter((name) => wanted?.includes(name) ?? true);
  if (mnemonics.length === 0) {
    console.error(`no such instruction: ${values.only}`);
    return 1;
  }
  console.log(
    `seed ${seed}, ${cases} cases in 5 rounding modes for each of ${mnemonics.length} instructions`,
  );
  let total = 0;
  for (const mnemonic of mnemonics) {
    const prng = new Prng(seed ^ harness.mnemonics.indexOf(mnemonic));
    const flagCounts = new Map<number, number>();
    for (let done = 0; done < cases; done += CHUNK_CASES) {
      const operands = drawTable(prng, mnemonic, Math.min(CHUNK_CASES, cases - done));
      const [reference] = runOnQemu([{ mnemonic, operands }]);
      if (reference === undefined) throw new Error('QEMU gave no results');
      const difference = firstDifference(harness, mnemonic, operands, reference);
      if (difference !== undefined) {
        console.error(`${difference}\nrepeat: --seed ${seed} --cases ${cases} --only ${mnemonic}`);
        return 1;
      }
      for (const flags of reference.flags) flagCounts.set(flags, (flagCounts.get(flags) ?? 0) + 1);
      total += reference.results.length;
    }
    console.log(
      `${mnemonic.padEnd(10)} ${cases} cases equal; fflags seen: ${describeFlags(flagCounts)}`,
    );
  }
  console.log(`${total} results equal, flags included`);
  return 0;
}

function describeFlags(counts: ReadonlyMap<number, number>): string {
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([flags, count]) => `${flags}:${count}`)
    .join(' ');
}
