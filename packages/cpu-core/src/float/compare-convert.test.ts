/**
 * Goal: comparisons, minimum, maximum, classes and conversions on cases known by hand: the limits
 * of each integer type, halves, NaNs, zeros of both signs. Method: tables of operands, result and
 * flags.
 */
import { expect, test } from 'vitest';
import { FloatHarness } from '../../test/float/harness.ts';
import {
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
  x64,
} from '../../test/float/literals.ts';
import type { FloatMnemonic } from './define-float.ts';

const INF = Infinity;
const MAX_W = 2n ** 31n - 1n;
const MIN_W = -(2n ** 31n);
const MAX_L = 2n ** 63n - 1n;
const MIN_L = -(2n ** 63n);
/** 2^64 - 1, and 2^32 - 1 sign-extended. */
const ALL_ONES = -1n;

/** Operands, result, flags. */
type Exact = readonly [operands: readonly bigint[], result: bigint, flags: number];
/** Rounding mode, operand, result, flags. */
type Rounded = readonly [rm: number, operand: bigint, result: bigint, flags: number];

const harness = new FloatHarness();

const relations: Readonly<Partial<Record<FloatMnemonic, readonly Exact[]>>> = {
  'feq.d': [
    [[f64(0), f64(-0)], 1n, 0],
    [[f64(1), f64(2)], 0n, 0],
    [[QUIET_D, QUIET_D], 0n, 0],
    [[SIGNALLING_D, f64(1)], 0n, NV],
  ],
  'flt.d': [
    [[f64(-INF), f64(INF)], 1n, 0],
    [[f64(-0), f64(0)], 0n, 0],
    [[QUIET_D, f64(1)], 0n, NV],
    [[f64(1), SIGNALLING_D], 0n, NV],
  ],
  'fle.d': [
    [[f64(0), f64(-0)], 1n, 0],
    [[f64(2), f64(1)], 0n, 0],
    [[f64(1), QUIET_D], 0n, NV],
  ],
  'feq.s': [
    [[f32(1), f32(1)], 1n, 0],
    [[UNBOXED_ONE_S, f32(1)], 0n, 0],
    [[SIGNALLING_S, UNBOXED_ONE_S], 0n, NV],
  ],
  'flt.s': [
    [[single(0x80000001), single(0)], 1n, 0],
    [[UNBOXED_ONE_S, f32(2)], 0n, NV],
  ],
  'fle.s': [[[f32(1), f32(1)], 1n, 0]],
};

const extremes: Readonly<Partial<Record<FloatMnemonic, readonly Exact[]>>> = {
  'fmin.d': [
    [[f64(0), f64(-0)], f64(-0), 0],
    [[f64(-0), f64(0)], f64(-0), 0],
    [[f64(1), f64(-INF)], f64(-INF), 0],
    [[QUIET_D, f64(1)], f64(1), 0],
    [[f64(1), SIGNALLING_D], f64(1), NV],
    [[QUIET_D, QUIET_D], NAN_D, 0],
    [[QUIET_D, SIGNALLING_D], NAN_D, NV],
  ],
  'fmax.d': [
    [[f64(0), f64(-0)], f64(0), 0],
    [[f64(-0), f64(0)], f64(0), 0],
    [[f64(-3), f64(-2)], f64(-2), 0],
    [[SIGNALLING_D, f64(1)], f64(1), NV],
  ],
  'fmin.s': [
    [[UNBOXED_ONE_S, f32(7)], f32(7), 0],
    [[QUIET_S, UNBOXED_ONE_S], NAN_S, 0],
  ],
  'fmax.s': [[[f32(-0), f32(0)], f32(0), 0]],
};

const classes: Readonly<Partial<Record<FloatMnemonic, readonly Exact[]>>> = {
  'fclass.d': [
    [[f64(-INF)], 1n << 0n, 0],
    [[f64(-1)], 1n << 1n, 0],
    [[f64(-Number.MIN_VALUE)], 1n << 2n, 0],
    [[f64(-0)], 1n << 3n, 0],
    [[f64(0)], 1n << 4n, 0],
    [[f64(2 ** -1022 - Number.MIN_VALUE)], 1n << 5n, 0],
    [[f64(2 ** -1022)], 1n << 6n, 0],
    [[f64(INF)], 1n << 7n, 0],
    [[SIGNALLING_D], 1n << 8n, 0],
    [[QUIET_D], 1n << 9n, 0],
  ],
  'fclass.s': [
    [[single(0x80000000)], 1n << 3n, 0],
    [[single(0x007fffff)], 1n << 5n, 0],
    [[single(0x00800000)], 1n << 6n, 0],
    [[SIGNALLING_S], 1n << 8n, 0],
    [[UNBOXED_ONE_S], 1n << 9n, 0],
  ],
};

const toIntegers: Readonly<Partial<Record<FloatMnemonic, readonly Rounded[]>>> = {
  'fcvt.w.d': [
    [RNE, f64(2.5), 2n, NX],
    [RMM, f64(2.5), 3n, NX],
    [RNE, f64(3.5), 4n, NX],
    [RTZ, f64(-2.9), x64(-2), NX],
    [RDN, f64(-2.1), x64(-3), NX],
    [RUP, f64(Number.MIN_VALUE), 1n, NX],
    [RNE, f64(-0), 0n, 0],
    [RNE, f64(2 ** 31), MAX_W, NV],
    [RTZ, f64(2 ** 31 - 0.5), MAX_W, NX],
    [RNE, f64(2 ** 31 - 0.5), MAX_W, NV], // rounds out of range: NV alone
    [RNE, f64(-(2 ** 31)), x64(MIN_W), 0],
    [RNE, f64(-(2 ** 31) - 0.5), x64(MIN_W), NX],
    [RDN, f64(-(2 ** 31) - 0.5), x64(MIN_W), NV],
    [RNE, f64(-INF), x64(MIN_W), NV],
    [RNE, QUIET_D, MAX_W, NV],
  ],
  'fcvt.wu.d': [
    [RNE, f64(2 ** 32 - 1), x64(ALL_ONES), 0], // sign-extended though unsigned
    [RNE, f64(2 ** 32), x64(ALL_ONES), NV],
    [RNE, f64(-0.5), 0n, NX],
    [RDN, f64(-0.5), 0n, NV],
    [RNE, f64(-1), 0n, NV],
    [RNE, SIGNALLING_D, x64(ALL_ONES), NV],
    [RNE, f64(-INF), 0n, NV],
  ],
  'fcvt.l.d': [
    [RNE, f64(2 ** 63), MAX_L, NV],
    [RNE, f64(-(2 ** 63)), x64(MIN_L), 0],
    [RNE, f64(2 ** 62), 2n ** 62n, 0],
    [RNE, f64(2 ** 52 + 0.5 * 2), 2n ** 52n + 1n, 0],
    [RNE, 0xfff8000000000000n, MAX_L, NV], // a negative NaN too
  ],
  'fcvt.lu.d': [
    [RNE, f64(2 ** 63), 2n ** 63n, 0],
    [RNE, f64(2 ** 64), x64(ALL_ONES), NV],
    [RNE, f64(2 ** 64 - 2048), x64(-2048), 0],
  ],
  'fcvt.w.s': [[RNE, UNBOXED_ONE_S, MAX_W, NV]],
  'fcvt.wu.s': [[RNE, f32(1.5), 2n, NX]],
  'fcvt.l.s': [[RUP, f32(-0.25), 0n, NX]],
  'fcvt.lu.s': [[RUP, f32(0.25), 1n, NX]],
};

const fromIntegers: Readonly<Partial<Record<FloatMnemonic, readonly Rounded[]>>> = {
  'fcvt.d.w': [
    [RNE, 0x1234567880000000n, f64(-(2 ** 31)), 0], // the upper half is not looked at
    [RNE, 0n, f64(0), 0],
  ],
  'fcvt.d.wu': [[RNE, x64(-1), f64(2 ** 32 - 1), 0]],
  'fcvt.d.l': [
    [RNE, x64(MAX_L), f64(2 ** 63), NX],
    [RTZ, x64(MAX_L), f64(2 ** 63 - 1024), NX],
    [RNE, x64(MIN_L), f64(-(2 ** 63)), 0],
    [RNE, 2n ** 53n + 1n, f64(2 ** 53), NX],
    [RMM, 2n ** 53n + 1n, f64(2 ** 53 + 2), NX],
    [RDN, x64(-(2n ** 53n) - 1n), f64(-(2 ** 53) - 2), NX],
  ],
  'fcvt.d.lu': [[RDN, x64(-1), f64(2 ** 64 - 2048), NX]],
  'fcvt.s.w': [[RNE, 2n ** 24n + 1n, f32(2 ** 24), NX]],
  'fcvt.s.wu': [[RUP, x64(-1), f32(2 ** 32), NX]],
  'fcvt.s.l': [[RNE, 2n ** 24n + 2n ** 62n, f32(2 ** 62), NX]],
  'fcvt.s.lu': [[RNE, x64(-1), f32(2 ** 64), NX]],
};

const betweenFormats: Readonly<Partial<Record<FloatMnemonic, readonly Rounded[]>>> = {
  'fcvt.s.d': [
    [RNE, f64(1), f32(1), 0],
    [RNE, f64(1 + 2 ** -24), f32(1), NX],
    [RNE, f64(2 ** 128), f32(INF), OF | NX],
    [RNE, f64(2 ** -150), f32(0), UF | NX],
    [RUP, f64(Number.MIN_VALUE), single(1), UF | NX],
    [RNE, f64(2 ** -149), single(1), 0],
    [RNE, f64(-0), f32(-0), 0],
    [RNE, QUIET_D, NAN_S, 0],
    [RNE, SIGNALLING_D, NAN_S, NV],
  ],
  'fcvt.d.s': [
    [RNE, single(1), f64(2 ** -149), 0],
    [RNE, f32(-INF), f64(-INF), 0],
    [RNE, QUIET_S, NAN_D, 0],
    [RNE, SIGNALLING_S, NAN_D, NV],
    [RNE, UNBOXED_ONE_S, NAN_D, 0],
  ],
};

const exactTables = Object.entries({ ...relations, ...extremes, ...classes });
const roundedTables = Object.entries({ ...toIntegers, ...fromIntegers, ...betweenFormats });

test.each(exactTables)('%s', (mnemonic, rows) => {
  for (const [operands, result, flags] of rows) {
    const where = `${mnemonic} ${operands.map((x) => x.toString(16)).join(' ')}`;
    const found = harness.call(mnemonic as FloatMnemonic, operands);
    expect(found, where).toEqual({ result, flags });
  }
});

test.each(roundedTables)('%s', (mnemonic, rows) => {
  for (const [rm, operand, result, flags] of rows) {
    const found = harness.call(mnemonic as FloatMnemonic, [operand], rm, 0);
    expect(found, `${mnemonic} ${operand.toString(16)} rm ${rm}`).toEqual({ result, flags });
  }
});
