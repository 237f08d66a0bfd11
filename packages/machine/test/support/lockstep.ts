/** Both engines side by side on one guest. Test support. */
import { timePoint } from '@casmotion/time-point';
import { createMachine } from '../../src/create-machine.ts';
import type { MachineImages } from '../../src/images.ts';
import type { MachineConfig } from '../../src/machine-config.ts';
import type { MachineInterface } from '../../src/machine-interface.ts';

export interface LockstepOptions {
  readonly steps: number;
  /** Registers are compared each so many steps, and all of the state each 256 times. */
  readonly sliceSteps: number;
  readonly hotJumps?: number | undefined;
  readonly onConsole?: (bytes: Uint8Array) => void;
}

export interface LockstepResult {
  /** Steps made by both. */
  readonly steps: number;
  /** What differed first, or undefined. */
  readonly difference: string | undefined;
}

const SLICES_PER_LANDMARK = 256;

/** Runs without events: no input, time passes by the time line, idle time is skipped. */
export async function compareEngines(
  config: MachineConfig,
  images: MachineImages,
  { steps, sliceSteps, hotJumps, onConsole }: LockstepOptions,
): Promise<LockstepResult> {
  const options = { hotJumps };
  const one = await createMachine(config, images, { ...options, engine: 'interpreter' });
  const two = await createMachine(config, images, { ...options, engine: 'translator' });
  if (onConsole) {
    one.outputs = { consoleOutput: (_id, bytes) => onConsole(bytes), netPacket: () => {} };
  }
  one.enableLandmarks();
  two.enableLandmarks();
  for (let slice = 1; one.at.step < steps; slice++) {
    const from = one.at.step;
    const until = Math.min(steps, from + sliceSteps);
    const ends = [one, two].map((machine) => advance(machine, until));
    const where = `between steps ${from} and ${one.at.step}`;
    if (ends[0] !== ends[1]) {
      return { steps: from, difference: `${ends[0]} and ${ends[1]} ${where}` };
    }
    if (String(one.registerDigest()) !== String(two.registerDigest())) {
      const pcs = `pc ${one.pc.toString(16)} and ${two.pc.toString(16)}`;
      return { steps: from, difference: `registers differ ${where}: ${pcs}` };
    }
    if (slice % SLICES_PER_LANDMARK === 0 || ends[0]?.startsWith('halted')) {
      const [a, b] = [one.landmark(), two.landmark()];
      if (String(a.stateDigest) !== String(b.stateDigest)) {
        return { steps: from, difference: `states differ ${where}` };
      }
    }
    if (ends[0]?.startsWith('halted') || ends[0]?.startsWith('asleep')) break;
  }
  return { steps: one.at.step, difference: undefined };
}

/** Runs to a step; what it says tells where the machine stands and why. */
function advance(machine: MachineInterface, until: number): string {
  for (;;) {
    const stop = machine.run(timePoint(until));
    const where = `at step ${machine.at.step}`;
    if (stop.kind === 'time-point') return `running ${where}`;
    if (stop.kind === 'halted') return `halted (${stop.result.cause}) ${where}`;
    if (stop.kind === 'idle') {
      if (stop.deadlineTicks === undefined) return `asleep ${where}`;
      machine.wakeAtDeadline();
    }
  }
}
