/**
 * A toy processor with an emulated performance counter: taken branches are counted, interrupts come
 * late by a seeded skid, and the counter can be made to overcount, as real ones do (Weaver,
 * Terpstra and Moore, "Non- determinism and overcount on modern hardware performance counter
 * implementations", ISPASS 2013).
 */
import { assert, defined, Prng } from '@casmotion/base';
import type { MatchTarget, Observation } from '../src/index.ts';

export type Instruction =
  | { readonly op: 'add'; readonly to: number; readonly value: number }
  /** Register `of` less 1; if it is not 0 then, a taken branch to `target`. */
  | { readonly op: 'loop'; readonly of: number; readonly target: number }
  | { readonly op: 'set'; readonly to: number; readonly value: number }
  | { readonly op: 'jump'; readonly target: number }
  /** While register 0 is not 0: adds to register 1 and takes 1 off register 0, in place. */
  | { readonly op: 'repeat' }
  | { readonly op: 'halt' };

export interface CounterOptions {
  readonly counts: 'branches' | 'steps';
  /** Interrupts come 0 to this many instructions late. */
  readonly skidMax: number;
  /** One taken branch in so many is counted twice; 0: none. */
  readonly overcountOneIn: number;
  readonly seed: number;
}

const REGISTERS = 6;

export class ToyTarget implements MatchTarget {
  /** The truth, which no matcher sees. */
  steps = 0;
  stops = 0;
  #pc = 0;
  #count = 0;
  readonly #registers = new Int32Array(REGISTERS);
  #armed: number | undefined;
  #breakpoint: bigint | undefined;
  readonly #program: readonly Instruction[];
  readonly #options: CounterOptions;
  readonly #random: Prng;

  constructor(program: readonly Instruction[], options: CounterOptions) {
    this.#program = program;
    this.#options = options;
    this.#random = new Prng(options.seed);
  }

  /** Power-on, but the counter's moods go on: a second try does not skid like the first. */
  reset(): void {
    this.steps = 0;
    this.#pc = 0;
    this.#count = 0;
    this.#registers.fill(0);
  }

  get isHalted(): boolean {
    return this.#program[this.#pc]?.op === 'halt';
  }

  arm(count: number | undefined): void {
    this.#armed = count;
  }

  setBreakpoint(pc: bigint | undefined): void {
    this.#breakpoint = pc;
  }

  run(): boolean {
    this.stops++;
    assert(this.#armed !== undefined, 'a run without an armed counter could be endless');
    let late: number | undefined;
    for (;;) {
      if (!this.#execute()) return false;
      if (this.#breakpoint === BigInt(this.#pc * 4)) return true;
      if (late === undefined && this.#count >= this.#armed) {
        late = this.#random.below(this.#options.skidMax + 1);
      }
      if (late !== undefined && late-- === 0) return true;
    }
  }

  step(): boolean {
    this.stops++;
    return this.#execute();
  }

  read(): Observation {
    let check = BigInt(this.#pc);
    for (const value of this.#registers) check = (check << 32n) | BigInt.asUintN(32, BigInt(value));
    const register = BigInt(defined(this.#registers[0], 'register'));
    return { count: this.#count, pc: BigInt(this.#pc * 4), register, check };
  }

  #execute(): boolean {
    const instruction = defined(this.#program[this.#pc], 'pc inside the program');
    const x = this.#registers;
    if (instruction.op === 'halt') return false;
    this.steps++;
    if (this.#options.counts === 'steps') this.#count++;
    const next = this.#pc + 1;
    switch (instruction.op) {
      case 'add':
        x[instruction.to] = (x[instruction.to] ?? 0) + instruction.value;
        this.#pc = next;
        break;
      case 'set':
        x[instruction.to] = instruction.value;
        this.#pc = next;
        break;
      case 'jump':
        this.#branch(instruction.target);
        break;
      case 'loop': {
        const left = (x[instruction.of] ?? 0) - 1;
        x[instruction.of] = left;
        if (left > 0) this.#branch(instruction.target);
        else this.#pc = next;
        break;
      }
      case 'repeat':
        if (x[0] !== 0) {
          x[0] = (x[0] ?? 0) - 1;
          x[1] = (x[1] ?? 0) + 3;
        }
        if (x[0] === 0) this.#pc = next;
        break;
    }
    return true;
  }

  #branch(target: number): void {
    this.#pc = target;
    if (this.#options.counts !== 'branches') return;
    const { overcountOneIn } = this.#options;
    this.#count += overcountOneIn > 0 && this.#random.chance(overcountOneIn) ? 2 : 1;
  }
}

/**
 * A random program of nested loops that ends: register 0 repeats, 1 sums, 2 to 4 count loops, 5 is
 * anything.
 */
export function randomProgram(random: Prng): Instruction[] {
  const program: Instruction[] = [];
  const block = (depth: number): void => {
    for (let left = 1 + random.below(4); left > 0; left--) {
      const kind = random.below(depth < 3 ? 6 : 4);
      if (kind < 2) program.push({ op: 'add', to: random.pick([1, 5]), value: random.below(9) });
      else if (kind === 2) {
        program.push({ op: 'set', to: 0, value: random.below(7) }, { op: 'repeat' });
      } else if (kind === 3) program.push({ op: 'jump', target: program.length + 1 });
      else {
        program.push({ op: 'set', to: 2 + depth, value: 1 + random.below(8) });
        const target = program.length;
        block(depth + 1);
        program.push({ op: 'loop', of: 2 + depth, target });
      }
    }
  };
  block(0);
  program.push({ op: 'halt' });
  return program;
}

/**
 * Every place of a run, by single steps on an exact counter: the brute-force oracle. Index = steps
 * made.
 */
export function allPlaces(
  program: readonly Instruction[],
  counts: 'branches' | 'steps',
): Observation[] {
  const target = new ToyTarget(program, { counts, skidMax: 0, overcountOneIn: 0, seed: 1 });
  const places = [target.read()];
  while (target.step()) places.push(target.read());
  return places;
}
