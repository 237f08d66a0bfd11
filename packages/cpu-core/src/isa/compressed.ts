/**
 * RV64C: each 16-bit instruction stands for one 32-bit instruction. Unprivileged ISA 20191213
 * chapter 16. A row names the bits that must match and how the operands are spread over the long
 * form; `expand` gives undefined where the operands make the encoding reserved.
 */
import { OPCODE } from './formats.ts';

export interface CompressedInstruction {
  readonly name: string;
  /** A halfword matches if `(half & mask) === match`. */
  readonly mask: number;
  readonly match: number;
  /** The 32-bit instruction with the same effect, or undefined: an illegal instruction. */
  readonly expand: (half: number) => number | undefined;
}

const { LOAD, LOAD_FP, STORE, STORE_FP, OP, OP_32, OP_IMM, OP_IMM_32, LUI, JAL, JALR, BRANCH } =
  OPCODE;
const RA = 1;
const SP = 2;

const FUNCT3 = 0xe003;

/** In the order in which they are tried: a special case stands before the general one. */
export const rv64c: readonly CompressedInstruction[] = [
  // Quadrant 0: register-based loads and stores on x8..x15, f8..f15 (§16.3).
  c('c.addi4spn', FUNCT3, 0x0000, (h) =>
    immediate4spn(h) === 0 ? undefined : iType(OP_IMM, 0, rdShort(h), SP, immediate4spn(h)),
  ),
  c('c.fld', FUNCT3, 0x2000, (h) => iType(LOAD_FP, 3, rdShort(h), rs1Short(h), offsetD(h))),
  c('c.lw', FUNCT3, 0x4000, (h) => iType(LOAD, 2, rdShort(h), rs1Short(h), offsetW(h))),
  c('c.ld', FUNCT3, 0x6000, (h) => iType(LOAD, 3, rdShort(h), rs1Short(h), offsetD(h))),
  c('c.fsd', FUNCT3, 0xa000, (h) => sType(STORE_FP, 3, rs1Short(h), rdShort(h), offsetD(h))),
  c('c.sw', FUNCT3, 0xc000, (h) => sType(STORE, 2, rs1Short(h), rdShort(h), offsetW(h))),
  c('c.sd', FUNCT3, 0xe000, (h) => sType(STORE, 3, rs1Short(h), rdShort(h), offsetD(h))),

  // Quadrant 1: immediates, arithmetic, jumps (§16.4, §16.5).
  c('c.addi', FUNCT3, 0x0001, (h) => iType(OP_IMM, 0, rd(h), rd(h), immediate6(h))),
  c('c.addiw', FUNCT3, 0x2001, (h) =>
    rd(h) === 0 ? undefined : iType(OP_IMM_32, 0, rd(h), rd(h), immediate6(h)),
  ),
  c('c.li', FUNCT3, 0x4001, (h) => iType(OP_IMM, 0, rd(h), 0, immediate6(h))),
  c('c.addi16sp', 0xef83, 0x6101, (h) =>
    immediate16sp(h) === 0 ? undefined : iType(OP_IMM, 0, SP, SP, immediate16sp(h)),
  ),
  c('c.lui', FUNCT3, 0x6001, (h) =>
    immediate6(h) === 0 ? undefined : LUI | (rd(h) << 7) | (immediate6(h) << 12),
  ),
  c('c.srli', 0xec03, 0x8001, (h) => iType(OP_IMM, 5, rs1Short(h), rs1Short(h), shamt(h))),
  c('c.srai', 0xec03, 0x8401, (h) => iType(OP_IMM, 5, rs1Short(h), rs1Short(h), shamt(h) | 0x400)),
  c('c.andi', 0xec03, 0x8801, (h) => iType(OP_IMM, 7, rs1Short(h), rs1Short(h), immediate6(h))),
  c('c.sub', 0xfc63, 0x8c01, (h) => arithmetic(OP, 0, 0x20, h)),
  c('c.xor', 0xfc63, 0x8c21, (h) => arithmetic(OP, 4, 0, h)),
  c('c.or', 0xfc63, 0x8c41, (h) => arithmetic(OP, 6, 0, h)),
  c('c.and', 0xfc63, 0x8c61, (h) => arithmetic(OP, 7, 0, h)),
  c('c.subw', 0xfc63, 0x9c01, (h) => arithmetic(OP_32, 0, 0x20, h)),
  c('c.addw', 0xfc63, 0x9c21, (h) => arithmetic(OP_32, 0, 0, h)),
  c('c.j', FUNCT3, 0xa001, (h) => jType(0, offsetJ(h))),
  c('c.beqz', FUNCT3, 0xc001, (h) => bType(0, rs1Short(h), offsetB(h))),
  c('c.bnez', FUNCT3, 0xe001, (h) => bType(1, rs1Short(h), offsetB(h))),

  // Quadrant 2: stack-pointer-based loads and stores, moves, jumps to registers (§16.3, §16.5).
  c('c.slli', FUNCT3, 0x0002, (h) => iType(OP_IMM, 1, rd(h), rd(h), shamt(h))),
  c('c.fldsp', FUNCT3, 0x2002, (h) => iType(LOAD_FP, 3, rd(h), SP, offsetLdsp(h))),
  c('c.lwsp', FUNCT3, 0x4002, (h) =>
    rd(h) === 0 ? undefined : iType(LOAD, 2, rd(h), SP, offsetLwsp(h)),
  ),
  c('c.ldsp', FUNCT3, 0x6002, (h) =>
    rd(h) === 0 ? undefined : iType(LOAD, 3, rd(h), SP, offsetLdsp(h)),
  ),
  c('c.jr', 0xf07f, 0x8002, (h) => (rd(h) === 0 ? undefined : iType(JALR, 0, 0, rd(h), 0))),
  c('c.mv', 0xf003, 0x8002, (h) => rType(OP, 0, 0, rd(h), 0, rs2(h))),
  c('c.ebreak', 0xffff, 0x9002, () => 0x0010_0073),
  c('c.jalr', 0xf07f, 0x9002, (h) => iType(JALR, 0, RA, rd(h), 0)),
  c('c.add', 0xf003, 0x9002, (h) => rType(OP, 0, 0, rd(h), rd(h), rs2(h))),
  c('c.fsdsp', FUNCT3, 0xa002, (h) => sType(STORE_FP, 3, SP, rs2(h), offsetSdsp(h))),
  c('c.swsp', FUNCT3, 0xc002, (h) => sType(STORE, 2, SP, rs2(h), offsetSwsp(h))),
  c('c.sdsp', FUNCT3, 0xe002, (h) => sType(STORE, 3, SP, rs2(h), offsetSdsp(h))),
];

/** The 32-bit instruction that a halfword stands for, or undefined where it is illegal. */
export function expandCompressed(half: number): number | undefined {
  for (const { mask, match, expand } of rv64c) {
    if ((half & mask) === match) {
      const word = expand(half);
      return word === undefined ? undefined : word >>> 0;
    }
  }
  return undefined;
}

/** Does a halfword start an instruction of 16 bits? Unprivileged ISA §1.5. */
export function isCompressed(half: number): boolean {
  return (half & 3) !== 3;
}

function c(
  name: string,
  mask: number,
  match: number,
  expand: (half: number) => number | undefined,
): CompressedInstruction {
  return { name, mask, match, expand };
}

// Register fields: full, and the short ones that name x8..x15.
function rd(h: number): number {
  return (h >> 7) & 31;
}
function rs2(h: number): number {
  return (h >> 2) & 31;
}
function rdShort(h: number): number {
  return 8 + ((h >> 2) & 7);
}
function rs1Short(h: number): number {
  return 8 + ((h >> 7) & 7);
}

/** Moves the bit `from` of `h` to the place `to`. */
function bit(h: number, from: number, to: number): number {
  return ((h >> from) & 1) << to;
}

// Immediates, named as in §16's tables.
function immediate6(h: number): number {
  return ((bit(h, 12, 5) | ((h >> 2) & 31)) << 26) >> 26;
}
function shamt(h: number): number {
  return bit(h, 12, 5) | ((h >> 2) & 31);
}
function immediate4spn(h: number): number {
  return ((h >> 7) & 0x30) | ((h >> 1) & 0x3c0) | bit(h, 6, 2) | bit(h, 5, 3);
}
function immediate16sp(h: number): number {
  const value = bit(h, 12, 9) | bit(h, 6, 4) | bit(h, 5, 6) | ((h & 0x18) << 4) | bit(h, 2, 5);
  return (value << 22) >> 22;
}
function offsetW(h: number): number {
  return ((h >> 7) & 0x38) | bit(h, 6, 2) | bit(h, 5, 6);
}
function offsetD(h: number): number {
  return ((h >> 7) & 0x38) | ((h << 1) & 0xc0);
}
function offsetLwsp(h: number): number {
  return bit(h, 12, 5) | ((h >> 2) & 0x1c) | ((h << 4) & 0xc0);
}
function offsetLdsp(h: number): number {
  return bit(h, 12, 5) | ((h >> 2) & 0x18) | ((h << 4) & 0x1c0);
}
function offsetSwsp(h: number): number {
  return ((h >> 7) & 0x3c) | ((h >> 1) & 0xc0);
}
function offsetSdsp(h: number): number {
  return ((h >> 7) & 0x38) | ((h >> 1) & 0x1c0);
}
function offsetB(h: number): number {
  const value =
    bit(h, 12, 8) | bit(h, 6, 7) | bit(h, 5, 6) | bit(h, 2, 5) | ((h >> 7) & 0x18) | ((h >> 2) & 6);
  return (value << 23) >> 23;
}
function offsetJ(h: number): number {
  const high = bit(h, 12, 11) | bit(h, 8, 10) | ((h >> 1) & 0x300) | bit(h, 6, 7) | bit(h, 7, 6);
  return ((high | bit(h, 2, 5) | bit(h, 11, 4) | ((h >> 2) & 0xe)) << 20) >> 20;
}

// Long forms.
function iType(opcode: number, funct3: number, to: number, from: number, imm: number): number {
  return opcode | (to << 7) | (funct3 << 12) | (from << 15) | (imm << 20);
}
function rType(op: number, f3: number, f7: number, to: number, a: number, b: number): number {
  return op | (to << 7) | (f3 << 12) | (a << 15) | (b << 20) | (f7 << 25);
}
function sType(opcode: number, funct3: number, base: number, from: number, imm: number): number {
  return (
    opcode | ((imm & 31) << 7) | (funct3 << 12) | (base << 15) | (from << 20) | ((imm >> 5) << 25)
  );
}
function bType(funct3: number, from: number, imm: number): number {
  const low = ((imm & 0x1e) << 7) | bit(imm, 11, 7);
  return (
    BRANCH | low | (funct3 << 12) | (from << 15) | ((imm & 0x7e0) << 20) | ((imm & 0x1000) << 19)
  );
}
function jType(to: number, imm: number): number {
  const low = (imm & 0xff000) | bit(imm, 11, 20) | ((imm & 0x7fe) << 20);
  return JAL | (to << 7) | low | bit(imm, 20, 31);
}
function arithmetic(opcode: number, funct3: number, funct7: number, h: number): number {
  return rType(opcode, funct3, funct7, rs1Short(h), rs1Short(h), rdShort(h));
}
