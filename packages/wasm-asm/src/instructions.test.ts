/**
 * Goal: every expression method emits the instruction of its name and computes what it says.
 * Method: one row an instruction. wabt reads the module back and must show the instruction's name;
 * the engine runs it over all pairs of edge operands against a reference in BigInt or JavaScript.
 */
import { describe, expect, it } from 'vitest';
import {
  assemble,
  compile,
  compileExpr,
  disassemble,
  type HostValue,
  newMemory,
} from '../test/assemble.ts';
import {
  type AnyExpr,
  F64,
  type FunctionBody,
  type I32,
  I64,
  load,
  type Local,
  type ValueType,
} from './index.ts';

/** On operands as unsigned integers; the result is taken modulo the width. */
type Reference = (a: bigint, b: bigint) => bigint | boolean;

const I32_EDGES = [0n, 1n, 2n, 31n, 32n, 0x7fn, 0x80n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn];
const I64_EDGES = [
  ...[0n, 1n, 63n, 64n, 0x80n, 0x8000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n],
  ...[0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn],
];
const FLT_MAX = 3.4028234663852886e38;
const FLOAT_EDGES = [0, -0, 1, -1.5, 2 ** -149, 5e-324, FLT_MAX, Infinity, -Infinity, NaN];

const signed = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);
const leadingZeros = (bits: number, value: bigint): bigint =>
  value === 0n ? BigInt(bits) : BigInt(bits - value.toString(2).length);
const trailingZeros = (bits: number, value: bigint): bigint =>
  value === 0n ? BigInt(bits) : leadingZeros(bits, 0n) - 1n - leadingZeros(bits, value & -value);
const ones = (value: bigint): bigint => BigInt(value.toString(2).replaceAll('0', '').length);

/** Rows that i32 and i64 share: mnemonic, method, reference. Where it traps: {@link isTrap}. */
function integerRows(bits: 32 | 64): readonly (readonly [string, string, Reference])[] {
  const s = (value: bigint): bigint => signed(bits, value);
  const modulus = BigInt(bits);
  return [
    ['eqz', 'eqz', (a) => a === 0n],
    ['eq', 'eq', (a, b) => a === b],
    ['ne', 'ne', (a, b) => a !== b],
    ['lt_s', 'ltS', (a, b) => s(a) < s(b)],
    ['lt_u', 'ltU', (a, b) => a < b],
    ['gt_s', 'gtS', (a, b) => s(a) > s(b)],
    ['gt_u', 'gtU', (a, b) => a > b],
    ['le_s', 'leS', (a, b) => s(a) <= s(b)],
    ['le_u', 'leU', (a, b) => a <= b],
    ['ge_s', 'geS', (a, b) => s(a) >= s(b)],
    ['ge_u', 'geU', (a, b) => a >= b],
    ['clz', 'clz', (a) => leadingZeros(bits, a)],
    ['ctz', 'ctz', (a) => trailingZeros(bits, a)],
    ['popcnt', 'popcnt', (a) => ones(a)],
    ['add', 'add', (a, b) => a + b],
    ['sub', 'sub', (a, b) => a - b],
    ['mul', 'mul', (a, b) => a * b],
    ['div_s', 'divS', (a, b) => s(a) / s(b)],
    ['div_u', 'divU', (a, b) => a / b],
    ['rem_s', 'remS', (a, b) => s(a) % s(b)],
    ['rem_u', 'remU', (a, b) => a % b],
    ['and', 'and', (a, b) => a & b],
    ['or', 'or', (a, b) => a | b],
    ['xor', 'xor', (a, b) => a ^ b],
    ['shl', 'shl', (a, b) => a << b % modulus],
    ['shr_s', 'shrS', (a, b) => s(a) >> b % modulus],
    ['shr_u', 'shrU', (a, b) => a >> b % modulus],
    ['extend8_s', 'extendS8', (a) => signed(8, a)],
    ['extend16_s', 'extendS16', (a) => signed(16, a)],
  ];
}

const COMPARISONS = /^(eqz|eq|ne|[lg][te](_[su])?)$/;

describe.each([32, 64] as const)('i%d', (bits) => {
  const type = `i${bits}` as const;
  const edges = bits === 32 ? I32_EDGES : I64_EDGES;
  const rows = [
    ...integerRows(bits),
    ...(bits === 64
      ? ([
          ['extend32_s', 'extendS32', (a: bigint) => signed(32, a)],
          ['rotl', 'rotl', (a: bigint, b: bigint) => (a << (b & 63n)) | (a >> (-b & 63n))],
        ] as const)
      : []),
  ];
  it.each(rows)('%s', (mnemonic, method, reference) => {
    const result: ValueType = COMPARISONS.test(mnemonic) ? 'i32' : type;
    const make = (a: AnyExpr, b: AnyExpr): AnyExpr => callMethod(a, method, b);
    const text = textOf([type, type], result, make);
    expect(text).toMatch(new RegExp(`\\b${type}\\.${mnemonic}\\b`));
    const f = compileExpr([type, type], result, (a, b) => make(a, b));
    for (const a of edges) {
      for (const b of edges) {
        const run = (): bigint => unsigned(result, f(toHost(type, a), toHost(type, b)));
        if (isTrap(mnemonic, bits, a, b)) expect(run).toThrow();
        else expect(run(), `${a} ${b}`).toBe(unsigned(result, reference(a, b)));
      }
    }
  });

  it('select takes the first operand where the condition is not 0', () => {
    const f = compileExpr([type, type, 'i32'], type, (a, b, c) => callMethod(a, 'select', b, c));
    expect(BigInt(f(toHost(type, 5n), toHost(type, 6n), 2) ?? 0)).toBe(5n);
    expect(BigInt(f(toHost(type, 5n), toHost(type, 6n), 0) ?? 0)).toBe(6n);
  });
});

describe.each([32, 64] as const)('f%d', (bits) => {
  const type = `f${bits}` as const;
  const round = bits === 32 ? Math.fround : (value: number): number => value;
  const rows: readonly (readonly [string, (a: number, b: number) => number | boolean])[] = [
    ['eq', (a, b) => a === b],
    ['ne', (a, b) => a !== b],
    ['lt', (a, b) => a < b],
    ['gt', (a, b) => a > b],
    ['le', (a, b) => a <= b],
    ['ge', (a, b) => a >= b],
    ['abs', (a) => Math.abs(a)],
    ['neg', (a) => -a],
    ['sqrt', (a) => Math.sqrt(a)],
    ['add', (a, b) => a + b],
    ['sub', (a, b) => a - b],
    ['mul', (a, b) => a * b],
    ['div', (a, b) => a / b],
  ];
  it.each(rows)('%s', (mnemonic, reference) => {
    const result: ValueType = COMPARISONS.test(mnemonic) ? 'i32' : type;
    const make = (a: AnyExpr, b: AnyExpr): AnyExpr => callMethod(a, mnemonic, b);
    expect(textOf([type, type], result, make)).toContain(`${type}.${mnemonic}\n`);
    const f = compileExpr([type, type], result, (a, b) => make(a, b));
    for (const a of FLOAT_EDGES.map(round)) {
      for (const b of FLOAT_EDGES.map(round)) {
        const expected = reference(a, b);
        const value = typeof expected === 'boolean' ? Number(expected) : round(expected);
        expect(f(a, b), `${a} ${b}`).toBe(value);
      }
    }
  });

  it('select', () => {
    const f = compileExpr([type, type, 'i32'], type, (a, b, c) => callMethod(a, 'select', b, c));
    expect([f(0.5, -0, 1), f(0.5, -0, 0)]).toEqual([0.5, -0]);
  });
});

describe('conversions', () => {
  const rows: readonly (readonly [string, ValueType, ValueType, string, HostValue, HostValue])[] = [
    ['i64.extend_i32_s', 'i32', 'i64', 'toI64S', -1, -1n],
    ['i64.extend_i32_u', 'i32', 'i64', 'toI64U', -1, 0xffff_ffffn],
    ['i32.wrap_i64', 'i64', 'i32', 'toI32', 0x1_8000_0000n, -0x8000_0000],
    ['f32.reinterpret_i32', 'i32', 'f32', 'bitsToF32', 0x3f80_0000, 1],
    ['i32.reinterpret_f32', 'f32', 'i32', 'bitsToI32', -0, -0x8000_0000],
    ['f64.reinterpret_i64', 'i64', 'f64', 'bitsToF64', 0x3ff0_0000_0000_0000n, 1],
    ['i64.reinterpret_f64', 'f64', 'i64', 'bitsToI64', -0, -(2n ** 63n)],
    ['f64.convert_i32_s', 'i32', 'f64', 'toF64S', -5, -5],
    ['f64.convert_i64_s', 'i64', 'f64', 'toF64S', -(2n ** 53n) - 1n, -(2 ** 53)],
    ['f64.convert_i64_u', 'i64', 'f64', 'toF64U', -1n, 2 ** 64],
    ['f32.convert_i64_s', 'i64', 'f32', 'toF32S', 2n ** 24n + 1n, 2 ** 24],
    ['f32.convert_i64_u', 'i64', 'f32', 'toF32U', -1n, 2 ** 64],
    ['f64.promote_f32', 'f32', 'f64', 'toF64', 0.5, 0.5],
    ['f32.demote_f64', 'f64', 'f32', 'toF32', 0.1, Math.fround(0.1)],
  ];
  it.each(rows)('%s', (mnemonic, from, to, method, input, expected) => {
    expect(textOf([from], to, (a) => callMethod(a, method))).toContain(`${mnemonic}\n`);
    const f = compileExpr([from], to, (a) => callMethod(a, method));
    expect(f(input)).toBe(expected);
  });
});

describe('constants', () => {
  const i32s = [0, 1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1];
  it.each(i32s)('i32 %d', (value) => {
    const f = compile(['i32'], 'i32', (body) => body.return(value));
    expect(f(0)).toBe(value | 0);
  });
  const large = [2 ** 53, -(2 ** 53), 2 ** 63, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n];
  const i64s = [...i32s, ...large];
  it.each(i64s)('i64 %s', (value) => {
    const f = compile([], 'i64', (body) => body.return(value));
    expect(f()).toBe(BigInt.asIntN(64, BigInt(value)));
  });
  it.each(FLOAT_EDGES)('f32 and f64 %d', (value) => {
    expect(compile([], 'f32', (body) => body.return(value))()).toBe(Math.fround(value));
    expect(compile([], 'f64', (body) => body.return(F64.from(value)))()).toBe(value);
  });
});

describe('loads', () => {
  const rows = [
    ['i32.load', 'i32', 'i32', -0x7f7e_7d7d],
    ['i64.load', 'i64', 'i64', -0x7b7a_7978_7f7e_7d7dn],
    ['i32.load8_s', 'i32', 'i32S8', -0x7d],
    ['i32.load8_u', 'i32', 'i32U8', 0x83],
    ['i32.load16_s', 'i32', 'i32S16', -0x7d7d],
    ['i32.load16_u', 'i32', 'i32U16', 0x8283],
    ['i64.load8_s', 'i64', 'i64S8', -0x7dn],
    ['i64.load8_u', 'i64', 'i64U8', 0x83n],
    ['i64.load16_s', 'i64', 'i64S16', -0x7d7dn],
    ['i64.load16_u', 'i64', 'i64U16', 0x8283n],
    ['i64.load32_s', 'i64', 'i64S32', -0x7f7e_7d7dn],
    ['i64.load32_u', 'i64', 'i64U32', 0x8081_8283n],
  ] as const;
  it.each(rows)('%s, at an odd address and offset', (mnemonic, type, name, expected) => {
    const memory = newMemory();
    new Uint8Array(memory.buffer).set([0x83, 0x82, 0x81, 0x80, 0x87, 0x86, 0x85, 0x84], 133);
    const make = (base: AnyExpr): AnyExpr => load[name](base as I32, 130);
    expect(textOf(['i32'], type, make)).toContain(`${mnemonic} offset=130`);
    const write = (body: FunctionBody, params: readonly Local[]): void =>
      body.return(make((params[0] as Local).get));
    const f = compile(['i32'], type, write, memory);
    expect(f(3)).toBe(expected);
    expect(() => f(65_536)).toThrow();
  });

  it('f32 and f64', () => {
    const memory = newMemory();
    new DataView(memory.buffer).setFloat32(1, 0.5, true);
    new DataView(memory.buffer).setFloat64(9, -0.1, true);
    expect(compile([], 'f32', (body) => body.return(load.f32(1)), memory)()).toBe(0.5);
    expect(compile([], 'f64', (body) => body.return(load.f64(0, 9)), memory)()).toBe(-0.1);
  });

  it('take a literal address above 2^31', () => {
    const f = compile([], 'i32', (body) => body.return(load.i32(0x8000_0000)));
    expect(() => f()).toThrow(/out of bounds/);
  });
});

describe('misuse is a bug at once, not a bad module later', () => {
  it.each<[string, () => unknown]>([
    ['an i32 that is no integer', () => compile([], 'i32', (body) => body.return(1.5))],
    ['an i64 that is no integer', () => I64.const(0.1)],
    ['an i64 of NaN', () => I64.const(NaN)],
    ['a bigint for an i32', () => compile([], 'i32', (body) => body.return(1n))],
    ['an i64 for an i32', () => compile([], 'i32', (body) => body.return(I64.const(1)))],
    ['a negative offset', () => load.i64(0, -8)],
    ['an offset of 2^32', () => load.i32(0, 2 ** 32)],
    ['a fractional offset', () => load.i32(0, 0.5)],
  ])('%s', (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ name: 'AssertionError' }));
  });
});

function callMethod(self: AnyExpr, method: string, ...args: readonly AnyExpr[]): AnyExpr {
  const methods = self as unknown as Record<string, (...args: readonly AnyExpr[]) => AnyExpr>;
  const call = methods[method];
  if (call === undefined) throw new Error(`no method ${method}`);
  return call.apply(self, args.slice(0, call.length));
}

function textOf(
  params: readonly ValueType[],
  result: ValueType,
  make: (a: AnyExpr, b: AnyExpr) => AnyExpr,
): string {
  const bytes = assemble(params, result, (body, locals) => {
    const [a, b] = locals.map((local) => local.get);
    body.return(make(a as AnyExpr, b as AnyExpr));
  });
  return disassemble(bytes);
}

function toHost(type: ValueType, value: bigint): HostValue {
  return type === 'i64' ? value : Number(BigInt.asIntN(32, value));
}

function unsigned(type: ValueType, value: HostValue | boolean | undefined): bigint {
  return BigInt.asUintN(type === 'i64' ? 64 : 32, BigInt(value ?? 0));
}

function isTrap(mnemonic: string, bits: number, a: bigint, b: bigint): boolean {
  if (!/^(div|rem)_/.test(mnemonic)) return false;
  if (b === 0n) return true;
  const isOverflow = a === 2n ** BigInt(bits - 1) && signed(bits, b) === -1n;
  return mnemonic === 'div_s' && isOverflow;
}
