/** The shape of a row of the instruction table: encoding, class, assembly text, meaning. */
import type { FloatMnemonic } from '../float/define-float.ts';
import type { Ops } from './ops.ts';

/**
 * One instruction. The table is the only place that knows it; engines, disassembler and docs are
 * made from it.
 */
export interface Instruction {
  readonly name: string;
  /** Extension as in `docs/isa.md`: I, M, A, F, D, Zicsr, Zifencei, S, ... */
  readonly extension: string;
  readonly format: Format;
  /** An instruction word matches if `(word & mask) === match`, both as unsigned 32-bit numbers. */
  readonly mask: number;
  readonly match: number;
  readonly kind: InstructionClass;
  readonly semantics: Semantics;
}

/**
 * For premises C2 and C3. pure: a function of registers and memory; privileged: traps outside its
 * mode; sensitive: its result depends on machine state besides registers and memory (CSRs,
 * translation, reservation); input: could read something from outside and so must be interceptable.
 */
export type InstructionClass = 'pure' | 'privileged' | 'sensitive' | 'input';

/**
 * Which fields a word has; the operand text of the assembler follows from it. Unprivileged ISA
 * §2.2, §2.3.
 */
export type Format =
  | 'R' // rd, rs1, rs2
  | 'R2' // rd, rs1
  | 'R4' // rd, rs1, rs2, rs3, rm
  | 'Rrm' // rd, rs1, rs2, rm
  | 'R2rm' // rd, rs1, rm
  | 'I' // rd, rs1, imm
  | 'shift' // rd, rs1, shamt
  | 'load' // rd, imm(rs1)
  | 'store' // rs2, imm(rs1)
  | 'B' // rs1, rs2, pc-relative
  | 'U' // rd, imm << 12
  | 'J' // rd, pc-relative
  | 'amo' // rd, rs2, (rs1)
  | 'lr' // rd, (rs1)
  | 'csr' // rd, csr, rs1
  | 'csri' // rd, csr, uimm
  | 'sfence' // rs1, rs2
  | 'none';

/** Which register file an operand is in. */
export type RegisterFile = 'x' | 'f';

/** Bits of a memory access. */
export type Width = 8 | 16 | 32 | 64;

/** A value from up to three register operands and the immediate. */
export type Compute = <V, B>(op: Ops<V, B>, a: V, b: V, c: V) => V;
export type Compare = <V, B>(op: Ops<V, B>, a: V, b: V) => B;

/** What an instruction does, beside advancing pc. */
export type Semantics =
  /**
   * rd := compute(operands); a second operand of `imm` is the sign-extended immediate, `pc` the
   * program counter.
   */
  | {
      readonly type: 'compute';
      readonly rd: RegisterFile;
      readonly operands: readonly (RegisterFile | 'imm' | 'pc')[];
      readonly compute: Compute;
    }
  /** rd := float operation, rounded by the rm field where the format has one. */
  | {
      readonly type: 'float';
      readonly rd: RegisterFile;
      readonly operands: readonly RegisterFile[];
      readonly operation: FloatMnemonic;
      readonly rounds: boolean;
    }
  /** rd := memory[rs1 + imm], extended; a 32-bit load to a float register is NaN-boxed. */
  | {
      readonly type: 'load';
      readonly rd: RegisterFile;
      readonly width: Width;
      readonly signed: boolean;
    }
  /** memory[rs1 + imm] := low bits of rs2. */
  | { readonly type: 'store'; readonly source: RegisterFile; readonly width: Width }
  | { readonly type: 'branch'; readonly condition: Compare }
  /** rd := pc of the next instruction; pc := pc + imm, or (rs1 + imm) without its lowest bit. */
  | { readonly type: 'jal' }
  | { readonly type: 'jalr' }
  /** rd := memory[rs1]; memory[rs1] := compute(old, rs2), as one step. */
  | { readonly type: 'amo'; readonly width: 32 | 64; readonly compute: Compute }
  | { readonly type: 'lr'; readonly width: 32 | 64 }
  | { readonly type: 'sc'; readonly width: 32 | 64 }
  /** rd := csr; csr := compute(old, source), unless the source is x0 or 0 and `writes` says so. */
  | {
      readonly type: 'csr';
      readonly compute: Compute;
      readonly writes: 'always' | 'unless-zero';
      readonly reads: 'always' | 'unless-x0';
    }
  | { readonly type: 'system'; readonly action: SystemAction };

export type SystemAction =
  | 'ecall'
  | 'ebreak'
  | 'mret'
  | 'sret'
  | 'wfi'
  | 'sfence.vma'
  | 'fence'
  | 'fence.i';
