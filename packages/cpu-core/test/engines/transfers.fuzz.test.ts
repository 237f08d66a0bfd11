/// <reference types="node" />
/**
 * Goal: both engines count transfers of control alike; (transfers, pc) names every place of a run
 * once; a watched run stops at the first place that its watch names, in the state that a run cut
 * there would be in. Method: the seeded random programs on which engines are compared (kinds.ts),
 * with the counter on; the oracle of places and states is a machine that makes single steps. A
 * core that does not count has the state that it had, to the byte.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project cpu-core transfers`.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { EventfulMachine } from '../slicing/eventful-machine.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore } from '../support/make-core.ts';
import { compareSeed, KIND_NAMES, KINDS, type KindName } from './kinds.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 2027);
const PROGRAMS = 12;
const STEPS = 4000;

const machines = new Map<string, EventfulMachine>();
const starts = new Map<string, ReturnType<EventfulMachine['capture']>>();

/** A counting machine before its first step; used again and again. */
function machineFor(
  kind: KindName,
  seed: number,
  engine: 'interpreter' | 'translator',
): EventfulMachine {
  const image = KINDS[kind].image(seed);
  const key = `${engine} ${image.length}`;
  const options = { engine, hotJumps: 2, isCountingTransfers: true };
  const machine = machines.get(key) ?? new EventfulMachine(image, options);
  machines.set(key, machine);
  const start = starts.get(key) ?? machine.capture();
  starts.set(key, start);
  machine.restore({ ...start, ram: image });
  return machine;
}

interface Place {
  readonly transfers: number;
  readonly pc: bigint;
}

/** Every place of a run, by single steps; `before` is what is there before step `i`. */
function placesOf(machine: EventfulMachine, steps: number): Place[] {
  const places: Place[] = [];
  for (let step = 0; step <= steps; step++) {
    machine.runTo(step);
    const { transfers = -1, hart } = machine.core;
    places.push({ transfers, pc: hart.pc });
  }
  return places;
}

describe.each(KIND_NAMES)('programs of kind %s', (kind) => {
  test(`are counted alike by both engines (seed ${SEED})`, () => {
    let regions = 0;
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const found = compareSeed(kind, seed, { isCountingTransfers: true });
      expect(found.difference, `seed ${seed}`).toBeUndefined();
      regions += found.regions;
    }
    expect(regions).toBeGreaterThan(PROGRAMS);
  });

  test(`have a name for each place, and count all that cannot fall (seed ${SEED})`, () => {
    const seen = { fell: 0, counted: 0, twice: 0 };
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const places = placesOf(machineFor(kind, seed, 'interpreter'), STEPS);
      const names = new Set(places.map(({ transfers, pc }) => `${transfers} ${pc}`));
      expect(names.size, `seed ${seed}`).toBe(places.length);
      for (const [i, { transfers, pc }] of places.entries()) {
        const next = places[i + 1];
        if (next === undefined) break;
        const counted = next.transfers - transfers;
        const advance = Number(BigInt.asIntN(64, next.pc - pc));
        const couldFall = advance === 2 || advance === 4;
        // A branch to the next instruction, taken, counts; all that cannot have fallen must.
        if (!couldFall) expect(counted, `seed ${seed} step ${i}`).toBeGreaterThan(0);
        expect(counted).toBeLessThanOrEqual(3);
        if (counted === 0) seen.fell++;
        else seen.counted++;
        if (counted > 1) seen.twice++;
      }
    }
    expect(seen.fell).toBeGreaterThan(PROGRAMS * 100);
    expect(seen.counted).toBeGreaterThan(PROGRAMS * 50);
    if (kind === 'restless') expect(seen.twice).toBeGreaterThan(0);
  });

  test(`stop at a watch as if cut there (seed ${SEED})`, () => {
    const seen = { byPc: 0, byCount: 0, far: 0 };
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const prng = new Prng(seed);
      const places = placesOf(machineFor(kind, seed, 'interpreter'), STEPS);
      for (let round = 0; round < 6; round++) {
        const from = prng.below(STEPS - 1);
        const goal = places[from + 1 + prng.below(Math.min(600, STEPS - from))] as Place;
        const isByPc = prng.chance(2);
        const slack = isByPc ? prng.below(30) : 0;
        const isHereToo = prng.chance(2);
        const transfers = goal.transfers + slack;
        const watch = { transfers, pc: isByPc ? goal.pc : undefined, isHereToo };
        const least = isHereToo ? from : from + 1;
        const expected = places.findIndex(
          ({ pc, ...place }, i) =>
            i >= least && (place.transfers >= transfers || pc === watch.pc),
        );
        const found = machineFor(kind, seed, prng.pick(['interpreter', 'translator']));
        found.runTo(from);
        found.runTo(STEPS + 1, watch);
        const where = `seed ${seed} round ${round}: from ${from} to ${expected}`;
        expect(found.core.step, where).toBe(expected);
        const captured = found.capture();
        const oracle = machineFor(kind, seed, 'interpreter');
        oracle.runTo(expected);
        expect(differenceOf(captured, oracle.capture()), where).toBeUndefined();
        if (expected > from + 50) seen.far++;
        if (places[expected]?.pc === watch.pc) seen.byPc++;
        else seen.byCount++;
      }
    }
    expect(Math.min(seen.byPc, seen.byCount)).toBeGreaterThan(PROGRAMS);
    expect(seen.far).toBeGreaterThan(PROGRAMS / 2);
  });
});

describe('a core that does not count', () => {
  test('has eight bytes less of state, and says that it does not', () => {
    const [counting, plain] = [true, false].map((isCountingTransfers) =>
      makeCore({ isCountingTransfers }),
    );
    if (counting === undefined || plain === undefined) throw new Error('two cores');
    expect([typeof counting.transfers, plain.transfers]).toEqual(['number', undefined]);
    const [long, short] = [captureState(counting).snapshot, captureState(plain).snapshot];
    expect(long.length).toBe(short.length + 8);
    expect(long.subarray(0, short.length)).toEqual(short);
    const watch = { transfers: 1, pc: undefined, isHereToo: true };
    expect(() => plain.runWatched(5, watch)).toThrow(/watch/);
  });

  test('a snapshot carries the count', () => {
    const machine = machineFor('restless', SEED, 'translator');
    machine.runTo(2000);
    const { transfers } = machine.core;
    const state = machine.capture();
    machine.runTo(3000);
    expect(machine.core.transfers).toBeGreaterThan(transfers ?? 0);
    machine.restore(state);
    expect(machine.core.transfers).toBe(transfers);
  });
});
