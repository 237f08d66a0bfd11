/**
 * What the parts of the interpreter share while its function is being written, and the site of an
 * instruction in it: operands come from the decoded slot at `entry`.
 */
import type { FunctionBody, FunctionRef, I32, I64, Label, Local } from '@casmotion/wasm-asm';
import { callI32, callI64, load } from '@casmotion/wasm-asm';
import { type Access, emitFastAccess } from '../emit/fast-access.ts';
import { loadedValue, RM_DYNAMIC, RM_LAST } from '../emit/instructions.ts';
import type { EngineParts, Site, SlowLoad } from '../emit/site.ts';
import type { AccessFunctions } from '../hart/memory-access.ts';
import { HART, SLOT, WORD } from '../hart/layout.ts';
import type { Probes } from '../inspect/probes.ts';
import type { MmuFunctions } from '../hart/mmu.ts';
import { MSTATUS } from '../hart/status.ts';
import type { TrapFunctions } from '../hart/trap.ts';
import type { Width } from '../isa/instruction.ts';
import { control, setControl, setWord, word } from '../hart/words.ts';

/** What `run` returns; the order is that of `CoreExit`. */
export const EXIT = { budget: 0, wfi: 1, sbi: 2, attention: 3, watch: 4 } as const;

export interface InterpreterParts extends EngineParts {
  readonly traps: TrapFunctions;
  readonly access: AccessFunctions;
  readonly mmu: MmuFunctions;
  /** () -> i32: host address of the page of the current fetch translation. */
  readonly fetchHost: FunctionRef;
  /** Imports: (slot, decoded page) and (slot, decoded page, word). */
  readonly decode: FunctionRef;
  readonly decodeStraddle: FunctionRef;
  readonly probes: Probes;
  /** The way into translated regions; absent where the interpreter is alone. */
  readonly regions: RegionParts | undefined;
  /** Stops also where `isAtWatch` holds. */
  readonly isWatching: boolean;
}

export interface RegionParts {
  /** Import: (slot, decoded page): the slot is hot. */
  readonly translate: FunctionRef;
  /** Import, if the host wants it: (left): control has left a region. */
  readonly tell: FunctionRef | undefined;
  /** Added to a slot's address / 4: the address of its cell. */
  readonly cellBias: number;
  /** Jumps to a slot that make it hot. */
  readonly hotJumps: number;
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
  /** 1: the next slot is interpreted even if a region begins there. */
  readonly isHeld: Local<'i32'>;
  /** Where the host wants to know: 1 if control has left a region. */
  readonly hasLeft: Local<'i32'>;
  /**
   * Watching only; 1: no step was made yet, and a step comes first or an interrupt was taken: that
   * is then no place between two steps where a run could have been cut, so none to stop at.
   */
  readonly isFresh: Local<'i32'>;
  /** Scratch of one handler. */
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  readonly labels: {
    readonly enter: Label;
    /** `entry` was jumped to: its region, if it has one, else as `next`. */
    readonly jumped: Label;
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

export function emitAdvance({ f, entry }: Frame): void {
  f.set(entry, entry.get.add(load.i32U16(entry.get, SLOT.advance)));
}

/** On to the next instruction in sequence. */
export function emitNext(frame: Frame): void {
  emitAdvance(frame);
  frame.f.br(frame.labels.next);
}

/** On to the next instruction, by way of `check`. */
export function emitNextChecked(frame: Frame): void {
  emitAdvance(frame);
  setWord(frame.f, 'pc', pcOf(frame));
  frame.f.br(frame.labels.check);
}

export function emitIllegal(frame: Frame): void {
  emitSync(frame);
  frame.f.call(frame.parts.illegal);
  frame.f.br(frame.labels.trapped);
}

const PAGE_SLOTS_BYTES = 4096 * 8;
const OPERAND_FIELDS = [SLOT.rs1, SLOT.rs2, SLOT.rs3] as const;

/** The site of the instruction in the slot at `entry`. */
export class SlotSite implements Site {
  readonly f: FunctionBody;
  readonly parts: InterpreterParts;
  readonly va: Local<'i64'>;
  readonly value: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly host: Local<'i32'>;
  readonly #frame: Frame;

  constructor(frame: Frame) {
    this.#frame = frame;
    ({
      f: this.f,
      parts: this.parts,
      va: this.va,
      value: this.value,
      slot: this.slot,
      host: this.host,
    } = frame);
  }

  operand(index: 0 | 1 | 2): I64 {
    return load.i64(load.i32U16(this.#frame.entry.get, OPERAND_FIELDS[index]), HART);
  }

  immediate(): I64 {
    return load.i64S32(this.#frame.entry.get, SLOT.imm);
  }

  number(): I32 {
    return load.i32(this.#frame.entry.get, SLOT.imm);
  }

  shortImmediate(): I64 {
    return load.i32U16(this.#frame.entry.get, SLOT.rs1).toI64U();
  }

  hasSource(): I32 {
    return load.i32U16(this.#frame.entry.get, SLOT.rs1).ne(0);
  }

  writeRd(value: I64): void {
    this.f.storeI64(load.i32U16(this.#frame.entry.get, SLOT.rd), HART, value);
  }

  pc(): I64 {
    return pcOf(this.#frame);
  }

  returnAddress(): I64 {
    const { bias, entry } = this.#frame;
    const next = entry.get.add(load.i32U16(entry.get, SLOT.advance));
    return bias.get.add(next.shrU(3).toI64U());
  }

  access(access: Omit<Access, 'va' | 'slot'>): void {
    const { f, va, slot } = this;
    emitFastAccess(f, { va, slot, ...access }, control('dataContext'));
  }

  requireFloat(isDirtied: boolean): void {
    this.f.if(word('mstatus').and(MSTATUS.FS).eqz(), () => this.illegal());
    if (isDirtied) this.dirtyFloat();
  }

  roundingMode(): I32 {
    const { f, host } = this;
    f.set(host, load.i32(0, WORD.frm).select(this.number(), this.number().eq(RM_DYNAMIC)));
    f.if(host.get.gtU(RM_LAST), () => this.illegal());
    return host.get;
  }

  dirtyFloat(): void {
    setWord(this.f, 'mstatus', word('mstatus').or(MSTATUS.FS));
  }

  sync(): void {
    emitSync(this.#frame);
  }

  slowLoad(load: SlowLoad): void {
    const { f, value, va } = this;
    const { access } = this.#frame.parts;
    this.sync();
    f.set(value, callI64(access.load, va.get, load.width / 8));
    this.#leaveIfTrapped();
    this.writeRd(loadedValue(load, value.get));
    f.if(control('recheck'), () => {
      if (load.rd === 'f') this.dirtyFloat();
      emitNextChecked(this.#frame);
    });
  }

  slowStore(width: Width, value: I64): void {
    this.sync();
    this.f.call(this.#frame.parts.access.store, this.va.get, width / 8, value);
    this.#leaveIfTrapped();
    this.f.if(control('recheck'), () => emitNextChecked(this.#frame));
  }

  slowAtomic(width: Width, isLoad: boolean): void {
    const { f, host, va } = this;
    const { access } = this.#frame.parts;
    this.sync();
    f.set(host, callI32(access.atomic, va.get, width / 8, isLoad ? 1 : 0));
    this.#leaveIfTrapped();
  }

  illegal(): void {
    emitIllegal(this.#frame);
  }

  #leaveIfTrapped(): void {
    this.f.brIf(control('trapped'), this.#frame.labels.trapped);
  }

  next(): void {
    emitNext(this.#frame);
  }

  nextAfterCall(): void {
    this.f.if(control('recheck'), () => emitNextChecked(this.#frame));
    emitNext(this.#frame);
  }

  branch(taken: I32): void {
    this.f.if(taken, () => this.jump());
    this.next();
  }

  /**
   * The immediate counts in slots' bytes, 8 a byte of code: in the same page the target is `entry +
   * imm`.
   */
  jump(): void {
    this.parts.transfers.count(this.f);
    const { f, entry, page, slot, pc, labels } = this.#frame;
    const offset = () => load.i32(entry.get, SLOT.imm);
    f.set(slot, entry.get.add(offset()));
    f.if(slot.get.sub(page.get).ltU(PAGE_SLOTS_BYTES), () => {
      f.set(entry, slot.get);
      f.br(labels.jumped);
    });
    f.set(pc, pcOf(this.#frame).add(offset().shrS(3).toI64S()));
    f.br(labels.enter);
  }

  jumpToVa(): void {
    this.parts.transfers.count(this.f);
    const { f, va, value, bias, page, entry, pc, labels } = this.#frame;
    const pageAddress = bias.get.add(page.get.shrU(3).toI64U());
    f.set(value, va.get.sub(pageAddress));
    f.if(value.get.ltU(4096), () => {
      f.set(entry, page.get.add(value.get.toI32().shl(3)));
      f.br(labels.jumped);
    });
    f.set(pc, va.get);
    f.br(labels.enter);
  }
}
