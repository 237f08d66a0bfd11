/**
 * A split virtqueue, the device's side. Virtio 1.2 §2.7.
 *
 * Nothing in the rings is trusted. Whatever a correct driver never does (an index out of the ring,
 * a loop, a table or buffer outside RAM, too many or too large buffers) breaks the queue: it stops,
 * and its transport sets DEVICE_NEEDS_RESET (§2.1.2). Work is bounded: a walk takes at most
 * max(size, 128) descriptors and `maxChainBytes`; a pass over the queue takes at most `size`
 * chains, even if the device's own writes go over the available ring.
 *
 * Invariants: not ready or (size is a power of 2, 1 <= size <= maxSize); a broken queue gives
 * nothing.
 */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { DmaMemory } from '../device.ts';
import { readFlag } from '../support/state.ts';
import type { Chain, Segment } from './chain.ts';
import * as reg from './registers.ts';

/** The three areas of a queue that a modern driver places, as registers name them. */
export type QueueArea = 'desc' | 'driver' | 'device';

export interface VirtqueueOptions {
  readonly dma: DmaMemory;
  /** Power of 2, at most 1024. */
  readonly maxSize: number;
  /** A chain with more bytes than this, both ways together, breaks the queue. */
  readonly maxChainBytes: number;
  readonly hasFeature: (bit: number) => boolean;
  /** Called when the queue breaks, once until it is stopped. */
  readonly onBroken: () => void;
}

export class Virtqueue {
  readonly maxSize: number;
  readonly #options: VirtqueueOptions;
  /** As written by the driver; checked when the queue is made ready. */
  size: number;
  readonly #addresses = { desc: [0, 0], driver: [0, 0], device: [0, 0] };
  #isReady = false;
  #isBroken = false;
  /** Next entry of the available ring to look at, modulo 2^16. */
  #availIndex = 0;
  /** Next entry of the used ring to fill, modulo 2^16. */
  #usedIndex = 0;
  /** Where the used ring stood when an interrupt was last decided on (§2.7.7.2). */
  #signalledIndex = 0;

  constructor(options: VirtqueueOptions) {
    this.#options = options;
    this.maxSize = options.maxSize;
    this.size = options.maxSize;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** One half of an area's guest-physical address; half 0 is the low word. */
  setAddressWord(area: QueueArea, half: 0 | 1, value: number): void {
    this.#addresses[area][half] = value;
  }

  addressWord(area: QueueArea, half: 0 | 1): number {
    return this.#addresses[area][half] ?? 0;
  }

  /** QueueReady = 1. A size that is no power of 2 or too large breaks the queue. */
  start(): void {
    this.#isReady = true;
    if (!this.#hasGoodSize) this.break();
  }

  /** QueueReady = 0: the queue forgets where it was. */
  stop(): void {
    this.#isReady = false;
    this.#isBroken = false;
    this.#availIndex = 0;
    this.#usedIndex = 0;
    this.#signalledIndex = 0;
  }

  /** Back to the state after a device reset. */
  reset(): void {
    this.stop();
    this.size = this.maxSize;
    for (const area of AREAS) this.#addresses[area].fill(0);
  }

  /** Stops a queue whose driver did what none may do. */
  break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#options.onBroken();
  }

  /** Chains that wait now: 0 to `size`. */
  countAvailable(): number {
    if (!this.#isReady || this.#isBroken) return 0;
    const index = this.#read16(this.#address('driver') + 2);
    if (index === undefined) return 0;
    const count = (index - this.#availIndex) & 0xffff;
    if (count <= this.size) return count;
    this.break();
    return 0;
  }

  /** Takes the next available chain and gives its head, or undefined where none waits. */
  take(): number | undefined {
    if (this.countAvailable() === 0) return undefined;
    const slot = this.#availIndex & (this.size - 1);
    const head = this.#read16(this.#address('driver') + 4 + 2 * slot);
    if (head === undefined) return undefined;
    if (head >= this.size) {
      this.break();
      return undefined;
    }
    this.#availIndex = (this.#availIndex + 1) & 0xffff;
    this.#askNotification(this.#availIndex);
    return this.#isBroken ? undefined : head;
  }

  /**
   * Puts back the last `count` chains taken and not yet used: a device that needs more than there
   * is waits for the next chain to be added.
   */
  untake(count: number): void {
    this.#availIndex = (this.#availIndex - count) & 0xffff;
    const added = this.#read16(this.#address('driver') + 2);
    if (added !== undefined) this.#askNotification(added);
  }

  /**
   * Follows the chain at `head`. Undefined where the queue is stopped, or breaks on what it finds.
   */
  walk(head: number): Chain | undefined {
    if (!this.#isReady || this.#isBroken) return undefined;
    const chain = this.#follow(head);
    if (chain === undefined) this.break();
    return chain;
  }

  /** Gives the chain at `head` back, with `writtenBytes` at the start of its writable part. */
  push(head: number, writtenBytes: number): void {
    if (!this.#isReady || this.#isBroken) return;
    const used = this.#address('device');
    const slot = this.#usedIndex & (this.size - 1);
    const element = new Uint8Array(8);
    const view = new DataView(element.buffer);
    view.setUint32(0, head, true);
    view.setUint32(4, writtenBytes, true);
    if (!this.#options.dma.write(used + 4 + 8 * slot, element)) return this.break();
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    this.#write16(used + 2, this.#usedIndex);
  }

  /** §2.7.7: does the driver want an interrupt for what was pushed since this was last asked? */
  takeInterrupt(): boolean {
    if (!this.#isReady || this.#isBroken) return false;
    const before = this.#signalledIndex;
    this.#signalledIndex = this.#usedIndex;
    if (before === this.#usedIndex) return false;
    const avail = this.#address('driver');
    if (!this.#options.hasFeature(reg.VIRTIO_F_EVENT_IDX)) {
      const flags = this.#read16(avail);
      return flags !== undefined && (flags & reg.VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    }
    // §2.7.10: crossed used_event since the last time?
    const usedEvent = this.#read16(avail + 4 + 2 * this.size);
    if (usedEvent === undefined) return false;
    const [past, moved] = [this.#usedIndex - usedEvent - 1, this.#usedIndex - before];
    return (past & 0xffff) < (moved & 0xffff);
  }

  snapshot(writer: ByteWriter): void {
    writer.u32(this.size);
    for (const area of AREAS) {
      writer.u32(this.addressWord(area, 0)).u32(this.addressWord(area, 1));
    }
    writer.u8(this.#isReady ? 1 : 0).u8(this.#isBroken ? 1 : 0);
    writer.u16(this.#availIndex).u16(this.#usedIndex).u16(this.#signalledIndex);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    this.size = reader.u32();
    for (const area of AREAS) {
      this.setAddressWord(area, 0, reader.u32());
      this.setAddressWord(area, 1, reader.u32());
    }
    this.#isReady = readFlag(reader);
    this.#isBroken = readFlag(reader);
    this.#availIndex = reader.u16();
    this.#usedIndex = reader.u16();
    this.#signalledIndex = reader.u16();
    if (this.#isReady && !this.#isBroken && !this.#hasGoodSize) {
      throw new MalformedError(`a virtqueue of size ${this.size}`, start);
    }
  }

  get #hasGoodSize(): boolean {
    const isPowerOf2 = this.size > 0 && (this.size & (this.size - 1)) === 0;
    return isPowerOf2 && this.size <= this.maxSize;
  }

  /** The chain, or undefined where no correct driver builds it. */
  #follow(head: number): Chain | undefined {
    const chain = new ChainBuilder(this.#options, head);
    let table = this.#address('desc');
    let tableSize = this.size;
    let index = head;
    let isIndirect = false;
    const limit = Math.max(this.size, CHAIN_MIN_LIMIT);
    for (let count = 0; count < limit; count++) {
      if (index >= tableSize) return undefined;
      const descriptor = this.#descriptor(table + reg.VIRTQ_DESC_BYTES * index);
      if (descriptor === undefined) return undefined;
      if ((descriptor.flags & reg.VIRTQ_DESC_F_INDIRECT) !== 0) {
        // §2.7.5.3: one level only, last in its chain, a whole number of descriptors, if
        // negotiated.
        const isNext = (descriptor.flags & reg.VIRTQ_DESC_F_NEXT) !== 0;
        const isWhole = descriptor.sizeBytes % reg.VIRTQ_DESC_BYTES === 0;
        if (isIndirect || isNext || !isWhole) return undefined;
        if (!this.#options.hasFeature(reg.VIRTIO_F_INDIRECT_DESC)) return undefined;
        isIndirect = true;
        table = descriptor.address;
        tableSize = descriptor.sizeBytes / reg.VIRTQ_DESC_BYTES;
        index = 0;
        count--; // The table is as long as a chain may be; what refers to it is not part of it.
        continue;
      }
      if (!chain.add(descriptor)) return undefined;
      if ((descriptor.flags & reg.VIRTQ_DESC_F_NEXT) === 0) return chain;
      index = descriptor.next;
    }
    return undefined; // A loop, or longer than any driver's.
  }

  #descriptor(address: number): Descriptor | undefined {
    const bytes = this.#options.dma.read(address, reg.VIRTQ_DESC_BYTES);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      address: view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true),
      sizeBytes: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  /** §2.7.10: sets avail_event, after the used ring: notify when entry `index` is added. */
  #askNotification(index: number): void {
    if (!this.#options.hasFeature(reg.VIRTIO_F_EVENT_IDX)) return;
    this.#write16(this.#address('device') + 4 + 8 * this.size, index);
  }

  /** Inexact above 2^53, where no RAM is: such an access is refused all the same. */
  #address(area: QueueArea): number {
    return this.addressWord(area, 1) * 2 ** 32 + this.addressWord(area, 0);
  }

  #read16(address: number): number | undefined {
    const bytes = this.#options.dma.read(address, 2);
    if (bytes === undefined) {
      this.break();
      return undefined;
    }
    return (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  }

  #write16(address: number, value: number): void {
    const bytes = Uint8Array.of(value & 0xff, value >> 8);
    if (!this.#options.dma.write(address, bytes)) this.break();
  }
}

interface Descriptor extends Segment {
  readonly flags: number;
  readonly next: number;
}

/** Collects descriptors and refuses those that no correct driver links. */
class ChainBuilder implements Chain {
  readonly head: number;
  readonly readable: Segment[] = [];
  readonly writable: Segment[] = [];
  readableBytes = 0;
  writableBytes = 0;
  readonly #options: VirtqueueOptions;

  constructor(options: VirtqueueOptions, head: number) {
    this.#options = options;
    this.head = head;
  }

  add(descriptor: Descriptor): boolean {
    const { address, sizeBytes } = descriptor;
    const isWritable = (descriptor.flags & reg.VIRTQ_DESC_F_WRITE) !== 0;
    if (sizeBytes === 0) return true;
    // §2.7.4.2: readable descriptors come first.
    if (!isWritable && this.writable.length > 0) return false;
    const total = this.readableBytes + this.writableBytes + sizeBytes;
    if (total > this.#options.maxChainBytes) return false;
    if (this.#options.dma.read(address, sizeBytes) === undefined) return false;
    (isWritable ? this.writable : this.readable).push({ address, sizeBytes });
    if (isWritable) this.writableBytes += sizeBytes;
    else this.readableBytes += sizeBytes;
    return true;
  }
}

const AREAS: readonly QueueArea[] = ['desc', 'driver', 'device'];
/**
 * §2.7.5.3.1 lets no chain be longer than its queue, indirect or not; on small queues some drivers
 * are, and up to this they are served.
 */
const CHAIN_MIN_LIMIT = 128;
