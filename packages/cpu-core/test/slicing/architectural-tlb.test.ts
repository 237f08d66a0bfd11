/**
 * Goal: what the TLB holds is state. A guest that clears A or D without a fence sees the bit set
 * again exactly when the architectural TLB walks, whatever the slicing, and after snapshot and
 * restore at any step. Method: a program that logs A and D of entries, against a table written by
 * hand; every cut; every snapshot. A core that forgets its TLB at snapshots must be caught.
 */
import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/hart/status.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import {
  captureState,
  type CoreState,
  makeCore,
  peekU64,
  poke,
  RAM_START,
  restoreState,
} from '../support/make-core.ts';

type Four = [number, number, number, number];
type Five = [...Four, number];

const RAM_BYTES = 64 * 4096;
const [ROOT, MIDDLE, NEAR, FAR, LOG] = [1, 2, 3, 4, 5].map((i) => 0x8001_0000 + i * 4096) as Five;
/** Data page, code page, and pages of the same TLB indices, 1024 pages further. */
const [DATA, CODE] = [0x8002_0000, 0x8002_1000];
const VIRTUAL = 0x4000_0000;
const [P, C, P_EVICTOR, C_EVICTOR] = [0, 4096, 0x40_0000, 0x40_1000].map(
  (o) => VIRTUAL + o,
) as Four;
const { V, R, W, A, D } = PTE;
const { t0, t1, t2, s0, s1, s2, s3, s4, s5, ra } = X;

/** What the program does, and A and D of the entry after it. */
const EXPECTED: readonly (readonly [what: string, bits: number])[] = [
  ['load: the walk sets A', A],
  ['A cleared, load: a hit', 0],
  ['evicted', 0],
  ['load: the walk sets A', A],
  ['store: a hit without D walks', A | D],
  ['A and D cleared, store: a hit', 0],
  ['load: a hit', 0],
  ['fence, load: the walk sets A', A],
  ['fetch: the walk sets A', A],
  ['A cleared, fetch: a hit', 0],
  ['evicted by a load', 0],
  ['fetch: the walk sets A', A],
  ['A cleared and evicted from inside, going on inside: no look-up', 0],
  ['left and entered: the walk sets A', A],
];

/** s0, s1: pages; s2, s3: their evictors; s4: their entries; s5: the log. */
function assemble(): Uint8Array {
  const a = new Assembler(RAM_START);
  a.csr(0x3b0, (1n << 54n) - 1n).csr(0x3a0, 0x1f);
  a.csr(0x180, (8n << 60n) | BigInt(ROOT / 4096)).csr(0x300, 0x800);
  a.li(s0, P).li(s1, C).li(s2, P_EVICTOR).li(s3, C_EVICTOR).li(s4, NEAR).li(s5, LOG);
  a.la(t0, 'body').op('csrrw', { rs1: t0, csr: 0x341 }).op('mret').label('body');

  const log = (entry: number) => emitLog(a, entry);
  const clear = (entry: number) => emitClear(a, entry);
  const load = (rs1: number) => a.op('lw', { rd: t0, rs1 });
  const store = () => a.op('sw', { rs1: s0, rs2: t0, imm: 8 });
  const visit = () => a.op('jalr', { rd: ra, rs1: s1, imm: 64 });
  load(s0);
  log(0);
  clear(0);
  load(s0);
  log(0);
  load(s2);
  log(0);
  load(s0);
  log(0);
  store();
  log(0);
  clear(0);
  store();
  log(0);
  load(s0);
  log(0);
  a.op('sfence.vma');
  load(s0);
  log(0);
  visit();
  log(8);
  clear(8);
  visit();
  log(8);
  load(s3);
  log(8);
  visit();
  log(8);
  a.op('jalr', { rd: ra, rs1: s1 });
  visit();
  log(8);
  a.label('end').to('jal', {}, 'end');
  return a.toBytes();
}

function emitLog(a: Assembler, entry: number): void {
  a.op('ld', { rd: t1, rs1: s4, imm: entry }).op('andi', { rd: t1, rs1: t1, imm: A | D });
  a.op('sd', { rs1: s5, rs2: t1 }).op('addi', { rd: s5, rs1: s5, imm: 8 });
}

function emitClear(a: Assembler, entry: number): void {
  a.op('ld', { rd: t1, rs1: s4, imm: entry }).op('andi', { rd: t1, rs1: t1, imm: ~(A | D) });
  a.op('sd', { rs1: s4, rs2: t1, imm: entry });
}

/** The code page: at 0 a function that clears its page's A and evicts it; at 64 an empty one. */
function assembleCodePage(): Uint8Array {
  const a = new Assembler(C);
  emitClear(a, 8);
  a.op('lw', { rd: t2, rs1: s3 }).op('addi', { rd: t2, rs1: t2, imm: 1 });
  emitLog(a, 8);
  a.op('jalr', { rs1: ra }).padTo(C + 64);
  return a.op('jalr', { rs1: ra }).toBytes();
}

function makeMachine() {
  const core = makeCore({ ramSizeBytes: RAM_BYTES });
  poke(core, RAM_START, assemble());
  poke(core, CODE, assembleCodePage());
  const ram = new DataView(core.ram.buffer, core.ram.byteOffset);
  const put = (at: number, target: number, flags: number) =>
    ram.setBigUint64(at - RAM_START, (BigInt(target / 4096) << 10n) | BigInt(flags), true);
  put(ROOT + 2 * 8, RAM_START, V | R | W | PTE.X | A | D);
  put(ROOT + 1 * 8, MIDDLE, V);
  put(MIDDLE, NEAR, V);
  put(MIDDLE + 2 * 8, FAR, V);
  put(NEAR, DATA, V | R | W);
  put(NEAR + 8, CODE, V | R | PTE.X);
  put(FAR, DATA, V | R);
  put(FAR + 8, DATA, V | R);
  core.noteRamWrite(RAM_START, RAM_BYTES);
  return core;
}

const uncut = makeMachine();
const start = captureState(uncut);
const STEPS = 140;
uncut.run(STEPS);
const end = captureState(uncut);

/** A run that goes on in another core at `step`; `afterRestore` may do what it must not. */
function endFromSnapshotAt(step: number, other: typeof uncut, afterRestore = () => {}): CoreState {
  const core = makeCoreAt(step);
  restoreState(other, captureState(core));
  afterRestore();
  other.run(STEPS);
  return captureState(other);
}

const spare = makeMachine();
function makeCoreAt(step: number): typeof uncut {
  restoreState(spare, start);
  spare.run(step);
  return spare;
}

function loggedBits(state: CoreState): number[] {
  const view = new DataView(state.ram.buffer, state.ram.byteOffset + LOG - RAM_START);
  return EXPECTED.map((_, i) => Number(view.getBigUint64(i * 8, true)));
}

describe('A and D bits', () => {
  test('are set when the architectural TLB walks', () => {
    const found = loggedBits(end).map((bits, i) => [EXPECTED[i]?.[0], bits]);
    expect(found).toEqual(EXPECTED);
    expect(uncut.hart.pc, 'the program is done').toBeGreaterThan(RAM_START + 0x80);
    expect(peekU64(uncut, LOG + EXPECTED.length * 8), 'and logged no more').toBe(0n);
  });

  test('do not depend on slicing', () => {
    for (let cut = 1; cut < STEPS; cut++) {
      const core = makeCoreAt(cut);
      core.run(STEPS);
      expect(differenceOf(captureState(core), end), `cut at ${cut}`).toBeUndefined();
    }
  });

  test('do not depend on snapshots, at any step', () => {
    const other = makeMachine();
    for (let step = 0; step < STEPS; step++) {
      const found = endFromSnapshotAt(step, other);
      expect(differenceOf(found, end), `snapshot at ${step}`).toBeUndefined();
    }
  });

  test('would show a core that forgets its TLB at snapshots', () => {
    const other = makeMachine();
    const wrongLogs = new Set<number>();
    let caught = 0;
    for (let step = 0; step < STEPS; step++) {
      const found = endFromSnapshotAt(step, other, () => other.hart.flushTlb());
      if (differenceOf(found, end) !== undefined) caught++;
      loggedBits(found).forEach((bits, i) => bits !== EXPECTED[i]?.[1] && wrongLogs.add(i));
    }
    expect(caught).toBeGreaterThan(STEPS / 4);
    // Every line that says "a hit" or "no look-up" can tell, and those after them.
    const tellTales = EXPECTED.flatMap(([what], i) => (/hit$|no look-up/.test(what) ? [i] : []));
    expect([...wrongLogs]).toEqual(expect.arrayContaining(tellTales));
  });
});
