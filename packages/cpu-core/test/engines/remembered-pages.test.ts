/**
 * Goal: a loop in a region that remembers the page of its last access forgets it when the
 * architectural TLB does. Method: a loop in S-mode sums a word of a page that is mapped to two
 * physical pages by turns; the entry of the TLB is evicted without a fence, by an access 1024 pages
 * on: a load, a store, or an atomic. Canonical states of both engines are compared at many steps,
 * and the guest's own sum must show both pages.
 */
import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/hart/status.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore, poke, pokeU64, RAM_START } from '../support/make-core.ts';

const { t0, t1, t2, s0, s1, s2, s3, s4, s5 } = X;
const PAGE = 4096;
const [ROOT, MIDDLE, LEAVES, FAR_LEAVES] = [0x1_0000, 0x1_1000, 0x1_2000, 0x1_3000].map(
  (offset) => RAM_START + offset,
) as [number, number, number, number];
const [ONE, TWO, FAR] = [0x2_0000, 0x2_1000, 0x2_2000].map((offset) => RAM_START + offset) as [
  number,
  number,
  number,
];
const VIRTUAL = 0x4000_0000;
/** The same entry of the TLB. */
const EVICTING = VIRTUAL + 1024 * PAGE;
const { V, R, W, X: EXECUTE, A, D } = PTE;
const LEAF = V | R | W | A | D;
const [SATP, MEPC, MSTATUS] = [0x180, 0x341, 0x300];

const pte = (physical: number, flags: number): bigint =>
  (BigInt(physical / PAGE) << 10n) | BigInt(flags);

/** An access at s4, which evicts the entry of the page at s0. */
const EVICTIONS: Readonly<Record<string, (a: Assembler) => void>> = {
  'a load': (a) => void a.op('lw', { rd: t1, rs1: s4 }),
  'a store': (a) => void a.op('sw', { rs2: s3, rs1: s4 }),
  'an atomic': (a) => void a.op('amoadd.w', { rd: t1, rs2: s3, rs1: s4 }),
};

/** s2: sum. s3: rounds so far; each eighth changes the page. */
function assemble(evict: (a: Assembler) => void, access: 'load' | 'store'): Uint8Array {
  const a = new Assembler(RAM_START);
  a.csr(0x3b0, (1n << 54n) - 1n).csr(0x3a0, 0x1f);
  a.csr(SATP, (8n << 60n) | BigInt(ROOT / PAGE)).csr(MSTATUS, 0x800);
  a.li(s0, VIRTUAL).li(s4, EVICTING).li(s5, LEAVES);
  a.li(s1, pte(ONE, LEAF)).li(t2, pte(ONE, LEAF) ^ pte(TWO, LEAF));
  a.la(t0, 'again').op('csrrw', { rs1: t0, csr: MEPC }).op('mret');
  a.label('again').op('addi', { rd: s3, rs1: s3, imm: 1 });
  if (access === 'load') a.op('lw', { rd: t0, rs1: s0 }).op('add', { rd: s2, rs1: s2, rs2: t0 });
  else a.op('sw', { rs1: s0, rs2: s3 });
  a.op('andi', { rd: t0, rs1: s3, imm: 7 }).to('bne', { rs1: t0 }, 'again');
  a.op('xor', { rd: s1, rs1: s1, rs2: t2 }).op('sd', { rs1: s5, rs2: s1 });
  evict(a);
  return a.to('jal', {}, 'again').toBytes();
}

function makeMachine(program: Uint8Array, engine: 'interpreter' | 'translator') {
  const core = makeCore({ ramSizeBytes: 64 * PAGE, engine, hotJumps: 1 });
  poke(core, RAM_START, program);
  pokeU64(core, ROOT + 2 * 8, pte(RAM_START, LEAF | EXECUTE));
  pokeU64(core, ROOT + 1 * 8, pte(MIDDLE, V));
  pokeU64(core, MIDDLE, pte(LEAVES, V));
  pokeU64(core, MIDDLE + 2 * 8, pte(FAR_LEAVES, V));
  pokeU64(core, LEAVES, pte(ONE, LEAF));
  pokeU64(core, FAR_LEAVES, pte(FAR, LEAF));
  pokeU64(core, ONE, 1n);
  pokeU64(core, TWO, 1000n);
  return core;
}

describe.each(['load', 'store'] as const)('a loop with a %s whose page is evicted by', (access) => {
  test.each(Object.keys(EVICTIONS))('%s', (name) => {
    const program = assemble(EVICTIONS[name] as (a: Assembler) => void, access);
    const one = makeMachine(program, 'interpreter');
    const two = makeMachine(program, 'translator');
    for (let step = 1; step <= 6000; step += 1 + (step % 331)) {
      one.run(step);
      two.run(step);
      expect(differenceOf(captureState(one), captureState(two)), `step ${step}`).toBeUndefined();
    }
    const rounds = Number(one.hart.getX(s3));
    expect(rounds).toBeGreaterThan(500);
    if (access === 'store') return;
    const sum = Number(one.hart.getX(s2));
    expect(sum).toBeGreaterThan(rounds * 300);
    expect(sum).toBeLessThan(rounds * 700);
  });
});
