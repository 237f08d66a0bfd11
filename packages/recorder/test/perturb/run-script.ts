/**
 * Runs a machine by a script, and says what it found: the judge over the replayer. It shares no
 * code with it, compares nothing on the way, and so shows whether a changed script is another run.
 */
import { toHex, type Hashes } from '@casmotion/base';
import type { CountingMachine, Landmark, MachineInterface } from '@casmotion/machine';
import { EVENT_CHECK_DIGEST_BYTES } from '@casmotion/replay-log';
import { branchKey, timePoint } from '@casmotion/time-point';
import { OutputDigest, noOutputs } from '../../src/index.ts';
import type { KeyedPlace, Script, ScriptItem } from './script.ts';

/** What was found, item by item, as far as the machine came. */
export interface Trace {
  /** All that can be compared there, as text; of an event, nothing. */
  readonly found: readonly string[];
  /** How it ended, with step, state and output; undefined if an item was not reached. */
  readonly end: string | undefined;
  /** Of a machine that counts transfers. */
  readonly places: readonly KeyedPlace[];
  /** The landmarks that were taken, and the one at the end. */
  readonly landmarks: readonly Landmark[];
}

export interface RunOptions {
  readonly machine: MachineInterface;
  readonly hashes: Hashes;
  readonly counting?: { readonly machine: CountingMachine; readonly hasRegister: boolean };
}

export function runScript(script: Script, options: RunOptions): Trace {
  const run = new ScriptRun(options);
  const found: string[] = [];
  const places: KeyedPlace[] = [];
  let hasEnded = false;
  for (const item of script.items) {
    // Nothing comes after a power event.
    if (hasEnded || !run.goTo(item)) {
      return { found, end: undefined, places, landmarks: run.landmarks };
    }
    const place = run.place();
    if (place !== undefined) places.push(place);
    found.push(run.take(item));
    hasEnded = item.kind === 'event' && item.event.kind === 'power';
  }
  return { found, end: run.end(script), places, landmarks: run.landmarks };
}

class ScriptRun {
  readonly landmarks: Landmark[] = [];
  readonly #options: RunOptions;
  readonly #machine: MachineInterface;
  readonly #output: OutputDigest;
  #wakes = 0;
  #wakesStep = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#output = new OutputDigest(options.hashes, noOutputs);
    this.#machine.outputs = this.#output;
    this.#machine.enableLandmarks();
  }

  /** False if the machine does not come there. */
  goTo(item: ScriptItem): boolean {
    const machine = this.#machine;
    while (machine.at.step < item.step) {
      const stop = machine.run(timePoint(item.step));
      if (stop.kind === 'halted' || stop.kind === 'awaits-answer') break;
      if (stop.kind === 'idle' && machine.at.step < item.step && !this.#wake(stop)) break;
    }
    if (machine.at.step !== item.step) return false;
    const wakes = item.kind === 'event' ? item.wakes : 0;
    while (this.#wakesHere() < wakes) {
      const stop = machine.run(timePoint(item.step + 1));
      if (stop.kind === 'wants-host' && machine.at.step === item.step) continue;
      if (stop.kind !== 'idle' || machine.at.step !== item.step || !this.#wake(stop)) return false;
    }
    return this.#wakesHere() === wakes;
  }

  place(): KeyedPlace | undefined {
    const { counting } = this.#options;
    if (counting === undefined) return undefined;
    const { transfers, pc, sp } = counting.machine;
    return {
      key: branchKey(transfers, pc, counting.hasRegister ? sp : undefined),
      registerDigest: this.#machine.registerDigest().slice(0, EVENT_CHECK_DIGEST_BYTES),
    };
  }

  take(item: ScriptItem): string {
    if (item.kind === 'landmark') return this.#text(this.#machine.landmark());
    const { event } = item;
    if (event.kind !== 'power' && event.kind !== 'marker') this.#machine.apply(event);
    return '';
  }

  /** Runs on to the end that the script has; undefined if another comes. */
  end({ items, footer }: Script): string | undefined {
    const machine = this.#machine;
    const last = items.at(-1);
    const isEndedByHost = last?.kind === 'event' && last.event.kind === 'power';
    const how = isEndedByHost ? `host: ${last.event.cause}` : this.#runOut(footer.steps);
    if (how === undefined) return undefined;
    return `${how}, ${this.#text(machine.fullLandmark('written'))}`;
  }

  #runOut(steps: number): string | undefined {
    const machine = this.#machine;
    while (machine.at.step <= steps) {
      const stop = machine.run(timePoint(steps + 1));
      if (stop.kind === 'halted') {
        return `guest: ${stop.result.cause} ${'code' in stop.result ? stop.result.code : 0}`;
      }
      if (stop.kind === 'awaits-answer') return undefined;
      if (stop.kind === 'idle' && stop.deadlineTicks === undefined) return 'nobody: idle-forever';
      if (stop.kind === 'idle' && !this.#wake(stop)) return undefined;
    }
    return undefined;
  }

  #wake({ deadlineTicks }: { readonly deadlineTicks: number | undefined }): boolean {
    if (deadlineTicks === undefined) return false;
    const wakes = this.#wakesHere() + 1;
    if (wakes > WAKES_MAX) return false;
    this.#wakes = wakes;
    this.#wakesStep = this.#machine.at.step;
    this.#machine.wakeAtDeadline();
    return true;
  }

  #wakesHere(): number {
    return this.#wakesStep === this.#machine.at.step ? this.#wakes : 0;
  }

  #text(landmark: Landmark): string {
    this.landmarks.push(landmark);
    const { at, pc, registerDigest, stateDigest } = landmark;
    const output = `${this.#output.totalBytes} ${toHex(this.#output.digest())}`;
    return `${at.step} ${pc} ${toHex(registerDigest)} ${toHex(stateDigest)} ${output}`;
  }
}

/** Without a step between. */
const WAKES_MAX = 100_000;
