/**
 * RV64A: atomics. Unprivileged ISA 20191213 chapter 8. The word forms see both operands
 * sign-extended from 32 bits, and the engine writes back the low half; aq and rl order nothing on a
 * machine that runs one step at a time.
 */
import { defineInstructions, OPCODE, type Row, row } from './formats.ts';
import type { Compute } from './instruction.ts';

const MASK_AMO = 0xf800_707f;
const MASK_LR = 0xf9f0_707f;

const amo = (width: 32 | 64, funct5: number, compute: Compute): Row =>
  row('amo', MASK_AMO, encode(width, funct5), 'sensitive', { type: 'amo', width, compute });

const widths = (suffix: string, width: 32 | 64): Record<string, Row> => ({
  [`lr${suffix}`]: row('lr', MASK_LR, encode(width, 0b00010), 'sensitive', { type: 'lr', width }),
  [`sc${suffix}`]: row('amo', MASK_AMO, encode(width, 0b00011), 'sensitive', { type: 'sc', width }),
  [`amoswap${suffix}`]: amo(width, 0b00001, (_op, _old, source) => source),
  [`amoadd${suffix}`]: amo(width, 0b00000, (op, old, source) => op.add(old, source)),
  [`amoxor${suffix}`]: amo(width, 0b00100, (op, old, source) => op.xor(old, source)),
  [`amoand${suffix}`]: amo(width, 0b01100, (op, old, source) => op.and(old, source)),
  [`amoor${suffix}`]: amo(width, 0b01000, (op, old, source) => op.or(old, source)),
  [`amomin${suffix}`]: amo(width, 0b10000, (op, a, b) => op.select(op.ltS(a, b), a, b)),
  [`amomax${suffix}`]: amo(width, 0b10100, (op, a, b) => op.select(op.ltS(a, b), b, a)),
  [`amominu${suffix}`]: amo(width, 0b11000, (op, a, b) => op.select(op.ltU(a, b), a, b)),
  [`amomaxu${suffix}`]: amo(width, 0b11100, (op, a, b) => op.select(op.ltU(a, b), b, a)),
});

export const rv64a = defineInstructions('A', { ...widths('.w', 32), ...widths('.d', 64) });

function encode(width: 32 | 64, funct5: number): number {
  return OPCODE.AMO | ((width === 32 ? 0b010 : 0b011) << 12) | (funct5 << 27);
}
