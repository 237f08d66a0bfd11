/**
 * Compares random programs on this core and on QEMU: final registers, CSRs, memory, page tables and
 * the log of traps.
 *
 *   node --conditions=casmotion-source --import tsx scripts/fuzz-against-qemu.ts
 *        [--seed N] [--count N] [--engine interpreter|translator] [--hot-jumps N]
 *
 * Prints what was run; exits with 1 at the first batch that differs, with the seeds, a listing of
 * the first program and the command that repeats it.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { compareSeeds, neverGenerated } from '../test/differential/compare.ts';
import { QEMU, runOnQemu } from '../test/differential/qemu.ts';

const BATCH = 1000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '1000' },
    engine: { type: 'string', default: 'translator' },
    'hot-jumps': { type: 'string', default: '1' },
  },
});
const engine = values.engine === 'interpreter' ? 'interpreter' : 'translator';
const hotJumps = Number(values['hot-jumps']);
const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
process.exitCode = main(seed, Number(values.count));

function main(firstSeed: number, count: number): number {
  if (!Number.isSafeInteger(firstSeed) || !Number.isSafeInteger(count) || count < 1) {
    console.error('--seed and --count take whole numbers, --count from 1');
    return 1;
  }
  if (spawnSync(QEMU, ['--version']).status !== 0) {
    console.error(`not installed: ${QEMU}`);
    return 1;
  }
  const causes = new Map<bigint, number>();
  const generated = new Map<string, number>();
  let steps = 0;
  for (let done = 0; done < count; done += BATCH) {
    const batch = Math.min(BATCH, count - done);
    const result = compareSeeds(firstSeed + done, batch, runOnQemu, { engine, hotJumps });
    if (result.difference !== undefined) {
      console.error(result.difference);
      console.error(`differ: seeds ${result.differingSeeds.join(' ')}`);
      const ours = `--engine ${engine} --hot-jumps ${hotJumps}`;
      console.error(`repeat: --seed ${result.differingSeeds[0]} --count 1 ${ours}`);
      return 1;
    }
    addCounts(causes, result.causes);
    addCounts(generated, result.generated);
    steps += result.steps;
  }
  console.log(`${count} programs equal from seed ${firstSeed}: ${steps} steps, ${engine}`);
  const sorted = [...causes].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = sorted.map(([cause, n]) => `${name(cause)}:${n}`);
  console.log(`traps by cause: ${text.join(' ')}`);
  const least = [...generated].toSorted(([, a], [, b]) => a - b).slice(0, 5);
  console.log(`rarest instructions: ${least.map(([what, n]) => `${what}:${n}`).join(' ')}`);
  console.log(`never generated: ${neverGenerated(generated).join(' ') || 'none'}`);
  return 0;
}

function addCounts<K>(totals: Map<K, number>, counts: ReadonlyMap<K, number>): void {
  for (const [key, n] of counts) totals.set(key, (totals.get(key) ?? 0) + n);
}

function name(cause: bigint): string {
  return cause >> 63n === 0n ? `${cause}` : `interrupt-${cause & 63n}`;
}
