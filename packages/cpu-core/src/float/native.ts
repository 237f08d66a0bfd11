/**
 * The fast path: WebAssembly's own arithmetic, which rounds to nearest even, where the flags can be
 * had exactly.
 *
 * A native result whose exponent field lies in 2 .. max-1 is normal, not infinite, not a NaN and
 * not the least normal number, so of all flags only NX can be due: overflow and division by zero
 * would give infinity, an invalid operation a NaN, underflow at most the least normal number. So
 * native NaN bits never leave here. The idea is QEMU's "hardfloat" (E. G. Cota, 2018); the
 * exactness tests differ:
 *   single  computed in f64 as well, where products of singles are exact: NX is always known
 *   double  NX set already, or a classic test says the result is exact; else the soft path decides
 */
import {
  type F32,
  type F64,
  type FunctionBody,
  type I32,
  type I64,
  load,
} from '@casmotion/wasm-asm';
import { box, FLAG, type FloatContext, type FloatFormat, raise, ROUND } from './format.ts';

/** One operation: its native forms, and for each format whether the native result is exact. */
export interface NativeOperation {
  readonly single: (a: F32, b: F32) => F32;
  readonly double: (a: F64, b: F64) => F64;
  /** Never 1 for an inexact single result; 0 for an inexact one only. */
  readonly isExactSingle: (body: FunctionBody, a: F64, b: F64, result: F64) => I32;
  /** Never 1 for an inexact double result; may be 0 for an exact one. */
  readonly isExactDouble: (body: FunctionBody, a: F64, b: F64, result: F64) => I32;
}

/**
 * Returns from the function if the native result will do; else falls through. `a` and `b` are bits.
 */
export function tryNative(
  body: FunctionBody,
  context: FloatContext,
  operation: NativeOperation,
  operands: { readonly a: I64; readonly b: I64; readonly rm: I32 },
): void {
  const { a, b, rm } = operands;
  body.if(rm.eq(ROUND.nearestEven), () => {
    if (context.format.suffix === 's') trySingle(body, context, operation, a, b);
    else tryDouble(body, context, operation, a, b);
  });
}

/** 1 if the exponent field of `bits` lies in 2 .. max-1. */
export function isSafelyNormal(format: FloatFormat, bits: I64): I32 {
  const fieldUnit = 1n << BigInt(format.fractionBits);
  const abs = bits.and(format.absMask);
  return abs.sub(2n * fieldUnit).ltU(fieldUnit * BigInt(format.exponentMax - 2));
}

export function singleOf(bits: I64): F32 {
  return bits.toI32().bitsToF32();
}

export function bitsOfSingle(value: F32): I64 {
  return value.bitsToI32().toI64U();
}

function trySingle(
  body: FunctionBody,
  context: FloatContext,
  operation: NativeOperation,
  a: I64,
  b: I64,
): void {
  const [left, right] = [body.let(singleOf(a)), body.let(singleOf(b))];
  const result = body.let(operation.single(left, right));
  const bits = body.let(bitsOfSingle(result));
  body.if(isSafelyNormal(context.format, bits), () => {
    const wide = [left, right, result].map((x) => body.let(x.toF64())) as [F64, F64, F64];
    const isExact = operation.isExactSingle(body, ...wide);
    body.if(isExact.eqz(), () => raise(body, context, FLAG.inexact));
    body.return(box(context.format, bits));
  });
}

function tryDouble(
  body: FunctionBody,
  context: FloatContext,
  operation: NativeOperation,
  a: I64,
  b: I64,
): void {
  const [left, right] = [body.let(a.bitsToF64()), body.let(b.bitsToF64())];
  const result = body.let(operation.double(left, right));
  const bits = body.let(result.bitsToI64());
  body.if(isSafelyNormal(context.format, bits), () => {
    body.if(load.i32(0, context.fflagsAddress).and(FLAG.inexact), () => body.return(bits));
    body.if(operation.isExactDouble(body, left, right, result), () => body.return(bits));
  });
}

/**
 * The rounding error of a double sum, exactly: Knuth's TwoSum (TAOCP 2, 4.2.2, theorem B). Where a
 * step of it overflows it is infinite or a NaN, so never 0.
 */
export function twoSumError(body: FunctionBody, a: F64, b: F64, sum: F64): F64 {
  const bPart = body.let(sum.sub(a));
  const aPart = sum.sub(bPart);
  return a.sub(aPart).add(b.sub(bPart));
}

/**
 * 1 only if the product of two normal doubles has at most 53 significant bits: the zeros at the end
 * of the significands add up to 53 of at most 106. For a subnormal, whose leading one is below,
 * also right.
 */
export function isShortProduct(a: F64, b: F64): I32 {
  const zeros = (x: F64): I64 =>
    x
      .bitsToI64()
      .or(1n << 52n)
      .ctz();
  return zeros(a).add(zeros(b)).geU(53);
}
