/** The abstract builder over expressions of WebAssembly: what both engines emit. */
import type { I32, WasmModule } from '@casmotion/wasm-asm';
import { callI64, type FunctionRef, I64 } from '@casmotion/wasm-asm';
import type { Ops } from './ops.ts';

/** Functions that operations call: too long to repeat at each use. */
export interface ArithmeticFunctions {
  readonly mulHighU: FunctionRef;
  readonly mulHighS: FunctionRef;
  readonly mulHighSU: FunctionRef;
  readonly divS: FunctionRef;
  readonly divU: FunctionRef;
  readonly remS: FunctionRef;
  readonly remU: FunctionRef;
}

export function createWasmOps(functions: ArithmeticFunctions): Ops<I64, I32> {
  return {
    const: (value) => I64.const(value),
    add: (a, b) => a.add(b),
    sub: (a, b) => a.sub(b),
    mul: (a, b) => a.mul(b),
    mulHighS: (a, b) => callI64(functions.mulHighS, a, b),
    mulHighU: (a, b) => callI64(functions.mulHighU, a, b),
    mulHighSU: (a, b) => callI64(functions.mulHighSU, a, b),
    divS: (a, b) => callI64(functions.divS, a, b),
    divU: (a, b) => callI64(functions.divU, a, b),
    remS: (a, b) => callI64(functions.remS, a, b),
    remU: (a, b) => callI64(functions.remU, a, b),
    and: (a, b) => a.and(b),
    or: (a, b) => a.or(b),
    xor: (a, b) => a.xor(b),
    not: (a) => a.xor(-1),
    shl: (a, count) => a.shl(count),
    shrS: (a, count) => a.shrS(count),
    shrU: (a, count) => a.shrU(count),
    signExtend32: (a) => a.extendS32(),
    zeroExtend32: (a) => a.toI32().toI64U(),
    eq: (a, b) => a.eq(b),
    ne: (a, b) => a.ne(b),
    ltS: (a, b) => a.ltS(b),
    ltU: (a, b) => a.ltU(b),
    geS: (a, b) => a.geS(b),
    geU: (a, b) => a.geU(b),
    fromBool: (condition) => condition.toI64U(),
    select: (condition, a, b) => a.select(b, condition),
  };
}

/** Adds the arithmetic that WebAssembly lacks or traps on. */
export function defineArithmetic(module: WasmModule): ArithmeticFunctions {
  const mulHighU = defineMulHighU(module);
  const signed = (name: string, correct: (a: I64, b: I64) => I64) =>
    module.func(name, { a: 'i64', b: 'i64' }, 'i64', (f, { a, b }) => {
      f.return(callI64(mulHighU, a.get, b.get).sub(correct(a.get, b.get)));
    });
  // hi(a * b) signed = hi unsigned - (a < 0 ? b : 0) - (b < 0 ? a : 0).
  const negativePart = (a: I64, b: I64) => a.shrS(63).and(b);
  return {
    mulHighU,
    mulHighS: signed('mulHighS', (a, b) => negativePart(a, b).add(negativePart(b, a))),
    mulHighSU: signed('mulHighSU', (a, b) => negativePart(a, b)),
    ...defineDivision(module),
  };
}

/** Schoolbook multiplication by halves: no partial sum overflows 64 bits. */
function defineMulHighU(module: WasmModule): FunctionRef {
  return module.func('mulHighU', { a: 'i64', b: 'i64' }, 'i64', (f, { a, b }) => {
    const low = (v: I64) => v.and(0xffff_ffff);
    const high = (v: I64) => v.shrU(32);
    const lowLow = low(a.get).mul(low(b.get));
    const cross = f.let(high(a.get).mul(low(b.get)).add(high(lowLow)));
    const middle = f.let(low(a.get).mul(high(b.get)).add(low(cross)));
    f.return(high(a.get).mul(high(b.get)).add(high(cross)).add(high(middle)));
  });
}

/**
 * Division by zero gives all ones and the dividend; overflow the dividend and 0. Unprivileged ISA
 * table 7.1.
 */
function defineDivision(module: WasmModule) {
  const params = { a: 'i64', b: 'i64' } as const;
  const define = (name: string, whenZero: (a: I64) => I64, divide: (a: I64, b: I64) => I64) =>
    module.func(name, params, 'i64', (f, { a, b }) => {
      f.if(b.get.eqz(), () => f.return(whenZero(a.get)));
      f.return(divide(a.get, b.get));
    });
  const defineSigned = (
    name: string,
    whenZero: (a: I64) => I64,
    whenMinusOne: (a: I64) => I64,
    divide: (a: I64, b: I64) => I64,
  ) =>
    module.func(name, params, 'i64', (f, { a, b }) => {
      f.if(b.get.eqz(), () => f.return(whenZero(a.get)));
      f.if(b.get.eq(-1), () => f.return(whenMinusOne(a.get)));
      f.return(divide(a.get, b.get));
    });
  const allOnes = () => I64.const(-1);
  const dividend = (a: I64) => a;
  return {
    divU: define('divU', allOnes, (a, b) => a.divU(b)),
    remU: define('remU', dividend, (a, b) => a.remU(b)),
    divS: defineSigned(
      'divS',
      allOnes,
      (a) => I64.const(0).sub(a),
      (a, b) => a.divS(b),
    ),
    remS: defineSigned(
      'remS',
      dividend,
      () => I64.const(0),
      (a, b) => a.remS(b),
    ),
  };
}
