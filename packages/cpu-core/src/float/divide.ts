/**
 * Division and square root. IEEE 754-2019 §5.4.1; Unprivileged ISA 20191213 §11.6.
 *
 * Both take the 53 leading bits of the result from WebAssembly's f64 operation on significands
 * scaled into [1, 4), where it is exact to half a unit and cannot meet a special case. The sign of
 * the exact remainder then says on which side of those bits the true result lies, and that is all
 * that rounding needs: neither a quotient nor a root of 53-bit numbers can lie halfway between two
 * 53-bit numbers, so a true result below stays above the midpoint. The remainder is small, so its
 * low 64 bits are all of it.
 */
import { callI64, type F64, type FunctionRef, type I32, I64 } from '@casmotion/wasm-asm';
import {
  absOf,
  box,
  boxedConst,
  DOUBLE,
  FLAG,
  type FloatContext,
  raise,
  returnInvalid,
  signOf,
  unbox,
} from './format.ts';
import { isShortProduct, type NativeOperation, tryNative } from './native.ts';
import { boxedInfinity, unpack } from './round.ts';

/** `fdiv`: (a, b, rm) -> register. */
export function defineDivision(context: FloatContext): FunctionRef {
  const { module, format, roundPack } = context;
  const { infinity } = format;
  const params = { a: 'i64', b: 'i64', rm: 'i32' } as const;
  return module.func(`fdiv.${format.suffix}`, params, 'i64', (body, p) => {
    const rm = p.rm.get;
    const [a, b] = [unbox(body, format, p.a.get), unbox(body, format, p.b.get)];
    tryNative(body, context, nativeDivide, { a, b, rm });
    const [absA, absB] = [absOf(body, format, a), absOf(body, format, b)];
    const sign = body.let(signOf(format, a.xor(b)));
    body.if(absA.geU(infinity).or(absB.geU(infinity)), () => {
      const isNan = absA.gtU(infinity).or(absB.gtU(infinity));
      body.if(isNan, () => body.return(callI64(context.nanResult, a, b, b)));
      body.if(absA.eq(absB), () => returnInvalid(body, context));
      body.if(absA.eq(infinity), () => body.return(boxedInfinity(format, sign)));
      body.return(box(format, sign));
    });
    body.if(absB.eqz(), () => {
      body.if(absA.eqz(), () => returnInvalid(body, context));
      raise(body, context, FLAG.divideByZero);
      body.return(boxedInfinity(format, sign));
    });
    body.if(absA.eqz(), () => body.return(box(format, sign)));
    const [x, y] = [unpack(body, format, absA), unpack(body, format, absB)];
    // Scaled so that the quotient is in [1, 2): where x < y the dividend is doubled.
    const doubled = body.let(x.significand.ltU(y.significand).toI64U());
    const dividend = scaledDouble(x.significand, doubled);
    const quotient = body.let(leadingBits(dividend.div(scaledDouble(y.significand, ZERO))));
    const whole = x.significand.shrU(10).shl(doubled.add(52));
    const remainder = body.let(whole.sub(quotient.mul(y.significand.shrU(10))));
    const exponent = x.exponent.sub(y.exponent).add(format.bias).sub(doubled.toI32());
    body.return(callI64(roundPack, sign, exponent, leaning(quotient, remainder), rm));
  });
}

/** `fsqrt`: (a, rm) -> register. */
export function defineSquareRoot(context: FloatContext): FunctionRef {
  const { module, format, roundPack } = context;
  const params = { a: 'i64', rm: 'i32' } as const;
  return module.func(`fsqrt.${format.suffix}`, params, 'i64', (body, p) => {
    const a = unbox(body, format, p.a.get);
    tryNative(body, context, nativeSquareRoot, { a, b: a, rm: p.rm.get });
    const abs = absOf(body, format, a);
    body.if(abs.gtU(format.infinity), () => body.return(callI64(context.nanResult, a, a, a)));
    body.if(abs.eqz(), () => body.return(box(format, a))); // the root of -0 is -0
    body.if(signOf(format, a).ne(0), () => returnInvalid(body, context));
    body.if(abs.eq(format.infinity), () => body.return(boxedConst(format, format.infinity)));
    const x = unpack(body, format, abs);
    const exponent = body.let(x.exponent.sub(format.bias));
    const odd = body.let(exponent.and(1).toI64U());
    const root = body.let(leadingBits(scaledDouble(x.significand, odd).sqrt()));
    const whole = x.significand.shrU(10).shl(odd.add(52));
    const remainder = body.let(whole.sub(root.mul(root)));
    const half = exponent.shrS(1).add(format.bias);
    body.return(callI64(roundPack, 0n, half, leaning(root, remainder), p.rm.get));
  });
}

export const nativeDivide: NativeOperation = {
  single: (a, b) => a.div(b),
  double: (a, b) => a.div(b),
  isExactSingle: (_body, a, b, result) => result.mul(b).eq(a),
  isExactDouble: (_body, a, b, result) => isProduct(a, result, b),
};

const nativeSquareRoot: NativeOperation = {
  single: (a) => a.sqrt(),
  double: (a) => a.sqrt(),
  isExactSingle: (_body, a, _b, result) => result.mul(result).eq(a),
  isExactDouble: (_body, a, _b, result) => isProduct(a, result, result),
};

const ZERO = I64.const(0);
const LEAST_NORMAL = 2 ** -1022;

/** 1 only if a is exactly x * y: that product is short, and not one that underflow rounded. */
function isProduct(a: F64, x: F64, y: F64): I32 {
  return isShortProduct(x, y).and(x.mul(y).eq(a)).and(a.abs().ge(LEAST_NORMAL));
}

/**
 * A significand with its leading one at bit 62 and at most 53 bits, as a double in [1, 2), times
 * 2^power.
 */
function scaledDouble(significand: I64, power: I64): F64 {
  const fraction = significand.shrU(10).and(DOUBLE.fractionMask);
  return fraction.or(power.add(DOUBLE.bias).shl(DOUBLE.fractionBits)).bitsToF64();
}

/** The 53 bits of a double in [1, 2). */
function leadingBits(value: F64): I64 {
  return value.bitsToI64().and(DOUBLE.fractionMask).or(DOUBLE.hiddenBit);
}

/**
 * 53 bits with the leading one moved to bit 62 and one unit more or less there, by the remainder's
 * sign.
 */
function leaning(bits: I64, remainder: I64): I64 {
  const sign = remainder.shrS(63).or(remainder.ne(0).toI64U());
  return bits.shl(10).add(sign);
}
