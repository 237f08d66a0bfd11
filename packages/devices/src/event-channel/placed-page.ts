/**
 * A page of the machine's that a guest gives a place in its RAM, as XENMEM_add_to_physmap does.
 * Before that the machine keeps it to itself; afterwards the RAM there is the page.
 *
 * Xen replaces the guest's page by its own and, when the page moves, leaves a hole. Deviation: here
 * the bytes are copied to the new place, and the old one keeps them.
 */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { DmaMemory } from '../device.ts';
import { readFlag } from '../support/state.ts';

export class PlacedPage {
  readonly #memory: DmaMemory;
  readonly #own = new Uint8Array(PAGE_BYTES);
  readonly #byte = new Uint8Array(1);
  #frame: number | undefined;

  constructor(memory: DmaMemory) {
    this.#memory = memory;
  }

  /** Guest-physical page number; undefined while the page has no place. */
  get frame(): number | undefined {
    return this.#frame;
  }

  /** Moves the page there. False, and nothing happens, where there is no RAM. */
  place(frame: number): boolean {
    if (!isRamFrame(this.#memory, frame)) return false;
    if (frame === this.#frame) return true;
    this.#memory.write(frame * PAGE_BYTES, this.bytes());
    this.#own.fill(0);
    this.#frame = frame;
    return true;
  }

  /** Takes the page back out of RAM. */
  takeBack(): void {
    this.#own.set(this.bytes());
    this.#frame = undefined;
  }

  byteAt(offset: number): number {
    return this.#view(offset, 1)[0] ?? 0;
  }

  setByte(offset: number, value: number): void {
    this.#byte[0] = value;
    this.write(offset, this.#byte);
  }

  /** A copy of the whole page. */
  bytes(): Uint8Array {
    return this.#view(0, PAGE_BYTES).slice();
  }

  read(offset: number, sizeBytes: number): Uint8Array {
    return this.#view(offset, sizeBytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#frame === undefined) this.#own.set(bytes, offset);
    else this.#memory.write(this.#frame * PAGE_BYTES + offset, bytes);
  }

  /** Zeros, without a place. */
  reset(): void {
    this.#frame = undefined;
    this.#own.fill(0);
  }

  snapshot(writer: ByteWriter): void {
    writer.u8(this.#frame === undefined ? 0 : 1);
    if (this.#frame === undefined) writer.bytes(this.#own);
    else writer.u64(this.#frame);
  }

  restore(reader: ByteReader): void {
    this.reset();
    if (readFlag(reader)) this.#frame = readRamFrame(reader, this.#memory);
    else this.#own.set(reader.bytes(PAGE_BYTES));
  }

  #view(offset: number, sizeBytes: number): Uint8Array {
    if (this.#frame === undefined) return this.#own.subarray(offset, offset + sizeBytes);
    return this.#memory.read(this.#frame * PAGE_BYTES + offset, sizeBytes) ?? NOTHING;
  }
}

/** Is this guest-physical page number RAM? */
export function isRamFrame(memory: DmaMemory, frame: number): boolean {
  return frame < FRAMES_MAX && memory.read(frame * PAGE_BYTES, PAGE_BYTES) !== undefined;
}

/** A page number of RAM. Throws `MalformedError`. */
export function readRamFrame(reader: ByteReader, memory: DmaMemory): number {
  const at = reader.fileOffset;
  const frame = reader.u64();
  if (!isRamFrame(memory, frame)) throw new MalformedError(`page ${frame} is no RAM`, at);
  return frame;
}

export const PAGE_BYTES = 4096;
/** Guest-physical addresses have 56 bits; a product with the page size stays exact. */
const FRAMES_MAX = 2 ** 40;
/** Never read: a page with a place lies in RAM. */
const NOTHING = new Uint8Array(PAGE_BYTES);
