/**
 * Goal: fast TLBs that follow from the architectural one pass; an entry changed in any of the ways
 * that would let a guest read or write elsewhere is named. Method: a program with Sv39 fills them
 * on both engines; then single words of the core's memory are changed. All other tests of this
 * package that capture states look at the same invariant.
 */
import { describe, expect, test } from 'vitest';
import { Assembler, X } from '../../test/support/assembler.ts';
import { makeCore, pokeU64, RAM_START } from '../../test/support/make-core.ts';
import {
  ARCH_TLB,
  CONTEXT,
  FAST_READ,
  FAST_WRITE,
  PAGE_FLAG,
  planMemory,
  TLB_ENTRY_BYTES,
} from './layout.ts';
import { PTE } from './status.ts';

const RAM_BYTES = 64 * 4096;
const ROOT = RAM_START + 16 * 4096;
const DATA = RAM_START + 32 * 4096;
const INDEX = (DATA / 4096) % 1024;
const PLAN = planMemory(RAM_BYTES);
const ENGINES = ['interpreter', 'translator'] as const;

/** A store to and a load from DATA, in S-mode under a gigapage that maps RAM to itself. */
function filledCore(engine: (typeof ENGINES)[number]) {
  const core = makeCore({ engine, ramSizeBytes: RAM_BYTES });
  const { V, R, W, X: execute, A, D } = PTE;
  pokeU64(core, ROOT + 8 * 2, BigInt((RAM_START / 4096) * 1024 + (V | R | W | execute | A | D)));
  const a = new Assembler(RAM_START);
  a.csr(0x3b0, (1n << 54n) - 1n).csr(0x3a0, 0x1f);
  a.csr(0x180, (8n << 60n) | BigInt(ROOT / 4096)).csr(0x300, 0x800);
  a.la(X.t0, 'body').op('csrrw', { rs1: X.t0, csr: 0x341 }).op('mret').label('body');
  a.li(X.s0, DATA).op('sd', { rs1: X.s0, rs2: X.s0 }).op('ld', { rd: X.s1, rs1: X.s0 });
  a.label('loop').to('jal', {}, 'loop');
  core.ram.set(a.toBytes());
  core.noteRamWrite(RAM_START, RAM_BYTES);
  core.run(200);
  expect(core.hart.getX(X.s1)).toBe(BigInt(DATA));
  return { core, view: new DataView(core.ram.buffer) };
}

describe.each(ENGINES)('%s', (engine) => {
  test('what the core fills follows', () => {
    const { core, view } = filledCore(engine);
    const entries = [FAST_READ, FAST_WRITE].map((table) =>
      view.getBigUint64(CONTEXT.supervisor + table + INDEX * TLB_ENTRY_BYTES, true),
    );
    expect(entries).toEqual([BigInt(DATA), BigInt(DATA)]);
    expect(core.findStaleTlbEntry()).toBeUndefined();
  });

  const read = CONTEXT.supervisor + FAST_READ + INDEX * TLB_ENTRY_BYTES;
  const write = CONTEXT.supervisor + FAST_WRITE + INDEX * TLB_ENTRY_BYTES;
  const arch = ARCH_TLB + INDEX * TLB_ENTRY_BYTES;
  const page = PLAN.pageFlags + (DATA - RAM_START) / 4096;
  test.each<[string, (view: DataView) => void, string]>([
    ['evicted alone', (view) => view.setBigUint64(arch, 0n, true), 'no such entry'],
    ['another page', (view) => flip(view, arch + 8, 1n << 10n), 'another page'],
    ['no D', (view) => flip(view, arch + 8, BigInt(PTE.D)), 'does not permit'],
    ['another index', (view) => view.setBigUint64(read, BigInt(DATA + 4096), true), 'wrong place'],
    ['another host page', (view) => flip(view, write + 8, 0x1000n), 'another page'],
    ['code', (view) => view.setUint8(page, view.getUint8(page) | PAGE_FLAG.hasCode), 'has code'],
    ['unknown to be written', (view) => view.setUint8(page, 0), 'not known to be written'],
  ])('%s', (_, change, expected) => {
    const { core, view } = filledCore(engine);
    change(view);
    expect(core.findStaleTlbEntry()).toMatch(/^fast TLB, supervisor (read|write), page 0x/);
    expect(core.findStaleTlbEntry()).toContain(expected);
  });
});

function flip(view: DataView, at: number, bits: bigint): void {
  view.setBigUint64(at, view.getBigUint64(at, true) ^ bits, true);
}
