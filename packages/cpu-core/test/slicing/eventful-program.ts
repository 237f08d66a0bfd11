/**
 * A guest program in which everything happens: page faults, timer, software and external
 * interrupts, WFI, faults of devices, atomics, floats, self-modification, stale translations.
 * M-mode sets up Sv39 and delegates; S-mode runs a body of operations drawn by seed, again and
 * again; handlers count causes and mix `instret` into a register, so that where a trap was taken
 * shows. Test support.
 */
import { Prng } from '@casmotion/base';
import { PTE } from '../../src/hart/status.ts';
import { encode } from '../../src/isa/encode.ts';
import { Assembler, X } from '../support/assembler.ts';
import { RAM_START } from '../support/make-core.ts';
import { DEVICE } from './eventful-machine.ts';

/** Of the image that {@link assembleEventful} gives. */
export const RAM_BYTES = 64 * 4096;

const [ROOT, MIDDLE, LEAVES, COUNTERS] = [0x8001_0000, 0x8001_1000, 0x8001_2000, 0x8001_4000];
const DATA = 0x8002_0000;
const DATA_PAGES = 8;
const DATA_VIRTUAL = 0x4000_0000;
/** For programs of another kind with the same places, device and counters. */
export const EVENTFUL = { LEAVES, COUNTERS, DATA, DATA_PAGES, DATA_VIRTUAL } as const;
const { V, R, W, X: EXECUTE, A, D } = PTE;

/** Where the handlers count: exceptions from 0, interrupts from 32; M-mode 64 later. */
export function countsOf(ram: Uint8Array): Map<string, number> {
  const view = new DataView(ram.buffer, ram.byteOffset + COUNTERS - RAM_START);
  const counts = new Map<string, number>();
  for (let i = 0; i < 128; i++) {
    const count = Number(view.getBigUint64(i * 8, true));
    const kind = i % 64 < 32 ? 'exception' : 'interrupt';
    if (count > 0) counts.set(`${i < 64 ? 'S' : 'M'} ${kind} ${i % 32}`, count);
  }
  return counts;
}

const { t0, t1, t2, s0, s2, s3, s4, s5, s6, a0, a1, a2 } = X;
export const CSR = {
  ...{ sie: 0x104, stvec: 0x105, sepc: 0x141, scause: 0x142, stval: 0x143, sip: 0x144 },
  ...{ stimecmp: 0x14d, satp: 0x180, mstatus: 0x300, medeleg: 0x302, mideleg: 0x303, mie: 0x304 },
  ...{ mtvec: 0x305, mcounteren: 0x306, menvcfg: 0x30a, mepc: 0x341, mcause: 0x342 },
  ...{ pmpcfg0: 0x3a0, pmpaddr0: 0x3b0, cycle: 0xc00, time: 0xc01, instret: 0xc02 },
} as const;

/** All of RAM; entered at its start in M-mode. */
export function assembleEventful(seed: number): Uint8Array {
  const prng = new Prng(seed);
  const a = new Assembler(RAM_START);
  emitSetUp(a);
  a.label('again');
  for (let i = 0; i < OPERATIONS.length * 2; i++) {
    const operation = OPERATIONS[i < OPERATIONS.length ? i : prng.below(OPERATIONS.length)];
    operation?.(a, prng, `${i}`);
  }
  a.op('addi', { rd: s3, rs1: s3, imm: 1 }).op('jal', { imm: 4 });
  a.la(t0, 'again').op('jalr', { rs1: t0 });
  emitSupervisorHandler(a);
  emitMachineHandler(a);
  const image = new Uint8Array(RAM_BYTES);
  image.set(a.toBytes());
  writeTables(new DataView(image.buffer));
  return image;
}

function writeTables(ram: DataView): void {
  const put = (at: number, target: number, flags: number) =>
    ram.setBigUint64(at - RAM_START, (BigInt(target / 4096) << 10n) | BigInt(flags), true);
  put(ROOT + 2 * 8, RAM_START, V | R | W | EXECUTE | A | D);
  put(ROOT, 0, V | R | W | A | D); // the device
  put(ROOT + 1 * 8, MIDDLE, V);
  put(MIDDLE, LEAVES, V);
}

function emitSetUp(a: Assembler): void {
  a.csr(CSR.pmpaddr0, (1n << 54n) - 1n).csr(CSR.pmpcfg0, 0x1f);
  a.la(t0, 'machine').op('csrrw', { rs1: t0, csr: CSR.mtvec });
  a.la(t0, 'supervisor').op('csrrw', { rs1: t0, csr: CSR.stvec });
  a.csr(CSR.medeleg, (1 << 3) | (1 << 7) | (1 << 13) | (1 << 15)).csr(CSR.mideleg, 0x222);
  a.csr(CSR.mie, 0xaaa)
    .csr(CSR.mcounteren, 7)
    .csr(CSR.menvcfg, 1n << 63n);
  a.csr(CSR.satp, (8n << 60n) | BigInt(ROOT / 4096));
  a.csr(CSR.mstatus, 0x6000 | 0x800 | 0x20); // FS, MPP = S, SPIE
  a.li(s0, DEVICE).li(s4, DATA_VIRTUAL).li(s5, LEAVES).li(s6, COUNTERS);
  a.la(t0, 'body').op('csrrw', { rs1: t0, csr: CSR.mepc }).op('mret');
  a.label('body').op('csrrsi', { imm: 2, csr: 0x100 }); // SIE
}

/** s2 := 31 s2 + register. */
export function emitMix(a: Assembler, register: number): void {
  a.op('slli', { rd: t2, rs1: s2, imm: 5 }).op('sub', { rd: s2, rs1: t2, rs2: s2 });
  a.op('add', { rd: s2, rs1: s2, rs2: register });
}

export type Operation = (a: Assembler, prng: Prng, unique: string) => void;

const anyPlace = (prng: Prng) => BigInt(DATA_VIRTUAL + prng.below(DATA_PAGES * 512 - 1) * 8);

/** Pieces of the body; they use t0 to t2 and a0 to a2. */
export const OPERATIONS: readonly Operation[] = [
  (a, prng) => {
    const csr = [CSR.cycle, CSR.time, CSR.instret][prng.below(3)] as number;
    emitMix(a.op('csrrs', { rd: t0, csr }), t0);
  },
  (a, prng) => {
    a.li(t1, anyPlace(prng));
    if (prng.chance(2)) a.op('sd', { rs1: t1, rs2: s2 });
    emitMix(a.op('ld', { rd: t0, rs1: t1, imm: prng.below(8) }), t0);
  },
  (a, prng) => {
    // Across two pages, either of which may be absent.
    const place = DATA_VIRTUAL + (1 + prng.below(DATA_PAGES - 1)) * 4096 - 1 - prng.below(7);
    a.li(t1, place).op('sd', { rs1: t1, rs2: s2 });
    emitMix(a.op('ld', { rd: t0, rs1: t1 }), t0);
  },
  (a, prng) => {
    // An entry loses A and D, or all, with or without a fence.
    const index = prng.below(DATA_PAGES);
    a.op('ld', { rd: t0, rs1: s5, imm: index * 8 });
    a.op('andi', { rd: t0, rs1: t0, imm: prng.chance(2) ? ~(A | D) : 0 });
    a.op('sd', { rs1: s5, rs2: t0, imm: index * 8 });
    if (prng.chance(2)) a.li(t1, DATA_VIRTUAL + index * 4096).op('sfence.vma', { rs1: t1 });
  },
  (a) => a.op('ecall'),
  (a) => a.op('ebreak').half(0x9002),
  (a) => a.word(0xffff_ffff).half(0),
  (a, prng) => a.li(t0, 3 + prng.below(40)).op('sw', { rs1: s0, rs2: t0, imm: DEVICE_ARM }),
  (a) => emitMix(a.op('lw', { rd: t0, rs1: s0, imm: DEVICE_STEP }), t0),
  (a) => a.op('sd', { rs1: s0, imm: DEVICE_HALF_FAULT }),
  (a) => a.op('sw', { rs1: s0, imm: DEVICE_EXIT }),
  (a, prng) => {
    a.op('csrrs', { rd: t0, csr: CSR.time }).op('addi', { rd: t0, rs1: t0, imm: prng.below(60) });
    a.op('csrrw', { rs1: t0, csr: CSR.stimecmp });
  },
  (a) => a.op('wfi'),
  (a) => a.op('csrrsi', { imm: 2, csr: CSR.sip }),
  (a) => {
    a.op('addi', { rd: t1, rs1: s4, imm: 64 }).op('lr.d', { rd: t0, rs1: t1 });
    a.op('addi', { rd: t0, rs1: t0, imm: 1 }).op('sc.d', { rd: a0, rs1: t1, rs2: t0 });
    emitMix(a.op('amoadd.w', { rd: a1, rs1: t1, rs2: s2 }), a0);
  },
  (a) => {
    a.op('fcvt.d.l', { rd: 1, rs1: s2 }).op('fsqrt.d', { rd: 2, rs1: 1 });
    emitMix(a.op('fmv.x.d', { rd: t0, rs1: 2 }).op('csrrs', { rd: a2, csr: 1 }), t0);
  },
  (a, prng, unique) => {
    a.la(t0, `patched-${unique}`);
    a.li(t1, encode('addi', { rd: s2, rs1: s2, imm: prng.below(2000) }));
    a.op('sw', { rs1: t0, rs2: t1 }).op('fence.i').label(`patched-${unique}`).op('ebreak');
  },
  (a, prng, unique) => {
    a.li(a0, 2 + prng.below(4)).label(`loop-${unique}`);
    emitMix(a, a0);
    a.op('addi', { rd: a0, rs1: a0, imm: -1 }).to('bne', { rs1: a0 }, `loop-${unique}`);
  },
];

/** Registers of the device; see `EventfulMachine`. */
const [DEVICE_ARM, DEVICE_ACK, DEVICE_STEP, DEVICE_HALF_FAULT, DEVICE_EXIT] = [0, 4, 8, 16, 24];

/** Two registers. */
type Pair = readonly [number, number];

/** Counts the cause in `cause`, with two scratch registers; `first` is the handler's counter 0. */
export function emitCount(a: Assembler, cause: number, [x, y]: Pair, first: number): void {
  const label = `count-${first}`;
  a.op('slli', { rd: x, rs1: cause, imm: 3 }).to('bge', { rs1: cause }, label);
  a.op('addi', { rd: x, rs1: x, imm: 32 * 8 }).label(label);
  a.op('add', { rd: x, rs1: x, rs2: s6 }).op('ld', { rd: y, rs1: x, imm: first * 8 });
  a.op('addi', { rd: y, rs1: y, imm: 1 }).op('sd', { rs1: x, rs2: y, imm: first * 8 });
}

/** xepc past the instruction that trapped. */
export function emitSkip(a: Assembler, csr: number, [x, y]: Pair): void {
  a.op('csrrs', { rd: x, csr }).op('lhu', { rd: y, rs1: x }).op('andi', { rd: y, rs1: y, imm: 3 });
  a.op('sltiu', { rd: y, rs1: y, imm: 3 }).op('xori', { rd: y, rs1: y, imm: 1 });
  a.op('slli', { rd: y, rs1: y, imm: 1 }).op('add', { rd: x, rs1: x, rs2: y });
  a.op('addi', { rd: x, rs1: x, imm: 2 }).op('csrrw', { rs1: x, csr });
}

/** Uses s7 to s11 alone. Absent pages of data are mapped, without A and D. */
function emitSupervisorHandler(a: Assembler): void {
  const { s7, s8, s9, s10 } = X;
  a.padTo(RAM_START + 0xe000)
    .label('supervisor')
    .op('csrrs', { rd: s8, csr: CSR.scause });
  emitCount(a, s8, [s9, s10], 0);
  a.op('csrrs', { rd: s9, csr: CSR.instret });
  a.op('slli', { rd: s7, rs1: s2, imm: 3 }).op('xor', { rd: s2, rs1: s7, rs2: s9 });
  a.to('blt', { rs1: s8, rs2: 0 }, 's-interrupt');
  for (const fault of [13, 15]) a.li(s9, fault).to('beq', { rs1: s8, rs2: s9 }, 's-map');
  emitSkip(a, CSR.sepc, [s9, s10]);
  a.op('sret');

  a.label('s-map').op('csrrs', { rd: s7, csr: CSR.stval }).op('srli', { rd: s9, rs1: s7, imm: 12 });
  a.op('andi', { rd: s9, rs1: s9, imm: DATA_PAGES - 1 }).op('slli', { rd: s10, rs1: s9, imm: 3 });
  a.op('add', { rd: s10, rs1: s10, rs2: s5 }).li(s8, DATA / 4096);
  a.op('add', { rd: s9, rs1: s9, rs2: s8 }).op('slli', { rd: s9, rs1: s9, imm: 10 });
  a.op('ori', { rd: s9, rs1: s9, imm: V | R | W }).op('sd', { rs1: s10, rs2: s9 });
  a.op('sfence.vma', { rs1: s7 }).op('sret');

  a.label('s-interrupt').op('csrrci', { imm: 2, csr: CSR.sip });
  a.li(s9, -1).op('csrrw', { rs1: s9, csr: CSR.stimecmp }).op('sret');
}

/** Uses t3 to t6 alone. */
function emitMachineHandler(a: Assembler): void {
  const { t3, t4, t5 } = X;
  a.label('machine').op('csrrs', { rd: t3, csr: CSR.mcause });
  emitCount(a, t3, [t4, t5], 64);
  a.to('blt', { rs1: t3, rs2: 0 }, 'm-interrupt');
  emitSkip(a, CSR.mepc, [t4, t5]);
  a.op('mret');
  a.label('m-interrupt').op('sw', { rs1: s0, imm: DEVICE_ACK });
  a.op('csrrs', { rd: t4, csr: CSR.instret }).op('slli', { rd: t5, rs1: s2, imm: 3 });
  a.op('xor', { rd: s2, rs1: t5, rs2: t4 }).op('mret');
}
