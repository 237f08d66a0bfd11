/**
 * Makes and drives machines in tests: outputs collected, idle skipped as under the virtual clock.
 */
import { createHashes, decodeUtf8 } from '@casmotion/base';
import { timePoint } from '@casmotion/time-point';
import {
  createMachine,
  describeImage,
  type HaltResult,
  type Machine,
  type MachineConfig,
  type MachineImages,
} from '../../src/index.ts';
import { testConfig } from './test-config.ts';

export const hashes = await createHashes();

export interface TestMachine {
  readonly machine: Machine;
  /** Console 0 so far, as text. */
  text(): string;
}

/** A machine around one kernel. */
export async function startMachine(
  kernel: Uint8Array,
  changes: Partial<MachineConfig> = {},
  images: MachineImages = {},
): Promise<TestMachine> {
  const config = testConfig({ kernel: describeImage('kernel.elf', kernel, hashes), ...changes });
  const machine = await createMachine(config, { ...images, kernel }, { hashes });
  const output: number[] = [];
  machine.outputs = {
    consoleOutput: (console, bytes) => void (console === 0 && output.push(...bytes)),
    netPacket() {},
  };
  return { machine, text: () => decodeUtf8(Uint8Array.from(output)) ?? '' };
}

/**
 * Runs to the end, waking at deadlines; `cut` tells how many steps to run at a time. Gives how it
 * ended.
 */
export function runToEnd(
  machine: Machine,
  cut: () => number = () => 100_000,
  maxSteps = 2_000_000,
): HaltResult {
  while (machine.at.step < maxSteps) {
    const stop = machine.run(timePoint(machine.at.step + cut()));
    if (stop.kind === 'halted') return stop.result;
    if (stop.kind !== 'idle') continue;
    if (stop.deadlineTicks === undefined)
      throw new Error(`sleeps for ever at step ${machine.at.step}`);
    machine.wakeAtDeadline();
  }
  throw new Error(`no end after ${maxSteps} steps`);
}
