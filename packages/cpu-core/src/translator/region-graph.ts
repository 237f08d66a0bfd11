/**
 * Which instructions make a region: blocks of one page that control reaches from its entries, and the
 * edges between them.
 *
 * Invariants: blocks are ordered by offset and do not share an instruction's first byte; an edge to
 * an offset that begins no block leaves the region there; a block has at most
 * {@link BLOCK_INSTRUCTIONS_MAX} instructions, so that a budget is never off by more.
 */
import { X_OFFSET } from '../hart/layout.ts';
import type { PageInstruction, PageReader } from './instructions.ts';

export interface Block {
  /** Place among the region's blocks. */
  readonly index: number;
  /** Offset in the page, bytes. */
  readonly start: number;
  readonly instructions: readonly PageInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** Blocks to which control may go directly, without leaving the region. */
  readonly successors: readonly number[];
}

export interface RegionGraph {
  readonly blocks: readonly Block[];
  /** Indices of the blocks where the region can be entered; the first is the hot one. */
  readonly entries: readonly number[];
  /** Offset of a block's start to its index. */
  readonly blockAt: ReadonlyMap<number, number>;
  /** Offsets that were reached and hold what only the interpreter executes. */
  readonly interpreted: ReadonlySet<number>;
}

/** Steps that a block may have: what is left of a budget below that is interpreted. */
export const BLOCK_INSTRUCTIONS_MAX = 64;

/** CSRs whose writes change how instructions are fetched: the region ends after them. */
const isFetchCsr = (csr: number): boolean =>
  csr === SATP || (csr >= PMPCFG0 && csr < PMPADDR0 + 64);
const SATP = 0x180;
const PMPCFG0 = 0x3a0;
const PMPADDR0 = 0x3b0;

/** Does control never fall through to the instruction after? */
export function endsBlock({ instruction, immediate }: PageInstruction): boolean {
  const { semantics } = instruction;
  switch (semantics.type) {
    case 'branch':
    case 'jal':
    case 'jalr':
      return true;
    case 'csr':
      return isFetchCsr(immediate & 0xfff);
    default:
      return false;
  }
}

/** Left to the interpreter: they change privilege or translation, or wait. */
export function isInterpreted({ instruction: { semantics } }: PageInstruction): boolean {
  if (semantics.type !== 'system') return false;
  return semantics.action !== 'fence' && semantics.action !== 'fence.i';
}

const RETURN_ADDRESS = X_OFFSET + 8;
const ALTERNATE_LINK = X_OFFSET + 5 * 8;

/** By convention a call: the place after it will be jumped to. Unprivileged ISA table 2.1. */
function isCall({ instruction, rd }: PageInstruction): boolean {
  const { type } = instruction.semantics;
  return (type === 'jal' || type === 'jalr') && (rd === RETURN_ADDRESS || rd === ALTERNATE_LINK);
}

/**
 * Follows control from `roots` (offsets), nearest first, until there is nothing left or the region
 * has `instructionsMax` instructions. Undefined where the first root holds nothing executable.
 */
export function buildRegionGraph(
  page: PageReader,
  roots: readonly number[],
  instructionsMax: number,
): RegionGraph | undefined {
  const found = discover(page, roots, instructionsMax);
  const starts = [...found.leaders]
    .filter((at) => found.instructions.has(at))
    .sort((a, b) => a - b);
  const blockAt = new Map<number, number>();
  const runs: PageInstruction[][] = [];
  for (const leader of starts) addRuns(leader, found, blockAt, runs);
  const blocks = runs.map((instructions, index): Block => {
    const last = instructions.at(-1) as PageInstruction;
    const end = last.offset + last.sizeBytes;
    const successors = targetsOf(last)
      .map((offset) => blockAt.get(offset))
      .filter((block) => block !== undefined);
    return {
      index,
      start: (instructions[0] as PageInstruction).offset,
      instructions,
      end,
      successors,
    };
  });
  const entries = found.entries.map((at) => blockAt.get(at)).filter((block) => block !== undefined);
  return entries[0] === blockAt.get(roots[0] as number) && entries.length > 0
    ? { blocks, entries: entries.slice(0, ENTRIES_MAX), blockAt, interpreted: found.interpreted }
    : undefined;
}

/** Entry numbers have eight bits. */
const ENTRIES_MAX = 256;

interface Discovery {
  readonly instructions: Map<number, PageInstruction>;
  readonly leaders: Set<number>;
  readonly entries: number[];
  readonly interpreted: Set<number>;
}

function discover(page: PageReader, roots: readonly number[], instructionsMax: number): Discovery {
  const instructions = new Map<number, PageInstruction>();
  const leaders = new Set<number>();
  const entries = new Set<number>(roots);
  const interpreted = new Set<number>();
  const queue = [...roots];
  for (let next = 0; next < queue.length && instructions.size < instructionsMax; next++) {
    let offset = queue[next] as number;
    leaders.add(offset);
    while (!instructions.has(offset) && instructions.size < instructionsMax) {
      const instruction = page.at(offset);
      if (instruction === undefined || isInterpreted(instruction)) {
        interpreted.add(offset);
        break;
      }
      instructions.set(offset, instruction);
      offset += instruction.sizeBytes;
      if (!endsBlock(instruction)) continue;
      if (isCall(instruction)) {
        entries.add(offset);
        queue.push(offset);
      }
      for (const target of targetsOf(instruction)) queue.push(target);
      break;
    }
    // Ran into what another leader has reached already: that is a block of its own.
    if (instructions.has(offset)) leaders.add(offset);
  }
  for (const offset of queue) leaders.add(offset);
  return { instructions, leaders, entries: [...entries], interpreted };
}

/** Where control goes after the last instruction of a block, as far as that is known. */
function targetsOf(last: PageInstruction): readonly number[] {
  const next = last.offset + last.sizeBytes;
  switch (last.instruction.semantics.type) {
    case 'branch':
      return [next, last.offset + last.immediate];
    case 'jal':
      return [last.offset + last.immediate];
    case 'jalr':
      return [];
    default:
      return [next];
  }
}

/** Cuts the straight run from `leader` into blocks. */
function addRuns(
  leader: number,
  { instructions, leaders }: Discovery,
  blockAt: Map<number, number>,
  runs: PageInstruction[][],
): void {
  let run: PageInstruction[] = [];
  let offset = leader;
  for (;;) {
    const instruction = instructions.get(offset);
    const isCut = run.length === BLOCK_INSTRUCTIONS_MAX;
    const isDone = instruction === undefined || (offset !== leader && leaders.has(offset));
    if ((isCut || isDone) && run.length > 0) {
      blockAt.set((run[0] as PageInstruction).offset, runs.push(run) - 1);
      run = [];
    }
    if (isDone) return;
    run.push(instruction);
    offset += instruction.sizeBytes;
    if (!endsBlock(instruction)) continue;
    blockAt.set((run[0] as PageInstruction).offset, runs.push(run) - 1);
    return;
  }
}
