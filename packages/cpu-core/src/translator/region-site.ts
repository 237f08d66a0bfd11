/** The site of an instruction in a region: operands are constants and locals. */
import {
  callI32,
  callI64,
  type FunctionBody,
  I32,
  I64,
  type Label,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import type { EngineParts, Site } from '../emit/site.ts';
import { HART, SINK_OFFSET, X_OFFSET } from '../hart/layout.ts';
import { MSTATUS } from '../hart/status.ts';
import { control, setWord, word } from '../hart/words.ts';
import type { RegionInstruction } from './instructions.ts';
import { placeOf, type SlowPaths } from './slow-paths.ts';

/** Functions of the core module, as imports of a region's. */
export interface RegionParts extends EngineParts {
  readonly slowPaths: SlowPaths;
}

/** Locals and labels of a region while it is being written. */
export interface RegionFrame {
  readonly f: FunctionBody;
  readonly parts: RegionParts;
  readonly left: Local<'i32'>;
  /** Virtual address from which offsets count: of the page that was hot when it was made. */
  readonly base: Local<'i64'>;
  /** Fast TLB of data accesses. */
  readonly context: Local<'i32'>;
  /** pc and reason with which the region returns. */
  readonly pcOut: Local<'i64'>;
  readonly reason: Local<'i32'>;
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  /** The instruction whose slow path ran last: see `placeOf`. */
  readonly place: Local<'i32'>;
  /** Leaves the region with `pcOut` and `reason`. */
  readonly exit: Label;
  /** Leaves the region after a slow path, at `place`, which trapped or asked for a check. */
  readonly exitSlow: Label;
  readonly registers: RegionRegisters;
}

/** Registers of both files that a region uses, by offset in the hart state. */
export class RegionRegisters {
  readonly #f: FunctionBody;
  readonly #locals = new Map<number, Local<'i64'>>();
  readonly #written = new Set<number>();

  constructor(f: FunctionBody) {
    this.#f = f;
  }

  /** Makes a local for a register; all are made before code is written. */
  use(offset: number): void {
    if (this.#locals.has(offset) || isZero(offset)) return;
    this.#locals.set(offset, this.#f.local('i64'));
  }

  willWrite(offset: number): void {
    this.use(offset);
    if (!isZero(offset)) this.#written.add(offset);
  }

  get(offset: number): I64 {
    return isZero(offset) ? I64.const(0) : (this.#locals.get(offset) as Local<'i64'>).get;
  }

  set(offset: number, value: I64): void {
    if (isZero(offset)) this.#f.drop(value);
    else this.#f.set(this.#locals.get(offset) as Local<'i64'>, value);
  }

  emitLoads(): void {
    for (const [offset, local] of this.#locals) this.#f.set(local, load.i64(0, HART + offset));
  }

  emitStores(): void {
    for (const offset of this.#written) this.#f.storeI64(0, HART + offset, this.get(offset));
  }
}

function isZero(offset: number): boolean {
  return offset === X_OFFSET || offset === SINK_OFFSET;
}

/** Where a region goes on after an instruction. */
export interface Continuation {
  /** Control goes to an offset in the page, or off it. */
  goTo(offset: number): void;
  /** Control goes to the address in `va`. */
  goToVa(): void;
}

export class RegionSite implements Site {
  readonly f: FunctionBody;
  readonly parts: RegionParts;
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  readonly #frame: RegionFrame;
  readonly #continuation: Continuation;
  #at!: RegionInstruction;
  /** Steps of the block after this instruction: counted already, and not made. */
  #after = 0;
  /** Of this block's float instructions so far: has one looked at FS, has one made it dirty? */
  #isFloatOn = false;
  #isFloatDirty = false;

  constructor(frame: RegionFrame, continuation: Continuation) {
    this.#frame = frame;
    this.#continuation = continuation;
    ({
      f: this.f,
      parts: this.parts,
      va: this.va,
      value: this.value,
      slot: this.slot,
      host: this.host,
    } = frame);
  }

  beginBlock(): void {
    this.#isFloatOn = false;
    this.#isFloatDirty = false;
  }

  moveTo(instruction: RegionInstruction, after: number): void {
    this.#at = instruction;
    this.#after = after;
  }

  operand(index: 0 | 1 | 2): I64 {
    const { rs1, rs2, rs3 } = this.#at;
    return this.#frame.registers.get([rs1, rs2, rs3][index] as number);
  }

  immediate(): I64 {
    return I64.const(this.#at.immediate);
  }

  number(): I32 {
    return I32.const(this.#at.immediate);
  }

  shortImmediate(): I64 {
    return I64.const(this.#at.rs1);
  }

  hasSource(): I32 {
    return I32.const(this.#at.rs1 === 0 ? 0 : 1);
  }

  writeRd(value: I64): void {
    this.#frame.registers.set(this.#at.rd, value);
  }

  pc(): I64 {
    return this.#pcAt(this.#at.offset);
  }

  returnAddress(): I64 {
    return this.#pcAt(this.#nextOffset);
  }

  dataContext(): I32 {
    return this.#frame.context.get;
  }

  requireFloat(isDirtied: boolean): void {
    if (!this.#isFloatOn) {
      this.f.ifUnlikely(word('mstatus').and(MSTATUS.FS).eqz(), () => this.illegal());
      this.#isFloatOn = true;
    }
    if (!isDirtied || this.#isFloatDirty) return;
    setWord(this.f, 'mstatus', word('mstatus').or(MSTATUS.FS));
    this.#isFloatDirty = true;
  }

  sync(): void {
    this.#setPlace();
    const { place, left } = this.#frame;
    this.f.call(this.parts.slowPaths.slowSync, place.get, left.get);
  }

  slowLoad(sizeBytes: number): I64 {
    this.#setPlace();
    const { va, place, left } = this.#frame;
    return callI64(this.parts.slowPaths.slowLoad, va.get, sizeBytes, place.get, left.get);
  }

  slowStore(sizeBytes: number, value: I64): void {
    this.#setPlace();
    const { va, place, left } = this.#frame;
    this.f.call(this.parts.slowPaths.slowStore, va.get, sizeBytes, value, place.get, left.get);
  }

  slowAtomic(sizeBytes: number, isLoad: boolean): I32 {
    this.#setPlace();
    const { va, place, left } = this.#frame;
    const args = [va.get, sizeBytes, isLoad ? 1 : 0, place.get, left.get];
    return callI32(this.parts.slowPaths.slowAtomic, ...args);
  }

  illegal(): void {
    this.sync();
    this.f.call(this.parts.illegal);
    this.f.br(this.#frame.exitSlow);
  }

  leaveIfTrapped(): void {
    this.f.brIf(control('trapped'), this.#frame.exitSlow);
  }

  next(): void {
    const { type } = this.#at.instruction.semantics;
    if (type === 'csr') this.#afterCsr();
  }

  nextAfterCall(): void {
    // Only a slow path asks for one, and has set the place.
    this.f.brIf(control('recheck'), this.#frame.exitSlow);
    this.next();
  }

  branch(taken: I32): void {
    const target = this.#at.offset + this.#at.immediate;
    this.f.if(taken, () => this.#continuation.goTo(target));
    this.#continuation.goTo(this.#nextOffset);
  }

  jump(): void {
    this.#continuation.goTo(this.#at.offset + this.#at.immediate);
  }

  jumpToVa(): void {
    this.#continuation.goToVa();
  }

  get #nextOffset(): number {
    return this.#at.offset + this.#at.sizeBytes;
  }

  #pcAt(offset: number): I64 {
    return this.#frame.base.get.add(offset);
  }

  #setPlace(): void {
    const { offset, sizeBytes } = this.#at;
    this.f.set(this.#frame.place, placeOf(offset, sizeBytes, this.#after));
  }

  /** A CSR may have changed the mode of data accesses, or what float instructions may do. */
  #afterCsr(): void {
    this.f.set(this.#frame.context, control('dataContext'));
    this.beginBlock();
  }
}
