/**
 * Virtio over MMIO, version 2, or with `isLegacy` version 1. Virtio 1.2 §4.2.
 *
 * Invariants, after each call: the interrupt line is (InterruptStatus != 0); DEVICE_NEEDS_RESET is
 * set if a queue is broken, and then no queue moves until the driver resets the device (§2.1.2).
 */
import { assert, defined, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, DmaMemory, InterruptLine } from '../device.ts';
import { readAtMost } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import type { VirtioHost, VirtioModel } from './model.ts';
import * as reg from './registers.ts';
import { Virtqueue, type QueueArea } from './virtqueue.ts';

export interface VirtioMmioOptions {
  /** Such as `virtio-blk@10001000`. */
  readonly name: string;
  readonly model: VirtioModel;
  readonly line: InterruptLine;
  readonly dma: DmaMemory;
  /** Version 1, for drivers from before virtio 1.0. False if absent. */
  readonly isLegacy?: boolean;
}

export class VirtioMmio implements Device, VirtioHost {
  readonly name: string;
  readonly dma: DmaMemory;
  readonly isLegacy: boolean;
  readonly #model: VirtioModel;
  readonly #line: InterruptLine;
  readonly #queues: readonly Virtqueue[];
  /** Two words of feature bits. */
  readonly #offered = new Uint32Array(2);
  readonly #driverFeatures = new Uint32Array(2);
  #status = 0;
  #interruptStatus = 0;
  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #queueSel = 0;
  #guestPageBytes = 0;
  /**
   * Of each queue, as the legacy registers hold them: used-ring alignment in bytes, page number.
   */
  readonly #legacyAligns: Uint32Array;
  readonly #legacyPages: Uint32Array;

  constructor(options: VirtioMmioOptions) {
    this.name = options.name;
    this.dma = options.dma;
    this.isLegacy = options.isLegacy ?? false;
    this.#model = options.model;
    this.#line = options.line;
    const transport = this.isLegacy ? LEGACY_FEATURES : MODERN_FEATURES;
    for (const bit of [...this.#model.features, ...transport]) {
      this.#offered[bit >> 5] = (this.#offered[bit >> 5] ?? 0) | (1 << (bit & 31));
    }
    this.#queues = this.#model.queueMaxSizes.map((maxSize) => this.#createQueue(maxSize));
    this.#legacyAligns = new Uint32Array(this.#queues.length);
    this.#legacyPages = new Uint32Array(this.#queues.length);
    this.#model.attach(this);
  }

  get isRunning(): boolean {
    return (this.#status & (reg.DRIVER_OK | reg.DEVICE_NEEDS_RESET)) === reg.DRIVER_OK;
  }

  hasFeature(bit: number): boolean {
    const word = (this.#offered[bit >> 5] ?? 0) & (this.#driverFeatures[bit >> 5] ?? 0);
    return (word & (1 << (bit & 31))) !== 0;
  }

  queue(index: number): Virtqueue {
    return defined(this.#queues[index], `virtqueue ${index}`);
  }

  interrupt(queueIndex: number): void {
    if (!this.queue(queueIndex).takeInterrupt()) return;
    this.#interruptStatus |= reg.INTERRUPT_USED_RING;
    this.#drive();
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (offset >= reg.CONFIG) return readConfig(this.#model.config, offset - reg.CONFIG, sizeBytes);
    if (!isWordAccess(offset, sizeBytes)) return 0;
    const queue = this.#queues[this.#queueSel];
    switch (offset) {
      case reg.MAGIC_VALUE:
        return reg.VIRTIO_MAGIC;
      case reg.VERSION:
        return this.isLegacy ? reg.VERSION_LEGACY : reg.VERSION_MODERN;
      case reg.DEVICE_ID:
        return this.#model.deviceId;
      case reg.VENDOR_ID:
        return reg.VIRTIO_VENDOR;
      case reg.DEVICE_FEATURES:
        return this.#offered[this.#deviceFeaturesSel] ?? 0;
      case reg.QUEUE_NUM_MAX:
        return queue?.maxSize ?? 0; // 0: there is no such queue
      case reg.QUEUE_PFN:
        return this.#legacyPages[this.#queueSel] ?? 0;
      case reg.QUEUE_READY:
        return !this.isLegacy && queue?.isReady === true ? 1 : 0;
      case reg.INTERRUPT_STATUS:
        return this.#interruptStatus;
      case reg.STATUS:
        return this.#status;
      default:
        return offset >= reg.SHM_LEN_LOW && offset <= reg.SHM_BASE_HIGH ? 0xffff_ffff : 0;
    }
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (offset >= reg.CONFIG) {
      this.#model.writeConfig?.(offset - reg.CONFIG, sizeBytes, value);
    } else if (isWordAccess(offset, sizeBytes)) {
      this.#writeRegister(offset, value);
    }
    this.#drive();
  }

  /** Hands the machine's alarm to the model. */
  alarm(): void {
    this.#model.alarm?.();
    this.#drive();
  }

  snapshot(writer: ByteWriter): void {
    writer.u8(this.#status).u8(this.#interruptStatus);
    writer.u32(this.#driverFeatures[0] ?? 0).u32(this.#driverFeatures[1] ?? 0);
    writer.u32(this.#deviceFeaturesSel).u32(this.#driverFeaturesSel).u32(this.#queueSel);
    writer.u32(this.#guestPageBytes);
    for (const word of [...this.#legacyAligns, ...this.#legacyPages]) writer.u32(word);
    for (const queue of this.#queues) queue.snapshot(writer);
    this.#model.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    this.#status = reader.u8();
    this.#interruptStatus = readAtMost(reader, INTERRUPT_MASK, () => reader.u8());
    this.#driverFeatures[0] = reader.u32();
    this.#driverFeatures[1] = reader.u32();
    this.#deviceFeaturesSel = reader.u32();
    this.#driverFeaturesSel = reader.u32();
    this.#queueSel = reader.u32();
    this.#guestPageBytes = reader.u32();
    for (const words of [this.#legacyAligns, this.#legacyPages]) {
      for (let index = 0; index < words.length; index++) words[index] = reader.u32();
    }
    for (const queue of this.#queues) queue.restore(reader);
    this.#model.restore(reader);
    this.#drive();
  }

  reset(): void {
    this.#resetTransport();
    this.#model.reset();
    this.#drive();
  }

  /** Asserts the invariant of broken queues; tests call it after every step. */
  checkInvariants(): void {
    const isBroken = this.#queues.some((queue) => queue.isBroken);
    assert(!isBroken || !this.isRunning, `${this.name} runs with a broken queue`);
  }

  #createQueue(maxSize: number): Virtqueue {
    return new Virtqueue({
      dma: this.dma,
      maxSize,
      maxChainBytes: this.#model.maxChainBytes,
      hasFeature: (bit) => this.hasFeature(bit),
      onBroken: () => this.#needReset(),
    });
  }

  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case reg.DEVICE_FEATURES_SEL:
        this.#deviceFeaturesSel = value;
        return;
      case reg.DRIVER_FEATURES:
        this.#writeFeatures(value);
        return;
      case reg.DRIVER_FEATURES_SEL:
        this.#driverFeaturesSel = value;
        return;
      case reg.QUEUE_SEL:
        this.#queueSel = value;
        return;
      case reg.QUEUE_NOTIFY:
        if (this.isRunning && this.#queues[value]?.isReady === true) this.#model.notify(value);
        return;
      case reg.INTERRUPT_ACK:
        this.#interruptStatus &= ~value;
        return;
      case reg.STATUS:
        this.#writeStatus(value & 0xff);
        return;
      default:
        if (this.isLegacy) this.#writeLegacyQueue(offset, value);
        else this.#writeQueue(offset, value);
    }
  }

  #writeFeatures(value: number): void {
    // §3.1.1 step 5: the driver accepts no new features after FEATURES_OK.
    if ((this.#status & reg.FEATURES_OK) !== 0 || this.#driverFeaturesSel > 1) return;
    this.#driverFeatures[this.#driverFeaturesSel] = value;
  }

  #writeStatus(value: number): void {
    if (value === 0) {
      this.#resetTransport();
      this.#model.stopRequests();
      return;
    }
    const before = this.#status;
    // §2.1.1: a driver clears no bit, and NEEDS_RESET is the device's own.
    let added = value & ~before & ~reg.DEVICE_NEEDS_RESET;
    if (!this.isLegacy && !this.#hasGoodFeatures) added &= ~reg.FEATURES_OK;
    this.#status = before | added;
    if ((added & reg.DRIVER_OK) === 0) return;
    // Legacy drivers notify before DRIVER_OK (§3.1.2); what they left waits here.
    for (let index = 0; index < this.#queues.length; index++) {
      if (this.isRunning && this.#queues[index]?.isReady === true) this.#model.notify(index);
    }
  }

  /**
   * §2.2: a subset of what was offered. §6.2 lets a device insist on VIRTIO_F_VERSION_1; QEMU's
   * does not, xv6 does not accept it, and nothing here depends on it: the transport alone says
   * modern or legacy.
   */
  get #hasGoodFeatures(): boolean {
    return this.#driverFeatures.every((word, index) => (word & ~(this.#offered[index] ?? 0)) === 0);
  }

  #writeQueue(offset: number, value: number): void {
    const queue = this.#queues[this.#queueSel];
    if (queue === undefined) return;
    if (offset === reg.QUEUE_READY) {
      const isReady = (value & 1) === 1;
      if (isReady && !queue.isReady) queue.start();
      else if (!isReady && queue.isReady) this.#stopQueue(queue);
      return;
    }
    // §4.2.2.2: nothing of a ready queue is changed.
    if (queue.isReady) return;
    if (offset === reg.QUEUE_NUM) queue.size = value;
    const area = AREA_REGISTERS.get(offset & ~4);
    if (area !== undefined) queue.setAddressWord(area, (offset & 4) === 0 ? 0 : 1, value);
  }

  #writeLegacyQueue(offset: number, value: number): void {
    const queue = this.#queues[this.#queueSel];
    if (offset === reg.GUEST_PAGE_SIZE) this.#guestPageBytes = value;
    if (queue === undefined) return;
    if (offset === reg.QUEUE_PFN) this.#placeLegacyQueue(queue, value);
    else if (queue.isReady) return;
    else if (offset === reg.QUEUE_NUM) queue.size = value;
    else if (offset === reg.QUEUE_ALIGN) this.#legacyAligns[this.#queueSel] = value;
  }

  /** §2.7.2: a legacy queue is one block; its parts follow from page number, size and alignment. */
  #placeLegacyQueue(queue: Virtqueue, pageNumber: number): void {
    if (queue.isReady) this.#stopQueue(queue);
    this.#legacyPages[this.#queueSel] = pageNumber;
    if (pageNumber === 0) return;
    const align = this.#legacyAligns[this.#queueSel] ?? 0;
    const desc = pageNumber * this.#guestPageBytes;
    const driver = desc + reg.VIRTQ_DESC_BYTES * queue.size;
    const driverEnd = driver + 6 + 2 * queue.size;
    setAddress(queue, 'desc', desc);
    setAddress(queue, 'driver', driver);
    setAddress(queue, 'device', align === 0 ? driverEnd : Math.ceil(driverEnd / align) * align);
    queue.start();
  }

  #stopQueue(queue: Virtqueue): void {
    queue.stop();
    this.#model.stopRequests();
  }

  #resetTransport(): void {
    this.#status = 0;
    this.#interruptStatus = 0;
    this.#driverFeatures.fill(0);
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#queueSel = 0;
    this.#guestPageBytes = 0;
    this.#legacyAligns.fill(0);
    this.#legacyPages.fill(0);
    for (const queue of this.#queues) queue.reset();
  }

  #needReset(): void {
    this.#status |= reg.DEVICE_NEEDS_RESET;
    // §2.1.2: "If DRIVER_OK is set", the driver is told by a configuration change.
    if ((this.#status & reg.DRIVER_OK) !== 0) this.#interruptStatus |= reg.INTERRUPT_CONFIG;
    this.#drive();
  }

  #drive(): void {
    this.#line.set(this.#interruptStatus !== 0);
  }
}

/** Little-endian; bytes past the end read 0. */
function readConfig(config: Uint8Array, offset: number, sizeBytes: AccessSize): number {
  let value = 0;
  for (let i = 0; i < sizeBytes; i++) value += (config[offset + i] ?? 0) * 2 ** (8 * i);
  return value;
}

function setAddress(queue: Virtqueue, area: QueueArea, address: number): void {
  queue.setAddressWord(area, 0, address % 2 ** 32);
  queue.setAddressWord(area, 1, Math.floor(address / 2 ** 32) % 2 ** 32);
}

const AREA_REGISTERS: ReadonlyMap<number, QueueArea> = new Map([
  [reg.QUEUE_DESC_LOW, 'desc'],
  [reg.QUEUE_DRIVER_LOW, 'driver'],
  [reg.QUEUE_DEVICE_LOW, 'device'],
]);
const MODERN_FEATURES = [
  reg.VIRTIO_F_INDIRECT_DESC,
  reg.VIRTIO_F_EVENT_IDX,
  reg.VIRTIO_F_VERSION_1,
];
const LEGACY_FEATURES = [
  reg.VIRTIO_F_ANY_LAYOUT,
  reg.VIRTIO_F_INDIRECT_DESC,
  reg.VIRTIO_F_EVENT_IDX,
];
const INTERRUPT_MASK = reg.INTERRUPT_USED_RING | reg.INTERRUPT_CONFIG;
