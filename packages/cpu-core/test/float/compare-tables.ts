/**
 * Our results against a reference, over the same table: the first difference in words. Test
 * support.
 */
import type { FloatMnemonic } from '../../src/float/define-float.ts';
import type { FloatHarness, TableResults } from './harness.ts';

/**
 * Undefined if all are equal, with fflags clear before and with NX set before (which take different
 * paths).
 */
export function firstDifference(
  harness: FloatHarness,
  mnemonic: FloatMnemonic,
  operands: BigUint64Array,
  reference: TableResults,
): string | undefined {
  for (const flagsBefore of [0, 1]) {
    const ours = harness.runTable(mnemonic, operands, flagsBefore);
    for (let i = 0; i < reference.results.length; i++) {
      const wantedFlags = (reference.flags[i] ?? 0) | flagsBefore;
      if (ours.results[i] === reference.results[i] && ours.flags[i] === wantedFlags) continue;
      const record = Math.floor(i / 5);
      const inputs = [...operands.subarray(3 * record, 3 * record + 3)].map(hex).join(' ');
      return (
        `${mnemonic} ${inputs} rm ${i % 5}, fflags ${flagsBefore} before: ` +
        `found ${hex(ours.results[i])} flags ${ours.flags[i]}, ` +
        `expected ${hex(reference.results[i])} flags ${wantedFlags}`
      );
    }
  }
  return undefined;
}

function hex(value: bigint | undefined): string {
  return `0x${(value ?? 0n).toString(16).padStart(16, '0')}`;
}
