/** A descriptor chain as a device sees it: bytes to read, then room to write. Virtio 1.2 §2.7.4. */
import { assert } from '@casmotion/base';
import type { DmaMemory } from '../device.ts';

/** A piece of guest memory, checked to lie in RAM. */
export interface Segment {
  /** Guest-physical. */
  readonly address: number;
  readonly sizeBytes: number;
}

/** Valid during the call that walked it; the guest owns the descriptors again afterwards. */
export interface Chain {
  /** Index of the first descriptor: what the used ring names. */
  readonly head: number;
  /** What the driver wrote for the device. */
  readonly readable: readonly Segment[];
  readonly readableBytes: number;
  /** Where the device may write. */
  readonly writable: readonly Segment[];
  readonly writableBytes: number;
}

/** Goes through segments in order, by pieces that do not cross from one to the next. */
export class SegmentCursor {
  readonly #dma: DmaMemory;
  readonly #segments: readonly Segment[];
  #index = 0;
  #offset = 0;
  /** Bytes gone over so far. */
  position = 0;

  constructor(dma: DmaMemory, segments: readonly Segment[]) {
    this.#dma = dma;
    this.#segments = segments;
  }

  /** A view of the next 1 to `maxBytes` bytes, or an empty one at the end. Not kept. */
  view(maxBytes: number): Uint8Array {
    const piece = this.#piece(maxBytes);
    if (piece === undefined) return NO_BYTES;
    const bytes = this.#dma.read(piece.address, piece.sizeBytes);
    assert(bytes !== undefined, 'a walked segment is in RAM');
    this.#advance(piece.sizeBytes);
    return bytes;
  }

  /** A copy of the next `count` bytes, shorter at the end. */
  read(count: number): Uint8Array {
    const out = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const bytes = this.view(count - filled);
      if (bytes.length === 0) return out.subarray(0, filled);
      out.set(bytes, filled);
      filled += bytes.length;
    }
    return out;
  }

  /** Writes as much as there is room for and gives that count. */
  write(bytes: Uint8Array): number {
    let written = 0;
    while (written < bytes.length) {
      const piece = this.#piece(bytes.length - written);
      if (piece === undefined) break;
      const isWritten = this.#dma.write(
        piece.address,
        bytes.subarray(written, written + piece.sizeBytes),
      );
      assert(isWritten, 'a walked segment is in RAM');
      this.#advance(piece.sizeBytes);
      written += piece.sizeBytes;
    }
    return written;
  }

  /** Goes over `count` bytes, fewer at the end. */
  skip(count: number): void {
    let left = count;
    while (left > 0) {
      const piece = this.#piece(left);
      if (piece === undefined) return;
      this.#advance(piece.sizeBytes);
      left -= piece.sizeBytes;
    }
  }

  #piece(maxBytes: number): Segment | undefined {
    const segment = this.#segments[this.#index];
    if (segment === undefined || maxBytes === 0) return undefined;
    const sizeBytes = Math.min(maxBytes, segment.sizeBytes - this.#offset);
    return { address: segment.address + this.#offset, sizeBytes };
  }

  #advance(count: number): void {
    this.position += count;
    this.#offset += count;
    if (this.#offset === this.#segments[this.#index]?.sizeBytes) {
      this.#index++;
      this.#offset = 0;
    }
  }
}

const NO_BYTES = new Uint8Array(0);
