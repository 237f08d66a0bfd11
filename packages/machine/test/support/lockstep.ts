/**
 * Both engines side by side on one guest: compared each time that control leaves a region, and
 * after each slice. Test support.
 */
import { Prng } from '@casmotion/base';
import { type CoreInterface, createCore } from '@casmotion/cpu-core';
import { timePoint } from '@casmotion/time-point';
import { createMachine } from '../../src/create-machine.ts';
import type { MachineImages } from '../../src/images.ts';
import type { MachineConfig } from '../../src/machine-config.ts';
import type { MachineInterface } from '../../src/machine-interface.ts';

export interface LockstepOptions {
  readonly steps: number;
  /** Registers are compared each so many steps, and all of the state each 256 times. */
  readonly sliceSteps: number;
  readonly windows?: Windows | undefined;
  readonly hotJumps?: number | undefined;
  /** Of the translator's machine, for a canary: another one. */
  readonly otherConfig?: MachineConfig;
  readonly onConsole?: (bytes: Uint8Array) => void;
}

/**
 * Now and then slices are short and of random lengths: they end everywhere in and around regions,
 * and mostly after less than one run of a region. Registers are compared after each, all of the
 * state (fetch translation, TLB and memory too) after each eighth.
 */
export interface Windows {
  /** A window begins each so many steps, and is so many steps long. */
  readonly everySteps: number;
  readonly steps: number;
  readonly sliceStepsMax: number;
  readonly seed: number;
}

export interface LockstepResult {
  /** Steps made by both. */
  readonly steps: number;
  readonly comparisons: {
    /** Times that control left a region, after which harts were compared. */
    readonly regions: number;
    /** Slices after which registers, and after which states were compared. */
    readonly registers: number;
    readonly states: number;
  };
  /** What differed first, or undefined. */
  readonly difference: string | undefined;
}

const SLICES_PER_LANDMARK = 256;
const SHORT_SLICES_PER_LANDMARK = 8;

/** Where control left regions in a slice, and the hash of the hart there. */
class RegionTrace {
  readonly #steps: number[] = [];
  readonly #hashes: number[] = [];
  core: CoreInterface | undefined;

  left(step: number): void {
    this.#steps.push(step);
    this.#hashes.push(this.core?.hartHash ?? 0);
  }

  /** Brings the reference to each of those steps: how many agreed, and the first that did not. */
  compare(reference: MachineInterface, core: CoreInterface | undefined) {
    const steps = this.#steps.splice(0);
    const hashes = this.#hashes.splice(0);
    for (const [i, step] of steps.entries()) {
      advance(reference, step);
      if (reference.at.step !== step || core?.hartHash !== hashes[i]) return { agreed: i, step };
    }
    return { agreed: steps.length, step: undefined };
  }
}

/** Runs without events: no input, time passes by the time line, idle time is skipped. */
export async function compareEngines(
  config: MachineConfig,
  images: MachineImages,
  options: LockstepOptions,
): Promise<LockstepResult> {
  const { steps, hotJumps, onConsole, otherConfig } = options;
  const trace = new RegionTrace();
  let core: CoreInterface | undefined;
  const one = await createMachine(config, images, {
    engine: 'interpreter',
    createCore: (made) => (core = createCore(made)),
  });
  const two = await createMachine(otherConfig ?? config, images, {
    hotJumps,
    engine: 'translator',
    observer: trace,
    createCore: (made) => (trace.core = createCore(made)),
  });
  if (onConsole) {
    one.outputs = { consoleOutput: (_id, bytes) => onConsole(bytes), netPacket: () => {} };
  }
  one.enableLandmarks();
  two.enableLandmarks();
  const prng = new Prng(options.windows?.seed ?? 0);
  const comparisons = { regions: 0, registers: 0, states: 0 };
  for (let slice = 1; one.at.step < steps; slice++) {
    const from = one.at.step;
    const { sliceSteps, perLandmark } = drawSlice(from, prng, options);
    const until = Math.min(steps, from + sliceSteps);
    const end = advance(two, until);
    const { agreed, step } = trace.compare(one, core);
    comparisons.regions += agreed;
    if (step !== undefined) {
      const difference = `harts differ where control left a region, at step ${step}`;
      return { steps: from, comparisons, difference };
    }
    const ends: [string, string] = [advance(one, until), end];
    const isOver = /^(halted|asleep)/.test(ends[0]);
    const areStatesDue = isOver || slice % perLandmark === 0 || one.at.step === steps;
    comparisons.registers += 1;
    if (areStatesDue) comparisons.states += 1;
    const found = compareNow(one, two, ends, areStatesDue);
    if (found !== undefined) {
      const difference = `${found} between steps ${from} and ${one.at.step}`;
      return { steps: from, comparisons, difference };
    }
    if (isOver) break;
  }
  return { steps: one.at.step, comparisons, difference: undefined };
}

function drawSlice(
  from: number,
  prng: Prng,
  { sliceSteps, windows }: LockstepOptions,
): { readonly sliceSteps: number; readonly perLandmark: number } {
  if (windows === undefined) return { sliceSteps, perLandmark: SLICES_PER_LANDMARK };
  const inPeriod = from % windows.everySteps;
  if (inPeriod < windows.steps) {
    const short = 1 + prng.below(windows.sliceStepsMax);
    return { sliceSteps: short, perLandmark: SHORT_SLICES_PER_LANDMARK };
  }
  const untilWindow = windows.everySteps - inPeriod;
  return { sliceSteps: Math.min(sliceSteps, untilWindow), perLandmark: SLICES_PER_LANDMARK };
}

/** What differs, or undefined. */
function compareNow(
  one: MachineInterface,
  two: MachineInterface,
  ends: readonly [string, string],
  areStatesDue: boolean,
): string | undefined {
  if (ends[0] !== ends[1]) return `${ends[0]} and ${ends[1]}`;
  if (String(one.registerDigest()) !== String(two.registerDigest())) {
    return `registers differ: pc ${one.pc.toString(16)} and ${two.pc.toString(16)}`;
  }
  if (!areStatesDue) return undefined;
  const [a, b] = [one.landmark(), two.landmark()];
  return String(a.stateDigest) === String(b.stateDigest) ? undefined : 'states differ';
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
