/**
 * Block device over a store that is part of the state. Virtio 1.2 §5.2.
 *
 * Requests are served one at a time, in order. A request's data moves and its status is written
 * when its latency is over; until then only its head and its deadline are state. The latency is
 *     BLK_LATENCY_TICKS + floor(data bytes / BLK_BYTES_PER_TICK)   ticks of 100 ns,
 * that is 20 µs and 640 MB/s, a middling SSD. Both are part of the machine's meaning: changing them
 * makes old logs diverge.
 *
 * Invariant, after each call: a request is in flight exactly if there is a deadline, and the
 * clock's alarm is that deadline.
 */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { MachineClock } from '../device.ts';
import { writeOptional, readOptional } from '../support/state.ts';
import { SegmentCursor, type Chain } from '../virtio/chain.ts';
import type { VirtioHost, VirtioModel } from '../virtio/model.ts';
import type { StatefulBlockStore } from './block-store.ts';
import * as reg from './registers.ts';

export interface VirtioBlkOptions {
  readonly clock: MachineClock;
  /** Its size is rounded down to whole sectors of 512 bytes. */
  readonly store: StatefulBlockStore;
  /** What GET_ID gives: up to 20 bytes of ASCII. */
  readonly id: string;
  /** Writes are refused. False if absent. */
  readonly isReadOnly?: boolean;
  /** False: the machine keeps the store's state itself, page by page. True if absent. */
  readonly isStoreInSnapshot?: boolean;
}

export class VirtioBlk implements VirtioModel {
  readonly deviceId = reg.VIRTIO_ID_BLOCK;
  readonly queueMaxSizes = [QUEUE_SIZE];
  readonly maxChainBytes = 64 * 1024 * 1024;
  readonly features: readonly number[];
  readonly config: Uint8Array;
  readonly #options: VirtioBlkOptions;
  readonly #sectors: number;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #host: VirtioHost | undefined;
  #head = 0;
  #deadlineTicks: number | undefined;

  constructor(options: VirtioBlkOptions) {
    this.#options = options;
    this.#sectors = Math.floor(options.store.sizeBytes / reg.SECTOR_BYTES);
    this.features = options.isReadOnly === true ? [...FEATURES, reg.VIRTIO_BLK_F_RO] : FEATURES;
    this.config = createConfig(this.#sectors);
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  notify(_queueIndex: number): void {
    if (this.#deadlineTicks === undefined) this.#start();
  }

  /** The latency is over: does the request in flight and starts the next. */
  alarm(): void {
    if (this.#deadlineTicks !== undefined && this.#options.clock.nowTicks >= this.#deadlineTicks) {
      this.#deadlineTicks = undefined;
      this.#finish(this.#head);
      this.#start();
    }
    this.#options.clock.setAlarm(this.#deadlineTicks);
  }

  stopRequests(): void {
    this.#head = 0;
    this.#deadlineTicks = undefined;
    this.#options.clock.setAlarm(undefined);
  }

  snapshot(writer: ByteWriter): void {
    writer.u16(this.#deadlineTicks === undefined ? 0 : this.#head);
    writeOptional(writer, this.#deadlineTicks);
    if (this.#isStoreInSnapshot) this.#options.store.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    this.#head = reader.u16();
    this.#deadlineTicks = readOptional(reader);
    if (this.#deadlineTicks === undefined && this.#head !== 0) {
      throw new MalformedError('a request without a deadline', start);
    }
    if (this.#isStoreInSnapshot) this.#options.store.restore(reader);
    this.#options.clock.setAlarm(this.#deadlineTicks);
  }

  reset(): void {
    this.stopRequests();
    this.#options.store.reset();
  }

  get #isStoreInSnapshot(): boolean {
    return this.#options.isStoreInSnapshot ?? true;
  }

  /** Takes the next request, if there is one, and sets its deadline. */
  #start(): void {
    const host = this.#host;
    if (host === undefined || !host.isRunning) return;
    const head = host.queue(0).take();
    const chain = head === undefined ? undefined : host.queue(0).walk(head);
    if (head === undefined || chain === undefined) return;
    const dataBytes = Math.max(chain.readableBytes - reg.HEADER_BYTES, chain.writableBytes - 1, 0);
    const latency = BLK_LATENCY_TICKS + Math.floor(dataBytes / BLK_BYTES_PER_TICK);
    this.#head = head;
    this.#deadlineTicks = this.#options.clock.nowTicks + latency;
    this.#options.clock.setAlarm(this.#deadlineTicks);
  }

  #finish(head: number): void {
    const host = this.#host;
    if (host === undefined || !host.isRunning) return;
    const queue = host.queue(0);
    // Walked again: between the two the guest may have changed what it must not, and it is checked
    // again.
    const chain = queue.walk(head);
    if (chain === undefined) return;
    // §5.2.6: a header to read, and at least a byte for the status. Without them there is no
    // answering.
    if (chain.readableBytes < reg.HEADER_BYTES || chain.writableBytes < 1) return queue.break();
    const input = new SegmentCursor(host.dma, chain.readable);
    const output = new SegmentCursor(host.dma, chain.writable);
    const header = viewOf(input.read(reg.HEADER_BYTES));
    const type = header.getUint32(0, true);
    const sector = header.getUint32(12, true) * 2 ** 32 + header.getUint32(8, true);
    const status = this.#perform(type, sector, chain, input, output);
    const dataBytes = output.position;
    output.skip(chain.writableBytes - 1 - dataBytes);
    output.write(Uint8Array.of(status));
    // §2.7.8.2: only bytes written from the start count; a failed read leaves a gap before the
    // status.
    const isWhole = dataBytes === chain.writableBytes - 1;
    queue.push(head, isWhole ? chain.writableBytes : dataBytes);
    host.interrupt(0);
  }

  #perform(
    type: number,
    sector: number,
    chain: Chain,
    input: SegmentCursor,
    output: SegmentCursor,
  ): number {
    const inBytes = chain.writableBytes - 1;
    const outBytes = chain.readableBytes - reg.HEADER_BYTES;
    switch (type) {
      case reg.VIRTIO_BLK_T_IN:
        if (!this.#isRange(sector, inBytes)) return reg.VIRTIO_BLK_S_IOERR;
        return this.#readSectors(sector * reg.SECTOR_BYTES, inBytes, output);
      case reg.VIRTIO_BLK_T_OUT:
        if (!this.#isWritable(sector, outBytes)) return reg.VIRTIO_BLK_S_IOERR;
        return this.#writeSectors(sector * reg.SECTOR_BYTES, input);
      case reg.VIRTIO_BLK_T_FLUSH:
        return reg.VIRTIO_BLK_S_OK; // A write is durable in the state as soon as it is done.
      case reg.VIRTIO_BLK_T_GET_ID:
        if (inBytes < reg.ID_BYTES) return reg.VIRTIO_BLK_S_IOERR;
        output.write(idBytes(this.#options.id));
        return reg.VIRTIO_BLK_S_OK;
      case reg.VIRTIO_BLK_T_DISCARD:
      case reg.VIRTIO_BLK_T_WRITE_ZEROES:
        return this.#clearRange(type, outBytes, input);
      default:
        return reg.VIRTIO_BLK_S_UNSUPP;
    }
  }

  #readSectors(offset: number, sizeBytes: number, output: SegmentCursor): number {
    for (let at = 0; at < sizeBytes; at += SCRATCH_BYTES) {
      const piece = this.#scratch.subarray(0, Math.min(SCRATCH_BYTES, sizeBytes - at));
      this.#options.store.read(offset + at, piece);
      output.write(piece);
    }
    return reg.VIRTIO_BLK_S_OK;
  }

  #writeSectors(offset: number, input: SegmentCursor): number {
    let at = offset;
    for (;;) {
      const bytes = input.view(SCRATCH_BYTES);
      if (bytes.length === 0) return reg.VIRTIO_BLK_S_OK;
      this.#options.store.write(at, bytes);
      at += bytes.length;
    }
  }

  /**
   * §5.2.6.2: one range a request. Discarded sectors keep their contents, which the specification
   * allows and which is the cheapest thing that is the same everywhere.
   */
  #clearRange(type: number, outBytes: number, input: SegmentCursor): number {
    if (outBytes !== reg.RANGE_BYTES) return reg.VIRTIO_BLK_S_UNSUPP;
    const range = viewOf(input.read(reg.RANGE_BYTES));
    const sector = range.getUint32(4, true) * 2 ** 32 + range.getUint32(0, true);
    const sizeBytes = range.getUint32(8, true) * reg.SECTOR_BYTES;
    const flags = range.getUint32(12, true);
    // Bit 0 is "unmap", for write zeroes only; the others are reserved and must be refused.
    const known = type === reg.VIRTIO_BLK_T_WRITE_ZEROES ? 1 : 0;
    if ((flags & ~known) !== 0) return reg.VIRTIO_BLK_S_UNSUPP;
    if (sizeBytes > CLEAR_MAX_SECTORS * reg.SECTOR_BYTES) return reg.VIRTIO_BLK_S_IOERR;
    if (!this.#isWritable(sector, sizeBytes)) return reg.VIRTIO_BLK_S_IOERR;
    if (type === reg.VIRTIO_BLK_T_DISCARD) return reg.VIRTIO_BLK_S_OK;
    this.#scratch.fill(0);
    for (let at = 0; at < sizeBytes; at += SCRATCH_BYTES) {
      const piece = this.#scratch.subarray(0, Math.min(SCRATCH_BYTES, sizeBytes - at));
      this.#options.store.write(sector * reg.SECTOR_BYTES + at, piece);
    }
    return reg.VIRTIO_BLK_S_OK;
  }

  /** Whole sectors, inside the disk. */
  #isRange(sector: number, sizeBytes: number): boolean {
    if (sizeBytes % reg.SECTOR_BYTES !== 0) return false;
    return sector + sizeBytes / reg.SECTOR_BYTES <= this.#sectors;
  }

  #isWritable(sector: number, sizeBytes: number): boolean {
    return this.#options.isReadOnly !== true && this.#isRange(sector, sizeBytes);
  }
}

function createConfig(sectors: number): Uint8Array {
  const config = new Uint8Array(reg.CONFIG_BYTES);
  const view = viewOf(config);
  view.setUint32(reg.CONFIG_CAPACITY, sectors % 2 ** 32, true);
  view.setUint32(reg.CONFIG_CAPACITY + 4, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(reg.CONFIG_SEG_MAX, QUEUE_SIZE - 2, true);
  view.setUint32(reg.CONFIG_BLK_SIZE, reg.SECTOR_BYTES, true);
  view.setUint16(reg.CONFIG_NUM_QUEUES, 1, true);
  view.setUint32(reg.CONFIG_MAX_DISCARD_SECTORS, CLEAR_MAX_SECTORS, true);
  view.setUint32(reg.CONFIG_MAX_DISCARD_SEG, 1, true);
  view.setUint32(reg.CONFIG_DISCARD_SECTOR_ALIGNMENT, 1, true);
  view.setUint32(reg.CONFIG_MAX_WRITE_ZEROES_SECTORS, CLEAR_MAX_SECTORS, true);
  view.setUint32(reg.CONFIG_MAX_WRITE_ZEROES_SEG, 1, true);
  return config;
}

function idBytes(id: string): Uint8Array {
  const bytes = new Uint8Array(reg.ID_BYTES);
  for (let i = 0; i < reg.ID_BYTES && i < id.length; i++) bytes[i] = id.charCodeAt(i) & 0x7f;
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** 20 µs from the notification to the completion of an empty request. */
export const BLK_LATENCY_TICKS = 200;
export const BLK_BYTES_PER_TICK = 64;

const QUEUE_SIZE = 128;
const SCRATCH_BYTES = 64 * 1024;
/** 16 MiB a request bounds the work of one. */
const CLEAR_MAX_SECTORS = 32 * 1024;
const FEATURES = [
  reg.VIRTIO_BLK_F_SEG_MAX,
  reg.VIRTIO_BLK_F_BLK_SIZE,
  reg.VIRTIO_BLK_F_FLUSH,
  reg.VIRTIO_BLK_F_DISCARD,
  reg.VIRTIO_BLK_F_WRITE_ZEROES,
];
