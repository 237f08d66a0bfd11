/** @casmotion/wasm-asm: a WebAssembly assembler that knows nothing of RISC-V. */
export { callI32, callI64, FunctionBody, type Label, type Local, type Operand } from './body.ts';
export { ByteBuffer } from './byte-buffer.ts';
export {
  type AnyExpr,
  type Emit,
  F32,
  type F32Like,
  F64,
  type F64Like,
  I32,
  type I32Like,
  I64,
  type I64Like,
  load,
  makeExpr,
  type ValueType,
  type ValueTypes,
} from './expressions.ts';
export { type FunctionRef, type ParamLocals, type ParamTypes, WasmModule } from './module.ts';
export { type FunctionNotes, printModule, type PrintOptions } from './text/print-module.ts';
