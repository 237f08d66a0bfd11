/**
 * Which instructions make a region: blocks that control reaches from a hot place, and the edges
 * between them.
 *
 * Invariants: a block lies in one page, but for an instruction that straddles two, which is a block
 * of its own; an edge to an offset that begins no block leaves the region there; a block has at
 * most BLOCK_INSTRUCTIONS_MAX instructions, so that what a budget leaves to the interpreter is
 * short.
 */
import { X_OFFSET } from '../hart/layout.ts';
import type { Instruction } from '../isa/instruction.ts';
import { instructions as instructionTable } from '../isa/table.ts';
import { type CodeReader, isStraddling, pageOf, type RegionInstruction } from './instructions.ts';

export interface Block {
  /** Place among the region's blocks. */
  readonly index: number;
  /** Offset of the first instruction, and the page in which it begins. */
  readonly start: number;
  readonly page: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** Blocks to which control may go directly, without leaving the region. */
  readonly successors: readonly number[];
  /**
   * Steps that are counted when control comes to the block: its own and, where it does nothing but
   * run into the next one, that one's.
   */
  readonly charge: number;
  /** Is the next block's charge part of this one's? */
  readonly isCharging: boolean;
}

export interface RegionGraph {
  readonly blocks: readonly Block[];
  /** Indices of the blocks where the region can be entered, those of the seeds first. */
  readonly entries: readonly number[];
  readonly seedCount: number;
  /** Offset of a block's start to its index. */
  readonly blockAt: ReadonlyMap<number, number>;
  /** Offsets that were reached and hold what only the interpreter executes. */
  readonly interpreted: ReadonlySet<number>;
  /** Pages that instructions were read from. */
  readonly pages: ReadonlySet<number>;
}

/** Steps that a block may have. */
const BLOCK_INSTRUCTIONS_MAX = 64;
/** Entry numbers have eight bits. */
const ENTRIES_MAX = 256;

/** CSRs whose writes change how instructions are fetched: the region ends after them. */
const isFetchCsr = (csr: number): boolean =>
  csr === SATP || (csr >= PMPCFG0 && csr < PMPADDR0 + 64);
const SATP = 0x180;
const PMPCFG0 = 0x3a0;
const PMPADDR0 = 0x3b0;

/** Does control never fall through to the instruction after, as far as a region knows? */
export function endsBlock({ instruction, immediate }: RegionInstruction): boolean {
  const { type } = instruction.semantics;
  if (type === 'csr') return isFetchCsr(immediate & 0xfff);
  return type === 'branch' || type === 'jal' || type === 'jalr';
}

/**
 * Left to the interpreter: what changes privilege or translation, or waits; and what straddles two
 * pages and could be illegal, since its bits are then looked for in memory.
 */
function isInterpreted(instruction: RegionInstruction): boolean {
  const { semantics } = instruction.instruction;
  if (semantics.type === 'system') {
    return semantics.action !== 'fence' && semantics.action !== 'fence.i';
  }
  const mayBeIllegal =
    semantics.type === 'csr' ||
    semantics.type === 'float' ||
    ('rd' in semantics && semantics.rd === 'f') ||
    ('source' in semantics && semantics.source === 'f') ||
    ('operands' in semantics && semantics.operands.some((operand) => operand === 'f'));
  return mayBeIllegal && isStraddling(instruction);
}

const RETURN_ADDRESS = X_OFFSET + 8;
const ALTERNATE_LINK = X_OFFSET + 5 * 8;

/** By convention a call: the place after it will be jumped to. Unprivileged ISA table 2.1. */
function isCall({ instruction, rd }: RegionInstruction): boolean {
  const { type } = instruction.semantics;
  return (type === 'jal' || type === 'jalr') && (rd === RETURN_ADDRESS || rd === ALTERNATE_LINK);
}

/** Where a graph ends. */
export interface GraphLimits {
  readonly instructionsMax: number;
  /** Is an offset, in a page that is decoded, an entry of another region? */
  readonly isElsewhere: (offset: number) => boolean;
}

/**
 * Follows control from the offsets `seeds`, nearest first, until there is nothing left or a limit
 * is reached. Undefined where a seed was not reached, or holds nothing that a region executes.
 */
export function buildRegionGraph(
  code: CodeReader,
  seeds: readonly number[],
  limits: GraphLimits,
): RegionGraph | undefined {
  const found = discover(code, seeds, limits);
  if (!seeds.every((seed) => found.instructions.has(seed))) return undefined;
  const starts = [...found.leaders]
    .filter((at) => found.instructions.has(at))
    .toSorted((a, b) => a - b);
  const blockAt = new Map<number, number>();
  const runs: RegionInstruction[][] = [];
  for (const leader of starts) addRuns(leader, found, blockAt, runs);
  const blocks: Block[] = [];
  // Backwards: blocks are in order of their offsets, and a charge depends on that of the next one.
  for (let index = runs.length - 1; index >= 0; index--) {
    blocks[index] = makeBlock(index, runs[index] as RegionInstruction[], blockAt, blocks);
  }
  const entries = found.entries.map((at) => blockAt.get(at)).filter((block) => block !== undefined);
  const pages = new Set<number>();
  for (const instruction of found.instructions.values()) {
    pages.add(pageOf(instruction.offset));
    pages.add(pageOf(instruction.offset + instruction.sizeBytes - 1));
  }
  return {
    blocks,
    entries: entries.slice(0, ENTRIES_MAX),
    seedCount: seeds.length,
    blockAt,
    interpreted: found.interpreted,
    pages,
  };
}

function makeBlock(
  index: number,
  run: readonly RegionInstruction[],
  blockAt: ReadonlyMap<number, number>,
  blocks: readonly Block[],
): Block {
  const instructions = asJal(run, blockAt);
  const [first, last] = [instructions[0], instructions.at(-1)] as [
    RegionInstruction,
    RegionInstruction,
  ];
  const end = last.offset + last.sizeBytes;
  const successors = targetsOf(last)
    .map((offset) => blockAt.get(offset))
    .filter((block) => block !== undefined);
  const page = pageOf(first.offset);
  const next = blocks[blockAt.get(end) ?? -1];
  const isCharging =
    !endsBlock(last) &&
    next !== undefined &&
    next.page === page &&
    !isStraddling(next.instructions[0] as RegionInstruction) &&
    instructions.length + next.charge <= BLOCK_INSTRUCTIONS_MAX;
  const charge = instructions.length + (isCharging ? next.charge : 0);
  return { index, start: first.offset, page, instructions, end, successors, charge, isCharging };
}

interface Discovery {
  readonly instructions: Map<number, RegionInstruction>;
  readonly leaders: Set<number>;
  readonly entries: number[];
  readonly interpreted: Set<number>;
}

function discover(
  code: CodeReader,
  seeds: readonly number[],
  { instructionsMax, isElsewhere }: GraphLimits,
): Discovery {
  const instructions = new Map<number, RegionInstruction>();
  const leaders = new Set<number>();
  const interpreted = new Set<number>();
  const entries = new Set(seeds);
  const queue = [...seeds];
  for (let next = 0; next < queue.length && instructions.size < instructionsMax; next++) {
    let offset = queue[next] as number;
    let previous: RegionInstruction | undefined;
    leaders.add(offset);
    while (!instructions.has(offset) && instructions.size < instructionsMax) {
      const instruction = code.at(offset);
      if (instruction === undefined || isInterpreted(instruction)) {
        interpreted.add(offset);
        break;
      }
      instructions.set(offset, instruction);
      const after = offset + instruction.sizeBytes;
      if (endsBlock(instruction)) {
        const { targets, returnsTo } = follow(code, previous, instruction);
        // What another region has is not made twice.
        queue.push(...targets.filter((target) => !isElsewhere(target)));
        if (returnsTo !== undefined && !isElsewhere(returnsTo)) {
          entries.add(returnsTo);
          queue.push(returnsTo);
        }
        break;
      }
      if (pageOf(after) !== pageOf(offset)) {
        // The next page, or the straddling instruction before it, begins a block.
        if (code.decodedPage(pageOf(after)) !== 0) queue.push(after);
        break;
      }
      previous = instruction;
      offset = after;
      // Ran into what another leader has reached already: that is a block of its own.
      if (instructions.has(offset)) leaders.add(offset);
    }
  }
  for (const offset of queue) leaders.add(offset);
  for (const instruction of instructions.values()) {
    if (isStraddling(instruction)) leaders.add(instruction.offset);
  }
  return { instructions, leaders, entries: [...entries], interpreted };
}

/**
 * Where control goes after the last instruction of a block, as far as it is known to go there; and
 * where it comes back to from a call.
 */
function follow(
  code: CodeReader,
  previous: RegionInstruction | undefined,
  last: RegionInstruction,
): { readonly targets: readonly number[]; readonly returnsTo: number | undefined } {
  const after = last.offset + last.sizeBytes;
  const far = farTarget(previous, last);
  const targets = (far === undefined ? targetsOf(last) : [far]).filter((target) =>
    target === after ? code.decodedPage(pageOf(target)) !== 0 : code.isWarm(target),
  );
  return { targets, returnsTo: isCall(last) && code.isWarm(after) ? after : undefined };
}

/**
 * Where a pair of auipc and jalr goes, by which compilers jump farther than jal does. Undefined: it
 * is none.
 */
function farTarget(
  first: RegionInstruction | undefined,
  second: RegionInstruction,
): number | undefined {
  const isPair = first?.instruction.name === 'auipc' && second.instruction.name === 'jalr';
  if (!isPair || first.rd !== second.rs1 || first.rd === X_OFFSET) return undefined;
  return first.offset + first.immediate + second.immediate;
}

/** The second of such a pair as the jal that it stands for, where it leads to one of the blocks. */
function asJal(
  instructions: readonly RegionInstruction[],
  blockAt: ReadonlyMap<number, number>,
): readonly RegionInstruction[] {
  const last = instructions.at(-1) as RegionInstruction;
  const target = farTarget(instructions.at(-2), last);
  if (target === undefined || !blockAt.has(target)) return instructions;
  const jal: RegionInstruction = { ...last, instruction: JAL, immediate: target - last.offset };
  return [...instructions.slice(0, -1), jal];
}

const JAL = instructionTable.find(({ name }) => name === 'jal') as Instruction;

/** Does the block end in a jump to an address that is neither a call nor a return from one? */
export function isDispatch({ instructions }: Block): boolean {
  const last = instructions.at(-1);
  if (last?.instruction.semantics.type !== 'jalr' || isCall(last)) return false;
  return last.rs1 !== RETURN_ADDRESS && last.rs1 !== ALTERNATE_LINK;
}

/** Where control goes after the last instruction of a block, as far as that is known. */
function targetsOf(last: RegionInstruction): readonly number[] {
  const next = last.offset + last.sizeBytes;
  const { type } = last.instruction.semantics;
  if (type === 'branch') return [next, last.offset + last.immediate];
  if (type === 'jal') return [last.offset + last.immediate];
  return endsBlock(last) ? [] : [next];
}

/** Cuts the straight run from `leader` into blocks. */
function addRuns(
  leader: number,
  { instructions, leaders }: Discovery,
  blockAt: Map<number, number>,
  runs: RegionInstruction[][],
): void {
  let run: RegionInstruction[] = [];
  let offset = leader;
  const close = (): void => {
    const [first] = run;
    if (first !== undefined) blockAt.set(first.offset, runs.push(run) - 1);
    run = [];
  };
  for (;;) {
    const instruction = instructions.get(offset);
    const isOther = offset !== leader && leaders.has(offset);
    if (instruction === undefined || isOther || pageOf(offset) !== pageOf(leader)) return close();
    if (run.length === BLOCK_INSTRUCTIONS_MAX) close();
    run.push(instruction);
    offset += instruction.sizeBytes;
    if (endsBlock(instruction) || isStraddling(instruction)) return close();
  }
}
