/** Reading and writing hart state and control words in generated code. */
import type { I32 } from '@casmotion/wasm-asm';
import { type FunctionBody, type I32Like, type I64, type I64Like, load } from '@casmotion/wasm-asm';
import { CONTROL, type HartWord, WORD } from './layout.ts';

/** A word of hart state, read where the expression is emitted. */
export function word(name: HartWord): I64 {
  return load.i64(0, WORD[name]);
}

export function setWord(f: FunctionBody, name: HartWord, value: I64Like): void {
  f.storeI64(0, WORD[name], value);
}

/** A 32-bit control word. */
export function control(name: keyof typeof CONTROL): I32 {
  return load.i32(0, CONTROL[name]);
}

export function setControl(f: FunctionBody, name: keyof typeof CONTROL, value: I32Like): void {
  f.storeI32(0, CONTROL[name], value);
}

/**
 * Steps completed before the instruction at hand. Valid where `left` is stored: outside the loop.
 */
export function currentStep(): I64 {
  return load.i64(0, CONTROL.stepEnd).sub(control('left').toI64U()).sub(1);
}
