/**
 * Handlers of slots that hold no decoded instruction: not decoded yet, past the page's end,
 * straddling, illegal.
 */
import { callI32, load } from '@casmotion/wasm-asm';
import { PSEUDO } from '../hart/code-pages.ts';
import { SLOT, SLOT_BYTES, SLOTS_PER_PAGE } from '../hart/layout.ts';
import { control } from '../hart/words.ts';
import { emitIllegal, emitSync, type Frame, pcOf } from './frame.ts';

/**
 * The second sentinel remembers the last straddling instruction: its word in `imm`, its handler in
 * `rs2`.
 */
export const STRADDLE_MEMO_OFFSET = (SLOTS_PER_PAGE + 1) * SLOT_BYTES;

export function emitPseudo(frame: Frame, handler: number): void {
  if (handler === PSEUDO.decode) emitDecode(frame);
  else if (handler === PSEUDO.sentinel) emitSentinel(frame);
  else if (handler === PSEUDO.straddle) emitStraddle(frame);
  else emitIllegal(frame);
}

/** Decodes the slot and executes it: the step is counted already. */
function emitDecode({ f, parts, entry, page, op, labels }: Frame): void {
  f.call(parts.decode, entry.get, page.get);
  f.set(op, load.i32U16(entry.get, SLOT.handler));
  f.br(labels.dispatch);
}

/** Control ran off the page: give the step back and enter the next one. */
function emitSentinel(frame: Frame): void {
  const { f, left, pc, labels } = frame;
  f.set(left, left.get.add(1));
  f.set(pc, pcOf(frame));
  f.br(labels.enter);
}

/**
 * A 32-bit instruction in the last halfword: its second half is looked up each time it executes.
 */
function emitStraddle(frame: Frame): void {
  const { f, parts, host, slot, page, op, entry, labels } = frame;
  emitSync(frame);
  f.set(host, callI32(parts.access.fetchHalf, pcOf(frame).add(2)));
  f.brIf(control('trapped'), labels.trapped);
  const low = load.i32U16(callI32(parts.fetchHost).add(0xffe));
  f.set(host, low.or(load.i32U16(host.get).shl(16)));
  f.set(slot, page.get.add(STRADDLE_MEMO_OFFSET));
  const isKnown = load.i32(slot.get, SLOT.imm).eq(host.get);
  f.if(isKnown.and(load.i32U16(slot.get, SLOT.rs2).ne(0)).eqz(), () => {
    f.call(parts.decodeStraddle, entry.get, slot.get, host.get);
  });
  f.set(op, load.i32U16(slot.get, SLOT.rs2));
  f.br(labels.dispatch);
}
