/**
 * All arithmetic of the F and D extensions as functions of a WebAssembly module, exact to the last
 * bit and flag in all five rounding modes. Unprivileged ISA 20191213 §11, §12; IEEE 754-2019.
 *
 * Every function takes raw register contents: i64, singles boxed in ones. Where the instruction
 * rounds, the last parameter is `rm: i32`, already resolved: 0 <= rm <= 4. It returns what goes
 * into the destination register (floats boxed, 32-bit integers sign-extended) and ORs the flags it
 * raises into the i32 at `fflagsAddress`; nothing else in memory is read or written. Every NaN it
 * returns is canonical, so no host's NaN bits get out.
 */
import type { FunctionRef, WasmModule } from '@casmotion/wasm-asm';
import { defineAddition } from './add.ts';
import { defineClass, defineComparisons, defineExtremes } from './compare.ts';
import {
  defineFromInteger,
  defineNarrow,
  defineToInteger,
  defineWiden,
  type IntegerType,
} from './convert.ts';
import { defineDivision, defineSquareRoot } from './divide.ts';
import { defineNanResult, DOUBLE, type FloatContext, type FloatFormat, SINGLE } from './format.ts';
import { defineFused, defineMultiplication } from './multiply.ts';
import { defineRoundPack } from './round.ts';

/**
 * The functions by mnemonic. Parameters, in the order of rs1, rs2, rs3:
 *   fadd fsub fmul fdiv          (a, b, rm)
 *   fsqrt                        (a, rm)
 *   fmadd fmsub fnmsub fnmadd    (a, b, c, rm)
 *   fmin fmax feq flt fle        (a, b)
 *   fclass, fcvt.d.s, fcvt.d.w, fcvt.d.wu    (a)
 *   the other fcvt               (a, rm)
 */
export type FloatFunctions = Readonly<Record<FloatMnemonic, FunctionRef>>;

type Suffix = 's' | 'd';
type ArithmeticName =
  | 'fadd'
  | 'fsub'
  | 'fmul'
  | 'fdiv'
  | 'fsqrt'
  | 'fmadd'
  | 'fmsub'
  | 'fnmsub'
  | 'fnmadd'
  | 'fmin'
  | 'fmax'
  | 'feq'
  | 'flt'
  | 'fle'
  | 'fclass';

export type FloatMnemonic =
  | `${ArithmeticName}.${Suffix}`
  | `fcvt.${IntegerType}.${Suffix}`
  | `fcvt.${Suffix}.${IntegerType}`
  | 'fcvt.s.d'
  | 'fcvt.d.s';

/**
 * Adds the functions to `module`, whose memory must be imported and hold the i32 at
 * `fflagsAddress`.
 */
export function defineFloat(module: WasmModule, fflagsAddress: number): FloatFunctions {
  const single = makeContext(module, SINGLE, fflagsAddress);
  const double = makeContext(module, DOUBLE, fflagsAddress);
  const refs = [
    ...defineFormat(single),
    ...defineFormat(double),
    defineNarrow(single),
    defineWiden(double),
  ];
  return Object.fromEntries(refs.map((ref) => [ref.name, ref])) as FloatFunctions;
}

function makeContext(module: WasmModule, format: FloatFormat, fflagsAddress: number): FloatContext {
  const roundPack = defineRoundPack(module, format, fflagsAddress);
  const nanResult = defineNanResult(module, format, fflagsAddress);
  return { module, format, fflagsAddress, roundPack, nanResult };
}

function defineFormat(context: FloatContext): FunctionRef[] {
  const integers: IntegerType[] = ['w', 'wu', 'l', 'lu'];
  return [
    ...Object.values(defineAddition(context)),
    defineMultiplication(context),
    ...Object.values(defineFused(context)),
    defineDivision(context),
    defineSquareRoot(context),
    ...Object.values(defineExtremes(context)),
    ...Object.values(defineComparisons(context)),
    defineClass(context),
    ...integers.map((type) => defineToInteger(context, type)),
    ...integers.map((type) => defineFromInteger(context, type)),
  ];
}
