/**
 * A small virtio driver, written from the driver's side of Virtio 1.2 §3.1 and §2.7, for device
 * tests.
 */
import { assert } from '@casmotion/base';
import type { Device } from '../../src/device.ts';
import * as reg from '../../src/virtio/registers.ts';
import { RAM_BASE, type FakeMemory } from './board.ts';

/** A buffer of a chain: bytes for the device to read, or room for it to write. */
export type Buffer = { readonly out: Uint8Array } | { readonly inBytes: number };

export interface DriverOptions {
  readonly device: Device;
  readonly memory: FakeMemory;
  readonly queueCount: number;
  /** Power of 2. 8 if absent. */
  readonly queueSize?: number;
  /** Features accepted beside those that must be. */
  readonly features?: readonly number[];
  readonly isLegacy?: boolean;
}

/** A chain that the device gave back. */
export interface Used {
  readonly head: number;
  readonly writtenBytes: number;
  /** What stands in the chain's writable buffers, whole. */
  readonly input: Uint8Array;
}

/**
 * Queue n has one block of memory; buffers are given out by slots of descriptors and never freed.
 */
export class VirtioDriver {
  readonly #options: DriverOptions;
  readonly #size: number;
  readonly #queues: DriverQueue[] = [];
  #free = RAM_BASE + 0x1_0000;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#size = options.queueSize ?? 8;
    for (let index = 0; index < options.queueCount; index++) {
      const desc = RAM_BASE + 0x1000 + index * 0x2000;
      this.#queues.push({
        desc,
        avail: desc + 16 * this.#size,
        used: desc + 0x1000,
        availIndex: 0,
        usedIndex: 0,
        nextDescriptor: 0,
        chains: new Map(),
      });
    }
  }

  /** Reset, acknowledge, negotiate, place the queues, go. */
  start(): void {
    const status = [reg.ACKNOWLEDGE, reg.ACKNOWLEDGE | reg.DRIVER];
    this.write(reg.STATUS, 0);
    for (const value of status) this.write(reg.STATUS, value);
    this.#negotiate();
    const isLegacy = this.#options.isLegacy === true;
    if (isLegacy) this.write(reg.GUEST_PAGE_SIZE, 4096);
    else this.write(reg.STATUS, STATUS_READY & ~reg.DRIVER_OK);
    this.#queues.forEach((queue, index) => {
      this.write(reg.QUEUE_SEL, index);
      assert(this.read(reg.QUEUE_NUM_MAX) >= this.#size, 'a queue is too small');
      this.write(reg.QUEUE_NUM, this.#size);
      if (isLegacy) {
        this.write(reg.QUEUE_ALIGN, 4096);
        this.write(reg.QUEUE_PFN, queue.desc / 4096);
        return;
      }
      this.#writeAddress(reg.QUEUE_DESC_LOW, queue.desc);
      this.#writeAddress(reg.QUEUE_DRIVER_LOW, queue.avail);
      this.#writeAddress(reg.QUEUE_DEVICE_LOW, queue.used);
      this.write(reg.QUEUE_READY, 1);
    });
    this.write(reg.STATUS, isLegacy ? STATUS_READY & ~reg.FEATURES_OK : STATUS_READY);
  }

  read(offset: number): number {
    return this.#options.device.read(offset, 4);
  }

  write(offset: number, value: number): void {
    this.#options.device.write(offset, 4, value);
  }

  /** Puts a chain into the available ring; tells the device unless `isQuiet`. Gives its head. */
  send(queueIndex: number, buffers: readonly Buffer[], isQuiet = false): number {
    const queue = this.#queue(queueIndex);
    const head = queue.nextDescriptor;
    const placed = buffers.map((buffer) => this.#place(buffer));
    placed.forEach((buffer, position) => {
      const isLast = position === placed.length - 1;
      const at = queue.nextDescriptor;
      queue.nextDescriptor = (at + 1) % this.#size;
      const next = isLast ? 0 : reg.VIRTQ_DESC_F_NEXT;
      this.#writeDescriptor(queue.desc + 16 * at, buffer, next, queue.nextDescriptor);
    });
    this.#makeAvailable(queueIndex, head, placed, isQuiet);
    return head;
  }

  /** As `send`, with the chain in an indirect table. */
  sendIndirect(queueIndex: number, buffers: readonly Buffer[]): number {
    const queue = this.#queue(queueIndex);
    const head = queue.nextDescriptor;
    queue.nextDescriptor = (head + 1) % this.#size;
    const placed = buffers.map((buffer) => this.#place(buffer));
    const table = this.#allocate(16 * placed.length);
    placed.forEach((buffer, position) => {
      const next = position === placed.length - 1 ? 0 : reg.VIRTQ_DESC_F_NEXT;
      this.#writeDescriptor(table + 16 * position, buffer, next, position + 1);
    });
    const whole = { address: table, sizeBytes: 16 * placed.length, isWritable: false };
    this.#writeDescriptor(queue.desc + 16 * head, whole, reg.VIRTQ_DESC_F_INDIRECT, 0);
    this.#makeAvailable(queueIndex, head, placed, false);
    return head;
  }

  notify(queueIndex: number): void {
    this.write(reg.QUEUE_NOTIFY, queueIndex);
  }

  /** Chains given back since the last call. */
  collect(queueIndex: number): Used[] {
    const queue = this.#queue(queueIndex);
    const view = this.#options.memory.view;
    const used: Used[] = [];
    while (queue.usedIndex !== view.getUint16(queue.used + 2 - RAM_BASE, true)) {
      const at = queue.used + 4 + 8 * (queue.usedIndex % this.#size) - RAM_BASE;
      const head = view.getUint32(at, true);
      const placed = queue.chains.get(head);
      assert(placed !== undefined, `used chain ${head} was never sent`);
      queue.chains.delete(head);
      used.push({ head, writtenBytes: view.getUint32(at + 4, true), input: this.#input(placed) });
      queue.usedIndex = (queue.usedIndex + 1) & 0xffff;
    }
    return used;
  }

  /** Reads and acknowledges InterruptStatus. */
  acknowledge(): number {
    const status = this.read(reg.INTERRUPT_STATUS);
    this.write(reg.INTERRUPT_ACK, status);
    return status;
  }

  /** Where the parts of a queue lie, for tests that tamper with them. */
  places(queueIndex: number): { desc: number; avail: number; used: number } {
    return this.#queue(queueIndex);
  }

  #queue(index: number): DriverQueue {
    const queue = this.#queues[index];
    assert(queue !== undefined, `queue ${index}`);
    return queue;
  }

  #negotiate(): void {
    const words = [0, 0];
    const isLegacy = this.#options.isLegacy === true;
    const wanted = [...(this.#options.features ?? [])];
    if (!isLegacy) wanted.push(reg.VIRTIO_F_VERSION_1);
    for (const bit of wanted) words[bit >> 5] = (words[bit >> 5] ?? 0) | (1 << (bit & 31));
    for (const [index, word] of words.entries()) {
      this.write(reg.DEVICE_FEATURES_SEL, index);
      const offered = this.read(reg.DEVICE_FEATURES);
      assert((word & ~offered) === 0, `features ${word.toString(16)} of ${offered.toString(16)}`);
      this.write(reg.DRIVER_FEATURES_SEL, index);
      this.write(reg.DRIVER_FEATURES, word >>> 0);
    }
  }

  #writeAddress(low: number, address: number): void {
    this.write(low, address % 2 ** 32);
    this.write(low + 4, Math.floor(address / 2 ** 32));
  }

  #allocate(sizeBytes: number): number {
    const address = this.#free;
    this.#free += Math.ceil(sizeBytes / 16) * 16;
    assert(this.#free <= RAM_BASE + this.#options.memory.bytes.length, 'test RAM is used up');
    return address;
  }

  #place(buffer: Buffer): Placed {
    const isWritable = 'inBytes' in buffer;
    const sizeBytes = isWritable ? buffer.inBytes : buffer.out.length;
    const address = this.#allocate(sizeBytes);
    if (!isWritable) this.#options.memory.bytes.set(buffer.out, address - RAM_BASE);
    return { address, sizeBytes, isWritable };
  }

  #writeDescriptor(at: number, buffer: Placed, flags: number, next: number): void {
    const view = this.#options.memory.view;
    view.setUint32(at - RAM_BASE, buffer.address, true);
    view.setUint32(at + 4 - RAM_BASE, 0, true);
    view.setUint32(at + 8 - RAM_BASE, buffer.sizeBytes, true);
    const write = buffer.isWritable ? reg.VIRTQ_DESC_F_WRITE : 0;
    view.setUint16(at + 12 - RAM_BASE, flags | write, true);
    view.setUint16(at + 14 - RAM_BASE, next, true);
  }

  #makeAvailable(index: number, head: number, placed: Placed[], isQuiet: boolean): void {
    const queue = this.#queue(index);
    const view = this.#options.memory.view;
    queue.chains.set(head, placed);
    view.setUint16(queue.avail + 4 + 2 * (queue.availIndex % this.#size) - RAM_BASE, head, true);
    queue.availIndex = (queue.availIndex + 1) & 0xffff;
    view.setUint16(queue.avail + 2 - RAM_BASE, queue.availIndex, true);
    if (!isQuiet) this.notify(index);
  }

  #input(placed: readonly Placed[]): Uint8Array {
    const bytes: number[] = [];
    for (const { address, sizeBytes, isWritable } of placed) {
      const at = address - RAM_BASE;
      if (isWritable) bytes.push(...this.#options.memory.bytes.subarray(at, at + sizeBytes));
    }
    return Uint8Array.from(bytes);
  }
}

interface DriverQueue {
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  availIndex: number;
  usedIndex: number;
  nextDescriptor: number;
  readonly chains: Map<number, Placed[]>;
}

interface Placed {
  readonly address: number;
  readonly sizeBytes: number;
  readonly isWritable: boolean;
}

const STATUS_READY = reg.ACKNOWLEDGE | reg.DRIVER | reg.FEATURES_OK | reg.DRIVER_OK;
