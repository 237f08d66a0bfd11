/**
 * A second, independent meaning of every F and D instruction: exact rationals of BigInts, rounded
 * once by the definitions of IEEE 754-2019 §4.3, §7 and Unprivileged ISA 20191213 §11, §12. Slow
 * and plain. Test support.
 *
 * It shares no code and no method with src/float: no bit tricks, no sticky bits, no native
 * arithmetic.
 */
import type { FloatMnemonic } from '../../src/float/define-float.ts';

export interface Outcome {
  /** Register contents, unsigned 64-bit. */
  readonly result: bigint;
  readonly flags: number;
}

/** What `mnemonic` does with register contents, in rounding mode 0 <= rm <= 4. */
export function expectedOutcome(
  mnemonic: FloatMnemonic,
  operands: readonly bigint[],
  rm: number,
): Outcome {
  const [name = '', second = '', third = ''] = mnemonic.split('.');
  const [a = 0n, b = 0n, c = 0n] = operands;
  if (name === 'fcvt') return convert(second, third, a, rm);
  const format = FORMATS[second as 's' | 'd'];
  const [x, y, z] = [decode(format, a), decode(format, b), decode(format, c)];
  switch (name) {
    case 'fadd':
      return add(format, x, y, rm);
    case 'fsub':
      return add(format, x, negate(y), rm);
    case 'fmul':
      return multiply(format, x, y, rm);
    case 'fdiv':
      return divide(format, x, y, rm);
    case 'fsqrt':
      return squareRoot(format, x, rm);
    case 'fmadd':
      return fused(format, x, y, z, rm);
    case 'fmsub':
      return fused(format, x, y, negate(z), rm);
    case 'fnmsub':
      return fused(format, negate(x), y, z, rm);
    case 'fnmadd':
      return fused(format, negate(x), y, negate(z), rm);
    case 'fmin':
    case 'fmax':
      return extreme(format, x, y, name);
    case 'fclass':
      return { result: classify(format, x), flags: 0 };
    default:
      return compare(name, x, y);
  }
}

interface Format {
  readonly width: bigint;
  readonly fractionBits: number;
  readonly bias: number;
}

const FORMATS: Readonly<Record<'s' | 'd', Format>> = {
  s: { width: 32n, fractionBits: 23, bias: 127 },
  d: { width: 64n, fractionBits: 52, bias: 1023 },
};

const NV = 16;
const DZ = 8;
const OF = 4;
const UF = 2;
const NX = 1;
const [RNE, RTZ, RDN, RUP] = [0, 1, 2, 3];

/**
 * A datum. A finite one that is not zero is numerator / denominator, both positive, with the sign
 * beside.
 */
type Datum =
  | { readonly kind: 'nan'; readonly isSignalling: boolean }
  | { readonly kind: 'infinity'; readonly isNegative: boolean }
  | { readonly kind: 'zero'; readonly isNegative: boolean }
  | ({ readonly kind: 'number'; readonly isNegative: boolean } & Ratio);

interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function decode(format: Format, register: bigint): Datum {
  const { width, fractionBits, bias } = format;
  if (width === 32n && register >> 32n !== 0xffffffffn) return { kind: 'nan', isSignalling: false };
  const bits = BigInt.asUintN(Number(width), register);
  const isNegative = bits >> (width - 1n) === 1n;
  const fraction = BigInt.asUintN(fractionBits, bits);
  const field = Number(BigInt.asUintN(Number(width) - 1, bits) >> BigInt(fractionBits));
  if (field === 2 * bias + 1) {
    if (fraction === 0n) return { kind: 'infinity', isNegative };
    return { kind: 'nan', isSignalling: fraction < 1n << BigInt(fractionBits - 1) };
  }
  if (field === 0 && fraction === 0n) return { kind: 'zero', isNegative };
  const whole = field === 0 ? fraction : fraction + (1n << BigInt(fractionBits));
  const power = Math.max(field, 1) - bias - fractionBits;
  return {
    kind: 'number',
    isNegative,
    ...timesPowerOfTwo({ numerator: whole, denominator: 1n }, power),
  };
}

function negate(x: Datum): Datum {
  return x.kind === 'nan' ? x : { ...x, isNegative: !x.isNegative };
}

function encode(format: Format, isNegative: boolean, magnitude: bigint): bigint {
  const bits = magnitude | (isNegative ? 1n << (format.width - 1n) : 0n);
  return format.width === 32n ? bits | 0xffffffff00000000n : bits;
}

function infinityBits(format: Format): bigint {
  return BigInt(2 * format.bias + 1) << BigInt(format.fractionBits);
}

function canonicalNan(format: Format): bigint {
  return encode(format, false, infinityBits(format) | (1n << BigInt(format.fractionBits - 1)));
}

function exact(format: Format, x: Datum): Outcome {
  if (x.kind === 'nan') return { result: canonicalNan(format), flags: 0 };
  if (x.kind === 'number') return round(format, x.isNegative, x, RNE);
  const magnitude = x.kind === 'zero' ? 0n : infinityBits(format);
  return { result: encode(format, x.isNegative, magnitude), flags: 0 };
}

function invalid(format: Format): Outcome {
  return { result: canonicalNan(format), flags: NV };
}

/** The outcome where one of the operands is NaN, or undefined. */
function nanOutcome(format: Format, ...operands: readonly Datum[]): Outcome | undefined {
  if (operands.every((x) => x.kind !== 'nan')) return undefined;
  const isInvalid = operands.some((x) => x.kind === 'nan' && x.isSignalling);
  return { result: canonicalNan(format), flags: isInvalid ? NV : 0 };
}

type NumericDatum = Exclude<Datum, { kind: 'nan' }>;

function add(format: Format, x: Datum, y: Datum, rm: number): Outcome {
  const nan = nanOutcome(format, x, y);
  if (nan !== undefined || x.kind === 'nan' || y.kind === 'nan') return nan ?? invalid(format);
  return addNumbers(format, x, y, rm);
}

function addNumbers(format: Format, x: NumericDatum, y: NumericDatum, rm: number): Outcome {
  if (x.kind === 'infinity' && y.kind === 'infinity' && x.isNegative !== y.isNegative) {
    return invalid(format);
  }
  if (x.kind === 'infinity') return exact(format, x);
  if (y.kind === 'infinity') return exact(format, y);
  const [p, q] = [signedRatio(x), signedRatio(y)];
  const numerator = p.numerator * q.denominator + q.numerator * p.denominator;
  if (numerator === 0n) {
    // IEEE 754 §6.3: zeros of one sign keep it; else +0, but -0 when rounding down.
    const isSameZero = x.kind === 'zero' && y.kind === 'zero' && x.isNegative === y.isNegative;
    const isNegative = isSameZero ? x.isNegative : rm === RDN;
    return { result: encode(format, isNegative, 0n), flags: 0 };
  }
  return roundSigned(format, { numerator, denominator: p.denominator * q.denominator }, rm);
}

function product(x: NumericDatum, y: NumericDatum): NumericDatum | undefined {
  const isNegative = x.isNegative !== y.isNegative;
  const kinds = new Set<string>([x.kind, y.kind]);
  if (kinds.has('infinity')) {
    return kinds.has('zero') ? undefined : { kind: 'infinity', isNegative };
  }
  if (x.kind !== 'number' || y.kind !== 'number') return { kind: 'zero', isNegative };
  return {
    kind: 'number',
    isNegative,
    numerator: x.numerator * y.numerator,
    denominator: x.denominator * y.denominator,
  };
}

function multiply(format: Format, x: Datum, y: Datum, rm: number): Outcome {
  const nan = nanOutcome(format, x, y);
  if (nan !== undefined || x.kind === 'nan' || y.kind === 'nan') return nan ?? invalid(format);
  const result = product(x, y);
  if (result === undefined) return invalid(format);
  if (result.kind === 'number') return round(format, result.isNegative, result, rm);
  return exact(format, result);
}

function fused(format: Format, x: Datum, y: Datum, z: Datum, rm: number): Outcome {
  const kinds = new Set<string>([x.kind, y.kind]);
  if (kinds.has('infinity') && kinds.has('zero')) return invalid(format);
  const nan = nanOutcome(format, x, y, z);
  if (nan !== undefined) return nan;
  if (x.kind === 'nan' || y.kind === 'nan' || z.kind === 'nan') return invalid(format);
  const xy = product(x, y);
  return xy === undefined ? invalid(format) : addNumbers(format, xy, z, rm);
}

function divide(format: Format, x: Datum, y: Datum, rm: number): Outcome {
  const nan = nanOutcome(format, x, y);
  if (nan !== undefined || x.kind === 'nan' || y.kind === 'nan') return nan ?? invalid(format);
  const isNegative = x.isNegative !== y.isNegative;
  if (x.kind === y.kind && x.kind !== 'number') return invalid(format);
  if (x.kind === 'infinity') return exact(format, { kind: 'infinity', isNegative });
  if (x.kind === 'zero' || y.kind === 'infinity') {
    return exact(format, { kind: 'zero', isNegative });
  }
  if (y.kind === 'zero') {
    return { result: encode(format, isNegative, infinityBits(format)), flags: DZ };
  }
  const numerator = x.numerator * y.denominator;
  return round(format, isNegative, { numerator, denominator: x.denominator * y.numerator }, rm);
}

function squareRoot(format: Format, x: Datum, rm: number): Outcome {
  const nan = nanOutcome(format, x);
  if (nan !== undefined || x.kind === 'nan') return nan ?? invalid(format);
  if (x.kind === 'zero') return exact(format, x);
  if (x.isNegative) return invalid(format);
  if (x.kind === 'infinity') return exact(format, x);
  // sqrt(n/d) = sqrt(n*d)/d. 128 bits after the point, and half a unit more if there is a rest:
  // what rounds
  // alike, since the root of a number of 53 bits cannot come that close to a rounding boundary.
  const scaled = (x.numerator * x.denominator) << (2n * ROOT_BITS);
  const root = integerRoot(scaled);
  const numerator = 2n * root + (root * root === scaled ? 0n : 1n);
  return round(format, false, { numerator, denominator: (2n * x.denominator) << ROOT_BITS }, rm);
}

const ROOT_BITS = 128n;

/** floor(sqrt(n)) by Newton's iteration from above. */
function integerRoot(n: bigint): bigint {
  let root = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function extreme(format: Format, x: Datum, y: Datum, name: 'fmin' | 'fmax'): Outcome {
  const flags = [x, y].some((z) => z.kind === 'nan' && z.isSignalling) ? NV : 0;
  const pick = (z: Datum): Outcome => ({ result: exact(format, z).result, flags });
  if (x.kind === 'nan') return pick(y);
  if (y.kind === 'nan') return pick(x);
  let order = orderOf(x, y);
  if (order === 0) order = Number(y.isNegative) - Number(x.isNegative); // -0 below +0
  const isFirst = name === 'fmin' ? order <= 0 : order >= 0;
  return pick(isFirst ? x : y);
}

function compare(name: string, x: Datum, y: Datum): Outcome {
  if (x.kind === 'nan' || y.kind === 'nan') {
    const isSignalling = [x, y].some((z) => z.kind === 'nan' && z.isSignalling);
    return { result: 0n, flags: name !== 'feq' || isSignalling ? NV : 0 };
  }
  const order = orderOf(x, y);
  const holds = name === 'feq' ? order === 0 : name === 'flt' ? order < 0 : order <= 0;
  return { result: holds ? 1n : 0n, flags: 0 };
}

/** Less than 0, 0 or greater, as x is less than, equal to or greater than y. */
function orderOf(x: NumericDatum, y: NumericDatum): number {
  const [p, q] = [signedRatio(x), signedRatio(y)];
  const difference = p.numerator * q.denominator - q.numerator * p.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Infinities as a ratio beyond all finite doubles. */
function signedRatio(x: NumericDatum): Ratio {
  const sign = x.isNegative ? -1n : 1n;
  if (x.kind === 'zero') return { numerator: 0n, denominator: 1n };
  if (x.kind === 'infinity') return { numerator: sign << 5000n, denominator: 1n };
  return { numerator: sign * x.numerator, denominator: x.denominator };
}

function classify(format: Format, x: Datum): bigint {
  if (x.kind === 'nan') return x.isSignalling ? 1n << 8n : 1n << 9n;
  const leastNormal = timesPowerOfTwo({ numerator: 1n, denominator: 1n }, 1 - format.bias);
  const isSubnormal =
    x.kind === 'number' &&
    x.numerator * leastNormal.denominator < leastNormal.numerator * x.denominator;
  const fromZero = x.kind === 'zero' ? 0n : isSubnormal ? 1n : x.kind === 'number' ? 2n : 3n;
  return 1n << (x.isNegative ? 3n - fromZero : 4n + fromZero);
}

function convert(to: string, from: string, register: bigint, rm: number): Outcome {
  if (from === 's' || from === 'd') {
    const x = decode(FORMATS[from], register);
    if (to !== 's' && to !== 'd') return toInteger(to, x, rm);
    const format = FORMATS[to];
    if (x.kind === 'nan') return nanOutcome(format, x) ?? invalid(format);
    return x.kind === 'number' ? round(format, x.isNegative, x, rm) : exact(format, x);
  }
  const bits = from.startsWith('w') ? 32 : 64;
  const value = from.endsWith('u') ? BigInt.asUintN(bits, register) : BigInt.asIntN(bits, register);
  const format = FORMATS[to as 's' | 'd'];
  if (value === 0n) return { result: encode(format, false, 0n), flags: 0 };
  return roundSigned(format, { numerator: value, denominator: 1n }, rm);
}

function toInteger(type: string, x: Datum, rm: number): Outcome {
  const bits = type.startsWith('w') ? 32n : 64n;
  const isSigned = !type.endsWith('u');
  const least = isSigned ? -(1n << (bits - 1n)) : 0n;
  const greatest = (1n << (isSigned ? bits - 1n : bits)) - 1n;
  const inRegister = (value: bigint): bigint =>
    BigInt.asUintN(64, BigInt.asIntN(Number(bits), value));
  if (x.kind === 'nan') return { result: inRegister(greatest), flags: NV };
  if (x.kind === 'infinity') {
    return { result: inRegister(x.isNegative ? least : greatest), flags: NV };
  }
  if (x.kind === 'zero') return { result: 0n, flags: 0 };
  const { magnitude, isInexact } = roundToUnit(x.isNegative, x, rm);
  const value = x.isNegative ? -magnitude : magnitude;
  if (value < least) return { result: inRegister(least), flags: NV };
  if (value > greatest) return { result: inRegister(greatest), flags: NV };
  return { result: inRegister(value), flags: isInexact ? NX : 0 };
}

function roundSigned(format: Format, { numerator, denominator }: Ratio, rm: number): Outcome {
  const isNegative = numerator < 0n;
  return round(
    format,
    isNegative,
    { numerator: isNegative ? -numerator : numerator, denominator },
    rm,
  );
}

/** Rounds a positive ratio into a format. */
function round(format: Format, isNegative: boolean, ratio: Ratio, rm: number): Outcome {
  const { fractionBits, bias } = format;
  const power = floorLog2(ratio);
  const least = 1 - bias;
  const atQuantum = (quantum: number): { magnitude: bigint; isInexact: boolean } =>
    roundToUnit(isNegative, timesPowerOfTwo(ratio, -quantum), rm);
  // Tiny after rounding: with this precision but an exponent without bounds, it stays below the
  // least normal.
  const unbounded = atQuantum(power - fractionBits).magnitude;
  const grows = bitLength(unbounded) > fractionBits + 1;
  const isTiny = power + (grows ? 1 : 0) < least;
  const quantum = Math.max(power, least) - fractionBits;
  const { magnitude, isInexact } = atQuantum(quantum);
  const hidden = 1n << BigInt(fractionBits);
  const isBelowNormal = magnitude < hidden;
  const isNextPower = magnitude === 2n * hidden;
  const field = isBelowNormal ? 0 : quantum + fractionBits + bias + (isNextPower ? 1 : 0);
  if (field > 2 * bias) {
    const isToInfinity = rm === RNE || rm === 4 || (isNegative ? rm === RDN : rm === RUP);
    const bits = isToInfinity ? infinityBits(format) : infinityBits(format) - 1n;
    return { result: encode(format, isNegative, bits), flags: OF | NX };
  }
  const fraction = isNextPower || isBelowNormal ? magnitude % hidden : magnitude - hidden;
  const bits = (BigInt(field) << BigInt(fractionBits)) + fraction;
  const flags = isInexact ? (isTiny ? UF | NX : NX) : 0;
  return { result: encode(format, isNegative, bits), flags };
}

/** A positive ratio rounded to an integer. IEEE 754-2019 §4.3. */
function roundToUnit(
  isNegative: boolean,
  { numerator, denominator }: Ratio,
  rm: number,
): { magnitude: bigint; isInexact: boolean } {
  const floor = numerator / denominator;
  const twiceRest = 2n * (numerator % denominator);
  if (twiceRest === 0n) return { magnitude: floor, isInexact: false };
  const isUp =
    rm === RTZ
      ? false
      : rm === RDN
        ? isNegative
        : rm === RUP
          ? !isNegative
          : twiceRest > denominator ||
            (twiceRest === denominator && (rm === 4 || floor % 2n === 1n));
  return { magnitude: floor + (isUp ? 1n : 0n), isInexact: true };
}

function timesPowerOfTwo({ numerator, denominator }: Ratio, power: number): Ratio {
  if (power >= 0) return { numerator: numerator << BigInt(power), denominator };
  return { numerator, denominator: denominator << BigInt(-power) };
}

function floorLog2(ratio: Ratio): number {
  const guess = bitLength(ratio.numerator) - bitLength(ratio.denominator);
  const scaled = timesPowerOfTwo(ratio, -guess);
  return scaled.numerator < scaled.denominator ? guess - 1 : guess;
}

function bitLength(n: bigint): number {
  return n.toString(16).length * 4 - Math.clz32(Number(`0x${n.toString(16)[0]}`)) + 28;
}
