/**
 * From instruction words to slots of a decoded page: what the interpreter reads instead of the
 * word.
 */
import { PSEUDO } from '../hart/code-pages.ts';
import { F_OFFSET, SINK_OFFSET, SLOT, X_OFFSET } from '../hart/layout.ts';
import { expandCompressed, isCompressed } from './compressed.ts';
import { immediateOf } from './formats.ts';
import type { Instruction } from './instruction.ts';
import { findInstruction, instructions } from './table.ts';

/** Number of the first instruction's handler; those before are pseudo-handlers. */
export const FIRST_HANDLER = PSEUDO.count;

/** Does control never fall through to the next slot? Then decoding ahead stops here. */
export function endsRun(handler: number): boolean {
  const semantics = instructions[handler - FIRST_HANDLER]?.semantics;
  if (semantics === undefined) return true;
  return semantics.type === 'jal' || semantics.type === 'jalr';
}

/**
 * Decodes `word` (16 bits where it is compressed) into the slot at `at` of `memory`, all but its
 * handler, which is returned so that the caller writes it last, or elsewhere.
 */
export function decodeInto(memory: DataView, at: number, word: number): number {
  const sizeBytes = isCompressed(word) ? 2 : 4;
  const long = sizeBytes === 2 ? expandCompressed(word & 0xffff) : word >>> 0;
  memory.setUint16(at + SLOT.advance, sizeBytes * 8, true);
  const number = long === undefined ? -1 : findInstruction(long);
  const instruction = instructions[number];
  if (long === undefined || instruction === undefined || hasReservedRounding(instruction, long)) {
    return PSEUDO.illegal;
  }
  const isBranch = instruction.format === 'B' || instruction.format === 'J';
  const immediate = immediateOf(instruction.format, long);
  memory.setInt32(at + SLOT.imm, isBranch ? immediate * 8 : immediate, true);
  const rd = (long >>> 7) & 31;
  memory.setUint16(at + SLOT.rd, destination(instruction, rd), true);
  const { rs1, rs2, rs3 } = sources(instruction, long);
  memory.setUint16(at + SLOT.rs1, rs1, true);
  memory.setUint16(at + SLOT.rs2, rs2, true);
  memory.setUint16(at + SLOT.rs3, rs3, true);
  return FIRST_HANDLER + number;
}

/** Rounding modes 5 and 6 are reserved: illegal. Unprivileged ISA table 11.1. */
function hasReservedRounding({ format }: Instruction, word: number): boolean {
  if (format !== 'R4' && format !== 'Rrm' && format !== 'R2rm') return false;
  const mode = (word >>> 12) & 7;
  return mode === 5 || mode === 6;
}

function xAt(index: number): number {
  return X_OFFSET + index * 8;
}

function fAt(index: number): number {
  return F_OFFSET + index * 8;
}

function destination({ semantics }: Instruction, rd: number): number {
  const file = 'rd' in semantics ? semantics.rd : 'x';
  if (file === 'f') return fAt(rd);
  return rd === 0 ? SINK_OFFSET : xAt(rd);
}

function sources(
  { semantics, format }: Instruction,
  word: number,
): { rs1: number; rs2: number; rs3: number } {
  const [a, b, c] = [(word >>> 15) & 31, (word >>> 20) & 31, word >>> 27];
  if (format === 'csri') return { rs1: a, rs2: 0, rs3: 0 }; // the 5-bit immediate itself
  const files =
    semantics.type === 'compute' || semantics.type === 'float'
      ? semantics.operands
      : semantics.type === 'store'
        ? (['x', semantics.source] as const)
        : [];
  const at = (operand: number, index: number) => (files[operand] === 'f' ? fAt(index) : xAt(index));
  return { rs1: at(0, a), rs2: at(1, b), rs3: at(2, c) };
}
