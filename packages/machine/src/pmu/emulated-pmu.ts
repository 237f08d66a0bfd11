/**
 * An emulated performance counter of branches over a machine, and the target of a matcher: it can
 * be armed, can break at an address, step, and be read, and nothing else. What it counts is what
 * design and paper ask of a key: each transfer of control. It interrupts late by a skid drawn from
 * a seed, as processors do, but reads exactly; it can be made to count too much, as most events of
 * x86 do (Weaver, Terpstra, Moore, "Non-Determinism and Overcount on Modern Hardware Performance
 * Counter Implementations", ISPASS 2013).
 *
 * Not state: the machine's own count is, and it is exact. What the counter adds to it is the
 * hardware's fault, and differs between a recording and its replay as it does there.
 *
 * Invariants: a run stops at the first place between two steps that breakpoint or interrupt name,
 * or before, after some millions of steps; the interrupt comes at armed + skid transfers, a place
 * later by at most two where a step counts several; whoever reads never learns the step.
 */
import { assert, ByteReader, Prng } from '@casmotion/base';
import {
  branchKey,
  type MatchTarget,
  type Observation,
  timePoint,
  type TimePointKey,
} from '@casmotion/time-point';
import type { PmuConfig } from '../machine-config.ts';
import type { CountingMachine, Stop } from '../machine-interface.ts';

/** What was done with a counter. */
export interface PmuStatistics {
  /** Interrupts asked for. */
  readonly arms: number;
  /** Steps made towards a breakpoint, or singly. */
  readonly creptSteps: number;
  /** The longest that an interrupt came late, in transfers. */
  readonly worstSkid: number;
}

export class EmulatedPmu implements MatchTarget {
  readonly #machine: CountingMachine;
  readonly #config: PmuConfig;
  readonly #wake: () => boolean;
  readonly #skids: Prng;
  readonly #overcounts: Prng;
  #overcounted = 0;
  #armedAt: number | undefined;
  /** Where the interrupt comes, by what the counter shows. */
  #fireAt = Infinity;
  /** Where it comes if it is armed for the same count again: it has not come yet. */
  #pendingAt: number | undefined;
  #breakpoint: bigint | undefined;
  #arms = 0;
  #creptSteps = 0;
  #worstSkid = 0;

  /**
   * `wake`: wakes the machine, which waits, at its own deadline; false: it is not to go on. Not
   * needed of a counter that is only read.
   */
  constructor(machine: CountingMachine, config: PmuConfig, wake: () => boolean = () => false) {
    this.#machine = machine;
    this.#config = config;
    this.#wake = wake;
    this.#skids = new Prng(config.seed);
    this.#overcounts = new Prng(config.seed ^ OVERCOUNT_SEED);
  }

  get statistics(): PmuStatistics {
    return { arms: this.#arms, creptSteps: this.#creptSteps, worstSkid: this.#worstSkid };
  }

  /** The guest is entered: to be called before a run that is not this target's. */
  noteEntry(): void {
    const { overcount } = this.#config;
    if (overcount > 0 && this.#overcounts.chance(overcount)) this.#overcounted++;
  }

  /** The name of the place where the machine stands. */
  key(): TimePointKey {
    const { count, pc, register } = this.read();
    return branchKey(count, pc, this.#config.kind === 'branches' ? undefined : register);
  }

  read(): Observation {
    const machine = this.#machine;
    let check: bigint | undefined;
    return {
      count: machine.transfers + this.#overcounted,
      pc: machine.pc,
      register: machine.sp,
      // Asked for where the key agrees only: a digest of all registers takes time.
      get check() {
        return (check ??= checkOfDigest(machine.registerDigest()));
      },
    };
  }

  arm(count: number | undefined): void {
    if (count === undefined) {
      this.#fireAt = Infinity;
      return;
    }
    if (this.#pendingAt === undefined || this.#armedAt !== count) {
      this.#arms++;
      this.#armedAt = count;
      this.#pendingAt = count + this.#skids.below(this.#config.skid + 1);
    }
    this.#fireAt = this.#pendingAt;
  }

  setBreakpoint(pc: bigint | undefined): void {
    this.#breakpoint = pc;
  }

  run(): boolean {
    this.noteEntry();
    const first = this.#machine.at.step;
    const isAlive = this.#runFrom(first);
    if (this.#breakpoint !== undefined) this.#creptSteps += this.#machine.at.step - first;
    return isAlive;
  }

  step(): boolean {
    this.noteEntry();
    const first = this.#machine.at.step;
    for (;;) {
      const stop = this.#machine.run(timePoint(first + 1));
      if (!this.#mayGoOn(stop)) return false;
      if (stop.kind !== 'time-point') continue;
      this.#creptSteps++;
      return true;
    }
  }

  #runFrom(first: number): boolean {
    const machine = this.#machine;
    const end = first + SLICE_STEPS;
    for (;;) {
      const stop = this.#runOn(first, end);
      const hasMoved = machine.at.step > first;
      if (stop.kind !== 'halted' && hasMoved && this.#isStopped()) return true;
      if (stop.kind === 'time-point' && machine.at.step >= end) return true;
      if (!this.#mayGoOn(stop)) return false;
    }
  }

  /** A piece of the way. The first place is not looked at: a run makes one step at least. */
  #runOn(first: number, end: number): Stop {
    const machine = this.#machine;
    const { step } = machine.at;
    const pc = this.#breakpoint;
    const transfers = this.#fireAt - this.#overcounted - machine.transfers;
    if (pc === undefined && transfers > NEAR_TRANSFERS) {
      // A step counts two at most in the long run: so many steps do not get there.
      const safe = Math.floor(transfers / 2);
      return machine.run(timePoint(Math.min(end, step + safe)));
    }
    const stopAt = Math.min(Number.MAX_SAFE_INTEGER, machine.transfers + transfers);
    return machine.runWatched(timePoint(end), {
      transfers: Math.max(0, stopAt),
      pc,
      isHereToo: step > first,
    });
  }

  #isStopped(): boolean {
    const machine = this.#machine;
    const count = machine.transfers + this.#overcounted;
    if (count >= this.#fireAt) {
      assert(this.#armedAt !== undefined, 'an interrupt of a counter that is not armed');
      this.#pendingAt = undefined;
      if (this.#breakpoint === undefined) {
        this.#worstSkid = Math.max(this.#worstSkid, count - this.#armedAt);
      }
      return true;
    }
    return machine.pc === this.#breakpoint;
  }

  #mayGoOn(stop: Stop): boolean {
    // Nor does it go on before another domain's answer, which only an event brings.
    if (stop.kind === 'halted' || stop.kind === 'awaits-answer') return false;
    if (stop.kind !== 'idle') return true;
    return stop.deadlineTicks !== undefined && this.#wake();
  }
}

/** The first four bytes of a register digest, which stand with an event, as a number. */
export function checkOfDigest(registerDigest: Uint8Array): bigint {
  return BigInt(new ByteReader(registerDigest).u32());
}

/** So that what is overcounted does not follow the skids. */
const OVERCOUNT_SEED = 0x0c0;
/** Nearer than that to its interrupt a machine is watched. */
const NEAR_TRANSFERS = 4096;
/** A run comes back after so many steps, so that who waits for it can do something else. */
const SLICE_STEPS = 4_000_000;
