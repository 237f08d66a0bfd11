/**
 * Pages that loops of a region accessed last, remembered in locals: an access whose address is in
 * the page that its like found last time needs no look into the fast TLB. Accesses are alike if
 * they read (or write) by the same value of the same register, as far as their block shows.
 *
 * Invariant: a remembered page is in the fast TLB of data accesses, which changes only in slow
 * paths and by CSRs: after these all pages are forgotten.
 */
import type { FunctionBody, Local } from '@casmotion/wasm-asm';
import type { RegionInstruction } from './instructions.ts';
import { writesRegister } from './instructions.ts';

export interface RememberedPage {
  /** The page's virtual address, or all ones. */
  readonly page: Local<'i64'>;
  /** What to add to the low 32 bits of an address there. */
  readonly addend: Local<'i32'>;
}

export interface InstructionLoop {
  /** Straight runs of instructions. */
  readonly runs: readonly (readonly RegionInstruction[])[];
  /** In how many loops it lies, itself included. */
  readonly depth: number;
  /** Is there no loop within it? */
  readonly isInnermost: boolean;
  /** Has it a place that was hot? */
  readonly isHot: boolean;
}

/** Each costs two registers of the host, or a place on its stack. */
const PAGES_MAX = 2;
const LOOP_INSTRUCTIONS_MAX = 48;
/** A step of a pointer that crosses pages too often for the last one to be worth a look. */
const STRIDE_BYTES = 256;
/** A hot loop is preferred to a cold one that is this much deeper. */
const HOT_DEPTH = 4;
/** How much more often an inner loop is thought to run than the one around it. */
const RUNS_PER_LOOP = 8;

export class RememberedPages {
  readonly #f: FunctionBody;
  readonly #pages: RememberedPage[] = [];
  readonly #pageOf = new Map<RegionInstruction, RememberedPage>();

  constructor(f: FunctionBody, loops: readonly InstructionLoop[]) {
    this.#f = f;
    const groups = [...groupsOf(loops).values()].toSorted((a, b) => b.weight - a.weight);
    for (const { accesses } of groups.slice(0, PAGES_MAX)) {
      const page = { page: f.local('i64'), addend: f.local('i32') };
      this.#pages.push(page);
      for (const access of accesses) this.#pageOf.set(access, page);
    }
  }

  /** Where the page of an access is remembered; undefined: nowhere. */
  find(access: RegionInstruction): RememberedPage | undefined {
    return this.#pageOf.get(access);
  }

  emitForget(): void {
    for (const { page } of this.#pages) this.#f.set(page, -1);
  }
}

interface Group {
  weight: number;
  readonly accesses: RegionInstruction[];
}

function groupsOf(loops: readonly InstructionLoop[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const { runs, depth, isInnermost, isHot } of loops) {
    const instructions = runs.flat();
    if (!isInnermost || instructions.length > LOOP_INSTRUCTIONS_MAX) continue;
    const striding = new Set(instructions.filter(isStride).map(({ rd }) => rd));
    const weight = RUNS_PER_LOOP ** (isHot ? depth + HOT_DEPTH : depth);
    for (const run of runs) addRun(run, { weight, striding, groups });
  }
  return groups;
}

/** Does a register move on so far that it is soon in another page? */
function isStride({ instruction, rd, rs1, rs2, immediate }: RegionInstruction): boolean {
  if (instruction.name === 'addi') return rd === rs1 && Math.abs(immediate) >= STRIDE_BYTES;
  return instruction.name === 'add' && (rd === rs1 || rd === rs2);
}

interface Grouping {
  readonly weight: number;
  /** Registers that make long strides: what they point to is not worth remembering. */
  readonly striding: ReadonlySet<number>;
  readonly groups: Map<string, Group>;
}

function addRun(
  run: readonly RegionInstruction[],
  { weight, striding, groups }: Grouping,
): void {
  /** By register, the instruction of the run that wrote it last. */
  const writers = new Map<number, number>();
  for (const access of run) {
    const { rs1, rd, offset, instruction } = access;
    const { type } = instruction.semantics;
    const writer = writers.get(rs1);
    const isNear = writer !== undefined || !striding.has(rs1);
    if ((type === 'load' || type === 'store') && isNear) {
      const key = `${type} ${rs1} ${writer ?? ''}`;
      const group = groups.get(key) ?? { weight: 0, accesses: [] };
      groups.set(key, group);
      group.weight += weight;
      group.accesses.push(access);
    }
    if (writesRegister(instruction)) writers.set(rd, offset);
  }
}
