/**
 * The core module: every function of a hart, assembled in the order in which they need each other.
 */
import { callI32, type FunctionRef, load, WasmModule } from '@casmotion/wasm-asm';
import type { EngineParts } from './emit/site.ts';
import { defineFloat } from './float/define-float.ts';
import {
  type CodePageFunctions,
  defineBeginEpoch,
  defineCodePages,
  defineNextNonZeroPage,
  defineNoteRamWrite,
} from './hart/code-pages.ts';
import { type CsrFunctions, defineCsrs } from './hart/csr.ts';
import {
  CONTROL,
  FAST_TLB,
  FAST_TLB_END,
  type MemoryPlan,
  RAM_BASE,
  ROM_BASE,
  SLOT,
  WORD,
} from './hart/layout.ts';
import { defineAccess } from './hart/memory-access.ts';
import { defineMmu } from './hart/mmu.ts';
import { definePmpAllows } from './hart/pmp.ts';
import { defineRamSum } from './hart/ram-sum.ts';
import { defineRegisterDigest } from './hart/register-digest.ts';
import { CAUSE } from './hart/status.ts';
import { defineTicksNow } from './hart/time.ts';
import { countedTransfers, noTransfers } from './hart/transfers.ts';
import { defineTraps } from './hart/trap.ts';
import { word } from './hart/words.ts';
import { createProbes, noProbes } from './inspect/probes.ts';
import type { InterpreterParts, RegionParts } from './interpreter/frame.ts';
import { defineInterpreter } from './interpreter/interpreter.ts';
import { STRADDLE_MEMO_OFFSET } from './interpreter/pseudo-handlers.ts';
import { type ArithmeticFunctions, createWasmOps, defineArithmetic } from './isa/wasm-ops.ts';
import { defineSlowPaths, type SlowPaths } from './translator/slow-paths.ts';

/** What the module exports; numbers are i32, bigints i64. */
export interface CoreExports {
  /** Makes at most `budget` steps; the reason is a number of `EXIT`. */
  run(budget: number): number;
  /** The same, watched: stops also where `isAtWatch` holds. Only where transfers are counted. */
  runWatched?(budget: number): number;
  csrRead(number: number): bigint;
  csrWrite(number: number, value: bigint): void;
  fence(va: bigint, asid: bigint, hasVa: number, hasAsid: number): void;
  updateContexts(): void;
  flushAllFast(): void;
  noteRamWrite(offset: number, size: number): void;
  beginEpoch(): void;
  nextNonZeroPage(from: number, end: number): number;
  hashWrittenPages(): void;
  sumPages(all: number): void;
  hashDigested(): void;
  digestRegisters(): void;
  /** Only with regions. */
  readonly regions?: WebAssembly.Table;
}

/** What the module imports beside its memory, under `host`. */
export interface CoreImports {
  busRead(addressLow: number, addressHigh: number, size: number): number;
  busWrite(addressLow: number, addressHigh: number, size: number, value: number): void;
  decode(slot: number, decodedPage: number): void;
  decodeStraddle(slot: number, memo: number, instruction: number): void;
  dropRegions(decodedIndex: number): void;
  translate(slot: number, decodedPage: number): void;
  /** Only where it is asked for: control has left a region, with so many steps left. */
  regionLeft(left: number): void;
}

export interface CoreModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Functions that regions call; exported under their names. */
  readonly parts: EngineParts;
  readonly slowPaths: SlowPaths;
  readonly arithmetic: ArithmeticFunctions;
}

/** How translated regions are found; see `Translator`. */
export interface RegionOptions {
  readonly hotJumps: number;
  /** Size of the table of regions, exported as `regions`. */
  readonly regionsMax: number;
  /** Is the host told of each time that control leaves one? */
  readonly isTelling: boolean;
}

/**
 * Generates the module for a machine whose memory is laid out as `plan` says; `regions` undefined:
 * an interpreter alone. `isProfiled`: with code that counts; `isCounting`: transfers of control.
 */
export function generateCoreModule(
  plan: MemoryPlan,
  regions: RegionOptions | undefined,
  { isProfiled = false, isCounting = false } = {},
): CoreModule {
  const module = new WasmModule();
  const probes = isProfiled ? createProbes(plan.counters) : noProbes;
  module.importMemory('host', 'memory', plan.totalBytes / 65_536);
  const host = importFromHost(module);
  const arithmetic = defineArithmetic(module);
  const ops = createWasmOps(arithmetic);
  const float = defineFloat(module, WORD.fflags);
  const ticksNow = defineTicksNow(module);
  const transfers = isCounting ? countedTransfers : noTransfers;
  const traps = defineTraps(module, probes, transfers);
  const pmpAllows = definePmpAllows(module);
  const codePages = defineCodePages(module, plan, host.dropRegions, probes);
  const { raise } = traps;
  const mmu = defineMmu(module, { raise, pmpAllows, codePages, plan, probes });
  const memory = { raise, pmpAllows, mmu, codePages, plan, probes };
  const { busRead, busWrite } = host;
  const access = defineAccess(module, { ...memory, busRead, busWrite });
  const flushAllFast = module.func('flushAllFast', {}, undefined, (f) => {
    f.memoryFill(FAST_TLB, 0xff, FAST_TLB_END - FAST_TLB);
  });
  const { updateContexts } = traps;
  const { flushFast } = mmu;
  const csrs = defineCsrs(module, { ticksNow, updateContexts, flushFast, flushAllFast });
  const fetchHost = defineFetchHost(module, plan);
  const illegal = defineIllegal(module, raise, fetchHost);
  const parts: EngineParts = { ops, float, csrs, illegal, ram: plan.ram, transfers };
  const slowPaths = defineSlowPaths(module, access);
  defineInterpreters(module, plan, regions, {
    ...parts,
    access,
    traps,
    mmu,
    probes,
    fetchHost,
    decode: host.decode,
    decodeStraddle: host.decodeStraddle,
    translate: host.translate,
    tell: host.regionLeft,
  });
  exportForHost(module, plan, { codePages, arithmetic, csrs }, [
    csrs.read,
    csrs.write,
    mmu.fence,
    updateContexts,
    flushAllFast,
  ]);
  if (regions !== undefined) {
    module.exportTable('regions', regions.regionsMax);
    const called = [slowPaths, float, arithmetic].flatMap((refs) => Object.values(refs));
    for (const ref of [csrs.allowed, csrs.readToModify, illegal, ...called]) {
      module.exportFunction(ref as FunctionRef);
    }
  }
  return { bytes: module.toBytes(), parts, slowPaths, arithmetic };
}

function defineInterpreters(
  module: WasmModule,
  { cellBias }: MemoryPlan,
  regions: RegionOptions | undefined,
  parts: Omit<InterpreterParts, 'regions' | 'isWatching'> & Pick<RegionParts, 'translate' | 'tell'>,
): void {
  const { translate } = parts;
  const tell = regions?.isTelling === true ? parts.tell : undefined;
  const wayIn = regions && { translate, tell, cellBias, hotJumps: regions.hotJumps };
  defineInterpreter(module, 'run', { ...parts, regions: wayIn, isWatching: false });
  if (!parts.transfers.isCounting) return;
  defineInterpreter(module, 'runWatched', { ...parts, regions: undefined, isWatching: true });
}

/** Functions of `CoreImports`. */
function importFromHost(module: WasmModule): Record<keyof CoreImports, FunctionRef> {
  const i32s = (count: number) => new Array<'i32'>(count).fill('i32');
  return {
    busRead: module.importFunction('host', 'busRead', i32s(3), 'i32'),
    busWrite: module.importFunction('host', 'busWrite', i32s(4)),
    decode: module.importFunction('host', 'decode', i32s(2)),
    decodeStraddle: module.importFunction('host', 'decodeStraddle', i32s(3)),
    dropRegions: module.importFunction('host', 'dropRegions', i32s(1)),
    translate: module.importFunction('host', 'translate', i32s(2)),
    regionLeft: module.importFunction('host', 'regionLeft', i32s(1)),
  };
}

function exportForHost(
  module: WasmModule,
  plan: MemoryPlan,
  { codePages, arithmetic, csrs }: ExportedParts,
  functions: readonly FunctionRef[],
): void {
  for (const ref of functions) module.exportFunction(ref);
  defineNoteRamWrite(module, RAM_BASE, codePages.noteWrite);
  defineBeginEpoch(module, plan, codePages.flushTable);
  const nextNonZeroPage = defineNextNonZeroPage(module, plan);
  const { mulHighU } = arithmetic;
  defineRamSum(module, { plan, mulHighU, nextNonZeroPage });
  defineRegisterDigest(module, plan, { csrRead: csrs.read, mulHighU });
}

/** What the functions that are written for the host alone are made of. */
interface ExportedParts {
  readonly codePages: CodePageFunctions;
  readonly arithmetic: ArithmeticFunctions;
  readonly csrs: CsrFunctions;
}

/** Host address of the page of the current fetch translation. */
function defineFetchHost(module: WasmModule, plan: MemoryPlan): FunctionRef {
  return module.func('fetchHost', {}, 'i32', (f) => {
    const physical = f.let(word('fetchPhysical'));
    const inRam = physical.sub(RAM_BASE).toI32().add(plan.ram);
    const inRom = physical.sub(ROM_BASE).toI32().add(plan.rom);
    f.return(inRam.select(inRom, physical.geU(RAM_BASE)));
  });
}

/** An illegal instruction's mtval holds its bits: 16 of a short one. Priv. 1.12 §3.1.16. */
function defineIllegal(
  module: WasmModule,
  raise: FunctionRef,
  fetchHost: FunctionRef,
): FunctionRef {
  return module.func('illegal', {}, undefined, (f) => {
    const offset = f.let(word('pc').toI32().and(0xfff));
    const host = f.let(callI32(fetchHost).add(offset));
    const low = f.let(load.i32U16(host));
    f.if(low.and(3).ne(3), () => {
      f.call(raise, CAUSE.illegal, low.toI64U());
      f.return();
    });
    // The second half of a straddling instruction was fetched to the memo just before.
    const memo = load.i32(load.i32(0, CONTROL.fetchDecoded), STRADDLE_MEMO_OFFSET + SLOT.imm);
    const bits = memo.select(load.i32(host), offset.eq(0xffe));
    f.call(raise, CAUSE.illegal, bits.toI64U());
  });
}
