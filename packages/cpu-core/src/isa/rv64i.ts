/** RV64I, Zifencei. Unprivileged ISA 20191213 chapters 2, 3 and 5. */
import {
  branchType,
  defineInstructions,
  iType,
  MASK_FUNCT3,
  MASK_OPCODE,
  OPCODE,
  row,
  rType,
  shiftType,
  uType,
} from './formats.ts';
import type { Width } from './instruction.ts';

const { OP, OP_IMM, OP_32, OP_IMM_32, LOAD, STORE, MISC_MEM } = OPCODE;

const load = (funct3: number, width: Width, signed: boolean) =>
  row('load', MASK_FUNCT3, LOAD | (funct3 << 12), 'pure', { type: 'load', rd: 'x', width, signed });

const store = (funct3: number, width: Width) =>
  row('store', MASK_FUNCT3, STORE | (funct3 << 12), 'pure', { type: 'store', source: 'x', width });

export const rv64i = defineInstructions('I', {
  //                  opcode      funct3  funct7     semantics
  lui: uType(OPCODE.LUI, 'imm', (_op, imm) => imm),
  auipc: uType(OPCODE.AUIPC, 'pc', (op, imm, pc) => op.add(pc, imm)),
  jal: row('J', MASK_OPCODE, OPCODE.JAL, 'pure', { type: 'jal' }),
  jalr: row('I', MASK_FUNCT3, OPCODE.JALR, 'pure', { type: 'jalr' }),

  beq: branchType(0b000, (op, a, b) => op.eq(a, b)),
  bne: branchType(0b001, (op, a, b) => op.ne(a, b)),
  blt: branchType(0b100, (op, a, b) => op.ltS(a, b)),
  bge: branchType(0b101, (op, a, b) => op.geS(a, b)),
  bltu: branchType(0b110, (op, a, b) => op.ltU(a, b)),
  bgeu: branchType(0b111, (op, a, b) => op.geU(a, b)),

  lb: load(0b000, 8, true),
  lh: load(0b001, 16, true),
  lw: load(0b010, 32, true),
  ld: load(0b011, 64, true),
  lbu: load(0b100, 8, false),
  lhu: load(0b101, 16, false),
  lwu: load(0b110, 32, false),

  sb: store(0b000, 8),
  sh: store(0b001, 16),
  sw: store(0b010, 32),
  sd: store(0b011, 64),

  addi: iType(OP_IMM, 0b000, (op, a, imm) => op.add(a, imm)),
  slti: iType(OP_IMM, 0b010, (op, a, imm) => op.fromBool(op.ltS(a, imm))),
  sltiu: iType(OP_IMM, 0b011, (op, a, imm) => op.fromBool(op.ltU(a, imm))),
  xori: iType(OP_IMM, 0b100, (op, a, imm) => op.xor(a, imm)),
  ori: iType(OP_IMM, 0b110, (op, a, imm) => op.or(a, imm)),
  andi: iType(OP_IMM, 0b111, (op, a, imm) => op.and(a, imm)),
  slli: shiftType(OP_IMM, 0b001, 0b0000000, (op, a, shamt) => op.shl(a, shamt)),
  srli: shiftType(OP_IMM, 0b101, 0b0000000, (op, a, shamt) => op.shrU(a, shamt)),
  srai: shiftType(OP_IMM, 0b101, 0b0100000, (op, a, shamt) => op.shrS(a, shamt)),

  add: rType(OP, 0b000, 0b0000000, (op, a, b) => op.add(a, b)),
  sub: rType(OP, 0b000, 0b0100000, (op, a, b) => op.sub(a, b)),
  sll: rType(OP, 0b001, 0b0000000, (op, a, b) => op.shl(a, b)),
  slt: rType(OP, 0b010, 0b0000000, (op, a, b) => op.fromBool(op.ltS(a, b))),
  sltu: rType(OP, 0b011, 0b0000000, (op, a, b) => op.fromBool(op.ltU(a, b))),
  xor: rType(OP, 0b100, 0b0000000, (op, a, b) => op.xor(a, b)),
  srl: rType(OP, 0b101, 0b0000000, (op, a, b) => op.shrU(a, b)),
  sra: rType(OP, 0b101, 0b0100000, (op, a, b) => op.shrS(a, b)),
  or: rType(OP, 0b110, 0b0000000, (op, a, b) => op.or(a, b)),
  and: rType(OP, 0b111, 0b0000000, (op, a, b) => op.and(a, b)),

  // Word forms compute on 32 bits and sign-extend; their shift counts have 5 bits (§5.2).
  addiw: iType(OP_IMM_32, 0b000, (op, a, imm) => op.signExtend32(op.add(a, imm))),
  slliw: shiftType(OP_IMM_32, 0b001, 0b0000000, (op, a, n) => op.signExtend32(op.shl(a, n))),
  srliw: shiftType(OP_IMM_32, 0b101, 0b0000000, (op, a, n) =>
    op.signExtend32(op.shrU(op.zeroExtend32(a), n)),
  ),
  sraiw: shiftType(OP_IMM_32, 0b101, 0b0100000, (op, a, n) => op.shrS(op.signExtend32(a), n)),
  addw: rType(OP_32, 0b000, 0b0000000, (op, a, b) => op.signExtend32(op.add(a, b))),
  subw: rType(OP_32, 0b000, 0b0100000, (op, a, b) => op.signExtend32(op.sub(a, b))),
  sllw: rType(OP_32, 0b001, 0b0000000, (op, a, b) =>
    op.signExtend32(op.shl(a, op.and(b, op.const(31)))),
  ),
  srlw: rType(OP_32, 0b101, 0b0000000, (op, a, b) =>
    op.signExtend32(op.shrU(op.zeroExtend32(a), op.and(b, op.const(31)))),
  ),
  sraw: rType(OP_32, 0b101, 0b0100000, (op, a, b) =>
    op.shrS(op.signExtend32(a), op.and(b, op.const(31))),
  ),

  fence: row('none', MASK_FUNCT3, MISC_MEM, 'pure', { type: 'system', action: 'fence' }),
});

/**
 * Stores are seen by fetches at once here, so fence.i has nothing left to do. Unprivileged ISA
 * chapter 3.
 */
export const zifencei = defineInstructions('Zifencei', {
  'fence.i': row('none', MASK_FUNCT3, MISC_MEM | (0b001 << 12), 'pure', {
    type: 'system',
    action: 'fence.i',
  }),
});
