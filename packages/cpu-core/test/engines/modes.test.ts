/**
 * Goal: an instruction in the middle of a region that changes what accesses or float instructions
 * may do has its effect from the next one on. Method: loops in M-mode, each a region after its
 * first turns, switch MPRV, SUM, MXR, FS or frm between what these permit and what they refuse; a
 * handler mixes cause and place of each refusal into a sum; canonical states of both engines are
 * compared at random steps, and refusals counted.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/hart/status.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore, poke, pokeU64, RAM_START } from '../support/make-core.ts';

const { t0, t1, t2, t3, t4, s1, s2, s3, s4, s5, s6, s7, s8, s9 } = X;
const PAGE = 4096;
const RAM_BYTES = 64 * PAGE;
const [ROOT, MIDDLE, LEAVES, DATA] = [0x1_0000, 0x1_1000, 0x1_2000, 0x2_0000].map(
  (o) => RAM_START + o,
) as [number, number, number, number];
/** A user's page, one that can be executed alone, and one of S-mode. */
const [USER, EXECUTABLE, SUPERVISOR] = [0x4000_0000, 0x4000_1000, 0x4000_2000] as const;
const { V, R, W, X: EXECUTE, U, A, D } = PTE;
const MSTATUS = 0x300;
/** Fields of mstatus, and the register that holds each. */
const FIELDS = {
  MPRV: [s4, 1 << 17],
  MPP_S: [s5, 1 << 11],
  SUM: [s6, 1 << 18],
  MXR: [s7, 1 << 19],
  FS: [s8, 3 << 13],
  MPP: [s9, 3 << 11],
} as const;
type Field = keyof typeof FIELDS;

/** What a program does over and over; the last instruction of `body` is refused. */
interface Program {
  /** Puts things as `body` begins with: once, and after each refusal. */
  readonly prepare: (a: Assembler) => void;
  readonly body: (a: Assembler) => void;
}

const set = (a: Assembler, field: Field) =>
  a.op('csrrs', { rs1: FIELDS[field][0], csr: MSTATUS });
const clear = (a: Assembler, field: Field) =>
  a.op('csrrc', { rs1: FIELDS[field][0], csr: MSTATUS });
const load = (a: Assembler) => {
  a.op('ld', { rd: t2, rs1: t1, imm: 8 }).op('add', { rd: s2, rs1: s2, rs2: t2 });
};
const store = (a: Assembler) => a.op('sd', { rs1: t1, rs2: s2, imm: 8 });
const add = (a: Assembler, rm: number) => a.op('fadd.d', { rd: 1, rs1: 1, rs2: 2, rm });
/** Sees the page at `address` as S-mode; a trap has left MPP at U. */
const lookAt = (a: Assembler, address: number) => {
  a.li(t1, address);
  clear(a, 'MPP');
  set(a, 'MPP_S');
  set(a, 'MPRV');
};
const DYNAMIC = 7;

const PROGRAMS: Readonly<Record<string, Program>> = {
  'MPRV set': {
    prepare: (a) => (a.li(t1, DATA), clear(a, 'MPRV'), clear(a, 'MPP'), set(a, 'MPP_S')),
    body: (a) => (load(a), set(a, 'MPRV'), load(a)),
  },
  'SUM cleared, before a load': {
    prepare: (a) => (lookAt(a, USER), set(a, 'SUM')),
    body: (a) => (load(a), clear(a, 'SUM'), load(a)),
  },
  'SUM cleared, before a store': {
    prepare: (a) => (lookAt(a, USER), set(a, 'SUM')),
    body: (a) => (store(a), clear(a, 'SUM'), store(a)),
  },
  'MXR cleared': {
    prepare: (a) => (lookAt(a, EXECUTABLE), set(a, 'MXR')),
    body: (a) => (load(a), clear(a, 'MXR'), load(a)),
  },
  'MPP lowered': {
    prepare: (a) => lookAt(a, SUPERVISOR),
    body: (a) => (load(a), clear(a, 'MPP'), load(a)),
  },
  'FS cleared': {
    prepare: (a) => set(a, 'FS'),
    body: (a) => (add(a, 0), clear(a, 'FS'), add(a, 0)),
  },
  'frm reserved': {
    prepare: (a) => (set(a, 'FS'), a.op('csrrwi', { imm: 0, csr: FRM })),
    body: (a) => (add(a, DYNAMIC), a.op('csrrwi', { imm: 5, csr: FRM }), add(a, DYNAMIC)),
  },
};
const FRM = 2;

const STEPS = 5000;

function assemble({ prepare, body }: Program): Uint8Array {
  const a = new Assembler(RAM_START);
  a.csr(0x3b0, (1n << 54n) - 1n).csr(0x3a0, 0x1f).csr(0x180, (8n << 60n) | BigInt(ROOT / PAGE));
  a.la(t0, 'handler').op('csrrw', { rs1: t0, csr: 0x305 });
  for (const [register, bits] of Object.values(FIELDS)) a.li(register, bits);
  prepare(a);
  a.label('again').op('addi', { rd: s1, rs1: s1, imm: 1 });
  body(a);
  // The rest of the turn is the interpreter's.
  prepare(a);
  a.to('jal', {}, 'again');

  a.label('handler').op('csrrs', { rd: t3, csr: 0x341 }).op('csrrs', { rd: t4, csr: 0x342 });
  a.op('slli', { rd: t0, rs1: s2, imm: 5 }).op('sub', { rd: s2, rs1: t0, rs2: s2 });
  a.op('add', { rd: s2, rs1: s2, rs2: t3 }).op('add', { rd: s2, rs1: s2, rs2: t4 });
  a.op('addi', { rd: t3, rs1: t3, imm: 4 }).op('csrrw', { rs1: t3, csr: 0x341 });
  return a.op('addi', { rd: s3, rs1: s3, imm: 1 }).op('mret').toBytes();
}

function makeMachine(program: Program, engine: 'interpreter' | 'translator') {
  const core = makeCore({ ramSizeBytes: RAM_BYTES, engine, hotJumps: 1 });
  poke(core, RAM_START, assemble(program));
  const put = (at: number, target: number, flags: number) =>
    pokeU64(core, at, (BigInt(target / PAGE) << 10n) | BigInt(flags));
  put(ROOT + 8, MIDDLE, V);
  put(MIDDLE, LEAVES, V);
  put(LEAVES, DATA, V | R | W | U | A | D);
  put(LEAVES + 8, DATA + PAGE, V | EXECUTE | A | D);
  put(LEAVES + 16, DATA + 2 * PAGE, V | R | W | A | D);
  for (let i = 0; i < 3; i++) pokeU64(core, DATA + i * PAGE + 8, BigInt(i + 1) << 8n);
  return core;
}

describe('within a region an effect follows at once:', () => {
  test.each(Object.keys(PROGRAMS))('%s', (name) => {
    const prng = new Prng(4);
    const program = PROGRAMS[name] as Program;
    const [one, two] = [makeMachine(program, 'interpreter'), makeMachine(program, 'translator')];
    while (one.step < STEPS) {
      const until = one.step + 1 + prng.below(prng.chance(2) ? 8 : 400);
      one.run(until);
      two.run(until);
      expect(differenceOf(captureState(one), captureState(two)), `step ${until}`).toBeUndefined();
    }
    const turns = Number(one.hart.getX(s1));
    expect(turns).toBeGreaterThan(50);
    // Exactly one a turn.
    expect(Number(one.hart.getX(s3))).toBeGreaterThanOrEqual(turns - 1);
    expect(Number(one.hart.getX(s3))).toBeLessThanOrEqual(turns);
  });
});
