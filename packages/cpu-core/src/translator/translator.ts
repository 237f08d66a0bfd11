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
import { buildRegionGraph, isDispatch, type RegionGraph } from './region-graph.ts';
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
const REGION_INSTRUCTIONS_MAX = 200;
/** More of them for one more entry. */
const GROWTH_INSTRUCTIONS = 64;
/** How often a region may be made anew for the sake of one more entry. */
const REMAKES_MAX = 12;

interface Region {
  readonly tableIndex: number;
  /** Offsets that were hot, from the start of the page that was hot first. */
  readonly seeds: readonly number[];
  readonly remakes: number;
  /** Decoded pages that it was made from, by their places from that page on. */
  readonly pages: ReadonlyMap<number, number>;
  /** Those pages by number. */
  readonly decodedIndices: readonly number[];
  /** Addresses of the cells of its blocks, and of those among them that name it. */
  readonly places: ReadonlySet<number>;
  readonly cells: readonly number[];
  readonly instructionCount: number;
  /** Has it jumps to addresses that are no calls and no returns? */
  readonly isDispatching: boolean;
}

/** A region, and which of its pages is at hand. */
interface Home {
  readonly region: Region;
  readonly page: number;
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
    const away = BigInt(made.here * PAGE_BYTES);
    const base = BigInt.asUintN(64, this.#view.getBigUint64(WORD.fetchPage, true) - away);
    const { localNames } = made.body;
    const report = reportRegion({ ...made, base, marks, localNames });
    for (const observer of observers) observer.made?.(report);
  }

  #make(slot: number, decodedPage: number, marks: RegionMarks | undefined) {
    const home = this.#homeOf(slot, decodedPage);
    if (home !== undefined) {
      const made = this.#makeFrom(home, slot, decodedPage, marks);
      if (made !== undefined) return made;
    }
    return this.#makeFrom(undefined, slot, decodedPage, marks);
  }

  /** Makes a region of a hot place, or makes `home` anew with an entry there. */
  #makeFrom(
    home: Home | undefined,
    slot: number,
    decodedPage: number,
    marks: RegionMarks | undefined,
  ) {
    const { plan, decoder } = this.#options;
    const { cellBias } = plan;
    const { page: here, region: old } = home ?? { page: 0, region: undefined };
    const code = new CodeReader(this.#view, decoder, cellBias, (page) =>
      page === here ? decodedPage : this.#decodedPageNear(page - here),
    );
    for (const [page, decoded] of old?.pages ?? []) {
      if (code.decodedPage(page) !== decoded) return undefined;
    }
    const hot = here * PAGE_BYTES + (slot - decodedPage) / 8;
    const seeds = [hot, ...(old?.seeds ?? [])];
    const growth = old?.places.has(slot / 4 + cellBias) === true ? 0 : GROWTH_INSTRUCTIONS;
    const most = (old?.instructionCount ?? 0) + growth;
    const graph = buildRegionGraph(code, seeds, {
      instructionsMax: Math.max(REGION_INSTRUCTIONS_MAX, most),
      isElsewhere: (offset) => this.#isElsewhere(code.cellAt(offset), old),
    });
    if (graph === undefined) return undefined;
    if (old !== undefined) this.#drop(old);
    const tableIndex = this.#takeIndex();
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
    const pages = new Map([...graph.pages].map((page) => [page, code.decodedPage(page)]));
    const indexOf = (page: number): number => (page - plan.decodedPool) / DECODED_PAGE_BYTES;
    this.#add({
      tableIndex,
      seeds,
      remakes: old === undefined ? 0 : old.remakes + 1,
      pages,
      decodedIndices: [...new Set([...pages.values()].map(indexOf))],
      ...this.#enterCells(graph, code, tableIndex),
      instructionCount: graph.blocks.reduce((sum, block) => sum + block.instructions.length, 0),
      isDispatching: graph.blocks.some(isDispatch),
    });
    return { tableIndex, graph, code, here, hot, body, bytes };
  }

  /** Does a region begin at a cell, other than the one that is made anew? */
  #isElsewhere(cell: number, old: Region | undefined): boolean {
    const value = this.#view.getInt32(cell, true);
    if (value >= 0) return false;
    return ((value & ~CELL.region) >> CELL.regionShift) !== old?.tableIndex;
  }

  /**
   * Lets the cells of a region's entries name it. What its other blocks were jumped to so far was
   * before there was a region.
   */
  #enterCells(graph: RegionGraph, code: CodeReader, tableIndex: number) {
    const view = this.#view;
    const places = new Set<number>();
    for (const { start } of graph.blocks) {
      const at = code.cellAt(start);
      places.add(at);
      if (view.getInt32(at, true) > 0) view.setUint32(at, 0, true);
    }
    const cells: number[] = [];
    graph.entries.forEach((block, entry) => {
      const at = code.cellAt(graph.blocks[block]?.start ?? 0);
      if (view.getInt32(at, true) < 0) return;
      const value = CELL.region + tableIndex * (CELL.entryMask + 1) + entry;
      view.setUint32(at, value, true);
      cells.push(at);
    });
    return { places, cells };
  }

  /**
   * The region of which a hot place should be one more entry: one that has it inside already, or
   * one that has just jumped there and may well be jumped back to.
   */
  #homeOf(slot: number, decodedPage: number): Home | undefined {
    const { plan } = this.#options;
    const index = (decodedPage - plan.decodedPool) / DECODED_PAGE_BYTES;
    const cell = slot / 4 + plan.cellBias;
    const left = this.#view.getUint32(CONTROL.regionLeft, true) - 1;
    const fits = ({ places, tableIndex, isDispatching, instructionCount }: Region): boolean => {
      if (places.has(cell)) return true;
      const most = isDispatching ? REGION_INSTRUCTIONS_MAX : REGION_INSTRUCTIONS_MAX / 2;
      return tableIndex === left && instructionCount < most;
    };
    for (const region of this.#byPage.get(index) ?? []) {
      if (region.remakes >= REMAKES_MAX || !fits(region)) continue;
      for (const [page, decoded] of region.pages) {
        if (decoded === decodedPage) return { region, page };
      }
    }
    return undefined;
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
