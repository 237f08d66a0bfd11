/**
 * The counter of transfers of control: taken branches, jumps, traps, interrupts, and returns from
 * traps; all that does not fall through to the next instruction. Between two counts pc only grows,
 * so (count, pc) names each place of a run once (docs/architecture.md §4, premise C6).
 *
 * It is state, and only in a core that is made to count: others have no code for it.
 *
 * Invariant: outside of regions the word in memory is exact; a region adds what it counted in a
 * local when it is left.
 */
import { type FunctionBody, type I32, type I64, load, type Local } from '@casmotion/wasm-asm';
import { CONTROL } from './layout.ts';

/** Writes the code that counts. */
export interface TransferCounter {
  readonly isCounting: boolean;
  /** One transfer. */
  count(f: FunctionBody): void;
  /** So many: not negative. */
  add(f: FunctionBody, transfers: I32): void;
}

export const noTransfers: TransferCounter = {
  isCounting: false,
  count: () => undefined,
  add: () => undefined,
};

export const countedTransfers: TransferCounter = {
  isCounting: true,
  count: (f) => f.storeI64(0, CONTROL.transfers, transferCount().add(1)),
  add: (f, transfers) =>
    f.storeI64(0, CONTROL.transfers, transferCount().add(transfers.toI64U())),
};

/** The counter, read where the expression is emitted. */
export function transferCount(): I64 {
  return load.i64(0, CONTROL.transfers);
}

/** Counts in a local of a function, where memory would be slower. */
export class LocalTransfers {
  readonly #f: FunctionBody;
  readonly #counter: TransferCounter;
  readonly #local: Local<'i32'> | undefined;

  constructor(f: FunctionBody, counter: TransferCounter) {
    this.#f = f;
    this.#counter = counter;
    this.#local = counter.isCounting ? f.local('i32', 'transfers') : undefined;
  }

  count(): void {
    if (this.#local !== undefined) this.#f.set(this.#local, this.#local.get.add(1));
  }

  /** Before the function returns. */
  writeBack(): void {
    if (this.#local !== undefined) this.#counter.add(this.#f, this.#local.get);
  }
}

/**
 * What a watched run stops at, in memory: an address of an instruction, which is even, or all ones
 * for none; and a count.
 */
export function isAtWatch(pc: I64): I32 {
  const isAtPc = pc.eq(load.i64(0, CONTROL.watchedPc));
  return isAtPc.or(transferCount().geU(load.i64(0, CONTROL.watchedTransfers)));
}
