/**
 * The commonest way through double arithmetic, for engines to emit in place of a call: native.ts
 * says why it is exact. It needs NX to be set already, as it is after the first inexact result.
 */
import {
  type F64,
  type FunctionBody,
  type I32,
  type I64,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import { nativeAdd } from './add.ts';
import type { FloatMnemonic } from './define-float.ts';
import { nativeDivide } from './divide.ts';
import { DOUBLE, FLAG, ROUND } from './format.ts';
import { nativeMultiply } from './multiply.ts';
import { isSafelyNormal } from './native.ts';

/** What may be emitted so; operands are numbers. */
const NATIVE_DOUBLES: Partial<Record<FloatMnemonic, (a: F64, b: F64) => F64>> = {
  'fadd.d': nativeAdd.double,
  'fsub.d': (a, b) => a.sub(b),
  'fmul.d': nativeMultiply.double,
  'fdiv.d': nativeDivide.double,
};

/**
 * Sets `result` to the bits of the native result, and gives whether they are the instruction's
 * result and leave its flags as they are; undefined: the operation has no such way.
 */
export function emitInlineDouble(
  f: FunctionBody,
  operation: FloatMnemonic,
  { a, b, rm }: { readonly a: I64; readonly b: I64; readonly rm: I32 },
  result: Local<'i64'>,
  fflagsAddress: number,
): I32 | undefined {
  const native = NATIVE_DOUBLES[operation];
  if (native === undefined) return undefined;
  f.set(result, native(a.bitsToF64(), b.bitsToF64()).bitsToI64());
  return isSafelyNormal(DOUBLE, result.get)
    .and(load.i32(0, fflagsAddress).and(FLAG.inexact))
    .and(rm.eq(ROUND.nearestEven));
}
