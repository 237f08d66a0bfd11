/**
 * Goal: interrupts and exceptions are taken when, where and in the order that Priv. 1.12 says, and
 * Sstc's timer is pending exactly when due. Method: all combinations of pending interrupts,
 * delegation, mode and enables against a model in a few lines; tables of exceptions, of trap entry
 * and of returns.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import {
  CODE,
  CSR,
  execute,
  MACHINE,
  makeOpenCore,
  MODES,
  SUPERVISOR,
  type Trap,
  TRAP_TO_MACHINE,
  TRAP_TO_SUPERVISOR,
  trapOf,
  USER,
} from '../../test/support/execute.ts';
import { differenceOf } from '../../test/support/compare-states.ts';
import { captureState, poke, RAM_START } from '../../test/support/make-core.ts';
import type { CoreInterface, InterruptName } from '../core-interface.ts';

const [SSIP, MSIP, STIP, MTIP, SEIP, MEIP] = [1, 3, 5, 7, 9, 11];
/** §3.1.9 and §4.1.3: the order of priority. */
const PRIORITY = [MEIP, MSIP, MTIP, SEIP, SSIP, STIP];
const LINES: readonly (readonly [InterruptName, number])[] = [
  ['MEIP', MEIP],
  ['MSIP', MSIP],
  ['MTIP', MTIP],
  ['SEIP', SEIP],
  ['SSIP', SSIP],
];
const [SIE, MIE, SPIE, MPIE, SPP] = [1n << 1n, 1n << 3n, 1n << 5n, 1n << 7n, 1n << 8n];

interface Situation {
  readonly mode: 0 | 1 | 3;
  readonly pending: number;
  readonly enabled: number;
  readonly delegated: number;
  readonly sie: boolean;
  readonly mie: boolean;
}

/** §3.1.6.1, §3.1.9: whom an interrupt of which cause traps to. */
function interruptOf(situation: Situation): Pick<Trap, 'to' | 'cause'> | undefined {
  const { mode, pending, enabled, delegated, sie, mie } = situation;
  const isTakeable = (cause: number, to: 'M' | 'S') => {
    const bit = 1 << cause;
    if ((pending & enabled & bit) === 0) return false;
    if (((delegated & bit) === 0 ? 'M' : 'S') !== to) return false;
    return to === 'M' ? mode < MACHINE || mie : mode === USER || (mode === SUPERVISOR && sie);
  };
  for (const to of ['M', 'S'] as const) {
    const cause = PRIORITY.find((candidate) => isTakeable(candidate, to));
    if (cause !== undefined) return { to, cause: -cause };
  }
  return undefined;
}

function setUp(core: CoreInterface, situation: Situation): void {
  const { hart } = core;
  for (const [name, bit] of LINES) core.setInterrupt(name, ((situation.pending >> bit) & 1) === 1);
  // SSIP and STIP are bits of software too: this write would clear what the board set.
  hart.setCsr(CSR.mip, BigInt(situation.pending & ((1 << STIP) | (1 << SSIP))));
  hart.setCsr(CSR.mie, BigInt(situation.enabled));
  hart.setCsr(CSR.mideleg, BigInt(situation.delegated));
  hart.setCsr(CSR.mstatus, (situation.sie ? SIE : 0n) | (situation.mie ? MIE : 0n));
}

/** Bits of a number, spread over the causes of interrupts. */
function spread(bits: number, causes: readonly number[]): number {
  return causes.reduce((sum, cause, i) => sum | (((bits >> i) & 1) << cause), 0);
}

describe('interrupts', () => {
  test('all pending sets, delegations, modes and enables', () => {
    const core = makeOpenCore();
    const prng = new Prng(3);
    const taken = new Map<string, number>();
    const supervisor = [SSIP, STIP, SEIP];
    for (let pending = 0; pending < 64; pending++) {
      for (let rest = 0; rest < 8 * 3 * 4; rest++) {
        const situation: Situation = {
          mode: ([USER, SUPERVISOR, MACHINE] as const)[(rest >> 5) as 0 | 1 | 2],
          pending: spread(pending, PRIORITY),
          enabled: spread(prng.chance(2) ? 63 : prng.below(64), PRIORITY),
          delegated: spread(rest & 7, supervisor),
          sie: (rest & 8) !== 0,
          mie: (rest & 16) !== 0,
        };
        setUp(core, situation);
        const trap = execute(core, situation.mode, 'fence');
        const expected = interruptOf(situation);
        expect(trap?.to, JSON.stringify(situation)).toBe(expected?.to);
        expect(trap?.cause, JSON.stringify(situation)).toBe(expected?.cause);
        const key = `${expected?.to} ${expected?.cause}`;
        taken.set(key, (taken.get(key) ?? 0) + 1);
        core.hart.setCsr(CSR.mideleg, 0n);
      }
    }
    // Six to M-mode, three to S-mode, and none.
    expect(taken.size).toBe(10);
  });

  test('an interrupt is no step and has no tval; vectored, it goes to 4 times its cause', () => {
    for (const [delegated, vector, page] of [
      [0n, CSR.mtvec, TRAP_TO_MACHINE],
      [1n << 9n, CSR.stvec, TRAP_TO_SUPERVISOR],
    ] as const) {
      const core = makeOpenCore();
      core.hart.setCsr(vector, BigInt(page) | 1n);
      core.hart.setCsr(CSR.mideleg, delegated);
      core.hart.setCsr(CSR.mie, 1n << 9n);
      core.hart.privilege = USER;
      core.hart.pc = BigInt(CODE);
      core.setInterrupt('SEIP', true);
      const before = core.hart.getCsr(0xb02) ?? 0n;
      core.run(core.step + 1);
      // The step made is the first of the handler.
      expect(core.hart.pc).toBe(BigInt(page + 4 * 9));
      expect(trapOf(core)).toEqual({ to: delegated === 0n ? 'M' : 'S', cause: -9, tval: 0n });
      expect(core.hart.getCsr(delegated === 0n ? CSR.mepc : CSR.sepc)).toBe(BigInt(CODE));
      expect(core.hart.getCsr(0xb02)).toBe(before + 1n);
    }
  });

  test('an exception is not vectored', () => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.mtvec, BigInt(TRAP_TO_MACHINE) | 1n);
    execute(core, USER, 'ecall');
    expect(core.hart.pc).toBe(BigInt(TRAP_TO_MACHINE));
  });

  test.each([
    ['csrrs', CSR.mie, 1n << 7n],
    ['csrrs', CSR.mstatus, MIE],
  ])('%s of 0x%s takes what it unmasks at once', (name, csr, bit) => {
    const core = makeOpenCore();
    core.setInterrupt('MTIP', true);
    if (csr === CSR.mie) core.hart.setCsr(CSR.mstatus, MIE);
    else core.hart.setCsr(CSR.mie, 1n << 7n);
    core.hart.setX(5, bit);
    expect(execute(core, MACHINE, name, { rd: 0, rs1: 5, csr })).toMatchObject({ cause: -MTIP });
    expect(core.hart.getCsr(CSR.mepc), 'after it').toBe(BigInt(CODE + 4));
  });

  test.each(['MSIP', 'MTIP', 'MEIP'] as const)('%s is read-only in mip', (name) => {
    const core = makeOpenCore();
    core.setInterrupt(name, true);
    const before = core.hart.getCsr(CSR.mip);
    core.hart.setCsr(CSR.mip, 0n);
    expect(core.hart.getCsr(CSR.mip)).toBe(before);
    core.setInterrupt(name, false);
    expect(core.hart.getCsr(CSR.mip)).toBe(0n);
  });

  // §3.1.9: SEIP reads as the OR of a bit that software has and the line; csrrs and csrrc modify
  // the bit alone.
  test.each([
    ['csrrs', 0n, true, 0n],
    ['csrrs', 1n << 9n, true, 1n << 9n],
    ['csrrc', 1n << 9n, true, 0n],
    ['csrrs', 1n << 5n, true, 1n << 5n],
    ['csrrw', 1n << 9n, true, 1n << 9n],
    ['csrrw', 0n, false, 0n],
  ])('%s of 0x%s in mip with the line of SEIP %s leaves %s', (name, source, line, left) => {
    const core = makeOpenCore();
    core.setInterrupt('SEIP', line);
    core.hart.setX(5, source);
    execute(core, MACHINE, name, { rd: 6, rs1: 5, csr: CSR.mip });
    expect(core.hart.getX(6) >> 9n).toBe(line ? 1n : 0n);
    core.setInterrupt('SEIP', false);
    expect(core.hart.getCsr(CSR.mip)).toBe(left);
  });

  test.each([
    [0n, 0n],
    [0x222n, 0x222n],
    [0x002n, 0x002n],
    [0x020n, 0x020n],
  ])('sip and sie show what mideleg %s delegates', (delegated, shown) => {
    const { hart } = makeOpenCore();
    hart.setCsr(CSR.mideleg, delegated);
    hart.setCsr(CSR.mip, 0x222n);
    hart.setCsr(CSR.mie, 0xaaan);
    expect([hart.getCsr(CSR.sip), hart.getCsr(CSR.sie)]).toEqual([shown, shown]);
    hart.setCsr(CSR.sip, 0n);
    hart.setCsr(CSR.sie, 0n);
    // Of sip only SSIP can be written (§4.1.3).
    expect(hart.getCsr(CSR.mip)).toBe(0x222n & ~(delegated & 2n));
    expect(hart.getCsr(CSR.mie)).toBe(0xaaan & ~delegated);
  });
});

describe('WFI', () => {
  test.each([
    ['nothing pending', 0n, 0xaaan, 'wfi'],
    ['pending, not enabled in mie', 1n << 7n, 0n, 'wfi'],
    ['pending and enabled, whatever MIE', 1n << 7n, 1n << 7n, 'budget'],
    ['delegated, to a lower mode', 1n << 9n, 1n << 9n, 'budget'],
  ] as const)('%s', (_, line, enabled, exit) => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.mideleg, 0x222n);
    core.hart.setCsr(CSR.mie, enabled);
    if (line !== 0n) core.setInterrupt(line === 1n << 7n ? 'MTIP' : 'SEIP', true);
    // The core's last instruction tells: a step is made either way, pc is after it.
    execute(core, MACHINE, 'wfi');
    expect(core.hart.pc).toBe(BigInt(CODE + 4));
    core.hart.pc = BigInt(CODE);
    expect(core.run(core.step + 1)).toBe(exit);
    expect(core.hasWakeUp).toBe(exit === 'budget');
  });
});

describe('exceptions', () => {
  const CAUSES = { ecall: { U: 8, S: 9, M: 11 }, ebreak: { U: 3, S: 3, M: 3 } } as const;
  const cases = (['ecall', 'ebreak'] as const).flatMap((name) =>
    (['U', 'S', 'M'] as const).flatMap((from) =>
      [true, false].map((delegated) => ({ name, from, delegated, cause: CAUSES[name][from] })),
    ),
  );

  test.each(cases)('$name from $from-mode, delegated $delegated', (row) => {
    const { name, from, delegated, cause } = row;
    const core = makeOpenCore();
    core.hart.setCsr(CSR.medeleg, delegated ? 2n ** 16n - 1n : ~(1n << BigInt(cause)));
    core.hart.setCsr(CSR.mstatus, SIE | MIE);
    const trap = execute(core, MODES[from], name);
    // From M-mode nothing is delegated, and an ecall from there cannot be.
    const to = delegated && from !== 'M' ? 'S' : 'M';
    expect(trap).toMatchObject({ to, cause });
    expect(core.hart.privilege).toBe(MODES[to]);
    expect(core.hart.getCsr(to === 'M' ? CSR.mepc : CSR.sepc)).toBe(BigInt(CODE));
    // The enable moves to xPIE, the mode to xPP; the other mode's fields stay.
    const status = (core.hart.getCsr(CSR.mstatus) ?? 0n) & 0x1_ffffn;
    const previous = BigInt(MODES[from]);
    const expected = to === 'M' ? SIE | MPIE | (previous << 11n) : MIE | SPIE | (previous * SPP);
    expect(status.toString(16)).toBe(expected.toString(16));
  });

  const NOWHERE = 0x5000_0000n;
  // §3.1.15, §3.1.16. Atomics must be aligned (§3.6.4); sc and AMOs count as stores.
  test.each([
    ['lw', { rd: 1, rs1: 5 }, NOWHERE, 5, NOWHERE],
    ['sw', { rs1: 5, rs2: 6 }, NOWHERE, 7, NOWHERE],
    ['fld', { rd: 1, rs1: 5, imm: 8 }, NOWHERE, 5, NOWHERE + 8n],
    ['amoadd.w', { rd: 1, rs1: 5, rs2: 6 }, NOWHERE, 7, NOWHERE],
    ['lr.d', { rd: 1, rs1: 5 }, NOWHERE, 5, NOWHERE],
    ['lr.w', { rd: 1, rs1: 5 }, BigInt(CODE + 2), 4, BigInt(CODE + 2)],
    ['lr.d', { rd: 1, rs1: 5 }, BigInt(CODE + 4), 4, BigInt(CODE + 4)],
    ['sc.w', { rd: 1, rs1: 5, rs2: 6 }, BigInt(CODE + 1), 6, BigInt(CODE + 1)],
    ['amoor.d', { rd: 1, rs1: 5, rs2: 6 }, BigInt(CODE + 4), 6, BigInt(CODE + 4)],
    ['lw', { rd: 1, rs1: 5 }, 2n ** 56n, 5, 2n ** 56n],
    ['ebreak', {}, 0n, 3, BigInt(CODE)],
    ['ecall', {}, 0n, 11, 0n],
    ['csrrw', { rd: 0, rs1: 0, csr: 0xc00 }, 0n, 2, 0xc000_1073n],
  ] as const)('%s %o with x5 = %i: cause %i', (name, operands, x5, cause, tval) => {
    const core = makeOpenCore();
    core.hart.setX(5, x5);
    const before = captureState(core);
    expect(execute(core, MACHINE, name, operands)).toEqual({ to: 'M', cause, tval });
    // Nothing else happened: no register, no memory but the instruction's own.
    expect([core.hart.getX(1), core.hart.getX(5)]).toEqual([0n, x5]);
    before.ram.set(core.ram.subarray(CODE - RAM_START, CODE - RAM_START + 4), CODE - RAM_START);
    const { snapshot } = before;
    expect(differenceOf({ snapshot, ram: core.ram }, before)).toBeUndefined();
  });

  test.each([
    [0x0000, 2, 0n],
    [0x8002, 2, 0x8002n], // c.jr x0 is reserved
    [0xffff_ffff, 4, 0xffff_ffffn],
    [0x0000_5053, 4, 0x5053n], // a reserved rounding mode
  ])('the bits of illegal 0x%i are its tval', (bits, sizeBytes, tval) => {
    const core = makeOpenCore();
    poke(core, CODE, new Uint8Array(new Uint32Array([bits]).buffer).slice(0, sizeBytes));
    core.hart.pc = BigInt(CODE);
    core.run(core.step + 1);
    expect(trapOf(core)).toEqual({ to: 'M', cause: 2, tval });
  });

  test.each([
    ['sret', SUPERVISOR, SPP | SPIE, SUPERVISOR, SIE | SPIE],
    ['sret', SUPERVISOR, 0n, USER, SPIE],
    ['sret', MACHINE, SPP | SPIE, SUPERVISOR, SIE | SPIE],
    ['mret', MACHINE, 0x1800n | MPIE, MACHINE, MIE | MPIE],
    ['mret', MACHINE, 0x0800n, SUPERVISOR, MPIE],
    ['mret', MACHINE, SIE | MPIE, USER, SIE | MIE | MPIE],
    // MPRV is cleared by a return to a mode below M (§3.1.6.3).
    ['mret', MACHINE, 0x2_1800n, MACHINE, 0x2_0000n | MPIE],
    ['mret', MACHINE, 0x2_0800n, SUPERVISOR, MPIE],
    ['sret', MACHINE, 0x2_0000n | SPP, SUPERVISOR, SPIE],
  ] as const)('%s from mode %i with mstatus %s', (name, from, status, to, after) => {
    const core = makeOpenCore();
    core.hart.setCsr(CSR.mstatus, status);
    core.hart.setCsr(CSR.mepc, BigInt(CODE + 0x40));
    core.hart.setCsr(CSR.sepc, BigInt(CODE + 0x40));
    expect(execute(core, from, name)).toBeUndefined();
    expect([core.hart.privilege, core.hart.pc]).toEqual([to, BigInt(CODE + 0x40)]);
    const found = (core.hart.getCsr(CSR.mstatus) ?? 0n) & 0x3_ffffn;
    expect(found.toString(16)).toBe(after.toString(16));
  });
});

describe('Sstc', () => {
  const NEVER = 2n ** 64n - 1n;

  /** A tick a step; STIP as it reads at a step. */
  function makeTimed(stce: boolean, stimecmp: bigint): CoreInterface {
    const core = makeOpenCore();
    core.timeLine = { originStep: 0, originTicks: 0, slope: 2 ** 32 };
    core.hart.setCsr(CSR.menvcfg, stce ? 1n << 63n : 0n);
    core.hart.setCsr(CSR.stimecmp, stimecmp);
    core.refreshTimerInterrupt();
    return core;
  }
  const isPending = (core: CoreInterface) => ((core.hart.getCsr(CSR.mip) ?? 0n) >> 5n) & 1n;

  test.each([
    [true, 5n, [0n, 0n, 0n, 0n, 0n, 1n, 1n]],
    [true, 0n, [1n, 1n, 1n, 1n, 1n, 1n, 1n]],
    [true, NEVER, [0n, 0n, 0n, 0n, 0n, 0n, 0n]],
    [false, 0n, [0n, 0n, 0n, 0n, 0n, 0n, 0n]],
  ])('STCE %s, stimecmp %i: STIP by step', (stce, stimecmp, expected) => {
    const core = makeTimed(stce, stimecmp);
    const found = expected.map(() => {
      core.refreshTimerInterrupt();
      const pending = isPending(core);
      execute(core, MACHINE, 'fence');
      return pending;
    });
    expect(found).toEqual(expected);
  });

  test('the deadline is told to the machine, clamped, and moving it ends the run', () => {
    expect(makeTimed(false, 7n).stimecmpTicks).toBeUndefined();
    expect(makeTimed(true, 7n).stimecmpTicks).toBe(7);
    expect(makeTimed(true, NEVER).stimecmpTicks).toBe(Number.MAX_SAFE_INTEGER);
    for (const csr of [CSR.stimecmp, CSR.menvcfg]) {
      const core = makeTimed(true, 7n);
      execute(core, MACHINE, 'csrrw', { rd: 0, rs1: 0, csr });
      core.hart.pc = BigInt(CODE);
      expect(core.run(core.step + 5)).toBe('attention');
      expect(core.hart.pc).toBe(BigInt(CODE + 4));
    }
  });

  test('with STCE set STIP cannot be written; with it clear it can, as before', () => {
    for (const stce of [true, false]) {
      const core = makeTimed(stce, NEVER);
      core.hart.setCsr(CSR.mip, 1n << 5n);
      expect(isPending(core)).toBe(stce ? 0n : 1n);
      core.hart.setCsr(CSR.menvcfg, 0n);
      expect(isPending(core), 'nor is it kept for later').toBe(stce ? 0n : 1n);
    }
  });

  test('is an S-mode interrupt like any other', () => {
    const core = makeTimed(true, 1n);
    core.hart.setCsr(CSR.mideleg, 1n << 5n);
    core.hart.setCsr(CSR.mie, 1n << 5n);
    expect(execute(core, USER, 'fence'), 'not due').toBeUndefined();
    core.refreshTimerInterrupt();
    expect(execute(core, USER, 'fence')).toMatchObject({ to: 'S', cause: -5 });
    expect(trapOf(core)?.tval).toBe(0n);
  });
});
