/**
 * Runs a guest on both engines side by side and compares them: harts after each region, registers
 * after each slice, the whole state now and then. Ends with 1 at the first difference, naming the
 * step.
 *
 *   node --conditions=casmotion-source --import tsx scripts/lockstep.ts --kernel FILE \
 *     [--initrd FILE] [--append TEXT] [--bios sbi|none] [--disk FILE] [--memory MIB] [--steps N] \
 *     [--slice N] [--windows EVERY:STEPS:MAX] [--seed N] [--hot-jumps N]
 *
 * --windows: each EVERY steps there are STEPS steps in slices of random lengths up to MAX.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createHashes } from '@casmotion/base';
import { describeImage, type MachineConfig } from '../src/index.ts';
import { compareEngines } from '../test/support/lockstep.ts';

const { values } = parseArgs({
  options: {
    kernel: { type: 'string' },
    initrd: { type: 'string' },
    append: { type: 'string', default: '' },
    bios: { type: 'string', default: 'sbi' },
    disk: { type: 'string' },
    steps: { type: 'string', default: '200000000' },
    slice: { type: 'string', default: '100000' },
    memory: { type: 'string', default: '256' },
    windows: { type: 'string', default: '10000000:50000:300' },
    seed: { type: 'string', default: '1' },
    'hot-jumps': { type: 'string' },
  },
});
const hashes = await createHashes();
const read = (name: string | undefined) =>
  name === undefined ? undefined : new Uint8Array(readFileSync(name));
const [kernel, initrd, disk] = [values.kernel, values.initrd, values.disk].map(read);
const describe = (name: string, bytes: Uint8Array<ArrayBuffer> | undefined) =>
  bytes === undefined ? undefined : describeImage(name, bytes, hashes);
const diskRef = describe('disk', disk);
const config: MachineConfig = {
  ramSizeBytes: Number(values.memory) * 2 ** 20,
  harts: 1,
  bios: values.bios === 'none' ? 'none' : 'sbi',
  append: values.append,
  kernel: describe('kernel', kernel),
  initrd: describe('initrd', initrd),
  firmware: undefined,
  disks: diskRef === undefined ? [] : [diskRef],
  virtio: 'modern',
  rng: { kind: 'seed', seed: 1 },
  net: 'none',
  hasVirtioConsole: false,
  clock: 'virtual',
  rtcBaseNanoseconds: '1700000000000000000',
  rngSeedHex: '00'.repeat(32),
};
const disks = (disk === undefined ? [] : [disk]).map((bytes) => ({
  sizeBytes: bytes.length,
  read: (at: number, into: Uint8Array): void => into.set(bytes.subarray(at, at + into.length)),
}));
const hotJumps = values['hot-jumps'];
const [everySteps, windowSteps, sliceStepsMax] = values.windows.split(':').map(Number);
if (everySteps === undefined || windowSteps === undefined || sliceStepsMax === undefined) {
  throw new Error('--windows takes three numbers, EVERY:STEPS:MAX');
}
const found = await compareEngines(
  config,
  { kernel, initrd, disks },
  {
    steps: Number(values.steps),
    sliceSteps: Number(values.slice),
    windows: { everySteps, steps: windowSteps, sliceStepsMax, seed: Number(values.seed) },
    hotJumps: hotJumps === undefined ? undefined : Number(hotJumps),
    onConsole: (bytes) => void process.stdout.write(bytes),
  },
);
const { regions, registers, states } = found.comparisons;
process.stderr.write(
  `${found.difference ?? 'equal'} after ${found.steps} steps; ` +
    `compared harts ${regions} times after a region, registers ${registers} times, ` +
    `states ${states} times\n`,
);
process.exitCode = found.difference === undefined ? 0 : 1;
