/**
 * The fast path of double a * b + c: the fused result from f64 arithmetic rounded to nearest, which
 * WebAssembly has, where nothing overflows or underflows on the way.
 *
 * The sum of the exact product (Dekker, Numer. Math. 18, 1971) and the addend is vh + (tl + vl)
 * exactly; with the bracket rounded to odd its sum with vh rounds as the exact value does: Boldo
 * and Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Trans. Computers 57(4),
 * 2008, theorem 6. The ranges below keep every intermediate normal or exactly zero: the product
 * lies within 2^(-2 RANGE) and 2^(2 RANGE), and its error is a multiple of 2^(-2 RANGE - 106).
 */
import { type F64, type FunctionBody, type I32, I64, load } from '@casmotion/wasm-asm';
import { FLAG, type FloatContext, ROUND } from './format.ts';
import { isSafelyNormal, twoSumError } from './native.ts';

/** Factors lie within 2^-RANGE and 2^RANGE, the addend within the squares of these. */
const RANGE = 400;
/** Veltkamp's: 2^27 + 1 splits 53 bits in 26 and 26 with a sign. */
const SPLITTER = 2 ** 27 + 1;

interface Operands {
  readonly a: I64;
  readonly b: I64;
  readonly c: I64;
  readonly rm: I32;
}

/** Returns from the function if the fast path will do; else falls through. Operands are bits. */
export function tryFusedDouble(
  body: FunctionBody,
  context: FloatContext,
  { a, b, c, rm }: Operands,
): void {
  const isAddendFit = isWithin(c, 2 * RANGE).or(c.shl(1).eqz());
  const isFit = isWithin(a, RANGE).and(isWithin(b, RANGE)).and(isAddendFit);
  body.if(rm.eq(ROUND.nearestEven).and(isFit), () => {
    const [x, y, z] = [a, b, c].map((bits) => body.let(bits.bitsToF64())) as [F64, F64, F64];
    const uh = body.let(x.mul(y));
    const ul = body.let(productError(body, x, y, uh));
    const [th, tl] = twoSum(body, z, ul);
    const [vh, vl] = twoSum(body, uh, th);
    const [wh, wl] = twoSum(body, tl, vl);
    const odd = body.let(roundedToOdd(body, wh, wl));
    const result = body.let(vh.add(odd));
    const bits = body.let(result.bitsToI64());
    body.if(isSafelyNormal(context.format, bits), () => {
      body.if(load.i32(0, context.fflagsAddress).and(FLAG.inexact), () => body.return(bits));
      const isExact = wl.eq(0).and(twoSumError(body, vh, odd, result).eq(0));
      body.if(isExact, () => body.return(bits));
    });
  });
}

/** 1 if the number's magnitude lies in 2^-range .. 2^range. */
function isWithin(bits: I64, range: number): I32 {
  const exponent = bits.shrU(52).and(0x7ff);
  return exponent.sub(BIAS - range).ltU(2 * range);
}

const BIAS = 1023;

function twoSum(body: FunctionBody, a: F64, b: F64): readonly [F64, F64] {
  const sum = body.let(a.add(b));
  return [sum, body.let(twoSumError(body, a, b, sum))];
}

/** x * y - product, exactly: Dekker's algorithm on Veltkamp's halves. */
function productError(body: FunctionBody, x: F64, y: F64, product: F64): F64 {
  const [xHigh, xLow] = halves(body, x);
  const [yHigh, yLow] = halves(body, y);
  const first = xHigh.mul(yHigh).sub(product);
  return first.add(xHigh.mul(yLow)).add(xLow.mul(yHigh)).add(xLow.mul(yLow));
}

function halves(body: FunctionBody, x: F64): readonly [F64, F64] {
  const scaled = body.let(x.mul(SPLITTER));
  const high = body.let(scaled.sub(scaled.sub(x)));
  return [high, body.let(x.sub(high))];
}

/**
 * The sum `high` + `low` rounded to odd: `high` if it is exact or odd; else its neighbour on the
 * side of `low`, which is the odd one of the two around the sum.
 */
function roundedToOdd(body: FunctionBody, high: F64, low: F64): F64 {
  const bits = body.let(high.bitsToI64());
  const isAway = body.let(bits.xor(low.bitsToI64()).geS(0));
  const neighbour = bits.add(I64.const(1).select(-1, isAway));
  const isKept = low.eq(0).or(bits.and(1).ne(0));
  return bits.select(neighbour, isKept).bitsToF64();
}
