/**
 * Writes the function of a region, (entry, left) -> left: makes steps from entry number `entry` on
 * until control leaves the region or the budget ends, and returns what is left of it. Registers
 * live in locals meanwhile; why it returned is in the control word `regionExit`.
 *
 * Invariants: `left` counts a block's steps on the way to it, so within it
 * (left + steps counted and not yet made) is exact; in a block, the current fetch translation is
 * that of its page, to the decoded page that the region was made from; slow paths look at no
 * register.
 */
import {
  FunctionBody,
  I32,
  type I64,
  type Label,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import { emitInstruction } from '../emit/instructions.ts';
import { CELL, PAGE_BYTES, REGION_EXIT, SLOT_BYTES } from '../hart/layout.ts';
import { tlbOffset } from '../hart/mmu.ts';
import { LocalTransfers } from '../hart/transfers.ts';
import { control, setControl, setWord, word } from '../hart/words.ts';
import {
  isStraddling,
  type RegionInstruction,
} from './instructions.ts';
import type { RegionMarks } from '../inspect/region-observer.ts';
import { findLoops } from './loops.ts';
import { RegionRegisters } from './region-registers.ts';
import { type Block, endsBlock, isDispatch, type RegionGraph } from './region-graph.ts';
import {
  type Continuation,
  type RegionFrame,
  type RegionParts,
  RegionSite,
} from './region-site.ts';
import { type InstructionLoop, RememberedPages } from './remembered-pages.ts';
import { Structure } from './structure.ts';

export interface RegionPlan {
  readonly graph: RegionGraph;
  /** The decoded page of a page of the graph. */
  readonly decodedPage: (page: number) => number;
  /** Its number in the table of regions. */
  readonly tableIndex: number;
  readonly cellBias: number;
  /** Told where the code of blocks and instructions begins; undefined: nobody asks. */
  readonly marks: RegionMarks | undefined;
}

/** The body of the region's function, closed. */
export function writeRegion(parts: RegionParts, plan: RegionPlan): FunctionBody {
  const f = new FunctionBody(['i32', 'i32'], 'i32');
  new RegionWriter(f, parts, plan).write();
  f.close();
  return f;
}

/** No entry's number: the entry, if any, is that of the address in `va`. */
const BY_ADDRESS = -1;

class RegionWriter implements Continuation {
  readonly #f: FunctionBody;
  readonly #plan: RegionPlan;
  readonly #locals: Omit<RegionFrame, 'labels'>;
  readonly #selector: Local<'i32'>;
  /** Fast TLB of fetches, as an address. */
  readonly #fetchContext: Local<'i32'>;
  /** Where to leave to, packed: see `#leaveTo`. */
  readonly #exitPlace: Local<'i32'>;
  readonly #structure: Structure;
  #site!: RegionSite;
  /** Leaves for `reason`, with pc in memory. */
  #exit!: Label;
  /** Leaves to the place in `exitPlace`. */
  #exitTo!: Label;
  #again!: Label;
  /** Page of the block being written. */
  #page = 0;

  constructor(f: FunctionBody, parts: RegionParts, plan: RegionPlan) {
    this.#f = f;
    this.#plan = plan;
    const { blocks } = plan.graph;
    const registers = new RegionRegisters(f);
    const loops = loopsOf(plan.graph);
    for (const { depth, runs } of loops) if (depth === 1) registers.pin(runs.flat());
    for (const { instructions } of blocks) registers.noteWrites(instructions);
    this.#selector = f.params[0] as Local<'i32'>;
    this.#fetchContext = f.local('i32', 'fetchContext');
    this.#exitPlace = f.local('i32', 'exitPlace');
    this.#locals = {
      f,
      parts,
      registers,
      pages: new RememberedPages(f, loops),
      left: f.params[1] as Local<'i32'>,
      base: f.local('i64', 'base'),
      context: f.local('i32', 'context'),
      reason: f.local('i32', 'reason'),
      va: f.local('i64', 'va'),
      value: f.local('i64', 'value'),
      slot: f.local('i32', 'slot'),
      host: f.local('i32', 'host'),
      transfers: new LocalTransfers(f, parts.transfers),
    };
    this.#structure = new Structure(f, {
      blocks: blocks.map(({ index }) => index),
      successors: (block) => (blocks[block] as Block).successors,
      writeBlock: (block) => this.#writeBlock(blocks[block] as Block),
    });
  }

  write(): void {
    const f = this.#f;
    const { context, left, pages, reason, registers, transfers } = this.#locals;
    pages.emitForget();
    f.set(context, control('dataContext'));
    f.set(this.#fetchContext, control('fetchContext'));
    registers.emitLoads();
    if (this.#plan.graph.pages.size === 1) this.#setBase(0);
    f.block((exit) => {
      this.#exit = exit;
      f.block((exitTo) => {
        this.#exitTo = exitTo;
        f.block((exitSlow) => this.#writeBeforeExit(exitSlow));
        f.set(left, control('left'));
        f.br(exit);
      });
      this.#writeExitTo();
    });
    registers.emitStores();
    transfers.writeBack();
    setControl(f, 'regionExit', reason.get);
    setControl(f, 'regionLeft', 1 + this.#plan.tableIndex);
    f.return(left.get);
  }

  /** The blocks, and the ways to `exitSlow`. */
  #writeBeforeExit(exitSlow: Label): void {
    const f = this.#f;
    const { reason } = this.#locals;
    f.block((exitTrapped) => {
      f.block((exitCheck) => {
        const labels = { exitSlow, exitTrapped, exitCheck };
        this.#site = new RegionSite({ ...this.#locals, labels }, this);
        this.#writeBlocks();
      });
      setWord(f, 'pc', word('pc').add(4));
      f.set(reason, REGION_EXIT.check);
      f.br(exitSlow);
    });
    f.set(reason, REGION_EXIT.trapped);
  }

  goTo(offset: number, isCharged = false): void {
    const { blockAt, blocks, interpreted } = this.#plan.graph;
    const index = blockAt.get(offset);
    if (index === undefined) {
      this.#leaveTo(offset, interpreted.has(offset) ? REGION_EXIT.interpret : REGION_EXIT.jump);
      return;
    }
    const block = blocks[index] as Block;
    if (block.page !== this.#page) this.#enterPage(block.page, offset);
    if (!isCharged) this.#charge(block);
    this.#structure.branchTo(index);
  }

  goToVa(): void {
    const f = this.#f;
    const { va, base } = this.#locals;
    const { decodedPage, cellBias } = this.#plan;
    const isHere = va.get.and(-PAGE_BYTES).eq(base.get.add(this.#page * PAGE_BYTES));
    const cell = load.i32(cellOffset(va.get), cellBias + decodedPage(this.#page) / 4);
    f.set(this.#selector, this.#entryOf(cell).select(I32.const(BY_ADDRESS), isHere));
    f.br(this.#again);
  }

  /** The number of the entry that a cell names, if it is of this region; else no entry's. */
  #entryOf(cell: I32): I32 {
    return cell.sub(CELL.region + this.#plan.tableIndex * (CELL.entryMask + 1));
  }

  #writeBlocks(): void {
    const { entries, blocks } = this.#plan.graph;
    const hasIndirect = blocks.some(
      ({ instructions }) => instructions.at(-1)?.instruction.semantics.type === 'jalr',
    );
    this.#structure.write(entries, this.#selector, {
      open: (again) => {
        this.#again = again;
      },
      otherwise: hasIndirect ? () => this.#writeSelect() : undefined,
      enter: (block) => {
        const target = blocks[block] as Block;
        if (this.#plan.graph.pages.size > 1) this.#setBase(target.page);
        this.#charge(target);
      },
    });
  }

  /**
   * Goes on by the address in `va`: looks its page up as the interpreter would, if the fast TLB
   * answers, and its cell. Leaves where the region has no entry there.
   */
  #writeSelect(): void {
    const f = this.#f;
    const { va, slot, host, reason, left } = this.#locals;
    const pageAddress = va.get.and(-PAGE_BYTES);
    f.block((missed) => {
      f.if(
        pageAddress.eq(word('fetchPage')),
        () => f.set(host, control('fetchDecoded')),
        () => {
          // As the interpreter: no look-up before a step is to be made there.
          f.brIf(left.get.eqz(), missed);
          f.set(slot, tlbOffset(va.get).add(this.#fetchContext.get));
          f.brIf(load.i64(slot.get).ne(pageAddress), missed);
          f.set(host, load.i32(slot.get, 8));
        },
      );
      const at = cellOffset(va.get).add(host.get.shrU(2));
      f.set(this.#selector, this.#entryOf(load.i32(at, this.#plan.cellBias)));
      f.brIf(this.#selector.get.gtU(CELL.entryMask), missed);
      f.brIf(pageAddress.eq(word('fetchPage')), this.#again);
      this.#writeFetch(pageAddress, host.get);
      // The page may be the region's own, mapped at another address.
      if (this.#plan.graph.pages.size === 1) this.#setBase(0);
      f.br(this.#again);
    });
    setWord(f, 'pc', va.get);
    f.set(reason, REGION_EXIT.jump);
    f.br(this.#exit);
  }

  /** From the current fetch translation, which is that of `page`. */
  #setBase(page: number): void {
    this.#f.set(this.#locals.base, word('fetchPage').sub(page * PAGE_BYTES));
  }

  /** Makes the entry at `slot` of the fast TLB the current fetch translation. */
  #writeFetch(pageAddress: I64, decodedPage: Parameters<FunctionBody['storeI32']>[2]): void {
    const f = this.#f;
    const { slot } = this.#locals;
    setWord(f, 'fetchPage', pageAddress);
    setWord(f, 'fetchPhysical', load.i64U32(slot.get, 12).shl(12));
    setControl(f, 'fetchDecoded', decodedPage);
  }

  /** Control goes on in another page: as the interpreter, by the fast TLB, or out. */
  #enterPage(page: number, offset: number): void {
    const f = this.#f;
    const { base, va, left } = this.#locals;
    f.set(va, base.get.add(page * PAGE_BYTES));
    f.ifUnlikely(left.get.eqz(), () => this.#leaveTo(offset, REGION_EXIT.jump));
    this.#checkMapping(page, () => this.#leaveTo(offset, REGION_EXIT.jump));
    this.#writeFetch(va.get, this.#plan.decodedPage(page));
  }

  /** `otherwise` leaves, unless the page at `va` is mapped to the code of `page`. Sets `slot`. */
  #checkMapping(page: number, otherwise: () => void): void {
    const f = this.#f;
    const { va, slot } = this.#locals;
    f.set(slot, tlbOffset(va.get).add(this.#fetchContext.get));
    const isMapped = load.i64(slot.get).eq(va.get);
    const isCode = load.i32(slot.get, 8).eq(this.#plan.decodedPage(page));
    f.ifUnlikely(isMapped.and(isCode).eqz(), otherwise);
  }

  /** On the way to a block: counts its steps, or leaves where the budget has not so many left. */
  #charge({ start, charge }: Block): void {
    const f = this.#f;
    const { left } = this.#locals;
    f.ifUnlikely(f.tee(left, left.get.sub(charge)).ltS(0), () => {
      this.#leaveTo(start, REGION_EXIT.interpret, charge);
    });
  }

  /** `steps`: counted already, and not made. */
  #leaveTo(offset: number, why: number, steps = 0): void {
    this.#f.set(this.#exitPlace, (offset << 9) | (steps << 2) | why);
    this.#f.br(this.#exitTo);
  }

  #writeExitTo(): void {
    const f = this.#f;
    const { base, left, reason } = this.#locals;
    const place = this.#exitPlace;
    f.set(reason, place.get.and(3));
    f.set(left, left.get.add(place.get.shrU(2).and(127)));
    setWord(f, 'pc', base.get.add(place.get.shrS(9).toI64S()));
  }

  #writeBlock(block: Block): void {
    const f = this.#f;
    const { instructions, start, end, page, charge } = block;
    const { base, va, registers } = this.#locals;
    this.#page = page;
    this.#plan.marks?.block(block, f.sizeBytes);
    const [first, last] = [instructions[0], instructions.at(-1)] as [
      RegionInstruction,
      RegionInstruction,
    ];
    if (isStraddling(first)) {
      // Its second half is looked up each time that it executes.
      f.set(va, base.get.add((page + 1) * PAGE_BYTES));
      this.#checkMapping(page + 1, () => this.#leaveTo(start, REGION_EXIT.interpret, charge));
    }
    this.#site.beginBlock();
    registers.beginBlock(instructions);
    instructions.forEach((instruction, i) => {
      this.#plan.marks?.instruction(instruction, f.sizeBytes);
      const { semantics } = instruction.instruction;
      // Fences order nothing here: one hart, one order.
      if (semantics.type === 'system') return;
      this.#site.moveTo(instruction, charge - 1 - i);
      registers.prepare(i, instruction);
      emitInstruction(this.#site, instruction.instruction, semantics);
      registers.finish(i, instruction);
    });
    const { type } = last.instruction.semantics;
    if (type === 'branch' || type === 'jal' || type === 'jalr') return;
    if (endsBlock(last)) this.#leaveTo(end, REGION_EXIT.jump);
    else this.goTo(end, block.isCharging);
  }
}

/** Where the cell of an address lies, from the first cell of its page. */
function cellOffset(va: I64): I32 {
  return va
    .toI32()
    .and(PAGE_BYTES - 2)
    .mul(SLOT_BYTES / 8);
}

/**
 * What control may come back to. Of jumps to an address only those of a dispatcher count, and only
 * to places that were hot.
 */
function loopsOf({ blocks, entries, seedCount }: RegionGraph): readonly InstructionLoop[] {
  const seeds = entries.slice(0, seedCount);
  const loops = findLoops(
    blocks.map(({ index }) => index),
    (index) => {
      const block = blocks[index] as Block;
      return isDispatch(block) ? seeds : block.successors;
    },
  );
  return loops.map(({ members, ...loop }) => {
    const runs = members.map((index) => (blocks[index] as Block).instructions);
    return { ...loop, runs, isHot: seeds.some((seed) => members.includes(seed)) };
  });
}
