/**
 * Loads, stores and fetches that the fast TLB does not answer: translation, protection, devices,
 * accesses that are misaligned or cross a page. An access that traps has no effect but the trap.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  type FunctionRef,
  I32,
  I64,
  load,
  type Local,
  type WasmModule,
} from '@casmotion/wasm-asm';
import type { Probes } from '../inspect/probes.ts';
import type { CodePageFunctions } from './code-pages.ts';
import {
  FAST_READ,
  FAST_WRITE,
  type MemoryPlan,
  PAGE_FLAG,
  RAM_BASE,
  ROM_BASE,
  ROM_SIZE_BYTES,
} from './layout.ts';
import { type MmuFunctions, tlbOffset } from './mmu.ts';
import { PMP } from './pmp.ts';
import { ACCESS, CAUSE } from './status.ts';
import { dataPrivilegeNow } from './trap.ts';
import { control, setControl, setWord, word } from './words.ts';

export interface AccessFunctions {
  /** (va, size) -> i64: the bytes, zero-extended; or 0 with `trapped` set. */
  readonly load: FunctionRef;
  /** (va, size, value). */
  readonly store: FunctionRef;
  /**
   * (va, size, isLoad) -> i32: host address for an atomic access to RAM; or 0 with `trapped` set.
   */
  readonly atomic: FunctionRef;
  /**
   * (va) -> i32: decoded page for executing at va, now the current fetch translation; or 0,
   * `trapped`.
   */
  readonly fetch: FunctionRef;
  /**
   * (va) -> i32: host address of the second half of an instruction that straddles a page; or 0,
   * `trapped`.
   */
  readonly fetchHalf: FunctionRef;
  /** () -> i32: the decoded page of the current fetch translation, after it was dropped. */
  readonly refetch: FunctionRef;
}

export interface AccessParts {
  readonly probes: Probes;
  readonly raise: FunctionRef;
  readonly pmpAllows: FunctionRef;
  readonly mmu: MmuFunctions;
  readonly codePages: CodePageFunctions;
  readonly plan: MemoryPlan;
  /** Imports: (address low, address high, size) -> value, and (…, value); they set `busFault`. */
  readonly busRead: FunctionRef;
  readonly busWrite: FunctionRef;
}

export function defineAccess(module: WasmModule, parts: AccessParts): AccessFunctions {
  const readPhysical = defineReadPhysical(module, parts);
  const writePhysical = defineWritePhysical(module, parts);
  return {
    load: defineLoad(module, parts, readPhysical),
    store: defineStore(module, parts, writePhysical),
    atomic: defineAtomic(module, parts),
    ...defineFetches(module, parts),
  };
}

/** Does the access touch two pages? */
function crossesPage(va: I64, size: I32): I32 {
  return va.toI32().and(4095).add(size).gtU(4096);
}

function countAccess(
  f: FunctionBody,
  { probes }: AccessParts,
  kind: 'slowLoads' | 'slowStores',
  va: I64,
  size: I32,
): void {
  probes.count(f, kind);
  probes.countIf(f, 'misaligned', va.toI32().and(size.sub(1)).ne(0));
  probes.countIf(f, 'crossing', crossesPage(va, size));
}

/** Offset in RAM of a physical address, meaningful where `isRam` holds. */
function ramOffset(pa: I64): I64 {
  return pa.sub(RAM_BASE);
}

function isRam(pa: I64, plan: MemoryPlan): I32 {
  return ramOffset(pa).ltU(plan.ramPages * 4096);
}

function translate(parts: AccessParts, va: I64, access: number, privilege: I64): I64 {
  return callI64(parts.mmu.translate, va, access, privilege);
}

function allows(parts: AccessParts, pa: I64, size: I64, permission: number, privilege: I64): I32 {
  return callI32(parts.pmpAllows, pa, size, permission, privilege);
}

/** Makes a fast entry for the page of `va`, in a table of the context of data accesses. */
function emitFill(f: FunctionBody, plan: MemoryPlan, table: number, va: I64, pa: I64): void {
  const entry = f.let(tlbOffset(va).add(control('dataContext')));
  f.storeI64(entry, table, va.and(-4096));
  // host = low 32 bits of va + addend
  const host = ramOffset(pa).toI32().add(plan.ram);
  f.storeI32(entry, table + 8, host.sub(va.toI32()));
}

/**
 * What the engines leave to slow paths though the fast TLB vouches for the page: an access that is
 * misaligned and within the page.
 */
function emitIfFast(
  f: FunctionBody,
  table: number,
  va: I64,
  size: I32,
  write: (host: I32) => void,
): void {
  const entry = f.let(tlbOffset(va).add(control('dataContext')));
  const isMapped = load.i64(entry, table).eq(va.and(-4096));
  f.if(isMapped.and(crossesPage(va, size).eqz()), () => {
    write(f.let(va.toI32().add(load.i32(entry, table + 8))));
  });
}

/** The little-endian value of 1, 2, 4 or 8 bytes at a host address. */
function emitSizedReturn(f: FunctionBody, host: I32, size: I32): void {
  f.if(size.eq(8), () => f.return(load.i64(host)));
  f.if(size.eq(4), () => f.return(load.i64U32(host)));
  f.if(size.eq(2), () => f.return(load.i64U16(host)));
  f.return(load.i64U8(host));
}

function emitSizedStore(f: FunctionBody, host: I32, size: I32, value: I64): void {
  f.if(size.eq(8), () => f.storeI64(host, 0, value));
  f.if(size.eq(4), () => f.storeI64As32(host, 0, value));
  f.if(size.eq(2), () => f.storeI64As16(host, 0, value));
  f.if(size.eq(1), () => f.storeI64As8(host, 0, value));
}

/** (va, pa, size) -> i64, within a page. */
function defineReadPhysical(module: WasmModule, parts: AccessParts): FunctionRef {
  const params = { va: 'i64', pa: 'i64', size: 'i32', privilege: 'i64' } as const;
  return module.func('readPhysical', params, 'i64', (f, { va, pa, size, privilege }) => {
    const { plan } = parts;
    const fault = () => {
      f.call(parts.mmu.accessFault, ACCESS.read, va.get);
      f.return(0);
    };
    f.if(isRam(pa.get, plan), () => {
      const page = pa.get.and(-4096);
      f.if(
        allows(parts, page, I64.const(4096), PMP.R, privilege.get),
        () => emitFill(f, plan, FAST_READ, va.get, pa.get),
        () => {
          const isAllowed = allows(parts, pa.get, size.get.toI64U(), PMP.R, privilege.get);
          f.if(isAllowed.eqz(), fault);
        },
      );
      emitSizedReturn(f, f.let(ramOffset(pa.get).toI32().add(plan.ram)), size.get);
    });
    f.if(allows(parts, pa.get, size.get.toI64U(), PMP.R, privilege.get).eqz(), fault);
    const romOffset = f.let(pa.get.sub(ROM_BASE));
    f.if(romOffset.ltU(ROM_SIZE_BYTES), () => {
      emitSizedReturn(f, f.let(romOffset.toI32().add(plan.rom)), size.get);
    });
    const isMisaligned = pa.get.toI32().and(size.get.sub(1)).ne(0);
    f.if(isMisaligned, fault);
    const value = emitBusRead(f, parts, pa.get, size.get);
    f.if(control('busFault'), fault);
    f.return(value);
  });
}

/**
 * A read of a device, 8 bytes as two halves. The devices may have moved interrupts: look at them
 * after.
 */
function emitBusRead(f: FunctionBody, parts: AccessParts, pa: I64, size: I32): I64 {
  parts.probes.count(f, 'deviceReads');
  setControl(f, 'recheck', 1);
  const high = f.let(pa.shrU(32).toI32());
  const part = (at: I32, bytes: I32) => callI32(parts.busRead, at, high, bytes).toI64U();
  const value = f.local('i64');
  f.set(value, part(pa.toI32(), I32.const(4).select(size, size.eq(8))));
  f.if(size.eq(8).and(control('busFault').eqz()), () => {
    f.set(value, value.get.or(part(pa.toI32().add(4), I32.const(4)).shl(32)));
  });
  return value.get;
}

function defineWritePhysical(module: WasmModule, parts: AccessParts): FunctionRef {
  const params = { va: 'i64', pa: 'i64', size: 'i32', value: 'i64', privilege: 'i64' } as const;
  return module.func(
    'writePhysical',
    params,
    undefined,
    (f, { va, pa, size, value, privilege }) => {
      const { plan } = parts;
      const fault = () => {
        f.call(parts.mmu.accessFault, ACCESS.write, va.get);
        f.return();
      };
      f.if(isRam(pa.get, plan), () => {
        const offset = f.let(ramOffset(pa.get).toI32());
        const page = pa.get.and(-4096);
        const isPageAllowed = f.let(allows(parts, page, I64.const(4096), PMP.W, privilege.get));
        f.if(isPageAllowed.eqz(), () => {
          f.if(allows(parts, pa.get, size.get.toI64U(), PMP.W, privilege.get).eqz(), fault);
        });
        f.call(parts.codePages.noteWrite, offset, size.get);
        const hasCode = load.i32U8(offset.shrU(12), plan.pageFlags).and(PAGE_FLAG.hasCode);
        f.if(isPageAllowed.and(hasCode.eqz()), () => emitFill(f, plan, FAST_WRITE, va.get, pa.get));
        emitSizedStore(f, f.let(offset.add(plan.ram)), size.get, value.get);
        f.return();
      });
      f.if(allows(parts, pa.get, size.get.toI64U(), PMP.W, privilege.get).eqz(), fault);
      const isMisaligned = pa.get.toI32().and(size.get.sub(1)).ne(0);
      f.if(isMisaligned, fault);
      parts.probes.count(f, 'deviceWrites');
      setControl(f, 'recheck', 1);
      const [low, high] = [f.let(pa.get.toI32()), f.let(pa.get.shrU(32).toI32())];
      const bytes = I32.const(4).select(size.get, size.get.eq(8));
      f.call(parts.busWrite, low, high, bytes, value.get.toI32());
      f.if(size.get.eq(8).and(control('busFault').eqz()), () => {
        f.call(parts.busWrite, low.add(4), high, 4, value.get.shrU(32).toI32());
      });
      f.if(control('busFault'), fault);
    },
  );
}

/** The two pages of an access that crosses: how many bytes lie in the first, and where both are. */
interface Crossing {
  readonly firstBytes: I32;
  readonly first: Local<'i64'>;
  readonly second: Local<'i64'>;
}

/** Translates and checks both pages before a byte moves; only RAM may be crossed into. */
function emitCrossing(
  f: FunctionBody,
  parts: AccessParts,
  access: number,
  va: I64,
  size: I32,
  onTrap: () => void,
): Crossing {
  const permission = access === ACCESS.write ? PMP.W : PMP.R;
  const privilege = f.let(dataPrivilegeNow());
  const firstBytes = f.let(I32.const(4096).sub(va.toI32().and(4095)));
  const secondVa = f.let(va.add(firstBytes.toI64U()));
  const [first, second] = [f.local('i64'), f.local('i64')];
  const check = (local: Local<'i64'>, at: I64, bytes: I32) => {
    f.set(local, translate(parts, at, access, privilege));
    f.if(control('trapped'), onTrap);
    const isAllowed = allows(parts, local.get, bytes.toI64U(), permission, privilege);
    f.if(isRam(local.get, parts.plan).and(isAllowed).eqz(), () => {
      f.call(parts.mmu.accessFault, access, at);
      onTrap();
    });
  };
  check(first, va, firstBytes);
  check(second, secondVa, size.sub(firstBytes));
  return { firstBytes, first, second };
}

/** Host address of byte `i` of a crossing access. */
function crossingByte(crossing: Crossing, plan: MemoryPlan, i: I32): I32 {
  const { firstBytes, first, second } = crossing;
  const host = (pa: I64) => ramOffset(pa).toI32().add(plan.ram);
  const inFirst = host(first.get).add(i);
  return inFirst.select(host(second.get).add(i).sub(firstBytes), i.ltU(firstBytes));
}

function defineLoad(
  module: WasmModule,
  parts: AccessParts,
  readPhysical: FunctionRef,
): FunctionRef {
  return module.func('loadSlow', { va: 'i64', size: 'i32' }, 'i64', (f, { va, size }) => {
    countAccess(f, parts, 'slowLoads', va.get, size.get);
    emitIfFast(f, FAST_READ, va.get, size.get, (host) => emitSizedReturn(f, host, size.get));
    f.if(crossesPage(va.get, size.get), () => {
      const crossing = emitCrossing(f, parts, ACCESS.read, va.get, size.get, () => f.return(0));
      const value = f.local('i64');
      const i = f.local('i32');
      f.loop((again) => {
        const byte = load.i64U8(crossingByte(crossing, parts.plan, i.get));
        f.set(value, value.get.or(byte.shl(i.get.shl(3).toI64U())));
        f.set(i, i.get.add(1));
        f.brIf(i.get.ltU(size.get), again);
      });
      f.return(value.get);
    });
    const privilege = f.let(dataPrivilegeNow());
    const pa = f.let(translate(parts, va.get, ACCESS.read, privilege));
    f.if(control('trapped'), () => f.return(0));
    f.return(callI64(readPhysical, va.get, pa, size.get, privilege));
  });
}

function defineStore(
  module: WasmModule,
  parts: AccessParts,
  writePhysical: FunctionRef,
): FunctionRef {
  const params = { va: 'i64', size: 'i32', value: 'i64' } as const;
  return module.func('storeSlow', params, undefined, (f, { va, size, value }) => {
    countAccess(f, parts, 'slowStores', va.get, size.get);
    emitIfFast(f, FAST_WRITE, va.get, size.get, (host) => {
      emitSizedStore(f, host, size.get, value.get);
      f.return();
    });
    f.if(crossesPage(va.get, size.get), () => {
      const crossing = emitCrossing(f, parts, ACCESS.write, va.get, size.get, () => f.return());
      const { noteWrite } = parts.codePages;
      f.call(noteWrite, ramOffset(crossing.first.get).toI32(), crossing.firstBytes);
      const rest = size.get.sub(crossing.firstBytes);
      f.call(noteWrite, ramOffset(crossing.second.get).toI32(), rest);
      const i = f.local('i32');
      f.loop((again) => {
        const byte = value.get.shrU(i.get.shl(3).toI64U());
        f.storeI64As8(crossingByte(crossing, parts.plan, i.get), 0, byte);
        f.set(i, i.get.add(1));
        f.brIf(i.get.ltU(size.get), again);
      });
      f.return();
    });
    const privilege = f.let(dataPrivilegeNow());
    const pa = f.let(translate(parts, va.get, ACCESS.write, privilege));
    f.if(control('trapped'), () => f.return());
    f.call(writePhysical, va.get, pa, size.get, value.get, privilege);
  });
}

/**
 * Atomics need their natural alignment and RAM (Priv. 1.12 §3.6.3: no atomicity PMA elsewhere). An
 * lr faults as a load; sc and AMOs as stores, and set D even if an sc fails, which §8.2 allows.
 */
function defineAtomic(module: WasmModule, parts: AccessParts): FunctionRef {
  const params = { va: 'i64', size: 'i32', isLoad: 'i32' } as const;
  return module.func('atomic', params, 'i32', (f, { va, size, isLoad }) => {
    const { plan } = parts;
    parts.probes.count(f, 'slowAtomics');
    const raise = (forLoad: number, forStore: number) => {
      const cause = I32.const(forLoad).select(forStore, isLoad.get);
      f.call(parts.raise, cause.toI64U(), va.get);
      f.return(0);
    };
    const isMisaligned = va.get.toI32().and(size.get.sub(1)).ne(0);
    f.if(isMisaligned, () => raise(CAUSE.loadMisaligned, CAUSE.storeMisaligned));
    const privilege = f.let(dataPrivilegeNow());
    const access = I32.const(ACCESS.read).select(ACCESS.write, isLoad.get);
    const pa = f.let(callI64(parts.mmu.translate, va.get, access, privilege));
    f.if(control('trapped'), () => f.return(0));
    const bytes = f.let(size.get.toI64U());
    const needsRead = allows(parts, pa, bytes, PMP.R, privilege);
    const needsWrite = isLoad.get.or(allows(parts, pa, bytes, PMP.W, privilege));
    f.if(isRam(pa, plan).and(needsRead).and(needsWrite).eqz(), () => {
      raise(CAUSE.loadAccess, CAUSE.storeAccess);
    });
    const offset = f.let(ramOffset(pa).toI32());
    f.if(isLoad.get.eqz(), () => f.call(parts.codePages.noteWrite, offset, size.get));
    f.return(offset.add(plan.ram));
  });
}

function defineFetches(
  module: WasmModule,
  parts: AccessParts,
): Pick<AccessFunctions, 'fetch' | 'fetchHalf' | 'refetch'> {
  const { plan } = parts;
  /** Number of the page of RAM or ROM at a physical address, or -1. */
  const pageOf = module.func('pageOf', { pa: 'i64' }, 'i32', (f, { pa }) => {
    f.if(isRam(pa.get, plan), () => f.return(ramOffset(pa.get).shrU(12).toI32()));
    const romOffset = f.let(pa.get.sub(ROM_BASE));
    f.if(romOffset.ltU(ROM_SIZE_BYTES), () => {
      f.return(romOffset.shrU(12).toI32().add(plan.ramPages));
    });
    f.return(-1);
  });
  const fetch = module.func('fetchSlow', { va: 'i64' }, 'i32', (f, { va }) => {
    parts.probes.count(f, 'slowFetches');
    const privilege = f.let(word('privilege'));
    const pa = f.let(translate(parts, va.get, ACCESS.fetch, privilege));
    f.if(control('trapped'), () => f.return(0));
    const page = f.let(callI32(pageOf, pa));
    // Deviation: in a page that PMP splits, only the first instruction after entering it is
    // checked.
    const isPageAllowed = f.let(allows(parts, pa.and(-4096), I64.const(4096), PMP.X, privilege));
    const isAllowed = isPageAllowed.or(allows(parts, pa, I64.const(2), PMP.X, privilege));
    f.if(page.eq(-1).or(isAllowed.eqz()), () => {
      f.call(parts.mmu.accessFault, ACCESS.fetch, va.get);
      f.return(0);
    });
    const decoded = f.let(callI32(parts.codePages.decodedFor, page));
    f.if(isPageAllowed, () => {
      const entry = f.let(tlbOffset(va.get).add(control('fetchContext')));
      f.storeI64(entry, 0, va.get.and(-4096));
      f.storeI32(entry, 8, decoded);
      f.storeI32(entry, 12, pa.shrU(12).toI32());
    });
    setWord(f, 'fetchPage', va.get.and(-4096));
    setWord(f, 'fetchPhysical', pa.and(-4096));
    f.return(decoded);
  });
  const fetchHalf = module.func('fetchHalf', { va: 'i64' }, 'i32', (f, { va }) => {
    parts.probes.count(f, 'fetchedHalves');
    const privilege = f.let(word('privilege'));
    const pa = f.let(translate(parts, va.get, ACCESS.fetch, privilege));
    f.if(control('trapped'), () => f.return(0));
    const page = f.let(callI32(pageOf, pa));
    const isAllowed = allows(parts, pa, I64.const(2), PMP.X, privilege);
    f.if(page.eq(-1).or(isAllowed.eqz()), () => {
      f.call(parts.mmu.accessFault, ACCESS.fetch, va.get);
      f.return(0);
    });
    f.if(page.ltU(plan.ramPages), () => f.return(ramOffset(pa).toI32().add(plan.ram)));
    f.return(pa.sub(ROM_BASE).toI32().add(plan.rom));
  });
  const refetch = module.func('refetch', {}, 'i32', (f) => {
    const page = callI32(pageOf, word('fetchPhysical'));
    f.return(callI32(parts.codePages.decodedFor, page));
  });
  return { fetch, fetchHalf, refetch };
}
