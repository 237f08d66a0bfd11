/**
 * The sum of RAM's pages, which state digests are made of: mod 2^128, over all pages, of XXH3-128
 * of the page's number, 8 bytes little-endian, and its content; a page of zeros counts 0, written
 * or not. Hashes are added as they stand in their canonical form, read as little-endian numbers.
 *
 * Invariants: a kept hash that is not 0 is of a page that was written; `ramSum` is the sum of the
 * kept hashes, and those are right for every page that was not written in this epoch.
 */
import {
  callI32,
  type FunctionBody,
  type FunctionRef,
  I32,
  I64,
  load,
  type Local,
  type WasmModule,
} from '@casmotion/wasm-asm';
import { CONTROL, type MemoryPlan, PAGE_BYTES, PAGE_FLAG } from './layout.ts';
import { control } from './words.ts';
import { writeHash } from './xxh3.ts';

export interface RamSumParts {
  readonly plan: MemoryPlan;
  readonly mulHighU: FunctionRef;
  readonly nextNonZeroPage: FunctionRef;
}

/**
 * Adds and exports `hashDigested()`, of a number and a page at `digested`, into `pageHash`;
 * `hashWrittenPages()`, which brings `ramSum` up to date in those of this epoch; and
 * `sumPages(all)`, which sums into `freshSum` and uses no kept hash: over all pages that are not
 * zero, or those ever written.
 */
export function defineRamSum(module: WasmModule, parts: RamSumParts): void {
  const { plan, nextNonZeroPage } = parts;
  const hashPage = defineHashPage(module, parts);
  const keepHash = defineKeepHash(module, plan, hashPage);
  const hashWritten = module.func('hashWrittenPages', {}, undefined, (f) => {
    const index = f.local('i32');
    forEachBelow(f, index, control('writtenCount'), () => {
      f.call(keepHash, load.i32(index.get.shl(2), plan.writtenList));
    });
  });
  const sumPages = module.func('sumPages', { all: 'i32' }, undefined, (f, { all }) => {
    const page = f.local('i32');
    const sum = { low: f.local('i64'), high: f.local('i64') };
    forEachBelow(f, page, control('ramPages'), () => {
      f.if(all.get, () => {
        f.set(page, callI32(nextNonZeroPage, page.get, control('ramPages')));
      });
      const isCounted = all.get.or(isEverWritten(plan, page.get)).ne(0);
      f.if(page.get.ltU(control('ramPages')).and(isCounted), () => {
        f.call(hashPage, page.get);
        addTo(f, sum, load.i64(0, CONTROL.pageHash), load.i64(0, CONTROL.pageHash + 8));
      });
    });
    f.storeI64(0, CONTROL.freshSum, sum.low.get);
    f.storeI64(0, CONTROL.freshSum + 8, sum.high.get);
  });
  const hashDigested = module.func('hashDigested', {}, undefined, (f) => {
    const start = I32.const(plan.digested);
    writeHash(f, parts.mulHighU, { start, sizeBytes: NUMBER_BYTES + PAGE_BYTES }, (low, high) =>
      setPageHash(f, low, high),
    );
  });
  for (const ref of [hashDigested, hashWritten, sumPages]) module.exportFunction(ref);
}

/** `hashPage(page)`: what the page counts, into `pageHash`. */
function defineHashPage(
  module: WasmModule,
  { plan, mulHighU, nextNonZeroPage }: RamSumParts,
): FunctionRef {
  return module.func('hashPage', { page: 'i32' }, undefined, (f, { page }) => {
    setPageHash(f, I64.const(0), I64.const(0));
    const isZero = callI32(nextNonZeroPage, page.get, page.get.add(1)).ne(page.get);
    f.if(isZero, () => f.return());
    const numbered = {
      // As if the page's number stood before it.
      start: page.get.shl(12).add(plan.ram - NUMBER_BYTES),
      sizeBytes: NUMBER_BYTES + PAGE_BYTES,
      first: page.get.toI64U(),
    };
    writeHash(f, mulHighU, numbered, (low, high) => setPageHash(f, low, high));
  });
}

/** `keepHash(page)`: hashes the page, and puts that for what was kept of it. */
function defineKeepHash(
  module: WasmModule,
  plan: MemoryPlan,
  hashPage: FunctionRef,
): FunctionRef {
  return module.func('keepHash', { page: 'i32' }, undefined, (f, { page }) => {
    f.call(hashPage, page.get);
    const at = f.let(page.get.shl(4));
    const sum = { low: f.local('i64'), high: f.local('i64') };
    const [keptLow, keptHigh] = [plan.pageHashes, plan.pageHashes + 8];
    const hash = {
      low: f.let(load.i64(0, CONTROL.pageHash)),
      high: f.let(load.i64(0, CONTROL.pageHash + 8)),
    };
    f.set(sum.low, load.i64(0, CONTROL.ramSum));
    f.set(sum.high, load.i64(0, CONTROL.ramSum + 8));
    // Minus x is plus not x plus 1.
    addTo(f, sum, load.i64(at, keptLow).xor(-1), load.i64(at, keptHigh).xor(-1));
    addTo(f, sum, I64.const(1), I64.const(0));
    addTo(f, sum, hash.low, hash.high);
    f.storeI64(0, CONTROL.ramSum, sum.low.get);
    f.storeI64(0, CONTROL.ramSum + 8, sum.high.get);
    f.storeI64(at, keptLow, hash.low);
    f.storeI64(at, keptHigh, hash.high);
  });
}

const NUMBER_BYTES = 8;

function setPageHash(f: FunctionBody, low: I64, high: I64): void {
  f.storeI64(0, CONTROL.pageHash, low);
  f.storeI64(0, CONTROL.pageHash + 8, high);
}

/** A number of 128 bits. */
interface Sum {
  readonly low: Local<'i64'>;
  readonly high: Local<'i64'>;
}

/** Mod 2^128. */
function addTo(f: FunctionBody, sum: Sum, low: I64, high: I64): void {
  const added = f.let(low);
  f.set(sum.low, sum.low.get.add(added));
  f.set(sum.high, sum.high.get.add(high).add(sum.low.get.ltU(added).toI64U()));
}

function isEverWritten(plan: MemoryPlan, page: I32): I32 {
  return load.i32U8(page, plan.pageFlags).and(PAGE_FLAG.everWritten);
}

/** `write` may move `index` on. */
function forEachBelow(
  f: FunctionBody,
  index: Local<'i32'>,
  end: I32,
  write: () => void,
): void {
  f.block((done) => {
    f.loop((again) => {
      f.brIf(index.get.geU(end), done);
      write();
      f.set(index, index.get.add(1));
      f.br(again);
    });
  });
}
