/**
 * Zicsr and the privileged instructions. Unprivileged ISA 20191213 chapter 9; Priv. 1.12 §3.3,
 * §4.2.
 */
import { defineInstructions, MASK_ALL, MASK_FUNCT3, OPCODE, type Row, row } from './formats.ts';
import type { Compute, InstructionClass, SystemAction } from './instruction.ts';

const { SYSTEM } = OPCODE;

const swap: Compute = (_op, _old, source) => source;
const set: Compute = (op, old, source) => op.or(old, source);
const clear: Compute = (op, old, source) => op.and(old, op.not(source));

/** A csrrw to x0 does not read; a csrrs or csrrc from x0 does not write (§9.1). */
const csr = (format: 'csr' | 'csri', funct3: number, compute: Compute): Row =>
  row(format, MASK_FUNCT3, SYSTEM | (funct3 << 12), 'input', {
    type: 'csr',
    compute,
    writes: compute === swap ? 'always' : 'unless-zero',
    reads: compute === swap ? 'unless-x0' : 'always',
  });

const system = (word: number, action: SystemAction, kind: InstructionClass): Row =>
  row('none', MASK_ALL, word, kind, { type: 'system', action });

export const zicsr = defineInstructions('Zicsr', {
  csrrw: csr('csr', 0b001, swap),
  csrrs: csr('csr', 0b010, set),
  csrrc: csr('csr', 0b011, clear),
  csrrwi: csr('csri', 0b101, swap),
  csrrsi: csr('csri', 0b110, set),
  csrrci: csr('csri', 0b111, clear),
});

export const privileged = defineInstructions('S', {
  ecall: system(0x0000_0073, 'ecall', 'input'),
  ebreak: system(0x0010_0073, 'ebreak', 'sensitive'),
  sret: system(0x1020_0073, 'sret', 'privileged'),
  mret: system(0x3020_0073, 'mret', 'privileged'),
  wfi: system(0x1050_0073, 'wfi', 'input'),
  'sfence.vma': row('sfence', 0xfe00_7fff, 0x1200_0073, 'privileged', {
    type: 'system',
    action: 'sfence.vma',
  }),
});
