/**
 * 128-bit integers as two i64 locals, for products of significands and sums of hashes. WebAssembly
 * 2.0 has no widening multiply. Sums and differences are taken mod 2^128.
 *
 * Invariant of what takes them as signed numbers, all from `negateWide` on: they are less than
 * 2^127.
 */
import { type FunctionBody, I64, type Local } from '@casmotion/wasm-asm';

/** high * 2^64 + low. */
export interface Wide {
  readonly high: Local<'i64'>;
  readonly low: Local<'i64'>;
}

export function wideLocal(body: FunctionBody): Wide {
  return { high: body.local('i64'), low: body.local('i64') };
}

/**
 * The whole product of two unsigned 64-bit numbers, by halves (schoolbook; Knuth, TAOCP 2, 4.3.1
 * M).
 */
export function setProduct(body: FunctionBody, to: Wide, a: I64, b: I64): void {
  const [aHigh, aLow] = [body.let(a.shrU(32)), body.let(a.and(LOW_HALF))];
  const [bHigh, bLow] = [body.let(b.shrU(32)), body.let(b.and(LOW_HALF))];
  const low = body.let(aLow.mul(bLow));
  const middle1 = body.let(aHigh.mul(bLow).add(low.shrU(32)));
  const middle2 = body.let(aLow.mul(bHigh).add(middle1.and(LOW_HALF)));
  body.set(to.high, aHigh.mul(bHigh).add(middle1.shrU(32)).add(middle2.shrU(32)));
  body.set(to.low, middle2.shl(32).or(low.and(LOW_HALF)));
}

/** x += y. */
export function addWide(body: FunctionBody, x: Wide, y: Wide): void {
  body.set(x.low, x.low.get.add(y.low.get));
  const carry = x.low.get.ltU(y.low.get).toI64U();
  body.set(x.high, x.high.get.add(y.high.get).add(carry));
}

/** x -= y; the result may be negative, as two's complement. */
export function subtractWide(body: FunctionBody, x: Wide, y: Wide): void {
  const borrow = x.low.get.ltU(y.low.get).toI64U();
  body.set(x.high, x.high.get.sub(y.high.get).sub(borrow));
  body.set(x.low, x.low.get.sub(y.low.get));
}

/** x = -x. */
export function negateWide(body: FunctionBody, x: Wide): void {
  body.set(x.low, I64.const(0).sub(x.low.get));
  body.set(x.high, x.high.get.xor(-1).add(x.low.get.eqz().toI64U()));
}

/** x >>= count, the bits lost ORed into bit 0; count >= 0, read several times. */
export function shiftWideRightJam(body: FunctionBody, x: Wide, count: I64): void {
  const [high, low] = [x.high.get, x.low.get];
  const below = (bits: I64): I64 => I64.const(1).shl(bits).sub(1);
  body.if(
    count.ltU(64),
    () => {
      const lost = body.let(low.and(below(count)));
      // Two shifts, because a shift by 64 would be one by 0.
      const crossing = high.shl(1).shl(I64.const(63).sub(count));
      body.set(x.low, low.shrU(count).or(crossing).or(lost.ne(0).toI64U()));
      body.set(x.high, high.shrU(count));
    },
    () => {
      const rest = body.let(count.sub(64));
      const bounded = body.let(rest.select(63, rest.ltU(63))); // high < 2^63: by 63 leaves 0
      const lost = body.let(low.or(high.and(below(bounded))));
      body.set(x.low, high.shrU(bounded).or(lost.ne(0).toI64U()));
      body.set(x.high, 0);
    },
  );
}

/** x <<= count; 0 <= count < 128, read several times. */
export function shiftWideLeft(body: FunctionBody, x: Wide, count: I64): void {
  body.if(
    count.ltU(64),
    () => {
      const crossing = x.low.get.shrU(1).shrU(I64.const(63).sub(count));
      body.set(x.high, x.high.get.shl(count).or(crossing));
      body.set(x.low, x.low.get.shl(count));
    },
    () => {
      body.set(x.high, x.low.get.shl(count.sub(64)));
      body.set(x.low, 0);
    },
  );
}

/** Zeros above the leading one: 0 .. 128. */
export function leadingZeros(body: FunctionBody, x: Wide): I64 {
  const inLow = x.low.get.clz().add(64);
  return body.let(inLow.select(x.high.get.clz(), x.high.get.eqz()));
}

const LOW_HALF = 0xffffffffn;
