/**
 * The two formats of the F and D extensions and the vocabulary of all code that works on them.
 *
 * Inside a WebAssembly function a float is its bits in an i64: a double as it is, a single in the
 * low half with zeros above. Only entry and exit of a function see register contents (`unbox`,
 * `box`). IEEE 754-2019 §3.4; Unprivileged ISA 20191213 §11, §12.
 */
import {
  type FunctionBody,
  type FunctionRef,
  type I32,
  I64,
  load,
  type WasmModule,
} from '@casmotion/wasm-asm';

/** A binary interchange format. All bit patterns are as wide as the format. */
export interface FloatFormat {
  /** As in mnemonics: `fadd.s`. */
  readonly suffix: 's' | 'd';
  /** Stored bits of the significand: 23, 52. */
  readonly fractionBits: number;
  /** The exponent field of infinities and NaNs: 255, 2047. */
  readonly exponentMax: number;
  readonly bias: number;
  readonly signMask: bigint;
  /** Everything but the sign. */
  readonly absMask: bigint;
  readonly fractionMask: bigint;
  /** The leading one of a normal number, which is not stored: 2^fractionBits. */
  readonly hiddenBit: bigint;
  /** Set in quiet NaNs. */
  readonly quietBit: bigint;
  readonly infinity: bigint;
  /** §11.3: positive, quiet, no payload. */
  readonly canonicalNan: bigint;
}

export const SINGLE = makeFormat('s', 8, 23);
export const DOUBLE = makeFormat('d', 11, 52);

/** The bits of fflags. Unprivileged ISA 20191213 §11.2. */
export const FLAG = {
  inexact: 1,
  underflow: 2,
  overflow: 4,
  divideByZero: 8,
  invalid: 16,
} as const;

/** The rounding modes as encoded in `rm` and `frm`. Unprivileged ISA 20191213 §11.2, table 11.1. */
export const ROUND = {
  nearestEven: 0,
  towardZero: 1,
  down: 2,
  up: 3,
  nearestMaxMagnitude: 4,
} as const;

/** What the generator of one format's functions passes around. */
export interface FloatContext {
  readonly module: WasmModule;
  readonly format: FloatFormat;
  /** Byte address of the i32 that accumulates fflags. */
  readonly fflagsAddress: number;
  /** See `defineRoundPack`. */
  readonly roundPack: FunctionRef;
  /** See `defineNanResult`. */
  readonly nanResult: FunctionRef;
}

/**
 * Register contents to bits. §12.2: a single that is not boxed in ones counts as the canonical NaN.
 */
export function unbox(body: FunctionBody, format: FloatFormat, register: I64): I64 {
  if (format.suffix === 'd') return register;
  const low = register.and(0xffffffffn);
  return body.let(low.select(format.canonicalNan, register.shrU(32).eq(0xffffffffn)));
}

/** Bits to register contents. §12.2: a single stands under 32 ones. */
export function box(format: FloatFormat, bits: I64): I64 {
  return format.suffix === 'd' ? bits : bits.or(BOX_ONES);
}

/** Constant bits as register contents. */
export function boxedConst(format: FloatFormat, bits: bigint): I64 {
  return I64.const(format.suffix === 'd' ? bits : bits | BOX_ONES);
}

export function absOf(body: FunctionBody, format: FloatFormat, bits: I64): I64 {
  return body.let(bits.and(format.absMask));
}

export function signOf(format: FloatFormat, bits: I64): I64 {
  return bits.and(format.signMask);
}

/** Adds flags to fflags. */
export function raise(
  body: FunctionBody,
  context: Pick<FloatContext, 'fflagsAddress'>,
  flags: I32 | number,
): void {
  const { fflagsAddress } = context;
  body.storeI32(0, fflagsAddress, load.i32(0, fflagsAddress).or(flags));
}

/** Returns the canonical NaN of an invalid operation. */
export function returnInvalid(body: FunctionBody, context: FloatContext): void {
  raise(body, context, FLAG.invalid);
  body.return(boxedConst(context.format, context.format.canonicalNan));
}

/**
 * The sign of an exact zero sum of operands of opposite signs: + but when rounding down. IEEE 754
 * §6.3.
 */
export function zeroOfCancellation(format: FloatFormat, rm: I32): I64 {
  return box(format, I64.const(format.signMask).select(0, rm.eq(ROUND.down)));
}

/** 1 for a NaN with the quiet bit clear. */
export function isSignalling(format: FloatFormat, bits: I64): I32 {
  const abs = bits.and(format.absMask);
  return abs.gtU(format.infinity).and(bits.and(format.quietBit).eqz());
}

/**
 * `nan(a, b, c) -> register`: the result where an operand is NaN. §11.3: always the canonical NaN;
 * NV if one of them is signalling. A function of two operands passes one of them twice.
 */
export function defineNanResult(
  module: WasmModule,
  format: FloatFormat,
  fflagsAddress: number,
): FunctionRef {
  const params = { a: 'i64', b: 'i64', c: 'i64' } as const;
  return module.func(`float.nan.${format.suffix}`, params, 'i64', (body, { a, b, c }) => {
    const [isA, isB, isC] = [a, b, c].map((x) => isSignalling(format, x.get)) as [I32, I32, I32];
    body.if(isA.or(isB).or(isC), () => raise(body, { fflagsAddress }, FLAG.invalid));
    body.return(boxedConst(format, format.canonicalNan));
  });
}

const BOX_ONES = 0xffffffff00000000n;

function makeFormat(suffix: 's' | 'd', exponentBits: number, fractionBits: number): FloatFormat {
  const hiddenBit = 1n << BigInt(fractionBits);
  const signMask = 1n << BigInt(exponentBits + fractionBits);
  const infinity = signMask - hiddenBit;
  return {
    suffix,
    fractionBits,
    exponentMax: 2 ** exponentBits - 1,
    bias: 2 ** (exponentBits - 1) - 1,
    signMask,
    absMask: signMask - 1n,
    fractionMask: hiddenBit - 1n,
    hiddenBit,
    quietBit: hiddenBit >> 1n,
    infinity,
    canonicalNan: infinity | (hiddenBit >> 1n),
  };
}
