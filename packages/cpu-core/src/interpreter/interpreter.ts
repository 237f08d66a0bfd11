/**
 * The interpreter: one function, generated from the instruction table, that runs decoded slots
 * until its budget is spent. Registers live in linear memory; dispatch is one `br_table`.
 *
 * How control flows, by label:
 *   enter     pc is known but not its page: use the current fetch translation or look the page up
 *   jumped    `entry` was jumped to: run its region if it has one, else count the jump
 *   next      `entry` is the slot to execute: count a step, load its handler
 *   dispatch  `op` is a handler: execute it
 *   check     the instruction is complete and may have made an interrupt takeable or asked to leave
 *   trapped   a trap was taken: go on at its handler
 *
 * Invariants: pc = bias + entry / 8 while slots execute; `left` and pc are in memory whenever
 * another function runs that may look at them; a pseudo-handler counts no step.
 */
import { callI32, type I64, type Label, load, type WasmModule } from '@casmotion/wasm-asm';
import { PSEUDO } from '../hart/code-pages.ts';
import { CELL, REGION_EXIT, SLOT } from '../hart/layout.ts';
import { tlbOffset } from '../hart/mmu.ts';
import { isAtWatch } from '../hart/transfers.ts';
import { control, setControl, setWord, word } from '../hart/words.ts';
import type { Instruction } from '../isa/instruction.ts';
import { instructions } from '../isa/table.ts';
import { emitInstruction } from '../emit/instructions.ts';
import {
  emitExit,
  EXIT,
  type Frame,
  type InterpreterParts,
  type Locals,
  pcOf,
  type RegionParts,
  SlotSite,
} from './frame.ts';
import { emitPseudo } from './pseudo-handlers.ts';
import { SYSTEM } from './system-handlers.ts';

/**
 * Adds and exports `name(budget) -> i32`: makes at most `budget` steps from `stepEnd - budget` on.
 */
export function defineInterpreter(
  module: WasmModule,
  name: 'run' | 'runWatched',
  parts: InterpreterParts,
): void {
  const run = module.func(name, { budget: 'i32' }, 'i32', (f, { budget }) => {
    const locals = {
      f,
      parts,
      left: budget,
      entry: f.local('i32'),
      page: f.local('i32'),
      bias: f.local('i64'),
      pc: f.local('i64'),
      op: f.local('i32'),
      isHeld: f.local('i32'),
      hasLeft: f.local('i32'),
      isFresh: f.local('i32'),
      va: f.local('i64'),
      value: f.local('i64'),
      slot: f.local('i32'),
      host: f.local('i32'),
    };
    if (parts.isWatching) {
      f.set(locals.isFresh, callI32(parts.traps.takeInterrupt).or(control('watchSkipsHere')));
      setControl(f, 'watchSkipsHere', 0);
    } else f.call(parts.traps.takeInterrupt);
    f.set(locals.pc, word('pc'));
    // Where a budget ended is no place to begin a region at.
    f.set(locals.isHeld, 1);
    f.loop((enter) => {
      f.block((trapped) => {
        f.block((check) => {
          emitEnter(locals, trapped);
          f.loop((jumped) => {
            if (parts.regions !== undefined) {
              emitJumped(module, locals, parts.regions, { enter, check, trapped });
            }
            f.loop((next) => {
              emitNext(locals);
              f.loop((dispatch) => {
                const labels = { enter, jumped, next, dispatch, check, trapped };
                emitDispatch({ ...locals, labels });
              });
            });
          });
        });
        emitCheck(locals, enter);
      });
      setControl(f, 'trapped', 0);
      // A device may have moved a line before the access failed (the first half of eight bytes).
      f.if(control('recheck'), () => emitCheck(locals, enter));
      f.set(locals.pc, word('pc'));
      f.br(enter);
    });
  });
  module.exportFunction(run);
}

/**
 * From pc to a slot. A look-up happens here iff the page is not the one of the current fetch
 * translation.
 */
function emitEnter(locals: Locals, trapped: Label): void {
  const { f, parts, pc, page, left, bias, entry, slot, isFresh } = locals;
  const tag = () => pc.get.and(-4096);
  f.if(left.get.eqz(), () => {
    setWord(f, 'pc', pc.get);
    emitExit(locals, EXIT.budget);
  });
  emitWatch(locals, pc.get);
  emitTell(locals);
  f.if(
    tag().eq(word('fetchPage')),
    () => {
      f.set(page, control('fetchDecoded'));
      f.if(page.get.eqz(), () => {
        f.set(page, callI32(parts.access.refetch));
        setControl(f, 'fetchDecoded', page.get);
      });
    },
    () => {
      f.set(slot, tlbOffset(pc.get).add(control('fetchContext')));
      f.if(
        load.i64(slot.get).eq(tag()),
        () => {
          f.set(page, load.i32(slot.get, 8));
          setWord(f, 'fetchPage', tag());
          setWord(f, 'fetchPhysical', load.i64U32(slot.get, 12).shl(12));
        },
        () => {
          setWord(f, 'pc', pc.get);
          f.set(page, callI32(parts.access.fetch, pc.get));
          f.if(page.get.eqz(), () => {
            f.set(left, left.get.sub(1));
            if (parts.isWatching) f.set(isFresh, 0);
            f.br(trapped);
          });
        },
      );
      setControl(f, 'fetchDecoded', page.get);
    },
  );
  f.set(bias, tag().sub(page.get.shrU(3).toI64U()));
  f.set(entry, page.get.add(pc.get.toI32().and(0xffe).shl(3)));
}

/** Control has left a region, and stands between two steps: the host may want to know. */
function emitTell({ f, parts, hasLeft, left }: Locals): void {
  const tell = parts.regions?.tell;
  if (tell === undefined) return;
  f.if(hasLeft.get, () => {
    f.set(hasLeft, 0);
    f.call(tell, left.get);
  });
}

/**
 * Runs the region that begins at `entry`, or counts the jump; a hot slot is offered to the host.
 */
function emitJumped(
  module: WasmModule,
  locals: Locals,
  { translate, tell, cellBias, hotJumps }: RegionParts,
  { enter, check, trapped }: Pick<Frame['labels'], 'enter' | 'check' | 'trapped'>,
): void {
  const { f, parts, entry, page, isHeld, hasLeft, left, pc, slot } = locals;
  const signature = module.signature(['i32', 'i32'], 'i32');
  const cellAt = () => entry.get.shrU(2);
  f.if(
    isHeld.get,
    () => f.set(isHeld, 0),
    () => {
      f.set(slot, load.i32(cellAt(), cellBias));
      f.if(slot.get.ltS(0), () => {
        const table = slot.get.and(~CELL.region).shrU(CELL.regionShift);
        const args = [slot.get.and(CELL.entryMask), left.get];
        parts.probes.countRegion(f, slot.get, left, () => {
          f.set(left, f.callIndirect('i32', signature, table, args));
        });
        if (tell !== undefined) f.set(hasLeft, 1);
        f.brIf(control('regionExit').eq(REGION_EXIT.trapped), trapped);
        f.brIf(control('regionExit').eq(REGION_EXIT.check), check);
        f.set(pc, word('pc'));
        f.set(isHeld, control('regionExit'));
        f.br(enter);
      });
      f.if(slot.get.leU(hotJumps), () => {
        f.storeI32(cellAt(), cellBias, slot.get.add(1));
        f.if(slot.get.eq(hotJumps), () => f.call(translate, entry.get, page.get));
      });
    },
  );
}

function emitNext(locals: Locals): void {
  const { f, left, op, entry } = locals;
  f.if(left.get.eqz(), () => {
    setWord(f, 'pc', pcOf(locals));
    emitExit(locals, EXIT.budget);
  });
  emitWatch(locals, pcOf(locals));
  if (locals.parts.isWatching) f.set(locals.isFresh, 0);
  f.set(left, left.get.sub(1));
  f.set(op, load.i32U16(entry.get, SLOT.handler));
}

/** Stops where the watch says, as if the budget had ended there: before anything is looked up. */
function emitWatch(locals: Locals, pc: I64): void {
  const { f, parts, isFresh } = locals;
  if (!parts.isWatching) return;
  f.if(isFresh.get.eqz().and(isAtWatch(pc)), () => {
    setWord(f, 'pc', pc);
    emitExit(locals, EXIT.watch);
  });
}

/**
 * One block a handler, the outermost for handler 0: leaving a block leads to the handler's code
 * after it.
 */
function emitDispatch(frame: Frame): void {
  const { f, parts, op } = frame;
  parts.probes.countHandler(f, op.get);
  const count = PSEUDO.count + instructions.length;
  const nest = (handler: number, labels: readonly Label[]): void => {
    if (handler === count) {
      f.brTable(op.get, labels, labels.at(-1) as Label);
      return;
    }
    f.block((label) => nest(handler + 1, [...labels, label]));
    if (handler < PSEUDO.count) emitPseudo(frame, handler);
    else emitHandler(frame, instructions[handler - PSEUDO.count] as Instruction);
  };
  nest(0, []);
}

function emitHandler(frame: Frame, instruction: Instruction): void {
  const { semantics } = instruction;
  if (semantics.type === 'system') SYSTEM[semantics.action](frame);
  else emitInstruction(new SlotSite(frame), instruction, semantics);
}

function emitCheck(locals: Locals, enter: Label): void {
  const { f, parts, pc } = locals;
  setControl(f, 'recheck', 0);
  f.call(parts.traps.takeInterrupt);
  f.if(control('exitRequest'), () => {
    setControl(f, 'exitRequest', 0);
    emitExit(locals, EXIT.attention);
  });
  f.set(pc, word('pc'));
  f.br(enter);
}
