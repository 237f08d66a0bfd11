/**
 * Goal: decoded code is a cache that nobody sees: more code pages than it holds, pages that are
 * code and data at once, and writes by stores and devices into decoded code. Method: programs whose
 * result tells whether a stale instruction ran; the same in slices, with the same state at the end.
 */
import { describe, expect, test } from 'vitest';
import { Assembler, X } from '../../test/support/assembler.ts';
import { differenceOf } from '../../test/support/compare-states.ts';
import { captureState, makeCore, poke, RAM_START } from '../../test/support/make-core.ts';
import type { CoreInterface } from '../core-interface.ts';
import { encode } from '../isa/encode.ts';

const PAGE = 4096;
const { a0, a1, t0, t1, ra } = X;

function runTo(core: CoreInterface, step: number, slice: number): void {
  while (core.step < step) {
    expect(core.run(Math.min(core.step + slice, step))).toBe('budget');
  }
}

function word(name: string, operands: Parameters<typeof encode>[1]): Uint8Array {
  return new Uint8Array(new Uint32Array([encode(name, operands)]).buffer);
}

describe('more code pages than decoded pages', () => {
  // The cache holds 2048. Each page adds 1 and jumps to the next; the last jumps to the first.
  const PAGES = 2100;
  const STEPS_A_ROUND = 2 * PAGES;

  function makeRing(): CoreInterface {
    const core = makeCore({ ramSizeBytes: 4096 * PAGE });
    for (let i = 0; i < PAGES; i++) {
      const at = RAM_START + i * PAGE;
      poke(core, at, word('addi', { rd: a0, rs1: a0, imm: 1 }));
      if (i < PAGES - 1) poke(core, at + 4, word('jal', { imm: PAGE - 4 }));
    }
    core.hart.setX(ra, BigInt(RAM_START));
    poke(core, RAM_START + (PAGES - 1) * PAGE + 4, word('jalr', { rs1: ra }));
    return core;
  }

  test.each([1_000_000, 1, 777])('in slices of %i steps', (slice) => {
    const core = makeRing();
    runTo(core, STEPS_A_ROUND, slice);
    expect(core.hart.getX(a0)).toBe(BigInt(PAGES));
    // A device rewrites pages that may be decoded or evicted by now.
    for (let i = 0; i < PAGES; i += 100) {
      poke(core, RAM_START + i * PAGE, word('addi', { rd: a0, rs1: a0, imm: 2 }));
    }
    runTo(core, 3 * STEPS_A_ROUND, slice);
    expect(core.hart.getX(a0)).toBe(BigInt(3 * PAGES + 2 * (PAGES / 100)));
    const uncut = makeRing();
    runTo(uncut, STEPS_A_ROUND, STEPS_A_ROUND);
    for (let i = 0; i < PAGES; i += 100) {
      poke(uncut, RAM_START + i * PAGE, word('addi', { rd: a0, rs1: a0, imm: 2 }));
    }
    runTo(uncut, 3 * STEPS_A_ROUND, 2 * STEPS_A_ROUND);
    expect(differenceOf(captureState(core), captureState(uncut))).toBeUndefined();
  });
});

describe('a page that is code and data', () => {
  /**
   * A function in the next page; `stores` stores to data in it, then one to its instruction; called
   * before and after.
   */
  function run(stores: number, slice: number): CoreInterface {
    const a = new Assembler(RAM_START);
    a.la(t0, 'function').op('jalr', { rd: ra, rs1: t0 }).li(t1, stores);
    a.label('again').op('sw', { rs1: t0, rs2: t1, imm: 1024 });
    a.op('addi', { rd: t1, rs1: t1, imm: -1 }).to('bne', { rs1: t1 }, 'again');
    a.op('jalr', { rd: ra, rs1: t0 });
    a.la(a1, 'patch').op('lw', { rd: a1, rs1: a1 }).op('sw', { rs1: t0, rs2: a1 });
    a.op('jalr', { rd: ra, rs1: t0 }).label('end').to('jal', {}, 'end');
    a.label('patch').op('addi', { rd: a0, rs1: a0, imm: 100 });
    a.padTo(RAM_START + PAGE)
      .label('function')
      .op('addi', { rd: a0, rs1: a0, imm: 1 });
    a.op('jalr', { rs1: ra });
    const core = makeCore({ ramSizeBytes: 4 * PAGE });
    poke(core, RAM_START, a.toBytes());
    runTo(core, 3 * stores + 40, slice);
    return core;
  }

  // After 64 stores beside its instructions a page's decoded form is dropped.
  test.each([1, 63, 64, 65, 66, 200])('with %i stores beside its instruction', (stores) => {
    const core = run(stores, 1_000_000);
    expect(core.hart.getX(a0)).toBe(102n);
    for (const slice of [1, 7]) {
      expect(differenceOf(captureState(run(stores, slice)), captureState(core))).toBeUndefined();
    }
  });
});

describe('a store into code', () => {
  // Bytes of `addi a0, a0, 1` at the function, changed one way or another to add 5.
  const immediate = 5 << 4;
  test.each([
    ['a word', 'sw', 0, encode('addi', { rd: a0, rs1: a0, imm: 5 })],
    ['the upper half', 'sh', 2, encode('addi', { rd: a0, rs1: a0, imm: 5 }) >>> 16],
    ['a byte', 'sb', 2, ((encode('addi', { rd: a0, rs1: a0, imm: 5 }) >>> 16) & 0x0f) | immediate],
    // Eight bytes, of which the last two are the instruction's first half, misaligned: add to a1.
    ['the end of a wider store', 'sd', -6, 0],
  ] as const)('%s', (what, name, offset, bits) => {
    const a = new Assembler(RAM_START);
    a.la(t0, 'function').op('jalr', { rd: ra, rs1: t0 });
    if (name === 'sd') {
      const half = encode('addi', { rd: a1, rs1: a0, imm: 1 }) & 0xffff;
      a.li(t1, BigInt(half) << 48n);
    } else a.li(t1, bits);
    a.op(name, { rs1: t0, rs2: t1, imm: offset }).op('jalr', { rd: ra, rs1: t0 });
    a.label('end')
      .to('jal', {}, 'end')
      .padTo(RAM_START + 256)
      .label('function');
    a.op('addi', { rd: a0, rs1: a0, imm: 1 }).op('jalr', { rs1: ra });
    const core = makeCore({ ramSizeBytes: 4 * PAGE });
    poke(core, RAM_START, a.toBytes());
    runTo(core, 60, 60);
    const found = [core.hart.getX(a0), core.hart.getX(a1)];
    expect(found, what).toEqual(name === 'sd' ? [1n, 2n] : [6n, 0n]);
  });

  test('into the second half of an instruction that straddles pages', () => {
    const at = RAM_START + 2 * PAGE - 2;
    const core = makeCore({ ramSizeBytes: 4 * PAGE });
    poke(core, at, word('addi', { rd: a0, rs1: a0, imm: 1 }));
    poke(core, at + 4, word('jalr', { rs1: ra }));
    const a = new Assembler(RAM_START);
    a.li(t0, at).op('jalr', { rd: ra, rs1: t0 });
    a.li(t1, encode('addi', { rd: a0, rs1: a0, imm: 5 }) >>> 16);
    a.op('sh', { rs1: t0, rs2: t1, imm: 2 }).op('jalr', { rd: ra, rs1: t0 });
    a.label('end').to('jal', {}, 'end');
    poke(core, RAM_START, a.toBytes());
    runTo(core, 60, 60);
    expect(core.hart.getX(a0)).toBe(6n);
  });
});

test('pages that are not all zero are found by their bytes, in any range', () => {
  const PAGES = 256;
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  const places = [0, 3 * PAGE + 7, 5 * PAGE + 4095, 6 * PAGE + 64, PAGES * PAGE - 1];
  for (const place of places) core.ram[place] = 0x80;
  const written = places.map((place) => Math.floor(place / PAGE));
  for (let from = 0; from < PAGES; from++) {
    for (const end of [from, from + 1, Math.min(from + 3, PAGES), PAGES]) {
      const expected = written.find((page) => page >= from && page < end) ?? end;
      expect(core.nextNonZeroPage(from, end)).toBe(expected);
    }
  }
});
