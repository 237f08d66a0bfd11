/** RV64M: multiplication and division. Unprivileged ISA 20191213 chapter 7. */
import { defineInstructions, OPCODE, rType } from './formats.ts';

const { OP, OP_32 } = OPCODE;
const MULDIV = 0b0000001;

export const rv64m = defineInstructions('M', {
  mul: rType(OP, 0b000, MULDIV, (op, a, b) => op.mul(a, b)),
  mulh: rType(OP, 0b001, MULDIV, (op, a, b) => op.mulHighS(a, b)),
  mulhsu: rType(OP, 0b010, MULDIV, (op, a, b) => op.mulHighSU(a, b)),
  mulhu: rType(OP, 0b011, MULDIV, (op, a, b) => op.mulHighU(a, b)),
  div: rType(OP, 0b100, MULDIV, (op, a, b) => op.divS(a, b)),
  divu: rType(OP, 0b101, MULDIV, (op, a, b) => op.divU(a, b)),
  rem: rType(OP, 0b110, MULDIV, (op, a, b) => op.remS(a, b)),
  remu: rType(OP, 0b111, MULDIV, (op, a, b) => op.remU(a, b)),

  // The 64-bit quotient of extended words is right in its low half also for overflow and division
  // by zero.
  mulw: rType(OP_32, 0b000, MULDIV, (op, a, b) => op.signExtend32(op.mul(a, b))),
  divw: rType(OP_32, 0b100, MULDIV, (op, a, b) =>
    op.signExtend32(op.divS(op.signExtend32(a), op.signExtend32(b))),
  ),
  divuw: rType(OP_32, 0b101, MULDIV, (op, a, b) =>
    op.signExtend32(op.divU(op.zeroExtend32(a), op.zeroExtend32(b))),
  ),
  remw: rType(OP_32, 0b110, MULDIV, (op, a, b) =>
    op.signExtend32(op.remS(op.signExtend32(a), op.signExtend32(b))),
  ),
  remuw: rType(OP_32, 0b111, MULDIV, (op, a, b) =>
    op.signExtend32(op.remU(op.zeroExtend32(a), op.zeroExtend32(b))),
  ),
});
