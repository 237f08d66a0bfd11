/**
 * Shared pages, both sides of them: what this domain grants, what it has mapped, and the way of
 * writes between them. A domain may map its own grants; then what is told goes straight back.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { PageRun, PeerMessage } from '@casmotion/events';
import type { DmaMemory } from '../device.ts';
import { GrantedPages } from './granted-pages.ts';
import { MappedPages } from './mapped-pages.ts';
import { PAGE_BYTES } from './placed-page.ts';
import { GNTST_bad_handle, GNTST_okay } from './registers.ts';

export class SharedPages {
  readonly granted: GrantedPages;
  readonly mapped: MappedPages;
  readonly #memory: DmaMemory;
  readonly #domain: number;
  readonly #tell: (message: PeerMessage) => void;

  constructor(options: {
    memory: DmaMemory;
    domain: number;
    tell: (message: PeerMessage) => void;
  }) {
    this.granted = new GrantedPages(options.memory);
    this.mapped = new MappedPages(options.memory);
    this.#memory = options.memory;
    this.#domain = options.domain;
    this.#tell = options.tell;
  }

  /** Maps an own grant: the handle, or an error. */
  mapOwn(ref: number, isReadOnly: boolean, frame: number): number {
    const result = this.granted.acquire(this.#domain, ref, isReadOnly);
    if (result !== GNTST_okay) return result;
    const content = this.granted.takeAll(ref);
    return this.mapped.add({ domain: this.#domain, ref, isReadOnly, frame }, content);
  }

  /** Tells what was written, and lets go. */
  unmap(handle: number): number {
    const map = this.mapped.at(handle);
    if (map === undefined) return GNTST_bad_handle;
    const { domain, ref, isReadOnly } = map;
    const runs = this.mapped.takeChangesOf(map);
    if (runs.length > 0) this.#tellWrite(domain, ref, true, runs);
    this.mapped.remove(handle);
    if (domain === this.#domain) this.granted.release(domain, ref, isReadOnly);
    else this.#tell({ kind: 'request', domain, request: { kind: 'unmap', ref, isReadOnly } });
    return GNTST_okay;
  }

  /** Makes visible to `domain` what the guest wrote to pages shared with it. */
  publish(domain: number): void {
    this.mapped.takeChangesFor(domain, (ref, runs) => this.#tellWrite(domain, ref, true, runs));
    this.granted.takeChangesFor(domain, (ref, runs) => this.#tellWrite(domain, ref, false, runs));
  }

  /** `domain` wrote to a page: `isOwn`, to one granted to it; else to one mapped from it. */
  receive(domain: number, ref: number, isOwn: boolean, runs: readonly PageRun[]): void {
    if (isOwn) this.granted.write(domain, ref, runs);
    else this.mapped.write(domain, ref, runs);
  }

  /** Bytes of a granted page for `domain`; an error if it may not have them. */
  copyFrom(domain: number, ref: number, offset: number, sizeBytes: number): number | Uint8Array {
    const result = this.granted.acquire(domain, ref, true);
    if (result !== GNTST_okay) return result;
    const address = this.granted.addressOf(ref) + offset;
    const bytes = this.#memory.read(address, sizeBytes)?.slice() ?? new Uint8Array(sizeBytes);
    this.granted.release(domain, ref, true);
    return bytes;
  }

  copyTo(domain: number, ref: number, offset: number, bytes: Uint8Array): number {
    const result = this.granted.acquire(domain, ref, false);
    if (result !== GNTST_okay) return result;
    this.#memory.write(this.granted.addressOf(ref) + offset, bytes);
    this.granted.release(domain, ref, false);
    return GNTST_okay;
  }

  reset(): void {
    this.granted.reset();
    this.mapped.reset();
  }

  snapshot(writer: ByteWriter): void {
    this.granted.snapshot(writer);
    this.mapped.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    this.granted.restore(reader);
    this.mapped.restore(reader);
  }

  #tellWrite(domain: number, ref: number, isOwn: boolean, runs: PageRun[]): void {
    if (domain === this.#domain) this.receive(domain, ref, isOwn, runs);
    else this.#tell({ kind: 'page-write', domain, ref, isOwn, runs });
  }
}

/** Is `offset`, `sizeBytes` a range of a page? */
export function isInPage(offset: number, sizeBytes: number): boolean {
  return offset < PAGE_BYTES && sizeBytes <= PAGE_BYTES && offset + sizeBytes <= PAGE_BYTES;
}
