/**
 * The core: linear memory, the generated module over it, and what a machine needs of both.
 *
 * Invariants: outside of `run` the pc word and the step are exact; fast TLBs and decoded pages may
 * be dropped at any time without an effect that a guest or a snapshot could show.
 */
import { assert, type ByteReader, type ByteWriter, VmError } from '@casmotion/base';
import type {
  CoreExit,
  CoreInterface,
  CoreOptions,
  InterruptName,
  MmioBus,
  PageScope,
  TimeLine,
  Watch,
} from './core-interface.ts';
import { type CoreExports, type CoreImports, generateCoreModule } from './core-module.ts';
import { Decoder } from './decoder.ts';
import { csrIndexBytes } from './hart/csr.ts';
import { HartWords, WasmHartView } from './hart/hart-view.ts';
import {
  CONTROL,
  CSR_INDEX,
  DECODED_PAGE_BYTES,
  HASH_SECRET,
  type MemoryPlan,
  PAGE_BYTES,
  PAGE_FLAG,
  planMemory,
  PMP_ADDR,
  ROM_SIZE_BYTES,
  SLOT_BYTES,
} from './hart/layout.ts';
import { PMP } from './hart/pmp.ts';
import {
  hashHartState,
  readHartState,
  readTlb,
  writeHartState,
  writeTlb,
} from './hart/snapshot.ts';
import { findStaleTlbEntry } from './hart/tlb-check.ts';
import { HASH_SECRET_BYTES } from './hart/xxh3.ts';
import type { Profiler } from './inspect/profiler.ts';
import { countersBytes } from './inspect/probes.ts';
import { INTERRUPT, MENVCFG_STCE, MSTATUS } from './hart/status.ts';
import { stepWhen, ticksAt } from './hart/time.ts';
import { HOT_JUMPS, REGIONS_MAX, Translator } from './translator/translator.ts';

/** Makes a core after power-on: M-mode, pc 0x1000, RAM zero, the time line flat at 0. */
export function createCore(options: CoreOptions): CoreInterface {
  return new Core(options);
}

class Core implements CoreInterface {
  readonly ram: Uint8Array;
  readonly hart: WasmHartView;
  readonly #plan: MemoryPlan;
  readonly #exports: CoreExports;
  readonly #words: HartWords;
  readonly #controls: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #profiler: Profiler | undefined;
  readonly #isCounting: boolean;
  #step = 0;
  #isRunning = false;
  readonly #sliceSteps: number;
  #timeLine: TimeLine = { originStep: 0, originTicks: 0, slope: 0 };

  constructor(options: CoreOptions) {
    const { ramSizeBytes, rom, bus, hasBuiltInSbi, compile } = options;
    assert(ramSizeBytes % PAGE_BYTES === 0 && ramSizeBytes > 0, `RAM of ${ramSizeBytes} bytes`);
    if (ramSizeBytes > RAM_MAX_BYTES) throw new RamTooLargeError(ramSizeBytes);
    assert(rom.length <= ROM_SIZE_BYTES, `ROM of ${rom.length} bytes`);
    const { profiler, observer } = options;
    this.#profiler = profiler;
    this.#isCounting = options.isCountingTransfers === true;
    const plan = planMemory(
      ramSizeBytes,
      profiler === undefined ? 0 : countersBytes(REGIONS_MAX),
    );
    const pages = plan.totalBytes / 65_536;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = memory;
    const decoder = new Decoder(buffer, plan);
    this.#plan = plan;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#controls = new Int32Array(buffer, 0, 1024);
    this.#words = new HartWords(buffer);
    this.ram = new Uint8Array(buffer, plan.ram, ramSizeBytes);
    placeConstants(this.#bytes, plan, rom);
    const host = {
      memory,
      ...this.#busImports(bus),
      ...decoderImports(decoder),
      dropRegions: (decodedIndex: number): void => translator?.dropPage(decodedIndex),
      translate: (slot: number, page: number): void => translator?.translate(slot, page),
      regionLeft: (left: number): void => {
        observer?.left?.(Number(this.#words.at(CONTROL.stepEnd)) - left);
      },
    };
    const isTranslating = options.engine !== 'interpreter';
    const hotJumps = options.hotJumps ?? HOT_JUMPS;
    const regionsMax = options.regionsMax ?? REGIONS_MAX;
    const isTelling = observer?.left !== undefined;
    const regions = isTranslating ? { hotJumps, regionsMax, isTelling } : undefined;
    const coreModule = generateCoreModule(plan, regions, {
      isProfiled: profiler !== undefined,
      isCounting: this.#isCounting,
    });
    profiler?.attach({ buffer, counters: plan.counters, cells: cellsOf(buffer, plan) });
    const observers = [observer, profiler].filter((each) => each !== undefined);
    const translator = isTranslating
      ? new Translator({ memory, plan, coreModule, decoder, compile, regionsMax, observers })
      : undefined;
    const instance = new WebAssembly.Instance(compile(coreModule.bytes), { host });
    translator?.link(instance.exports);
    this.#sliceSteps = isTranslating ? SLICE_STEPS : BUDGET_MAX;
    this.#exports = instance.exports as unknown as CoreExports;
    this.hart = new WasmHartView(buffer, this.#words, this.#exports, {
      step: () => this.step,
      isCountingTransfers: this.#isCounting,
    });
    this.#setControl('ramPages', plan.ramPages);
    this.#setControl('builtInSbi', hasBuiltInSbi ? 1 : 0);
    this.#powerOn(hasBuiltInSbi);
  }

  get step(): number {
    if (!this.#isRunning) return this.#step;
    const left = this.#controls[CONTROL.left / 4] as number;
    return Number(this.#words.at(CONTROL.stepEnd)) - left - 1;
  }

  get hartHash(): number {
    return hashHartState(this.#controls);
  }

  get transfers(): number | undefined {
    return this.#isCounting ? Number(this.#words.at(CONTROL.transfers)) : undefined;
  }

  run(untilStep: number): CoreExit {
    return this.#run(untilStep, (budget) => this.#exports.run(budget));
  }

  runWatched(untilStep: number, { transfers, pc = NOWHERE, isHereToo }: Watch): CoreExit {
    assert(this.#isCounting && transfers >= 0, `watch of ${transfers} transfers`);
    this.#words.setAt(CONTROL.watchedPc, pc);
    this.#words.setAt(CONTROL.watchedTransfers, BigInt(transfers));
    this.#setControl('watchSkipsHere', isHereToo ? 0 : 1);
    return this.#run(untilStep, (budget) => this.#exports.runWatched?.(budget) ?? 0);
  }

  #busImports(bus: MmioBus): Pick<CoreImports, 'busRead' | 'busWrite'> {
    return {
      busRead: (low, high, size) => {
        const value = bus.read(address(low, high), size as 1 | 2 | 4);
        this.#setControl('busFault', value === undefined ? 1 : 0);
        return value ?? 0;
      },
      busWrite: (low, high, size, value) => {
        const isDone = bus.write(address(low, high), size as 1 | 2 | 4, unsigned(value, size));
        this.#setControl('busFault', isDone ? 0 : 1);
      },
    };
  }

  #run(untilStep: number, enter: (budget: number) => number): CoreExit {
    assert(Number.isSafeInteger(untilStep) && untilStep >= this.#step, `run until ${untilStep}`);
    while (this.#step < untilStep) {
      const budget = Math.min(untilStep - this.#step, this.#sliceSteps);
      const end = this.#step + budget;
      this.#words.setAt(CONTROL.stepEnd, BigInt(end));
      this.#isRunning = true;
      const exit = EXITS[enter(budget)] as CoreExit;
      this.#isRunning = false;
      this.#step = end - (this.#controls[CONTROL.left / 4] as number);
      this.#profiler?.ran(exit);
      if (exit !== 'budget') return exit;
    }
    return 'budget';
  }

  requestExit(): void {
    this.#setControl('exitRequest', 1);
  }

  setInterrupt(name: InterruptName, isHigh: boolean): void {
    const bit = BigInt(INTERRUPT[name]);
    // Priv. 1.12 §4.1.3: SSIP is no line; whoever set it, a write of sip clears it.
    if (name === 'SSIP') this.#setBit('mipSoft', bit, isHigh);
    else this.#setLine(bit, isHigh);
  }

  get hasWakeUp(): boolean {
    return ((this.hart.getCsr(CSR_MIP) ?? 0n) & this.#words.get('mie')) !== 0n;
  }

  get timeLine(): TimeLine {
    return this.#timeLine;
  }

  set timeLine(line: TimeLine) {
    const { originStep, originTicks, slope } = line;
    assert(Number.isSafeInteger(slope) && slope >= 0 && slope < 2 ** 48, `slope ${slope}`);
    assert(originStep <= this.step && Number.isSafeInteger(originTicks), 'origin of a time line');
    this.#timeLine = line;
    this.#words.set('originStep', BigInt(originStep));
    this.#words.set('originTicks', BigInt(originTicks));
    this.#words.set('slope', BigInt(slope));
  }

  ticksAt(step: number): number {
    return ticksAt(this.#timeLine, step);
  }

  stepWhen(ticks: number): number {
    return stepWhen(this.#timeLine, ticks);
  }

  get stimecmpTicks(): number | undefined {
    if ((this.#words.get('menvcfg') & MENVCFG_STCE) === 0n) return undefined;
    const ticks = this.#words.get('stimecmp');
    return ticks > MAX_SAFE ? Number.MAX_SAFE_INTEGER : Number(ticks);
  }

  refreshTimerInterrupt(): void {
    const deadline = this.stimecmpTicks;
    const isDue = deadline !== undefined && this.ticksAt(this.#step) >= deadline;
    this.#setLine(BigInt(INTERRUPT.STIP), isDue);
  }

  noteRamWrite(guestAddress: number, sizeBytes: number): void {
    const offset = guestAddress - RAM_START;
    assert(offset >= 0 && offset + sizeBytes <= this.ram.length, 'a range in RAM');
    this.#exports.noteRamWrite(offset, sizeBytes);
  }

  beginEpoch(): void {
    this.#exports.beginEpoch();
  }

  get writtenPageCount(): number {
    return this.#controls[CONTROL.writtenCount / 4] as number;
  }

  writtenPages(): Uint32Array {
    const { buffer } = this.#bytes;
    return new Uint32Array(buffer, this.#plan.writtenList, this.writtenPageCount).slice().sort();
  }

  nextNonZeroPage(from: number, end: number): number {
    assert(from >= 0 && end <= this.#plan.ramPages, 'pages of RAM');
    return from < end ? this.#exports.nextNonZeroPage(from, end) : end;
  }

  updateRamSum(): Uint8Array {
    this.#exports.hashWrittenPages();
    return this.#bytes.slice(CONTROL.ramSum, CONTROL.ramSum + RAM_SUM_BYTES);
  }

  sumRam(scope: PageScope): Uint8Array {
    this.#exports.sumPages(scope === 'all' ? 1 : 0);
    return this.#bytes.slice(CONTROL.freshSum, CONTROL.freshSum + RAM_SUM_BYTES);
  }

  hashPage(number: number, content: Uint8Array): bigint {
    assert(content.length === PAGE_BYTES, `a page of ${content.length} bytes`);
    const at = this.#plan.digested;
    this.#view.setBigUint64(at, BigInt(number), true);
    this.#bytes.set(content, at + 8);
    this.#exports.hashDigested();
    const high = this.#view.getBigUint64(CONTROL.pageHash + 8, true);
    return (high << 64n) | this.#view.getBigUint64(CONTROL.pageHash, true);
  }

  wasEverWritten(page: number): boolean {
    return ((this.#bytes[this.#plan.pageFlags + page] ?? 0) & PAGE_FLAG.everWritten) !== 0;
  }

  findStaleTlbEntry(): string | undefined {
    return findStaleTlbEntry(this.#view, this.#plan, this.#words);
  }

  snapshot(writer: ByteWriter): void {
    writer.u64(this.#step);
    writeHartState(this.#bytes, writer);
    writeTlb(this.#bytes, writer);
    if (this.#isCounting) writer.bigU64(this.#words.at(CONTROL.transfers));
  }

  restore(reader: ByteReader): void {
    this.#step = reader.u64();
    readHartState(this.#bytes, reader);
    readTlb(this.#bytes, reader);
    if (this.#isCounting) this.#words.setAt(CONTROL.transfers, reader.bigU64());
    this.#timeLine = {
      originStep: Number(this.#words.get('originStep')),
      originTicks: Number(this.#words.get('originTicks')),
      slope: Number(this.#words.get('slope')),
    };
    this.#setControl('fetchDecoded', 0);
    this.#exports.flushAllFast();
    this.#exports.updateContexts();
  }

  /** Priv. 1.12 §3.4, and what is free there set to a fixed value. */
  #powerOn(hasBuiltInSbi: boolean): void {
    const words = this.#words;
    words.set('pc', RESET_PC);
    words.set('privilege', 3n);
    words.set('mstatus', MSTATUS.XL);
    words.set('reservation', -1n);
    words.set('fetchPage', -1n);
    words.set('stimecmp', -1n);
    if (hasBuiltInSbi) {
      // No firmware to open memory for the kernel: one entry that permits everything.
      words.set('pmpcfg0', BigInt((PMP.NAPOT << 3) | PMP.R | PMP.W | PMP.X));
      words.setAt(PMP_ADDR, (1n << 54n) - 1n);
    }
    this.#exports.flushAllFast();
    this.#exports.updateContexts();
  }

  #setLine(bit: bigint, isHigh: boolean): void {
    this.#setBit('mipLines', bit, isHigh);
  }

  #setBit(word: 'mipLines' | 'mipSoft', bit: bigint, isHigh: boolean): void {
    const bits = this.#words.get(word);
    this.#words.set(word, isHigh ? bits | bit : bits & ~bit);
  }

  #setControl(name: keyof typeof CONTROL, value: number): void {
    this.#controls[CONTROL[name] / 4] = value;
  }
}

function decoderImports(decoder: Decoder): Pick<CoreImports, 'decode' | 'decodeStraddle'> {
  return {
    decode: (slot, page) => decoder.decode(slot, page),
    decodeStraddle: (slot, memo, word) => decoder.decodeStraddle(slot, memo, word),
  };
}

function placeConstants(memory: Uint8Array, plan: MemoryPlan, rom: Uint8Array): void {
  memory.set(csrIndexBytes(), CSR_INDEX);
  memory.set(HASH_SECRET_BYTES, HASH_SECRET);
  memory.set(rom, plan.rom);
}

function cellsOf(
  buffer: ArrayBuffer,
  { decodedPool, decodedCount, cellBias }: MemoryPlan,
): Int32Array {
  const count = (decodedCount * DECODED_PAGE_BYTES) / SLOT_BYTES;
  return new Int32Array(buffer, decodedPool / 4 + cellBias, count);
}

const EXITS: readonly CoreExit[] = ['budget', 'wfi', 'sbi', 'attention', 'watch'];
/** No instruction has an odd address. */
const NOWHERE = -1n;
const BUDGET_MAX = 2 ** 30;
/** V8 replaces a function's baseline code when it is called, not while it runs: come back often. */
const SLICE_STEPS = 2 ** 20;
const RAM_MAX_BYTES = 3 * 2 ** 30;
const RAM_START = 0x8000_0000;
const RAM_SUM_BYTES = 16;
const RESET_PC = 0x1000n;
const CSR_MIP = 0x344;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function address(low: number, high: number): number {
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

function unsigned(value: number, size: number): number {
  return size === 4 ? value >>> 0 : value & (2 ** (size * 8) - 1);
}

/** More RAM than a linear memory holds beside the core's own needs. */
export class RamTooLargeError extends VmError {
  override readonly name = 'RamTooLargeError';
  constructor(ramSizeBytes: number) {
    super('the machine cannot have that much memory', {
      expected: `at most ${RAM_MAX_BYTES / 2 ** 20} MiB`,
      found: `${ramSizeBytes / 2 ** 20} MiB`,
      next: 'use a smaller --memory',
    });
  }
}
