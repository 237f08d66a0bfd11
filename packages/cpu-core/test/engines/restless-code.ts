/**
 * Pages of code for the restless program: functions at fixed places of a page, so that any page may
 * stand in for any other, and all of them patch themselves, each other and the tables that map
 * them. Test support.
 *
 * A page has 8 functions of 512 bytes:
 *   0 to 3   leaves; 0 begins after the second half of the instruction that the page before ends in
 *   4, 5     call leaves of this page and of its neighbours
 *   6        ecall
 *   7        runs over the end of the page, by an instruction that straddles it, into 0
 */
import type { Prng } from '@casmotion/base';
import type { CoreInterface } from '../../src/core-interface.ts';
import { PTE } from '../../src/hart/status.ts';
import { encode } from '../../src/isa/encode.ts';
import { instructions } from '../../src/isa/table.ts';
import { CSR, EVENTFUL } from '../slicing/eventful-program.ts';
import { Assembler, X } from '../support/assembler.ts';
import { RAM_START } from '../support/make-core.ts';
import { randomOperands } from '../support/random-operands.ts';
import { pick } from '../support/random-values.ts';

export const PAGE = 4096;
export const SLOT_BYTES = 512;
export const SLOT = { leaves: 4, callers: [4, 5], ecall: 6, straddler: 7, count: 8 } as const;
/** Physical pages of code, and where two address spaces map them at will. */
export const CODE = {
  physical: 0x8003_0000,
  pages: 8,
  virtual: 0x4020_0000,
  mapped: 6,
  /** The same pages once more, 1024 pages on: in the same entries of the TLB. */
  alias: 0x4060_0000,
} as const;
export const CODE_LEAVES = [0x8001_6000, 0x8001_7000] as const;
export const ROOTS = [0x8001_0000, 0x8001_3000] as const;

const { DATA_VIRTUAL, DATA_PAGES } = EVENTFUL;
const { t0, t1, t2, s0, s2, s4, a0, a1, a2, a3, a4, a5, a6, ra, gp } = X;
const SCRATCH = [t0, t1, t2, a1, a2, a3, a4, s2] as const;

/** Offsets in a function: words that are patched, and what stands in their place at first. */
export const PATCH = { first: 4, toggle: 8, last: SLOT_BYTES - 24 } as const;
const BODY_END = SLOT_BYTES - 120;
/** Lower half of the instruction at a page's end, and its place. */
const STRADDLE_AT = PAGE - 2;

/** Where a function is called, in its page. */
export function entryOf(slot: number): number {
  return slot * SLOT_BYTES + (slot === 0 ? 2 : 0);
}

/** What operations need to know about where they are. */
export interface Place {
  readonly a: Assembler;
  readonly prng: Prng;
  /** Start of the page; its addresses are those at which it will run. */
  readonly page: number;
  readonly slot: number;
  /** The mapped page that is called and changed just now, by number. */
  readonly focus?: number;
}

/** A page full of functions. */
export function assembleCodePage(prng: Prng): Uint8Array {
  const a = new Assembler(CODE.virtual);
  for (let slot = 0; slot < SLOT.count; slot++) emitFunction({ a, prng, page: a.base, slot });
  return a.toBytes();
}

function emitFunction(place: Place): void {
  const { a, prng, page, slot } = place;
  const start = page + slot * SLOT_BYTES;
  a.padTo(start);
  const isCaller = slot === 4 || slot === 5;
  const straddling = drawPatch(prng);
  if (slot === 0) a.half(straddling >>> 16).half(C_NOP);
  else a.op('addi', { rd: isCaller ? gp : a1, rs1: isCaller ? ra : s2 });
  a.word(drawPatch(prng)).word(prng.chance(2) ? NOP : JUMP_8);
  a.op('addi', { rd: s2, rs1: s2, imm: 1 + prng.below(99) });
  if (slot === SLOT.ecall) a.op('ecall');
  else {
    const count = prng.below(6);
    for (let i = 0; i < count && a.here < start + BODY_END; i++) {
      if (isCaller && i < 2) emitCall(place);
      else pick(prng, OPERATIONS)(place);
    }
  }
  // The rest of the body is skipped, or runs through short nops.
  if (prng.chance(2)) a.op('jal', { imm: start + PATCH.last - a.here });
  while (a.here < start + PATCH.last) a.half(C_NOP);
  a.word(drawPatch(prng));
  if (slot === SLOT.straddler) {
    while (a.here < page + STRADDLE_AT) a.half(C_NOP);
    a.half(straddling & 0xffff);
  } else a.op('jalr', { rs1: isCaller ? gp : ra });
}

const NOP = encode('addi', {});
const JUMP_8 = encode('jal', { imm: 8 });
const C_NOP = 1;
const PATCHES = ['addi', 'xori', 'addiw'] as const;

/** An instruction that changes s2, alike but for its upper half, whatever is patched. */
export function drawPatch(prng: Prng): number {
  return encode(pick(prng, PATCHES), { rd: s2, rs1: s2, imm: prng.below(2048) });
}

type Operation = (place: Place) => void;

const rows = instructions.filter(({ semantics: { type } }) => type === 'compute');
const floatRows = instructions.filter(({ semantics: { type } }) => type === 'float');

function emitCompute({ a, prng }: Place): void {
  const row = pick(prng, rows);
  const operands = { ...randomOperands(prng, row), rd: pick(prng, SCRATCH) };
  if (prng.chance(2)) a.short(row.name, operands);
  else a.op(row.name, operands);
  a.op('add', { rd: s2, rs1: s2, rs2: pick(prng, SCRATCH) });
}

function emitFloat({ a, prng }: Place): void {
  const row = pick(prng, floatRows);
  const isToX = 'rd' in row.semantics && row.semantics.rd === 'x';
  const rd = isToX ? pick(prng, SCRATCH) : prng.below(32);
  a.op(row.name, { ...randomOperands(prng, row), rd });
}

/** FS off, a float instruction that traps or not, FS on again. */
function emitFloatOff(place: Place): void {
  const { a, prng } = place;
  a.li(t0, 0x6000).op('csrrc', { rs1: t0, csr: SSTATUS });
  if (prng.chance(2)) emitFloat(place);
  else a.op('fld', { rd: 1, rs1: s4, imm: 16 });
  a.li(t0, 0x6000).op('csrrs', { rs1: t0, csr: SSTATUS });
}

const LOADS = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld', 'flw', 'fld'] as const;
const STORES = ['sb', 'sh', 'sw', 'sd', 'fsw', 'fsd'] as const;

/** At any place of the data pages, misaligned and across pages too. */
function emitAccess({ a, prng }: Place): void {
  const page = prng.below(DATA_PAGES);
  const offset = prng.chance(3) ? PAGE - prng.below(8) : prng.below(PAGE);
  const imm = prng.below(64) - 32;
  a.li(t1, DATA_VIRTUAL + page * PAGE + offset - imm);
  const name = pick(prng, prng.chance(2) ? LOADS : STORES);
  const isStore = (STORES as readonly string[]).includes(name);
  a.op(name, { ...(isStore ? { rs2: s2 } : { rd: t2 }), rs1: t1, imm });
  a.op('add', { rd: s2, rs1: s2, rs2: t2 });
}

function emitAtomic({ a, prng }: Place): void {
  a.op('addi', { rd: t1, rs1: s4, imm: prng.below(200) * 8 });
  const suffix = pick(prng, ['.w', '.d']);
  if (prng.chance(2)) {
    const name = pick(prng, ['amoadd', 'amoswap', 'amoxor', 'amomaxu']);
    a.op(name + suffix, { rd: t2, rs1: t1, rs2: s2 });
  } else {
    a.op(`lr${suffix}`, { rd: t2, rs1: t1 });
    if (prng.chance(2)) a.op('addi', { rd: t2, rs1: t2, imm: 1 });
    a.op(`sc${suffix}`, { rd: t0, rs1: t1, rs2: t2 }).op('add', { rd: s2, rs1: s2, rs2: t0 });
  }
}

function emitCounter({ a, prng }: Place): void {
  const csr = pick(prng, [CSR.cycle, CSR.time, CSR.instret, SSTATUS, 0x001, 0x003, CSR.sip]);
  a.op('csrrs', { rd: t0, csr }).op('add', { rd: s2, rs1: s2, rs2: t0 });
}

let loops = 0;

/** A loop of simple operations: what regions are best at. */
function emitLoop(place: Place): void {
  const { a, prng } = place;
  const label = `loop-${(loops += 1)}`;
  a.li(a0, 2 + prng.below(4)).label(label);
  for (let i = 1 + prng.below(3); i > 0; i--) pick(prng, SIMPLE)(place);
  a.op('addi', { rd: a0, rs1: a0, imm: -1 }).to('bne', { rs1: a0 }, label);
}

/** Arms the timer of the device, reads it, faults at half, asks to return, has RAM written. */
function emitDevice({ a, prng }: Place): void {
  const kind = prng.below(6);
  if (kind === 0) a.li(t0, 3 + prng.below(60)).op('sw', { rs1: s0, rs2: t0 });
  else if (kind === 1) a.op('lw', { rd: s2, rs1: s0, imm: 8 });
  else if (kind === 2) a.op('sd', { rs1: s0, rs2: s2, imm: 16 });
  else if (kind === 3) a.op('sw', { rs1: s0, imm: 24 });
  else if (kind === 4) a.op('lw', { rd: t2, rs1: s0 }).op('amoadd.w', { rd: t2, rs1: s0, rs2: t2 });
  else {
    a.li(t0, drawPatchAddress(prng) - 0x8000_0000).op('sw', { rs1: s0, rs2: t0, imm: 36 });
    a.li(t0, drawPatch(prng)).op('sw', { rs1: s0, rs2: t0, imm: 32 });
  }
}

/** Guest-physical address of a word that is patched, in any page of code. */
export function drawPatchAddress(prng: Prng): number {
  const at = prng.below(CODE.pages) * PAGE + prng.below(SLOT.count) * SLOT_BYTES;
  return CODE.physical + at + pick(prng, [PATCH.first, PATCH.last]);
}

/** Of the word that is patched at the end of the function that executes, if one does. */
export function patchAddressNear({ hart, ram }: CoreInterface): number | undefined {
  const pc = Number(hart.pc);
  const page = Math.floor(pc / PAGE);
  const tables = new DataView(ram.buffer, ram.byteOffset);
  const space = Number(hart.getCsr(CSR.satp)) % 4 === 0 ? 0 : 1;
  const leafAt = CODE_LEAVES[space] + (page - CODE.virtual / PAGE) * 8;
  const isMapped = page >= CODE.virtual / PAGE && page < CODE.virtual / PAGE + CODE.mapped;
  const physical = isMapped
    ? Number(tables.getBigUint64(leafAt - RAM_START, true) >> 10n)
    : page;
  const index = physical - CODE.physical / PAGE;
  if (index < 0 || index >= CODE.pages) return undefined;
  const slot = Math.floor((pc % PAGE) / SLOT_BYTES);
  return CODE.physical + index * PAGE + slot * SLOT_BYTES + PATCH.last;
}

/**
 * t0 := address of a function's start: of this one, of another of this page, or of any page, as
 * mapped or by its physical address.
 */
function emitVictim({ a, prng, page, slot }: Place): void {
  const kind = prng.below(4);
  if (kind < 2) {
    const victim = kind === 0 ? slot : prng.below(SLOT.count);
    const offset = page + victim * SLOT_BYTES - a.here;
    a.op('auipc', { rd: t0 }).op('addi', { rd: t0, rs1: t0, imm: clamp(offset) });
    return;
  }
  const at = prng.below(CODE.pages) * PAGE + prng.below(SLOT.count) * SLOT_BYTES;
  a.li(t0, kind === 2 ? CODE.physical + at : CODE.virtual + at);
}

/** As far as `addi` reaches, to the start of a function. */
function clamp(offset: number): number {
  if (offset < -2048) return offset + Math.ceil((-2048 - offset) / SLOT_BYTES) * SLOT_BYTES;
  return offset > 2047 ? offset - Math.ceil((offset - 2047) / SLOT_BYTES) * SLOT_BYTES : offset;
}

/** Stores to code: a word that depends on s2, a half, a byte, eight bytes, a toggled jump. */
function emitPatch(place: Place): void {
  const { a, prng } = place;
  emitVictim(place);
  const imm = pick(prng, [PATCH.first, PATCH.last]);
  const kind = prng.below(5);
  if (kind === 0) {
    a.op('slli', { rd: t1, rs1: s2, imm: 20 }).op('slli', { rd: t1, rs1: t1, imm: 1 });
    a.op('srli', { rd: t1, rs1: t1, imm: 1 });
    a.li(t2, drawPatch(prng) & 0xf_ffff).op('or', { rd: t1, rs1: t1, rs2: t2 });
    a.op('sw', { rs1: t0, rs2: t1, imm });
  } else if (kind === 1) {
    // The upper half holds the immediate and a part of rs1.
    a.op('andi', { rd: t1, rs1: s2, imm: 2047 }).op('slli', { rd: t1, rs1: t1, imm: 4 });
    a.op('ori', { rd: t1, rs1: t1, imm: s2 >>> 1 }).op('sh', { rs1: t0, rs2: t1, imm: imm + 2 });
  } else if (kind === 2) {
    a.op('andi', { rd: t1, rs1: s2, imm: 127 }).op('sb', { rs1: t0, rs2: t1, imm: imm + 3 });
  } else if (kind === 3) {
    a.op('ld', { rd: t1, rs1: t0, imm }).li(t2, prng.below(1024) << 21);
    a.op('xor', { rd: t1, rs1: t1, rs2: t2 }).op('sd', { rs1: t0, rs2: t1, imm });
  } else {
    a.op('lw', { rd: t1, rs1: t0, imm: PATCH.toggle }).li(t2, NOP ^ JUMP_8);
    a.op('xor', { rd: t1, rs1: t1, rs2: t2 });
    a.op('sw', { rs1: t0, rs2: t1, imm: PATCH.toggle });
  }
  if (prng.chance(4)) a.op('fence.i');
}

/** In a loop, an instruction just ahead of the store, or at the loop's head, gets a new operand. */
function emitPatchNear(place: Place): void {
  const { a, prng } = place;
  const [head, patched] = [`loop-${(loops += 1)}`, `patched-${loops}`];
  const isAhead = prng.chance(2);
  const emitPatched = () => a.label(patched).word(drawPatch(prng));
  a.li(a0, 2 + prng.below(4)).label(head);
  if (!isAhead) emitPatched();
  a.la(t0, patched).op('andi', { rd: t1, rs1: s2, imm: 127 });
  a.op('sb', { rs1: t0, rs2: t1, imm: 3 });
  if (prng.chance(4)) a.op('fence.i');
  if (prng.chance(2)) emitCompute(place);
  if (isAhead) emitPatched();
  a.op('addi', { rd: a0, rs1: a0, imm: -1 }).to('bne', { rs1: a0 }, head);
}

/** Eight bytes over the end of a page: the instruction that straddles it gets another half. */
function emitStraddlePatch({ a, prng }: Place): void {
  const page = prng.below(CODE.pages - 1);
  a.li(t0, (prng.chance(2) ? CODE.physical : CODE.virtual) + page * PAGE + STRADDLE_AT - 2);
  a.op('ld', { rd: t1, rs1: t0 }).li(t2, BigInt(prng.below(1024)) << 37n);
  a.op('xor', { rd: t1, rs1: t1, rs2: t2 }).op('sd', { rs1: t0, rs2: t1 });
}

/**
 * A page of code gets another entry, one that changes with s2 or always the same, with or without a
 * fence of one of the four forms.
 */
export function emitRemap({ a, prng, focus }: Place): void {
  const { V, R, W, X: EXECUTE, U, G, A, D } = PTE;
  const index = focus === undefined || prng.chance(4) ? prng.below(CODE.mapped) : focus;
  const some = (flag: number) => (prng.chance(2) ? flag : 0);
  const flags = prng.chance(12)
    ? prng.below(256)
    : V | EXECUTE | some(R) | some(R | W) | some(A) | some(D) | (prng.chance(6) ? G : 0);
  const target = CODE.physical / PAGE + (prng.chance(2) ? 0 : prng.below(CODE.pages));
  a.li(t0, pick(prng, CODE_LEAVES) + index * 8);
  a.li(t1, target * 1024 + (flags | (prng.chance(12) ? U : 0)));
  if (target === CODE.physical / PAGE) {
    a.op('andi', { rd: t2, rs1: pick(prng, [s2, a6]), imm: CODE.pages - 1 });
    a.op('slli', { rd: t2, rs1: t2, imm: 10 }).op('add', { rd: t1, rs1: t1, rs2: t2 });
  }
  a.op('sd', { rs1: t0, rs2: t1 });
  emitFence(a, prng, CODE.virtual + index * PAGE);
}

/**
 * A page of data that S-mode may touch under SUM, or under MXR read, alone: touched with, then
 * without; the handler mends it.
 */
export function emitPermission({ a, prng }: Place): void {
  const { V, R, W, X: EXECUTE, U, A, D } = PTE;
  const index = prng.below(DATA_PAGES);
  const isUser = prng.chance(2);
  const flags = isUser ? V | R | W | U | A | D : V | EXECUTE | A | D;
  a.li(t0, EVENTFUL.LEAVES + index * 8);
  a.li(t1, (EVENTFUL.DATA / PAGE + index) * 1024 + flags).op('sd', { rs1: t0, rs2: t1 });
  a.li(t1, DATA_VIRTUAL + index * PAGE + prng.below(200) * 8).op('sfence.vma', { rs1: t1 });
  a.li(t0, isUser ? SUM : MXR).op('csrrs', { rs1: t0, csr: SSTATUS });
  const isStore = isUser && prng.chance(2);
  const touch = () => {
    if (isStore) a.op('sd', { rs1: t1, rs2: s2 });
    else a.op('ld', { rd: t2, rs1: t1 }).op('add', { rd: s2, rs1: s2, rs2: t2 });
  };
  touch();
  touch();
  a.op('csrrc', { rs1: t0, csr: SSTATUS });
  touch();
}

/** sfence.vma in one of four forms, or none. */
function emitFence(a: Assembler, prng: Prng, address: number): void {
  const form = prng.below(5);
  if (form === 4) return;
  if ((form & 1) !== 0) a.li(t0, address);
  if ((form & 2) !== 0) a.li(t1, prng.below(3));
  a.op('sfence.vma', { rs1: (form & 1) === 0 ? 0 : t0, rs2: (form & 2) === 0 ? 0 : t1 });
}

/** The other address space, mostly under its own ASID. */
export function emitSwitch({ a, prng }: Place): void {
  const space = prng.below(2);
  const asid = prng.chance(5) ? prng.below(3) : space;
  a.csr(CSR.satp, (8n << 60n) | (BigInt(asid) << 44n) | BigInt((ROOTS[space] as number) / PAGE));
  if (prng.chance(5)) emitFence(a, prng, CODE.virtual);
}

function emitStatus({ a, prng }: Place): void {
  const kind = prng.below(8);
  if (kind === 6) {
    a.op('csrrwi', { imm: prng.below(8), csr: 2 }); // frm, some values of which are reserved
  } else if (kind === 7) {
    a.op('csrrwi', { imm: prng.below(8), csr: 0x106 }); // scounteren
  } else if (kind < 2) {
    a.li(t0, pick(prng, [SUM, MXR, SUM | MXR]));
    a.op(pick(prng, ['csrrs', 'csrrc']), { rs1: t0, csr: SSTATUS });
  } else if (kind === 2) {
    a.op(pick(prng, ['csrrsi', 'csrrci']), { imm: 2, csr: SSTATUS }); // SIE
  } else if (kind === 3) {
    a.op('csrrsi', { imm: 2, csr: CSR.sip }); // SSIP
  } else if (kind === 4) {
    a.li(t0, 0x222).op(pick(prng, ['csrrs', 'csrrs', 'csrrc']), { rs1: t0, csr: CSR.sie });
  } else {
    a.op('csrrs', { rd: t0, csr: CSR.time }).op('addi', { rd: t0, rs1: t0, imm: prng.below(90) });
    a.op('csrrw', { rs1: t0, csr: CSR.stimecmp });
  }
}

function emitFlush({ a, prng }: Place): void {
  if (prng.chance(2)) a.op('fence.i');
  else emitFence(a, prng, CODE.virtual + prng.below(CODE.mapped) * PAGE);
}

function emitTrap({ a, prng }: Place): void {
  const kind = prng.below(5);
  if (kind === 0) a.op('ebreak');
  else if (kind === 1) a.half(0x9002);
  else if (kind === 2) a.word(0xffff_ffff);
  else if (kind === 3) a.op('wfi');
  else a.op('ecall');
}

/** From a caller, to a function near: of this page, or of the one before or after. */
function emitCall({ a, prng, page }: Place): void {
  const near = pick(prng, [-1, 0, 1, 1]);
  const target = page + near * PAGE + entryOf(pick(prng, [0, 1, 2, 3, 7]));
  if (!prng.chance(4)) {
    const label = `loop-${(loops += 1)}`;
    a.li(a5, 2 + prng.below(5)).label(label).op('jal', { rd: ra, imm: target - a.here });
    a.op('addi', { rd: a5, rs1: a5, imm: -1 }).to('bne', { rs1: a5 }, label);
    return;
  }
  a.op('jal', { rd: ra, imm: target - a.here });
}

const SSTATUS = 0x100;
const [SUM, MXR] = [1 << 18, 1 << 19];
const SIMPLE: readonly Operation[] = [
  ...[emitCompute, emitCompute, emitCompute, emitAccess, emitAccess, emitAtomic],
  ...[emitFloat, emitCounter, emitDevice, emitPatch],
];
/** Operations of a function, also good elsewhere; those that are here twice are wanted more. */
export const OPERATIONS: readonly Operation[] = [
  ...[...SIMPLE, emitLoop, emitLoop, emitLoop, emitPatch, emitPatch, emitPatch, emitFlush],
  ...[emitStraddlePatch, emitRemap, emitSwitch, emitStatus, emitStatus, emitFloatOff, emitTrap],
  ...[emitPermission, emitPatchNear, emitPatchNear, emitPatchNear],
];
/** What changes code or how it is seen: good between calls. */
export const CHANGES: readonly Operation[] = [
  ...[emitRemap, emitRemap, emitRemap, emitRemap, emitPatch, emitPatch, emitPatch, emitSwitch],
  ...[emitStraddlePatch, emitFlush, emitPermission, emitPermission],
];
