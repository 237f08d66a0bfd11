/**
 * From bits to an exponent with a normalised significand, and back with rounding: shared by all
 * arithmetic.
 *
 * A number between the two is (-1)^sign * significand * 2^(exponent - bias - 62), where the leading
 * one of the significand is bit 62:
 *   2^62 <= significand < 2^63
 * so `exponent` is what the exponent field would hold if it had no bounds. Bit 0 is sticky: it is
 * the OR of all that lies at or below it ("jamming"), which no rounding can tell from the exact
 * value because the formats keep at least 9 bits between it and their last place.
 */
import {
  type FunctionBody,
  type FunctionRef,
  type I32,
  I64,
  type WasmModule,
} from '@casmotion/wasm-asm';
import { box, boxedConst, FLAG, type FloatFormat, raise, ROUND } from './format.ts';

export interface Unpacked {
  readonly exponent: I32;
  readonly significand: I64;
}

/** Unpacks `abs`: bits without sign of a finite number that is not 0, subnormal or not. */
export function unpack(body: FunctionBody, format: FloatFormat, abs: I64): Unpacked {
  const { fractionBits, fractionMask, hiddenBit } = format;
  const exponent = body.local('i32');
  const significand = body.local('i64');
  body.set(exponent, abs.shrU(fractionBits).toI32());
  body.if(
    exponent.get.eqz(),
    () => {
      const zeros = body.let(abs.clz());
      body.set(significand, abs.shl(zeros.sub(1)));
      body.set(
        exponent,
        I64.const(64 - fractionBits)
          .sub(zeros)
          .toI32(),
      );
    },
    () =>
      body.set(
        significand,
        abs
          .and(fractionMask)
          .or(hiddenBit)
          .shl(62 - fractionBits),
      ),
  );
  return { exponent: exponent.get, significand: significand.get };
}

/**
 * `value` >> `count`, jammed; value < 2^63, count >= 0. Both are read several times: pass locals.
 */
export function shiftRightJam(body: FunctionBody, value: I64, count: I64): I64 {
  const bounded = body.let(count.select(63, count.ltU(63)));
  const lost = value.and(I64.const(1).shl(bounded).sub(1));
  return value.shrU(bounded).or(lost.ne(0).toI64U());
}

/**
 * `roundPack(sign, exponent, significand, rm) -> register`, raising OF, UF and NX. `sign` is 0 or
 * the sign mask.
 *
 * §11.2: underflow is tininess *after* rounding, with loss. IEEE 754 §7.5: a result is tiny if,
 * rounded with an exponent without bounds, it would lie strictly between the least normal numbers.
 */
export function defineRoundPack(
  module: WasmModule,
  format: FloatFormat,
  fflagsAddress: number,
): FunctionRef {
  const roundBits = 62 - format.fractionBits;
  const half = 1n << BigInt(roundBits - 1);
  const roundMask = (1n << BigInt(roundBits)) - 1n;
  const params = { sign: 'i64', exponent: 'i32', significand: 'i64', rm: 'i32' } as const;
  return module.func(`float.round.${format.suffix}`, params, 'i64', (body, p) => {
    const { sign, exponent, significand, rm } = { ...p, sign: p.sign.get, rm: p.rm.get };
    // Away from zero is up for positive (rm 3) and down for negative (rm 2) numbers.
    const away = I64.const(roundMask).select(0, rm.eq(sign.eqz().add(ROUND.down)));
    const increment = body.let(I64.const(half).select(away, rm.and(3).eqz()));
    const flags = body.local('i32');
    body.set(flags, FLAG.inexact);
    body.if(exponent.get.ltS(1), () => {
      const carriesToNormal = significand.get.add(increment).ltS(0);
      const isTiny = exponent.get.ltS(0).or(carriesToNormal.eqz());
      body.set(flags, isTiny.mul(FLAG.underflow).or(FLAG.inexact));
      const count = body.let(I64.const(1).sub(exponent.get.toI64S()));
      body.set(significand, shiftRightJam(body, significand.get, count));
      body.set(exponent, 1);
    });
    const lost = body.let(significand.get.and(roundMask));
    const isTie = lost.eq(half).and(rm.eqz());
    const rounded = significand.get.add(increment).shrU(roundBits);
    const even = rounded.and(I64.const(-1).xor(isTie.toI64U()));
    // The leading one of a normal number adds itself to the exponent; a carry out of the fraction
    // does the same.
    const bits = body.let(even.add(exponent.get.sub(1).toI64S().shl(format.fractionBits)));
    body.if(exponent.get.geS(format.exponentMax).or(bits.geU(format.infinity)), () => {
      raise(body, { fflagsAddress }, FLAG.overflow | FLAG.inexact);
      // IEEE 754 §7.4: where the mode rounds towards zero the greatest finite number, else
      // infinity.
      const overflowed = I64.const(format.infinity).sub(increment.eqz().toI64U());
      body.return(box(format, sign.or(overflowed)));
    });
    body.if(lost.ne(0), () => raise(body, { fflagsAddress }, flags.get));
    body.return(box(format, sign.or(bits)));
  });
}

/** Infinity with a sign, as register contents. */
export function boxedInfinity(format: FloatFormat, sign: I64): I64 {
  return sign.or(boxedConst(format, format.infinity));
}
