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
  type I32Like,
  I64,
  load,
  type Local,
  type WasmModule,
} from '@casmotion/wasm-asm';
import { addWide, subtractWide, type Wide, wideLocal } from '../float/wide.ts';
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
    const sum = wideLocal(f);
    forEachBelow(f, page, control('ramPages'), () => {
      f.if(all.get, () => {
        f.set(page, callI32(nextNonZeroPage, page.get, control('ramPages')));
      });
      const isCounted = all.get.or(isEverWritten(plan, page.get)).ne(0);
      f.if(page.get.ltU(control('ramPages')).and(isCounted), () => {
        f.call(hashPage, page.get);
        addWide(f, sum, loadWide(f, 0, CONTROL.pageHash));
      });
    });
    storeWide(f, 0, CONTROL.freshSum, sum);
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
    const kept = loadWide(f, at, plan.pageHashes);
    const hash = loadWide(f, 0, CONTROL.pageHash);
    const sum = loadWide(f, 0, CONTROL.ramSum);
    subtractWide(f, sum, kept);
    addWide(f, sum, hash);
    storeWide(f, 0, CONTROL.ramSum, sum);
    storeWide(f, at, plan.pageHashes, hash);
  });
}

const NUMBER_BYTES = 8;

function setPageHash(f: FunctionBody, low: I64, high: I64): void {
  f.storeI64(0, CONTROL.pageHash, low);
  f.storeI64(0, CONTROL.pageHash + 8, high);
}

function loadWide(f: FunctionBody, base: I32Like, offset: number): Wide {
  const value = wideLocal(f);
  f.set(value.low, load.i64(base, offset));
  f.set(value.high, load.i64(base, offset + 8));
  return value;
}

function storeWide(f: FunctionBody, base: I32Like, offset: number, value: Wide): void {
  f.storeI64(base, offset, value.low.get);
  f.storeI64(base, offset + 8, value.high.get);
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
