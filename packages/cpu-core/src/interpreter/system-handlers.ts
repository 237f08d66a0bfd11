/**
 * Environment calls, returns from traps, waiting and fences: what leaves the stream of
 * instructions.
 */
import { load } from '@casmotion/wasm-asm';
import { HART, SLOT } from '../hart/layout.ts';
import { MSTATUS, PRIVILEGE } from '../hart/status.ts';
import { hasWakeUp } from '../hart/trap.ts';
import { control, setWord, word } from '../hart/words.ts';
import type { SystemAction } from '../isa/instruction.ts';
import {
  emitAdvance,
  emitExit,
  emitIllegal,
  emitNext,
  emitNextChecked,
  emitSync,
  EXIT,
  type Frame,
  pcOf,
} from './frame.ts';

/** Illegal in user mode, and in supervisor mode where a bit of mstatus says so. */
function emitPrivilegeCheck(frame: Frame, trapBit: number): void {
  const isTrapped = word('mstatus').and(trapBit).ne(0);
  const inSupervisor = word('privilege').eq(PRIVILEGE.supervisor);
  const isUser = word('privilege').eqz();
  frame.f.if(isUser.or(inSupervisor.and(isTrapped)), () => emitIllegal(frame));
}

const ECALL_FROM_USER = 8;
const BREAKPOINT = 3;

export const SYSTEM: Readonly<Record<SystemAction, (frame: Frame) => void>> = {
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
    const register = (field: number) => load.i64(load.i32U16(entry.get, field), HART);
    const [va, asid] = [register(SLOT.rs1), register(SLOT.rs2)];
    f.call(parts.mmu.fence, va, asid, isNotX0(SLOT.rs1), isNotX0(SLOT.rs2));
    emitNextChecked(frame);
  },
  // One hart, one order: every access is seen at once.
  fence: (frame) => emitNext(frame),
  'fence.i': (frame) => emitNext(frame),
};
