/**
 * Where the steps of a core went. A profiler is given to one core when it is made, and asked
 * whenever the core does not run. Counts are of the host's work, not of the guest's: they depend on
 * the engine, and on how a run is cut.
 */
import { assert } from '@casmotion/base';
import type { CoreExit } from '../core-interface.ts';
import { PSEUDO } from '../hart/code-pages.ts';
import { REGION_EXIT } from '../hart/layout.ts';
import { CAUSE } from '../hart/status.ts';
import { instructions } from '../isa/table.ts';
import {
  type CounterName,
  COUNTERS,
  HANDLER_COUNT,
  HANDLERS,
  INTERRUPTS,
  REGION,
  REGION_BYTES,
  REGIONS,
  TRAPS,
} from './probes.ts';
import type { RegionObserver, RegionReport } from './region-observer.ts';

export interface Profile {
  /** All steps: those that regions made, and those of the interpreter. */
  readonly steps: number;
  readonly regionSteps: number;
  readonly interpretedSteps: number;
  readonly counts: Readonly<Record<Exclude<CounterName, 'isChained'>, number>>;
  /** Traps taken, by cause, of each that happened. */
  readonly exceptions: readonly Counted[];
  readonly interrupts: readonly Counted[];
  /** What the interpreter executed: mnemonics, most frequent first. */
  readonly interpreted: readonly NamedCount[];
  /** Slots that were reached before they were decoded, pages' ends, straddling instructions. */
  readonly pseudoHandlers: readonly NamedCount[];
  readonly exits: RegionExits;
  /** How often the machine's driver got control back, by why. */
  readonly runs: Readonly<Record<CoreExit, number>>;
  /**
   * Places that were jumped to and where no region begins, by how often: least often first. Some
   * lie within the region of another place by now.
   */
  readonly warm: readonly WarmPlaces[];
  /** Of all regions, those made again included. */
  readonly regionsMade: number;
  readonly regionsDropped: number;
  /** Hot places where no region could begin. */
  readonly regionsRefused: number;
  readonly regionInstructions: number;
  readonly regionBytes: number;
  /** By hot place, most steps first. */
  readonly regions: readonly RegionProfile[];
}

export interface Counted {
  /** As in mcause, without the interrupt bit. */
  readonly cause: number;
  readonly count: number;
}

export interface NamedCount {
  readonly name: string;
  readonly count: number;
}

/** Places that were jumped to at least `jumpsMin` times, and less than ten times as often. */
export interface WarmPlaces {
  readonly jumpsMin: number;
  readonly places: number;
  readonly jumps: number;
}

/** How often regions were left, by why: see `REGION_EXIT`. */
export type RegionExits = Readonly<Record<keyof typeof REGION_EXIT, number>>;

/** All regions that were made of one hot place. */
export interface RegionProfile {
  readonly pc: bigint;
  readonly made: number;
  /** Of the one made last. */
  readonly instructions: number;
  readonly bytes: number;
  readonly entries: number;
  readonly steps: number;
  readonly exits: RegionExits;
}

/** What a core tells its profiler: its memory, and where in it the counters begin. */
interface ProfiledCore {
  readonly buffer: ArrayBuffer;
  readonly counters: number;
  /** The cells of all decoded pages: jumps counted, or the sign of a region. See `CELL`. */
  readonly cells: Int32Array;
}

type RegionCounts = { -readonly [K in 'entries' | 'steps' | keyof RegionExits]: number };

interface Place {
  made: number;
  instructions: number;
  bytes: number;
  readonly counts: RegionCounts;
}

export class Profiler implements RegionObserver {
  #core: (ProfiledCore & { readonly view: DataView }) | undefined;
  /** By address of the hot place. */
  readonly #places = new Map<bigint, Place>();
  /** By place in the table: what its counters are of. */
  readonly #counting = new Map<number, Place>();
  readonly #totals = { begun: 0, made: 0, dropped: 0, instructions: 0, bytes: 0 };

  readonly #runs = { budget: 0, wfi: 0, sbi: 0, attention: 0, watch: 0 };

  /** Called by the core, once. */
  attach(core: ProfiledCore): void {
    assert(this.#core === undefined, 'a profiler is of one core');
    this.#core = { ...core, view: new DataView(core.buffer) };
  }

  /** Called by the core, whenever its code has returned. */
  ran(exit: CoreExit): void {
    this.#runs[exit]++;
  }

  begin(): void {
    this.#totals.begun++;
  }

  made({ tableIndex, pc, blocks, bytes }: RegionReport): void {
    this.#collect(tableIndex);
    const place = this.#places.get(pc) ?? newPlace();
    this.#places.set(pc, place);
    this.#counting.set(tableIndex, place);
    place.made++;
    place.instructions = blocks.reduce((sum, block) => sum + block.instructions.length, 0);
    place.bytes = bytes.length;
    this.#totals.made++;
    this.#totals.instructions += place.instructions;
    this.#totals.bytes += bytes.length;
  }

  dropped(): void {
    this.#totals.dropped++;
  }

  /** What was counted until now. Not while the core runs. */
  profile(): Profile {
    for (const index of this.#counting.keys()) this.#collect(index);
    const regions = [...this.#places]
      .map(([pc, place]) => describePlace(pc, place))
      .toSorted((a, b) => b.steps - a.steps || (a.pc < b.pc ? -1 : 1));
    const { made, dropped, begun } = this.#totals;
    const regionSteps = this.#named('regionSteps');
    const interpretedSteps = this.#interpretedSteps();
    return {
      steps: regionSteps + interpretedSteps,
      regionSteps,
      interpretedSteps,
      counts: Object.fromEntries(
        Object.keys(COUNTERS)
          .filter((name) => name !== 'isChained')
          .map((name) => [name, this.#named(name as CounterName)]),
      ) as Profile['counts'],
      exceptions: this.#traps(0),
      interrupts: this.#traps(INTERRUPTS),
      interpreted: this.#handlers(PSEUDO.illegal, HANDLER_COUNT),
      pseudoHandlers: this.#handlers(0, PSEUDO.illegal),
      exits: sumExits(regions),
      runs: { ...this.#runs },
      warm: countWarm(this.#attached.cells),
      regionsMade: made,
      regionsDropped: dropped,
      regionsRefused: begun - made,
      regionInstructions: this.#totals.instructions,
      regionBytes: this.#totals.bytes,
      regions,
    };
  }

  /** A step whose fetch traps has no handler. */
  #interpretedSteps(): number {
    let steps = this.#count(TRAPS + CAUSE.fetchAccess * 8);
    steps += this.#count(TRAPS + CAUSE.fetchPage * 8);
    for (let handler = PSEUDO.illegal; handler < HANDLER_COUNT; handler++) {
      steps += this.#count(HANDLERS + handler * 8);
    }
    return steps;
  }

  #named(name: CounterName): number {
    return this.#count(COUNTERS[name] * 8);
  }

  #traps(first: number): Counted[] {
    return Array.from({ length: INTERRUPTS }, (_, cause) => ({
      cause,
      count: this.#count(TRAPS + (first + cause) * 8),
    })).filter(({ count }) => count > 0);
  }

  #handlers(first: number, end: number): NamedCount[] {
    return Array.from({ length: end - first }, (_, i) => ({
      name: handlerName(first + i),
      count: this.#count(HANDLERS + (first + i) * 8),
    }))
      .filter(({ count }) => count > 0)
      .toSorted((a, b) => b.count - a.count);
  }

  /** Moves what a place in the table has counted to the hot place that it counts for. */
  #collect(tableIndex: number): void {
    const at = REGIONS + tableIndex * REGION_BYTES;
    const counts = this.#counting.get(tableIndex)?.counts;
    if (counts !== undefined) {
      counts.entries += this.#count(at + REGION.entries);
      counts.steps += this.#count(at + REGION.steps);
      for (const [why, code] of Object.entries(REGION_EXIT)) {
        counts[why as keyof RegionExits] += this.#count(at + REGION.exits + code * 8);
      }
    }
    const { buffer, counters } = this.#attached;
    new Uint8Array(buffer, counters + at, REGION_BYTES).fill(0);
  }

  #count(offset: number): number {
    const { view, counters } = this.#attached;
    return Number(view.getBigUint64(counters + offset, true));
  }

  get #attached(): ProfiledCore & { readonly view: DataView } {
    assert(this.#core !== undefined, 'a profiler that no core was given to');
    return this.#core;
  }
}

function newPlace(): Place {
  const counts = { entries: 0, steps: 0, jump: 0, interpret: 0, trapped: 0, check: 0 };
  return { made: 0, instructions: 0, bytes: 0, counts };
}

function describePlace(pc: bigint, { made, instructions, bytes, counts }: Place): RegionProfile {
  const { entries, steps, ...exits } = counts;
  return { pc, made, instructions, bytes, entries, steps, exits };
}

function sumExits(regions: readonly RegionProfile[]): RegionExits {
  const sum = (why: keyof RegionExits): number =>
    regions.reduce((total, { exits }) => total + exits[why], 0);
  return {
    jump: sum('jump'),
    interpret: sum('interpret'),
    trapped: sum('trapped'),
    check: sum('check'),
  };
}

function countWarm(cells: Int32Array): WarmPlaces[] {
  const classes: { jumpsMin: number; places: number; jumps: number }[] = [];
  for (const jumps of cells) {
    if (jumps <= 0) continue;
    let decade = 0;
    for (let rest = jumps; rest >= 10; rest /= 10) decade++;
    while (classes.length <= decade) {
      classes.push({ jumpsMin: 10 ** classes.length, places: 0, jumps: 0 });
    }
    const own = classes[decade];
    if (own === undefined) continue;
    own.places++;
    own.jumps += jumps;
  }
  return classes.filter(({ places }) => places > 0);
}

const PSEUDO_NAMES: ReadonlyMap<number, string> = new Map([
  [PSEUDO.decode, 'not decoded yet'],
  [PSEUDO.sentinel, 'end of a page'],
  [PSEUDO.straddle, 'straddling two pages'],
  [PSEUDO.illegal, 'illegal'],
]);

function handlerName(handler: number): string {
  return PSEUDO_NAMES.get(handler) ?? instructions[handler - PSEUDO.count]?.name ?? '?';
}
