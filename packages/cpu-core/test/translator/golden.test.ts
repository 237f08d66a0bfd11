/**
 * Goal: what the translator writes is read by people before it changes, and is the code that runs.
 * Method: a small program for each main shape; its region's text equals the file in `golden/`, and
 * assembles to the module that the core has compiled. `npx vitest run --project cpu-core -u golden`
 * accepts changes.
 */
import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import type { RegionReport } from '../../src/inspect/region-observer.ts';
import { printRegion } from '../../src/inspect/region-text.ts';
import { Assembler, X } from '../support/assembler.ts';
import { makeCore, poke, RAM_START } from '../support/make-core.ts';

const { a0, a1, a2, a3, ra, t0, t1, zero } = X;
const wabtModule = await wabt();

/** Writes what is around a label `hot`; pc reaches it by a jump first, and jumps there again. */
type Shape = (a: Assembler) => void;

const again: Shape = (a) => a.to('jal', { rd: zero }, 'hot');

const SHAPES: Readonly<Record<string, Shape>> = {
  // An ecall is the interpreter's; its trap comes back.
  'straight-block': (a) => {
    a.label('hot').op('addi', { rd: a0, rs1: a0, imm: 5 });
    a.short('add', { rd: a1, rs1: a1, rs2: a0 });
    a.op('sltu', { rd: a2, rs1: a1, rs2: a0 }).op('mulh', { rd: a3, rs1: a1, rs2: a2 }).op('ecall');
  },
  'loop-in-locals': (a) => {
    a.label('hot').op('addi', { rd: a0, rs1: a0, imm: 1 }).op('add', { rd: a1, rs1: a1, rs2: a0 });
    a.to('bne', { rs1: a0, rs2: t0 }, 'hot').op('ecall');
  },
  'load-and-store': (a) => {
    a.label('hot').op('ld', { rd: a0, rs1: t1, imm: 8 }).op('lbu', { rd: a1, rs1: t1, imm: 3 });
    a.op('sw', { rs1: t1, rs2: a0, imm: 16 }).op('ecall');
  },
  'call-and-return': (a) => {
    a.label('hot').to('jal', { rd: ra }, 'function').op('addi', { rd: a1, rs1: a0, imm: 1 });
    again(a);
    a.label('function').op('xori', { rd: a0, rs1: a0, imm: -1 }).op('jalr', { rd: zero, rs1: ra });
  },
  'indirect-jump': (a) => {
    a.label('hot').op('add', { rd: a0, rs1: a0, rs2: t0 }).op('jalr', { rd: zero, rs1: a3 });
    a.label('target');
    again(a);
  },
  'two-pages': (a) => {
    a.padTo(PROGRAM + 0xff8).label('hot').op('addi', { rd: a0, rs1: a0, imm: 1 });
    a.op('addi', { rd: a1, rs1: a0, imm: 2 }).op('addi', { rd: a2, rs1: a1, imm: 3 });
    again(a);
  },
  'straddling-two-pages': (a) => {
    a.padTo(PROGRAM + 0xffa).label('hot').op('addi', { rd: a0, rs1: a0, imm: 1 });
    a.op('addi', { rd: a1, rs1: a0, imm: 2 });
    again(a);
  },
  csr: (a) => {
    a.label('hot').op('csrrw', { rd: a0, rs1: a1, csr: MSCRATCH });
    a.op('add', { rd: a1, rs1: a0, rs2: a0 }).op('ecall');
  },
  atomics: (a) => {
    a.label('hot').op('amoadd.w', { rd: a0, rs1: t1, rs2: t0, aqrl: 0 });
    a.op('lr.d', { rd: a1, rs1: t1, aqrl: 0 }).op('sc.d', { rd: a2, rs1: t1, rs2: a1, aqrl: 0 });
    a.op('ecall');
  },
  float: (a) => {
    a.label('hot').op('fld', { rd: 10, rs1: t1, imm: 24 });
    a.op('fadd.d', { rd: 11, rs1: 10, rs2: 10, rm: 7 }).op('fsd', { rs1: t1, rs2: 11, imm: 32 });
    a.op('ecall');
  },
};

const MSCRATCH = 0x340;
const DATA = RAM_START + 0x8000;
/** A page boundary, so that programs know where pages end. */
const PROGRAM = RAM_START + 0x1000;
const HOT_JUMPS = 3;
const STEPS = 200;

/** Runs the program of a shape until its region is there. */
function regionOf(shape: Shape): RegionReport {
  const regions: RegionReport[] = [];
  const core = makeCore({
    engine: 'translator',
    hotJumps: HOT_JUMPS,
    observer: { made: (region) => regions.push(region) },
  });
  const a = new Assembler(PROGRAM);
  shape(a);
  const start = new Assembler(RAM_START);
  start.csr(0x305, RAM_START + 0x100).csr(0x300, 0x6000).li(t0, 1000).li(t1, DATA);
  start.li(a3, a.hasLabel('target') ? a.addressOf('target') : 0);
  const hot = a.addressOf('hot');
  start.op('jal', { rd: zero, imm: hot - start.here }).padTo(RAM_START + 0x100);
  start.op('jal', { rd: zero, imm: hot - start.here });
  poke(core, PROGRAM, a.toBytes());
  poke(core, RAM_START, start.toBytes());
  core.run(STEPS);
  const region = regions.find(({ pc }) => pc === BigInt(hot));
  if (region === undefined) throw new Error(`no region of ${regions.length} begins at 'hot'`);
  return region;
}

/** The code section as an assembler makes it of a text. */
function codeOf(module: Uint8Array): readonly number[] {
  for (let at = 8; at < module.length; ) {
    const id = module[at++] as number;
    let size = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = module[at++] as number;
      size |= (byte & 0x7f) << shift;
    }
    if (id === 10) return [...module.subarray(at, at + size)];
    at += size;
  }
  return [];
}

function assembled(text: string): Uint8Array {
  const module = wabtModule.parseWat('region.wat', text);
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

describe('the text of a region', () => {
  test.each(Object.entries(SHAPES))('%s', async (name, shape) => {
    const region = regionOf(shape);
    const text = printRegion(name, region);
    expect(codeOf(assembled(text))).toEqual(codeOf(region.bytes));
    await expect(text).toMatchFileSnapshot(`golden/${name}.wat`);
  });
});
