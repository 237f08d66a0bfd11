/**
 * What a disk is made of, without I/O: the bytes of an image, and a copy-on-write overlay over
 * them.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';

/**
 * Bytes that never change: a base image. The range is always inside; a host error may throw
 * `VmError`.
 */
export interface BlockImage {
  readonly sizeBytes: number;
  /** Fills `into` from byte `offset`. */
  read(offset: number, into: Uint8Array): void;
}

/** Bytes that a disk reads and writes. */
export interface BlockStore extends BlockImage {
  write(offset: number, bytes: Uint8Array): void;
}

/** A disk that is part of the state. */
export interface StatefulBlockStore extends BlockStore {
  snapshot(writer: ByteWriter): void;
  restore(reader: ByteReader): void;
  /** The contents at power-on. */
  reset(): void;
}

/**
 * A copy-on-write overlay of 4 KiB pages over a read-only image. The pages are state and stand in
 * its snapshot; the image is named in the configuration by its digest, and never written.
 *
 * Invariants: a page in the overlay starts inside the image; the bytes of the last page past the
 * image's end are 0. Canonical: a page once written stays, even if it is written back to what the
 * image holds.
 */
export class OverlayStore implements StatefulBlockStore {
  readonly sizeBytes: number;
  readonly #base: BlockImage;
  readonly #pages = new Map<number, Uint8Array>();
  #written = new Set<number>();

  constructor(base: BlockImage) {
    this.#base = base;
    this.sizeBytes = base.sizeBytes;
  }

  /**
   * Page number -> 4 KiB, in no order: for checkpoints that store pages by content. Not to be
   * changed.
   */
  get pages(): ReadonlyMap<number, Uint8Array> {
    return this.#pages;
  }

  /**
   * Page numbers written, restored or dropped since the last call, ascending. Derived, not state.
   */
  takeWrittenPages(): number[] {
    const pages = [...this.#written].toSorted((a, b) => a - b);
    this.#written = new Set();
    return pages;
  }

  read(offset: number, into: Uint8Array): void {
    this.#assertInside(offset, into.length);
    for (const piece of pieces(offset, into.length)) {
      const target = into.subarray(piece.at, piece.at + piece.sizeBytes);
      const page = this.#pages.get(piece.page);
      if (page === undefined) this.#base.read(offset + piece.at, target);
      else target.set(page.subarray(piece.start, piece.start + piece.sizeBytes));
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#assertInside(offset, bytes.length);
    for (const piece of pieces(offset, bytes.length)) {
      const page = this.#pages.get(piece.page) ?? this.#copyPage(piece.page);
      page.set(bytes.subarray(piece.at, piece.at + piece.sizeBytes), piece.start);
      this.#written.add(piece.page);
    }
  }

  snapshot(writer: ByteWriter): void {
    const numbers = [...this.#pages.keys()].toSorted((a, b) => a - b);
    writer.uvarint(numbers.length);
    for (const number of numbers) {
      writer.uvarint(number).bytes(this.#pages.get(number) ?? new Uint8Array(OVERLAY_PAGE_BYTES));
    }
  }

  restore(reader: ByteReader): void {
    this.reset();
    const pageCount = Math.ceil(this.sizeBytes / OVERLAY_PAGE_BYTES);
    const count = reader.uvarint();
    let previous = -1;
    for (let i = 0; i < count; i++) {
      const start = reader.fileOffset;
      const number = reader.uvarint();
      if (number <= previous || number >= pageCount) {
        throw new MalformedError(`overlay page ${number} after ${previous} of ${pageCount}`, start);
      }
      this.#pages.set(number, reader.bytes(OVERLAY_PAGE_BYTES).slice());
      this.#written.add(number);
      previous = number;
    }
  }

  reset(): void {
    for (const number of this.#pages.keys()) this.#written.add(number);
    this.#pages.clear();
  }

  #copyPage(number: number): Uint8Array {
    const page = new Uint8Array(OVERLAY_PAGE_BYTES);
    const start = number * OVERLAY_PAGE_BYTES;
    this.#base.read(start, page.subarray(0, Math.min(OVERLAY_PAGE_BYTES, this.sizeBytes - start)));
    this.#pages.set(number, page);
    return page;
  }

  #assertInside(offset: number, sizeBytes: number): void {
    assert(offset >= 0 && offset + sizeBytes <= this.sizeBytes, `disk bytes at ${offset}`);
  }
}

/** An image held in memory: for tests, examples and small disks. */
export class MemoryImage implements BlockImage {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(offset: number, into: Uint8Array): void {
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }
}

/** A range cut at page boundaries: `at` counts from its start, `start` from the page's. */
function* pieces(offset: number, sizeBytes: number): Generator<Piece> {
  let at = 0;
  while (at < sizeBytes) {
    const page = Math.floor((offset + at) / OVERLAY_PAGE_BYTES);
    const start = (offset + at) % OVERLAY_PAGE_BYTES;
    const length = Math.min(sizeBytes - at, OVERLAY_PAGE_BYTES - start);
    yield { page, start, at, sizeBytes: length };
    at += length;
  }
}

interface Piece {
  readonly page: number;
  readonly start: number;
  readonly at: number;
  readonly sizeBytes: number;
}

export const OVERLAY_PAGE_BYTES = 4096;
