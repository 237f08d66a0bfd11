/**
 * Registers of both files in a region. Those that loops use are pinned: they live in locals of the
 * region, loaded when it is entered and written back when it is left. All others stay in memory,
 * where each write goes at once; within a block a value that is read again is kept in a local.
 * So a region that is left soon, as most of a kernel's are, moves few registers.
 *
 * Invariants: memory holds every register that is not pinned; a kept local equals its register.
 */
import { type FunctionBody, I64, load, type Local } from '@casmotion/wasm-asm';
import { HART, SINK_OFFSET, X_OFFSET } from '../hart/layout.ts';
import { registerName } from '../inspect/region-text.ts';
import { operandsOf, type RegionInstruction, writesRegister } from './instructions.ts';

export class RegionRegisters {
  readonly #f: FunctionBody;
  readonly #pinned = new Map<number, Local<'i64'>>();
  readonly #writtenPinned = new Set<number>();
  /** Registers with a kept value, in this block. */
  readonly #kept = new Map<number, Local<'i64'>>();
  /** Locals for kept values that hold none now. */
  readonly #free: Local<'i64'>[] = [];
  /** Of this block: by instruction, what of it is read later; see `laterReads`. */
  #later: readonly number[] = [];
  /** Where the value of rd of the instruction at hand is kept; undefined: nowhere. */
  #next: Local<'i64'> | undefined;

  constructor(f: FunctionBody) {
    this.#f = f;
  }

  /** Pins all that the instructions of a loop name. Before any code is written. */
  pin(instructions: readonly RegionInstruction[]): void {
    for (const instruction of instructions) {
      for (const operand of operandsOf(instruction.instruction)) {
        this.#pin(registerOf(instruction, operand));
      }
      if (!writesRegister(instruction.instruction)) continue;
      this.#pin(instruction.rd);
    }
  }

  /** Of all instructions of the region: pinned registers that it writes. */
  noteWrites(instructions: readonly RegionInstruction[]): void {
    for (const { instruction, rd } of instructions) {
      if (writesRegister(instruction) && this.#pinned.has(rd)) this.#writtenPinned.add(rd);
    }
  }

  isPinned(offset: number): boolean {
    return this.#pinned.has(offset);
  }

  emitLoads(): void {
    for (const [offset, local] of this.#pinned) this.#f.set(local, load.i64(0, HART + offset));
  }

  emitStores(): void {
    for (const offset of this.#writtenPinned) {
      this.#f.storeI64(0, HART + offset, (this.#pinned.get(offset) as Local<'i64'>).get);
    }
  }

  beginBlock(instructions: readonly RegionInstruction[]): void {
    this.#free.push(...this.#kept.values());
    this.#kept.clear();
    this.#later = laterReads(instructions);
  }

  /** Before instruction `index` of the block: keeps what it reads, if it is read again. */
  prepare(index: number, instruction: RegionInstruction): void {
    const later = this.#later[index] as number;
    for (const operand of operandsOf(instruction.instruction)) {
      const offset = registerOf(instruction, operand);
      const isWanted = (later & (1 << operand)) !== 0 && this.#isInMemory(offset);
      if (!isWanted || this.#kept.has(offset)) continue;
      const local = this.#take();
      this.#f.set(local, load.i64(0, HART + offset));
      this.#kept.set(offset, local);
    }
    const isKept = (later & RD_LATER) !== 0 && this.#isInMemory(instruction.rd);
    this.#next = isKept ? this.#take() : undefined;
  }

  /** After instruction `index`: forgets what will not be read, and what was kept of rd before. */
  finish(index: number, instruction: RegionInstruction): void {
    const later = this.#later[index] as number;
    for (const operand of operandsOf(instruction.instruction)) {
      if ((later & (1 << operand)) === 0) this.#release(registerOf(instruction, operand));
    }
    if (!writesRegister(instruction.instruction)) return;
    this.#release(instruction.rd);
    if (this.#next !== undefined) this.#kept.set(instruction.rd, this.#next);
  }

  get(offset: number): I64 {
    if (isZero(offset)) return I64.const(0);
    const local = this.#pinned.get(offset) ?? this.#kept.get(offset);
    return local === undefined ? load.i64(0, HART + offset) : local.get;
  }

  /** Sets rd of the instruction at hand. */
  set(offset: number, value: I64): void {
    const f = this.#f;
    const pinned = this.#pinned.get(offset);
    if (isZero(offset)) f.drop(value);
    else if (pinned !== undefined) f.set(pinned, value);
    else if (this.#next === undefined) f.storeI64(0, HART + offset, value);
    else f.storeI64(0, HART + offset, f.tee(this.#next, value));
  }

  /** Memory has rd's new value, if it is not pinned: keeps it, as `set` would. */
  setFromMemory(offset: number): void {
    if (isZero(offset) || this.#next === undefined) return;
    this.#f.set(this.#next, load.i64(0, HART + offset));
  }

  #pin(offset: number): void {
    if (this.#pinned.has(offset) || isZero(offset)) return;
    this.#pinned.set(offset, this.#f.local('i64', registerName(offset)));
  }

  #isInMemory(offset: number): boolean {
    return !isZero(offset) && !this.#pinned.has(offset);
  }

  #take(): Local<'i64'> {
    return this.#free.pop() ?? this.#f.local('i64');
  }

  #release(offset: number): void {
    const local = this.#kept.get(offset);
    if (local === undefined) return;
    this.#kept.delete(offset);
    this.#free.push(local);
  }
}

function isZero(offset: number): boolean {
  return offset === X_OFFSET || offset === SINK_OFFSET;
}

function registerOf({ rs1, rs2, rs3 }: RegionInstruction, operand: number): number {
  return operand === 0 ? rs1 : operand === 1 ? rs2 : rs3;
}

const RD_LATER = 8;

/**
 * For each instruction of a block, bits: 0 to 2, operand 0 to 2 is read again before it is written;
 * 3, what it writes to rd is read.
 */
function laterReads(instructions: readonly RegionInstruction[]): readonly number[] {
  const later: number[] = [];
  const live = new Set<number>();
  for (let i = instructions.length - 1; i >= 0; i--) {
    const instruction = instructions[i] as RegionInstruction;
    const operands = operandsOf(instruction.instruction);
    let bits = 0;
    if (writesRegister(instruction.instruction) && live.delete(instruction.rd)) bits |= RD_LATER;
    for (const operand of operands) {
      if (live.has(registerOf(instruction, operand))) bits |= 1 << operand;
    }
    for (const operand of operands) live.add(registerOf(instruction, operand));
    later[i] = bits;
  }
  return later;
}
