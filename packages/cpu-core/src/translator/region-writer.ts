/**
 * Writes the function of a region, (entry, left) -> left: makes steps from entry number `entry` on
 * until control leaves the region or the budget ends, and returns what is left of it. Registers live
 * in locals meanwhile; why it returned is in the control word `regionExit`.
 *
 * Invariants: `left` counts a block's steps when the block is entered, so within it
 * (left + steps not yet made) is exact; a slow path sees pc and left exact in memory, and no register
 * (none looks at one).
 */
import { FunctionBody, type Label, load } from '@casmotion/wasm-asm';
import { emitInstruction } from '../emit/instructions.ts';
import type { EngineParts } from '../emit/site.ts';
import { CELL, REGION_EXIT, SLOT_BYTES } from '../hart/layout.ts';
import { control, setControl, setWord, word } from '../hart/words.ts';
import { operandsOf, type PageInstruction, writesRegister } from './instructions.ts';
import { type Block, endsBlock, type RegionGraph } from './region-graph.ts';
import { type Continuation, type RegionFrame, RegionRegisters, RegionSite } from './region-site.ts';
import { Structure } from './structure.ts';

export interface RegionPlan {
  readonly graph: RegionGraph;
  /** The decoded page that it was made from. */
  readonly decodedPage: number;
  /** Its number in the table of regions. */
  readonly tableIndex: number;
  readonly cellBias: number;
}

/** The body of the region's function, closed. */
export function writeRegion(parts: EngineParts, plan: RegionPlan): FunctionBody {
  const f = new FunctionBody(['i32', 'i32'], 'i32');
  const writer = new RegionWriter(f, parts, plan);
  writer.write();
  f.close();
  return f;
}

class RegionWriter implements Continuation {
  readonly #f: FunctionBody;
  readonly #plan: RegionPlan;
  readonly #locals: Omit<RegionFrame, 'exit'>;
  readonly #structure: Structure;
  #site!: RegionSite;
  #exit!: Label;
  #again!: Label;

  constructor(f: FunctionBody, parts: EngineParts, plan: RegionPlan) {
    this.#f = f;
    this.#plan = plan;
    const { blocks } = plan.graph;
    const registers = new RegionRegisters(f);
    for (const { instructions } of blocks) useRegisters(registers, instructions);
    this.#locals = {
      f,
      parts,
      registers,
      left: f.params[1] as RegionFrame['left'],
      base: f.local('i64'),
      context: f.local('i32'),
      pcOut: f.local('i64'),
      reason: f.local('i32'),
      va: f.local('i64'),
      value: f.local('i64'),
      slot: f.local('i32'),
      host: f.local('i32'),
    };
    this.#structure = new Structure(f, {
      blocks: blocks.map(({ index }) => index),
      successors: (block) => (blocks[block] as Block).successors,
      writeBlock: (block) => this.#writeBlock(blocks[block] as Block),
    });
  }

  write(): void {
    const f = this.#f;
    const { base, context, left, pcOut, reason, registers } = this.#locals;
    f.set(base, word('fetchPage'));
    f.set(context, control('dataContext'));
    registers.emitLoads();
    f.block((exit) => {
      this.#exit = exit;
      this.#site = new RegionSite({ ...this.#locals, exit }, this);
      const selector = f.params[0] as RegionFrame['left'];
      this.#structure.write(this.#plan.graph.entries, selector, (again) => (this.#again = again));
    });
    registers.emitStores();
    setWord(f, 'pc', pcOut.get);
    setControl(f, 'regionExit', reason.get);
    f.return(left.get);
  }

  goTo(offset: number): void {
    const block = this.#plan.graph.blockAt.get(offset);
    if (block !== undefined) {
      this.#structure.branchTo(block);
      return;
    }
    const isInterpreted = this.#plan.graph.interpreted.has(offset);
    this.#leaveTo(offset, isInterpreted ? REGION_EXIT.interpret : REGION_EXIT.jump);
  }

  /** To an entry of this region by its cell, else out. */
  goToVa(): void {
    const f = this.#f;
    const { va, base, slot, pcOut, reason } = this.#locals;
    const { decodedPage, cellBias, tableIndex } = this.#plan;
    const offset = () => va.get.sub(base.get);
    f.if(offset().ltU(PAGE_BYTES), () => {
      const at = offset()
        .toI32()
        .mul(SLOT_BYTES / 2 / 4);
      f.set(slot, load.i32(at, decodedPage / 4 + cellBias));
      const own = (CELL.region >>> CELL.regionShift) | tableIndex;
      f.if(slot.get.shrU(CELL.regionShift).eq(own), () => {
        f.set(f.params[0] as RegionFrame['left'], slot.get.and(CELL.entryMask));
        f.br(this.#again);
      });
    });
    f.set(pcOut, va.get);
    f.set(reason, REGION_EXIT.jump);
    f.br(this.#exit);
  }

  #leaveTo(offset: number, why: number): void {
    const { base, pcOut, reason } = this.#locals;
    this.#f.set(pcOut, base.get.add(offset));
    this.#f.set(reason, why);
    this.#f.br(this.#exit);
  }

  #writeBlock({ instructions, start, end }: Block): void {
    const f = this.#f;
    const { left } = this.#locals;
    const count = instructions.length;
    f.set(left, left.get.sub(count));
    f.ifUnlikely(left.get.ltS(0), () => {
      f.set(left, left.get.add(count));
      this.#leaveTo(start, REGION_EXIT.interpret);
    });
    this.#site.beginBlock();
    instructions.forEach((instruction, i) => {
      const { semantics } = instruction.instruction;
      this.#site.moveTo(instruction, count - 1 - i);
      // Fences order nothing here: one hart, one order.
      if (semantics.type !== 'system') {
        emitInstruction(this.#site, instruction.instruction, semantics);
      }
    });
    const last = instructions.at(-1) as PageInstruction;
    const { type } = last.instruction.semantics;
    if (type !== 'branch' && type !== 'jal' && type !== 'jalr') {
      if (endsBlock(last)) this.#leaveTo(end, REGION_EXIT.jump);
      else this.goTo(end);
    }
  }
}

const PAGE_BYTES = 4096;

function useRegisters(registers: RegionRegisters, instructions: readonly PageInstruction[]): void {
  for (const { instruction, rd, rs1, rs2, rs3 } of instructions) {
    const operands = [rs1, rs2, rs3];
    for (const index of operandsOf(instruction)) registers.use(operands[index] as number);
    if (writesRegister(instruction)) registers.willWrite(rd);
  }
}
