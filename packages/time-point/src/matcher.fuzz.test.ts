/// <reference types="node" />
/**
 * Goal: on a late counter the matcher delivers at the one right place or says that it did not; an
 * overcounting counter is always caught. Method: thousands of seeded programs of nested loops and
 * repetitions, seeded targets and skids; the oracle is the list of all places of the run, made by
 * single steps.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project time-point`.
 */
import { defined, Prng } from '@casmotion/base';
import { expect, test } from 'vitest';
import { allPlaces, randomProgram, ToyTarget } from '../test/toy.ts';
import { AdaptiveMargin, branchKey, matchTimePoint, matchWithRewind, stepKey } from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

test('(branches, pc, register) names every place of a run once', () => {
  let places = 0;
  for (let seed = SEED; seed < SEED + 500; seed++) {
    const run = allPlaces(randomProgram(new Prng(seed)), 'branches');
    const keys = new Set(run.map(({ count, pc, register }) => `${count} ${pc} ${register}`));
    expect(keys.size, `seed ${seed}`).toBe(run.length);
    places += run.length;
  }
  expect(places).toBeGreaterThan(10_000);
});

test('with a margin above the skid every place is reached at the first try', () => {
  let [far, creeps] = [0, 0];
  for (let seed = SEED; seed < SEED + 4000; seed++) {
    const { program, run, index, random } = scenario(seed, 'branches');
    const place = defined(run[index], 'place');
    const skidMax = random.below(40);
    const target = new ToyTarget(program, { counts: 'branches', skidMax, overcountOneIn: 0, seed });
    const key = branchKey(place.count, place.pc, place.register);
    const margin = skidMax + 1;
    const outcome = matchTimePoint(target, key, { margin, check: place.check ?? 0n });
    expect([outcome.kind, target.steps], `seed ${seed}`).toEqual(['delivered', index]);
    if (outcome.skid !== undefined) far++;
    creeps += target.stops;
  }
  expect(far).toBeGreaterThan(500);
  expect(creeps).toBeGreaterThan(4000);
});

test('a margin too small: the miss is named as skid, and a rewind with a larger gets there', () => {
  let [rewound, missed] = [0, 0];
  for (let seed = SEED; seed < SEED + 3000; seed++) {
    const { program, run, index, random } = scenario(seed, 'branches');
    const place = defined(run[index], 'place');
    const options = {
      counts: 'branches',
      skidMax: 1 + random.below(60),
      overcountOneIn: 0,
      seed,
    } as const;
    const key = branchKey(place.count, place.pc, place.register);
    const check = place.check ?? 0n;
    const once = matchTimePoint(new ToyTarget(program, options), key, { margin: 0, check });
    if (once.kind !== 'delivered') {
      expect(once, `seed ${seed}`).toMatchObject({ isSkid: true });
      missed++;
    }
    const target = new ToyTarget(program, options);
    const margin = new AdaptiveMargin(0);
    const { outcome, rewinds } = matchWithRewind(target, key, {
      margin,
      check,
      rewind: () => target.reset(),
    });
    expect([outcome.kind, target.steps], `seed ${seed}`).toEqual(['delivered', index]);
    if (rewinds > 0) rewound++;
  }
  expect(Math.min(rewound, missed)).toBeGreaterThan(100);
});

test('step keys are reached on an exact and on a late counter', () => {
  for (let seed = SEED; seed < SEED + 1000; seed++) {
    const { program, index, random } = scenario(seed, 'steps');
    const skidMax = random.pick([0, 0, 9]);
    const target = new ToyTarget(program, { counts: 'steps', skidMax, overcountOneIn: 0, seed });
    const outcome = matchTimePoint(target, stepKey(index), { margin: skidMax });
    expect([outcome.kind, target.steps], `seed ${seed}`).toEqual(['delivered', index]);
    // An exact counter needs no creeping: one run.
    if (skidMax === 0) expect(target.stops).toBeLessThanOrEqual(1);
  }
});

test('an overcounting counter never delivers at a wrong place', () => {
  let [caught, wouldBeWrong, right] = [0, 0, 0];
  for (let seed = SEED; seed < SEED + 4000; seed++) {
    const { program, run, index } = scenario(seed, 'branches');
    const place = defined(run[index], 'place');
    const options = { counts: 'branches', skidMax: 5, overcountOneIn: 10, seed } as const;
    const key = branchKey(place.count, place.pc, place.register);
    const target = new ToyTarget(program, options);
    const outcome = matchTimePoint(target, key, { margin: 8, check: place.check ?? 0n });
    if (outcome.kind === 'delivered') {
      expect(target.steps, `seed ${seed}`).toBe(index);
      right++;
    } else caught++;
    const blind = new ToyTarget(program, options);
    const believed = matchTimePoint(blind, key, { margin: 8 });
    if (believed.kind === 'delivered' && blind.steps !== index) wouldBeWrong++;
  }
  // The check is what catches it: without it some of these would have been delivered at a wrong
  // place.
  expect(Math.min(caught, wouldBeWrong, right)).toBeGreaterThan(50);
});

test('a place that the run never reaches is missed, not met', () => {
  let named = 0;
  for (let seed = SEED; seed < SEED + 1000; seed++) {
    const { program, run, random } = scenario(seed, 'branches');
    const count = random.below((run.at(-1)?.count ?? 0) + 3);
    const pc = BigInt(random.below(program.length + 2) * 4);
    const register = BigInt(random.below(8));
    const isThere = run.some((p) => p.count === count && p.pc === pc && p.register === register);
    const target = new ToyTarget(program, {
      counts: 'branches',
      skidMax: 3,
      overcountOneIn: 0,
      seed,
    });
    const outcome = matchTimePoint(target, branchKey(count, pc, register), { margin: 5 });
    expect(outcome.kind === 'delivered', `seed ${seed}`).toBe(isThere);
    if (outcome.kind !== 'delivered') {
      named++;
      const sawCount = run.some((p) => p.count === count);
      expect(outcome.differs === 'count', `seed ${seed}`).toBe(!sawCount);
    }
  }
  expect(named).toBeGreaterThan(300);
});

function scenario(seed: number, counts: 'branches' | 'steps') {
  const random = new Prng(seed);
  const program = randomProgram(random);
  const run = allPlaces(program, counts);
  return { program, run, index: random.below(run.length), random };
}
