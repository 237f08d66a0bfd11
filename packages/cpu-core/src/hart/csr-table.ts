/**
 * The control and status registers: number, name, what a read gives and what a write does. From
 * this table come the generated switches, the names in disassembly and `docs/isa.md`. Priv. 1.12
 * chapter 2; Sstc; Zicntr.
 *
 * Whether a CSR may be touched at all follows from its number (bits 11..8) and, for some, from a
 * guard.
 */
import { type FunctionBody, I32, I64, load } from '@casmotion/wasm-asm';
import { type HartWord, PMP_ADDR, PMP_COUNT } from './layout.ts';
import {
  FIOM,
  INTERRUPT,
  MENVCFG_STCE,
  MPP_SHIFT,
  MSTATUS,
  PRIVILEGE,
  SATP_SV39,
} from './status.ts';
import type { CsrEffects } from './csr.ts';
import { pendingInterrupts } from './trap.ts';
import { currentStep, setWord, word } from './words.ts';

export interface CsrRow {
  readonly name: string;
  readonly number: number;
  readonly read: (effects: CsrEffects) => I64;
  /** Absent: writes are ignored, or illegal where the number says read-only. */
  readonly write?: (f: FunctionBody, value: I64, effects: CsrEffects) => void;
  /** 1 where the access is allowed in the present mode; on top of the privilege in the number. */
  readonly guard?: (privilege: I64) => I32;
}

const MISA_LETTERS = 'ACDFIMSU';
const MISA =
  (2n << 62n) |
  [...MISA_LETTERS].reduce((bits, c) => bits | (1n << BigInt(c.charCodeAt(0) - 65)), 0n);

const MSTATUS_WRITABLE =
  MSTATUS.SIE |
  MSTATUS.MIE |
  MSTATUS.SPIE |
  MSTATUS.MPIE |
  MSTATUS.SPP |
  MSTATUS.MPP |
  MSTATUS.FS |
  MSTATUS.MPRV |
  MSTATUS.SUM |
  MSTATUS.MXR |
  MSTATUS.TVM |
  MSTATUS.TW |
  MSTATUS.TSR;
const SSTATUS_WRITABLE =
  MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP | MSTATUS.FS | MSTATUS.SUM | MSTATUS.MXR;

const SUPERVISOR_INTERRUPTS = INTERRUPT.SSIP | INTERRUPT.STIP | INTERRUPT.SEIP;
const ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | INTERRUPT.MSIP | INTERRUPT.MTIP | INTERRUPT.MEIP;
/** Exceptions 0..9, 12, 13, 15: all but ecall from M and the reserved ones. */
const MEDELEG_WRITABLE = 0xb3ff;
const COUNTERS = 0b111;

/** A register that keeps the bits of a mask. */
function plain(number: number, name: HartWord, mask: number | bigint = -1): CsrRow {
  return {
    name,
    number,
    read: () => word(name),
    write: (f, value) => setWord(f, name, value.and(mask)),
  };
}

function constant(number: number, name: string, value: number | bigint): CsrRow {
  return { name, number, read: () => I64.const(value) };
}

/** SD is set where FS is dirty; XS and VS do not exist here. */
function statusRead(mask: number | bigint): I64 {
  const sd = I64.const(1n << 63n).select(0, word('mstatus').and(MSTATUS.FS).eq(MSTATUS.FS));
  return word('mstatus').and(mask).or(sd);
}

const hasFloat = (): I32 => word('mstatus').and(MSTATUS.FS).ne(0);

function floatCsr(
  number: number,
  name: string,
  read: () => I64,
  write: (f: FunctionBody, value: I64) => void,
): CsrRow {
  return {
    name,
    number,
    read,
    write: (f, value) => {
      write(f, value);
      setWord(f, 'mstatus', word('mstatus').or(MSTATUS.FS));
    },
    guard: hasFloat,
  };
}

/**
 * Unprivileged counters need mcounteren below M and scounteren below S. Priv. 1.12 §3.1.11, §4.1.5.
 */
function counterGuard(bit: number): (privilege: I64) => I32 {
  return (privilege) => {
    const byMachine = word('mcounteren').shrU(bit).and(1).toI32();
    const bySupervisor = word('scounteren').shrU(bit).and(1).toI32();
    const belowMachine = privilege.ltU(PRIVILEGE.machine);
    const below = byMachine.and(bySupervisor.or(privilege.ne(PRIVILEGE.user)));
    return below.or(belowMachine.eqz());
  };
}

/** A counter over steps: what is written is what the next instruction reads. */
function counter(number: number, name: string, bias: 'instretBias' | 'cycleBias'): CsrRow {
  return {
    name,
    number,
    read: () => currentStep().add(word(bias)),
    write: (f, value) => setWord(f, bias, value.sub(currentStep()).sub(1)),
  };
}

const floatRows: readonly CsrRow[] = [
  floatCsr(
    0x001,
    'fflags',
    () => word('fflags'),
    (f, v) => setWord(f, 'fflags', v.and(31)),
  ),
  floatCsr(
    0x002,
    'frm',
    () => word('frm'),
    (f, v) => setWord(f, 'frm', v.and(7)),
  ),
  floatCsr(
    0x003,
    'fcsr',
    () => word('frm').shl(5).or(word('fflags')),
    (f, v) => {
      setWord(f, 'fflags', v.and(31));
      setWord(f, 'frm', v.shrU(5).and(7));
    },
  ),
];

const counterRows: readonly CsrRow[] = [
  {
    ...constant(0xc00, 'cycle', 0),
    read: () => currentStep().add(word('cycleBias')),
    guard: counterGuard(0),
  },
  { ...constant(0xc01, 'time', 0), read: (effects) => effects.ticksNow(), guard: counterGuard(1) },
  {
    ...constant(0xc02, 'instret', 0),
    read: () => currentStep().add(word('instretBias')),
    guard: counterGuard(2),
  },
  counter(0xb00, 'mcycle', 'cycleBias'),
  counter(0xb02, 'minstret', 'instretBias'),
  constant(0x320, 'mcountinhibit', 0),
  ...range(3, 32).flatMap((i) => [
    constant(0xb00 + i, `mhpmcounter${i}`, 0),
    constant(0x320 + i, `mhpmevent${i}`, 0),
    { ...constant(0xc00 + i, `hpmcounter${i}`, 0), guard: counterGuard(i) },
  ]),
];

const supervisorRows: readonly CsrRow[] = [
  {
    name: 'sstatus',
    number: 0x100,
    read: () => statusRead(BigInt(SSTATUS_WRITABLE) | MSTATUS.UXL),
    write: (f, value, effects) => effects.writeStatus(f, value, SSTATUS_WRITABLE),
  },
  {
    name: 'sie',
    number: 0x104,
    read: () => word('mie').and(word('mideleg')),
    write: (f, value, effects) => {
      const mask = f.let(word('mideleg'));
      setWord(f, 'mie', word('mie').and(mask.xor(-1)).or(value.and(mask)));
      effects.recheck(f);
    },
  },
  plain(0x105, 'stvec', ~2),
  plain(0x106, 'scounteren', COUNTERS),
  plain(0x10a, 'senvcfg', FIOM),
  plain(0x140, 'sscratch'),
  plain(0x141, 'sepc', ~1),
  plain(0x142, 'scause'),
  plain(0x143, 'stval'),
  {
    name: 'sip',
    number: 0x144,
    read: () => pendingInterrupts().and(word('mideleg')),
    write: (f, value, effects) => {
      const mask = f.let(word('mideleg').and(INTERRUPT.SSIP));
      setWord(f, 'mipSoft', word('mipSoft').and(mask.xor(-1)).or(value.and(mask)));
      effects.recheck(f);
    },
  },
  {
    name: 'stimecmp',
    number: 0x14d,
    read: () => word('stimecmp'),
    write: (f, value, effects) => {
      setWord(f, 'stimecmp', value);
      effects.moveDeadline(f);
    },
    // Sstc §2.3: from S-mode only where menvcfg.STCE and mcounteren.TM are set.
    guard: (privilege) => {
      const isEnabled = word('menvcfg').ltS(0).and(word('mcounteren').shrU(1).and(1).toI32());
      return privilege.eq(PRIVILEGE.machine).or(isEnabled);
    },
  },
  {
    name: 'satp',
    number: 0x180,
    read: () => word('satp'),
    write: (f, value, effects) => {
      const mode = f.let(value.shrU(60));
      // A write of a mode that does not exist changes nothing (§4.1.11).
      f.if(mode.eq(0).or(mode.eq(SATP_SV39)), () => {
        setWord(f, 'satp', value);
        effects.flushFast(f);
        setWord(f, 'fetchPage', -1);
        effects.recheck(f);
      });
    },
    guard: (privilege) => {
      const isTrapped = word('mstatus').and(MSTATUS.TVM).ne(0);
      return privilege.eq(PRIVILEGE.supervisor).and(isTrapped).eqz();
    },
  },
];

const machineRows: readonly CsrRow[] = [
  constant(0xf11, 'mvendorid', 0),
  constant(0xf12, 'marchid', 0),
  constant(0xf13, 'mimpid', 0),
  constant(0xf14, 'mhartid', 0),
  constant(0xf15, 'mconfigptr', 0),
  {
    name: 'mstatus',
    number: 0x300,
    read: () => statusRead(BigInt(MSTATUS_WRITABLE) | MSTATUS.XL),
    write: (f, value, effects) => {
      // MPP keeps its value where 2, which is no mode, is written (WARL).
      const isMode = value.shrU(MPP_SHIFT).and(3).ne(2);
      const mask = I64.const(MSTATUS_WRITABLE).select(MSTATUS_WRITABLE & ~MSTATUS.MPP, isMode);
      effects.writeStatus(f, value, mask);
    },
  },
  { ...constant(0x301, 'misa', MISA), write: () => undefined },
  plain(0x302, 'medeleg', MEDELEG_WRITABLE),
  {
    ...plain(0x303, 'mideleg', SUPERVISOR_INTERRUPTS),
    write: (f, value, effects) => {
      setWord(f, 'mideleg', value.and(SUPERVISOR_INTERRUPTS));
      effects.recheck(f);
    },
  },
  {
    ...plain(0x304, 'mie'),
    write: (f, value, effects) => {
      setWord(f, 'mie', value.and(ALL_INTERRUPTS));
      effects.recheck(f);
    },
  },
  plain(0x305, 'mtvec', ~2),
  plain(0x306, 'mcounteren', COUNTERS),
  {
    ...plain(0x30a, 'menvcfg'),
    write: (f, value, effects) => {
      setWord(f, 'menvcfg', value.and(MENVCFG_STCE | FIOM));
      effects.moveDeadline(f);
    },
  },
  plain(0x340, 'mscratch'),
  plain(0x341, 'mepc', ~1),
  plain(0x342, 'mcause'),
  plain(0x343, 'mtval'),
  {
    name: 'mip',
    number: 0x344,
    read: () => pendingInterrupts(),
    write: (f, value, effects) => {
      // Sstc §2.1: with STCE set, STIP is read-only.
      const hasComparator = word('menvcfg').ltS(0);
      const kept = f.let(I64.const(INTERRUPT.STIP).select(0, hasComparator));
      const soft = word('mipSoft').and(kept);
      setWord(f, 'mipSoft', value.and(SUPERVISOR_INTERRUPTS).and(kept.xor(-1)).or(soft));
      effects.recheck(f);
    },
  },
  // No triggers: tselect reads 0 and tdata1 says "none here". Debug 0.13 §5.2.
  ...['tselect', 'tdata1', 'tdata2', 'tdata3'].map((name, i) => constant(0x7a0 + i, name, 0)),
];

const pmpRows: readonly CsrRow[] = [
  pmpConfig(0x3a0, 'pmpcfg0'),
  pmpConfig(0x3a2, 'pmpcfg2'),
  ...range(2, 8).map((i) => constant(0x3a0 + 2 * i, `pmpcfg${2 * i}`, 0)),
  ...range(0, PMP_COUNT).map(pmpAddress),
  ...range(PMP_COUNT, 64).map((i) => constant(0x3b0 + i, `pmpaddr${i}`, 0)),
];

/** Every CSR; a row's place is its number in the generated switches. */
export const csrTable: readonly CsrRow[] = [
  ...floatRows,
  ...counterRows,
  ...supervisorRows,
  ...machineRows,
  ...pmpRows,
];

/**
 * Eight configurations of a byte. Locked ones stay; W without R is reserved and loses W. Priv. 1.12
 * §3.7.1.
 */
function pmpConfig(number: number, name: 'pmpcfg0' | 'pmpcfg2'): CsrRow {
  return {
    name,
    number,
    read: () => word(name),
    write: (f, value, effects) => {
      const old = f.let(word(name));
      // Spread the lock bit of each byte over the byte.
      const locked = old.and(0x8080808080808080n).shrU(7).mul(0xff);
      const readable = value.and(0x0101010101010101n).shl(1);
      const writable = value.and(0x0202020202020202n).and(readable);
      const legal = value.and(0x9d9d9d9d9d9d9d9dn).or(writable);
      setWord(f, name, old.and(locked).or(legal.and(locked.xor(-1))));
      effects.pmpChanged(f);
    },
  };
}

function pmpAddress(i: number): CsrRow {
  const configByte = (index: number): I64 =>
    (index < 8 ? word('pmpcfg0') : word('pmpcfg2')).shrU((index % 8) * 8);
  return {
    name: `pmpaddr${i}`,
    number: 0x3b0 + i,
    read: () => load.i64(0, PMP_ADDR + i * 8),
    write: (f, value, effects) => {
      const isLocked = configByte(i).and(0x80).ne(0);
      // A locked TOR entry locks the address below it too (§3.7.1).
      const nextIsLockedTor =
        i + 1 < PMP_COUNT
          ? configByte(i + 1)
              .and(0x98)
              .eq(0x88)
          : I32.const(0);
      f.if(isLocked.or(nextIsLockedTor).eqz(), () => {
        f.storeI64(0, PMP_ADDR + i * 8, value.and((1n << 54n) - 1n));
        effects.pmpChanged(f);
      });
    },
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
