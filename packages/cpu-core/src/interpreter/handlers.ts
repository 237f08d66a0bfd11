/**
 * One handler an instruction, from its semantics: the table says what, this file says how on this
 * engine.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  I32,
  I64,
  load,
  type Operand,
} from '@casmotion/wasm-asm';
import {
  FAST_READ,
  FAST_WRITE,
  HART,
  RAM_BASE,
  SLOT,
  TLB_ENTRY_BYTES,
  WORD,
} from '../hart/layout.ts';
import { tlbIndex } from '../hart/mmu.ts';
import { MSTATUS, PRIVILEGE } from '../hart/status.ts';
import { hasWakeUp } from '../hart/trap.ts';
import { control, setWord, word } from '../hart/words.ts';
import type { Instruction, Semantics, SystemAction, Width } from '../isa/instruction.ts';
import { emitExit, emitSync, EXIT, type Frame, pcOf } from './frame.ts';
import { emitIllegal } from './pseudo-handlers.ts';

type Of<T extends Semantics['type']> = Extract<Semantics, { type: T }>;

export function emitInstruction(frame: Frame, instruction: Instruction): void {
  const { semantics } = instruction;
  switch (semantics.type) {
    case 'compute':
      return emitCompute(frame, semantics);
    case 'float':
      return emitFloat(frame, semantics);
    case 'load':
      return emitLoad(frame, semantics);
    case 'store':
      return emitStore(frame, semantics);
    case 'branch':
      return emitBranch(frame, semantics);
    case 'jal':
      return emitJal(frame);
    case 'jalr':
      return emitJalr(frame);
    case 'amo':
      return emitAmo(frame, semantics);
    case 'lr':
      return emitLr(frame, semantics.width);
    case 'sc':
      return emitSc(frame, semantics.width);
    case 'csr':
      return emitCsr(frame, semantics, instruction.format === 'csri');
    case 'system':
      return SYSTEM[semantics.action](frame);
  }
}

/** The register that a field of the slot names. */
function register({ entry }: Frame, field: number): I64 {
  return load.i64(load.i32U16(entry.get, field), HART);
}

function rs1(frame: Frame): I64 {
  return register(frame, SLOT.rs1);
}

function rs2(frame: Frame): I64 {
  return register(frame, SLOT.rs2);
}

function immediate({ entry }: Frame): I64 {
  return load.i64S32(entry.get, SLOT.imm);
}

function writeRd({ f, entry }: Frame, value: I64): void {
  f.storeI64(load.i32U16(entry.get, SLOT.rd), HART, value);
}

function emitAdvance({ f, entry }: Frame): void {
  f.set(entry, entry.get.add(load.i32U16(entry.get, SLOT.advance)));
}

/** On to the next instruction in sequence. */
function emitNext(frame: Frame): void {
  emitAdvance(frame);
  frame.f.br(frame.labels.next);
}

/** On to the next instruction, by way of `check`. */
function emitNextChecked(frame: Frame): void {
  emitAdvance(frame);
  setWord(frame.f, 'pc', pcOf(frame));
  frame.f.br(frame.labels.check);
}

/** The instruction in sequence, by way of `check` only if a function called asked for it. */
function emitNextAfterCall(frame: Frame): void {
  frame.f.if(control('recheck'), () => emitNextChecked(frame));
  emitNext(frame);
}

function emitCompute(frame: Frame, { rd, operands, compute }: Of<'compute'>): void {
  if (rd === 'f' || operands.includes('f')) emitFloatEnabled(frame, rd === 'f');
  const fields = [SLOT.rs1, SLOT.rs2, SLOT.rs3];
  const values = operands.map((operand, i) =>
    operand === 'imm'
      ? immediate(frame)
      : operand === 'pc'
        ? pcOf(frame)
        : register(frame, fields[i] as number),
  );
  const zero = I64.const(0);
  const [a = zero, b = zero, c = zero] = values;
  writeRd(frame, compute(frame.parts.ops, a, b, c));
  emitNext(frame);
}

/**
 * Illegal with FS off; a write to a float register or to fflags makes FS dirty. Priv. 1.12
 * §3.1.6.6.
 */
function emitFloatEnabled(frame: Frame, writes: boolean): void {
  const { f } = frame;
  f.if(word('mstatus').and(MSTATUS.FS).eqz(), () => emitIllegal(frame));
  if (writes) setWord(f, 'mstatus', word('mstatus').or(MSTATUS.FS));
}

const DYNAMIC = 7;
const LAST_ROUNDING_MODE = 4;

function emitFloat(frame: Frame, { operands, operation, rounds }: Of<'float'>): void {
  const { f, entry, host } = frame;
  emitFloatEnabled(frame, true);
  const ref = frame.parts.float[operation];
  const fields = [SLOT.rs1, SLOT.rs2, SLOT.rs3];
  const args: Operand[] = operands.map((_, i) => register(frame, fields[i] as number));
  if (rounds) {
    const mode = load.i32(entry.get, SLOT.imm);
    f.set(host, load.i32(0, WORD.frm).select(mode, mode.eq(DYNAMIC)));
    f.if(host.get.gtU(LAST_ROUNDING_MODE), () => emitIllegal(frame));
  }
  if (ref.params.length > args.length) args.push(host.get);
  writeRd(frame, callI64(ref, ...args));
  emitNext(frame);
}

/** Sets `va` and `slot`: rs1 + imm, and its entry in a table of the context of data accesses. */
function emitAddress(frame: Frame, address: I64): void {
  const { f, va, slot } = frame;
  f.set(va, address);
  f.set(slot, tlbIndex(va.get).mul(TLB_ENTRY_BYTES).add(control('dataContext')));
}

/** Does the fast entry vouch for the access? Page and alignment in one comparison. */
function isFast({ va, slot }: Frame, table: number, sizeBytes: number): I32 {
  return load.i64(slot.get, table).eq(va.get.and(-4096 | (sizeBytes - 1)));
}

function fastHost({ va, slot }: Frame, table: number): I32 {
  return va.get.toI32().add(load.i32(slot.get, table + 8));
}

function emitLoad(frame: Frame, semantics: Of<'load'>): void {
  const { f, parts, va, value, labels } = frame;
  const { rd, width, signed } = semantics;
  if (rd === 'f') emitFloatEnabled(frame, false);
  emitAddress(frame, rs1(frame).add(immediate(frame)));
  const finish = (loaded: I64) => {
    if (rd === 'f') setWord(f, 'mstatus', word('mstatus').or(MSTATUS.FS));
    // Unprivileged ISA §12.2: a single is boxed in ones.
    writeRd(frame, rd === 'f' && width === 32 ? loaded.or(BOX) : loaded);
  };
  f.if(isFast(frame, FAST_READ, width / 8), () => {
    finish(loadOf(width, signed, fastHost(frame, FAST_READ)));
    emitNext(frame);
  });
  emitSync(frame);
  f.set(value, callI64(parts.access.load, va.get, width / 8));
  f.brIf(control('trapped'), labels.trapped);
  finish(signed ? signExtend(width, value.get) : value.get);
  emitNextAfterCall(frame);
}

const BOX = 0xffff_ffff_0000_0000n;

function loadOf(width: Width, signed: boolean, host: I32): I64 {
  switch (width) {
    case 8:
      return signed ? load.i64S8(host) : load.i64U8(host);
    case 16:
      return signed ? load.i64S16(host) : load.i64U16(host);
    case 32:
      return signed ? load.i64S32(host) : load.i64U32(host);
    case 64:
      return load.i64(host);
  }
}

function signExtend(width: Width, value: I64): I64 {
  switch (width) {
    case 8:
      return value.extendS8();
    case 16:
      return value.extendS16();
    case 32:
      return value.extendS32();
    case 64:
      return value;
  }
}

function emitStore(frame: Frame, { source, width }: Of<'store'>): void {
  const { f, parts, va, labels } = frame;
  if (source === 'f') emitFloatEnabled(frame, false);
  emitAddress(frame, rs1(frame).add(immediate(frame)));
  f.if(isFast(frame, FAST_WRITE, width / 8), () => {
    storeOf(f, width, fastHost(frame, FAST_WRITE), rs2(frame));
    emitNext(frame);
  });
  emitSync(frame);
  f.call(parts.access.store, va.get, width / 8, rs2(frame));
  f.brIf(control('trapped'), labels.trapped);
  emitNextAfterCall(frame);
}

function storeOf(f: FunctionBody, width: Width, host: I32, value: I64): void {
  if (width === 8) f.storeI64As8(host, 0, value);
  else if (width === 16) f.storeI64As16(host, 0, value);
  else if (width === 32) f.storeI64As32(host, 0, value);
  else f.storeI64(host, 0, value);
}

function emitBranch(frame: Frame, { condition }: Of<'branch'>): void {
  const taken = condition(frame.parts.ops, rs1(frame), rs2(frame));
  frame.f.if(taken, () => emitJumpRelative(frame));
  emitNext(frame);
}

const PAGE_SLOTS_BYTES = 4096 * 8;

/**
 * The immediate counts in slots' bytes, 8 a byte of code: in the same page the target is `entry +
 * imm`.
 */
function emitJumpRelative(frame: Frame): void {
  const { f, entry, page, slot, pc, labels } = frame;
  const offset = () => load.i32(entry.get, SLOT.imm);
  f.set(slot, entry.get.add(offset()));
  f.if(slot.get.sub(page.get).ltU(PAGE_SLOTS_BYTES), () => {
    f.set(entry, slot.get);
    f.br(labels.next);
  });
  f.set(pc, pcOf(frame).add(offset().shrS(3).toI64S()));
  f.br(labels.enter);
}

/** pc of the next instruction in sequence. */
function returnAddress({ bias, entry }: Frame): I64 {
  const next = entry.get.add(load.i32U16(entry.get, SLOT.advance));
  return bias.get.add(next.shrU(3).toI64U());
}

function emitJal(frame: Frame): void {
  writeRd(frame, returnAddress(frame));
  emitJumpRelative(frame);
}

function emitJalr(frame: Frame): void {
  const { f, va, value, bias, page, entry, pc, labels } = frame;
  f.set(va, rs1(frame).add(immediate(frame)).and(-2));
  writeRd(frame, returnAddress(frame));
  const pageAddress = bias.get.add(page.get.shrU(3).toI64U());
  f.set(value, va.get.sub(pageAddress));
  f.if(value.get.ltU(4096), () => {
    f.set(entry, page.get.add(value.get.toI32().shl(3)));
    f.br(labels.next);
  });
  f.set(pc, va.get);
  f.br(labels.enter);
}

/** Sets `host` to where an atomic access at rs1 goes, or leaves by a trap. */
function emitAtomicHost(frame: Frame, width: 32 | 64, isLoad: boolean): void {
  const { f, parts, va, host, labels } = frame;
  const table = isLoad ? FAST_READ : FAST_WRITE;
  emitAddress(frame, rs1(frame));
  f.if(
    isFast(frame, table, width / 8),
    () => f.set(host, fastHost(frame, table)),
    () => {
      emitSync(frame);
      f.set(host, callI32(parts.access.atomic, va.get, width / 8, isLoad ? 1 : 0));
      f.brIf(control('trapped'), labels.trapped);
    },
  );
}

/** An operand of a word-sized atomic is its low half, sign-extended. */
function atomicSource(frame: Frame, width: 32 | 64): I64 {
  return width === 32 ? rs2(frame).extendS32() : rs2(frame);
}

function emitAmo(frame: Frame, { width, compute }: Of<'amo'>): void {
  const { f, host, value, parts } = frame;
  emitAtomicHost(frame, width, false);
  f.set(value, loadOf(width, true, host.get));
  const zero = I64.const(0);
  const result = compute(parts.ops, value.get, atomicSource(frame, width), zero);
  storeOf(f, width, host.get, result);
  writeRd(frame, value.get);
  emitNext(frame);
}

/** The reservation is the physical address. Unprivileged ISA §8.2. */
function physicalOf({ host, parts }: Frame): I64 {
  return host.get.sub(parts.ram).toI64U().add(RAM_BASE);
}

function emitLr(frame: Frame, width: 32 | 64): void {
  const { f, host } = frame;
  emitAtomicHost(frame, width, true);
  setWord(f, 'reservation', physicalOf(frame));
  writeRd(frame, loadOf(width, true, host.get));
  emitNext(frame);
}

function emitSc(frame: Frame, width: 32 | 64): void {
  const { f, host, value } = frame;
  emitAtomicHost(frame, width, false);
  f.set(value, I64.const(1));
  f.if(word('reservation').eq(physicalOf(frame)), () => {
    storeOf(f, width, host.get, rs2(frame));
    f.set(value, I64.const(0));
  });
  setWord(f, 'reservation', -1);
  writeRd(frame, value.get);
  emitNext(frame);
}

function emitCsr(frame: Frame, semantics: Of<'csr'>, isImmediate: boolean): void {
  const { f, parts, entry, va, value, host } = frame;
  const { csrs, ops } = parts;
  const number = () => load.i32(entry.get, SLOT.imm);
  const sourceField = load.i32U16(entry.get, isImmediate ? SLOT.rs2 : SLOT.rs1);
  emitSync(frame);
  // The field is 0 for x0 (its offset) and for a zero immediate.
  f.set(host, semantics.writes === 'always' ? I32.const(1) : sourceField.ne(0));
  f.if(callI32(csrs.allowed, number(), host.get).eqz(), () => emitIllegal(frame));
  f.set(va, isImmediate ? sourceField.toI64U() : rs1(frame));
  f.set(value, callI64(csrs.read, number()));
  f.if(host.get, () => {
    const isModify = semantics.writes === 'unless-zero';
    const old = isModify ? callI64(csrs.readToModify, number()) : value.get;
    f.call(csrs.write, number(), semantics.compute(ops, old, va.get, I64.const(0)));
  });
  writeRd(frame, value.get);
  emitNextAfterCall(frame);
}

/** Illegal in user mode, and in supervisor mode where a bit of mstatus says so. */
function emitPrivilegeCheck(frame: Frame, trapBit: number): void {
  const isTrapped = word('mstatus').and(trapBit).ne(0);
  const inSupervisor = word('privilege').eq(PRIVILEGE.supervisor);
  const isUser = word('privilege').eqz();
  frame.f.if(isUser.or(inSupervisor.and(isTrapped)), () => emitIllegal(frame));
}

const ECALL_FROM_USER = 8;
const BREAKPOINT = 3;

const SYSTEM: Readonly<Record<SystemAction, (frame: Frame) => void>> = {
  ecall: (frame) => {
    const { f, parts, labels } = frame;
    emitSync(frame);
    const inSupervisor = word('privilege').eq(PRIVILEGE.supervisor);
    f.if(control('builtInSbi').and(inSupervisor), () => {
      emitAdvance(frame);
      setWord(f, 'pc', pcOf(frame));
      emitExit(frame, EXIT.sbi);
    });
    f.call(parts.traps.raise, word('privilege').add(ECALL_FROM_USER), 0);
    f.br(labels.trapped);
  },
  ebreak: (frame) => {
    const { f, parts, labels } = frame;
    emitSync(frame);
    f.call(parts.traps.raise, BREAKPOINT, word('pc'));
    f.br(labels.trapped);
  },
  mret: (frame) => {
    const { f, parts, labels } = frame;
    f.if(word('privilege').ne(PRIVILEGE.machine), () => emitIllegal(frame));
    f.call(parts.traps.mret);
    f.br(labels.check);
  },
  sret: (frame) => {
    const { f, parts, labels } = frame;
    emitPrivilegeCheck(frame, MSTATUS.TSR);
    f.call(parts.traps.sret);
    f.br(labels.check);
  },
  // Priv. 1.12 §3.3.3: with TW set a WFI below M may trap at once, and does; in U-mode always.
  wfi: (frame) => {
    const { f } = frame;
    f.if(word('privilege').ne(PRIVILEGE.machine), () => emitPrivilegeCheck(frame, MSTATUS.TW));
    f.if(hasWakeUp(), () => emitNext(frame));
    emitAdvance(frame);
    setWord(f, 'pc', pcOf(frame));
    emitExit(frame, EXIT.wfi);
  },
  'sfence.vma': (frame) => {
    const { f, entry, parts } = frame;
    emitPrivilegeCheck(frame, MSTATUS.TVM);
    const isNotX0 = (field: number) => load.i32U16(entry.get, field).ne(0);
    f.call(parts.mmu.fence, rs1(frame), rs2(frame), isNotX0(SLOT.rs1), isNotX0(SLOT.rs2));
    emitNextChecked(frame);
  },
  // One hart, one order: every access is seen at once.
  fence: (frame) => emitNext(frame),
  'fence.i': (frame) => emitNext(frame),
};
