/** A seeded host: types, gives entropy, moves the clock, interrupts idling, and ends the run. */
import { Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import type { IdleAnswer, LiveInputs, LiveStatus } from '../src/index.ts';

export interface FakeHostOptions {
  readonly seed: number;
  /** Ends the run by a `power` event from this step on. */
  readonly powerAt: number;
  /** One idle stop in so many is cut short by an event; 0: none. */
  readonly interruptsOneIn: number;
  /** One poll in so many gives an event; 0: none. */
  readonly pollsOneIn: number;
}

export class FakeHost implements LiveInputs {
  /** Everything that was handed out. */
  readonly given: MachineEvent[] = [];
  readonly #options: FakeHostOptions;
  readonly #random: Prng;
  readonly #syncRandom: Prng;
  readonly hasHostTime: boolean;
  #idleAtPower = 0;

  constructor(options: FakeHostOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    this.#syncRandom = new Prng(options.seed);
    this.hasHostTime = this.#syncRandom.chance(2);
  }

  isSyncDue(): boolean {
    return this.#syncRandom.chance(2);
  }

  poll(status: LiveStatus): readonly MachineEvent[] | Promise<readonly MachineEvent[]> {
    const events = this.#give(this.#power(status) ?? this.#pollNow(status));
    return this.#random.chance(3) ? Promise.resolve(events) : events;
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    const power = this.#power(status);
    if (power !== undefined) return this.#give(power);
    const { interruptsOneIn } = this.#options;
    const isCut = interruptsOneIn > 0 && this.#random.chance(interruptsOneIn);
    // A guest that stays idle makes no steps: the end must come all the same.
    if (deadlineTicks !== undefined && !isCut) return 'deadline';
    if (interruptsOneIn === 0) return 'never';
    if (++this.#idleAtPower > 400) return this.#give([{ kind: 'power', cause: 'timeout' }]);
    const most = Math.max(0, Math.min(deadlineTicks ?? status.ticks + 500, 2 ** 40) - status.ticks);
    const ticks = this.#random.below(most + 1);
    return this.#give([{ kind: 'idle-advance', ticks }, this.#input(status)]);
  }

  #pollNow(status: LiveStatus): MachineEvent[] {
    const { pollsOneIn } = this.#options;
    if (pollsOneIn === 0 || !this.#random.chance(pollsOneIn)) return [];
    if (this.#random.chance(4)) {
      const slope = 1 + this.#random.below(90_000_000);
      return [{ kind: 'clock-line', jumpTicks: this.#random.below(3) * 20, slope }];
    }
    return [this.#input(status), ...(this.#random.chance(5) ? [this.#input(status)] : [])];
  }

  #input({ wantedEntropyBytes }: LiveStatus): MachineEvent {
    const bytes = new Uint8Array(1 + this.#random.below(4));
    this.#random.fill(bytes);
    if (wantedEntropyBytes > 0 && this.#random.chance(2)) {
      return { kind: 'entropy', bytes: bytes.subarray(0, wantedEntropyBytes) };
    }
    const port = 1 + this.#random.below(4095);
    return this.#random.pick<MachineEvent>([
      { kind: 'console-input', console: 0, bytes },
      { kind: 'console-input', console: 0, bytes },
      { kind: 'port-raised', port },
      { kind: 'marker', text: `at ${port}` },
    ]);
  }

  #power({ step }: LiveStatus): MachineEvent[] | undefined {
    if (step < this.#options.powerAt) return undefined;
    return [{ kind: 'power', cause: 'interrupted' }];
  }

  #give(events: MachineEvent[]): MachineEvent[] {
    this.given.push(...events);
    return events;
  }
}
