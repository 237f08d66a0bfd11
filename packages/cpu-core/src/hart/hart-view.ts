/** One hart's registers for JavaScript: debuggers, SBI, tests. Not for hot paths. */
import { assert, defined } from '@casmotion/base';
import type { HartView } from '../core-interface.ts';
import type { CoreExports } from '../core-module.ts';
import { csrTable } from './csr-table.ts';
import { CONTROL, CSR_INDEX, F_OFFSET, HART, type HartWord, WORD, X_OFFSET } from './layout.ts';

/** Hart state as 64-bit words. */
export class HartWords {
  readonly #words: BigInt64Array;

  constructor(buffer: ArrayBuffer) {
    this.#words = new BigInt64Array(buffer, 0, CSR_INDEX / 8);
  }

  get(name: HartWord): bigint {
    return this.at(WORD[name]);
  }

  set(name: HartWord, value: bigint): void {
    this.setAt(WORD[name], value);
  }

  /** The word at an address below the CSR index, unsigned. */
  at(address: number): bigint {
    return BigInt.asUintN(64, defined(this.#words[address / 8], `word at ${address}`));
  }

  setAt(address: number, value: bigint): void {
    assert(address / 8 < this.#words.length, `word at ${address}`);
    this.#words[address / 8] = value;
  }
}

export class WasmHartView implements HartView {
  readonly #words: HartWords;
  readonly #exports: CoreExports;
  readonly #controls: Int32Array;
  readonly #step: () => number;
  readonly #isCounting: boolean;
  readonly #digest: Uint8Array;

  constructor(
    buffer: ArrayBuffer,
    words: HartWords,
    exports: CoreExports,
    core: { readonly step: () => number; readonly isCountingTransfers: boolean },
  ) {
    this.#words = words;
    this.#exports = exports;
    this.#controls = new Int32Array(buffer, 0, 1024);
    this.#digest = new Uint8Array(buffer, CONTROL.registerDigest, 8);
    this.#step = core.step;
    this.#isCounting = core.isCountingTransfers;
  }

  get pc(): bigint {
    return this.#words.get('pc');
  }
  set pc(value: bigint) {
    this.#words.set('pc', value);
    // A transfer too: of a hart that SBI resumes elsewhere.
    if (!this.#isCounting) return;
    this.#words.setAt(CONTROL.transfers, this.#words.at(CONTROL.transfers) + 1n);
  }

  get privilege(): number {
    return Number(this.#words.get('privilege'));
  }
  set privilege(value: number) {
    assert(value === 0 || value === 1 || value === 3, `privilege ${value}`);
    this.#words.set('privilege', BigInt(value));
    this.#words.set('fetchPage', -1n);
    this.#exports.updateContexts();
  }

  getX(index: number): bigint {
    return this.#words.at(HART + X_OFFSET + checkIndex(index) * 8);
  }
  setX(index: number, value: bigint): void {
    if (checkIndex(index) !== 0) this.#words.setAt(HART + X_OFFSET + index * 8, value);
  }
  getF(index: number): bigint {
    return this.#words.at(HART + F_OFFSET + checkIndex(index) * 8);
  }
  setF(index: number, value: bigint): void {
    this.#words.setAt(HART + F_OFFSET + checkIndex(index) * 8, value);
  }

  getCsr(number: number): bigint | undefined {
    if (!csrNumbers.has(number)) return undefined;
    return BigInt.asUintN(64, this.#readingCounters(() => this.#exports.csrRead(number)));
  }

  digest(): Uint8Array {
    this.#readingCounters(() => this.#exports.digestRegisters());
    return this.#digest.slice();
  }

  setCsr(number: number, value: bigint): void {
    if (!csrNumbers.has(number)) return;
    // As if by the instruction before: a counter is read as what was written by the next.
    this.#setClock(this.#step() - 1);
    this.#exports.csrWrite(number, BigInt.asIntN(64, value));
    // Nothing is running that would have to leave; the next `run` looks at interrupts first.
    this.#controls[CONTROL.exitRequest / 4] = 0;
    this.#controls[CONTROL.recheck / 4] = 0;
  }

  flushTlb(): void {
    this.#exports.fence(0n, 0n, 0, 0);
  }

  /** A device may ask in the middle of `run`, which goes on with its clock. */
  #readingCounters<T>(read: () => T): T {
    const stepEnd = this.#words.at(CONTROL.stepEnd);
    const left = this.#controls[CONTROL.left / 4] ?? 0;
    this.#setClock(this.#step());
    const value = read();
    this.#words.setAt(CONTROL.stepEnd, stepEnd);
    this.#controls[CONTROL.left / 4] = left;
    return value;
  }

  /** The step of a CSR access outside of `run`; for reads, counters count the steps made so far. */
  #setClock(step: number): void {
    this.#words.setAt(CONTROL.stepEnd, BigInt(step + 1));
    this.#controls[CONTROL.left / 4] = 0;
  }
}

const csrNumbers: ReadonlySet<number> = new Set(csrTable.map(({ number }) => number));

function checkIndex(index: number): number {
  assert(Number.isInteger(index) && index >= 0 && index < 32, `register ${index}`);
  return index;
}
