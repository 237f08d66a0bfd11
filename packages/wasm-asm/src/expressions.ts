/**
 * Typed expressions. An expression is a recipe that appends code to a {@link ByteBuffer} when it is
 * emitted; building one emits nothing. Using an expression twice emits its code twice, so a value
 * that is dear or has an effect goes through a local (`body.let`). WebAssembly Core 2.0 §5.4.
 *
 * Loads, calls and `tee` are expressions with an effect: they happen where they are emitted.
 */
import { assert } from '@casmotion/base';
import type { ByteBuffer } from './byte-buffer.ts';

/** Appends one instruction sequence that leaves one value on the stack. */
export type Emit = (code: ByteBuffer) => void;

/** What an i32 operand may be: an expression or a literal taken modulo 2^32. */
export type I32Like = I32 | number;
/** What an i64 operand may be: an expression or a literal taken modulo 2^64. */
export type I64Like = I64 | number | bigint;
export type F64Like = F64 | number;
export type F32Like = F32 | number;

/** A 32-bit integer. Comparisons give 0 or 1. */
export class I32 {
  readonly type = 'i32';
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  static const(value: number): I32 {
    assert(Number.isInteger(value), 'an i32 literal is an integer');
    return new I32((code) => {
      code.byte(0x41);
      code.s32(value);
    });
  }

  static from(value: I32Like): I32 {
    return typeof value === 'number' ? I32.const(value) : value;
  }

  eqz(): I32 {
    return unary(I32, 0x45, this);
  }
  eq(other: I32Like): I32 {
    return binary(I32, 0x46, this, I32.from(other));
  }
  ne(other: I32Like): I32 {
    return binary(I32, 0x47, this, I32.from(other));
  }
  ltS(other: I32Like): I32 {
    return binary(I32, 0x48, this, I32.from(other));
  }
  ltU(other: I32Like): I32 {
    return binary(I32, 0x49, this, I32.from(other));
  }
  gtS(other: I32Like): I32 {
    return binary(I32, 0x4a, this, I32.from(other));
  }
  gtU(other: I32Like): I32 {
    return binary(I32, 0x4b, this, I32.from(other));
  }
  leS(other: I32Like): I32 {
    return binary(I32, 0x4c, this, I32.from(other));
  }
  leU(other: I32Like): I32 {
    return binary(I32, 0x4d, this, I32.from(other));
  }
  geS(other: I32Like): I32 {
    return binary(I32, 0x4e, this, I32.from(other));
  }
  geU(other: I32Like): I32 {
    return binary(I32, 0x4f, this, I32.from(other));
  }
  clz(): I32 {
    return unary(I32, 0x67, this);
  }
  ctz(): I32 {
    return unary(I32, 0x68, this);
  }
  popcnt(): I32 {
    return unary(I32, 0x69, this);
  }
  add(other: I32Like): I32 {
    return other === 0 ? this : binary(I32, 0x6a, this, I32.from(other));
  }
  sub(other: I32Like): I32 {
    return other === 0 ? this : binary(I32, 0x6b, this, I32.from(other));
  }
  mul(other: I32Like): I32 {
    return binary(I32, 0x6c, this, I32.from(other));
  }
  /** Traps on zero and on overflow: guard it. */
  divS(other: I32Like): I32 {
    return binary(I32, 0x6d, this, I32.from(other));
  }
  /** Traps on zero: guard it. */
  divU(other: I32Like): I32 {
    return binary(I32, 0x6e, this, I32.from(other));
  }
  /** Traps on zero: guard it. */
  remS(other: I32Like): I32 {
    return binary(I32, 0x6f, this, I32.from(other));
  }
  /** Traps on zero: guard it. */
  remU(other: I32Like): I32 {
    return binary(I32, 0x70, this, I32.from(other));
  }
  and(other: I32Like): I32 {
    return binary(I32, 0x71, this, I32.from(other));
  }
  or(other: I32Like): I32 {
    return binary(I32, 0x72, this, I32.from(other));
  }
  xor(other: I32Like): I32 {
    return binary(I32, 0x73, this, I32.from(other));
  }
  /** Shift counts are taken modulo 32. */
  shl(count: I32Like): I32 {
    return binary(I32, 0x74, this, I32.from(count));
  }
  shrS(count: I32Like): I32 {
    return binary(I32, 0x75, this, I32.from(count));
  }
  shrU(count: I32Like): I32 {
    return binary(I32, 0x76, this, I32.from(count));
  }
  extendS8(): I32 {
    return unary(I32, 0xc0, this);
  }
  extendS16(): I32 {
    return unary(I32, 0xc1, this);
  }
  toI64S(): I64 {
    return unary(I64, 0xac, this);
  }
  toI64U(): I64 {
    return unary(I64, 0xad, this);
  }
  bitsToF32(): F32 {
    return unary(F32, 0xbe, this);
  }
  toF64S(): F64 {
    return unary(F64, 0xb7, this);
  }
  /** `this` if `condition` is not 0, else `other`; both are evaluated. */
  select(other: I32Like, condition: I32): I32 {
    return select(I32, this, I32.from(other), condition);
  }
}

/** A 64-bit integer. */
export class I64 {
  readonly type = 'i64';
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  static const(value: number | bigint): I64 {
    assert(typeof value === 'bigint' || Number.isInteger(value), 'an i64 literal is an integer');
    return new I64((code) => {
      code.byte(0x42);
      code.s64(value);
    });
  }

  static from(value: I64Like): I64 {
    return value instanceof I64 ? value : I64.const(value);
  }

  eqz(): I32 {
    return unary(I32, 0x50, this);
  }
  eq(other: I64Like): I32 {
    return binary(I32, 0x51, this, I64.from(other));
  }
  ne(other: I64Like): I32 {
    return binary(I32, 0x52, this, I64.from(other));
  }
  ltS(other: I64Like): I32 {
    return binary(I32, 0x53, this, I64.from(other));
  }
  ltU(other: I64Like): I32 {
    return binary(I32, 0x54, this, I64.from(other));
  }
  gtS(other: I64Like): I32 {
    return binary(I32, 0x55, this, I64.from(other));
  }
  gtU(other: I64Like): I32 {
    return binary(I32, 0x56, this, I64.from(other));
  }
  leS(other: I64Like): I32 {
    return binary(I32, 0x57, this, I64.from(other));
  }
  leU(other: I64Like): I32 {
    return binary(I32, 0x58, this, I64.from(other));
  }
  geS(other: I64Like): I32 {
    return binary(I32, 0x59, this, I64.from(other));
  }
  geU(other: I64Like): I32 {
    return binary(I32, 0x5a, this, I64.from(other));
  }
  clz(): I64 {
    return unary(I64, 0x79, this);
  }
  ctz(): I64 {
    return unary(I64, 0x7a, this);
  }
  popcnt(): I64 {
    return unary(I64, 0x7b, this);
  }
  add(other: I64Like): I64 {
    return isZero(other) ? this : binary(I64, 0x7c, this, I64.from(other));
  }
  sub(other: I64Like): I64 {
    return isZero(other) ? this : binary(I64, 0x7d, this, I64.from(other));
  }
  mul(other: I64Like): I64 {
    return binary(I64, 0x7e, this, I64.from(other));
  }
  /** Traps on zero and on overflow: guard it. */
  divS(other: I64Like): I64 {
    return binary(I64, 0x7f, this, I64.from(other));
  }
  /** Traps on zero: guard it. */
  divU(other: I64Like): I64 {
    return binary(I64, 0x80, this, I64.from(other));
  }
  /** Traps on zero: guard it. */
  remS(other: I64Like): I64 {
    return binary(I64, 0x81, this, I64.from(other));
  }
  /** Traps on zero: guard it. */
  remU(other: I64Like): I64 {
    return binary(I64, 0x82, this, I64.from(other));
  }
  and(other: I64Like): I64 {
    return binary(I64, 0x83, this, I64.from(other));
  }
  or(other: I64Like): I64 {
    return binary(I64, 0x84, this, I64.from(other));
  }
  xor(other: I64Like): I64 {
    return binary(I64, 0x85, this, I64.from(other));
  }
  /** Shift counts are taken modulo 64. */
  shl(count: I64Like): I64 {
    return binary(I64, 0x86, this, I64.from(count));
  }
  shrS(count: I64Like): I64 {
    return binary(I64, 0x87, this, I64.from(count));
  }
  shrU(count: I64Like): I64 {
    return binary(I64, 0x88, this, I64.from(count));
  }
  rotl(count: I64Like): I64 {
    return binary(I64, 0x89, this, I64.from(count));
  }
  extendS8(): I64 {
    return unary(I64, 0xc2, this);
  }
  extendS16(): I64 {
    return unary(I64, 0xc3, this);
  }
  extendS32(): I64 {
    return unary(I64, 0xc4, this);
  }
  /** The low 32 bits. */
  toI32(): I32 {
    return unary(I32, 0xa7, this);
  }
  bitsToF64(): F64 {
    return unary(F64, 0xbf, this);
  }
  toF64S(): F64 {
    return unary(F64, 0xb9, this);
  }
  toF64U(): F64 {
    return unary(F64, 0xba, this);
  }
  toF32S(): F32 {
    return unary(F32, 0xb4, this);
  }
  toF32U(): F32 {
    return unary(F32, 0xb5, this);
  }
  /** `this` if `condition` is not 0, else `other`; both are evaluated. */
  select(other: I64Like, condition: I32): I64 {
    return select(I64, this, I64.from(other), condition);
  }
}

/** A double. Its NaN payloads are not deterministic: never let one reach guest state. */
export class F64 {
  readonly type = 'f64';
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  static const(value: number): F64 {
    return new F64((code) => {
      code.byte(0x44);
      code.f64(value);
    });
  }

  static from(value: F64Like): F64 {
    return typeof value === 'number' ? F64.const(value) : value;
  }

  eq(other: F64Like): I32 {
    return binary(I32, 0x61, this, F64.from(other));
  }
  ne(other: F64Like): I32 {
    return binary(I32, 0x62, this, F64.from(other));
  }
  lt(other: F64Like): I32 {
    return binary(I32, 0x63, this, F64.from(other));
  }
  gt(other: F64Like): I32 {
    return binary(I32, 0x64, this, F64.from(other));
  }
  le(other: F64Like): I32 {
    return binary(I32, 0x65, this, F64.from(other));
  }
  ge(other: F64Like): I32 {
    return binary(I32, 0x66, this, F64.from(other));
  }
  abs(): F64 {
    return unary(F64, 0x99, this);
  }
  neg(): F64 {
    return unary(F64, 0x9a, this);
  }
  sqrt(): F64 {
    return unary(F64, 0x9f, this);
  }
  add(other: F64Like): F64 {
    return binary(F64, 0xa0, this, F64.from(other));
  }
  sub(other: F64Like): F64 {
    return binary(F64, 0xa1, this, F64.from(other));
  }
  mul(other: F64Like): F64 {
    return binary(F64, 0xa2, this, F64.from(other));
  }
  div(other: F64Like): F64 {
    return binary(F64, 0xa3, this, F64.from(other));
  }
  toF32(): F32 {
    return unary(F32, 0xb6, this);
  }
  bitsToI64(): I64 {
    return unary(I64, 0xbd, this);
  }
  select(other: F64Like, condition: I32): F64 {
    return select(F64, this, F64.from(other), condition);
  }
}

/** A single. Its NaN payloads are not deterministic: never let one reach guest state. */
export class F32 {
  readonly type = 'f32';
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  static const(value: number): F32 {
    return new F32((code) => {
      code.byte(0x43);
      code.f32(value);
    });
  }

  static from(value: F32Like): F32 {
    return typeof value === 'number' ? F32.const(value) : value;
  }

  eq(other: F32Like): I32 {
    return binary(I32, 0x5b, this, F32.from(other));
  }
  ne(other: F32Like): I32 {
    return binary(I32, 0x5c, this, F32.from(other));
  }
  lt(other: F32Like): I32 {
    return binary(I32, 0x5d, this, F32.from(other));
  }
  gt(other: F32Like): I32 {
    return binary(I32, 0x5e, this, F32.from(other));
  }
  le(other: F32Like): I32 {
    return binary(I32, 0x5f, this, F32.from(other));
  }
  ge(other: F32Like): I32 {
    return binary(I32, 0x60, this, F32.from(other));
  }
  abs(): F32 {
    return unary(F32, 0x8b, this);
  }
  neg(): F32 {
    return unary(F32, 0x8c, this);
  }
  sqrt(): F32 {
    return unary(F32, 0x91, this);
  }
  add(other: F32Like): F32 {
    return binary(F32, 0x92, this, F32.from(other));
  }
  sub(other: F32Like): F32 {
    return binary(F32, 0x93, this, F32.from(other));
  }
  mul(other: F32Like): F32 {
    return binary(F32, 0x94, this, F32.from(other));
  }
  div(other: F32Like): F32 {
    return binary(F32, 0x95, this, F32.from(other));
  }
  toF64(): F64 {
    return unary(F64, 0xbb, this);
  }
  bitsToI32(): I32 {
    return unary(I32, 0xbc, this);
  }
  select(other: F32Like, condition: I32): F32 {
    return select(F32, this, F32.from(other), condition);
  }
}

/** The value types by name; codes in {@link VALUE_TYPE_CODE}. WebAssembly Core 2.0 §5.3.1. */
export interface ValueTypes {
  i32: I32;
  i64: I64;
  f32: F32;
  f64: F64;
}
export type ValueType = keyof ValueTypes;
export type AnyExpr = ValueTypes[ValueType];

export const VALUE_TYPE_CODE: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
};

/** An expression of a type known only by name. */
export function makeExpr<T extends ValueType>(type: T, emit: Emit): ValueTypes[T] {
  return new EXPR_CLASS[type](emit) as ValueTypes[T];
}

/** Loads from memory 0 at `base + offset` bytes; `offset` is a constant 0 <= offset < 2^32. */
export const load = {
  i32: (base: I32Like, offset = 0): I32 => loadOp(I32, 0x28, base, offset),
  i64: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x29, base, offset),
  f32: (base: I32Like, offset = 0): F32 => loadOp(F32, 0x2a, base, offset),
  f64: (base: I32Like, offset = 0): F64 => loadOp(F64, 0x2b, base, offset),
  i32S8: (base: I32Like, offset = 0): I32 => loadOp(I32, 0x2c, base, offset),
  i32U8: (base: I32Like, offset = 0): I32 => loadOp(I32, 0x2d, base, offset),
  i32S16: (base: I32Like, offset = 0): I32 => loadOp(I32, 0x2e, base, offset),
  i32U16: (base: I32Like, offset = 0): I32 => loadOp(I32, 0x2f, base, offset),
  i64S8: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x30, base, offset),
  i64U8: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x31, base, offset),
  i64S16: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x32, base, offset),
  i64U16: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x33, base, offset),
  i64S32: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x34, base, offset),
  i64U32: (base: I32Like, offset = 0): I64 => loadOp(I64, 0x35, base, offset),
} as const;

type ExprClass<E> = new (emit: Emit) => E;

const EXPR_CLASS = { i32: I32, i64: I64, f32: F32, f64: F64 } as const;

function unary<E>(result: ExprClass<E>, opcode: number, a: AnyExpr): E {
  return new result((code) => {
    a.emit(code);
    code.byte(opcode);
  });
}

function binary<E>(result: ExprClass<E>, opcode: number, a: AnyExpr, b: AnyExpr): E {
  return new result((code) => {
    a.emit(code);
    b.emit(code);
    code.byte(opcode);
  });
}

function select<E>(result: ExprClass<E>, a: AnyExpr, b: AnyExpr, condition: I32): E {
  return new result((code) => {
    a.emit(code);
    b.emit(code);
    condition.emit(code);
    code.byte(0x1b);
  });
}

/** Negative offsets would wrap to huge ones and trap at run time; they are bugs of the caller. */
export function assertOffset(offset: number): void {
  assert(offset >>> 0 === offset, 'a memory offset is an integer 0 <= offset < 2^32');
}

function loadOp<E>(result: ExprClass<E>, opcode: number, base: I32Like, offset: number): E {
  assertOffset(offset);
  const address = I32.from(base);
  return new result((code) => {
    address.emit(code);
    code.byte(opcode);
    code.u32(0); // alignment hint 2^0: accesses may be unaligned
    code.u32(offset);
  });
}

function isZero(value: I64Like): boolean {
  return value === 0 || value === 0n;
}
