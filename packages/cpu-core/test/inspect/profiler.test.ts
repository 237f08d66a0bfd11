/**
 * Goal: a profile says what happened, and looking changes nothing. Method: a small program whose
 * counts are known; sums that must agree, of programs with all kinds of events; and the states of
 * cores that are looked at and cores that are not, compared to the byte.
 */
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/core-interface.ts';
import { type Profile, Profiler } from '../../src/inspect/profiler.ts';
import type { RegionReport } from '../../src/inspect/region-observer.ts';
import { EventfulMachine } from '../slicing/eventful-machine.ts';
import { assembleEventful } from '../slicing/eventful-program.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { makeCore, poke, RAM_START } from '../support/make-core.ts';

const LOOPS = 100;
const HOT_JUMPS = 5;
const DATA = RAM_START + 0x1000;

/** Loads and stores in a loop, then stays where it is. */
function assembleLoop(): { readonly bytes: Uint8Array; readonly loop: number } {
  const a = new Assembler(RAM_START);
  a.li(X.a0, LOOPS).li(X.a1, DATA).label('loop').op('ld', { rd: X.a2, rs1: X.a1, imm: 0 });
  a.op('sd', { rs1: X.a1, rs2: X.a2, imm: 8 }).op('addi', { rd: X.a0, rs1: X.a0, imm: -1 });
  a.to('bne', { rs1: X.a0, rs2: 0 }, 'loop').label('end').to('jal', { rd: 0 }, 'end');
  return { bytes: a.toBytes(), loop: a.addressOf('loop') };
}

function profileLoop(
  engine: Engine,
  hotJumps = HOT_JUMPS,
): { readonly profile: Profile; readonly loop: number } {
  const profiler = new Profiler();
  const core = makeCore({ engine, hotJumps, profiler });
  const { bytes, loop } = assembleLoop();
  poke(core, RAM_START, bytes);
  core.run(1000);
  return { profile: profiler.profile(), loop };
}

describe('the profile of a loop', () => {
  test('in a region: its steps, how it was entered and left, and what was slow', () => {
    const { profile, loop } = profileLoop('translator');
    const [region] = profile.regions;
    expect(profile).toMatchObject({
      steps: 1000,
      regionsMade: 1,
      regionsDropped: 0,
      counts: { slowLoads: 1, slowStores: 1, slowFetches: 1, pageWalks: 0 },
      exceptions: [],
    });
    expect(region).toMatchObject({ pc: BigInt(loop), made: 1, entries: 1 });
    expect(region?.steps).toBe(profile.regionSteps);
    expect(profile.regionSteps).toBeGreaterThan(900);
    expect(profile.regionSteps + profile.interpretedSteps).toBe(1000);
    expect(profile.warm).toEqual([]);
    expect(profile.interpreted.find(({ name }) => name === 'bne')?.count).toBe(
      HOT_JUMPS + 2,
    );
  });

  test('before it is hot: places by how often they were jumped to', () => {
    const { profile } = profileLoop('translator', 10_000);
    // Before the end 404 steps are made; there, each is a jump.
    expect(profile.warm).toEqual([
      { jumpsMin: 10, places: 1, jumps: LOOPS - 1 },
      { jumpsMin: 100, places: 1, jumps: 1000 - 404 },
    ]);
    expect(profile).toMatchObject({ regionSteps: 0, regions: [] });
  });

  test('in the interpreter: each mnemonic', () => {
    const { profile } = profileLoop('interpreter');
    expect(profile).toMatchObject({ steps: 1000, interpretedSteps: 1000, regions: [], warm: [] });
    const counts = new Map(profile.interpreted.map(({ name, count }) => [name, count]));
    expect(counts.get('ld')).toBe(LOOPS);
    expect(counts.get('bne')).toBe(LOOPS);
    expect([...counts.values()].reduce((a, b) => a + b)).toBe(1000);
  });
});

describe.each(['translator', 'interpreter'] as const)('eventful programs, %s', (engine) => {
  test.each([1, 2, 3])('of seed %i: sums agree, and looking changes nothing', (seed) => {
    const image = assembleEventful(seed);
    const profiler = new Profiler();
    const regions: RegionReport[] = [];
    const observer = { made: (region: RegionReport) => void regions.push(region) };
    const seen = new EventfulMachine(image, { engine, profiler, observer });
    const unseen = new EventfulMachine(image, { engine });
    for (const machine of [seen, unseen]) machine.runTo(STEPS);
    expect(differenceOf(seen.capture(), unseen.capture())).toBeUndefined();

    const profile = profiler.profile();
    expect(profile.steps).toBe(STEPS);
    expect(regions).toHaveLength(profile.regionsMade);
    expect(profile.regionsMade > 0).toBe(engine === 'translator');
    const sum = (count: (region: Profile['regions'][number]) => number): number =>
      profile.regions.reduce((total, region) => total + count(region), 0);
    const entries = sum((region) => region.entries);
    expect(sum(({ exits }) => exits.jump + exits.interpret + exits.trapped + exits.check)).toBe(
      entries,
    );
    expect(sum((region) => region.steps)).toBe(profile.regionSteps);
    const { pageWalks, slowLoads, slowStores, slowFetches } = profile.counts;
    for (const count of [pageWalks, slowLoads, slowStores, slowFetches]) {
      expect(count).toBeGreaterThan(0);
    }
    const causes = profile.exceptions.map(({ cause }) => cause);
    expect(causes).toEqual(expect.arrayContaining([2, 3, 7, 9, 13, 15]));
    expect(profile.interrupts.map(({ cause }) => cause)).toEqual(expect.arrayContaining([1, 5]));
  });
});

const STEPS = 1300;
