/**
 * The guest code that runs random programs one after the other: sets registers from a header,
 * starts the program, logs and skips its traps, writes its final registers to the header. The same
 * bytes run on our core and on QEMU. Test support.
 */
import { Assembler, X } from '../support/assembler.ts';
import { FINISHER } from '../support/make-core.ts';
import {
  END_OF_PROGRAM,
  FINAL_CSRS,
  HEADER,
  INITIAL_CSRS,
  LOG,
  MONITOR,
  REGION_BYTES,
  REGIONS,
  SUPERVISOR_HANDLER,
} from './layout.ts';

const { t0, t1, t2, t3, a7, s10, s11 } = X;
const BREAKPOINT = 3;
const MSTATUS_FS = 0x6000;
const MPRV_SUM_MXR = 0xe_0000;
const SUM_MXR = 0xc_0000;
const [MSTATUS, MTVEC, MSCRATCH] = [0x300, 0x305, 0x340];
const [PMPCFG0, PMPADDR0] = [0x3a0, 0x3b0];
/** Of hart 0, in the ACLINT. */
export const MTIMECMP = 0x200_4000;
const FINISHER_PASS = 0x5555;

/** The monitor for `count` programs, to be placed at {@link MONITOR}. */
export function assembleMonitor(count: number): Uint8Array {
  const a = new Assembler(MONITOR);
  a.la(t0, 'machine-handler').op('csrrw', { rs1: t0, csr: MTVEC });
  a.csr(PMPADDR0, (1n << 54n) - 1n).csr(PMPCFG0, 0x1f);
  // After reset the reference's timer is due: move it out of sight.
  a.li(t0, MTIMECMP).li(t1, -1).op('sd', { rs1: t0, rs2: t1 });
  const end = REGIONS + count * REGION_BYTES;
  a.li(s10, REGIONS).li(s11, end);
  emitStart(a);
  emitFinish(a, end);
  emitHandler(a, MACHINE);
  a.padTo(SUPERVISOR_HANDLER);
  emitHandler(a, SUPERVISOR);
  return a.toBytes();
}

/** Starts the program whose header is at s10, or ends the run. */
function emitStart(a: Assembler): void {
  a.label('next').to('bltu', { rs1: s10, rs2: s11 }, 'start');
  a.li(t0, FINISHER).li(t1, FINISHER_PASS).op('sw', { rs1: t0, rs2: t1 });
  a.label('stop').op('wfi').to('jal', {}, 'stop');

  a.label('start').op('csrrw', { rs1: s10, csr: MSCRATCH }).op('sfence.vma').op('fence.i');
  a.csr(MSTATUS, MSTATUS_FS);
  for (let i = 0; i < 32; i++) a.op('fld', { rd: i, rs1: s10, imm: HEADER.initialF + 8 * i });
  Object.values(INITIAL_CSRS).forEach((csr, i) => {
    a.op('ld', { rd: t0, rs1: s10, imm: HEADER.initialCsrs + 8 * i }).op('csrrw', { rs1: t0, csr });
  });
  for (let i = 1; i < 32; i++) {
    if (i !== s10) a.op('ld', { rd: i, rs1: s10, imm: HEADER.initialX + 8 * i });
  }
  a.op('ld', { rd: s10, rs1: s10, imm: HEADER.initialX + 8 * s10 }).op('mret');
}

/** Writes final registers to the header at t0, whose saved words hold t0 to t3. */
function emitFinish(a: Assembler, end: number): void {
  a.label('finish');
  for (let i = 1; i < 32; i++) {
    const place = SAVED.indexOf(i);
    const from = place === -1 ? i : t1;
    if (place !== -1) a.op('ld', { rd: t1, rs1: t0, imm: LOG.saved + 8 * place });
    a.op('sd', { rs1: t0, rs2: from, imm: HEADER.finalX + 8 * i });
  }
  Object.values(FINAL_CSRS).forEach((csr, i) => {
    if (csr === INITIAL_CSRS.fcsr) a.li(t1, MSTATUS_FS).op('csrrs', { rs1: t1, csr: MSTATUS });
    a.op('csrrs', { rd: t1, csr }).op('sd', { rs1: t0, rs2: t1, imm: HEADER.finalCsrs + 8 * i });
  });
  for (let i = 0; i < 32; i++) a.op('fsd', { rs1: t0, rs2: i, imm: HEADER.finalF + 8 * i });
  a.li(s10, REGION_BYTES).op('add', { rd: s10, rs1: s10, rs2: t0 });
  a.li(s11, end).to('jal', {}, 'next');
}

/** Registers that handlers use, in the order in which they are saved. */
const SAVED: readonly number[] = [t0, t1, t2, t3];

/** What differs between the handlers. */
interface HandlerKind {
  readonly name: 'machine' | 'supervisor';
  /** CSR numbers of xstatus, xscratch, xepc, xcause, xtval. */
  readonly csrs: { status: number; scratch: number; epc: number; cause: number; tval: number };
  /** Bits of xstatus with which the instruction that trapped can be read. */
  readonly readBits: number;
}

const MACHINE: HandlerKind = {
  name: 'machine',
  csrs: { status: 0x300, scratch: 0x340, epc: 0x341, cause: 0x342, tval: 0x343 },
  readBits: MPRV_SUM_MXR,
};

const SUPERVISOR: HandlerKind = {
  name: 'supervisor',
  csrs: { status: 0x100, scratch: 0x140, epc: 0x141, cause: 0x142, tval: 0x143 },
  readBits: SUM_MXR,
};

/**
 * Logs a trap; then skips the instruction, or goes to ra after a failed fetch, or quells
 * interrupts.
 */
function emitHandler(a: Assembler, kind: HandlerKind): void {
  const { csrs, name } = kind;
  const label = (text: string) => `${name}-${text}`;
  a.label(label('handler')).op('csrrw', { rd: t0, rs1: t0, csr: csrs.scratch });
  for (const [i, register] of SAVED.entries()) {
    if (i > 0) a.op('sd', { rs1: t0, rs2: register, imm: LOG.saved + 8 * i });
  }
  a.op('csrrw', { rd: t1, rs1: t0, csr: csrs.scratch });
  a.op('sd', { rs1: t0, rs2: t1, imm: LOG.saved });
  a.op('csrrs', { rd: t1, csr: csrs.cause });
  emitEndCheck(a, kind);
  // The xtval of a breakpoint is pc or 0, at will (Priv. 1.12 §3.1.16): 0 for the comparison.
  a.li(t2, BREAKPOINT).to('bne', { rs1: t1, rs2: t2 }, label('count'));
  a.op('csrrw', { csr: csrs.tval }).label(label('count'));
  a.op('ld', { rd: t2, rs1: t0, imm: LOG.count }).li(t3, LOG.max);
  a.to('bgeu', { rs1: t2, rs2: t3 }, label('end'));
  a.op('addi', { rd: t3, rs1: t2, imm: 1 }).op('sd', { rs1: t0, rs2: t3, imm: LOG.count });
  a.op('slli', { rd: t2, rs1: t2, imm: 5 }).op('add', { rd: t2, rs1: t2, rs2: t0 });
  for (const [i, csr] of [csrs.cause, csrs.epc, csrs.tval, csrs.status].entries()) {
    a.op('csrrs', { rd: t3, csr }).op('sd', { rs1: t2, rs2: t3, imm: LOG.records + 8 * i });
  }
  emitResume(a, kind);
  a.label(label('return'));
  for (const [i, register] of SAVED.entries()) {
    if (i > 0) a.op('ld', { rd: register, rs1: t0, imm: LOG.saved + 8 * i });
  }
  a.op('ld', { rd: t0, rs1: t0, imm: LOG.saved }).op(name === 'machine' ? 'mret' : 'sret');
  // Here only if TSR made sret trap.
  a.label(label('end'));
  if (name === 'machine') a.to('jal', {}, 'finish');
  else a.li(a7, END_OF_PROGRAM).op('ecall').to('jal', {}, label('end'));
}

/** Ends the program at an ecall that says so. */
function emitEndCheck(a: Assembler, { name }: HandlerKind): void {
  a.op('addi', { rd: t2, rs1: t1, imm: -8 }).op('sltiu', { rd: t2, rs1: t2, imm: 4 });
  a.to('beq', { rs1: t2, rs2: 0 }, `${name}-no-end`);
  a.li(t2, END_OF_PROGRAM).to('beq', { rs1: t2, rs2: a7 }, `${name}-end`);
  a.label(`${name}-no-end`);
}

/** Where to go on. The cause is in t1. */
function emitResume(a: Assembler, { name, csrs, readBits }: HandlerKind): void {
  const label = (text: string) => `${name}-${text}`;
  a.to('blt', { rs1: t1, rs2: 0 }, label('interrupt'));
  for (const cause of [1, 12]) a.li(t2, cause).to('beq', { rs1: t1, rs2: t2 }, label('no-fetch'));
  // Its length is in the low bits of the instruction, which is read as its mode sees it.
  a.op('csrrs', { rd: t3, csr: csrs.status }).li(t2, readBits);
  a.op('csrrs', { rs1: t2, csr: csrs.status });
  a.op('csrrs', { rd: t2, csr: csrs.epc }).op('lhu', { rd: t1, rs1: t2 });
  a.op('csrrw', { rs1: t3, csr: csrs.status });
  a.op('andi', { rd: t1, rs1: t1, imm: 3 }).op('sltiu', { rd: t1, rs1: t1, imm: 3 });
  a.op('slli', { rd: t1, rs1: t1, imm: 1 }).op('addi', { rd: t2, rs1: t2, imm: 4 });
  a.op('sub', { rd: t2, rs1: t2, rs2: t1 }).op('csrrw', { rs1: t2, csr: csrs.epc });
  a.to('jal', {}, label('return'));

  a.label(label('no-fetch')).op('csrrw', { rs1: X.ra, csr: csrs.epc });
  a.to('jal', {}, label('return'));

  a.label(label('interrupt'));
  if (name === 'machine') a.li(t2, 0x222).op('csrrc', { rs1: t2, csr: 0x344 });
  else a.op('csrrw', { csr: 0x104 }).op('csrrci', { imm: 2, csr: 0x144 });
}
