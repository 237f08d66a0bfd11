/**
 * Goal: physical memory protection as Priv. 1.12 §3.7 has it. Method: tables of entries and
 * accesses in all modes: address matching (TOR, NA4, NAPOT), priority, accesses that match in part,
 * locks; the page walk; and that a change of an entry is seen at once.
 */
import { defined } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import {
  CSR,
  execute,
  MACHINE,
  makeOpenCore,
  SUPERVISOR,
  USER,
} from '../../test/support/execute.ts';
import { poke, RAM_START } from '../../test/support/make-core.ts';
import type { CoreInterface } from '../core-interface.ts';
import { encode } from '../isa/encode.ts';
import { instructions } from '../isa/table.ts';
import { PMP } from './pmp.ts';

const { R, W, X, L } = PMP;
const [TOR, NA4, NAPOT] = [PMP.TOR << 3, PMP.NA4 << 3, PMP.NAPOT << 3];
const DATA = RAM_START + 0x1_0000;
const [LOAD, STORE, FETCH] = [5, 7, 1];

interface Entry {
  readonly config: number;
  /** As pmpaddr holds it. */
  readonly address: bigint;
}

const napot = (permissions: number, at: number, bytes: number): Entry => ({
  config: NAPOT | permissions,
  address: BigInt(at / 4) | BigInt(bytes / 8 - 1),
});
const na4 = (permissions: number, at: number): Entry => ({
  config: NA4 | permissions,
  address: BigInt(at / 4),
});
const tor = (permissions: number, end: number): Entry => ({
  config: TOR | permissions,
  address: BigInt(end / 4),
});
const off = (at: number): Entry => ({ config: 0, address: BigInt(at / 4) });

/** Entries from 0; the last one opens the first 32 KiB of RAM, where code and traps are. */
function makeProtected(entries: readonly Entry[]): CoreInterface {
  const core = makeOpenCore();
  const code = napot(R | W | X, RAM_START, 0x8000);
  core.hart.setCsr(CSR.pmpaddr0 + 15, code.address);
  entries.forEach(({ address }, i) => core.hart.setCsr(CSR.pmpaddr0 + i, address));
  const configs = entries.reduce(
    (sum, { config }, i) => sum | (BigInt(config) << BigInt(8 * i)),
    0n,
  );
  core.hart.setCsr(CSR.pmpcfg0, configs);
  core.hart.setCsr(CSR.pmpcfg2, BigInt(code.config) << 56n);
  return core;
}

/** The cause of the fault of a load, store or atomic at `at`, or undefined. */
function access(core: CoreInterface, mode: 0 | 1 | 3, name: string, at: number) {
  core.hart.setX(5, BigInt(at));
  const { format } = defined(
    instructions.find((row) => row.name === name),
    name,
  );
  const operands = {
    ...(format === 'store' ? {} : { rd: 7 }),
    ...(format === 'store' || format === 'amo' ? { rs2: 6 } : {}),
  };
  const trap = execute(core, mode, name, { rs1: 5, ...operands });
  if (trap !== undefined) expect(trap.tval).toBe(BigInt(at));
  return trap?.cause;
}

type Case = readonly [
  what: string,
  entries: readonly Entry[],
  accesses: readonly (readonly [instruction: string, at: number, cause: number | undefined])[],
];

const RW = R | W;

/** In S-mode, which needs a matching entry. */
const CASES: readonly Case[] = [
  [
    'no entry matches',
    [],
    [
      ['lw', DATA, LOAD],
      ['sw', DATA, STORE],
    ],
  ],
  [
    'NA4 is four bytes',
    [na4(RW, DATA)],
    [
      ['lw', DATA, undefined],
      ['lb', DATA + 3, undefined],
      ['sw', DATA, undefined],
      ['lb', DATA - 1, LOAD],
      ['lb', DATA + 4, LOAD],
      ['ld', DATA, LOAD],
      ['sd', DATA, STORE],
    ],
  ],
  [
    'NAPOT of 8 bytes',
    [napot(RW, DATA, 8)],
    [
      ['ld', DATA, undefined],
      ['lb', DATA + 7, undefined],
      ['lb', DATA - 1, LOAD],
      ['lb', DATA + 8, LOAD],
      ['lw', DATA + 6, LOAD],
      ['sw', DATA + 6, STORE],
    ],
  ],
  [
    'NAPOT of a page',
    [napot(RW, DATA, 4096)],
    [
      ['ld', DATA, undefined],
      ['ld', DATA + 4088, undefined],
      ['lb', DATA - 1, LOAD],
      ['lb', DATA + 4096, LOAD],
    ],
  ],
  [
    'NAPOT of everything',
    [{ config: NAPOT | RW | X, address: 2n ** 54n - 1n }],
    [
      ['ld', DATA, undefined],
      ['sd', RAM_START + 0x3_fff8, undefined],
    ],
  ],
  [
    'TOR from entry 0 begins at 0',
    [tor(R | X, DATA + 8)],
    [
      ['ld', DATA, undefined],
      ['lb', DATA - 4096, undefined],
      ['lb', DATA + 8, LOAD],
      ['lw', DATA + 6, LOAD],
      ['sb', DATA, STORE],
    ],
  ],
  [
    'TOR from the address below, whose entry is off',
    [off(DATA), tor(RW, DATA + 16)],
    [
      ['ld', DATA, undefined],
      ['ld', DATA + 8, undefined],
      ['lb', DATA - 1, LOAD],
      ['lb', DATA + 16, LOAD],
      ['ld', DATA - 4, LOAD],
      ['ld', DATA + 12, LOAD],
    ],
  ],
  [
    'TOR of an empty range matches nothing',
    [off(DATA + 16), tor(0, DATA + 16), off(DATA + 32), tor(0, DATA + 8), napot(RW, DATA, 4096)],
    [
      ['ld', DATA, undefined],
      ['ld', DATA + 16, undefined],
      ['ld', DATA + 12, undefined],
      // Wider than the gap between the two bounds.
      ['ld', DATA + 6, undefined],
      ['ld', DATA + 28, undefined],
    ],
  ],
  [
    'TOR whose bounds cross inside an access',
    [off(DATA + 8), tor(0, DATA + 4), napot(RW, DATA, 64)],
    [
      ['ld', DATA + 2, undefined],
      ['sd', DATA + 3, undefined],
    ],
  ],
  [
    'the lowest entry that matches decides',
    [na4(R, DATA), napot(RW, DATA, 64), napot(0, DATA, 64)],
    [
      ['lw', DATA, undefined],
      ['sw', DATA, STORE],
      ['sw', DATA + 4, undefined],
    ],
  ],
  [
    'a match in part fails, whatever follows',
    [na4(RW, DATA), napot(RW, DATA, 64)],
    [
      ['ld', DATA, LOAD],
      ['sd', DATA, STORE],

      ['lw', DATA + 2, LOAD],
      ['ld', DATA + 8, undefined],
    ],
  ],
  [
    'execute only',
    [napot(X, DATA, 4096)],
    [
      ['lw', DATA, LOAD],
      ['sw', DATA, STORE],
    ],
  ],
  [
    'W without R is reserved and loses W',
    [napot(W, DATA, 4096)],
    [
      ['lw', DATA, LOAD],
      ['sw', DATA, STORE],
    ],
  ],
  [
    'an atomic needs R and W',
    [napot(R, DATA, 8), napot(RW, DATA + 8, 8)],
    [
      ['lr.d', DATA, undefined],
      ['amoadd.d', DATA, STORE],
      ['sc.d', DATA, STORE],
      ['amoadd.d', DATA + 8, undefined],
    ],
  ],
];

describe('S-mode', () => {
  test.each(CASES)('%s', (_, entries, accesses) => {
    for (const [name, at, cause] of accesses) {
      const what = `${name} at +${at - DATA}`;
      expect(access(makeProtected(entries), SUPERVISOR, name, at), what).toBe(cause);
    }
  });
});

describe('modes and locks', () => {
  test.each([
    ['no entry matches', [], [LOAD, LOAD, undefined]],
    ['an entry without permissions', [napot(0, DATA, 4096)], [LOAD, LOAD, undefined]],
    ['the same, locked', [napot(L, DATA, 4096)], [LOAD, LOAD, LOAD]],
    ['readable, locked', [napot(L | R, DATA, 4096)], [undefined, undefined, undefined]],
    ['a match in part, unlocked', [na4(R, DATA + 4)], [LOAD, LOAD, LOAD]],
  ] as const)('a load of 8 bytes from U, S and M: %s', (_, entries, expected) => {
    const modes = [USER, SUPERVISOR, MACHINE] as const;
    expect(modes.map((mode) => access(makeProtected(entries), mode, 'ld', DATA))).toEqual(expected);
  });

  test('M-mode with MPRV is checked as the mode in MPP', () => {
    for (const [mpp, cause] of [
      [0n, LOAD],
      [1n, LOAD],
      [3n, undefined],
    ] as const) {
      const core = makeProtected([]);
      core.hart.setCsr(CSR.mstatus, (1n << 17n) | (mpp << 11n));
      expect(access(core, MACHINE, 'lw', DATA), `MPP ${mpp}`).toBe(cause);
    }
  });

  test('a locked entry keeps its configuration and address, until reset', () => {
    const { hart } = makeProtected([napot(L | R, DATA, 4096), napot(RW, DATA, 8)]);
    const [config, address] = [hart.getCsr(CSR.pmpcfg0), hart.getCsr(CSR.pmpaddr0)];
    hart.setCsr(CSR.pmpcfg0, 0n);
    hart.setCsr(CSR.pmpaddr0, 0n);
    hart.setCsr(CSR.pmpaddr0 + 1, 0n);
    expect(hart.getCsr(CSR.pmpcfg0), 'entry 1 is off now').toBe((config ?? 0n) & 0xffn);
    expect([hart.getCsr(CSR.pmpaddr0), hart.getCsr(CSR.pmpaddr0 + 1)]).toEqual([address, 0n]);
  });

  test.each([
    ['TOR', tor(L, DATA), false],
    ['NAPOT', napot(L, DATA, 8), true],
  ] as const)('a locked %s entry and the address below it', (_, locked, isWritable) => {
    const { hart } = makeProtected([off(DATA - 64), locked]);
    hart.setCsr(CSR.pmpaddr0, 7n);
    expect(hart.getCsr(CSR.pmpaddr0)).toBe(isWritable ? 7n : BigInt((DATA - 64) / 4));
  });

  test('the lock of entry 8 reaches entry 7, over the two configuration registers', () => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.pmpaddr0 + 8, 99n);
    core.hart.setCsr(CSR.pmpcfg2, BigInt(L | TOR));
    core.hart.setCsr(CSR.pmpaddr0 + 7, 7n);
    core.hart.setCsr(CSR.pmpaddr0 + 8, 7n);
    core.hart.setCsr(CSR.pmpaddr0 + 9, 7n);
    const found = [7, 8, 9].map((i) => core.hart.getCsr(CSR.pmpaddr0 + i));
    expect(found).toEqual([0n, 99n, 7n]);
  });
});

test('of an access over two pages, the fault names the page that is refused', () => {
  const core = makeProtected([napot(RW, DATA, 4096)]);
  for (const [name, cause] of [
    ['ld', LOAD],
    ['sd', STORE],
  ] as const) {
    core.hart.setX(5, BigInt(DATA + 4092));
    const operands = name === 'ld' ? { rd: 7, rs1: 5 } : { rs1: 5, rs2: 6 };
    const trap = execute(core, SUPERVISOR, name, operands);
    expect(trap).toEqual({ to: 'M', cause, tval: BigInt(DATA + 4096) });
  }
});

describe('where a check could be forgotten', () => {
  test('a change of an entry is seen by the next access, fast translations or not', () => {
    const core = makeProtected([napot(RW, DATA, 4096)]);
    for (let i = 0; i < 3; i++) {
      core.hart.setCsr(CSR.pmpcfg0, BigInt(NAPOT | RW));
      expect(access(core, SUPERVISOR, 'lw', DATA)).toBeUndefined();
      expect(access(core, SUPERVISOR, 'sw', DATA)).toBeUndefined();
      core.hart.setCsr(CSR.pmpcfg0, BigInt(NAPOT | R));
      expect(access(core, SUPERVISOR, 'lw', DATA)).toBeUndefined();
      expect(access(core, SUPERVISOR, 'sw', DATA)).toBe(STORE);
      core.hart.setCsr(CSR.pmpcfg0, 0n);
      expect(access(core, SUPERVISOR, 'lw', DATA)).toBe(LOAD);
    }
  });

  test.each([
    [R | W, FETCH],
    [R | X, undefined],
  ])('a jump to where permissions are %i', (permissions, cause) => {
    const core = makeProtected([napot(permissions, DATA, 4096)]);
    core.hart.setX(5, BigInt(DATA));
    expect(execute(core, SUPERVISOR, 'jalr', { rs1: 5 })).toBeUndefined();
    core.run(core.step + 1);
    // All zero there: if the fetch is allowed, an illegal instruction.
    expect(core.hart.getCsr(CSR.mcause)).toBe(BigInt(cause ?? 2));
    expect(core.hart.getCsr(CSR.mepc)).toBe(BigInt(DATA));
  });

  test('an instruction over two pages of which the second may not be executed', () => {
    const core = makeProtected([napot(R | X, DATA, 4096)]);
    const at = DATA + 4094;
    poke(core, at, new Uint8Array(new Uint32Array([encode('addi', { rd: 1, imm: 5 })]).buffer));
    core.hart.privilege = SUPERVISOR;
    core.hart.pc = BigInt(at);
    core.run(core.step + 1);
    const trap = ['mcause', 'mepc', 'mtval'] as const;
    const found = trap.map((name) => core.hart.getCsr(CSR[name]));
    expect(found).toEqual([BigInt(FETCH), BigInt(at), BigInt(at + 2)]);
  });

  // §3.7.1: page tables are read and written as by S-mode; the fault is that of the access.
  test.each([
    ['lw', 0, LOAD],
    ['sw', 0, STORE],
    ['lw', R, LOAD], // A must be set
    ['lw', RW, undefined],
  ] as const)('%s over a page table with permissions %i', (name, permissions, cause) => {
    const root = RAM_START + 0x2_0000;
    const core = makeProtected([napot(permissions, root, 4096), napot(RW, DATA, 4096)]);
    const pte = new DataView(new ArrayBuffer(16));
    pte.setBigUint64(0, 0n, true);
    pte.setBigUint64(8, (BigInt(RAM_START / 4096) << 10n) | 0xfn, true); // V, R, W, X
    poke(core, root + 8, new Uint8Array(pte.buffer));
    core.hart.setCsr(CSR.satp, (8n << 60n) | BigInt(root / 4096));
    // M-mode code with the eyes of S-mode.
    core.hart.setCsr(CSR.mstatus, (1n << 17n) | (1n << 11n));
    expect(access(core, MACHINE, name, DATA)).toBe(cause);
  });
});
