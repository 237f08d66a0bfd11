/**
 * A guest that never rests: S-mode calls functions on pages of code (restless-code.ts) that patch
 * and remap each other, in two address spaces, from S-, U- and M-mode, under interrupts, for ever;
 * handlers mend what faults and go on. What it does after a stale translation or a store into code
 * is defined by our engines alone: this program compares them, and not with QEMU. Test support.
 */
import { Prng } from '@casmotion/base';
import { PTE } from '../../src/hart/status.ts';
import {
  CSR,
  emitCount,
  emitMix,
  emitSkip,
  EVENTFUL,
  OPERATIONS as EVENTFUL_OPERATIONS,
  RAM_BYTES,
} from '../slicing/eventful-program.ts';
import { DEVICE } from '../slicing/eventful-machine.ts';
import { Assembler, X } from '../support/assembler.ts';
import { RAM_START } from '../support/make-core.ts';
import { pick } from '../support/random-values.ts';
import {
  assembleCodePage,
  CHANGES,
  CODE,
  CODE_LEAVES,
  emitRemap,
  emitSwitch,
  entryOf,
  OPERATIONS,
  PAGE,
  type Place,
  ROOTS,
  SLOT,
  SLOT_BYTES,
} from './restless-code.ts';

const { LEAVES, COUNTERS, DATA_VIRTUAL } = EVENTFUL;
const MIDDLES = [0x8001_1000, 0x8001_5000] as const;
const HANDLERS = RAM_START + 0xe000;
const BODY_BYTES_MAX = 0xd000;
const { t0, t1, t2, s0, s2, s3, s4, s5, s6, a6, a7, ra, tp } = X;
const { V, R, W, X: EXECUTE, U, G, A, D } = PTE;
/** In a7 at an ecall: go on in M-mode. */
const BECOME_MACHINE = 77;
const [SSTATUS, MEDELEG_ALWAYS] = [0x100, (1 << 8) | (1 << 12) | (1 << 13) | (1 << 15)];
const [SPP, MPP, MPRV] = [1 << 8, 3 << 11, 1 << 17];

/** All of RAM; entered at its start in M-mode. */
export function assembleRestless(seed: number): Uint8Array {
  const prng = new Prng(seed);
  const a = new Assembler(RAM_START);
  emitSetUp(a, prng);
  a.label('again');
  const count = 3 + prng.below(8);
  for (let i = 0; i < count && a.here - RAM_START < BODY_BYTES_MAX; i++) {
    pick(prng, BODY)({ a, prng, page: RAM_START, slot: 0 }, `${i}`);
  }
  a.op('addi', { rd: s3, rs1: s3, imm: 1 });
  a.la(t0, 'again').op('jalr', { rs1: t0 });
  emitSupervisorHandler(a);
  emitMachineHandler(a);
  const image = new Uint8Array(RAM_BYTES);
  image.set(a.toBytes());
  for (let page = 0; page < CODE.pages; page++) {
    image.set(assembleCodePage(prng), CODE.physical + page * PAGE - RAM_START);
  }
  writeTables(prng, new DataView(image.buffer));
  return image;
}

function writeTables(prng: Prng, ram: DataView): void {
  const put = (at: number, target: number, flags: number) =>
    ram.setBigUint64(at - RAM_START, (BigInt(target / PAGE) << 10n) | BigInt(flags), true);
  for (const [space, root] of ROOTS.entries()) {
    const [middle, leaves] = [MIDDLES[space] as number, CODE_LEAVES[space] as number];
    put(root, 0, V | R | W | A | D); // the device
    put(root + 2 * 8, RAM_START, V | R | W | EXECUTE | A | D);
    put(root + 1 * 8, middle, V);
    put(middle, LEAVES, V);
    put(middle + 8, leaves, V);
    put(middle + 3 * 8, leaves, V);
    for (let page = 0; page < CODE.mapped; page++) {
      const flags = V | R | EXECUTE | (prng.chance(2) ? W : 0) | (prng.chance(8) ? G : 0);
      put(leaves + page * 8, CODE.physical + prng.below(CODE.pages) * PAGE, flags);
    }
  }
}

function emitSetUp(a: Assembler, prng: Prng): void {
  // Entry 0 is off and will come and go; entry 1 permits everything.
  a.csr(CSR.pmpaddr0 + 1, (1n << 54n) - 1n).csr(CSR.pmpcfg0, 0x1f00);
  a.la(t0, 'machine').op('csrrw', { rs1: t0, csr: CSR.mtvec });
  a.la(t0, 'supervisor').op('csrrw', { rs1: t0, csr: CSR.stvec });
  a.csr(CSR.medeleg, MEDELEG_ALWAYS | (prng.u32() & 0xac)).csr(CSR.mideleg, 0x222);
  a.csr(CSR.mie, 0xaaa).csr(CSR.mcounteren, 7).csr(0x106, 7);
  a.csr(CSR.menvcfg, 1n << 63n);
  a.csr(CSR.satp, (8n << 60n) | BigInt(ROOTS[0] / PAGE));
  a.csr(CSR.mstatus, 0x6000 | 0x800 | 0x20); // FS, MPP = S, SPIE
  a.li(s0, DEVICE).li(s4, DATA_VIRTUAL).li(s5, LEAVES).li(s6, COUNTERS).li(tp, RAM_START);
  a.la(tp, 'again');
  a.la(t0, 'body').op('csrrw', { rs1: t0, csr: CSR.mepc }).op('mret');
  a.label('body').op('csrrsi', { imm: 2, csr: SSTATUS }); // SIE
}

type BodyOperation = (place: Place, unique: string) => void;

const callable = [0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 7, 7];

function drawFunction({ prng }: Place, base: number, pages: number): number {
  return base + prng.below(pages) * PAGE + entryOf(pick(prng, callable));
}

/**
 * Calls of functions in a loop, as they are mapped, twice mapped or by their physical addresses;
 * between them something changes.
 */
function emitCalls(place: Place, unique: string): void {
  const { a, prng } = place;
  const focus = prng.below(CODE.mapped);
  a.li(a6, 3 + prng.below(5)).label(`calls-${unique}`);
  for (let i = 1 + prng.below(3); i > 0; i--) {
    const base = pick(prng, [CODE.virtual, CODE.virtual, CODE.virtual, CODE.alias, CODE.physical]);
    // Functions call those of pages next to theirs.
    const page = prng.chance(4) ? prng.below(CODE.mapped) : Math.max(0, focus - prng.below(2));
    const at = base + page * PAGE + entryOf(pick(prng, callable));
    a.li(t0, at).op('jalr', { rd: ra, rs1: t0 });
    if (prng.chance(3)) continue;
    pick(prng, prng.chance(4) ? OPERATIONS : CHANGES)({ ...place, focus });
  }
  a.op('addi', { rd: a6, rs1: a6, imm: -1 }).to('bne', { rs1: a6 }, `calls-${unique}`);
}

/** Runs a function in U-mode; it returns to one that makes an ecall. */
function emitUser(place: Place, unique: string): void {
  const { a, prng } = place;
  a.la(tp, `user-${unique}`).li(t1, SPP).op('csrrc', { rs1: t1, csr: SSTATUS });
  a.li(ra, CODE.virtual + prng.below(CODE.mapped) * PAGE + entryOf(SLOT.ecall));
  a.li(t0, drawFunction(place, CODE.virtual, CODE.mapped)).op('csrrw', { rs1: t0, csr: CSR.sepc });
  a.op('sret').label(`user-${unique}`).op('addi', { rd: s2, rs1: s2, imm: 3 });
}

/** Some of M-mode: accesses with the eyes of a lower mode, calls, interrupts enabled again. */
function emitMachine(place: Place, unique: string): void {
  const { a, prng } = place;
  a.li(a7, BECOME_MACHINE).op('ecall').li(a7, 0);
  a.li(a6, 1 + prng.below(4)).label(`in-machine-${unique}`);
  for (let i = 1 + prng.below(3); i > 0; i--) {
    const kind = prng.below(5);
    if (kind === 4) emitMachineCsr(place);
    else if (kind === 0) {
      a.li(t0, MPP).op('csrrc', { rs1: t0, csr: CSR.mstatus });
      a.li(t0, MPRV | (prng.chance(2) ? 1 << 11 : 0)).op('csrrs', { rs1: t0, csr: CSR.mstatus });
      a.op('ld', { rd: t2, rs1: s4, imm: prng.below(2000) }).op('sw', { rs1: s4, rs2: s2, imm: 8 });
      a.li(t0, MPRV).op('csrrc', { rs1: t0, csr: CSR.mstatus });
      emitMix(a, t2);
    } else if (kind === 1) {
      const at = drawFunction(place, CODE.physical, CODE.pages);
      a.li(t0, at).op('jalr', { rd: ra, rs1: t0 });
    } else if (kind === 2) pick(prng, OPERATIONS)(place);
    else a.op(pick(prng, ['csrrsi', 'csrrci']), { imm: 8, csr: CSR.mstatus }); // MIE
  }
  a.op('addi', { rd: a6, rs1: a6, imm: -1 }).to('bne', { rs1: a6 }, `in-machine-${unique}`);
  a.li(t0, 0xaaa).op('csrrs', { rs1: t0, csr: CSR.mie });
  a.li(t0, MPP | MPRV).op('csrrc', { rs1: t0, csr: CSR.mstatus });
  a.li(t0, (1 << 11) | 0x20).op('csrrs', { rs1: t0, csr: CSR.mstatus });
  a.la(t0, `machine-${unique}`).op('csrrw', { rs1: t0, csr: CSR.mepc }).op('mret');
  a.label(`machine-${unique}`);
}

/** CSRs of M-mode that change what instructions may do, or what counters say. */
function emitMachineCsr({ a, prng }: Place): void {
  const kind = prng.below(4);
  if (kind < 2) {
    // A page of code, or a function, that S and U may not read, write or execute for a while.
    const size = pick(prng, [PAGE, SLOT_BYTES]);
    const at = CODE.physical + prng.below((CODE.pages * PAGE) / size) * size;
    a.csr(CSR.pmpaddr0, (at + size / 2 - 1) >>> 2);
    const permissions = pick(prng, [0, 1, 3, 4, 5]);
    a.csr(CSR.pmpcfg0, 0x1f00 | (prng.chance(2) ? 0x18 | permissions : 0));
  } else if (kind === 2) {
    a.li(t0, prng.below(2 ** 20)).op('csrrw', { rs1: t0, csr: pick(prng, [0xb00, 0xb02]) });
  } else {
    a.csr(CSR.menvcfg, prng.chance(4) ? 0 : 1n << 63n);
    a.op('csrrwi', { imm: prng.below(8), csr: CSR.mcounteren });
  }
}

const BODY: readonly BodyOperation[] = [
  ...[emitCalls, emitCalls, emitCalls, emitCalls, emitUser, emitMachine, emitRemap, emitSwitch],
  (place) => pick(place.prng, OPERATIONS)(place),
  ({ a, prng }, unique) => pick(prng, EVENTFUL_OPERATIONS)(a, prng, unique),
];

/**
 * Uses s7 to s11 alone. A page of data or code that faults is mapped for the mode that wanted it;
 * after a fault elsewhere, and each 64th trap of a kind, the body begins again.
 */
function emitSupervisorHandler(a: Assembler): void {
  const { s8, s9, s10 } = X;
  a.padTo(HANDLERS).label('supervisor').op('csrrs', { rd: s8, csr: CSR.scause });
  emitCount(a, s8, [s9, s10], 0);
  a.op('andi', { rd: s10, rs1: s10, imm: 63 }).to('beq', { rs1: s10 }, 's-again');
  a.op('csrrs', { rd: s9, csr: CSR.instret }).op('xor', { rd: s2, rs1: s2, rs2: s9 });
  a.to('blt', { rs1: s8, rs2: 0 }, 's-interrupt');
  for (const fault of [12, 13, 15]) {
    a.li(s9, fault).to('beq', { rs1: s8, rs2: s9 }, 's-map');
  }
  a.li(s9, 8).to('beq', { rs1: s8, rs2: s9 }, 's-user');
  // The instruction is read as code may be: also where it is not readable.
  a.label('s-skip').li(s9, 1 << 19).op('csrrs', { rs1: s9, csr: SSTATUS });
  emitSkip(a, CSR.sepc, [s9, s10]);
  a.op('sret');
  emitMap(a);
  a.label('s-else').op('csrrs', { rd: s8, csr: CSR.scause }).li(s9, 12);
  a.to('bne', { rs1: s8, rs2: s9 }, 's-skip');

  a.label('s-again').la(s9, 'again').op('csrrw', { rs1: s9, csr: CSR.sepc });
  a.li(s9, SPP).op('csrrs', { rs1: s9, csr: SSTATUS }).op('sret');
  a.label('s-user').op('csrrw', { rs1: tp, csr: CSR.sepc });
  a.li(s9, SPP).op('csrrs', { rs1: s9, csr: SSTATUS }).op('sret');

  a.label('s-interrupt').op('csrrci', { imm: 2, csr: CSR.sip });
  a.li(s9, 0x200).op('csrrc', { rs1: s9, csr: CSR.sie });
  a.li(s9, -1).op('csrrw', { rs1: s9, csr: CSR.stimecmp }).op('sret');
}

/** The entry of stval in data or code: all permissions, and U if U-mode faulted. */
function emitMap(a: Assembler): void {
  const { s7, s8, s9, s10, s11 } = X;
  a.label('s-map').op('csrrs', { rd: s7, csr: CSR.stval }).op('srli', { rd: s8, rs1: s7, imm: 21 });
  a.op('srli', { rd: s9, rs1: s7, imm: 12 }).op('andi', { rd: s9, rs1: s9, imm: 511 });
  a.op('slli', { rd: s10, rs1: s9, imm: 3 }).op('add', { rd: s10, rs1: s10, rs2: s5 });
  a.li(s11, EVENTFUL.DATA / PAGE);
  a.op('addi', { rd: s8, rs1: s8, imm: -(DATA_VIRTUAL >> 21) });
  a.to('beq', { rs1: s8, rs2: 0 }, 's-entry');
  // The alias differs in the second bit.
  a.op('andi', { rd: s8, rs1: s8, imm: -3 }).op('addi', { rd: s8, rs1: s8, imm: -1 });
  a.to('bne', { rs1: s8, rs2: 0 }, 's-else');
  // Code: the leaves of the current space, whose root tells.
  a.op('csrrs', { rd: s8, csr: CSR.satp }).op('andi', { rd: s8, rs1: s8, imm: 3 });
  a.op('sltiu', { rd: s8, rs1: s8, imm: 1 }).op('xori', { rd: s8, rs1: s8, imm: 1 });
  a.op('slli', { rd: s8, rs1: s8, imm: 12 }).op('slli', { rd: s10, rs1: s9, imm: 3 });
  a.op('add', { rd: s10, rs1: s10, rs2: s8 }).li(s8, CODE_LEAVES[0]);
  a.op('add', { rd: s10, rs1: s10, rs2: s8 }).li(s11, CODE.physical / PAGE);

  a.label('s-entry').op('ld', { rd: s8, rs1: s10 }).op('srli', { rd: s8, rs1: s8, imm: 10 });
  a.op('sub', { rd: s8, rs1: s8, rs2: s11 }).op('andi', { rd: s7, rs1: s8, imm: 7 });
  a.to('beq', { rs1: s7, rs2: s8 }, 's-known').op('andi', { rd: s8, rs1: s9, imm: 7 });
  a.label('s-known').op('add', { rd: s8, rs1: s8, rs2: s11 });
  a.op('slli', { rd: s8, rs1: s8, imm: 10 });
  a.op('ori', { rd: s8, rs1: s8, imm: V | R | W | EXECUTE });
  a.op('csrrs', { rd: s7, csr: SSTATUS }).op('andi', { rd: s7, rs1: s7, imm: SPP });
  a.to('bne', { rs1: s7, rs2: 0 }, 's-put').op('ori', { rd: s8, rs1: s8, imm: U });
  a.label('s-put').op('sd', { rs1: s10, rs2: s8 }).op('csrrs', { rd: s7, csr: CSR.stval });
  a.op('sfence.vma', { rs1: s7 }).op('sret');
}

/** Uses t3 to t6 alone. */
function emitMachineHandler(a: Assembler): void {
  const { t3, t4, t5 } = X;
  a.label('machine').op('csrrs', { rd: t3, csr: CSR.mcause });
  emitCount(a, t3, [t4, t5], 64);
  a.op('andi', { rd: t5, rs1: t5, imm: 63 }).to('beq', { rs1: t5 }, 'm-again');
  a.to('blt', { rs1: t3, rs2: 0 }, 'm-interrupt');
  for (const cause of [1, 12]) a.li(t4, cause).to('beq', { rs1: t3, rs2: t4 }, 'm-again');
  a.li(t4, 9).to('bne', { rs1: t3, rs2: t4 }, 'm-skip');
  a.li(t4, BECOME_MACHINE).to('bne', { rs1: a7, rs2: t4 }, 'm-skip');
  a.li(t4, MPP).op('csrrs', { rs1: t4, csr: CSR.mstatus });
  a.op('csrrs', { rd: t4, csr: CSR.mepc }).op('addi', { rd: t4, rs1: t4, imm: 4 });
  a.op('csrrw', { rs1: t4, csr: CSR.mepc }).op('mret');

  // The instruction is read with the eyes of the mode that trapped.
  a.label('m-skip').li(t4, MPRV | (1 << 19)).op('csrrs', { rs1: t4, csr: CSR.mstatus });
  emitSkip(a, CSR.mepc, [t4, t5]);
  a.li(t4, MPRV).op('csrrc', { rs1: t4, csr: CSR.mstatus }).op('mret');

  a.label('m-again').li(t4, 0x1f00).op('csrrw', { rs1: t4, csr: CSR.pmpcfg0 });
  a.la(t4, 'again').op('csrrw', { rs1: t4, csr: CSR.mepc });
  a.li(t4, MPP).op('csrrc', { rs1: t4, csr: CSR.mstatus });
  a.li(t4, 1 << 11).op('csrrs', { rs1: t4, csr: CSR.mstatus }).op('mret');

  a.label('m-interrupt').op('sw', { rs1: s0, imm: 4 }).li(t4, 1 << 7);
  a.op('csrrc', { rs1: t4, csr: CSR.mie }).op('csrrs', { rd: t4, csr: CSR.instret });
  a.op('xor', { rd: s2, rs1: s2, rs2: t4 }).op('mret');
}
