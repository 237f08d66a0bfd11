/**
 * Decoded pages and page flags: what must be told when RAM is written, and where decoded
 * instructions live. All of it is derived from RAM; dropping any of it changes nothing that a guest
 * can see.
 *
 * Invariants: decodedOf[p] is 0 or a decoded page whose owner is p + 1; a RAM page has the flag
 * `hasCode` iff decodedOf is not 0; then no fast write entry leads to it; a decoded slot agrees
 * with the bytes in memory.
 */
import { type FunctionRef, I32, load, type WasmModule } from '@casmotion/wasm-asm';
import {
  CONTEXT_BYTES,
  DECODED_PAGE_BYTES,
  DECODED_SLOTS_BYTES,
  FAST_FETCH,
  FAST_TLB,
  FAST_WRITE,
  type MemoryPlan,
  PAGE_FLAG,
  SLOT,
  SLOT_BYTES,
  SLOTS_PER_PAGE,
  TLB_BYTES,
} from './layout.ts';
import type { Probes } from '../inspect/probes.ts';
import { control, setControl, setWord, word } from './words.ts';

export interface CodePageFunctions {
  /**
   * (offset in RAM, size): RAM is about to be, or was, written there; the range lies in one page.
   */
  readonly noteWrite: FunctionRef;
  /**
   * (page) -> i32: address of the decoded page of a page, made if need be; pages of RAM, then of
   * the ROM.
   */
  readonly decodedFor: FunctionRef;
  /** (table): empties one of the tables read, write, fetch in every context. */
  readonly flushTable: FunctionRef;
}

interface Counted {
  readonly plan: MemoryPlan;
  readonly probes: Probes;
}

/** Handlers that are no instructions. */
export const PSEUDO = { decode: 0, sentinel: 1, straddle: 2, illegal: 3, count: 4 } as const;

/** A page whose decoded slots were missed by this many stores is data by now. */
const STRAY_STORES_MAX = 64;
const CONTEXTS = 4;

/** `dropRegions` is an import, (index of a decoded page): forgets the regions made from it. */
export function defineCodePages(
  module: WasmModule,
  plan: MemoryPlan,
  dropRegions: FunctionRef,
  probes: Probes,
): CodePageFunctions {
  const flushTable = defineFlushTable(module, probes);
  const forget = defineForgetRegions(module, plan, dropRegions);
  const evict = defineEvict(module, { plan, probes }, flushTable, forget);
  const dropSlots = defineDropSlots(module, { plan, probes }, evict, forget);
  return {
    noteWrite: defineNoteWrite(module, plan, dropSlots),
    decodedFor: defineDecodedFor(module, { plan, probes }, evict, flushTable),
    flushTable,
  };
}

function defineFlushTable(module: WasmModule, probes: Probes): FunctionRef {
  return module.func('flushTable', { table: 'i32' }, undefined, (f, { table }) => {
    probes.count(f, 'fastTableFlushes');
    for (let context = 0; context < CONTEXTS; context++) {
      f.memoryFill(table.get.add(FAST_TLB + context * CONTEXT_BYTES), 0xff, TLB_BYTES);
    }
  });
}

/**
 * Forgets the regions made from decoded page number `index`. One of them may be running: the check
 * after the access at hand leaves it.
 */
function defineForgetRegions(
  module: WasmModule,
  plan: MemoryPlan,
  dropRegions: FunctionRef,
): FunctionRef {
  return module.func('forgetRegions', { index: 'i32' }, undefined, (f, { index }) => {
    const flagAt = f.let(index.get.shl(2).add(plan.decodedRegions));
    f.if(load.i32(flagAt).eqz(), () => f.return());
    f.storeI32(flagAt, 0, 0);
    setControl(f, 'recheck', 1);
    f.call(dropRegions, index.get);
  });
}

/** Forgets decoded page number `index`. */
function defineEvict(
  module: WasmModule,
  { plan, probes }: Counted,
  flushTable: FunctionRef,
  forget: FunctionRef,
): FunctionRef {
  return module.func('evictDecoded', { index: 'i32' }, undefined, (f, { index }) => {
    const ownerAt = f.let(index.get.shl(2).add(plan.decodedOwner));
    const owner = f.let(load.i32(ownerAt));
    f.if(owner.eqz(), () => f.return());
    probes.count(f, 'decodedPagesEvicted');
    f.call(forget, index.get);
    const page = f.let(owner.sub(1));
    f.storeI32(ownerAt, 0, 0);
    f.storeI32(page.shl(2), plan.decodedOf, 0);
    f.if(page.ltU(plan.ramPages), () => {
      const flags = load.i32U8(page, plan.pageFlags);
      f.storeI32As8(page, plan.pageFlags, flags.and(~PAGE_FLAG.hasCode));
    });
    f.call(flushTable, FAST_FETCH);
  });
}

/**
 * Un-decodes the instructions that a write to [offset, offset + size) of a page with code may have
 * changed.
 */
function defineDropSlots(
  module: WasmModule,
  { plan, probes }: Counted,
  evict: FunctionRef,
  forget: FunctionRef,
): FunctionRef {
  const params = { page: 'i32', offset: 'i32', size: 'i32' } as const;
  return module.func('dropSlots', params, undefined, (f, { page, offset, size }) => {
    probes.count(f, 'storesToCodePages');
    const decoded = f.let(load.i32(page.get.shl(2), plan.decodedOf));
    // The slot before may hold the first half of a 32-bit instruction.
    const first = f.let(offset.get.shrU(1));
    const slot = f.local('i32');
    f.set(slot, decoded.add(first.sub(first.ne(0)).mul(SLOT_BYTES)));
    const last = f.let(decoded.add(offset.get.add(size.get).sub(1).shrU(1).mul(SLOT_BYTES)));
    const hits = f.local('i32');
    f.loop((again) => {
      f.set(hits, hits.get.or(load.i32U16(slot.get, SLOT.handler)));
      f.storeI32As16(slot.get, SLOT.handler, PSEUDO.decode);
      f.set(slot, slot.get.add(SLOT_BYTES));
      f.brIf(slot.get.leU(last), again);
    });
    const index = f.let(decoded.sub(plan.decodedPool).divU(DECODED_PAGE_BYTES));
    f.if(hits.get.ne(0), () => {
      f.call(forget, index);
      f.return();
    });
    const strayAt = f.let(index.shl(2).add(plan.decodedStrayStores));
    f.storeI32(strayAt, 0, load.i32(strayAt).add(1));
    const isCurrent = decoded.eq(control('fetchDecoded'));
    f.if(load.i32(strayAt).gtU(STRAY_STORES_MAX).and(isCurrent.eqz()), () => f.call(evict, index));
  });
}

function defineNoteWrite(
  module: WasmModule,
  plan: MemoryPlan,
  dropSlots: FunctionRef,
): FunctionRef {
  return module.func(
    'noteWrite',
    { offset: 'i32', size: 'i32' },
    undefined,
    (f, { offset, size }) => {
      const page = f.let(offset.get.shrU(12));
      const flags = f.let(load.i32U8(page, plan.pageFlags));
      f.if(flags.and(PAGE_FLAG.written).eqz(), () => {
        const written = PAGE_FLAG.written | PAGE_FLAG.everWritten;
        f.storeI32As8(page, plan.pageFlags, flags.or(written));
        f.storeI32(control('writtenCount').shl(2), plan.writtenList, page);
        setControl(f, 'writtenCount', control('writtenCount').add(1));
      });
      f.if(flags.and(PAGE_FLAG.hasCode).ne(0), () => {
        f.call(dropSlots, page, offset.get.and(4095), size.get);
      });
    },
  );
}

function defineDecodedFor(
  module: WasmModule,
  { plan, probes }: Counted,
  evict: FunctionRef,
  flushTable: FunctionRef,
): FunctionRef {
  return module.func('decodedFor', { page: 'i32' }, 'i32', (f, { page }) => {
    const known = f.let(load.i32(page.get.shl(2), plan.decodedOf));
    f.if(known.ne(0), () => f.return(known));
    probes.count(f, 'decodedPagesMade');
    const index = f.local('i32');
    const decoded = f.local('i32');
    f.loop((again) => {
      f.set(index, control('nextDecoded'));
      const next = index.get.add(1);
      setControl(f, 'nextDecoded', next.select(0, next.ltU(plan.decodedCount)));
      f.set(decoded, index.get.mul(DECODED_PAGE_BYTES).add(plan.decodedPool));
      // The page being executed stays.
      f.brIf(decoded.get.eq(control('fetchDecoded')), again);
    });
    f.call(evict, index.get);
    // A page that was used before ends in a sentinel; a fresh one is zero, and so are its slots.
    f.if(load.i32U16(decoded.get, DECODED_SLOTS_BYTES).ne(0), () => {
      f.memoryFill(decoded.get, 0, DECODED_PAGE_BYTES);
    });
    for (const sentinel of [SLOTS_PER_PAGE, SLOTS_PER_PAGE + 1]) {
      f.storeI32As16(decoded.get, sentinel * SLOT_BYTES + SLOT.handler, PSEUDO.sentinel);
    }
    f.storeI32(index.get.shl(2), plan.decodedOwner, page.get.add(1));
    f.storeI32(index.get.shl(2), plan.decodedStrayStores, 0);
    f.storeI32(page.get.shl(2), plan.decodedOf, decoded.get);
    f.if(page.get.ltU(plan.ramPages), () => {
      const flags = load.i32U8(page.get, plan.pageFlags);
      f.storeI32As8(page.get, plan.pageFlags, flags.or(PAGE_FLAG.hasCode));
      f.call(flushTable, FAST_WRITE);
    });
    f.return(decoded.get);
  });
}

/**
 * Adds and exports `noteRamWrite(offset, size)` for devices: any range of RAM. It also ends a
 * reservation there.
 */
export function defineNoteRamWrite(
  module: WasmModule,
  ramBase: number,
  noteWrite: FunctionRef,
): void {
  const params = { offset: 'i32', size: 'i32' } as const;
  const ref = module.func('noteRamWrite', params, undefined, (f, { offset, size }) => {
    const at = f.let(word('reservation').sub(ramBase));
    const from = offset.get.toI64U();
    f.if(at.geU(from).and(at.ltU(from.add(size.get.toI64U()))), () =>
      setWord(f, 'reservation', -1),
    );
    const left = f.local('i32');
    const next = f.local('i32');
    const part = f.local('i32');
    f.set(left, size.get);
    f.set(next, offset.get);
    f.block((done) => {
      f.loop((again) => {
        f.brIf(left.get.eqz(), done);
        f.set(part, I32.const(4096).sub(next.get.and(4095)));
        f.set(part, part.get.select(left.get, part.get.ltU(left.get)));
        f.call(noteWrite, next.get, part.get);
        f.set(next, next.get.add(part.get));
        f.set(left, left.get.sub(part.get));
        f.br(again);
      });
    });
  });
  module.exportFunction(ref);
}

/** Adds and exports `beginEpoch()`: no page counts as written, and each write is noticed again. */
export function defineBeginEpoch(
  module: WasmModule,
  plan: MemoryPlan,
  flushTable: FunctionRef,
): void {
  const ref = module.func('beginEpoch', {}, undefined, (f) => {
    const index = f.local('i32');
    f.block((done) => {
      f.loop((again) => {
        f.brIf(index.get.geU(control('writtenCount')), done);
        const page = f.let(load.i32(index.get.shl(2), plan.writtenList));
        const flags = load.i32U8(page, plan.pageFlags);
        f.storeI32As8(page, plan.pageFlags, flags.and(~PAGE_FLAG.written));
        f.set(index, index.get.add(1));
        f.br(again);
      });
    });
    setControl(f, 'writtenCount', 0);
    f.call(flushTable, FAST_WRITE);
  });
  module.exportFunction(ref);
}

/** Bytes looked at between two comparisons with zero. */
const SCAN_BYTES = 64;

/** Adds and exports `nextNonZeroPage(from, end) -> i32`, from < end: see `CoreInterface`. */
export function defineNextNonZeroPage(module: WasmModule, plan: MemoryPlan): FunctionRef {
  const params = { from: 'i32', end: 'i32' } as const;
  const ref = module.func('nextNonZeroPage', params, 'i32', (f, { from, end }) => {
    const at = f.local('i32');
    const limit = f.let(end.get.shl(12).add(plan.ram));
    f.set(at, from.get.shl(12).add(plan.ram));
    f.loop((again) => {
      let bits = load.i64(at.get);
      for (let offset = 8; offset < SCAN_BYTES; offset += 8) {
        bits = bits.or(load.i64(at.get, offset));
      }
      f.if(bits.ne(0), () => f.return(at.get.sub(plan.ram).shrU(12)));
      f.set(at, at.get.add(SCAN_BYTES));
      f.brIf(at.get.ltU(limit), again);
    });
    f.return(end.get);
  });
  module.exportFunction(ref);
  return ref;
}
