/**
 * Goal: every CSR exists with its reset value, keeps the bits that it should and no others, and is
 * open to the right modes. Method: a table written by hand after Priv. 1.12 chapters 2 to 4, Sstc
 * and Zicntr; all 4096 numbers read and written in all modes; tables of the guards.
 */
import { describe, expect, test } from 'vitest';
import { CSR, execute, MACHINE, makeOpenCore, MODES } from '../../test/support/execute.ts';
import { makeCore } from '../../test/support/make-core.ts';
import { csrTable } from './csr-table.ts';

const ALL = 2n ** 64n - 1n;
const PMP_CONFIGS = 0x9f9f_9f9f_9f9f_9f9fn;
const RV64ACDFIMSU = 0x8000_0000_0014_112dn;

/** After a write of all ones and after one of zero, in M-mode on a fresh hart. */
type Row = readonly [number: number, name: string, reset: bigint, ones: bigint, zeros: bigint];

const keeps = (number: number, name: string, mask: bigint): Row => [number, name, 0n, mask, 0n];
const fixed = (n: number, name: string, value = 0n): Row => [n, name, value, value, value];
const count = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

const TABLE: readonly Row[] = [
  keeps(0x001, 'fflags', 0x1fn),
  keeps(0x002, 'frm', 0x7n),
  keeps(0x003, 'fcsr', 0xffn),

  // UXL is 2, SD follows FS.
  [0x100, 'sstatus', 0x2_0000_0000n, 0x8000_0002_000c_6122n, 0x2_0000_0000n],
  fixed(0x104, 'sie'), // mideleg is 0
  keeps(0x105, 'stvec', ALL - 2n),
  keeps(0x106, 'scounteren', 7n),
  keeps(0x10a, 'senvcfg', 1n), // FIOM
  keeps(0x140, 'sscratch', ALL),
  keeps(0x141, 'sepc', ALL - 1n),
  keeps(0x142, 'scause', ALL),
  keeps(0x143, 'stval', ALL),
  fixed(0x144, 'sip'), // mideleg is 0
  [0x14d, 'stimecmp', ALL, ALL, 0n],
  fixed(0x180, 'satp'), // all ones is no mode: ignored

  // SXL and UXL are 2.
  [0x300, 'mstatus', 0xa_0000_0000n, 0x8000_000a_007e_79aan, 0xa_0000_0000n],
  fixed(0x301, 'misa', RV64ACDFIMSU),
  keeps(0x302, 'medeleg', 0xb3ffn),
  keeps(0x303, 'mideleg', 0x222n),
  keeps(0x304, 'mie', 0xaaan),
  keeps(0x305, 'mtvec', ALL - 2n),
  keeps(0x306, 'mcounteren', 7n),
  keeps(0x30a, 'menvcfg', 0x8000_0000_0000_0001n), // STCE, FIOM
  fixed(0x320, 'mcountinhibit'),
  keeps(0x340, 'mscratch', ALL),
  keeps(0x341, 'mepc', ALL - 1n),
  keeps(0x342, 'mcause', ALL),
  keeps(0x343, 'mtval', ALL),
  keeps(0x344, 'mip', 0x222n),
  keeps(0x3a0, 'pmpcfg0', PMP_CONFIGS),
  keeps(0x3a2, 'pmpcfg2', PMP_CONFIGS),
  ...count(6, 2).map((i) => fixed(0x3a0 + 2 * i, `pmpcfg${2 * i}`)),
  ...count(16).map((i) => keeps(0x3b0 + i, `pmpaddr${i}`, 2n ** 54n - 1n)),
  ...count(48, 16).map((i) => fixed(0x3b0 + i, `pmpaddr${i}`)),
  ...['tselect', 'tdata1', 'tdata2', 'tdata3'].map((name, i) => fixed(0x7a0 + i, name)),

  keeps(0xb00, 'mcycle', ALL),
  keeps(0xb02, 'minstret', ALL),
  ...count(29, 3).flatMap((i) => [
    fixed(0xb00 + i, `mhpmcounter${i}`),
    fixed(0x320 + i, `mhpmevent${i}`),
    fixed(0xc00 + i, `hpmcounter${i}`),
  ]),
  fixed(0xc00, 'cycle'),
  fixed(0xc01, 'time'),
  fixed(0xc02, 'instret'),
  ...['mvendorid', 'marchid', 'mimpid', 'mhartid', 'mconfigptr'].map((name, i) =>
    fixed(0xf11 + i, name),
  ),
];

/** The CSR after `csrrw` of a value in M-mode on a fresh hart, as the next instruction reads it. */
function valueAfterWrite(number: number, value: bigint): bigint {
  const core = makeCore({ ramSizeBytes: 4 * 4096 });
  if (number <= 3) core.hart.setCsr(CSR.mstatus, 0x6000n);
  core.hart.setX(5, value);
  expect(execute(core, MACHINE, 'csrrw', { rd: 0, rs1: 5, csr: number })).toBeUndefined();
  expect(execute(core, MACHINE, 'csrrs', { rd: 6, rs1: 0, csr: number })).toBeUndefined();
  return core.hart.getX(6);
}

const isReadOnly = (number: number) => number >> 10 === 3;
const lowestMode = (number: number) => (number >> 8) & 3;

describe('the table of CSRs', () => {
  test('has these and no others', () => {
    const names = (rows: readonly (readonly [number, string])[]) =>
      rows.map(([number, name]) => `${number.toString(16)} ${name}`).toSorted();
    const found = csrTable.map(({ number, name }) => [number, name] as const);
    expect(names(found)).toEqual(names(TABLE.map(([number, name]) => [number, name] as const)));
  });

  const { hart } = makeCore({ ramSizeBytes: 4 * 4096 });
  test.each(TABLE)('%i %s: reset value and writable bits', (number, name, reset, ones, zeros) => {
    expect(hart.getCsr(number), `${name} at reset`).toBe(reset);
    if (isReadOnly(number)) return;
    expect(valueAfterWrite(number, ALL), `${name} after all ones`).toBe(ones);
    expect(valueAfterWrite(number, 0n), `${name} after zero`).toBe(zeros);
  });

  test('what JavaScript writes, JavaScript reads', () => {
    for (const [number, name, , ones] of TABLE) {
      const core = makeCore({ ramSizeBytes: 4 * 4096 });
      execute(core, MACHINE, 'fence');
      if (!isReadOnly(number)) core.hart.setCsr(number, ALL);
      if (!isReadOnly(number)) expect(core.hart.getCsr(number), name).toBe(ones);
    }
    const { hart } = makeCore({ ramSizeBytes: 4 * 4096 });
    expect(hart.getCsr(0x7c0)).toBeUndefined();
  });

  test.each(Object.entries(MODES))('all numbers from %s-mode', (_, mode) => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.mcounteren, 7n);
    core.hart.setCsr(CSR.scounteren, 7n);
    core.hart.setCsr(CSR.menvcfg, 1n << 63n);
    const numbers = new Set(TABLE.map(([number]) => number));
    // mcounteren has no bits for these.
    const isClosedBelow = (number: number) => number >= 0xc03 && number <= 0xc1f;
    for (let number = 0; number < 4096; number++) {
      const isClosed = isClosedBelow(number) && mode !== MACHINE;
      const canRead = numbers.has(number) && mode >= lowestMode(number) && !isClosed;
      const canWrite = canRead && !isReadOnly(number);
      const what = `csr 0x${number.toString(16)}`;
      const illegal = (can: boolean) => (can ? undefined : 2);
      const read = execute(core, mode, 'csrrs', { rd: 6, rs1: 0, csr: number });
      expect(read?.cause, `read of ${what}`).toBe(illegal(canRead));
      // What is written is what is there, so that nothing changes for those that follow.
      core.hart.setX(5, core.hart.getCsr(number) ?? 0n);
      const write = execute(core, mode, 'csrrw', { rd: 0, rs1: 5, csr: number });
      expect(write?.cause, `write of ${what}`).toBe(illegal(canWrite));
    }
  });
});

describe('reads and writes', () => {
  const READ_ONLY = 0xf14;
  test.each([
    ['csrrs', { rd: 1, rs1: 0, csr: READ_ONLY }, undefined],
    ['csrrc', { rd: 1, rs1: 0, csr: READ_ONLY }, undefined],
    ['csrrsi', { rd: 1, imm: 0, csr: READ_ONLY }, undefined],
    ['csrrci', { rd: 1, imm: 0, csr: READ_ONLY }, undefined],
    // A register that holds 0 still writes (Unprivileged ISA §9.1), and so does csrrw of x0.
    ['csrrs', { rd: 1, rs1: 7, csr: READ_ONLY }, 2],
    ['csrrc', { rd: 1, rs1: 7, csr: READ_ONLY }, 2],
    ['csrrsi', { rd: 1, imm: 1, csr: READ_ONLY }, 2],
    ['csrrw', { rd: 1, rs1: 0, csr: READ_ONLY }, 2],
    ['csrrwi', { rd: 0, imm: 0, csr: READ_ONLY }, 2],
  ] as const)('%s %o of a read-only CSR', (name, operands, cause) => {
    expect(execute(makeOpenCore(), MACHINE, name, operands)?.cause).toBe(cause);
  });

  test('MPP keeps its mode where 2 is written', () => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.mstatus, 1n << 11n);
    core.hart.setCsr(CSR.mstatus, 2n << 11n);
    expect(core.hart.getCsr(CSR.mstatus)).toBe(0xa_0000_0000n | (1n << 11n));
  });

  test.each([0n, 8n])('satp keeps mode %i, 16 bits of ASID and 44 of PPN', (mode) => {
    const core = makeOpenCore();
    const value = (mode << 60n) | (2n ** 60n - 1n);
    core.hart.setCsr(CSR.satp, value);
    expect(core.hart.getCsr(CSR.satp)).toBe(value);
    for (const other of [1n, 7n, 9n, 10n, 15n]) core.hart.setCsr(CSR.satp, other << 60n);
    expect(core.hart.getCsr(CSR.satp), 'other modes are ignored').toBe(value);
  });
});

describe('guards', () => {
  // Bit of the counter, mcounteren, scounteren; open to U, S, M. Priv. 1.12 §3.1.11, §4.1.5.
  const cases = [0, 1, 2].flatMap((bit) =>
    [0, 1].flatMap((machine) =>
      [0, 1].map((supervisor) => ({
        ...{ csr: 0xc00 + bit, bit, machine, supervisor },
        open: { U: machine === 1 && supervisor === 1, S: machine === 1, M: true },
      })),
    ),
  );
  test.each(cases)('counter $csr with mcounteren $machine, scounteren $supervisor', (row) => {
    const core = makeOpenCore();
    // The other bits are the opposite.
    const others = BigInt(7 & ~(1 << row.bit));
    const bits = (on: number) => (on === 1 ? 1n << BigInt(row.bit) : others);
    core.hart.setCsr(CSR.mcounteren, bits(row.machine));
    core.hart.setCsr(CSR.scounteren, bits(row.supervisor));
    for (const [name, mode] of Object.entries(MODES)) {
      const trap = execute(core, mode, 'csrrs', { rd: 1, rs1: 0, csr: row.csr });
      const isOpen = row.open[name as 'U' | 'S' | 'M'];
      expect(trap?.cause, name).toBe(isOpen ? undefined : 2);
    }
  });

  // Sstc §2.3 (menvcfg.STCE, mcounteren.TM): stimecmp from S-mode needs both.
  test.each([
    [0, 0, false],
    [0, 1, false],
    [1, 0, false],
    [1, 1, true],
  ])('stimecmp with STCE %i, TM %i', (stce, tm, isOpen) => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.menvcfg, BigInt(stce) << 63n);
    core.hart.setCsr(CSR.mcounteren, BigInt(tm) << 1n);
    const access = (mode: 0 | 1 | 3) =>
      execute(core, mode, 'csrrs', { rd: 1, rs1: 0, csr: CSR.stimecmp })?.cause;
    expect([access(0), access(1), access(3)]).toEqual([2, isOpen ? undefined : 2, undefined]);
  });

  test.each([0x001, 0x002, 0x003])('float CSR %i with FS off and on', (csr) => {
    const core = makeOpenCore();
    for (const fs of [0n, 1n, 2n, 3n]) {
      core.hart.setCsr(CSR.mstatus, fs << 13n);
      const trap = execute(core, MACHINE, 'csrrs', { rd: 1, rs1: 0, csr });
      expect(trap?.cause, `FS ${fs}`).toBe(fs === 0n ? 2 : undefined);
      if (fs === 0n) continue;
      execute(core, MACHINE, 'csrrw', { rd: 1, rs1: 0, csr });
      expect(((core.hart.getCsr(CSR.mstatus) ?? 0n) >> 13n) & 3n, 'a write makes it dirty').toBe(
        3n,
      );
    }
  });

  // Priv. 1.12 §3.1.6.5: what TVM, TW and TSR trap, in S-mode only; U-mode may do none of it.
  const [TVM, TW, TSR] = [1n << 20n, 1n << 21n, 1n << 22n];
  test.each([
    ['csrrs', { rd: 1, rs1: 0, csr: CSR.satp }, TVM],
    ['sfence.vma', {}, TVM],
    ['wfi', {}, TW],
    ['sret', {}, TSR],
  ] as const)('%s %o is trapped by bit %i', (name, operands, bit) => {
    for (const status of [0n, TVM, TW, TSR]) {
      const core = makeOpenCore();
      core.hart.setCsr(CSR.mstatus, status);
      const causes = Object.values(MODES).map((mode) => execute(core, mode, name, operands)?.cause);
      const inSupervisor = status === bit ? 2 : undefined;
      expect(causes, `mstatus ${status.toString(16)}`).toEqual([2, inSupervisor, undefined]);
    }
  });
});

describe('counters', () => {
  test('a trap is a step but retires nothing; cycles count both', () => {
    const core = makeOpenCore();
    const before = [core.hart.getCsr(0xb00) ?? 0n, core.hart.getCsr(0xb02) ?? 0n] as const;
    execute(core, MACHINE, 'fence');
    execute(core, MACHINE, 'ecall');
    execute(core, MACHINE, 'fence');
    expect(core.step).toBe(3);
    expect(core.hart.getCsr(0xb00)).toBe(before[0] + 3n);
    expect(core.hart.getCsr(0xb02)).toBe(before[1] + 2n);
  });

  test.each([
    [0xb00, 0xc00],
    [0xb02, 0xc02],
  ])('what is written to %i is what the next instruction reads, also at %i', (machine, user) => {
    const core = makeOpenCore();
    core.hart.setX(5, 1000n);
    execute(core, MACHINE, 'csrrw', { rd: 0, rs1: 5, csr: machine });
    execute(core, MACHINE, 'csrrs', { rd: 6, rs1: 0, csr: machine });
    execute(core, MACHINE, 'csrrs', { rd: 7, rs1: 0, csr: user });
    expect([core.hart.getX(6), core.hart.getX(7)]).toEqual([1000n, 1001n]);
    core.hart.setCsr(machine, 5n);
    expect(core.hart.getCsr(machine)).toBe(5n);
    execute(core, MACHINE, 'csrrs', { rd: 6, rs1: 0, csr: machine });
    expect(core.hart.getX(6), 'also after a write from JavaScript').toBe(5n);
  });

  test('time is the line over steps', () => {
    const core = makeOpenCore();
    core.timeLine = { originStep: 0, originTicks: 100, slope: 3 * 2 ** 31 };
    for (let i = 0; i < 4; i++) execute(core, MACHINE, 'csrrs', { rd: 10 + i, rs1: 0, csr: 0xc01 });
    expect([10, 11, 12, 13].map((i) => core.hart.getX(i))).toEqual([100n, 101n, 103n, 104n]);
  });
});
