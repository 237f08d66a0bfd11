/**
 * Goal: arithmetic that rounds, on cases whose result is known by hand: each special case of the
 * specification, each flag, each rounding mode. Method: tables of operands, result and flags.
 */
import { expect, test } from 'vitest';
import { FloatHarness } from '../../test/float/harness.ts';
import {
  DZ,
  f32,
  f64,
  NAN_D,
  NAN_S,
  NV,
  NX,
  OF,
  QUIET_D,
  QUIET_S,
  RDN,
  RMM,
  RNE,
  RTZ,
  RUP,
  SIGNALLING_D,
  SIGNALLING_S,
  single,
  UF,
  UNBOXED_ONE_S,
} from '../../test/float/literals.ts';
import type { FloatMnemonic } from './define-float.ts';

const MAX_D = Number.MAX_VALUE;
const TINY_D = Number.MIN_VALUE;
const NORMAL_D = 2 ** -1022;
const INF = Infinity;
const ULP = 2 ** -52;

/** rm, operands, result, flags. */
type Row = readonly [rm: number, operands: readonly bigint[], result: bigint, flags: number];

const harness = new FloatHarness();

const sums: readonly Row[] = [
  [RNE, [f64(1), f64(2)], f64(3), 0],
  [RNE, [f64(1), f64(2 ** -53)], f64(1), NX], // a tie goes to even
  [RMM, [f64(1), f64(2 ** -53)], f64(1 + ULP), NX],
  [RNE, [f64(1 + ULP), f64(2 ** -53)], f64(1 + 2 * ULP), NX],
  [RTZ, [f64(1 + ULP), f64(2 ** -53)], f64(1 + ULP), NX],
  [RUP, [f64(1), f64(TINY_D)], f64(1 + ULP), NX],
  [RDN, [f64(1), f64(-TINY_D)], f64(1 - ULP / 2), NX],
  [RUP, [f64(-1), f64(-TINY_D)], f64(-1), NX],
  [RDN, [f64(-1), f64(-TINY_D)], f64(-1 - ULP), NX],
  [RNE, [f64(1), f64(-1)], f64(0), 0],
  [RDN, [f64(1), f64(-1)], f64(-0), 0],
  [RNE, [f64(-0), f64(-0)], f64(-0), 0],
  [RDN, [f64(0), f64(0)], f64(0), 0],
  [RNE, [f64(TINY_D), f64(TINY_D)], f64(2 * TINY_D), 0], // exact: no underflow
  [RNE, [f64(MAX_D), f64(MAX_D)], f64(INF), OF | NX],
  [RTZ, [f64(MAX_D), f64(MAX_D)], f64(MAX_D), OF | NX],
  [RDN, [f64(MAX_D), f64(MAX_D)], f64(MAX_D), OF | NX],
  [RUP, [f64(-MAX_D), f64(-MAX_D)], f64(-MAX_D), OF | NX],
  [RNE, [f64(INF), f64(MAX_D)], f64(INF), 0],
  [RNE, [f64(INF), f64(-INF)], NAN_D, NV],
  [RNE, [f64(1), QUIET_D], NAN_D, 0],
  [RNE, [QUIET_D, SIGNALLING_D], NAN_D, NV],
];

const singleSums: readonly Row[] = [
  [RNE, [f32(1), f32(2 ** -24)], f32(1), NX],
  [RUP, [f32(1), f32(2 ** -24)], f32(1 + 2 ** -23), NX],
  [RNE, [f32(1), f32(2 ** -60)], f32(1), NX], // even the double sum is inexact
  [RNE, [f32(1), UNBOXED_ONE_S], NAN_S, 0],
  [RNE, [0x3f800000n, f32(1)], NAN_S, 0],
  [RNE, [SIGNALLING_S, UNBOXED_ONE_S], NAN_S, NV],
  [RNE, [f32(INF), f32(-INF)], NAN_S, NV],
];

const products: readonly Row[] = [
  [RNE, [f64(3), f64(-5)], f64(-15), 0],
  [RNE, [f64(1 + ULP), f64(1 + ULP)], f64(1 + 2 * ULP), NX],
  [RUP, [f64(1 + ULP), f64(1 + ULP)], f64(1 + 3 * ULP), NX],
  [RNE, [f64(0), f64(INF)], NAN_D, NV],
  [RNE, [f64(-INF), f64(2)], f64(-INF), 0],
  [RNE, [f64(-0), f64(2)], f64(-0), 0],
  [RNE, [f64(2 ** 600), f64(2 ** 600)], f64(INF), OF | NX],
  [RNE, [f64(TINY_D), f64(0.5)], f64(0), UF | NX],
  [RUP, [f64(TINY_D), f64(0.5)], f64(TINY_D), UF | NX],
  [RMM, [f64(-TINY_D), f64(0.5)], f64(-TINY_D), UF | NX],
  [RNE, [f64(2 * TINY_D), f64(0.5)], f64(TINY_D), 0], // subnormal but exact
  // (1 + ulp)(1 - ulp) * 2^-1022 is below the least normal by 2^-104 of it: to 53 bits it rounds up
  // to
  // it, so it is not tiny after rounding.
  [RNE, [f64((1 + ULP) * NORMAL_D), f64(1 - ULP)], f64(NORMAL_D), NX],
  [RDN, [f64((1 + ULP) * NORMAL_D), f64(1 - ULP)], f64(NORMAL_D - TINY_D), UF | NX],
  // (1 - ulp/2) * 2^-1022 has 53 bits of its own: tiny, though the subnormal rounds up to normal.
  [RNE, [f64(NORMAL_D), f64(1 - ULP / 2)], f64(NORMAL_D), UF | NX],
];

const quotients: readonly Row[] = [
  [RNE, [f64(6), f64(3)], f64(2), 0],
  [RNE, [f64(1), f64(3)], f64(1 / 3), NX],
  [RUP, [f64(1), f64(3)], f64(1 / 3 + 2 ** -54), NX],
  [RNE, [f64(1), f64(-0)], f64(-INF), DZ],
  [RNE, [f64(0), f64(0)], NAN_D, NV],
  [RNE, [f64(INF), f64(INF)], NAN_D, NV],
  [RNE, [f64(INF), f64(0)], f64(INF), 0],
  [RNE, [f64(-5), f64(INF)], f64(-0), 0],
  [RNE, [SIGNALLING_D, f64(0)], NAN_D, NV],
  [RNE, [f64(TINY_D), f64(2)], f64(0), UF | NX],
  [RTZ, [f64(MAX_D), f64(TINY_D)], f64(MAX_D), OF | NX],
];

const roots: readonly Row[] = [
  [RNE, [f64(9)], f64(3), 0],
  [RNE, [f64(2)], f64(Math.SQRT2), NX],
  [RUP, [f64(2)], f64(Math.SQRT2), NX], // the nearest is above
  [RDN, [f64(2)], f64(Math.SQRT2 - ULP), NX],
  [RNE, [f64(TINY_D)], f64(2 ** -537), 0],
  [RNE, [f64(-0)], f64(-0), 0],
  [RNE, [f64(-1)], NAN_D, NV],
  [RNE, [f64(-INF)], NAN_D, NV],
  [RNE, [f64(INF)], f64(INF), 0],
  [RNE, [QUIET_D], NAN_D, 0],
];

const fused: readonly Row[] = [
  [RNE, [f64(2), f64(3), f64(4)], f64(10), 0],
  // The lost last bit of the product, which two roundings would not show.
  [RNE, [f64(1 + ULP), f64(1 - ULP), f64(-1)], f64(-(2 ** -104)), 0],
  // (2^51 - 2^26 + 1)(2^51 + 2^26 + 1) = 2^102 + 1: a tie but for a 1 that lies 155 places below.
  [
    RNE,
    [f64(2 ** 51 - 2 ** 26 + 1), f64(2 ** 51 + 2 ** 26 + 1), f64(2 ** 155)],
    f64(2 ** 155 + 2 ** 103),
    NX,
  ],
  [RNE, [f64(2 ** 51), f64(2 ** 51), f64(2 ** 155)], f64(2 ** 155), NX],
  [RNE, [f64(0), f64(INF), QUIET_D], NAN_D, NV], // §11.6
  [RNE, [f64(INF), f64(1), f64(-INF)], NAN_D, NV],
  [RNE, [f64(INF), f64(1), f64(INF)], f64(INF), 0],
  [RNE, [f64(1), f64(1), SIGNALLING_D], NAN_D, NV],
  [RNE, [f64(1), f64(1), QUIET_D], NAN_D, 0],
  [RNE, [f64(-0), f64(1), f64(-0)], f64(-0), 0],
  [RNE, [f64(-0), f64(1), f64(0)], f64(0), 0],
  [RDN, [f64(-0), f64(1), f64(0)], f64(-0), 0],
  [RDN, [f64(1), f64(1), f64(-1)], f64(-0), 0],
  [RNE, [f64(MAX_D), f64(2), f64(-MAX_D)], f64(MAX_D), 0], // the product alone would overflow
  [RNE, [f64(TINY_D), f64(TINY_D), f64(TINY_D)], f64(TINY_D), UF | NX],
];

const singleFused: readonly Row[] = [
  // (2^23 - 2^12 + 1)(2^23 + 2^12 + 1) = 2^46 + 1, so the sum is 1 + 2^-24 + 2^-70: in double it is
  // the midpoint of two singles, and only the bit lost says up.
  [
    RNE,
    [f32((2 ** 23 - 2 ** 12 + 1) * 2 ** -35), f32((2 ** 23 + 2 ** 12 + 1) * 2 ** -35), f32(1)],
    f32(1 + 2 ** -23),
    NX,
  ],
  [RNE, [f32(1 + 2 ** -12), f32(1 + 2 ** -12), single(0)], f32(1 + 2 ** -11), NX],
  [RNE, [UNBOXED_ONE_S, f32(1), f32(1)], NAN_S, 0],
  [RNE, [f32(INF), f32(0), QUIET_S], NAN_S, NV],
];

const fusedVariants: Readonly<Partial<Record<FloatMnemonic, readonly Row[]>>> = {
  'fmsub.d': [[RNE, [f64(2), f64(3), f64(4)], f64(2), 0]],
  'fnmsub.d': [[RNE, [f64(2), f64(3), f64(4)], f64(-2), 0]],
  'fnmadd.d': [
    [RNE, [f64(2), f64(3), f64(4)], f64(-10), 0],
    [RNE, [f64(1), f64(0), f64(0)], f64(-0), 0],
    [RDN, [f64(1), f64(1), f64(-1)], f64(-0), 0],
  ],
  'fnmadd.s': [[RNE, [f32(2), UNBOXED_ONE_S, f32(4)], NAN_S, 0]],
  'fsub.d': [
    [RNE, [f64(1), f64(1)], f64(0), 0],
    [RNE, [f64(INF), f64(INF)], NAN_D, NV],
    [RNE, [f64(1), SIGNALLING_D], NAN_D, NV],
  ],
  'fmul.s': [
    [RNE, [single(1), f32(0.5)], f32(0), UF | NX],
    [RNE, [f32(2 ** 127), f32(2)], f32(INF), OF | NX],
    [RNE, [f32(1 + 2 ** -23), f32(1 + 2 ** -23)], f32(1 + 2 ** -22), NX],
  ],
  'fdiv.s': [
    [RNE, [f32(1), f32(0)], f32(INF), DZ],
    [RNE, [f32(1), f32(3)], f32(Math.fround(1 / 3)), NX],
  ],
  'fsqrt.s': [
    [RNE, [f32(2)], f32(Math.fround(Math.SQRT2)), NX],
    [RNE, [f32(-1)], NAN_S, NV],
  ],
};

const tables: Readonly<Partial<Record<FloatMnemonic, readonly Row[]>>> = {
  'fadd.d': sums,
  'fadd.s': singleSums,
  'fmul.d': products,
  'fdiv.d': quotients,
  'fsqrt.d': roots,
  'fmadd.d': fused,
  'fmadd.s': singleFused,
  ...fusedVariants,
};

test.each(Object.entries(tables))('%s', (mnemonic, rows) => {
  for (const [rm, operands, result, flags] of rows) {
    // Flags accumulate, and what stood there before changes neither result nor new flags.
    for (const before of [0, NX, NV | DZ | OF | UF]) {
      const found = harness.call(mnemonic as FloatMnemonic, operands, rm, before);
      const where = `${mnemonic} ${operands.map((x) => x.toString(16)).join(' ')} rm ${rm}`;
      expect(found, where).toEqual({ result, flags: flags | before });
    }
  }
});
