/**
 * A toy machine of the model as the machine that recorder and replayer drive: a step counter and a
 * base state, of which the registers show one bit. Events are ports raised; it switches off after a
 * number of steps. With faults, each of which breaks one premise, at a count of steps.
 */
import { assert, ByteWriter, type Hashes } from '@casmotion/base';
import type { MachineEvent, MachineOutputs } from '@casmotion/events';
import type { Landmark, MachineInterface, MachineSnapshot, Stop } from '@casmotion/machine';
import { noOutputs } from '@casmotion/recorder';
import { type TimePoint, timePoint } from '@casmotion/time-point';
import type { Event, Machine, State } from '../src/index.ts';

export interface ToyOptions {
  /** Its steps compute; inputs are for the model alone. */
  readonly machine: Machine;
  readonly start: State;
  /** It switches off after so many. */
  readonly steps: number;
  readonly fault?: ToyFault | undefined;
}

export type ToyFault =
  | { readonly premise: 'C1'; readonly to: State }
  /** What the step, the event, or something else does after so many steps is this. */
  | { readonly premise: 'C2' | 'C4'; readonly at: number; readonly to: State }
  | { readonly premise: 'C5'; readonly at: number; readonly event: Event; readonly to: State };

/** The part of a state that registers and pc show; the rest is memory. */
export function registersOf(s: State): number {
  return s % 2;
}

/** What a landmark digests. */
export function digestToy(hashes: Hashes, step: number, s: State): Uint8Array {
  return hashes.xxh128(new ByteWriter().u64(step).u32(s).toBytes()).slice();
}

export class ToyMachine implements MachineInterface {
  outputs: MachineOutputs = noOutputs;
  readonly ticks = 0;
  readonly wantedEntropyBytes = 0;
  readonly awaitedCall = undefined;
  readonly pagesSinceLandmark = 0;
  readonly #hashes: Hashes;
  readonly #options: ToyOptions;
  #step = 0;
  #s: State;

  constructor(hashes: Hashes, options: ToyOptions) {
    this.#hashes = hashes;
    this.#options = options;
    const { start, fault } = options;
    this.#s = fault?.premise === 'C1' ? fault.to : start;
  }

  get at(): TimePoint {
    return timePoint(this.#step);
  }

  get pc(): bigint {
    return BigInt(0x1000 + 4 * registersOf(this.#s));
  }

  run(until: TimePoint): Stop {
    assert(until.step >= this.#step, 'forward');
    for (;;) {
      if (this.#step === this.#options.steps) {
        return { kind: 'halted', result: { cause: 'power-off' } };
      }
      if (this.#step === until.step) return { kind: 'time-point' };
      this.#oneStep();
    }
  }

  apply(event: MachineEvent): void {
    assert(event.kind === 'port-raised', `the toy has no ${event.kind}`);
    const e = event.port - 1;
    const { fault, machine } = this.#options;
    const isOther = fault?.premise === 'C5' && fault.at === this.#step && fault.event === e;
    this.#s = isOther ? fault.to : machine.alpha(e, this.#s);
  }

  wakeAtDeadline(): void {
    assert(false, 'the toy is never idle');
  }

  registerDigest(): Uint8Array {
    return this.#hashes.xxh128(Uint8Array.of(registersOf(this.#s))).slice(0, 8);
  }

  enableLandmarks(): void {}

  landmark(): Landmark {
    const stateDigest = digestToy(this.#hashes, this.#step, this.#s);
    return { at: this.at, pc: this.pc, registerDigest: this.registerDigest(), stateDigest };
  }

  fullLandmark(): Landmark {
    return this.landmark();
  }

  snapshot(): MachineSnapshot {
    return { state: new ByteWriter().u64(this.#step).u32(this.#s).toBytes(), pages: new Map() };
  }

  restore(): void {
    assert(false, 'unused by recorder and replayer');
  }

  #oneStep(): void {
    const { machine, fault } = this.#options;
    const { instruction } = machine.delta(this.#s);
    assert(instruction.kind === 'computes', 'all that comes from outside is an event, here');
    const isOther = fault?.premise === 'C2' && fault.at === this.#step;
    this.#s = isOther ? fault.to : instruction.to;
    this.#step++;
    if (fault?.premise === 'C4' && fault.at === this.#step) this.#s = fault.to;
  }
}
