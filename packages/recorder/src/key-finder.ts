/**
 * Finds the places of a log that names them by branches: the paper's way. A matcher arms the
 * machine's performance counter a margin before the place, then creeps by breakpoints and single
 * steps; it is told what the counter reads, and no step.
 *
 * The margin starts above what the counter is known to skid, or at 512 as in the authors' earlier
 * patch, and grows to twice the worst skid met. If it starts lower, on demand, there is a snapshot
 * before each run, to which an attempt goes back that skid took too far.
 *
 * Invariant: after a miss the machine stands where the outcome says, or is not used any more.
 */
import type { MachineOutputs } from '@casmotion/events';
import {
  type CountingMachine,
  checkOfDigest,
  EmulatedPmu,
  type PmuConfig,
  SKID_MAX,
} from '@casmotion/machine';
import {
  AdaptiveMargin,
  type MatchOutcome,
  matching,
  matchingWithRewind,
  type TimePointKey,
} from '@casmotion/time-point';
import type { WakeCounter } from './wake-counter.ts';

export interface KeyFinderOptions {
  readonly machine: CountingMachine;
  readonly pmu: PmuConfig;
  /** Those of the replay. */
  readonly wakes: WakeCounter;
  /** Where the margin starts; undefined: above the skid, and no attempt need be made again. */
  readonly margin: number | undefined;
}

/** What it took to find the places of a log. */
export interface MatchStatistics {
  /** Places found. */
  readonly places: number;
  /** Where the margin has come to, in transfers. */
  readonly margin: number;
  readonly arms: number;
  /** Steps made by breakpoints and singly. */
  readonly creptSteps: number;
  /** Attempts that went too far and were made again. */
  readonly rewinds: number;
  /** In transfers. */
  readonly worstSkid: number;
}

export class KeyFinder {
  readonly #machine: CountingMachine;
  readonly #pmu: EmulatedPmu;
  readonly #wakes: WakeCounter;
  readonly #margin: AdaptiveMargin;
  readonly #isRewinding: boolean;
  #places = 0;
  #rewinds = 0;

  constructor({ machine, pmu, wakes, margin }: KeyFinderOptions) {
    this.#machine = machine;
    this.#wakes = wakes;
    this.#pmu = new EmulatedPmu(machine, pmu, () => wakes.wakeIfFew(machine));
    this.#margin = new AdaptiveMargin(margin ?? Math.max(MARGIN, pmu.skid + 1), MARGIN_MAX);
    this.#isRewinding = margin !== undefined;
  }

  get statistics(): MatchStatistics {
    const margin = this.#margin.value;
    return { places: this.#places, margin, rewinds: this.#rewinds, ...this.#pmu.statistics };
  }

  /** The name of the place where the machine stands. */
  key(): TimePointKey {
    return this.#pmu.key();
  }

  isAt({ count, pc, register }: TimePointKey): boolean {
    const seen = this.#pmu.read();
    if (seen.count !== count || seen.pc !== pc) return false;
    return register === undefined || seen.register === register;
  }

  /** The machine is run by somebody else. */
  noteEntry(): void {
    this.#pmu.noteEntry();
  }

  /**
   * Goes to a place where the registers have this digest (its first 4 bytes count); yields now and
   * then on the way.
   */
  *find(key: TimePointKey, registerDigest: Uint8Array): Generator<void, MatchOutcome, void> {
    const check = checkOfDigest(registerDigest);
    const outcome = yield* this.#mayMiss(key)
      ? this.#findRewinding(key, check)
      : this.#findOnce(key, check);
    if (outcome.kind === 'delivered') this.#places++;
    return outcome;
  }

  /** Could skid take an attempt past the key, and is there a way back from there? */
  #mayMiss({ count }: TimePointKey): boolean {
    return this.#isRewinding && count - this.#pmu.read().count > this.#margin.value;
  }

  *#findOnce(key: TimePointKey, check: bigint): Generator<void, MatchOutcome, void> {
    const outcome = yield* matching(this.#pmu, key, { margin: this.#margin.value, check });
    this.#margin.note(outcome.skid);
    return outcome;
  }

  *#findRewinding(key: TimePointKey, check: bigint): Generator<void, MatchOutcome, void> {
    const machine = this.#machine;
    const [snapshot, wakes] = [machine.snapshot(), this.#wakes.state];
    const { outputs } = machine;
    const held = new HeldOutputs();
    machine.outputs = held;
    const rewind = (): void => {
      machine.restore(snapshot);
      this.#wakes.state = wakes;
      held.drop();
    };
    const margin = this.#margin;
    const found = yield* matchingWithRewind(this.#pmu, key, { margin, check, rewind });
    machine.outputs = outputs;
    held.release(outputs);
    this.#rewinds += found.rewinds;
    return found.outcome;
  }
}

/** Keeps what is let out until it is known to be right. */
class HeldOutputs implements MachineOutputs {
  #held: ((outputs: MachineOutputs) => void)[] = [];

  consoleOutput(console: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#held.push((outputs) => outputs.consoleOutput(console, copy));
  }

  netPacket(nic: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#held.push((outputs) => outputs.netPacket(nic, copy));
  }

  drop(): void {
    this.#held = [];
  }

  release(outputs: MachineOutputs): void {
    for (const give of this.#held) give(outputs);
    this.drop();
  }
}

/** In transfers: of the authors' earlier public patch. */
const MARGIN = 512;
/** Above every skid that a counter may be told to have. */
const MARGIN_MAX = 2 * SKID_MAX;
