/** From instruction words to assembly text, as GNU binutils writes it without aliases. */
import { csrTable } from '../hart/csr-table.ts';
import { expandCompressed, isCompressed } from './compressed.ts';
import { immediateOf } from './formats.ts';
import type { Format, Instruction, RegisterFile } from './instruction.ts';
import { findInstruction, instructions } from './table.ts';

/** ABI names of x0..x31. RISC-V calling convention, chapter 1. */
export const X_NAMES: readonly string[] = [
  ...'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7'.split(' '),
  ...'s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' '),
];

/** ABI names of f0..f31. */
export const F_NAMES: readonly string[] = [
  ...'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7'.split(' '),
  ...'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(' '),
];

/** One instruction as text. */
export interface Disassembled {
  readonly text: string;
  readonly sizeBytes: 2 | 4;
}

/**
 * Disassembles the instruction in the low bits of `word`; `pc` turns branch offsets into addresses.
 */
export function disassemble(word: number, pc: bigint): Disassembled {
  const sizeBytes = isCompressed(word) ? 2 : 4;
  const long = sizeBytes === 2 ? expandCompressed(word & 0xffff) : word >>> 0;
  const number = long === undefined ? -1 : findInstruction(long);
  const instruction = instructions[number];
  if (long === undefined || instruction === undefined) {
    const digits = sizeBytes * 2;
    const bits = sizeBytes === 2 ? word & 0xffff : word >>> 0;
    return { text: `.insn 0x${bits.toString(16).padStart(digits, '0')}`, sizeBytes };
  }
  const operands = OPERANDS[instruction.format](long, pc, instruction);
  const name = instruction.name + ordering(instruction.format, long);
  return { text: operands === '' ? name : `${name} ${operands}`, sizeBytes };
}

/** The aq and rl bits of an atomic. Unprivileged ISA §8.1. */
function ordering(format: Format, word: number): string {
  if (format !== 'amo' && format !== 'lr') return '';
  return ['', '.rl', '.aq', '.aqrl'][(word >>> 25) & 3] as string;
}

type OperandText = (word: number, pc: bigint, instruction: Instruction) => string;

const OPERANDS: Readonly<Record<Format, OperandText>> = {
  R: (w, _pc, i) => [rd(w, i), rs(w, 15, i, 0), rs(w, 20, i, 1)].join(','),
  R2: (w, _pc, i) => [rd(w, i), rs(w, 15, i, 0)].join(','),
  R4: (w, _pc, i) =>
    [rd(w, i), rs(w, 15, i, 0), rs(w, 20, i, 1), rs(w, 27, i, 2)].join(',') + rounding(w, i),
  Rrm: (w, _pc, i) => [rd(w, i), rs(w, 15, i, 0), rs(w, 20, i, 1)].join(',') + rounding(w, i),
  R2rm: (w, _pc, i) => [rd(w, i), rs(w, 15, i, 0)].join(',') + rounding(w, i),
  I: (w, _pc, i) =>
    i.semantics.type === 'jalr'
      ? `${x(w, 7)},${immediateOf('I', w)}(${x(w, 15)})`
      : `${x(w, 7)},${x(w, 15)},${immediateOf('I', w)}`,
  shift: (w) => `${x(w, 7)},${x(w, 15)},0x${immediateOf('shift', w).toString(16)}`,
  load: (w, _pc, i) => `${rd(w, i)},${immediateOf('load', w)}(${x(w, 15)})`,
  store: (w, _pc, i) => {
    const isFloat = i.semantics.type === 'store' && i.semantics.source === 'f';
    return `${isFloat ? f(w, 20) : x(w, 20)},${immediateOf('store', w)}(${x(w, 15)})`;
  },
  B: (w, pc) => `${x(w, 15)},${x(w, 20)},${target(pc, immediateOf('B', w))}`,
  U: (w) => `${x(w, 7)},0x${(immediateOf('U', w) >>> 12).toString(16)}`,
  J: (w, pc) => `${x(w, 7)},${target(pc, immediateOf('J', w))}`,
  amo: (w) => `${x(w, 7)},${x(w, 20)},(${x(w, 15)})`,
  lr: (w) => `${x(w, 7)},(${x(w, 15)})`,
  csr: (w) => `${x(w, 7)},${csrName(w >>> 20)},${x(w, 15)}`,
  csri: (w) => `${x(w, 7)},${csrName(w >>> 20)},${(w >>> 15) & 31}`,
  sfence: (w) => `${x(w, 15)},${x(w, 20)}`,
  none: (w, _pc, i) =>
    i.name === 'fence' ? `${orderedAccesses(w >>> 24)},${orderedAccesses(w >>> 20)}` : '',
};

const csrNames = new Map(csrTable.map(({ number, name }) => [number, name]));

function csrName(number: number): string {
  return csrNames.get(number) ?? `0x${number.toString(16)}`;
}

/** Of device input and output, reads and writes, those in the low four bits. §2.7. */
function orderedAccesses(bits: number): string {
  const letters = [...'iorw'].filter((_, i) => ((bits >>> (3 - i)) & 1) === 1);
  return letters.length === 0 ? 'unknown' : letters.join('');
}

function x(word: number, at: number): string {
  return X_NAMES[(word >>> at) & 31] as string;
}

function f(word: number, at: number): string {
  return F_NAMES[(word >>> at) & 31] as string;
}

function rd(word: number, { semantics }: Instruction): string {
  const file = 'rd' in semantics ? semantics.rd : 'x';
  return file === 'f' ? f(word, 7) : x(word, 7);
}

function rs(word: number, at: number, { semantics }: Instruction, operand: number): string {
  const file: RegisterFile | string =
    semantics.type === 'compute' || semantics.type === 'float'
      ? (semantics.operands[operand] ?? 'x')
      : 'x';
  return file === 'f' ? f(word, at) : x(word, at);
}

/**
 * Unprivileged ISA table 11.1. The mode that an assembler chooses by itself is not written:
 * dynamic, or 0 where every result is exact.
 */
function rounding(word: number, { name }: Instruction): string {
  const mode = (word >>> 12) & 7;
  if (mode === (EXACT.has(name) ? 0 : 7)) return '';
  return `,${['rne', 'rtz', 'rdn', 'rup', 'rmm', 'unknown', 'unknown', 'dyn'][mode] as string}`;
}

const EXACT: ReadonlySet<string> = new Set(['fcvt.d.w', 'fcvt.d.wu', 'fcvt.d.s']);

function target(pc: bigint, offset: number): string {
  return `0x${BigInt.asUintN(64, pc + BigInt(offset)).toString(16)}`;
}
