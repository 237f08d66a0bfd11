/**
 * RV64F and RV64D: single and double precision. Unprivileged ISA 20191213 chapters 11 and 12. A
 * single lives in the low half of a register whose high half is all ones (NaN-boxing, §12.2); a
 * value that is not boxed so counts as the canonical NaN.
 */
import type { FloatMnemonic } from '../float/define-float.ts';
import { defineInstructions, MASK_FUNCT3, MASK_FUNCT7, OPCODE, type Row, row } from './formats.ts';
import type { Compute, RegisterFile } from './instruction.ts';
import type { Ops } from './ops.ts';

const { OP_FP, LOAD_FP, STORE_FP, MADD, MSUB, NMSUB, NMADD } = OPCODE;
const MASK_RM = 0xfe00_007f;
const MASK_RS2_RM = 0xfff0_007f;
const MASK_RS2_FUNCT3 = 0xfff0_707f;
const MASK_FMT = 0x0600_007f;

type Precision = 's' | 'd';

/** Loads and stores of a precision. */
function memoryRows(p: Precision): Record<string, Row> {
  const width = p === 's' ? 32 : 64;
  const memory = p === 's' ? 0b010 : 0b011;
  return {
    [p === 's' ? 'flw' : 'fld']: row('load', MASK_FUNCT3, LOAD_FP | (memory << 12), 'pure', {
      type: 'load',
      rd: 'f',
      width,
      signed: false,
    }),
    [p === 's' ? 'fsw' : 'fsd']: row('store', MASK_FUNCT3, STORE_FP | (memory << 12), 'pure', {
      type: 'store',
      source: 'f',
      width,
    }),
  };
}

function precision(p: Precision): Record<string, Row> {
  const fmt = p === 's' ? 0 : 1;
  const f = (funct7: number) => OP_FP | ((funct7 | fmt) << 25);

  const arithmetic = (funct7: number, operation: FloatMnemonic) =>
    float('Rrm', MASK_RM, f(funct7), 'f', ['f', 'f'], operation, true);
  const fused = (opcode: number, operation: FloatMnemonic) =>
    float('R4', MASK_FMT, opcode | (fmt << 25), 'f', ['f', 'f', 'f'], operation, true);
  const exact = (funct7: number, funct3: number, rd: RegisterFile, operation: FloatMnemonic) =>
    float('R', MASK_FUNCT7, f(funct7) | (funct3 << 12), rd, ['f', 'f'], operation, false);
  const toInteger = (rs2: number, operation: FloatMnemonic) =>
    float('R2rm', MASK_RS2_RM, f(0b1100000) | (rs2 << 20), 'x', ['f'], operation, true);
  const fromInteger = (rs2: number, operation: FloatMnemonic) =>
    float('R2rm', MASK_RS2_RM, f(0b1101000) | (rs2 << 20), 'f', ['x'], operation, true);
  const inject = (funct3: number, sign: SignRule) =>
    row('R', MASK_FUNCT7, f(0b0010000) | (funct3 << 12), 'pure', {
      type: 'compute',
      rd: 'f',
      operands: ['f', 'f'],
      compute: p === 's' ? injectSingle(sign) : injectDouble(sign),
    });

  return {
    ...memoryRows(p),
    [`fmadd.${p}`]: fused(MADD, `fmadd.${p}`),
    [`fmsub.${p}`]: fused(MSUB, `fmsub.${p}`),
    [`fnmsub.${p}`]: fused(NMSUB, `fnmsub.${p}`),
    [`fnmadd.${p}`]: fused(NMADD, `fnmadd.${p}`),
    [`fadd.${p}`]: arithmetic(0b0000000, `fadd.${p}`),
    [`fsub.${p}`]: arithmetic(0b0000100, `fsub.${p}`),
    [`fmul.${p}`]: arithmetic(0b0001000, `fmul.${p}`),
    [`fdiv.${p}`]: arithmetic(0b0001100, `fdiv.${p}`),
    [`fsqrt.${p}`]: float('R2rm', MASK_RS2_RM, f(0b0101100), 'f', ['f'], `fsqrt.${p}`, true),
    [`fsgnj.${p}`]: inject(0b000, (_op, _a, b) => b),
    [`fsgnjn.${p}`]: inject(0b001, (op, _a, b) => op.not(b)),
    [`fsgnjx.${p}`]: inject(0b010, (op, a, b) => op.xor(a, b)),
    [`fmin.${p}`]: exact(0b0010100, 0b000, 'f', `fmin.${p}`),
    [`fmax.${p}`]: exact(0b0010100, 0b001, 'f', `fmax.${p}`),
    [`feq.${p}`]: exact(0b1010000, 0b010, 'x', `feq.${p}`),
    [`flt.${p}`]: exact(0b1010000, 0b001, 'x', `flt.${p}`),
    [`fle.${p}`]: exact(0b1010000, 0b000, 'x', `fle.${p}`),
    [`fclass.${p}`]: float(
      'R2',
      MASK_RS2_FUNCT3,
      f(0b1110000) | (1 << 12),
      'x',
      ['f'],
      `fclass.${p}`,
      false,
    ),
    [`fcvt.w.${p}`]: toInteger(0, `fcvt.w.${p}`),
    [`fcvt.wu.${p}`]: toInteger(1, `fcvt.wu.${p}`),
    [`fcvt.l.${p}`]: toInteger(2, `fcvt.l.${p}`),
    [`fcvt.lu.${p}`]: toInteger(3, `fcvt.lu.${p}`),
    [`fcvt.${p}.w`]: fromInteger(0, `fcvt.${p}.w`),
    [`fcvt.${p}.wu`]: fromInteger(1, `fcvt.${p}.wu`),
    [`fcvt.${p}.l`]: fromInteger(2, `fcvt.${p}.l`),
    [`fcvt.${p}.lu`]: fromInteger(3, `fcvt.${p}.lu`),
  };
}

/** Moves of bits between the register files: they never look at the value. */
const move = (match: number, rd: RegisterFile, compute: Compute): Row =>
  row('R2', MASK_RS2_FUNCT3, OP_FP | match, 'pure', {
    type: 'compute',
    rd,
    operands: [rd === 'x' ? 'f' : 'x'],
    compute,
  });

export const rv64f = defineInstructions('F', {
  ...precision('s'),
  'fmv.x.w': move(0b1110000 << 25, 'x', (op, a) => op.signExtend32(a)),
  'fmv.w.x': move(0b1111000 << 25, 'f', (op, a) => box(op, a)),
});

export const rv64d = defineInstructions('D', {
  ...precision('d'),
  'fcvt.s.d': float(
    'R2rm',
    MASK_RS2_RM,
    OP_FP | (0b0100000 << 25) | (1 << 20),
    'f',
    ['f'],
    'fcvt.s.d',
    true,
  ),
  'fcvt.d.s': float('R2rm', MASK_RS2_RM, OP_FP | (0b0100001 << 25), 'f', ['f'], 'fcvt.d.s', true),
  'fmv.x.d': move(0b1110001 << 25, 'x', (_op, a) => a),
  'fmv.d.x': move(0b1111001 << 25, 'f', (_op, a) => a),
});

/**
 * From the signs of two operands the sign of the result; only the sign bit of what it gives is
 * used.
 */
type SignRule = <V, B>(op: Ops<V, B>, a: V, b: V) => V;

function injectDouble(sign: SignRule): Compute {
  return (op, a, b) => {
    const signBit = op.const(1n << 63n);
    return op.or(op.and(a, op.not(signBit)), op.and(sign(op, a, b), signBit));
  };
}

function injectSingle(sign: SignRule): Compute {
  return (op, boxedA, boxedB) => {
    const a = unbox(op, boxedA);
    const b = unbox(op, boxedB);
    const signBit = op.const(1n << 31n);
    return box(op, op.or(op.and(a, op.not(signBit)), op.and(sign(op, a, b), signBit)));
  };
}

/**
 * The single in a register, or the canonical NaN where it is not boxed; in the low half, the rest
 * any.
 */
function unbox<V, B>(op: Ops<V, B>, a: V): V {
  const isBoxed = op.eq(op.shrU(a, op.const(32)), op.const(0xffff_ffffn));
  return op.select(isBoxed, a, op.const(0x7fc0_0000n));
}

function box<V, B>(op: Ops<V, B>, a: V): V {
  return op.or(a, op.const(0xffff_ffff_0000_0000n));
}

function float(
  format: 'R' | 'R2' | 'R4' | 'Rrm' | 'R2rm',
  mask: number,
  match: number,
  rd: RegisterFile,
  operands: readonly RegisterFile[],
  operation: FloatMnemonic,
  rounds: boolean,
): Row {
  return row(format, mask, match, 'sensitive', { type: 'float', rd, operands, operation, rounds });
}
