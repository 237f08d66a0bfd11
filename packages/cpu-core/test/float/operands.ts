/**
 * Operands where floating point goes wrong: drawn by seed, each draw one of many kinds. Test
 * support.
 *
 * Alone: zeros, subnormals of any length, the ends of the normal range, infinities, NaNs quiet and
 * signalling, short and long significands, numbers at the limits of the integer types, singles not
 * boxed. Together: almost equal, a rounding distance apart, products and quotients at the ends of
 * the range, and a third operand that all but cancels the product of the others.
 */
import type { Prng } from '@casmotion/base';
import type { FloatMnemonic } from '../../src/float/define-float.ts';

/** `count` records of three operands for `mnemonic`, as the harness takes them. */
export function drawTable(prng: Prng, mnemonic: FloatMnemonic, count: number): BigUint64Array {
  const table = new BigUint64Array(3 * count);
  const [name = '', second = '', third = ''] = mnemonic.split('.');
  const source = name === 'fcvt' ? third : second;
  for (let i = 0; i < count; i++) {
    const isInteger = source !== 's' && source !== 'd';
    table.set(
      isInteger ? [drawInteger(prng), 0n, 0n] : drawFloats(prng, SHAPES[source], name),
      3 * i,
    );
  }
  return table;
}

/** The names and register contents of the operands that every unit table should meet. */
export function specialOperands(suffix: 's' | 'd'): readonly bigint[] {
  const shape = SHAPES[suffix];
  return specials(shape).flatMap((bits) => [box(shape, bits), box(shape, bits | shape.sign)]);
}

interface Shape {
  readonly suffix: 's' | 'd';
  readonly fractionBits: number;
  readonly exponentMax: number;
  readonly sign: bigint;
}

const SHAPES: Readonly<Record<'s' | 'd', Shape>> = {
  s: { suffix: 's', fractionBits: 23, exponentMax: 255, sign: 1n << 31n },
  d: { suffix: 'd', fractionBits: 52, exponentMax: 2047, sign: 1n << 63n },
};

function drawFloats(prng: Prng, shape: Shape, name: string): [bigint, bigint, bigint] {
  const a = drawBits(prng, shape);
  const b = prng.chance(2) ? drawBits(prng, shape) : drawRelated(prng, shape, a, name);
  let c = prng.chance(2) ? drawBits(prng, shape) : drawAddend(prng, shape, a, b);
  if (prng.chance(16)) c = a;
  if (name === 'fsqrt' && prng.chance(3)) return [drawSquare(prng, shape), 0n, 0n];
  return [a, b, c].map((bits) => drawBoxed(prng, shape, bits)) as [bigint, bigint, bigint];
}

function box(shape: Shape, bits: bigint): bigint {
  return shape.suffix === 's' ? bits | 0xffffffff00000000n : bits;
}

/** Boxed, but once in 64 draws not. */
function drawBoxed(prng: Prng, shape: Shape, bits: bigint): bigint {
  if (shape.suffix === 'd' || !prng.chance(64)) return box(shape, bits);
  const above = prng.pick([0n, 0xfffffffen, 0x7fffffffn, BigInt(prng.u32())]);
  return (above << 32n) | bits;
}

function compose(shape: Shape, isNegative: boolean, exponent: number, fraction: bigint): bigint {
  const bounded = Math.min(Math.max(exponent, 0), shape.exponentMax);
  const magnitude = (BigInt(bounded) << BigInt(shape.fractionBits)) | fraction;
  return isNegative ? magnitude | shape.sign : magnitude;
}

function exponentOf(shape: Shape, bits: bigint): number {
  return Number((bits & (shape.sign - 1n)) >> BigInt(shape.fractionBits));
}

function biasOf(shape: Shape): number {
  return (shape.exponentMax - 1) / 2;
}

/** Signless bits: the table of edges. */
function specials(shape: Shape): bigint[] {
  const one = BigInt(biasOf(shape)) << BigInt(shape.fractionBits);
  const leastNormal = 1n << BigInt(shape.fractionBits);
  const infinity = BigInt(shape.exponentMax) << BigInt(shape.fractionBits);
  const quiet = leastNormal >> 1n;
  return [
    0n,
    1n,
    2n,
    quiet,
    leastNormal - 1n,
    leastNormal,
    leastNormal + 1n,
    2n * leastNormal - 1n,
    2n * leastNormal,
    one - 1n,
    one,
    one + 1n,
    one + leastNormal,
    one + quiet,
    infinity - leastNormal,
    infinity - 1n,
    infinity,
    infinity + 1n,
    infinity + quiet - 1n,
    infinity + quiet,
    infinity + 2n * quiet - 1n,
  ];
}

function drawFraction(prng: Prng, fractionBits: number): bigint {
  const all = (1n << BigInt(fractionBits)) - 1n;
  const random = prng.u64() & all;
  const k = BigInt(prng.below(fractionBits + 1));
  switch (prng.below(8)) {
    case 0:
      return 0n;
    case 1:
      return all - BigInt(prng.below(3));
    case 2:
      return BigInt(prng.below(4));
    case 3:
      return (1n << k) & all;
    case 4:
      return (all << k) & all;
    case 5:
      return all >> k;
    case 6:
      return ((random >> k) << k) & all;
    default:
      return random;
  }
}

function drawBits(prng: Prng, shape: Shape): bigint {
  const { fractionBits, exponentMax, sign } = shape;
  const bias = biasOf(shape);
  const isNegative = prng.chance(2);
  const fraction = drawFraction(prng, fractionBits);
  switch (prng.below(12)) {
    case 0:
    case 1:
      return prng.pick(specials(shape)) | (isNegative ? sign : 0n);
    case 2:
      return prng.u64() & (2n * sign - 1n);
    case 3:
      return compose(shape, isNegative, 0, fraction >> BigInt(prng.below(fractionBits)));
    case 4:
      return compose(shape, isNegative, prng.below(4), fraction);
    case 5:
      return compose(shape, isNegative, exponentMax - prng.below(4), fraction);
    case 6:
    case 7:
      return compose(shape, isNegative, bias - 3 + prng.below(70), fraction); // integers and limits
    case 8:
      return compose(
        shape,
        isNegative,
        (bias >> 1) - fractionBits + prng.below(2 * fractionBits),
        fraction,
      );
    case 9:
      return compose(shape, isNegative, bias + (bias >> 1) - 4 + prng.below(8), fraction);
    default:
      return compose(shape, isNegative, bias - 8 + prng.below(16), fraction);
  }
}

/** A second operand that with the first makes a hard case of sum, product or quotient. */
function drawRelated(prng: Prng, shape: Shape, a: bigint, name: string): bigint {
  const { fractionBits, exponentMax, sign } = shape;
  const exponent = exponentOf(shape, a);
  const bias = biasOf(shape);
  const near = prng.below(2 * fractionBits + 8) - fractionBits - 4;
  const atEnd = prng.chance(2)
    ? -fractionBits - 2 + prng.below(fractionBits + 6)
    : exponentMax - prng.below(5);
  let target: number;
  switch (prng.below(4)) {
    case 0: // a few units apart, maybe of the other sign
      return a ^ (prng.chance(2) ? sign : 0n) ^ BigInt(prng.below(8));
    case 1: // one rounding distance apart
      target = exponent - fractionBits - 3 + prng.below(5);
      break;
    case 2:
      target = exponent + near;
      break;
    default: // product or quotient at an end of the range
      target = name === 'fdiv' ? exponent + bias - atEnd : atEnd + bias - exponent;
  }
  return compose(shape, prng.chance(2), target, drawFraction(prng, fractionBits));
}

/** A third operand near the product of the others: cancelling, or a rounding distance from it. */
function drawAddend(prng: Prng, shape: Shape, a: bigint, b: bigint): bigint {
  const { fractionBits } = shape;
  const product = floatOf(shape, a) * floatOf(shape, b);
  const bits = bitsOf(shape, prng.chance(2) ? -product : product);
  if (prng.chance(2)) return bits ^ BigInt(prng.below(4));
  const distance = prng.below(4 * fractionBits + 8) - 2 * fractionBits - 4;
  const aligned = prng.pick([
    distance,
    0,
    -1,
    1,
    fractionBits,
    fractionBits + 1,
    -fractionBits - 1,
  ]);
  const exponent = exponentOf(shape, a) + exponentOf(shape, b) - biasOf(shape) + aligned;
  return compose(shape, prng.chance(2), exponent, drawFraction(prng, fractionBits));
}

/** A square of a short number, or a unit beside it. */
function drawSquare(prng: Prng, shape: Shape): bigint {
  const root = (prng.u32() >>> (8 + prng.below(20))) / 2 ** prng.below(16);
  const scale = 2 ** (prng.below(100) - 50);
  const bits = bitsOf(shape, root * root * scale * scale);
  return box(shape, bits + BigInt(prng.below(3)));
}

const scratch = new DataView(new ArrayBuffer(8));

function floatOf(shape: Shape, bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return shape.suffix === 's' ? scratch.getFloat32(4) : scratch.getFloat64(0);
}

/** A NaN becomes the canonical one, so that tables do not depend on the host. */
function bitsOf(shape: Shape, value: number): bigint {
  if (Number.isNaN(value)) return specials(shape)[19] ?? 0n;
  scratch.setBigUint64(0, 0n);
  if (shape.suffix === 's') scratch.setFloat32(4, value);
  else scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

/**
 * 64-bit register contents: any length, and beside powers of two and rounding boundaries of both
 * formats.
 */
function drawInteger(prng: Prng): bigint {
  const length = BigInt(1 + prng.below(64));
  const top = 1n << (length - 1n);
  const offset = BigInt(prng.below(5) - 2);
  let magnitude: bigint;
  switch (prng.below(6)) {
    case 0:
      magnitude =
        prng.pick([0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n, 2n ** 24n, 2n ** 53n]) +
        offset;
      break;
    case 1:
      magnitude = top + offset;
      break;
    case 2:
    case 3: {
      // Around a tie: some bits, then 1000... and perhaps one more.
      const kept = prng.pick([24n, 25n, 53n, 54n]);
      const dropped = length > kept ? length - kept : 0n;
      magnitude = ((((prng.u64() & (top - 1n)) | top) >> dropped) << dropped) + offset;
      break;
    }
    default:
      magnitude = prng.u64() & (2n * top - 1n);
  }
  return BigInt.asUintN(64, prng.chance(2) ? -magnitude : magnitude);
}
