/**
 * Conversions between floats and integers, and between the formats. Unprivileged ISA 20191213
 * §11.7, §12.5.
 *
 * Results in integer registers are sign-extended from 32 bits where the type is w or wu, also the
 * unsigned ones.
 */
import { callI64, type FunctionBody, type FunctionRef, I32, I64 } from '@casmotion/wasm-asm';
import {
  absOf,
  box,
  boxedConst,
  DOUBLE,
  FLAG,
  type FloatContext,
  isSignalling,
  raise,
  ROUND,
  signOf,
  SINGLE,
  unbox,
} from './format.ts';
import { singleOf } from './native.ts';
import { boxedInfinity, unpack } from './round.ts';

export type IntegerType = 'w' | 'wu' | 'l' | 'lu';

/** `fcvt.{w,wu,l,lu}.{s,d}`: (a, rm) -> integer register. Out of range saturates, with NV alone. */
export function defineToInteger(context: FloatContext, type: IntegerType): FunctionRef {
  const { module, format } = context;
  const params = { a: 'i64', rm: 'i32' } as const;
  return module.func(`fcvt.${type}.${format.suffix}`, params, 'i64', (body, p) => {
    const { least, greatest, bits } = INTEGER[type];
    const a = unbox(body, format, p.a.get);
    const abs = absOf(body, format, a);
    body.if(abs.eqz(), () => body.return(0n));
    const isNegative = body.let(signOf(format, a).ne(0));
    const saturate = (): void => {
      raise(body, context, FLAG.invalid);
      const isLeast = isNegative.and(abs.leU(format.infinity)); // §11.7: a NaN gives the greatest
      body.return(I64.const(least).select(greatest, isLeast));
    };
    const x = unpack(body, format, abs);
    const power = body.let(x.exponent.sub(format.bias).toI64S());
    body.if(power.geS(64), saturate); // NaN and infinity too
    const { magnitude, lost } = roundToInteger(body, x.significand, power, isNegative, p.rm.get);
    const limit = I64.const(BigInt.asUintN(64, -least)).select(greatestMagnitude(type), isNegative);
    body.if(magnitude.gtU(limit), saturate);
    body.if(lost.ne(0), () => raise(body, context, FLAG.inexact));
    const value = body.let(I64.const(0).sub(magnitude).select(magnitude, isNegative));
    body.return(bits === 32 ? value.extendS32() : value);
  });
}

/**
 * `fcvt.{s,d}.{w,wu,l,lu}`: (x, rm) -> float register; `fcvt.d.w` and `fcvt.d.wu` are exact: (x).
 */
export function defineFromInteger(context: FloatContext, type: IntegerType): FunctionRef {
  const { module, format, roundPack } = context;
  const name = `fcvt.${format.suffix}.${type}`;
  const { bits, isSigned } = INTEGER[type];
  if (format.suffix === 'd' && bits === 32) {
    return module.func(name, { x: 'i64' }, 'i64', (body, { x }) => {
      body.return(widenWord(x.get, isSigned).toF64S().bitsToI64());
    });
  }
  return module.func(name, { x: 'i64', rm: 'i32' }, 'i64', (body, p) => {
    const x = body.let(bits === 32 ? widenWord(p.x.get, isSigned) : p.x.get);
    body.if(x.eqz(), () => body.return(boxedConst(format, 0n)));
    const isNegative = body.let(isSigned ? x.ltS(0) : I32.const(0));
    const magnitude = body.let(isSigned ? I64.const(0).sub(x).select(x, isNegative) : x);
    const zeros = body.let(magnitude.clz());
    // The leading one goes to bit 62: left by zeros - 1, or right by 1.
    const left = magnitude.shl(zeros.sub(1));
    const right = magnitude.shrU(1).or(magnitude.and(1));
    const significand = left.select(right, zeros.ne(0));
    const exponent = I64.const(format.bias + 63)
      .sub(zeros)
      .toI32();
    const sign = I64.const(format.signMask).select(0, isNegative);
    body.return(callI64(roundPack, sign, exponent, significand, p.rm.get));
  });
}

/** `fcvt.s.d`: (a, rm) -> register. `single` is the context of the result's format. */
export function defineNarrow(single: FloatContext): FunctionRef {
  const params = { a: 'i64', rm: 'i32' } as const;
  return single.module.func('fcvt.s.d', params, 'i64', (body, p) => {
    const a = p.a.get;
    const abs = absOf(body, DOUBLE, a);
    const sign = body.let(a.shrU(63).shl(31));
    body.if(abs.eqz(), () => body.return(box(SINGLE, sign)));
    body.if(abs.geU(DOUBLE.infinity), () => {
      body.if(abs.eq(DOUBLE.infinity), () => body.return(boxedInfinity(SINGLE, sign)));
      body.if(isSignalling(DOUBLE, a), () => raise(body, single, FLAG.invalid));
      body.return(boxedConst(SINGLE, SINGLE.canonicalNan));
    });
    const x = unpack(body, DOUBLE, abs);
    const exponent = x.exponent.sub(DOUBLE.bias - SINGLE.bias);
    body.return(callI64(single.roundPack, sign, exponent, x.significand, p.rm.get));
  });
}

/** `fcvt.d.s`: (a) -> register. Exact. */
export function defineWiden(double: FloatContext): FunctionRef {
  return double.module.func('fcvt.d.s', { a: 'i64' }, 'i64', (body, p) => {
    const a = unbox(body, SINGLE, p.a.get);
    body.if(a.and(SINGLE.absMask).gtU(SINGLE.infinity), () => {
      body.if(isSignalling(SINGLE, a), () => raise(body, double, FLAG.invalid));
      body.return(DOUBLE.canonicalNan);
    });
    body.return(singleOf(a).toF64().bitsToI64());
  });
}

interface IntegerRange {
  readonly bits: 32 | 64;
  readonly isSigned: boolean;
  /** As they stand in a register, signed. */
  readonly least: bigint;
  readonly greatest: bigint;
}

const INTEGER: Readonly<Record<IntegerType, IntegerRange>> = {
  w: { bits: 32, isSigned: true, least: -(2n ** 31n), greatest: 2n ** 31n - 1n },
  wu: { bits: 32, isSigned: false, least: 0n, greatest: -1n },
  l: { bits: 64, isSigned: true, least: -(2n ** 63n), greatest: 2n ** 63n - 1n },
  lu: { bits: 64, isSigned: false, least: 0n, greatest: -1n },
};

/** The greatest value of a type as an unsigned 64-bit number, not as a register holds it. */
function greatestMagnitude(type: IntegerType): bigint {
  const { bits, greatest } = INTEGER[type];
  return BigInt.asUintN(bits, greatest);
}

/**
 * Rounds significand * 2^(power - 62), power < 64, to an integer. `lost` is the fraction in units
 * of 2^-64, or 1 where that is too fine. The magnitude never passes 2^64: from power 62 on there is
 * no fraction.
 */
function roundToInteger(
  body: FunctionBody,
  significand: I64,
  power: I64,
  isNegative: I32,
  rm: I32,
): { magnitude: I64; lost: I64 } {
  const magnitude = body.local('i64');
  const lost = body.local('i64');
  body.if(
    power.geS(62),
    () => body.set(magnitude, significand.shl(power.sub(62))),
    () => {
      const whole = significand.shrU(I64.const(62).sub(power));
      body.set(magnitude, I64.const(0).select(whole, power.ltS(0)));
      body.set(lost, significand.shl(power.add(2)).select(1, power.geS(-1)));
      const half = 2n ** 63n;
      const isUpNearest = lost.get
        .gtU(half)
        .or(lost.get.eq(half).and(rm.ne(ROUND.nearestEven).or(magnitude.get.toI32().and(1))));
      const isAway = rm.eq(isNegative.eqz().add(ROUND.down)).and(lost.get.ne(0));
      const isUp = isUpNearest.select(isAway, rm.and(3).eqz());
      body.set(magnitude, magnitude.get.add(isUp.toI64U()));
    },
  );
  return { magnitude: magnitude.get, lost: lost.get };
}

/** The low 32 bits as a 64-bit number. */
function widenWord(x: I64, isSigned: boolean): I64 {
  return isSigned ? x.extendS32() : x.and(0xffffffffn);
}
