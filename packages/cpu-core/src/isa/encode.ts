/** From mnemonics and operands to instruction words, by the rows that decode them. */
import { assert, defined } from '@casmotion/base';
import type { Format } from './instruction.ts';
import { instructions } from './table.ts';

/** The fields of an instruction; those that its format lacks must be absent, others are 0. */
export interface Operands {
  readonly rd?: number;
  readonly rs1?: number;
  readonly rs2?: number;
  readonly rs3?: number;
  /**
   * In the units of assembly text: bytes for memory, branches and jumps; the shift amount; the
   * 5-bit immediate of csrrwi and its kin; for lui and auipc the value itself, a multiple of 4096.
   */
  readonly imm?: number;
  /** CSR number. */
  readonly csr?: number;
  /** Rounding mode, 7 (dynamic) where it is absent. */
  readonly rm?: number;
  /** Bit 1 acquire, bit 0 release. */
  readonly aqrl?: number;
}

/** The word of an instruction of the table. Asserts that operands fit its format. */
export function encode(name: string, operands: Operands = {}): number {
  const row = defined(byName.get(name), `instruction ${name}`);
  const shape = SHAPES[row.format];
  for (const field of Object.keys(operands)) {
    assert(shape.fields.includes(field as keyof Operands), `${name} has no operand ${field}`);
  }
  let word = row.match;
  for (const field of shape.fields) word |= FIELDS[field](operands[field]);
  const { imm = 0 } = operands;
  if (shape.immediate !== undefined) {
    const { min, max, step, place } = shape.immediate;
    const limit = name.endsWith('w') && row.format === 'shift' ? 31 : max;
    const fits = Number.isInteger(imm) && imm >= min && imm <= limit && imm % step === 0;
    assert(fits, `immediate ${imm} of ${name}`);
    word |= place(imm);
  }
  return word >>> 0;
}

interface Shape {
  readonly fields: readonly (keyof Operands)[];
  readonly immediate?: {
    readonly min: number;
    readonly max: number;
    readonly step: number;
    /** The bits of the immediate where the format has them. */
    readonly place: (imm: number) => number;
  };
}

function register(shift: number) {
  return (index = 0): number => {
    assert(Number.isInteger(index) && index >= 0 && index < 32, `register ${index}`);
    return index << shift;
  };
}

/** A field of `width` bits at `shift`. */
function bits(shift: number, width: number, absent = 0) {
  return (value = absent): number => {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** width, `field value ${value}`);
    return value << shift;
  };
}

const DYNAMIC = 7;

const FIELDS: Readonly<Record<keyof Operands, (value?: number) => number>> = {
  rd: register(7),
  rs1: register(15),
  rs2: register(20),
  rs3: register(27),
  imm: () => 0, // placed by the shape
  csr: bits(20, 12),
  rm: bits(12, 3, DYNAMIC),
  aqrl: bits(25, 2),
};

const signed = (width: number, step: number, place: (imm: number) => number) => ({
  min: -(2 ** (width - 1)),
  max: 2 ** (width - 1) - step,
  step,
  place,
});

const upper = (imm: number): number => imm << 20;
const storeSplit = (imm: number): number => ((imm & 31) << 7) | ((imm >> 5) << 25);
const branchSplit = (imm: number): number =>
  ((imm & 0x1e) << 7) | ((imm & 0x800) >> 4) | ((imm & 0x7e0) << 20) | ((imm & 0x1000) << 19);
const jumpSplit = (imm: number): number =>
  (imm & 0xff000) | ((imm & 0x800) << 9) | ((imm & 0x7fe) << 20) | ((imm & 0x10_0000) << 11);

/** Unprivileged ISA 20191213 §2.2, §2.3; the inverse of `immediateOf`. */
const SHAPES: Readonly<Record<Format, Shape>> = {
  R: { fields: ['rd', 'rs1', 'rs2'] },
  R2: { fields: ['rd', 'rs1'] },
  R4: { fields: ['rd', 'rs1', 'rs2', 'rs3', 'rm'] },
  Rrm: { fields: ['rd', 'rs1', 'rs2', 'rm'] },
  R2rm: { fields: ['rd', 'rs1', 'rm'] },
  I: { fields: ['rd', 'rs1', 'imm'], immediate: signed(12, 1, upper) },
  shift: { fields: ['rd', 'rs1', 'imm'], immediate: { min: 0, max: 63, step: 1, place: upper } },
  load: { fields: ['rd', 'rs1', 'imm'], immediate: signed(12, 1, upper) },
  store: { fields: ['rs1', 'rs2', 'imm'], immediate: signed(12, 1, storeSplit) },
  B: { fields: ['rs1', 'rs2', 'imm'], immediate: signed(13, 2, branchSplit) },
  U: { fields: ['rd', 'imm'], immediate: signed(32, 4096, (imm) => imm) },
  J: { fields: ['rd', 'imm'], immediate: signed(21, 2, jumpSplit) },
  amo: { fields: ['rd', 'rs1', 'rs2', 'aqrl'] },
  lr: { fields: ['rd', 'rs1', 'aqrl'] },
  csr: { fields: ['rd', 'rs1', 'csr'] },
  csri: {
    fields: ['rd', 'imm', 'csr'],
    immediate: { min: 0, max: 31, step: 1, place: (imm) => imm << 15 },
  },
  sfence: { fields: ['rs1', 'rs2'] },
  none: { fields: [] },
};

const byName = new Map(instructions.map((row) => [row.name, row]));
