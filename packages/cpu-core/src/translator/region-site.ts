/** The site of an instruction in a region: operands are constants and locals. */
import {
  callI32,
  type FunctionBody,
  I32,
  I64,
  type Label,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import { type Access, emitFastAccess, emitRememberedAccess } from '../emit/fast-access.ts';
import type { EngineParts, Site, SlowLoad } from '../emit/site.ts';
import { RM_DYNAMIC, RM_LAST } from '../emit/instructions.ts';
import { HART, REGION_EXIT, WORD } from '../hart/layout.ts';
import { MSTATUS } from '../hart/status.ts';
import type { LocalTransfers } from '../hart/transfers.ts';
import { control, setWord, word } from '../hart/words.ts';
import type { Width } from '../isa/instruction.ts';
import type { RegionInstruction } from './instructions.ts';
import type { RegionRegisters } from './region-registers.ts';
import type { RememberedPages } from './remembered-pages.ts';
import {
  accessKind,
  loadKind,
  packPlace,
  PASSING_OFFSET,
  type Place,
  type SlowPaths,
} from './slow-paths.ts';

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
  /** Why the region returns. */
  readonly reason: Local<'i32'>;
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  readonly labels: SiteLabels;
  readonly registers: RegionRegisters;
  readonly pages: RememberedPages;
  readonly transfers: LocalTransfers;
}

/** Ways out of a region for which pc and the budget stand in memory. */
export interface SiteLabels {
  /** For `reason`. */
  readonly exitSlow: Label;
  /** A trap was taken. */
  readonly exitTrapped: Label;
  /** The 4-byte instruction at pc is complete, and a check is asked for. */
  readonly exitCheck: Label;
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

  /** `after`: steps that are counted already and come after this one. */
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

  access(access: Omit<Access, 'va' | 'slot'>): void {
    const { f, va, slot } = this;
    const { context, pages } = this.#frame;
    const page = pages.find(this.#at);
    const whole = { va, slot, ...access };
    if (page === undefined) emitFastAccess(f, whole, context.get);
    else emitRememberedAccess(f, whole, context.get, page);
  }

  requireFloat(isDirtied: boolean): void {
    if (!this.#isFloatOn) {
      this.f.ifUnlikely(word('mstatus').and(MSTATUS.FS).eqz(), () => this.illegal());
      this.#isFloatOn = true;
    }
    if (isDirtied) this.dirtyFloat();
  }

  roundingMode(): I32 {
    const { f, host } = this;
    const rm = this.#at.immediate;
    if (rm <= RM_LAST) return I32.const(rm);
    f.set(host, rm === RM_DYNAMIC ? load.i32(0, WORD.frm) : I32.const(rm));
    f.ifUnlikely(host.get.gtU(RM_LAST), () => this.illegal());
    return host.get;
  }

  dirtyFloat(): void {
    if (this.#isFloatDirty) return;
    setWord(this.f, 'mstatus', word('mstatus').or(MSTATUS.FS));
    this.#isFloatDirty = true;
  }

  sync(): void {
    this.f.call(this.parts.slowPaths.slowSync, this.#place(), this.#frame.left.get);
  }

  slowLoad(kind: SlowLoad): void {
    const { f, va } = this;
    const { left, reason, registers, labels } = this.#frame;
    const { rd } = this.#at;
    const isPinned = registers.isPinned(rd);
    const place = this.#place({ rd: isPinned ? PASSING_OFFSET : rd, kind: loadKind(kind) });
    f.set(reason, callI32(this.parts.slowPaths.slowLoad, va.get, place, left.get));
    if (isPinned) {
      f.brIf(reason.get.eq(REGION_EXIT.trapped), labels.exitTrapped);
      registers.set(rd, load.i64(0, HART + PASSING_OFFSET));
    }
    f.brIf(reason.get, labels.exitSlow);
    if (!isPinned) registers.setFromMemory(rd);
    this.#frame.pages.emitForget();
  }

  slowStore(width: Width, value: I64): void {
    const { left, reason, labels } = this.#frame;
    const place = this.#place({ kind: accessKind(width) });
    const { slowStore } = this.parts.slowPaths;
    this.f.set(reason, callI32(slowStore, this.va.get, place, left.get, value));
    this.f.brIf(reason.get, labels.exitSlow);
    this.#frame.pages.emitForget();
  }

  slowAtomic(width: Width, isLoad: boolean): void {
    const { f, va, host } = this;
    const { left, labels } = this.#frame;
    const place = this.#place({ kind: accessKind(width, isLoad) });
    f.set(host, callI32(this.parts.slowPaths.slowAtomic, va.get, place, left.get));
    f.brIf(host.get.eqz(), labels.exitTrapped);
    this.#frame.pages.emitForget();
  }

  illegal(): void {
    this.sync();
    this.f.call(this.parts.illegal);
    this.f.br(this.#frame.labels.exitTrapped);
  }

  next(): void {
    const { type } = this.#at.instruction.semantics;
    if (type === 'csr') this.#afterCsr();
  }

  nextAfterCall(): void {
    const { exitCheck } = this.#frame.labels;
    if (this.#at.instruction.semantics.type === 'csr') {
      this.f.brIf(control('recheck'), exitCheck);
    } else {
      this.f.ifUnlikely(control('recheck'), () => {
        this.sync();
        this.f.br(exitCheck);
      });
    }
    this.next();
  }

  branch(taken: I32): void {
    const target = this.#at.offset + this.#at.immediate;
    this.f.if(taken, () => {
      this.#frame.transfers.count();
      this.#continuation.goTo(target);
    });
    this.#continuation.goTo(this.#nextOffset);
  }

  jump(): void {
    this.#frame.transfers.count();
    this.#continuation.goTo(this.#at.offset + this.#at.immediate);
  }

  jumpToVa(): void {
    this.#frame.transfers.count();
    this.#continuation.goToVa();
  }

  get #nextOffset(): number {
    return this.#at.offset + this.#at.sizeBytes;
  }

  #pcAt(offset: number): I64 {
    return this.#frame.base.get.add(offset);
  }

  #place(more: Pick<Place, 'rd' | 'kind'> = {}): number {
    const { offset, sizeBytes } = this.#at;
    return packPlace({ offset, sizeBytes, after: this.#after, ...more });
  }

  /** A CSR may have changed the mode of data accesses, or what float instructions may do. */
  #afterCsr(): void {
    this.f.set(this.#frame.context, control('dataContext'));
    this.#frame.pages.emitForget();
    this.beginBlock();
  }
}
