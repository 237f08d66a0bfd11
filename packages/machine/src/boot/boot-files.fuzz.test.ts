/**
 * Goal: no damaged kernel file makes the loaders fail in a way that is not an operating error.
 * Method: good files with bytes flipped and ends cut, by seed; only VmError may come out, and both
 * outcomes must.
 */
import { Prng, VmError } from '@casmotion/base';
import { expect, it } from 'vitest';
import { buildElf } from '../../test/support/build-elf.ts';
import { buildImage } from '../../test/support/build-image.ts';
import { parseElf, physicalEntry, readSymbols } from './elf.ts';
import { parseLinuxImage } from './linux-image.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);
const ROUNDS = 5000;

const GOOD_ELF = buildElf(
  0x8000_0000n,
  [
    { address: 0x8000_0000n, bytes: new Uint8Array(32) },
    { address: 0x8000_2000n, bytes: new Uint8Array(9), memorySizeBytes: 100n },
  ],
  [
    { name: 'one', address: 0x8000_0000n },
    { name: 'two', address: 0x8000_0010n, sizeBytes: 8n },
  ],
);

it.each<[string, Uint8Array, (file: Uint8Array) => unknown]>([
  ['ELF', GOOD_ELF, (file) => [physicalEntry(parseElf('f', file)), readSymbols('f', file)]],
  ['Linux Image', buildImage(), (file) => parseLinuxImage('f', file)],
])(
  `a damaged %s is read or refused (seed ${SEED}: repeat with CASMOTION_SEED)`,
  (_, good, read) => {
    const prng = new Prng(SEED);
    const counts = { read: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      let file = good.slice();
      for (let flips = prng.below(4); flips > 0; flips--)
        file[prng.below(file.length)] = prng.below(256);
      if (prng.chance(4)) file = file.slice(0, prng.below(file.length));
      try {
        read(file);
        counts.read++;
      } catch (error) {
        expect(error, `round ${round}`).toBeInstanceOf(VmError);
        counts.refused++;
      }
    }
    expect(counts.read).toBeGreaterThan(ROUNDS / 50);
    expect(counts.refused).toBeGreaterThan(ROUNDS / 50);
  },
);
