/**
 * Goal: the fast path of double fused multiply-add rounds as exact arithmetic does, where it is
 * hardest: sums at and beside the midpoint of two doubles, sums that cancel, addends far larger and
 * far smaller than the product. Method: seeded draws within the path's range, addends built from
 * the product itself; against exact rationals, with fflags clear and with NX set.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { FloatHarness } from '../../test/float/harness.ts';
import { expectedOutcome } from '../../test/float/oracle.ts';

const SEED = Number(process.env['FLOAT_FUZZ_SEED'] ?? 2008);
const CASES = Number(process.env['FLOAT_FUZZ_CASES'] ?? 4000);
const harness = new FloatHarness();
const view = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function valueOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** A double of a random sign and exponent, whose significand has few ones as often as many. */
function draw(prng: Prng, exponentRange: number): number {
  const exponent = BigInt(1023 - exponentRange + prng.below(2 * exponentRange + 1));
  const random = (BigInt(prng.below(2 ** 26)) << 26n) | BigInt(prng.below(2 ** 26));
  const few = prng.chance(2) ? (random >> 40n) << 40n : random >> BigInt(prng.below(52));
  const fraction = prng.chance(2) ? random : few;
  return valueOf((BigInt(prng.below(2)) << 63n) | (exponent << 52n) | fraction);
}

function drawAddend(prng: Prng, a: number, b: number): number {
  const product = a * b;
  const nudged = valueOf(bitsOf(product) + BigInt(prng.below(5) - 2));
  switch (prng.below(6)) {
    case 0:
      return -nudged;
    case 1:
      return nudged * 2 ** (prng.below(120) - 60);
    case 2: // half a unit in the last place of the product, or near it
      return valueOf(bitsOf(product) & (0xfffn << 52n)) * 2 ** -(52 + prng.below(3));
    case 3: // the product is half a unit of it, or near it
      return valueOf(bitsOf(product) & (0x7ffn << 52n)) * 2 ** (52 + prng.below(3)) + draw(prng, 2);
    case 4:
      return 0;
    default:
      return draw(prng, 900);
  }
}

describe.each(['fmadd.d', 'fmsub.d', 'fnmsub.d', 'fnmadd.d'] as const)('%s', (mnemonic) => {
  test(`in range equals exact rationals, seed ${SEED}`, () => {
    const prng = new Prng(SEED);
    const table = new BigUint64Array(3 * CASES);
    for (let i = 0; i < CASES; i++) {
      const range = [3, 60, 398, 410][prng.below(4)] as number;
      const [a, b] = [draw(prng, range), draw(prng, range)];
      table.set([a, b, drawAddend(prng, a, b)].map(bitsOf), 3 * i);
    }
    const clear = harness.runTable(mnemonic, table, 0);
    const inexact = harness.runTable(mnemonic, table, 1);
    let exactCount = 0;
    for (let i = 0; i < CASES; i++) {
      const operands = [...table.subarray(3 * i, 3 * i + 3)];
      const want = expectedOutcome(mnemonic, operands, 0);
      if (want.flags === 0) exactCount++;
      const text = `${operands.map((x) => x.toString(16)).join(' ')}, seed ${SEED}`;
      expect(clear.results[5 * i], text).toBe(want.result);
      expect(clear.flags[5 * i], text).toBe(want.flags);
      expect(inexact.results[5 * i], text).toBe(want.result);
      expect(inexact.flags[5 * i], text).toBe(want.flags | 1);
    }
    expect(exactCount).toBeGreaterThan(CASES / 50);
    expect(exactCount).toBeLessThan(CASES / 2);
  });
});
