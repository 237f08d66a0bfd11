/**
 * Nanoseconds an operation of the float functions, inside WebAssembly, on ordinary operands:
 * rounding to nearest with NX set (the usual state of a program), the same with fflags clear before
 * each, and over all five modes.
 *
 *   node --conditions=casmotion-source --import tsx scripts/bench-float.ts
 */
import { Prng } from '@casmotion/base';
import { FloatHarness } from '../test/float/harness.ts';

const RECORDS = 20_000;
const ROUNDS = 5;
const harness = new FloatHarness();

console.log('instruction   RNE, NX set   RNE, NX clear   mean of five modes   (ns each)');
for (const mnemonic of harness.mnemonics) {
  const operands = ordinaryOperands(mnemonic.endsWith('.s'));
  harness.loadTable(operands);
  const nearest = [1, 0].map((before) => medianOf(() => harness.runLoaded(mnemonic, before, 0, 1)));
  const all = medianOf(() => harness.runLoaded(mnemonic, 1)) / 5;
  const columns = [...nearest, all].map((ns) => ns.toFixed(1).padStart(14));
  console.log(mnemonic.padEnd(10) + columns.join('  '));
}

/** Numbers of either sign between 2^-8 and 2^8. */
function ordinaryOperands(isSingle: boolean): BigUint64Array {
  const prng = new Prng(1);
  const operands = new BigUint64Array(3 * RECORDS);
  const view = new DataView(operands.buffer);
  for (let i = 0; i < operands.length; i++) {
    const value = (prng.u32() / 2 ** 31 - 1) * 2 ** (prng.below(17) - 8);
    if (isSingle) {
      view.setFloat32(8 * i, value, true);
      view.setUint32(8 * i + 4, 0xffffffff, true);
    } else view.setFloat64(8 * i, value, true);
  }
  return operands;
}

/** Nanoseconds a record. */
function medianOf(run: () => unknown): number {
  run();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    run();
    times.push(((performance.now() - start) * 1e6) / RECORDS);
  }
  return times.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}
