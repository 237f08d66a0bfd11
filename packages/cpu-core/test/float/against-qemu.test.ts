/// <reference types="node" />
/**
 * Goal: every F and D instruction equals QEMU's FPU. Method: a bounded table of edge operands for
 * each, run by test-programs/float on qemu-system-riscv64 and by us, in all rounding modes, results
 * and flags compared. scripts/float-against-qemu.ts does the same with any number of cases.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { firstDifference } from './compare-tables.ts';
import { FloatHarness } from './harness.ts';
import { drawTable } from './operands.ts';
import { missingTools, runOnQemu } from './qemu-reference.ts';

const SEED = 64;
const CASES = 2000;
const missing = missingTools();
const isSkipped = missing.length > 0 && process.env['CI'] === undefined;
const note = isSkipped ? `, but lacks ${missing.join(', ')}` : '';

describe('float against QEMU', () => {
  test.skipIf(isSkipped)(`seed ${SEED} (needs qemu-system-riscv64 and gcc${note})`, () => {
    expect(missing, 'Debian tools that CI must have').toEqual([]);
    const harness = new FloatHarness();
    const jobs = harness.mnemonics.map((mnemonic, i) => ({
      mnemonic,
      operands: drawTable(new Prng(SEED + i), mnemonic, CASES),
    }));
    const references = runOnQemu(jobs);
    expect(references.length).toBe(harness.mnemonics.length);
    jobs.forEach(({ mnemonic, operands }, i) => {
      const reference = references[i];
      if (reference === undefined) throw new Error(`no results for ${mnemonic}`);
      expect(
        reference.results.some((result) => result !== 0n),
        `${mnemonic} ran`,
      ).toBe(true);
      expect(firstDifference(harness, mnemonic, operands, reference)).toBeUndefined();
    });
  });
});
