/**
 * A bounded first-in first-out queue of bytes, with a canonical snapshot.
 *
 * Invariants: 0 <= size <= capacity; 0 <= head < capacity.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';

export class ByteQueue {
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  #head = 0;
  #size = 0;

  /** `capacity` in bytes, at least 1. */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes waiting. */
  get size(): number {
    return this.#size;
  }

  get free(): number {
    return this.capacity - this.#size;
  }

  /** Appends what fits and gives the count taken; the rest is the caller's. */
  push(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.free);
    for (let i = 0; i < count; i++) this.#append(bytes[i] ?? 0);
    return count;
  }

  /** False where the queue is full. */
  pushByte(byte: number): boolean {
    if (this.free === 0) return false;
    this.#append(byte);
    return true;
  }

  /** The oldest byte, or undefined where none waits. */
  shift(): number | undefined {
    if (this.#size === 0) return undefined;
    const byte = this.#bytes[this.#head] ?? 0;
    this.#head = (this.#head + 1) % this.capacity;
    this.#size--;
    return byte;
  }

  /** Takes up to `count` bytes off the front. */
  shiftMany(count: number): Uint8Array {
    const out = this.#front(Math.min(count, this.#size));
    this.#head = (this.#head + out.length) % this.capacity;
    this.#size -= out.length;
    return out;
  }

  clear(): void {
    this.#head = 0;
    this.#size = 0;
  }

  /** The waiting bytes in order; where they lie in the ring does not show. */
  snapshot(writer: ByteWriter): void {
    writer.blob(this.#front(this.#size));
  }

  restore(reader: ByteReader): void {
    this.clear();
    this.push(reader.blob(this.capacity));
  }

  #append(byte: number): void {
    this.#bytes[(this.#head + this.#size) % this.capacity] = byte;
    this.#size++;
  }

  #front(count: number): Uint8Array {
    const out = new Uint8Array(count);
    const untilEnd = Math.min(count, this.capacity - this.#head);
    out.set(this.#bytes.subarray(this.#head, this.#head + untilEnd));
    out.set(this.#bytes.subarray(0, count - untilEnd), untilEnd);
    return out;
  }
}
