/**
 * The granting side: the table of grants, version 1 of Xen's public/grant_table.h, in a page that
 * the guest gives a place, and the pages that others use by it (xen/common/grant_table.c).
 *
 * An entry is 8 bytes: flags (2), domid (2), frame (4); GTF_permit_access with GTF_readonly from
 * the guest, GTF_reading and GTF_writing from the machine while the page is in use. So a guest
 * revokes as on Xen: it clears flags by compare-and-swap, and sees that it cannot while they are
 * set. What is in use stays so, whatever the entry says, until it is unmapped.
 *
 * Deviation: 512 entries, one page, cannot grow; at most 64 of them are in use at a time.
 *
 * Invariant: a page is in use exactly if it has a reader or a writer.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { PageRun } from '@casmotion/events';
import type { DmaMemory } from '../device.ts';
import { readAtMost } from '../support/state.ts';
import { applyChanges, type SharedPage, takeChanges } from './page-runs.ts';
import { isRamFrame, PAGE_BYTES, PlacedPage, readRamFrame } from './placed-page.ts';
import {
  GNTST_bad_gntref,
  GNTST_bad_page,
  GNTST_general_error,
  GNTST_no_device_space,
  GNTST_okay,
} from './registers.ts';

/** An entry that is in use. */
interface UsedGrant extends SharedPage {
  readonly domain: number;
  readers: number;
  writers: number;
}

export class GrantedPages {
  readonly table: PlacedPage;
  readonly #memory: DmaMemory;
  /** By reference, in the order of references where that matters. */
  readonly #used = new Map<number, UsedGrant>();

  constructor(memory: DmaMemory) {
    this.table = new PlacedPage(memory);
    this.#memory = memory;
  }

  /** `domain` maps or copies: GNTST_okay, and the page is in use once more; or an error. */
  acquire(domain: number, ref: number, isReadOnly: boolean): number {
    if (ref >= GRANT_ENTRIES) return GNTST_bad_gntref;
    const known = this.#used.get(ref);
    if (known !== undefined && known.domain !== domain) return GNTST_general_error;
    const { flags, domid, frame } = this.#entry(ref);
    const isPermitted = (flags & GTF_type_mask) === GTF_permit_access && domid === domain;
    const isWritable = (flags & GTF_readonly) === 0;
    if (!isPermitted || (!isReadOnly && !isWritable)) return GNTST_general_error;
    if (known === undefined) {
      if (this.#used.size >= USED_MAX) return GNTST_no_device_space;
      if (!isRamFrame(this.#memory, frame)) return GNTST_bad_page;
    } else if (known.readers + known.writers >= USES_MAX) return GNTST_general_error;
    const grant = known ?? this.#begin(domain, ref, frame);
    if (isReadOnly) grant.readers++;
    else grant.writers++;
    this.#setFlags(ref, flags | GTF_reading | (isReadOnly ? 0 : GTF_writing));
    return GNTST_okay;
  }

  /** The end of what `acquire` began; nothing if it did not. */
  release(domain: number, ref: number, isReadOnly: boolean): void {
    const grant = this.#used.get(ref);
    if (grant === undefined || grant.domain !== domain) return;
    if ((isReadOnly ? grant.readers : grant.writers) === 0) return;
    if (isReadOnly) grant.readers--;
    else grant.writers--;
    let { flags } = this.#entry(ref);
    if (grant.writers === 0) flags &= ~GTF_writing;
    if (grant.readers + grant.writers === 0) {
      flags &= ~GTF_reading;
      this.#used.delete(ref);
    }
    this.#setFlags(ref, flags);
  }

  /** `domain` ended: nothing is in use by it. */
  releaseAllOf(domain: number): void {
    for (const [ref, { domain: user, readers, writers }] of [...this.#used]) {
      if (user !== domain) continue;
      for (let count = 0; count < readers; count++) this.release(domain, ref, true);
      for (let count = 0; count < writers; count++) this.release(domain, ref, false);
    }
  }

  /** A copy of the page in use, as it is now; the other side then knows it. */
  takeAll(ref: number): Uint8Array {
    const grant = this.#used.get(ref);
    assert(grant !== undefined, `grant ${ref} is not in use`);
    takeChanges(this.#memory, grant);
    return grant.known.slice();
  }

  /** Where the bytes of a page in use lie. */
  addressOf(ref: number): number {
    const grant = this.#used.get(ref);
    assert(grant !== undefined, `grant ${ref} is not in use`);
    return grant.frame * PAGE_BYTES;
  }

  /** `domain` wrote to a page that it has mapped for writing; from others nothing. */
  write(domain: number, ref: number, runs: readonly PageRun[]): void {
    const grant = this.#used.get(ref);
    if (grant === undefined || grant.domain !== domain || grant.writers === 0) return;
    applyChanges(this.#memory, grant, runs);
  }

  /** What the guest wrote to pages that `domain` uses. */
  takeChangesFor(domain: number, tell: (ref: number, runs: PageRun[]) => void): void {
    for (const [ref, grant] of this.#used) {
      if (grant.domain !== domain) continue;
      const runs = takeChanges(this.#memory, grant);
      if (runs.length > 0) tell(ref, runs);
    }
  }

  reset(): void {
    this.table.reset();
    this.#used.clear();
  }

  snapshot(writer: ByteWriter): void {
    this.table.snapshot(writer);
    writer.u8(this.#used.size);
    // In the order of the map: it decides in which order changes are told.
    for (const [ref, { domain, frame, readers, writers, known }] of this.#used) {
      writer.u16(ref).u16(domain).u64(frame).u16(readers).u16(writers).bytes(known);
    }
  }

  restore(reader: ByteReader): void {
    this.#used.clear();
    this.table.restore(reader);
    const at = reader.fileOffset;
    for (let left = readAtMost(reader, USED_MAX, () => reader.u8()); left > 0; left--) {
      const ref = readAtMost(reader, GRANT_ENTRIES - 1, () => reader.u16());
      const domain = reader.u16();
      const frame = readRamFrame(reader, this.#memory);
      const [readers, writers] = [reader.u16(), reader.u16()];
      const uses = readers + writers;
      if (this.#used.has(ref) || uses === 0 || uses > USES_MAX) {
        throw new MalformedError(`grant ${ref} with ${uses} uses`, at);
      }
      const known = reader.bytes(PAGE_BYTES).slice();
      this.#used.set(ref, { domain, frame, readers, writers, known });
    }
  }

  #begin(domain: number, ref: number, frame: number): UsedGrant {
    const known = this.#memory.read(frame * PAGE_BYTES, PAGE_BYTES)?.slice();
    assert(known !== undefined, 'a page of RAM');
    const grant = { domain, frame, readers: 0, writers: 0, known };
    this.#used.set(ref, grant);
    return grant;
  }

  #entry(ref: number): { flags: number; domid: number; frame: number } {
    const bytes = this.table.read(ref * ENTRY_BYTES, ENTRY_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, ENTRY_BYTES);
    return {
      flags: view.getUint16(0, true),
      domid: view.getUint16(2, true),
      frame: view.getUint32(4, true),
    };
  }

  #setFlags(ref: number, flags: number): void {
    this.table.write(ref * ENTRY_BYTES, Uint8Array.of(flags & 0xff, (flags >> 8) & 0xff));
  }
}

const ENTRY_BYTES = 8;
export const GRANT_ENTRIES = PAGE_BYTES / ENTRY_BYTES;
const USED_MAX = 64;
const USES_MAX = 255;
const GTF_type_mask = 3;
const GTF_permit_access = 1;
const GTF_readonly = 4;
const GTF_reading = 8;
const GTF_writing = 16;
