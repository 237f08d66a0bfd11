/**
 * Counters in linear memory, 64 bits each, and the code that counts: only in a core that is
 * generated to be profiled, so that others pay nothing. They are no state: no snapshot and no
 * digest has them.
 */
import { type FunctionBody, type I32, type I64, load, type Local } from '@casmotion/wasm-asm';
import { PSEUDO } from '../hart/code-pages.ts';
import { CELL, CONTROL } from '../hart/layout.ts';
import { instructions } from '../isa/table.ts';

/** What is counted by name. */
export const COUNTERS = {
  /** Accesses that the fast TLBs did not answer: see `memory-access.ts`. */
  slowLoads: 0,
  slowStores: 1,
  slowAtomics: 2,
  slowFetches: 3,
  /** Of those loads and stores: not aligned to their size; in two pages. */
  misaligned: 15,
  crossing: 16,
  /** Second halves of instructions that straddle pages. */
  fetchedHalves: 4,
  pageWalks: 5,
  deviceReads: 6,
  deviceWrites: 7,
  /** Stores to pages that have a decoded page. */
  storesToCodePages: 8,
  decodedPagesMade: 9,
  decodedPagesEvicted: 10,
  /** Of all fast TLBs below M, and of one table in every mode. */
  fastTlbFlushes: 11,
  fastTableFlushes: 12,
  fences: 13,
  /** Steps that regions made. */
  regionSteps: 14,
  /** Entries of regions with no interpreted step since another was left. */
  chained: 17,
  /** Not 0: no step was interpreted since a region was left. */
  isChained: 18,
} as const;

export type CounterName = keyof typeof COUNTERS;

/** Room for {@link COUNTERS}. */
const COUNTERS_MAX = 32;

/** Offsets of tables of counters, and of their end. */
export const TRAPS = COUNTERS_MAX * 8;
const TRAP_CAUSES = 64;
/** By number of handler. */
export const HANDLERS = TRAPS + TRAP_CAUSES * 8;
export const HANDLER_COUNT = PSEUDO.count + instructions.length;
/** By place in the table of regions. */
export const REGIONS = HANDLERS + HANDLER_COUNT * 8;
export const REGION_BYTES = 64;
/** Of a region. */
export const REGION = { entries: 0, steps: 8, exits: 16 } as const;

/** An interrupt's causes follow the exceptions'. */
export const INTERRUPTS = 32;

export function countersBytes(regionsMax: number): number {
  return REGIONS + regionsMax * REGION_BYTES;
}

/** Writes the code that counts. */
export interface Probes {
  count(f: FunctionBody, name: CounterName): void;
  /** Counts where a condition, 0 or 1, holds. */
  countIf(f: FunctionBody, name: CounterName, condition: I32): void;
  /** A trap of a cause as in mcause. */
  countTrap(f: FunctionBody, cause: I64): void;
  /** A handler of the interpreter is about to run. */
  countHandler(f: FunctionBody, handler: I32): void;
  /** `call` calls the region that `cell` names, and sets `left`. */
  countRegion(f: FunctionBody, cell: I32, left: Local<'i32'>, call: () => void): void;
}

/** Counts nothing. */
export const noProbes: Probes = {
  count: () => undefined,
  countIf: () => undefined,
  countTrap: () => undefined,
  countHandler: () => undefined,
  countRegion: (_f, _cell, _left, call) => call(),
};

/** Probes whose counters begin at address `counters`. */
export function createProbes(counters: number): Probes {
  const addressOf = (name: CounterName): number => counters + COUNTERS[name] * 8;
  const add = (f: FunctionBody, base: I32 | number, offset: number, count: I64 | number): void => {
    f.storeI64(base, offset, load.i64(base, offset).add(count));
  };
  return {
    count: (f, name) => add(f, 0, addressOf(name), 1),
    countIf: (f, name, condition) => add(f, 0, addressOf(name), condition.toI64U()),
    countTrap(f, cause) {
      const index = cause.and(INTERRUPTS - 1).add(cause.shrU(63).mul(INTERRUPTS));
      add(f, f.let(index.toI32().shl(3)), counters + TRAPS, 1);
    },
    countHandler(f, handler) {
      f.storeI64(0, addressOf('isChained'), 0);
      add(f, f.let(handler.shl(3)), counters + HANDLERS, 1);
    },
    countRegion(f, cell, left, call) {
      add(f, 0, addressOf('chained'), load.i64(0, addressOf('isChained')));
      const before = f.let(left.get);
      call();
      f.storeI64(0, addressOf('isChained'), 1);
      const region = f.let(cell.and(~CELL.region).shrU(CELL.regionShift).mul(REGION_BYTES));
      const steps = f.let(before.sub(left.get).toI64U());
      add(f, region, counters + REGIONS + REGION.entries, 1);
      add(f, region, counters + REGIONS + REGION.steps, steps);
      add(f, 0, addressOf('regionSteps'), steps);
      const exit = f.let(region.add(load.i32(0, CONTROL.regionExit).shl(3)));
      add(f, exit, counters + REGIONS + REGION.exits, 1);
    },
  };
}

