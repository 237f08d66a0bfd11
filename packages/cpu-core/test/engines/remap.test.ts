/**
 * Goal: a region that spans pages follows what maps them: by a changed entry and each form of
 * sfence.vma, or none, by another address space under its own ASID, and through an instruction that
 * straddles two pages. Method: a loop in S-mode that calls a function over the end of its page
 * while the second page is mapped to two physical pages by turns; canonical states of both engines
 * are compared at many steps. The guest's own sum must show both pages. And a page that is mapped
 * at two addresses jumps from the one to the other: what it knows of pc must go with it.
 */
import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/hart/status.ts';
import { encode } from '../../src/isa/encode.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore, poke, pokeU64, RAM_START } from '../support/make-core.ts';

const { t0, t1, t2, s0, s1, s2, s3, s4, a0, ra } = X;
const PAGE = 4096;
const RAM_BYTES = 64 * PAGE;
const ROOTS = [RAM_START + 0x1_0000, RAM_START + 0x1_3000] as const;
const MIDDLES = [RAM_START + 0x1_1000, RAM_START + 0x1_4000] as const;
const LEAVES = [RAM_START + 0x1_2000, RAM_START + 0x1_5000] as const;
/** First page, and the two that come second. */
const [FIRST, ONE, TWO] = [0x2_0000, 0x2_1000, 0x2_2000].map((o) => RAM_START + o) as [
  number,
  number,
  number,
];
const VIRTUAL = 0x4000_0000;
const { V, R, X: EXECUTE, A, D } = PTE;
const LEAF = V | R | EXECUTE | A | D;
const [SATP, MEPC, MSTATUS] = [0x180, 0x341, 0x300];

const pte = (physical: number, flags: number): bigint =>
  (BigInt(physical / PAGE) << 10n) | BigInt(flags);
const satp = (space: 0 | 1): bigint =>
  (8n << 60n) | (BigInt(space) << 44n) | BigInt(ROOTS[space] / PAGE);

/** How the second page changes: code that does it, with the turn, 0 or 1, in t2. */
type Change = (a: Assembler) => void;

const storeEntry: Change = (a) => {
  a.li(t1, pte(ONE, LEAF)).to('beq', { rs1: t2 }, 'store').li(t1, pte(TWO, LEAF)).label('store');
  a.li(t0, LEAVES[0] + 8).op('sd', { rs1: t0, rs2: t1 });
};

const CHANGES: Readonly<Record<string, Change>> = {
  'sfence.vma of all': (a) => (storeEntry(a), void a.op('sfence.vma')),
  'sfence.vma of an address': (a) => {
    storeEntry(a);
    a.li(t0, VIRTUAL + PAGE).op('sfence.vma', { rs1: t0 });
  },
  'sfence.vma of an address space': (a) => {
    storeEntry(a);
    a.op('sfence.vma', { rs2: s4 });
  },
  'sfence.vma of an address in a space': (a) => {
    storeEntry(a);
    a.li(t0, VIRTUAL + PAGE).op('sfence.vma', { rs1: t0, rs2: s4 });
  },
  'no fence but an eviction': (a) => {
    storeEntry(a);
    // 1024 pages on, and not mapped to code: the same entry of the TLB.
    a.li(t0, VIRTUAL + PAGE + 1024 * PAGE).op('lw', { rd: t1, rs1: t0 });
  },
  'another address space': (a) => {
    a.li(t1, satp(0)).to('beq', { rs1: t2 }, 'switch').li(t1, satp(1)).label('switch');
    a.op('csrrw', { rs1: t1, csr: SATP });
  },
};

/** s2: sum. s3: calls so far; each fourth changes the second page. */
function assemble(change: Change): Uint8Array {
  const a = new Assembler(RAM_START);
  a.csr(0x3b0, (1n << 54n) - 1n).csr(0x3a0, 0x1f).csr(SATP, satp(0)).csr(MSTATUS, 0x800);
  a.li(s0, VIRTUAL).la(t0, 'body').op('csrrw', { rs1: t0, csr: MEPC }).op('mret');
  a.label('body').li(s1, 3).label('again').op('jalr', { rd: ra, rs1: s0 });
  a.op('addi', { rd: s3, rs1: s3, imm: 1 }).op('andi', { rd: t0, rs1: s3, imm: 3 });
  a.to('bne', { rs1: t0 }, 'again');
  a.op('srli', { rd: t2, rs1: s3, imm: 2 }).op('andi', { rd: t2, rs1: t2, imm: 1 });
  change(a);
  a.to('jal', {}, 'again');
  return a.toBytes();
}

/** A loop in the first page that calls the second page, by a jump and over its end. */
function assembleFirst(straddling: number): Uint8Array {
  const a = new Assembler(VIRTUAL);
  a.op('addi', { rd: t1, rs1: ra }).li(a0, 3).label('loop');
  a.op('jal', { rd: ra, imm: VIRTUAL + PAGE + 64 - a.here });
  a.to('jal', { rd: ra }, 'over').op('addi', { rd: a0, rs1: a0, imm: -1 });
  a.to('bne', { rs1: a0 }, 'loop').op('jalr', { rs1: t1 });
  a.padTo(VIRTUAL + PAGE - 6).label('over').op('addi', { rd: s2, rs1: s2, imm: 1 });
  return a.half(straddling & 0xffff).toBytes();
}

/** `imm` tells the second pages apart: in a function, and in the half of an instruction. */
function assembleSecond(imm: number): Uint8Array {
  const a = new Assembler(VIRTUAL + PAGE);
  a.half(encode('addi', { rd: s2, rs1: s2, imm }) >>> 16).op('jalr', { rs1: ra });
  a.padTo(VIRTUAL + PAGE + 64).op('addi', { rd: s2, rs1: s2, imm });
  return a.op('jalr', { rs1: ra }).toBytes();
}

function makeMachine(change: Change, engine: 'interpreter' | 'translator') {
  const core = makeCore({ ramSizeBytes: RAM_BYTES, engine, hotJumps: 1 });
  poke(core, RAM_START, assemble(change));
  poke(core, FIRST, assembleFirst(encode('addi', { rd: s2, rs1: s2 })));
  poke(core, ONE, assembleSecond(1));
  poke(core, TWO, assembleSecond(1000));
  for (const space of [0, 1] as const) {
    pokeU64(core, ROOTS[space] + 2 * 8, pte(RAM_START, V | R | PTE.W | EXECUTE | A | D));
    pokeU64(core, ROOTS[space] + 1 * 8, pte(MIDDLES[space], V));
    pokeU64(core, MIDDLES[space], pte(LEAVES[space], V));
    pokeU64(core, MIDDLES[space] + 2 * 8, pte(LEAVES[0], V));
    pokeU64(core, LEAVES[space], pte(FIRST, LEAF));
    pokeU64(core, LEAVES[space] + 8, pte(space === 0 ? ONE : TWO, LEAF));
  }
  return core;
}

const STEPS = 5000;

/** A page, mapped at VIRTUAL and behind, that sums pc in s2 and jumps to itself at the other. */
function makeAliased(engine: 'interpreter' | 'translator') {
  const core = makeMachine(() => {}, engine);
  const a = new Assembler(VIRTUAL);
  a.op('auipc', { rd: t1 }).op('add', { rd: s2, rs1: s2, rs2: t1 }).li(t0, PAGE);
  a.op('xor', { rd: s0, rs1: s0, rs2: t0 }).op('jalr', { rs1: s0 });
  poke(core, FIRST, a.toBytes());
  for (const page of [0, 1]) pokeU64(core, LEAVES[0] + page * 8, pte(FIRST, LEAF));
  return core;
}

describe('a region of two pages, the second of which changes by', () => {
  test.each(Object.keys(CHANGES))('%s', (name) => {
    const change = CHANGES[name] as Change;
    const one = makeMachine(change, 'interpreter');
    const two = makeMachine(change, 'translator');
    for (let step = 1; step <= STEPS; step += 1 + (step % (step < 500 ? 7 : 150))) {
      one.run(step);
      two.run(step);
      expect(differenceOf(captureState(one), captureState(two)), `step ${step}`).toBeUndefined();
    }
    const sum = Number(one.hart.getX(s2));
    const calls = Number(one.hart.getX(s3));
    expect(sum).toBeGreaterThan(calls * 2 * 3 * 200);
    expect(sum).toBeLessThan(calls * 2 * 3 * 800);
  });
});

test('a region of one page follows a jump to that page at another address', () => {
  const one = makeAliased('interpreter');
  const two = makeAliased('translator');
  for (let step = 1; step <= 900; step += 1 + (step % 97)) {
    one.run(step);
    two.run(step);
    expect(differenceOf(captureState(one), captureState(two)), `step ${step}`).toBeUndefined();
  }
  const rounds = Number(one.hart.getX(s2)) / (VIRTUAL + PAGE / 2);
  expect(rounds).toBeGreaterThan(100);
  expect(Math.abs(rounds - Math.round(rounds))).toBeLessThan(0.001);
});
