/// <reference types="node" />
/**
 * Goal: on a real guest with its devices the translator does what the interpreter does, to the step
 * and the bit. Method: the embedded guest at work on both engines side by side: registers
 * compared after each slice, long ones and, in windows, short ones of random lengths that end
 * everywhere in and around regions; the whole state (memory, TLB, devices) now and then and at the
 * end. Other guests by scripts/lockstep.ts. A machine with other random numbers must be caught.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeImage, type MachineConfig } from '../src/index.ts';
import { compareEngines, type LockstepOptions } from './support/lockstep.ts';
import { hashes } from './support/run-machine.ts';
import { testConfig } from './support/test-config.ts';

const ELF = new URL('../../guests/embedded/casmotion-guest.elf', import.meta.url);
const kernel = new Uint8Array(readFileSync(ELF));
const disk = new Uint8Array(2 ** 20);
const disks = [
  {
    sizeBytes: disk.length,
    read: (at: number, into: Uint8Array): void => into.set(disk.subarray(at, at + into.length)),
  },
];

function configOf(append: string, seed = 1): MachineConfig {
  return testConfig({
    bios: 'sbi',
    append,
    kernel: describeImage('guest.elf', kernel, hashes),
    disks: [describeImage('disk', disk, hashes)],
    rng: { kind: 'seed', seed },
  });
}

const OPTIONS: LockstepOptions = {
  steps: 40_000_000,
  sliceSteps: 20_000,
  windows: { everySteps: 2_000_000, steps: 20_000, sliceStepsMax: 200, seed: 1 },
};
interface Case {
  readonly commands: string;
  readonly hotJumps: number;
  /** What the guest must have printed for it to mean anything. */
  readonly printed: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    commands: 'rand; journal format; journal write hello; journal check; evtchn 3; sleep 2; race',
    hotJumps: 20,
    printed: [/^[0-9a-f]{32}\r?$/m, /journal: 1 records/, /evtchn: came back 3 times/, /^race: /im],
  },
  { commands: 'demo', hotJumps: 1000, printed: [/devices: disk/, /matrix +runnable/] },
];

describe('the embedded guest', () => {
  test.each(CASES)('$commands, on both engines', async ({ commands, hotJumps, printed }) => {
    let text = '';
    const onConsole = (bytes: Uint8Array) => (text += Buffer.from(bytes).toString('latin1'));
    const options = { ...OPTIONS, hotJumps, onConsole };
    const found = await compareEngines(configOf(commands), { kernel, disks }, options);
    expect(found.difference, text).toBeUndefined();
    expect(found.steps).toBeGreaterThan(10_000_000);
    expect(found.comparisons.regions).toBeGreaterThan(50_000);
    expect(found.comparisons.registers).toBeGreaterThan(1000);
    expect(found.comparisons.states).toBeGreaterThan(100);
    for (const what of printed) expect(text).toMatch(what);
  });

  test('on a machine with other random numbers is caught', async () => {
    const options = { ...OPTIONS, otherConfig: configOf('demo', 2) };
    const found = await compareEngines(configOf('demo'), { kernel, disks }, options);
    expect(found.difference).toMatch(/^(registers|states) differ.* between steps \d+ and \d+$/);
  });
});
