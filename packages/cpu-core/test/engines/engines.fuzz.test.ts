/// <reference types="node" />
/**
 * Goal: nothing that a guest or a snapshot can show tells the translator from the interpreter, nor
 * a machine that is moved from one to the other at random steps (premise C2). Method: seeded random
 * programs of three kinds (kinds.ts), with self-modification, remapping, address spaces, traps and
 * devices, run by all three in pieces of random lengths, under random interrupts, time lines and
 * writes of devices into code; canonical states are compared to the byte at random steps, and for
 * one program at each of its first steps. Any number by scripts/fuzz-engines.ts. A translator that
 * is not told of a device's write into code must be caught.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project cpu-core engines`.
 */
import { describe, expect, test } from 'vitest';
import { EventfulMachine } from '../slicing/eventful-machine.ts';
import { countsOf } from '../slicing/eventful-program.ts';
import { differenceOf } from '../support/compare-states.ts';
import { compareSeed, KINDS, type KindName } from './kinds.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 2026);

const COUNTS: readonly (readonly [kind: KindName, count: number])[] = [
  ['restless', 30],
  ['eventful', 10],
  ['random', 40],
];

/** What must have happened for this to mean anything. */
const CAUSES = [
  ...[2, 3, 5, 7, 8, 12, 13, 15].map((cause) => `S exception ${cause}`),
  ...[2, 3, 5, 7, 9].map((cause) => `M exception ${cause}`),
  ...['S interrupt 1', 'S interrupt 5', 'S interrupt 9'],
  ...['M interrupt 3', 'M interrupt 7', 'M interrupt 11'],
];

describe.each(COUNTS)('programs of kind %s', (kind, count) => {
  test(`${count} from seed ${SEED} are equal on both engines`, () => {
    const totals = { compared: 0, switches: 0, regions: 0 };
    const causes = new Map<string, number>();
    for (let seed = SEED; seed < SEED + count; seed++) {
      const { difference, compared, switches, regions, end } = compareSeed(kind, seed);
      expect(difference, `scripts/fuzz-engines.ts --seed ${seed} --kind ${kind}`).toBeUndefined();
      totals.compared += compared;
      totals.switches += switches;
      totals.regions += regions;
      for (const [cause, n] of countsOf(end.ram)) causes.set(cause, (causes.get(cause) ?? 0) + n);
    }
    expect(totals.compared).toBeGreaterThan(count * 3);
    expect(totals.switches).toBeGreaterThan(count);
    expect(totals.regions).toBeGreaterThan(count * 10);
    if (kind === 'restless') expect([...causes.keys()]).toEqual(expect.arrayContaining(CAUSES));
  });
});

describe('the first steps', () => {
  const STEPS = 300;

  test.each([5])('of the restless program of seed %i end alike wherever cut', (seed) => {
    const image = KINDS.restless.image(seed);
    const one = new EventfulMachine(image, { engine: 'interpreter' });
    const two = new EventfulMachine(image, { engine: 'translator', hotJumps: 1 });
    const start = two.capture();
    for (let step = 1; step <= STEPS; step++) {
      one.runTo(step);
      two.restore(start);
      two.runTo(step);
      expect(differenceOf(one.capture(), two.capture()), `step ${step}`).toBeUndefined();
    }
  });
});

describe('a translator that keeps a region after a device wrote into its code', () => {
  test('is caught', () => {
    const COUNT = 20;
    let caught = 0;
    for (let seed = SEED; seed < SEED + COUNT; seed++) {
      const { difference } = compareSeed('restless', seed, { isForgetful: true });
      if (difference !== undefined) caught += 1;
    }
    expect(caught).toBeGreaterThan(COUNT / 4);
  });
});
