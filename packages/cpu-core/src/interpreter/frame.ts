/** What the parts of the interpreter share while its function is being written. */
import type { FunctionBody, FunctionRef, I32, I64, Label, Local } from '@casmotion/wasm-asm';
import type { FloatFunctions } from '../float/define-float.ts';
import type { CsrFunctions } from '../hart/csr.ts';
import type { AccessFunctions } from '../hart/memory-access.ts';
import type { MmuFunctions } from '../hart/mmu.ts';
import type { TrapFunctions } from '../hart/trap.ts';
import { setControl, setWord } from '../hart/words.ts';
import type { Ops } from '../isa/ops.ts';

/** What `run` returns; the order is that of `CoreExit`. */
export const EXIT = { budget: 0, wfi: 1, sbi: 2, attention: 3 } as const;

export interface InterpreterParts {
  readonly ops: Ops<I64, I32>;
  readonly float: FloatFunctions;
  readonly traps: TrapFunctions;
  readonly csrs: CsrFunctions;
  readonly access: AccessFunctions;
  readonly mmu: MmuFunctions;
  /** (): raises an illegal-instruction exception with the bits of the instruction at pc. */
  readonly illegal: FunctionRef;
  /** () -> i32: host address of the page of the current fetch translation. */
  readonly fetchHost: FunctionRef;
  /** Imports: (slot, decoded page) and (slot, decoded page, word). */
  readonly decode: FunctionRef;
  readonly decodeStraddle: FunctionRef;
  readonly ram: number;
}

/** Locals and labels of the interpreter function while it is being written. */
export interface Frame {
  readonly f: FunctionBody;
  readonly parts: InterpreterParts;
  readonly left: Local<'i32'>;
  readonly entry: Local<'i32'>;
  /** The decoded page in which `entry` lies. */
  readonly page: Local<'i32'>;
  readonly bias: Local<'i64'>;
  /** pc on the way to `enter`. */
  readonly pc: Local<'i64'>;
  readonly op: Local<'i32'>;
  /** Scratch of one handler. */
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  readonly labels: {
    readonly enter: Label;
    readonly next: Label;
    readonly dispatch: Label;
    readonly check: Label;
    readonly trapped: Label;
  };
}

/** What stands before the labels do. */
export type Locals = Omit<Frame, 'labels'>;

/** The program counter of the slot at hand. */
export function pcOf({ bias, entry }: Locals): I64 {
  return bias.get.add(entry.get.shrU(3).toI64U());
}

/** Writes back what other functions look at. */
export function emitSync(frame: Locals): void {
  setWord(frame.f, 'pc', pcOf(frame));
  setControl(frame.f, 'left', frame.left.get);
}

/** Leaves `run`; pc is in memory. */
export function emitExit({ f, left }: Locals, reason: number): void {
  setControl(f, 'left', left.get);
  f.return(reason);
}
