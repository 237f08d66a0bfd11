/**
 * An instruction about to be emitted, as both engines show it to the code that writes its effect:
 * where its operands are, and how control leaves it. The interpreter answers from a decoded slot at
 * run time, the translator from constants and locals.
 */
import type { FunctionBody, FunctionRef, I32, I64, Local } from '@casmotion/wasm-asm';
import type { FloatFunctions } from '../float/define-float.ts';
import type { CsrFunctions } from '../hart/csr.ts';
import type { TransferCounter } from '../hart/transfers.ts';
import type { RegisterFile, Width } from '../isa/instruction.ts';
import type { Ops } from '../isa/ops.ts';
import type { Access } from './fast-access.ts';

/** Functions of the core module that emitted instructions call. */
export interface EngineParts {
  readonly ops: Ops<I64, I32>;
  readonly float: FloatFunctions;
  readonly csrs: CsrFunctions;
  /** (): raises an illegal-instruction exception with the bits of the instruction at pc. */
  readonly illegal: FunctionRef;
  /** Host address of RAM. */
  readonly ram: number;
  readonly transfers: TransferCounter;
}

/** Scratch of one instruction. */
export interface Scratch {
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
}

/** A load by its kind; into a float register a single is boxed. */
export interface SlowLoad {
  readonly rd: RegisterFile;
  readonly width: Width;
  readonly signed: boolean;
}

export interface Site extends Scratch {
  readonly f: FunctionBody;
  readonly parts: EngineParts;

  /** Operand 0, 1 or 2: rs1, rs2, rs3. Sixty-four bits of a register of either file. */
  operand(index: 0 | 1 | 2): I64;
  /** The immediate, sign-extended. */
  immediate(): I64;
  /** The immediate as a number: of a CSR, or of a rounding mode. */
  number(): I32;
  /** The five bits of rs1 as an unsigned immediate. */
  shortImmediate(): I64;
  /** Not 0 unless the field of rs1 is 0: x0, or an immediate of zero. */
  hasSource(): I32;
  /** Sets rd; into x0 nothing is written, but the value is computed. */
  writeRd(value: I64): void;
  /** pc of this instruction, and of the one after it in sequence. */
  pc(): I64;
  returnAddress(): I64;
  /** An access at the address in `va`, by way of the fast TLB. */
  access(access: Omit<Access, 'va' | 'slot'>): void;
  /** Illegal with FS off; `isDirtied` makes FS dirty. Priv. 1.12 §3.1.6.6. */
  requireFloat(isDirtied: boolean): void;
  /** The rounding mode, 0 to 4, of an instruction that has one; else illegal. */
  roundingMode(): I32;
  /** Makes FS dirty. */
  dirtyFloat(): void;

  /** Makes pc and the step exact in memory, for a function that looks at them. */
  sync(): void;
  /**
   * The whole effect of an access at `va` that the fast TLB does not answer: a load sets rd. Leaves
   * if it traps, or by way of a check if it asked for one; else goes on behind.
   */
  slowLoad(load: SlowLoad): void;
  slowStore(width: Width, value: I64): void;
  /** Sets `host`, or leaves by a trap. */
  slowAtomic(width: Width, isLoad: boolean): void;
  /** Raises an illegal-instruction exception and leaves. */
  illegal(): void;

  /** To the instruction in sequence; `afterCall` by way of a check if the function asked for it. */
  next(): void;
  nextAfterCall(): void;
  /** To pc + immediate if `taken`, else to the next instruction. */
  branch(taken: I32): void;
  /** To pc + immediate. */
  jump(): void;
  /** To the address in `va`. */
  jumpToVa(): void;
}
