/**
 * The translator: makes regions of hot code and keeps the table of them.
 *
 * Nothing here can be seen by a guest: a region does what the interpreter would do, step by step,
 * and may be made, dropped and made again at any time. When that happens follows from what the
 * guest does and not from the host's clock.
 *
 * Invariants: a cell names a region only while that region is in the table; a region is in the
 * table only while its decoded pages are; regions in the table <= regionsMax.
 */
import { type FunctionBody, WasmModule } from '@casmotion/wasm-asm';
import type { CoreModule } from '../core-module.ts';
import {
  CELL,
  CONTROL,
  DECODED_PAGE_BYTES,
  type MemoryPlan,
  PAGE_BYTES,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  WORD,
} from '../hart/layout.ts';
import type { Decoder } from '../decoder.ts';
import { RegionMarks, type RegionObserver, reportRegion } from '../inspect/region-observer.ts';
import { CodeReader } from './instructions.ts';
import { Linker } from './linker.ts';
import { buildRegionGraph } from './region-graph.ts';
import { writeRegion } from './region-writer.ts';

export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  readonly plan: MemoryPlan;
  readonly coreModule: CoreModule;
  readonly decoder: Decoder;
  readonly compile: (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
  readonly regionsMax: number;
  readonly observers: readonly RegionObserver[];
}

/** Jumps to a place that make it worth translating. */
export const HOT_JUMPS = 10_000;
export const REGIONS_MAX = 4096;
const REGION_INSTRUCTIONS_MAX = 400;

interface Region {
  readonly tableIndex: number;
  /** The decoded pages that it was made from, by number. */
  readonly decodedIndices: readonly number[];
  /** Addresses of the cells that name it. */
  readonly cells: readonly number[];
}

export class Translator {
  readonly #options: TranslatorOptions;
  readonly #view: DataView;
  readonly #linker = new Linker();
  readonly #parts;
  /** Set once the core module has an instance. */
  #table: WebAssembly.Table | undefined;
  #exports: Record<string, unknown> = {};
  readonly #free: number[] = [];
  /** In order of their making. */
  readonly #regions = new Set<Region>();
  readonly #byPage = new Map<number, Set<Region>>();

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#view = new DataView(options.memory.buffer);
    this.#parts = this.#linker.importParts(options.coreModule);
    for (let index = options.regionsMax - 1; index >= 0; index--) this.#free.push(index);
  }

  /** Gives the exports of the core module's instance: functions to call, and the table. */
  link(exports: Record<string, unknown>): void {
    this.#exports = exports;
    this.#table = exports['regions'] as WebAssembly.Table;
  }

  /** The slot at `slot` is hot: makes a region that begins there, if one can. */
  translate(slot: number, decodedPage: number): void {
    const { observers } = this.#options;
    const marks = observers.length === 0 ? undefined : new RegionMarks();
    for (const observer of observers) observer.begin?.();
    const made = this.#make(slot, decodedPage, marks);
    for (const observer of observers) observer.end?.();
    if (made === undefined || marks === undefined) return;
    const base = this.#view.getBigUint64(WORD.fetchPage, true);
    const { localNames } = made.body;
    const report = reportRegion({ ...made, base, marks, localNames });
    for (const observer of observers) observer.made?.(report);
  }

  #make(slot: number, decodedPage: number, marks: RegionMarks | undefined) {
    const { plan, decoder } = this.#options;
    const { cellBias } = plan;
    const code = new CodeReader(this.#view, decoder, cellBias, (page) =>
      page === 0 ? decodedPage : this.#decodedPageNear(page),
    );
    const hot = (slot - decodedPage) / 8;
    const graph = buildRegionGraph(code, hot, REGION_INSTRUCTIONS_MAX);
    if (graph === undefined) return undefined;
    const tableIndex = this.#takeIndex();
    const decodedPages = [...graph.pages].map((page) => code.decodedPage(page));
    this.#linker.begin();
    const body = writeRegion(this.#parts, {
      graph,
      decodedPage: (page) => code.decodedPage(page),
      tableIndex,
      cellBias,
      marks,
    });
    const bytes = this.#encode(body);
    this.#table?.set(tableIndex, this.#instantiate(bytes));

    const cells: number[] = [];
    graph.entries.forEach((block, entry) => {
      const at = code.cellAt(graph.blocks[block]?.start ?? 0);
      if (entry > 0 && this.#view.getInt32(at, true) < 0) return;
      const value = CELL.region + tableIndex * (CELL.entryMask + 1) + entry;
      this.#view.setUint32(at, value, true);
      cells.push(at);
    });
    const indexOf = (page: number): number => (page - plan.decodedPool) / DECODED_PAGE_BYTES;
    this.#add({ tableIndex, decodedIndices: [...new Set(decodedPages.map(indexOf))], cells });
    return { tableIndex, graph, code, hot, body, bytes };
  }

  /** Forgets the regions made from a decoded page. */
  dropPage(decodedIndex: number): void {
    for (const region of this.#byPage.get(decodedIndex) ?? []) this.#drop(region);
    const { plan } = this.#options;
    const first = (plan.decodedPool + decodedIndex * DECODED_PAGE_BYTES) / 4 + plan.cellBias;
    new Uint8Array(this.#view.buffer, first, DECODED_PAGE_BYTES / 4).fill(0);
  }

  #encode(body: FunctionBody): Uint8Array<ArrayBuffer> {
    const module = new WasmModule();
    module.importMemory('core', 'memory', this.#options.plan.totalBytes / 65_536);
    this.#linker.declareImports(module);
    module.exportFunction(module.adopt('region', body));
    return module.toBytes();
  }

  #instantiate(bytes: Uint8Array<ArrayBuffer>): unknown {
    const { memory, compile } = this.#options;
    const imports = { core: { ...this.#exports, memory } };
    const instance = new WebAssembly.Instance(compile(bytes), imports);
    return instance.exports['region'];
  }

  /**
   * The decoded page of the page that lies `page` pages after the one that executes, if the fast
   * TLB of fetches knows it; else 0.
   */
  #decodedPageNear(page: number): number {
    const view = this.#view;
    const here = view.getBigUint64(WORD.fetchPage, true);
    const address = BigInt.asUintN(64, here + BigInt(page * PAGE_BYTES));
    const index = Number((address / BigInt(PAGE_BYTES)) % BigInt(TLB_ENTRIES));
    const at = view.getUint32(CONTROL.fetchContext, true) + index * TLB_ENTRY_BYTES;
    return view.getBigUint64(at, true) === address ? view.getUint32(at + 8, true) : 0;
  }

  #add(region: Region): void {
    this.#regions.add(region);
    for (const index of region.decodedIndices) {
      const here = this.#byPage.get(index) ?? new Set();
      this.#byPage.set(index, here.add(region));
      this.#view.setUint32(this.#options.plan.decodedRegions + index * 4, 1, true);
    }
  }

  #drop(region: Region): void {
    for (const cell of region.cells) this.#view.setUint32(cell, 0, true);
    this.#table?.set(region.tableIndex, null);
    this.#free.push(region.tableIndex);
    this.#regions.delete(region);
    for (const observer of this.#options.observers) observer.dropped?.();
    for (const index of region.decodedIndices) this.#byPage.get(index)?.delete(region);
  }

  /** A free place in the table; the oldest region makes room if there is none. */
  #takeIndex(): number {
    const [oldest] = this.#regions;
    if (this.#free.length === 0 && oldest !== undefined) this.#drop(oldest);
    return this.#free.pop() as number;
  }
}
