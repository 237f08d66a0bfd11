/** Addition and subtraction. IEEE 754-2019 §5.4.1, §6.3; Unprivileged ISA 20191213 §11.6. */
import { callI64, type F32, type F64, type FunctionRef } from '@casmotion/wasm-asm';
import {
  absOf,
  box,
  type FloatContext,
  returnInvalid,
  signOf,
  unbox,
  zeroOfCancellation,
} from './format.ts';
import { type NativeOperation, tryNative, twoSumError } from './native.ts';
import { shiftRightJam, unpack } from './round.ts';

/** `fadd` and `fsub`: (a, b, rm) -> register. */
export function defineAddition(context: FloatContext): { fadd: FunctionRef; fsub: FunctionRef } {
  const { module, format } = context;
  const sum = defineSum(context);
  const params = { a: 'i64', b: 'i64', rm: 'i32' } as const;
  const fadd = module.func(`fadd.${format.suffix}`, params, 'i64', (body, p) => {
    const [a, b] = [unbox(body, format, p.a.get), unbox(body, format, p.b.get)];
    tryNative(body, context, nativeAdd, { a, b, rm: p.rm.get });
    body.return(callI64(sum, a, b, p.rm.get));
  });
  const fsub = module.func(`fsub.${format.suffix}`, params, 'i64', (body, p) => {
    const a = unbox(body, format, p.a.get);
    const b = body.let(unbox(body, format, p.b.get).xor(format.signMask));
    tryNative(body, context, nativeAdd, { a, b, rm: p.rm.get });
    body.return(callI64(sum, a, b, p.rm.get));
  });
  return { fadd, fsub };
}

export const nativeAdd: NativeOperation = {
  single: (a: F32, b: F32) => a.add(b),
  double: (a: F64, b: F64) => a.add(b),
  isExactSingle: (body, a, b, result) => {
    const sum = body.let(a.add(b));
    return sum.eq(result).and(twoSumError(body, a, b, sum).eq(0));
  },
  isExactDouble: (body, a, b, result) => twoSumError(body, a, b, result).eq(0),
};

/** The soft sum of two numbers as bits. */
function defineSum(context: FloatContext): FunctionRef {
  const { module, format, roundPack } = context;
  const params = { a: 'i64', b: 'i64', rm: 'i32' } as const;
  return module.func(`float.sum.${format.suffix}`, params, 'i64', (body, p) => {
    const [a, b, rm] = [p.a.get, p.b.get, p.rm.get];
    // 1. Order by magnitude, which is the order of the bits without sign: |a| >= |b|.
    body.if(a.and(format.absMask).ltU(b.and(format.absMask)), () => {
      const swapped = body.let(a);
      body.set(p.a, b);
      body.set(p.b, swapped);
    });
    const [absA, absB] = [absOf(body, format, a), absOf(body, format, b)];
    const differ = body.let(signOf(format, a.xor(b)).ne(0));
    // 2. NaN, infinity, zero: if there is one of the first two, |a| is.
    body.if(absA.geU(format.infinity), () => {
      body.if(absA.ne(format.infinity), () => body.return(callI64(context.nanResult, a, b, b)));
      body.if(absB.eq(format.infinity).and(differ), () => returnInvalid(body, context));
      body.return(box(format, a));
    });
    body.if(absB.eqz(), () => {
      body.if(absA.eqz().and(differ), () => body.return(zeroOfCancellation(format, rm)));
      body.return(box(format, a));
    });
    // 3. Align b to a, add, normalise, round.
    const [x, y] = [unpack(body, format, absA), unpack(body, format, absB)];
    const distance = body.let(x.exponent.sub(y.exponent).toI64U());
    const aligned = body.let(shiftRightJam(body, y.significand, distance));
    const sign = signOf(format, a);
    body.if(differ, () => {
      const difference = body.let(x.significand.sub(aligned));
      body.if(difference.eqz(), () => body.return(zeroOfCancellation(format, rm)));
      const count = body.let(difference.clz().sub(1));
      const exponent = x.exponent.sub(count.toI32());
      body.return(callI64(roundPack, sign, exponent, difference.shl(count), rm));
    });
    const total = body.let(x.significand.add(aligned));
    const carry = body.let(total.shrU(63));
    const significand = total.shrU(carry).or(total.and(carry));
    body.return(callI64(roundPack, sign, x.exponent.add(carry.toI32()), significand, rm));
  });
}
