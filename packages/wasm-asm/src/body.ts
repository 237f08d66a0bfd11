/**
 * A function body: statements in order, structured control flow, typed locals.
 * WebAssembly Core 2.0 §5.4, §5.5.13.
 *
 * Invariants: open.length === 0 when closed, and nothing is written after that; a branch names a
 * label that is open: open[label.depth - 1] === label.
 */
import { assert } from '@casmotion/base';
import { ByteBuffer } from './byte-buffer.ts';
import {
  type AnyExpr,
  assertOffset,
  F32,
  F64,
  I32,
  type I32Like,
  I64,
  type I64Like,
  makeExpr,
  VALUE_TYPE_CODE,
  type ValueType,
  type ValueTypes,
} from './expressions.ts';
import type { FunctionRef } from './module.ts';

/** A local or parameter. `get` reads it at the place where the expression is emitted. */
export interface Local<T extends ValueType = ValueType> {
  readonly type: T;
  readonly index: number;
  readonly get: ValueTypes[T];
}

/** A branch target: the end of a block or the start of a loop. Good only inside it. */
export interface Label {
  /** Blocks around its inside, itself included: 1 for the outermost. */
  readonly depth: number;
}

/** An operand of any type; a plain number is an i32 and a bigint an i64. */
export type Operand = AnyExpr | number | bigint;

export class FunctionBody {
  readonly params: readonly Local[];
  readonly result: ValueType | undefined;
  /** For the text format: names that were given to locals, by index. */
  readonly localNames = new Map<number, string>();
  readonly #locals: ValueType[] = [];
  readonly #code = new ByteBuffer(512);
  readonly #open: Label[] = [];
  readonly #hints: { readonly at: number; readonly isLikely: boolean }[] = [];
  #closedSize: number | undefined;

  constructor(params: readonly ValueType[], result: ValueType | undefined) {
    this.params = params.map((type, index) => makeLocal(type, index));
    this.result = result;
  }

  /** A new local, 0 at first. Its name, if it has one, is no other local's. */
  local<T extends ValueType>(type: T, name?: string): Local<T> {
    const index = this.params.length + this.#locals.push(type) - 1;
    if (name !== undefined) this.localNames.set(index, name);
    return makeLocal(type, index);
  }

  set<T extends ValueType>(local: Local<T>, value: ValueTypes[T] | number | bigint): void {
    asExpr(local.type, value).emit(this.#code);
    this.#op(0x21, local.index);
  }

  /** Evaluates `value` here, once, and gives an expression that reads it back. */
  let<E extends AnyExpr>(value: E): E {
    const local = this.local(value.type);
    this.set(local, value);
    return local.get as E;
  }

  /** An expression that sets the local and gives the value. */
  tee<T extends ValueType>(local: Local<T>, value: ValueTypes[T]): ValueTypes[T] {
    return makeExpr(local.type, (code) => {
      value.emit(code);
      code.byte(0x22);
      code.u32(local.index);
    });
  }

  /** Evaluates an expression for its effect. */
  drop(value: AnyExpr): void {
    value.emit(this.#code);
    this.#code.byte(0x1a);
  }

  storeI32(base: I32Like, offset: number, value: I32Like): void {
    this.#store(0x36, base, offset, I32.from(value));
  }
  storeI64(base: I32Like, offset: number, value: I64Like): void {
    this.#store(0x37, base, offset, I64.from(value));
  }
  storeF32(base: I32Like, offset: number, value: F32): void {
    this.#store(0x38, base, offset, value);
  }
  storeF64(base: I32Like, offset: number, value: F64): void {
    this.#store(0x39, base, offset, value);
  }
  storeI32As8(base: I32Like, offset: number, value: I32Like): void {
    this.#store(0x3a, base, offset, I32.from(value));
  }
  storeI32As16(base: I32Like, offset: number, value: I32Like): void {
    this.#store(0x3b, base, offset, I32.from(value));
  }
  storeI64As8(base: I32Like, offset: number, value: I64Like): void {
    this.#store(0x3c, base, offset, I64.from(value));
  }
  storeI64As16(base: I32Like, offset: number, value: I64Like): void {
    this.#store(0x3d, base, offset, I64.from(value));
  }
  storeI64As32(base: I32Like, offset: number, value: I64Like): void {
    this.#store(0x3e, base, offset, I64.from(value));
  }

  /** Sets `count` bytes from `address` to `value`. */
  memoryFill(address: I32Like, value: I32Like, count: I32Like): void {
    for (const part of [address, value, count]) I32.from(part).emit(this.#code);
    this.#code.append(Uint8Array.of(0xfc, 0x0b, 0x00));
  }

  /** Copies `count` bytes; the ranges may overlap. */
  memoryCopy(to: I32Like, from: I32Like, count: I32Like): void {
    for (const part of [to, from, count]) I32.from(part).emit(this.#code);
    this.#code.append(Uint8Array.of(0xfc, 0x0a, 0x00, 0x00));
  }

  /** Statements between a label at their end: `br(label)` leaves the block. */
  block(write: (label: Label) => void): void {
    this.#structured(0x02, write);
  }

  /** Statements under a label at their start: `br(label)` repeats, falling off the end leaves. */
  loop(write: (label: Label) => void): void {
    this.#structured(0x03, write);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.emit(this.#code);
    this.#if(then, otherwise);
  }

  /** `if` whose condition mostly holds: engines move the rest out of the way. */
  ifLikely(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.emit(this.#code);
    this.#hints.push({ at: this.#code.size, isLikely: true });
    this.#if(then, otherwise);
  }

  /** `if` whose condition rarely holds. */
  ifUnlikely(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.emit(this.#code);
    this.#hints.push({ at: this.#code.size, isLikely: false });
    this.#if(then, otherwise);
  }

  br(label: Label): void {
    this.#op(0x0c, this.#distance(label));
  }

  brIf(condition: I32, label: Label): void {
    condition.emit(this.#code);
    this.#op(0x0d, this.#distance(label));
  }

  /** `brIf` whose condition mostly holds. */
  brIfLikely(condition: I32, label: Label): void {
    condition.emit(this.#code);
    this.#hints.push({ at: this.#code.size, isLikely: true });
    this.#op(0x0d, this.#distance(label));
  }

  /** Branches to `labels[index]`, or to `fallback` where index >= labels.length. */
  brTable(index: I32, labels: readonly Label[], fallback: Label): void {
    index.emit(this.#code);
    this.#op(0x0e, labels.length);
    for (const label of labels) this.#code.u32(this.#distance(label));
    this.#code.u32(this.#distance(fallback));
  }

  /** Returns, with a value exactly where the function has a result. */
  return(value?: Operand): void {
    const result = this.result;
    assert((value === undefined) === (result === undefined), 'a return gives what was declared');
    if (value !== undefined && result !== undefined) asExpr(result, value).emit(this.#code);
    this.#code.byte(0x0f);
  }

  /** For a place that cannot be reached. */
  unreachable(): void {
    this.#code.byte(0x00);
  }

  /** Calls for the effect; a result is dropped. */
  call(ref: FunctionRef, ...args: readonly Operand[]): void {
    emitCall(this.#code, ref, args);
    if (ref.result !== undefined) this.#code.byte(0x1a);
  }

  /**
   * Calls through table 0, as an expression of the callee's result. Traps where the slot is empty
   * or holds a function of another signature; `signature` is from {@link WasmModule.signature}.
   */
  callIndirect<T extends ValueType>(
    result: T,
    signature: number,
    slot: I32,
    args: readonly AnyExpr[],
  ): ValueTypes[T] {
    return makeExpr(result, (code) => {
      for (const arg of args) arg.emit(code);
      slot.emit(code);
      code.byte(0x11);
      code.u32(signature);
      code.u32(0);
    });
  }

  /** Appends code made elsewhere; the caller answers for its stack effect. */
  raw(emit: (code: ByteBuffer) => void): void {
    emit(this.#code);
  }

  /** Bytes of all code so far. */
  get sizeBytes(): number {
    return this.#code.size;
  }

  /**
   * The branch hints, by offset in what {@link toBytes} gives. WebAssembly branch hinting proposal.
   */
  hints(): readonly { readonly offset: number; readonly isLikely: boolean }[] {
    const start = this.#declarations().size;
    return this.#hints.map(({ at, isLikely }) => ({ offset: start + at, isLikely }));
  }

  /** The function as it stands in the code section, without its length. */
  toBytes(): Uint8Array<ArrayBuffer> {
    assert(this.#code.size === this.#closedSize, 'a body is closed, and then left alone');
    const out = this.#declarations();
    out.append(this.#code.bytes.subarray(0, this.#code.size));
    return out.toBytes();
  }

  /** The declarations of locals. */
  #declarations(): ByteBuffer {
    const out = new ByteBuffer(this.#code.size + 64);
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.u32(runs.length);
    for (const { type, count } of runs) {
      out.u32(count);
      out.byte(VALUE_TYPE_CODE[type]);
    }
    return out;
  }

  /** Ends the function. With a result, its end must not be reached: every path returns. */
  close(): void {
    assert(this.#closedSize === undefined, 'a body is closed once');
    assert(this.#open.length === 0, 'a block is still open');
    if (this.result !== undefined) this.#code.byte(0x00);
    this.#code.byte(0x0b);
    this.#closedSize = this.#code.size;
  }

  #if(then: () => void, otherwise?: () => void): void {
    this.#code.byte(0x04);
    this.#code.byte(0x40);
    this.#open.push({ depth: this.#open.length + 1 });
    then();
    if (otherwise !== undefined) {
      this.#code.byte(0x05);
      otherwise();
    }
    this.#end();
  }

  #structured(opcode: number, write: (label: Label) => void): void {
    this.#code.byte(opcode);
    this.#code.byte(0x40);
    const label: Label = { depth: this.#open.length + 1 };
    this.#open.push(label);
    write(label);
    this.#end();
  }

  #end(): void {
    this.#code.byte(0x0b);
    this.#open.pop();
  }

  #distance(label: Label): number {
    assert(this.#open[label.depth - 1] === label, 'branch to a label that is not open here');
    return this.#open.length - label.depth;
  }

  #op(opcode: number, immediate: number): void {
    this.#code.byte(opcode);
    this.#code.u32(immediate);
  }

  #store(opcode: number, base: I32Like, offset: number, value: AnyExpr): void {
    assertOffset(offset);
    I32.from(base).emit(this.#code);
    value.emit(this.#code);
    this.#code.byte(opcode);
    this.#code.u32(0);
    this.#code.u32(offset);
  }
}

/** A call as an expression of the function's result. */
export function callI32(ref: FunctionRef, ...args: readonly Operand[]): I32 {
  assert(ref.result === 'i32', `${ref.name} gives no i32`);
  return new I32((code) => emitCall(code, ref, args));
}

/** A call as an expression of the function's result. */
export function callI64(ref: FunctionRef, ...args: readonly Operand[]): I64 {
  assert(ref.result === 'i64', `${ref.name} gives no i64`);
  return new I64((code) => emitCall(code, ref, args));
}

function emitCall(code: ByteBuffer, ref: FunctionRef, args: readonly Operand[]): void {
  assert(args.length === ref.params.length, `${ref.name} takes ${ref.params.length} arguments`);
  args.forEach((arg, i) => asExpr(ref.params[i] as ValueType, arg).emit(code));
  code.byte(0x10);
  code.u32(ref.index);
}

/** A literal as the type that its place demands; an expression of another type is a bug. */
function asExpr(type: ValueType, value: Operand): AnyExpr {
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (type === 'i64') return I64.const(value);
    assert(typeof value === 'number', `${type} from a bigint`);
    return type === 'i32' ? I32.const(value) : type === 'f32' ? F32.const(value) : F64.const(value);
  }
  assert(value.type === type, `expected ${type}, got ${value.type}`);
  return value;
}

function makeLocal<T extends ValueType>(type: T, index: number): Local<T> {
  const get = makeExpr(type, (code) => {
    code.byte(0x20);
    code.u32(index);
  });
  return { type, index, get };
}
