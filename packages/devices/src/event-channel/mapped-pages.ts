/**
 * The mapping side: pages of other domains, or of this one, of which the guest has a copy in a page
 * of its own RAM. A map's handle is its number.
 *
 * Invariant: at most 64 maps; no two have the same handle.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { PageRun } from '@casmotion/events';
import type { DmaMemory } from '../device.ts';
import { readAtMost, readFlag } from '../support/state.ts';
import { applyChanges, type SharedPage, takeChanges } from './page-runs.ts';
import { PAGE_BYTES, readRamFrame } from './placed-page.ts';

/** A grant that the guest has mapped. */
export interface PageMap extends SharedPage {
  readonly domain: number;
  readonly ref: number;
  readonly isReadOnly: boolean;
}

export class MappedPages {
  readonly #memory: DmaMemory;
  readonly #maps: (PageMap | undefined)[] = Array.from({ length: MAPS_MAX });

  constructor(memory: DmaMemory) {
    this.#memory = memory;
  }

  /** The handle that the next map gets; -1 if there is no room. */
  get nextHandle(): number {
    return this.#maps.indexOf(undefined);
  }

  at(handle: number): PageMap | undefined {
    return this.#maps[handle];
  }

  /** Puts the page's content in the guest's RAM. Needs a free handle. */
  add(map: Omit<PageMap, 'known'>, content: Uint8Array): number {
    const handle = this.nextHandle;
    this.#maps[handle] = { ...map, known: content.slice() };
    this.#memory.write(map.frame * PAGE_BYTES, content);
    return handle;
  }

  /** The guest's page keeps what it holds. */
  remove(handle: number): void {
    this.#maps[handle] = undefined;
  }

  /** What the guest wrote through a map since it was last told; of a read-only one nothing. */
  takeChangesOf(map: PageMap): PageRun[] {
    if (map.isReadOnly) return [];
    const runs = takeChanges(this.#memory, map);
    // The guest may have mapped the page twice: to it they are one.
    if (runs.length > 0) this.write(map.domain, map.ref, runs, map);
    return runs;
  }

  takeChangesFor(domain: number, tell: (ref: number, runs: PageRun[]) => void): void {
    for (const map of this.#maps) {
      if (map?.domain !== domain) continue;
      const runs = this.takeChangesOf(map);
      if (runs.length > 0) tell(map.ref, runs);
    }
  }

  /** The granting domain, or another map of the same page, changed it. */
  write(domain: number, ref: number, runs: readonly PageRun[], except?: PageMap): void {
    for (const map of this.#maps) {
      if (map?.domain !== domain || map.ref !== ref || map === except) continue;
      applyChanges(this.#memory, map, runs);
    }
  }

  reset(): void {
    this.#maps.fill(undefined);
  }

  snapshot(writer: ByteWriter): void {
    for (const map of this.#maps) {
      writer.u8(map === undefined ? 0 : 1);
      if (map === undefined) continue;
      writer.u16(map.domain).u16(map.ref).u8(map.isReadOnly ? 1 : 0);
      writer.u64(map.frame).bytes(map.known);
    }
  }

  restore(reader: ByteReader): void {
    for (let handle = 0; handle < MAPS_MAX; handle++) {
      this.#maps[handle] = readFlag(reader) ? this.#readMap(reader) : undefined;
    }
  }

  #readMap(reader: ByteReader): PageMap {
    const [domain, ref] = [reader.u16(), readAtMost(reader, REF_MAX, () => reader.u16())];
    const isReadOnly = readFlag(reader);
    const frame = readRamFrame(reader, this.#memory);
    return { domain, ref, isReadOnly, frame, known: reader.bytes(PAGE_BYTES).slice() };
  }
}

const MAPS_MAX = 64;
/** No domain has more entries than a page holds. */
const REF_MAX = PAGE_BYTES / 8 - 1;
