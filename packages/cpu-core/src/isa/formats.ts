/**
 * Encodings: row constructors, one a format, and the extraction of fields. Unprivileged ISA
 * 20191213 §2.2-2.3.
 */
import type {
  Compare,
  Compute,
  Format,
  Instruction,
  InstructionClass,
  Semantics,
} from './instruction.ts';

/** A row without its name, which is the key in its table. */
export type Row = Omit<Instruction, 'name' | 'extension'>;

/** Major opcodes, bits 6..0. Unprivileged ISA table 24.1. */
export const OPCODE = {
  LOAD: 0x03,
  LOAD_FP: 0x07,
  MISC_MEM: 0x0f,
  OP_IMM: 0x13,
  AUIPC: 0x17,
  OP_IMM_32: 0x1b,
  STORE: 0x23,
  STORE_FP: 0x27,
  AMO: 0x2f,
  OP: 0x33,
  LUI: 0x37,
  OP_32: 0x3b,
  MADD: 0x43,
  MSUB: 0x47,
  NMSUB: 0x4b,
  NMADD: 0x4f,
  OP_FP: 0x53,
  BRANCH: 0x63,
  JALR: 0x67,
  JAL: 0x6f,
  SYSTEM: 0x73,
} as const;

/** Names the rows of one extension. */
export function defineInstructions(extension: string, rows: Record<string, Row>): Instruction[] {
  return Object.entries(rows).map(([name, row]) => ({ name, extension, ...row }));
}

/** rd := compute(rs1, rs2). */
export function rType(opcode: number, funct3: number, funct7: number, compute: Compute): Row {
  return row('R', MASK_FUNCT7, opcode | (funct3 << 12) | (funct7 << 25), 'pure', {
    type: 'compute',
    rd: 'x',
    operands: ['x', 'x'],
    compute,
  });
}

/** rd := compute(rs1, imm). */
export function iType(opcode: number, funct3: number, compute: Compute): Row {
  return row('I', MASK_FUNCT3, opcode | (funct3 << 12), 'pure', computeImmediate(compute));
}

/**
 * rd := compute(rs1, shamt); `top` is what stands above the shift amount of 6 (or, for words, 5)
 * bits.
 */
export function shiftType(opcode: number, funct3: number, top: number, compute: Compute): Row {
  const mask = opcode === OPCODE.OP_IMM_32 ? MASK_FUNCT7 : 0xfc00_707f;
  return row(
    'shift',
    mask,
    opcode | (funct3 << 12) | (top << 25),
    'pure',
    computeImmediate(compute),
  );
}

/** rd := compute(imm, pc), imm being the upper 20 bits in place. */
export function uType(opcode: number, operand: 'imm' | 'pc', compute: Compute): Row {
  const operands = operand === 'pc' ? (['imm', 'pc'] as const) : (['imm'] as const);
  return row('U', MASK_OPCODE, opcode, 'pure', { type: 'compute', rd: 'x', operands, compute });
}

export function branchType(funct3: number, condition: Compare): Row {
  const match = OPCODE.BRANCH | (funct3 << 12);
  return row('B', MASK_FUNCT3, match, 'pure', { type: 'branch', condition });
}

/** Any row, from its parts. */
export function row(
  format: Format,
  mask: number,
  match: number,
  kind: InstructionClass,
  semantics: Semantics,
): Row {
  return { format, mask: mask >>> 0, match: match >>> 0, kind, semantics };
}

export const MASK_OPCODE = 0x0000_007f;
export const MASK_FUNCT3 = 0x0000_707f;
export const MASK_FUNCT7 = 0xfe00_707f;
export const MASK_ALL = 0xffff_ffff;

/** The immediate of a word in a format; 0 where it has none. */
export function immediateOf(format: Format, word: number): number {
  switch (format) {
    case 'I':
    case 'load':
      return word >> 20;
    case 'shift':
      return (word >>> 20) & 0x3f;
    case 'store':
      return ((word >> 25) << 5) | ((word >>> 7) & 0x1f);
    case 'B':
      return (
        ((word >> 31) << 12) |
        ((word << 4) & 0x800) |
        ((word >>> 20) & 0x7e0) |
        ((word >>> 7) & 0x1e)
      );
    case 'U':
      return word & 0xffff_f000;
    case 'J':
      return (
        ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe)
      );
    case 'csr':
    case 'csri':
      return word >>> 20;
    case 'R4':
    case 'Rrm':
    case 'R2rm':
      return (word >>> 12) & 7;
    case 'R':
    case 'R2':
    case 'amo':
    case 'lr':
    case 'sfence':
    case 'none':
      return 0;
  }
}

function computeImmediate(compute: Compute): Semantics {
  return { type: 'compute', rd: 'x', operands: ['x', 'imm'], compute };
}
