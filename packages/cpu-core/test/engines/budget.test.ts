/**
 * Goal: where a budget ends within a region, the state is the interpreter's to the last word: also
 * the current fetch translation, where the step that was not made would begin in another page.
 * Method: a loop that goes from page to page by every kind of jump and by falling through, run from
 * the start to each of its steps on both engines; canonical states compared to the byte.
 */
import { expect, test } from 'vitest';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore, poke, RAM_START, restoreState } from '../support/make-core.ts';

const { t0, t1, s0, s2, ra } = X;
const PAGE = 4096;
const RAM_BYTES = 64 * PAGE;
const STEPS = 250;

function assemble(): Uint8Array {
  const a = new Assembler(RAM_START);
  a.la(s0, 'near').to('jal', {}, 'again').padTo(RAM_START + 1024).label('again');
  a.to('jal', { rd: ra }, 'far').op('addi', { rd: s2, rs1: s2, imm: 1 });
  a.la(t0, 'far').op('jalr', { rd: ra, rs1: t0 });
  a.op('andi', { rd: t1, rs1: s2, imm: 4 }).to('beq', { rs1: t1 }, 'far-branch');
  a.op('jalr', { rs1: s0 });

  a.padTo(RAM_START + PAGE - 6).label('near').op('addi', { rd: s2, rs1: s2, imm: 3 });
  // Straddles two pages.
  a.op('addi', { rd: s2, rs1: s2, imm: 5 });
  a.half(1).to('jal', {}, 'again');

  a.padTo(RAM_START + PAGE + 256).label('far').op('addi', { rd: s2, rs1: s2, imm: 7 });
  a.op('jalr', { rs1: ra });
  a.label('far-branch').op('xori', { rd: s2, rs1: s2, imm: 1 }).op('jalr', { rs1: s0 });
  return a.toBytes();
}

test('a region stops at any step where the interpreter does', () => {
  const options = { ramSizeBytes: RAM_BYTES, hotJumps: 1 };
  let regions = 0;
  const onRegion = (): void => void (regions += 1);
  const one = makeCore({ ...options, engine: 'interpreter' });
  const two = makeCore({ ...options, engine: 'translator', onRegion });
  for (const core of [one, two]) poke(core, RAM_START, assemble());
  const start = captureState(two);
  for (let step = 1; step <= STEPS; step++) {
    one.run(step);
    restoreState(two, start);
    two.run(step);
    expect(differenceOf(captureState(one), captureState(two)), `step ${step}`).toBeUndefined();
  }
  expect(regions).toBeGreaterThan(STEPS / 2);
});
