/**
 * Comparisons, minimum and maximum, classification: nothing here rounds, and native comparisons are
 * exact. Unprivileged ISA 20191213 §11.6 (fmin, fmax as IEEE 754-201x minimumNumber), §11.8, §11.9.
 */
import { callI64, type FunctionRef, type I32, I64 } from '@casmotion/wasm-asm';
import {
  absOf,
  box,
  FLAG,
  type FloatContext,
  type FloatFormat,
  isSignalling,
  raise,
  signOf,
  unbox,
} from './format.ts';
import { singleOf } from './native.ts';

/** `feq`, `flt`, `fle`: (a, b) -> 0 or 1. */
export function defineComparisons(
  context: FloatContext,
): Record<'feq' | 'flt' | 'fle', FunctionRef> {
  const { module, format } = context;
  const params = { a: 'i64', b: 'i64' } as const;
  const define = (name: 'feq' | 'flt' | 'fle', relation: Relation): FunctionRef =>
    module.func(`${name}.${format.suffix}`, params, 'i64', (body, p) => {
      const [a, b] = [unbox(body, format, p.a.get), unbox(body, format, p.b.get)];
      body.if(compare(format, relation, a, b), () => body.return(1n));
      // §11.8: feq is quiet, flt and fle signal on any NaN.
      const isInvalid = (x: I64): I32 =>
        name === 'feq' ? isSignalling(format, x) : x.and(format.absMask).gtU(format.infinity);
      const flags = isInvalid(a).or(isInvalid(b));
      body.if(flags, () => raise(body, context, FLAG.invalid));
      body.return(0n);
    });
  return { feq: define('feq', 'eq'), flt: define('flt', 'lt'), fle: define('fle', 'le') };
}

/** `fmin` and `fmax`: (a, b) -> register. -0 is less than +0; a number beats a NaN. */
export function defineExtremes(context: FloatContext): Record<'fmin' | 'fmax', FunctionRef> {
  const { module, format } = context;
  const params = { a: 'i64', b: 'i64' } as const;
  const define = (name: 'fmin' | 'fmax'): FunctionRef =>
    module.func(`${name}.${format.suffix}`, params, 'i64', (body, p) => {
      const [a, b] = [unbox(body, format, p.a.get), unbox(body, format, p.b.get)];
      const [first, second] = name === 'fmin' ? [a, b] : [b, a];
      body.if(compare(format, 'lt', a, b), () => body.return(box(format, first)));
      body.if(compare(format, 'lt', b, a), () => body.return(box(format, second)));
      // Equal numbers have equal bits or are zeros, whose signs then decide.
      const both = name === 'fmin' ? a.or(b) : a.and(b);
      body.if(compare(format, 'eq', a, b), () => body.return(box(format, both)));
      const nan = body.let(callI64(context.nanResult, a, b, b)); // raises NV where due
      const [isNanA, isNanB] = [a, b].map((x) => x.and(format.absMask).gtU(format.infinity)) as [
        I32,
        I32,
      ];
      body.if(isNanA.eqz(), () => body.return(box(format, a)));
      body.if(isNanB.eqz(), () => body.return(box(format, b)));
      body.return(nan);
    });
  return { fmin: define('fmin'), fmax: define('fmax') };
}

/** `fclass`: (a) -> a mask of one of ten bits. §11.9, table 11.5. */
export function defineClass(context: FloatContext): FunctionRef {
  const { module, format } = context;
  return module.func(`fclass.${format.suffix}`, { a: 'i64' }, 'i64', (body, p) => {
    const a = unbox(body, format, p.a.get);
    const abs = absOf(body, format, a);
    body.if(abs.gtU(format.infinity), () => {
      body.return(I64.const(CLASS_SIGNALLING).select(CLASS_QUIET, isSignalling(format, a)));
    });
    // 0 zero, 1 subnormal, 2 normal, 3 infinite: bits 4 .. 7 if positive, 3 .. 0 if negative.
    const kind = body.let(
      abs.ne(0).add(abs.geU(format.hiddenBit)).add(abs.eq(format.infinity)).toI64U(),
    );
    const index = I64.const(4).add(kind).select(I64.const(3).sub(kind), signOf(format, a).eqz());
    body.return(I64.const(1).shl(index));
  });
}

type Relation = 'eq' | 'lt' | 'le';

const CLASS_SIGNALLING = 1 << 8;
const CLASS_QUIET = 1 << 9;

/** A native comparison of bits; 0 where one is NaN. */
function compare(format: FloatFormat, relation: Relation, a: I64, b: I64): I32 {
  if (format.suffix === 's') return singleOf(a)[relation](singleOf(b));
  return a.bitsToF64()[relation](b.bitsToF64());
}
