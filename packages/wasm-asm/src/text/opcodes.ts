/**
 * Names of instructions in the text format, and what follows the opcode in the binary one.
 * WebAssembly Core 2.0 §5.4, §6.5; of the instructions only those that {@link FunctionBody} and the
 * expressions write.
 */

/** What follows an opcode. */
export type Immediate =
  | 'none'
  /** A block: its type, always empty here. */
  | 'block'
  | 'label'
  | 'labels'
  | 'function'
  | 'indirect'
  | 'local'
  | 'memory'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64';

export interface Opcode {
  readonly name: string;
  readonly immediate: Immediate;
}

/** By opcode; those of two bytes are {@link PREFIXED}. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map([
  ...range(0x00, 'none', 'unreachable nop'),
  ...range(0x02, 'block', 'block loop if'),
  ...range(0x05, 'none', 'else'),
  ...range(0x0b, 'none', 'end'),
  ...range(0x0c, 'label', 'br br_if'),
  ...range(0x0e, 'labels', 'br_table'),
  ...range(0x0f, 'none', 'return'),
  ...range(0x10, 'function', 'call'),
  ...range(0x11, 'indirect', 'call_indirect'),
  ...range(0x1a, 'none', 'drop select'),
  ...range(0x20, 'local', 'local.get local.set local.tee'),
  ...range(
    0x28,
    'memory',
    [
      typed('', 'i32 i64 f32 f64', 'load'),
      typed('i32', '', 'load8_s load8_u load16_s load16_u'),
      typed('i64', '', 'load8_s load8_u load16_s load16_u load32_s load32_u'),
      typed('', 'i32 i64 f32 f64', 'store'),
      typed('i32', '', 'store8 store16'),
      typed('i64', '', 'store8 store16 store32'),
    ].join(' '),
  ),
  ...range(0x41, 'i32', 'i32.const'),
  ...range(0x42, 'i64', 'i64.const'),
  ...range(0x43, 'f32', 'f32.const'),
  ...range(0x44, 'f64', 'f64.const'),
  ...range(0x45, 'none', numericNames()),
]);

/** Bulk memory, after the byte 0xfc: copies and fills, with what else follows them. */
export const PREFIXED: ReadonlyMap<number, { readonly name: string; readonly zeros: number }> =
  new Map([
    [0x0a, { name: 'memory.copy', zeros: 2 }],
    [0x0b, { name: 'memory.fill', zeros: 1 }],
  ]);

/** Bytes that a load or store is aligned to by nature: what the text need not say. */
export function naturalAlignment(name: string): number {
  const [type = '', operation = ''] = name.split('.');
  const bits = /\d+/.exec(operation)?.[0] ?? /\d+/.exec(type)?.[0] ?? '8';
  return Number(bits) / 8;
}

/** 0x45 to 0xc4. */
function numericNames(): string {
  const compare = 'lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
  const integer =
    'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
  const float = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign';
  return [
    ...['i32', 'i64'].map((type) => typed(type, '', `eqz eq ne ${compare}`)),
    ...['f32', 'f64'].map((type) => typed(type, '', 'eq ne lt gt le ge')),
    ...['i32', 'i64'].map((type) => typed(type, '', integer)),
    ...['f32', 'f64'].map((type) => typed(type, '', float)),
    'i32.wrap_i64',
    typed('i32', '', 'trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'),
    typed('i64', '', 'extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'),
    typed('f32', '', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64'),
    typed('f64', '', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32'),
    'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64',
    typed('i32', '', 'extend8_s extend16_s'),
    typed('i64', '', 'extend8_s extend16_s extend32_s'),
  ].join(' ');
}

/** `type.operation` for each operation; with no type, for each of `types`. */
function typed(type: string, types: string, operations: string): string {
  const all = type === '' ? types.split(' ') : [type];
  return all.flatMap((t) => operations.split(' ').map((name) => `${t}.${name}`)).join(' ');
}

function range(first: number, immediate: Immediate, names: string): [number, Opcode][] {
  return names.split(' ').map((name, i) => [first + i, { name, immediate }]);
}
