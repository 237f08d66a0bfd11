/// <reference path="./webassembly.d.ts" />
/**
 * What a core offers its machine. One linear memory holds the harts, their TLBs and RAM; one
 * WebAssembly module, generated at start, runs them. All of it is state or derived from state: a
 * core never asks the host.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { Profiler } from './inspect/profiler.ts';
import type { RegionObserver } from './inspect/region-observer.ts';

export interface CoreOptions {
  /** Multiple of 4 KiB, at most 3 GiB. RAM starts at guest-physical 0x8000_0000. */
  readonly ramSizeBytes: number;
  /** Read-only memory at guest-physical 0x1000, at most 60 KiB: the reset vector. */
  readonly rom: Uint8Array;
  /** Everything that is neither RAM nor ROM. */
  readonly bus: MmioBus;
  /** True: an `ecall` from S-mode leaves `run` with 'sbi' instead of trapping to M-mode. */
  readonly hasBuiltInSbi: boolean;
  /** Compiles a module; passed in because a browser's main thread may not do it synchronously. */
  readonly compile: (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
  /**
   * How instructions are executed: nothing that a guest can see depends on it. Default: translator.
   */
  readonly engine?: Engine | undefined;
  /** Jumps to a place that make it worth translating; less finds more bugs, and is slower. */
  readonly hotJumps?: number | undefined;
  /** Regions that are kept; the oldest make room. Fewer find more bugs, too. */
  readonly regionsMax?: number | undefined;
  /** Sees the regions that the translator makes, and if it wants each time that one is left. */
  readonly observer?: RegionObserver | undefined;
  /** Counts what the core does, which then costs time; good for this core alone. */
  readonly profiler?: Profiler | undefined;
  /** True: transfers of control are counted, and the count is state. Default: no code for it. */
  readonly isCountingTransfers?: boolean | undefined;
}

/** The translator is an interpreter that hands hot code to regions made of it. */
export type Engine = 'interpreter' | 'translator';

/**
 * The devices, as seen from the core. Called in the middle of a step, with `core.step` telling how
 * many steps came before. Addresses are guest-physical; sizes 1, 2, 4 (the core splits 8 into two,
 * low half first).
 */
export interface MmioBus {
  /** The unsigned value, or undefined where nothing is mapped: a load access fault. */
  read(address: number, sizeBytes: 1 | 2 | 4): number | undefined;
  /** False where nothing is mapped: a store access fault. */
  write(address: number, sizeBytes: 1 | 2 | 4, value: number): boolean;
}

/**
 * Which pages of RAM a digest looks at: all, without asking the dirty tracking; or those ever
 * written since power-on, so that memory which was never touched costs nothing.
 */
export type PageScope = 'written' | 'all';

/** Why `run` returned. */
export type CoreExit =
  /** `untilStep` is reached. */
  | 'budget'
  /** WFI with nothing pending. The instruction is complete and counted; pc is after it. */
  | 'wfi'
  /**
   * An S-mode `ecall` for the built-in SBI. Complete and counted; pc is after it, arguments in a0
   * to a7.
   */
  | 'sbi'
  /**
   * `requestExit` was called by the bus, or the guest moved a deadline (wrote stimecmp, menvcfg or
   * mtimecmp).
   */
  | 'attention'
  /** A watched run stands at its watch. */
  | 'watch';

/** Where a watched run stops: whichever comes first. */
export interface Watch {
  /** Not before the counter of transfers shows this, or more: one step may count several. */
  readonly transfers: number;
  /** Before the instruction at this address; undefined: at none. */
  readonly pc: bigint | undefined;
  /** False: at least one step is made first. */
  readonly isHereToo: boolean;
}

/**
 * A straight line from steps to ticks: ticks(step) = originTicks + floor((step - originStep) *
 * slope / 2^32).
 */
export interface TimeLine {
  readonly originStep: number;
  readonly originTicks: number;
  /** Ticks a step, fixed-point with 32 fraction bits; 0 <= slope < 2^48. */
  readonly slope: number;
}

/** Bits of mip that the board drives. Priv. 1.12 §3.1.9. */
export type InterruptName = 'MSIP' | 'MTIP' | 'MEIP' | 'SEIP' | 'SSIP';

export interface CoreInterface {
  /**
   * Steps made so far, over all harts. Exact also when asked from inside a bus access: steps
   * completed before.
   */
  readonly step: number;
  /** All of RAM; index 0 is guest-physical 0x8000_0000. Writers must call `noteRamWrite` after. */
  readonly ram: Uint8Array;
  readonly hart: HartView;
  /**
   * 32 bits of a hash over the hart's registers and CSRs: for comparing two cores very often. Good
   * also within `RegionObserver.left`.
   */
  readonly hartHash: number;

  /** Runs until `step === untilStep` or an exit. Never past it. `untilStep >= step`. */
  run(untilStep: number): CoreExit;
  /**
   * Transfers of control so far: taken branches, jumps, traps, interrupts, returns from traps, and
   * what sets pc from outside. Undefined where they are not counted. Not for use within an access.
   */
  readonly transfers: number | undefined;
  /**
   * As `run`, on the interpreter, and returns 'watch' between two steps where the watch says.
   * Only where transfers are counted.
   */
  runWatched(untilStep: number, watch: Watch): CoreExit;
  /**
   * Called by the bus inside an access: `run` returns 'attention' after the current instruction.
   */
  requestExit(): void;
  /**
   * Sets an interrupt line; the next `run` (or the end of the current access) takes what is
   * pending.
   */
  setInterrupt(name: InterruptName, isHigh: boolean): void;
  /**
   * True if WFI would not wait now: an interrupt is pending and enabled in mie, whatever mstatus
   * says.
   */
  readonly hasWakeUp: boolean;

  timeLine: TimeLine;
  /** ticks(step) of the time line. */
  ticksAt(step: number): number;
  /**
   * The first step at which ticks(step) >= `ticks`; Infinity where the line never gets there in
   * 2^53 steps.
   */
  stepWhen(ticks: number): number;
  /**
   * Sstc: stimecmp as ticks, clamped to 2^53 - 1, if menvcfg.STCE is set; else undefined. STIP
   * follows it.
   */
  readonly stimecmpTicks: number | undefined;
  /**
   * Tells the core that STIP is due or not: (time >= stimecmp). Called by the machine at the
   * deadline.
   */
  refreshTimerInterrupt(): void;

  /**
   * A device wrote RAM at guest-physical `address`: drops decoded code there and marks the pages
   * written.
   */
  noteRamWrite(address: number, sizeBytes: number): void;
  /** Starts a new epoch: no page counts as written in it. The first one starts at power-on. */
  beginEpoch(): void;
  /** How many pages were written in this epoch. */
  readonly writtenPageCount: number;
  /** Page numbers (from the start of RAM) written in this epoch, ascending. */
  writtenPages(): Uint32Array;
  /** Has the page ever been written by anyone since power-on? Never-written pages are all zero. */
  wasEverWritten(page: number): boolean;
  /**
   * The first page number from `from` on, and before `end`, with a byte that is not zero, or `end`.
   * Looks at memory itself, whatever dirty tracking says.
   */
  nextNonZeroPage(from: number, end: number): number;
  /**
   * The sum, mod 2^128, over RAM's pages of XXH3-128 of (page number, 8 bytes little-endian;
   * content), canonical forms read as little-endian numbers; a page of zeros counts 0. 16 bytes
   * little-endian. Hashes what was written in this epoch, and keeps the hashes: to be called at the
   * end of each.
   */
  updateRamSum(): Uint8Array;
  /** The same, without use of what is kept: over the pages ever written, or all of RAM. */
  sumRam(scope: PageScope): Uint8Array;
  /**
   * The same hash of a page that is not RAM, `content` of 4 KiB, as a number 0 <= hash < 2^128;
   * zeros are not special. `number` is at most 2^53 - 1.
   */
  hashPage(number: number, content: Uint8Array): bigint;

  /**
   * An entry of a fast TLB that does not follow from the architectural TLB, in words: a bug of this
   * core, or a write from outside. Undefined: all follow. Slow; changes nothing.
   */
  findStaleTlbEntry(): string | undefined;

  /**
   * The canonical state of harts and TLBs and the time line, without RAM and caches. Equal states,
   * equal bytes.
   */
  snapshot(writer: ByteWriter): void;
  restore(reader: ByteReader): void;
}

/** One hart's registers. 64-bit values are bigints, 0 <= value < 2^64: not for hot paths. */
export interface HartView {
  pc: bigint;
  /** 0 user, 1 supervisor, 3 machine. */
  privilege: number;
  getX(index: number): bigint;
  setX(index: number, value: bigint): void;
  getF(index: number): bigint;
  setF(index: number, value: bigint): void;
  /**
   * A CSR by number, as an M-mode read would see it; undefined where there is none. Also from
   * inside a bus access, where counters count the steps before.
   */
  getCsr(number: number): bigint | undefined;
  setCsr(number: number, value: bigint): void;
  /** The digest of all of these that hold state, 8 bytes. */
  digest(): Uint8Array;
  /** sfence.vma for all addresses and address spaces. */
  flushTlb(): void;
}
