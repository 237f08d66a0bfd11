/**
 * Multiplication and the fused multiply-add. IEEE 754-2019 §5.4.1; Unprivileged ISA 20191213 §11.6.
 *
 * The other fused instructions are sign flips of operands: fmsub (a, b, -c), fnmsub (-a, b, c),
 * fnmadd (-a, b, -c); a NaN's sign does not matter, and a single that is not boxed stays so.
 */
import { callI64, type FunctionBody, type FunctionRef, type I32, I64 } from '@casmotion/wasm-asm';
import { tryFusedDouble } from './fused-double.ts';
import {
  absOf,
  box,
  FLAG,
  type FloatContext,
  raise,
  returnInvalid,
  ROUND,
  signOf,
  unbox,
  zeroOfCancellation,
} from './format.ts';
import {
  bitsOfSingle,
  isSafelyNormal,
  isShortProduct,
  type NativeOperation,
  singleOf,
  tryNative,
  twoSumError,
} from './native.ts';
import { boxedInfinity, type Unpacked, unpack } from './round.ts';
import {
  addWide,
  leadingZeros,
  negateWide,
  setProduct,
  shiftWideLeft,
  shiftWideRightJam,
  subtractWide,
  type Wide,
  wideLocal,
} from './wide.ts';

/** `fmul`: (a, b, rm) -> register. */
export function defineMultiplication(context: FloatContext): FunctionRef {
  const { module, format, roundPack } = context;
  const params = { a: 'i64', b: 'i64', rm: 'i32' } as const;
  return module.func(`fmul.${format.suffix}`, params, 'i64', (body, p) => {
    const rm = p.rm.get;
    const [a, b] = [unbox(body, format, p.a.get), unbox(body, format, p.b.get)];
    tryNative(body, context, nativeMultiply, { a, b, rm });
    const [absA, absB] = [absOf(body, format, a), absOf(body, format, b)];
    const sign = body.let(signOf(format, a.xor(b)));
    body.if(absA.geU(format.infinity).or(absB.geU(format.infinity)), () => {
      const isNan = absA.gtU(format.infinity).or(absB.gtU(format.infinity));
      body.if(isNan, () => body.return(callI64(context.nanResult, a, b, b)));
      body.if(absA.eqz().or(absB.eqz()), () => returnInvalid(body, context));
      body.return(boxedInfinity(format, sign));
    });
    body.if(absA.eqz().or(absB.eqz()), () => body.return(box(format, sign)));
    const product = wideLocal(body);
    const exponent = setSignificandProduct(body, context, product, absA, absB);
    const significand = product.high.get.or(product.low.get.ne(0).toI64U());
    body.return(callI64(roundPack, sign, exponent, significand, rm));
  });
}

/** `fmadd` = a * b + c, rounded once, and its three variants: (a, b, c, rm) -> register. */
export function defineFused(context: FloatContext): Record<FusedName, FunctionRef> {
  const { module, format } = context;
  const soft = defineSoftFused(context);
  const params = { a: 'i64', b: 'i64', c: 'i64', rm: 'i32' } as const;
  const define = (name: FusedName, flipA: boolean, flipC: boolean): FunctionRef =>
    module.func(`${name}.${format.suffix}`, params, 'i64', (body, p) => {
      const operand = (register: I64, flip: boolean): I64 => {
        const bits = unbox(body, format, register);
        return flip ? body.let(bits.xor(format.signMask)) : bits;
      };
      const a = operand(p.a.get, flipA);
      const b = operand(p.b.get, false);
      const c = operand(p.c.get, flipC);
      const tryFused = format.suffix === 's' ? tryFusedSingle : tryFusedDouble;
      tryFused(body, context, { a, b, c, rm: p.rm.get });
      body.return(callI64(soft, a, b, c, p.rm.get));
    });
  return {
    fmadd: define('fmadd', false, false),
    fmsub: define('fmsub', false, true),
    fnmsub: define('fnmsub', true, false),
    fnmadd: define('fnmadd', true, true),
  };
}

export type FusedName = 'fmadd' | 'fmsub' | 'fnmsub' | 'fnmadd';

interface FusedOperands {
  readonly a: I64;
  readonly b: I64;
  readonly c: I64;
  readonly rm: I32;
}

export const nativeMultiply: NativeOperation = {
  single: (a, b) => a.mul(b),
  double: (a, b) => a.mul(b),
  isExactSingle: (_body, a, b, result) => a.mul(b).eq(result), // 48 bits fit a double
  isExactDouble: (_body, a, b) => isShortProduct(a, b),
};

/**
 * Sets `product` to that of the significands with the leading one at bit 126, and gives the
 * exponent that bit 126 then stands for, as `roundPack` takes it with the high half. Operands
 * finite and not 0.
 */
function setSignificandProduct(
  body: FunctionBody,
  { format }: FloatContext,
  product: Wide,
  absA: I64,
  absB: I64,
): I32 {
  const x: Unpacked = unpack(body, format, absA);
  const y: Unpacked = unpack(body, format, absB);
  const { high, low } = product;
  if (format.suffix === 's') {
    body.set(high, x.significand.shrU(31).mul(y.significand.shrU(31))); // 24 bits in 32: none lost
  } else {
    setProduct(body, product, x.significand.shl(1), y.significand.shl(1));
  }
  // Now 2^126 <= product < 2^128, and its lowest bits are 0: a shift by 1 loses nothing.
  const carry = body.let(high.get.shrU(63));
  if (format.suffix === 'd') {
    body.set(low, low.get.shrU(carry).or(high.get.and(carry).shl(63)));
  }
  body.set(high, high.get.shrU(carry));
  return body.let(x.exponent.add(y.exponent).sub(format.bias).add(carry.toI32()));
}

/**
 * In f64 the product of two singles is exact and the sum is off by a known error. Rounding that sum
 * to single is then right unless the sum is a midpoint of two singles and inexact: that goes the
 * soft way.
 */
function tryFusedSingle(body: FunctionBody, context: FloatContext, operands: FusedOperands): void {
  const { a, b, c, rm } = operands;
  body.if(rm.eq(ROUND.nearestEven), () => {
    const product = body.let(singleOf(a).toF64().mul(singleOf(b).toF64()));
    const addend = body.let(singleOf(c).toF64());
    const sum = body.let(product.add(addend));
    const result = body.let(sum.toF32());
    const bits = body.let(bitsOfSingle(result));
    body.if(isSafelyNormal(context.format, bits), () => {
      const isSumExact = body.let(twoSumError(body, product, addend, sum).eq(0));
      const isMidpoint = sum.bitsToI64().and(0x1fffffffn).eq(0x10000000n);
      body.if(isSumExact.or(isMidpoint.eqz()), () => {
        const isExact = isSumExact.and(result.toF64().eq(sum));
        body.if(isExact.eqz(), () => raise(body, context, FLAG.inexact));
        body.return(box(context.format, bits));
      });
    });
  });
}

/** The soft a * b + c on bits. */
function defineSoftFused(context: FloatContext): FunctionRef {
  const { module, format, roundPack } = context;
  const params = { a: 'i64', b: 'i64', c: 'i64', rm: 'i32' } as const;
  return module.func(`float.fused.${format.suffix}`, params, 'i64', (body, p) => {
    const [a, b, c, rm] = [p.a.get, p.b.get, p.c.get, p.rm.get];
    const [absA, absB, absC] = [a, b, c].map((x) => absOf(body, format, x)) as [I64, I64, I64];
    const sign = body.local('i64');
    body.set(sign, signOf(format, a.xor(b)));
    const differ = body.let(sign.get.ne(signOf(format, c)));
    returnFusedSpecial(
      body,
      context,
      { a, b, c, rm },
      { absA, absB, absC, sign: sign.get, differ },
    );
    const x = wideLocal(body);
    const exponent = body.local('i32');
    body.set(exponent, setSignificandProduct(body, context, x, absA, absB));
    body.if(absC.ne(0), () => {
      const addend = unpack(body, format, absC);
      const y = wideLocal(body);
      body.set(y.high, addend.significand);
      const distance = body.let(exponent.get.sub(addend.exponent).toI64S());
      body.if(
        distance.geS(0),
        () => shiftWideRightJam(body, y, distance),
        () => {
          shiftWideRightJam(body, x, body.let(I64.const(0).sub(distance)));
          body.set(exponent, addend.exponent);
        },
      );
      body.if(
        differ,
        () => {
          subtractWide(body, x, y);
          body.if(x.high.get.ltS(0), () => {
            negateWide(body, x);
            body.set(sign, sign.get.xor(format.signMask));
          });
        },
        () => addWide(body, x, y),
      );
    });
    body.if(x.high.get.or(x.low.get).eqz(), () => body.return(zeroOfCancellation(format, rm)));
    const shift = normaliseWide(body, x);
    const significand = x.high.get.or(x.low.get.ne(0).toI64U());
    body.return(callI64(roundPack, sign.get, exponent.get.sub(shift), significand, rm));
  });
}

/** Moves the leading one to bit 126 and gives by how many bits it went left: -1 .. 126. */
function normaliseWide(body: FunctionBody, x: Wide): I32 {
  const count = body.let(leadingZeros(body, x).sub(1));
  body.if(
    count.ltS(0),
    () => {
      const lost = body.let(x.low.get.and(1));
      body.set(x.low, x.low.get.shrU(1).or(x.high.get.shl(63)).or(lost));
      body.set(x.high, x.high.get.shrU(1));
    },
    () => shiftWideLeft(body, x, count),
  );
  return count.toI32();
}

/** Returns where an operand is NaN or infinite, or the product is 0. */
function returnFusedSpecial(
  body: FunctionBody,
  context: FloatContext,
  { a, b, c, rm }: FusedOperands,
  parts: { absA: I64; absB: I64; absC: I64; sign: I64; differ: I32 },
): void {
  const { format } = context;
  const { absA, absB, absC, sign, differ } = parts;
  const { infinity } = format;
  const isProductZero = absA.eqz().or(absB.eqz());
  body.if(absA.geU(infinity).or(absB.geU(infinity)).or(absC.geU(infinity)), () => {
    // §11.6: infinity times zero is invalid even where the addend is a quiet NaN.
    const isProductInfinite = absA.eq(infinity).or(absB.eq(infinity));
    body.if(isProductInfinite.and(isProductZero), () => returnInvalid(body, context));
    const isNan = absA.gtU(infinity).or(absB.gtU(infinity)).or(absC.gtU(infinity));
    body.if(isNan, () => body.return(callI64(context.nanResult, a, b, c)));
    body.if(isProductInfinite, () => {
      body.if(absC.eq(infinity).and(differ), () => returnInvalid(body, context));
      body.return(boxedInfinity(format, sign));
    });
    body.return(box(format, c));
  });
  body.if(isProductZero, () => {
    body.if(absC.eqz().and(differ), () => body.return(zeroOfCancellation(format, rm)));
    body.return(box(format, c));
  });
}
