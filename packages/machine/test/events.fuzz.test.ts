/**
 * Goal: events at time points make a run: the same events at the same places give the same states,
 * however the runs between them are cut, with save and restore in between; other events do not.
 * Method: seeded random events against a guest that mixes every interrupt into its state. What was
 * done is noted and done again; digests of the whole state are compared at each event.
 */
import { Prng, toHex } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { timePoint } from '@casmotion/time-point';
import { expect, it } from 'vitest';
import type { Machine } from '../src/index.ts';
import { busyProgram } from './support/programs.ts';
import { startMachine } from './support/run-machine.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);
const ROUNDS = 4;
const EVENTS = 150;

/** What a driver did at a step: an event, or a wake at the machine's own deadline. */
interface Act {
  readonly step: number;
  readonly event: MachineEvent | 'wake';
  /** After it. */
  readonly registers: string;
}

const PROGRAM = busyProgram(700);

it(`the same events give the same states (seed ${SEED}: repeat with CASMOTION_SEED)`, async () => {
  const kinds = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const prng = new Prng(SEED * 1000 + round);
    const original = await startMachine(PROGRAM);
    const acts = live(original.machine, prng);
    for (const { event } of acts) kinds.add(event === 'wake' ? event : event.kind);

    for (const cut of [1_000_000, 97, 1 + prng.below(500)]) {
      const again = await startMachine(PROGRAM);
      repeat(again.machine, acts, cut);
      expect(again.text(), `round ${round}, cut ${cut}`).toBe(original.text());
      expect(state(again.machine), `round ${round}, cut ${cut}`).toBe(state(original.machine));
    }
    expect(original.text()).toMatch(/\.[^.]+\./);

    const part = await startMachine(PROGRAM);
    const half = acts.length >> 1;
    repeat(part.machine, acts.slice(0, half), 5000);
    const rest = await startMachine(PROGRAM);
    rest.machine.restore(part.machine.snapshot());
    repeat(rest.machine, acts.slice(half), 300);
    expect(state(rest.machine), `round ${round}, restored`).toBe(state(original.machine));
  }
  expect(kinds.size).toBe(8);
});

it('an event one step late is another run', async () => {
  const original = await startMachine(PROGRAM);
  const acts = live(original.machine, new Prng(SEED));
  const index = acts.findIndex(({ event }) => event !== 'wake' && event.kind === 'clock-line');
  const late = acts.map((act, i) => (i === index ? { ...act, step: act.step + 1 } : act));
  const again = await startMachine(PROGRAM);
  expect(() => {
    repeat(again.machine, late, 1_000_000);
    expect(state(again.machine)).toBe(state(original.machine));
  }).toThrow();
});

/** Runs with random events; gives what was done. */
function live(machine: Machine, prng: Prng): Act[] {
  const acts: Act[] = [];
  const act = (event: MachineEvent | 'wake'): void => {
    perform(machine, event);
    acts.push({ step: machine.at.step, event, registers: toHex(machine.registerDigest()) });
  };
  while (acts.length < EVENTS) {
    const stop = machine.run(timePoint(machine.at.step + 1 + prng.below(20_000)));
    if (stop.kind === 'idle' && !prng.chance(4)) act('wake');
    else act(randomEvent(prng, stop.kind === 'idle' ? stop.deadlineTicks : undefined, machine));
  }
  return acts;
}

/** Does the same again, in runs of at most `cut` steps. */
function repeat(machine: Machine, acts: readonly Act[], cut: number): void {
  for (const [index, { step, event, registers }] of acts.entries()) {
    while (machine.at.step < step) {
      const stop = machine.run(timePoint(Math.min(step, machine.at.step + cut)));
      if (stop.kind !== 'time-point') throw new Error(`act ${index}: ${stop.kind}`);
    }
    perform(machine, event);
    expect(toHex(machine.registerDigest()), `act ${index}`).toBe(registers);
  }
}

function perform(machine: Machine, event: MachineEvent | 'wake'): void {
  if (event === 'wake') machine.wakeAtDeadline();
  else machine.apply(event);
}

function randomEvent(prng: Prng, deadline: number | undefined, machine: Machine): MachineEvent {
  if (deadline !== undefined && prng.chance(2)) {
    return { kind: 'idle-advance', ticks: prng.below(deadline - machine.ticks + 1) };
  }
  switch (prng.below(8)) {
    case 0:
    case 5:
    case 6:
      return { kind: 'console-input', console: prng.chance(4) ? 1 : 0, bytes: randomText(prng) };
    case 1:
      return { kind: 'port-raised', port: 1 + prng.below(31) };
    case 2:
      return { kind: 'virq-raised', virq: prng.below(24), vcpu: prng.below(2) };
    case 3: {
      const request = { kind: 'bind', port: prng.below(40), remotePort: 1 } as const;
      return { kind: 'peer-request', domain: 2, request };
    }
    case 4: {
      const runs = [{ offset: prng.below(4000), bytes: randomText(prng) }];
      return { kind: 'shared-page-write', domain: 2, ref: 8, isOwn: prng.chance(2), runs };
    }
    default: {
      const slope = 20_000_000 + prng.below(80_000_000);
      return { kind: 'clock-line', jumpTicks: prng.below(900), slope };
    }
  }
}

function randomText(prng: Prng): Uint8Array {
  return Uint8Array.from({ length: 1 + prng.below(20) }, () => 97 + prng.below(26));
}

function state(machine: Machine): string {
  return toHex(machine.fullLandmark().stateDigest);
}
