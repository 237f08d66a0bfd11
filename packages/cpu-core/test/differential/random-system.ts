/** Operations on CSRs and modes, as far as two implementations must agree. Test support. */
import { X } from '../support/assembler.ts';
import type { CodeWriter } from './code-writer.ts';
import { pick, randomInteger } from '../support/random-values.ts';

/** CSRs that may be read anywhere: defined, and with the same value on any machine of our kind. */
const READABLE: readonly number[] = [
  ...[0x001, 0x002, 0x003], // fflags, frm, fcsr
  ...[0x100, 0x104, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180], // supervisor
  ...[0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x340, 0x341, 0x342, 0x343, 0x344],
  ...[0xf11, 0xf14], // mvendorid, mhartid
  ...[0x3a0, 0x3b0], // pmpcfg0, pmpaddr0
];

/** CSRs that do not exist, and read-only ones: any write traps. */
const REFUSED: readonly number[] = [0x5c1, 0x8ff, 0xbff, 0xcff, 0x0ff, 0xc00, 0xf14, 0xf12, 0xdc0];

/** CSRs that may be written, and the bits that keep what is written on any machine of our kind. */
const WRITABLE: readonly (readonly [csr: number, mask: bigint])[] = [
  [0x001, 0x1fn],
  [0x002, 7n],
  [0x003, 0xffn],
  [0x002, 3n],
  [0x104, 0x222n], // sie
  [0x106, 7n], // scounteren
  [0x141, ~1n], // sepc
  [0x142, ~0n],
  [0x143, ~0n],
  [0x144, 0x222n], // sip
  [0x304, 0xaaan], // mie
  [0x306, 7n], // mcounteren
  [0x341, ~1n], // mepc
  [0x342, ~0n],
  [0x343, ~0n],
  [0x344, 0x222n], // mip
];

const [SIP, MIP] = [0x144, 0x344];
const SSTATUS_BITS = 0xc_0122n; // SUM, MXR, SPP, SPIE, SIE
const MSTATUS_BITS = 0xc_01aan; // and MPIE, MIE
const FS = 0x6000n;

export function emitRandomCsr(writer: CodeWriter): void {
  const { prng, asm } = writer;
  const rd = writer.targetX();
  const kind = prng.below(8);
  if (kind < 3) {
    const csr = pick(prng, READABLE);
    if (prng.chance(2)) asm.op('csrrs', { rd, csr });
    else asm.op('csrrci', { rd, csr });
  } else if (kind === 3) {
    // QEMU 7.2 takes a csrrs of a zero for a read.
    asm.op('csrrw', { rd, rs1: X.t0, csr: pick(prng, REFUSED) });
  } else if (kind < 6) {
    const [csr, mask] = pick(prng, WRITABLE);
    const isPending = csr === SIP || csr === MIP;
    const own = isPending ? writer.options.interrupt : ~0n;
    asm.li(X.t0, randomInteger(prng) & BigInt.asUintN(64, mask & own));
    asm.op(pick(prng, ['csrrw', 'csrrs', 'csrrc']), { rd, rs1: X.t0, csr });
  } else if (kind === 6) {
    const statuses = [[0x100, SSTATUS_BITS] as const, [0x300, MSTATUS_BITS] as const];
    const [csr, bits] = pick(prng, statuses);
    asm.li(X.t0, prng.u64() & bits).op(pick(prng, ['csrrs', 'csrrc']), { rd, rs1: X.t0, csr });
  } else {
    // fflags and frm by immediate.
    const name = pick(prng, ['csrrwi', 'csrrsi', 'csrrci']);
    asm.op(name, { rd, imm: prng.below(prng.chance(2) ? 32 : 5), csr: pick(prng, [1, 2]) });
  }
}

/** Instructions that trap, or fence. */
export function emitPrivileged(writer: CodeWriter): void {
  const { prng, asm, options } = writer;
  const names = ['ecall', 'ebreak', 'fence', 'fence.i', 'sfence.vma', 'c.ebreak', 'float-off'];
  if (options.mode !== 'M') names.push('mret');
  names.push('wfi');
  if (options.mode === 'U') names.push('sret');
  const name = pick(prng, names);
  if (name === 'float-off') return emitFloatOff(writer);
  if (name === 'c.ebreak') asm.half(0x9002);
  else if (name === 'wfi') emitWfi(writer);
  else if (name === 'sfence.vma') asm.op(name, { rs1: pick(prng, [0, X.t0]) });
  else asm.op(name);
}

/** A wfi that goes on at once, as its interrupt is pending; or one that traps. */
function emitWfi(writer: CodeWriter): void {
  const { asm, options } = writer;
  const { mode, interrupt, csrs } = options;
  if (mode === 'U') return void asm.op('wfi');
  const isOwn = mode === 'M' || (interrupt === SSIP && (csrs.mideleg & SSIP) !== 0n);
  if (!isOwn) return emitRandomCsr(writer);
  const [status, enables, pending] = mode === 'M' ? [0x300, 0x304, MIP] : [0x100, 0x104, SIP];
  asm.op('csrrci', { imm: mode === 'M' ? MIE : SIE, csr: status }).li(X.t0, interrupt);
  for (const csr of [enables, pending]) asm.op('csrrs', { rs1: X.t0, csr });
  asm.op('wfi').op('csrrc', { rs1: X.t0, csr: pending });
}

const SSIP = 2n;
const [SIE, MIE] = [1 << 1, 1 << 3];

/** Turns the FPU off and on again around a float instruction; only M and S can. */
function emitFloatOff(writer: CodeWriter): void {
  const { asm, options } = writer;
  const csr = options.mode === 'M' ? 0x300 : 0x100;
  asm.li(X.t0, FS).op('csrrc', { rs1: X.t0, csr });
  asm.op('fadd.d', { rd: 1, rs1: 2, rs2: 3 }).op('csrrs', { rd: X.t1, csr: 3 });
  asm.op('fld', { rd: 1, rs1: X.gp, imm: 16 }).op('fsgnj.s', { rd: 1, rs1: 2, rs2: 3 });
  asm.li(X.t0, FS).op('csrrs', { rs1: X.t0, csr });
}

const MPRV = 1n << 17n;
const MPP = 3n << 11n;

/**
 * M-mode loads and stores with the eyes of a lower mode; elsewhere, a CSR. The mode is set before
 * each: an mret after a trap changes MPP, at which QEMU 7.2 keeps what its TLB found for the old
 * one (riscv_cpu_mmu_index knows no MPRV, and helper_mret does not flush).
 */
export function emitMachineOperation(writer: CodeWriter): void {
  const { prng, asm, options } = writer;
  if (options.mode !== 'M' || !options.hasPaging) return emitRandomCsr(writer);
  const seenAs = prng.chance(2) ? 0n : 1n << 11n;
  asm.li(X.t1, writer.randomPageAddress(8));
  if (prng.chance(3)) asm.li(X.t1, writer.wildAddress(true));
  const become = () => {
    asm.li(X.t0, MPP).op('csrrc', { rs1: X.t0, csr: 0x300 });
    asm.li(X.t0, MPRV | seenAs).op('csrrs', { rs1: X.t0, csr: 0x300 });
  };
  become();
  asm.op(pick(prng, ['ld', 'lbu', 'lw']), { rd: X.t2, rs1: X.t1 });
  become();
  asm.op(pick(prng, ['sd', 'sh']), { rs1: X.t1, rs2: X.t3 });
  asm.li(X.t0, MPRV).op('csrrc', { rs1: X.t0, csr: 0x300 });
}
