/**
 * Goal: a run cut anywhere, and one that goes on from a snapshot in another core, equals the uncut
 * run: the interpreter's budget, caches and interrupts show nowhere (premises C2 and C6). Method:
 * an eventful program (eventful-program.ts) cut at every step, snapshot and restored at every step;
 * random programs of all instructions cut and restored at random steps. Whole states are compared
 * to the byte.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { runHere } from '../differential/compare.ts';
import { MONITOR, regionAt } from '../differential/layout.ts';
import { assembleMonitor, MTIMECMP } from '../differential/monitor.ts';
import { drawProgram } from '../differential/random-program.ts';
import { differenceOf } from '../support/compare-states.ts';
import {
  captureState,
  FINISHER,
  makeCore,
  poke,
  RAM_START,
  restoreState,
} from '../support/make-core.ts';
import { EventfulMachine, type EventfulState } from './eventful-machine.ts';
import { assembleEventful, countsOf } from './eventful-program.ts';

const SEEDS = [1, 2, 3];
const STEPS = 1300;
const FRESH_EVERY = 23;

/** What must have happened for these tests to mean anything. */
const EVENTS = [
  ...['S exception 3', 'S exception 7', 'S exception 13', 'S exception 15'],
  ...['S interrupt 1', 'S interrupt 5', 'M exception 2', 'M exception 9'],
  ...['M interrupt 3', 'M interrupt 11'],
];

function differenceOfMachines(a: EventfulState, b: EventfulState): string | undefined {
  return a.armedAt === b.armedAt ? differenceOf(a, b) : `armed at ${a.armedAt}, ${b.armedAt}`;
}

describe.each(SEEDS)('the eventful program of seed %i', (seed) => {
  const image = assembleEventful(seed);
  const uncut = new EventfulMachine(image);
  const start = uncut.capture();
  uncut.core.beginEpoch();
  uncut.runTo(STEPS);
  const end = uncut.capture();
  const written = [...uncut.core.writtenPages()];

  test('is eventful', () => {
    expect([...countsOf(end.ram).keys()]).toEqual(expect.arrayContaining(EVENTS));
  });

  test('cut at any one step ends the same, dirty pages included', () => {
    const machine = new EventfulMachine(image);
    for (let cut = 1; cut < STEPS; cut++) {
      machine.restore(start);
      machine.core.beginEpoch();
      machine.runTo(cut);
      expect(machine.core.step).toBe(cut);
      machine.runTo(STEPS);
      expect(differenceOfMachines(machine.capture(), end), `cut at ${cut}`).toBeUndefined();
      expect([...machine.core.writtenPages()], `cut at ${cut}`).toEqual(written);
    }
  });

  test('snapshot at any step and continued in another core ends the same', () => {
    const machine = new EventfulMachine(image);
    let other = new EventfulMachine(image);
    for (let step = 1; step < STEPS; step++) {
      // One step at a time: also the run that is cut everywhere.
      machine.runTo(step);
      // A core that ran something else must do as well as a fresh one, which costs more to make.
      if (step % FRESH_EVERY === 0) other = new EventfulMachine(image);
      other.restore(machine.capture());
      other.runTo(STEPS);
      expect(differenceOfMachines(other.capture(), end), `snapshot at ${step}`).toBeUndefined();
    }
    machine.runTo(STEPS);
    expect(differenceOfMachines(machine.capture(), end)).toBeUndefined();
  });
});

const PROGRAMS = 60;
const FUZZ_SEED = 77;

describe('random programs', () => {
  test(`${PROGRAMS} from seed ${FUZZ_SEED}, cut and restored at random steps`, () => {
    const prng = new Prng(FUZZ_SEED);
    let cuts = 0;
    for (let seed = FUZZ_SEED; seed < FUZZ_SEED + PROGRAMS; seed++) {
      const image = imageOf(seed);
      const uncut = runCut(image, () => Infinity);
      expect(uncut.steps).toBe(runHere(image).steps);
      const mean = 1 + prng.below(60);
      const cut = runCut(image, () => 1 + prng.below(2 * mean));
      cuts += cut.cuts;
      expect(differenceOf(cut.state, uncut.state), `seed ${seed}`).toBeUndefined();
    }
    expect(cuts).toBeGreaterThan(PROGRAMS * 20);
  });
});

const IMAGE_BYTES = 64 * 4096;

function imageOf(seed: number): Uint8Array {
  const image = new Uint8Array(IMAGE_BYTES);
  image.set(assembleMonitor(1), MONITOR - RAM_START);
  image.set(drawProgram(seed, 0).region, regionAt(0) - RAM_START);
  return image;
}

/** Runs to the end in slices of drawn lengths; every third goes on in another core. */
function runCut(image: Uint8Array, drawSteps: () => number) {
  let isDone = false;
  const make = () => {
    const core = makeCore({
      ramSizeBytes: image.length,
      bus: {
        read: () => undefined,
        write: (address) => {
          isDone ||= address === FINISHER;
          if (isDone) core.requestExit();
          return isDone || address === MTIMECMP || address === MTIMECMP + 4;
        },
      },
    });
    return core;
  };
  const cores = [make(), make()] as const;
  let core = cores[0];
  poke(core, RAM_START, image);
  let cuts = 0;
  for (;;) {
    if (isDone) break;
    const exit = core.run(Math.min(core.step + drawSteps(), STEPS_MAX));
    if (core.step >= STEPS_MAX) throw new Error('the program does not end');
    if (exit !== 'budget') continue;
    cuts++;
    if (cuts % 3 !== 0) continue;
    const other = core === cores[0] ? cores[1] : cores[0];
    restoreState(other, captureState(core));
    core = other;
  }
  return { steps: core.step, state: captureState(core), cuts };
}

const STEPS_MAX = 1_000_000;
