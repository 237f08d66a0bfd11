/** Accesses to memory by way of the fast TLB of data accesses. */
import { type FunctionBody, type I32, load, type Local } from '@casmotion/wasm-asm';
import { tlbOffset } from '../hart/mmu.ts';

/** An access at the address in `va`. */
export interface Access {
  readonly va: Local<'i64'>;
  /** Scratch: the entry of the fast TLB. */
  readonly slot: Local<'i32'>;
  readonly table: number;
  /** 1, 2, 4 or 8. */
  readonly sizeBytes: number;
  /** Does the access, at a host address. */
  readonly fast: (host: I32) => void;
  /** Does the access where the fast TLB does not vouch for it. */
  readonly slow: () => void;
}

/** Looks the page up in the fast TLB at `context`. */
export function emitFastAccess(f: FunctionBody, access: Access, context: I32): void {
  f.set(access.slot, tlbOffset(access.va.get).add(context));
  f.ifLikely(isVouched(access), () => access.fast(hostOf(access)), access.slow);
}

/** What looks an access up, and remembers the page for the next one. */
export interface PageMemory {
  readonly page: Local<'i64'>;
  readonly addend: Local<'i32'>;
}

/** As {@link emitFastAccess}, but first tries the page of the access before. */
export function emitRememberedAccess(
  f: FunctionBody,
  access: Access,
  context: I32,
  { page, addend }: PageMemory,
): void {
  const { va, slot, table } = access;
  f.block((done) => {
    f.block((found) => {
      f.brIfLikely(page.get.eq(pageAndAlignment(access)), found);
      f.set(slot, tlbOffset(va.get).add(context));
      f.ifUnlikely(isVouched(access).eqz(), () => {
        access.slow();
        f.br(done);
      });
      f.set(page, va.get.and(-4096));
      f.set(addend, load.i32(slot.get, table + 8));
    });
    access.fast(va.get.toI32().add(addend.get));
  });
}

/** The page's address, if the access is aligned; else no page's. */
function pageAndAlignment({ va, sizeBytes }: Access) {
  return va.get.and(-4096 | (sizeBytes - 1));
}

/** Does the entry at `slot` vouch for the access? Page and alignment in one comparison. */
function isVouched(access: Access): I32 {
  return load.i64(access.slot.get, access.table).eq(pageAndAlignment(access));
}

function hostOf({ va, slot, table }: Access): I32 {
  return va.get.toI32().add(load.i32(slot.get, table + 8));
}
