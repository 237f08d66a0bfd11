/// <reference types="node" />
/**
 * Goal: programs of all instructions, modes and traps end here as they end on QEMU. Method: seeded
 * random programs (random-program.ts) run by one monitor on both; final registers, CSRs, data,
 * code, page tables with their A and D bits, and logs of traps are compared byte by byte. Any
 * number by scripts/fuzz-against-qemu.ts. A reference with one bit flipped must be caught.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { RAM_START } from '../support/make-core.ts';
import { compareSeeds, neverGenerated, runHere } from './compare.ts';
import { HEADER, regionAt } from './layout.ts';
import { QEMU, runOnQemu } from './qemu.ts';

const SEED = 2012;
const COUNT = 600;
const hasQemu = spawnSync(QEMU, ['--version']).status === 0;
const isSkipped = !hasQemu && process.env['CI'] === undefined;

/** Every cause that a program can meet; misaligned accesses are done, atomics are kept aligned. */
const CAUSES = [1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 15];
const INTERRUPTS = [1, 5, 9];

describe('random programs', () => {
  test.skipIf(isSkipped)(`equal QEMU's from seed ${SEED} (needs ${QEMU})`, () => {
    expect(hasQemu, `${QEMU}, which CI must have`).toBe(true);
    const result = compareSeeds(SEED, COUNT, runOnQemu);
    const { difference, differingSeeds, causes, steps, generated } = result;
    const repeat = `scripts/fuzz-against-qemu.ts --seed ${differingSeeds[0]} --count 1`;
    expect(difference, repeat).toBeUndefined();
    expect(steps).toBeGreaterThan(COUNT * 500);
    expect(neverGenerated(generated)).toEqual([]);
    for (const cause of CAUSES) expect(causes.get(BigInt(cause)), `cause ${cause}`).toBeDefined();
    for (const n of INTERRUPTS) {
      expect(causes.get((1n << 63n) | BigInt(n)), `interrupt ${n}`).toBeDefined();
    }
  });

  test('a reference that differs by one bit is caught and named', () => {
    const flipped = compareSeeds(SEED, 3, (ram) => {
      const after = runHere(ram).ram.slice();
      const at = regionAt(1) - RAM_START + HEADER.finalX + 8 * 10;
      after[at] = (after[at] as number) ^ 1;
      return after;
    });
    expect(flipped.differingSeeds).toEqual([SEED + 1]);
    expect(flipped.difference).toMatch(new RegExp(`^program of seed ${SEED + 1} .*\\n +final a0 `));
    expect(flipped.difference).toContain('ecall');
  });
});
