/** The instruction table: every row of every extension, and the search for the row of a word. */
import type { Instruction } from './instruction.ts';
import { rv64a } from './rv64a.ts';
import { rv64d, rv64f } from './rv64fd.ts';
import { rv64i, zifencei } from './rv64i.ts';
import { rv64m } from './rv64m.ts';
import { privileged, zicsr } from './system.ts';

/** All instructions; a row's place here is its number in the interpreter's dispatch. */
export const instructions: readonly Instruction[] = [
  ...rv64i,
  ...zifencei,
  ...rv64m,
  ...rv64a,
  ...rv64f,
  ...rv64d,
  ...zicsr,
  ...privileged,
];

/** The number of the row that a 32-bit word matches, or -1. */
export function findInstruction(word: number): number {
  for (const number of byOpcode[word & 0x7f] ?? []) {
    const { mask, match } = instructions[number] as Instruction;
    if ((word & mask) >>> 0 === match) return number;
  }
  return -1;
}

/** Rows by major opcode, so that a search looks at a few dozen at most. */
const byOpcode: number[][] = Array.from({ length: 128 }, () => []);
instructions.forEach(({ match }, number) => byOpcode[match & 0x7f]?.push(number));
