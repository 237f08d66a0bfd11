/// <reference types="node" />
/**
 * Goal: the emulated performance counter reads what the machine counts, interrupts exactly its
 * skid too late, breaks at the first place at an address, and a matcher over it comes to the very
 * step of a key without being told one; overcounting shows. Method: the embedded guest at work; the
 * oracle is the list of all places of a stretch of its run, made by single steps on another
 * machine, with idle time skipped as a replayer skips it; seeded goals.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project machine emulated-pmu`.
 */
import { readFileSync } from 'node:fs';
import { defined, Prng } from '@casmotion/base';
import { branchKey, matchTimePoint, timePoint } from '@casmotion/time-point';
import { describe, expect, test } from 'vitest';
import {
  createMachine,
  describeImage,
  EmulatedPmu,
  type Machine,
  type MachineConfig,
  type MachineSnapshot,
  type PmuConfig,
} from '../src/index.ts';
import { compareEngines } from './support/lockstep.ts';
import { hashes } from './support/run-machine.ts';
import { testConfig } from './support/test-config.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const ELF = new URL('../../guests/embedded/casmotion-guest.elf', import.meta.url);
const kernel = new Uint8Array(readFileSync(ELF));
const PMU: PmuConfig = { kind: 'branches', skid: 0, seed: SEED, overcount: 0 };
/** Where threads run. */
const [FROM, STEPS] = [1_200_000, 40_000];

function configOf(timePoint: PmuConfig | undefined): MachineConfig {
  return testConfig({
    bios: 'sbi',
    append: 'evtchn 3; sleep 1; race',
    kernel: describeImage('guest.elf', kernel, hashes),
    ...(timePoint === undefined ? {} : { timePoint }),
  });
}

interface Place {
  readonly count: number;
  readonly pc: bigint;
  readonly sp: bigint;
}

/** Runs to a step as a replayer does that finds no event. */
function runTo(machine: Machine, step: number): void {
  while (machine.at.step < step) {
    const stop = machine.run(timePoint(step));
    if (stop.kind === 'idle') machine.wakeAtDeadline();
    else if (stop.kind === 'halted') throw new Error('the guest ended');
  }
}

const machine = await createMachine(configOf(PMU), { kernel }, { hashes });
runTo(machine, FROM);
const start: MachineSnapshot = machine.snapshot();
const places: Place[] = [];
for (let step = FROM; step <= FROM + STEPS; step++) {
  runTo(machine, step);
  places.push({ count: machine.transfers, pc: machine.pc, sp: machine.sp });
}

/** The machine at place `index`, and a counter over it. */
function pmuAt(index: number, changes: Partial<PmuConfig> = {}): EmulatedPmu {
  machine.restore(start);
  runTo(machine, FROM + index);
  return new EmulatedPmu(machine, { ...PMU, ...changes }, () => {
    machine.wakeAtDeadline();
    return true;
  });
}

const placeAt = (index: number): Place => defined(places[index], `place ${index}`);

test('the stretch has many transfers, and a name for each place', () => {
  expect(new Set(places.map(({ count, pc }) => `${count} ${pc}`)).size).toBe(places.length);
  const transfers = placeAt(STEPS).count - placeAt(0).count;
  expect(transfers).toBeGreaterThan(STEPS / 20);
});

test('an interrupt comes its skid too late, and no step later', () => {
  let [far, late] = [0, 0];
  for (let seed = SEED; seed < SEED + 60; seed++) {
    const random = new Prng(seed);
    const index = random.below(STEPS / 2);
    const skid = random.pick([0, 0, 5, 500]);
    const pmu = pmuAt(index, { skid, seed });
    expect(pmu.read()).toMatchObject({ count: placeAt(index).count, register: placeAt(index).sp });
    const ahead = random.below(random.pick([3, 300, 2000]));
    const armed = placeAt(index).count + ahead;
    const fires = armed + new Prng(seed).below(skid + 1);
    const expected = places.findIndex(({ count }, i) => i > index && count >= fires);
    if (expected < 0) continue;
    pmu.arm(armed);
    expect(pmu.run()).toBe(true);
    expect(machine.at.step, `seed ${seed}`).toBe(FROM + expected);
    if (ahead > 100) far++;
    if (fires > armed) late++;
  }
  expect(Math.min(far, late)).toBeGreaterThan(10);
});

test('a breakpoint stops at the first place there, and at the counter before', () => {
  let [atPc, atCount] = [0, 0];
  for (let seed = SEED; seed < SEED + 60; seed++) {
    const random = new Prng(seed);
    const index = random.below(STEPS / 2);
    const pmu = pmuAt(index);
    const { pc } = placeAt(index + 1 + random.below(4000));
    const guard = placeAt(index).count + 1 + random.below(random.pick([2, 2, 400]));
    const expected = places.findIndex(
      (place, i) => i > index && (place.pc === pc || place.count >= guard),
    );
    if (expected < 0) continue;
    pmu.arm(guard);
    pmu.setBreakpoint(pc);
    expect(pmu.run()).toBe(true);
    expect(machine.at.step, `seed ${seed}`).toBe(FROM + expected);
    expect(pmu.statistics.creptSteps).toBe(expected - index);
    if (placeAt(expected).pc === pc) atPc++;
    else atCount++;
  }
  expect(Math.min(atPc, atCount)).toBeGreaterThan(8);
});

test('a matcher comes to the step of a key', () => {
  let arms = 0;
  for (let seed = SEED; seed < SEED + 60; seed++) {
    const random = new Prng(seed);
    const index = random.below(STEPS / 2);
    const goal = index + random.below(STEPS / 2);
    const skid = random.below(501);
    const pmu = pmuAt(index, { skid, seed });
    const { count, pc, sp } = placeAt(goal);
    const key = branchKey(count, pc, ...(random.chance(2) ? [sp] : []));
    const outcome = matchTimePoint(pmu, key, { margin: skid + 1 });
    expect([outcome.kind, machine.at.step], `seed ${seed}`).toEqual(['delivered', FROM + goal]);
    arms += pmu.statistics.arms;
  }
  expect(arms).toBeGreaterThan(60);
});

describe('overcount', () => {
  test('adds to what is read, in time', () => {
    const pmu = pmuAt(0, { overcount: 1 });
    const before = pmu.read().count;
    pmu.noteEntry();
    expect(pmu.read().count).toBe(before + 1);
    pmu.step();
    expect(pmu.read().count).toBe(machine.transfers + 2);
    expect(machine.transfers).toBe(placeAt(1).count);
  });

  test('is never where it is not asked for', () => {
    const pmu = pmuAt(0);
    for (let entry = 0; entry < 1000; entry++) pmu.noteEntry();
    expect(pmu.read().count).toBe(machine.transfers);
  });
});

test('a machine that does not count says so when asked', async () => {
  const plain = await createMachine(configOf(undefined), { kernel }, { hashes });
  expect(() => plain.transfers).toThrow(/counts no transfers/);
});

test('both engines count alike on the guest, to the end of its script', async () => {
  const found = await compareEngines(configOf(PMU), { kernel }, {
    steps: 12_000_000,
    sliceSteps: 20_000,
    windows: { everySteps: 2_000_000, steps: 20_000, sliceStepsMax: 200, seed: SEED },
    hotJumps: 20,
  });
  expect(found.difference).toBeUndefined();
  expect(found.comparisons.states).toBeGreaterThan(50);
});
