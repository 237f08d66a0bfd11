/**
 * Address translation: the architectural TLB, which is state, over Sv39 page tables with A and D
 * set by hardware; and the fast TLBs, which are derived. Priv. 1.12 §4.3, §4.4;
 * docs/architecture.md §5.
 *
 * Rules, the same for every engine: a look-up that hits changes nothing; one that misses, lacks a
 * permission or finds D clear for a store walks the tables and refills the entry; filling an entry
 * evicts the fast entries of its index in every context below M; fast entries are made only after a
 * look-up. Invariant: the fast entries of contexts below M, when satp is not bare, are a subset of
 * the architectural TLB.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  type FunctionRef,
  I32,
  I64,
  load,
  type WasmModule,
} from '@casmotion/wasm-asm';
import type { Probes } from '../inspect/probes.ts';
import type { CodePageFunctions } from './code-pages.ts';
import {
  ARCH_TLB,
  CONTEXT,
  FAST_FETCH,
  FAST_READ,
  FAST_TLB,
  FAST_WRITE,
  type MemoryPlan,
  RAM_BASE,
  TLB_BYTES,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  TLB_ENTRY_SHIFT,
} from './layout.ts';
import { PMP } from './pmp.ts';
import { ACCESS, CAUSE, MSTATUS, PRIVILEGE, PTE } from './status.ts';
import { control, setWord, word } from './words.ts';

export interface MmuFunctions {
  /** (va, access, privilege) -> i64: the physical address, or anything with `trapped` set. */
  readonly translate: FunctionRef;
  /** (access, va): raises the access fault of the kind of access. */
  readonly accessFault: FunctionRef;
  /** (va, asid, hasVa, hasAsid): sfence.vma. */
  readonly fence: FunctionRef;
  /** (): empties the fast TLBs below M; for changes of satp and MXR. */
  readonly flushFast: FunctionRef;
}

interface Parts {
  readonly probes: Probes;
  readonly raise: FunctionRef;
  readonly pmpAllows: FunctionRef;
  readonly codePages: CodePageFunctions;
  readonly plan: MemoryPlan;
}

/** Keys of architectural entries: page number, address space, these two bits. */
export const VALID = 1n << 62n;
export const GLOBAL = 1n << 61n;
export const ASID_SHIFT = 27;
export const VPN_MASK = 0x7ff_ffff;
export const PPN_MASK = 0xfff_ffff_ffffn;

export function defineMmu(module: WasmModule, parts: Parts): MmuFunctions {
  const pageFault = defineFault(module, 'pageFault', parts.raise, CAUSE.fetchPage, CAUSE.loadPage);
  const accessFault = defineFault(
    module,
    'accessFault',
    parts.raise,
    CAUSE.fetchAccess,
    CAUSE.loadAccess,
  );
  const permits = definePermits(module);
  const walk = defineWalk(module, parts, { pageFault, accessFault, permits });
  const flushFast = module.func('flushFast', {}, undefined, (f) => {
    parts.probes.count(f, 'fastTlbFlushes');
    f.memoryFill(FAST_TLB, 0xff, CONTEXT.machine - FAST_TLB);
  });
  return {
    translate: defineTranslate(module, { pageFault, accessFault, permits, walk }),
    accessFault,
    fence: defineFence(module, flushFast, parts.probes),
    flushFast,
  };
}

/** Address of the architectural entry of a virtual address. */
function archEntry(va: I64): I32 {
  return tlbOffset(va).add(ARCH_TLB);
}

/** Offset in a TLB's table of the entry for the page of `va`. */
export function tlbOffset(va: I64): I32 {
  return va
    .toI32()
    .shrU(12 - TLB_ENTRY_SHIFT)
    .and((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES);
}

/** Key without address space: the entry of a global page. */
function globalKey(va: I64): I64 {
  return va
    .shrU(12)
    .and(VPN_MASK)
    .or(VALID | GLOBAL);
}

function localKey(va: I64, asid: I64): I64 {
  return va.shrU(12).and(VPN_MASK).or(asid.shl(ASID_SHIFT)).or(VALID);
}

function currentAsid(): I64 {
  return word('satp').shrU(44).and(0xffff);
}

/** Causes lie so: fetch c, load l, store l + 2. */
function defineFault(
  module: WasmModule,
  name: string,
  raise: FunctionRef,
  fetch: number,
  read: number,
): FunctionRef {
  return module.func(name, { access: 'i32', va: 'i64' }, undefined, (f, { access, va }) => {
    const data = access.get.shl(1).add(read);
    const cause = I32.const(fetch).select(data, access.get.eq(ACCESS.fetch));
    f.call(raise, cause.toI64U(), va.get);
  });
}

/**
 * Adds `permits(pte, access, privilege) -> i32`: do R, W, X and U allow it? Steps 5 to 7 of Priv.
 * 1.12 §4.3.2.
 */
function definePermits(module: WasmModule): FunctionRef {
  const params = { pte: 'i64', access: 'i32', privilege: 'i64' } as const;
  return module.func('permits', params, 'i32', (f, { pte, access, privilege }) => {
    const has = (bit: number) => pte.get.and(bit).ne(0);
    const isFetch = f.let(access.get.eq(ACCESS.fetch));
    f.if(
      has(PTE.U),
      () => {
        const hasSum = word('mstatus').and(MSTATUS.SUM).ne(0);
        const isRefused = privilege.get.eq(PRIVILEGE.supervisor).and(isFetch.or(hasSum.eqz()));
        f.if(isRefused, () => f.return(0));
      },
      () => f.if(privilege.get.eqz(), () => f.return(0)),
    );
    f.if(isFetch, () => f.return(has(PTE.X)));
    f.if(access.get.eq(ACCESS.write), () => f.return(has(PTE.W)));
    const executableCounts = word('mstatus').and(MSTATUS.MXR).ne(0);
    f.return(has(PTE.R).or(has(PTE.X).and(executableCounts)));
  });
}

/** A page that is stored to needs D beside A. */
function neededBits(access: I32): I64 {
  return I64.const(PTE.A | PTE.D).select(PTE.A, access.eq(ACCESS.write));
}

interface WalkParts {
  readonly pageFault: FunctionRef;
  readonly accessFault: FunctionRef;
  readonly permits: FunctionRef;
}

/**
 * Adds `walk(va, access, privilege) -> i64`: the PTE of the 4 KiB page, A and D set, or 0 after a
 * fault. Numbers are the steps of Priv. 1.12 §4.3.2.
 */
function defineWalk(module: WasmModule, parts: Parts, own: WalkParts): FunctionRef {
  const params = { va: 'i64', access: 'i32', privilege: 'i64' } as const;
  return module.func('walk', params, 'i64', (f, { va, access, privilege }) => {
    const fault = (ref: FunctionRef) => {
      f.call(ref, access.get, va.get);
      f.return(I64.const(0));
    };
    parts.probes.count(f, 'pageWalks');
    const base = f.local('i64');
    const pte = f.local('i64');
    const address = f.local('i64');
    f.set(base, word('satp').and(PPN_MASK).shl(12)); // 1
    for (const level of [2, 1, 0]) {
      const vpnShift = 12 + 9 * level;
      f.set(address, base.get.add(va.get.shrU(vpnShift).and(511).shl(3))); // 2
      const host = emitPteAccess(f, parts, address.get, PMP.R, () => fault(own.accessFault));
      f.set(pte, load.i64(host));
      emitInvalidChecks(f, pte.get, () => fault(own.pageFault)); // 3
      f.if(pte.get.and(PTE.R | PTE.X).ne(0), () => {
        const isPermitted = callI32(own.permits, pte.get, access.get, privilege.get);
        f.if(isPermitted.eqz(), () => fault(own.pageFault)); // 5
        if (level > 0) {
          const misaligned = pte.get
            .shrU(10)
            .and((1 << (9 * level)) - 1)
            .ne(0);
          f.if(misaligned, () => fault(own.pageFault)); // 6
        }
        const needed = f.let(neededBits(access.get));
        f.if(pte.get.and(needed).ne(needed), () => {
          emitPteAccess(f, parts, address.get, PMP.W, () => fault(own.accessFault));
          f.set(pte, pte.get.or(needed)); // 7
          f.call(parts.codePages.noteWrite, address.get.sub(RAM_BASE).toI32(), 8);
          f.storeI64(host, 0, pte.get);
        });
        const low = va.get
          .shrU(12)
          .and((1 << (9 * level)) - 1)
          .shl(10);
        f.return(level === 0 ? pte.get : pte.get.or(low)); // 8
      });
      if (level === 0) fault(own.pageFault);
      // A pointer to the next level has no A, D or U (§4.4.1).
      f.if(pte.get.and(PTE.A | PTE.D | PTE.U).ne(0), () => fault(own.pageFault));
      f.set(base, pte.get.shrU(10).and(PPN_MASK).shl(12)); // 4
    }
  });
}

/** Checks that a PTE may be read or written and gives its host address. */
function emitPteAccess(
  f: FunctionBody,
  { plan, pmpAllows }: Parts,
  address: I64,
  permission: number,
  onFault: () => void,
): I32 {
  const offset = f.let(address.sub(RAM_BASE));
  f.if(offset.geU(plan.ramPages * 4096), onFault);
  const isAllowed = callI32(pmpAllows, address, 8, permission, PRIVILEGE.supervisor);
  f.if(isAllowed.eqz(), onFault);
  return f.let(offset.toI32().add(plan.ram));
}

function emitInvalidChecks(f: FunctionBody, pte: I64, onFault: () => void): void {
  const isInvalid = pte.and(PTE.V).eqz();
  const isReserved = pte
    .and(PTE.R | PTE.W)
    .eq(PTE.W)
    .or(pte.shrU(PTE.RESERVED_SHIFT).ne(0));
  f.if(isInvalid.or(isReserved), onFault);
}

function defineTranslate(
  module: WasmModule,
  own: WalkParts & { readonly walk: FunctionRef },
): FunctionRef {
  const params = { va: 'i64', access: 'i32', privilege: 'i64' } as const;
  return module.func('translate', params, 'i64', (f, { va, access, privilege }) => {
    const isBare = privilege.get.eq(PRIVILEGE.machine).or(word('satp').shrU(60).eqz());
    f.if(isBare, () => {
      f.if(va.get.shrU(56).ne(0), () => f.call(own.accessFault, access.get, va.get));
      f.return(va.get);
    });
    // Sv39: bits 63..39 all equal bit 38 (§4.4.1).
    f.if(va.get.shl(25).shrS(25).ne(va.get), () => {
      f.call(own.pageFault, access.get, va.get);
      f.return(0);
    });
    const entry = f.let(archEntry(va.get));
    const key = f.let(load.i64(entry));
    const pte = f.local('i64');
    const isHit = key.eq(localKey(va.get, currentAsid())).or(key.eq(globalKey(va.get)));
    const offset = va.get.and(4095);
    const physical = () => pte.get.shrU(10).and(PPN_MASK).shl(12).or(offset);
    f.if(isHit, () => {
      f.set(pte, load.i64(entry, 8));
      const needed = f.let(neededBits(access.get));
      const isPermitted = callI32(own.permits, pte.get, access.get, privilege.get);
      f.if(pte.get.and(needed).eq(needed).and(isPermitted), () => f.return(physical()));
    });
    f.set(pte, callI64(own.walk, va.get, access.get, privilege.get));
    f.if(control('trapped'), () => f.return(0));
    const isGlobal = pte.get.and(PTE.G).ne(0);
    f.storeI64(entry, 0, globalKey(va.get).select(localKey(va.get, currentAsid()), isGlobal));
    f.storeI64(entry, 8, pte.get);
    emitEvictFast(f, tlbOffset(va.get));
    f.return(physical());
  });
}

const LOWER_CONTEXTS = [CONTEXT.user, CONTEXT.supervisor, CONTEXT.supervisorUser];

/** What evicts an architectural entry evicts the fast entries at its place. */
function emitEvictFast(f: FunctionBody, at: I32): void {
  const offset = f.let(at);
  for (const context of LOWER_CONTEXTS) {
    for (const table of [FAST_READ, FAST_WRITE, FAST_FETCH])
      f.storeI64(offset, context + table, -1);
  }
}

/**
 * sfence.vma: the four cases of Priv. 1.12 §4.2.1; global pages survive a fence of one address
 * space.
 */
function defineFence(module: WasmModule, flushFast: FunctionRef, probes: Probes): FunctionRef {
  const params = { va: 'i64', asid: 'i64', hasVa: 'i32', hasAsid: 'i32' } as const;
  return module.func('fence', params, undefined, (f, { va, asid, hasVa, hasAsid }) => {
    probes.count(f, 'fences');
    setWord(f, 'fetchPage', -1);
    const asidBits = f.let(asid.get.and(0xffff));
    f.if(hasVa.get, () => {
      const entry = f.let(archEntry(va.get));
      const key = f.let(load.i64(entry));
      const isSamePage = key.xor(va.get.shrU(12)).and(VPN_MASK).eqz();
      const isOther = hasAsid.get.and(key.ne(localKey(va.get, asidBits)));
      f.if(isSamePage.and(isOther.eqz()), () => {
        f.storeI64(entry, 0, 0);
        emitEvictFast(f, tlbOffset(va.get));
      });
      f.return();
    });
    f.call(flushFast);
    f.if(hasAsid.get.eqz(), () => {
      f.memoryFill(ARCH_TLB, 0, TLB_BYTES);
      f.return();
    });
    const entry = f.local('i32');
    f.set(entry, I32.const(ARCH_TLB));
    f.loop((again) => {
      const key = f.let(load.i64(entry.get));
      const isGlobal = key.and(GLOBAL).ne(0);
      const isSame = key.shrU(ASID_SHIFT).and(0xffff).eq(asidBits);
      f.if(isSame.and(isGlobal.eqz()), () => f.storeI64(entry.get, 0, 0));
      f.set(entry, entry.get.add(TLB_ENTRY_BYTES));
      f.brIf(entry.get.ltU(ARCH_TLB + TLB_BYTES), again);
    });
  });
}
