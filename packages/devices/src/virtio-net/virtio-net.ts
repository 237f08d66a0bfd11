/**
 * Network device: one receive and one transmit queue. Virtio 1.2 §5.1.
 *
 * A frame sent is with the backend before the notification returns. A frame that arrives waits,
 * while the driver has no buffer, in a queue of 256 frames or 1 MiB; what does not fit is lost, as
 * on a wire. No checksum or segmentation offload is offered, so headers are all 0 but for
 * `num_buffers`.
 *
 * Invariants: waiting frames <= 256 and <= 1 MiB together; each 14 to 65,550 bytes; none waits
 * while the driver is not ready.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import { SegmentCursor, type Chain } from '../virtio/chain.ts';
import type { VirtioHost, VirtioModel } from '../virtio/model.ts';
import type { NetBackend } from './backend.ts';
import * as reg from './registers.ts';

export class VirtioNet implements VirtioModel {
  readonly deviceId = reg.VIRTIO_ID_NET;
  readonly queueMaxSizes = [256, 256];
  readonly maxChainBytes = 1024 * 1024;
  readonly features = [
    reg.VIRTIO_NET_F_MAC,
    reg.VIRTIO_NET_F_MRG_RXBUF,
    reg.VIRTIO_NET_F_STATUS,
  ];
  readonly config: Uint8Array;
  readonly #backend: NetBackend;
  #host: VirtioHost | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  /** `mac`: 6 bytes. */
  constructor(options: { mac: Uint8Array; backend: NetBackend }) {
    assert(options.mac.length === 6, `a MAC address of ${options.mac.length} bytes`);
    this.config = new Uint8Array(reg.CONFIG_BYTES);
    this.config.set(options.mac, reg.CONFIG_MAC);
    this.config[reg.CONFIG_STATUS] = reg.VIRTIO_NET_S_LINK_UP;
    this.config[reg.CONFIG_MAX_VIRTQUEUE_PAIRS] = 1;
    this.#backend = options.backend;
    this.#backend.connect((frame) => void this.receive(frame));
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  /**
   * A frame for the guest, from a net-packet event or the backend. Gives false where it is lost: a
   * bad length, a driver that is not ready, a full queue.
   */
  receive(frame: Uint8Array): boolean {
    const isFrame = frame.length >= reg.FRAME_MIN_BYTES && frame.length <= reg.FRAME_MAX_BYTES;
    if (!isFrame || this.#host?.isRunning !== true) return false;
    if (this.#waiting.length >= WAITING_MAX_FRAMES) return false;
    if (this.#waitingBytes + frame.length > WAITING_MAX_BYTES) return false;
    this.#waiting.push(frame.slice());
    this.#waitingBytes += frame.length;
    this.#deliverWaiting();
    return true;
  }

  notify(queueIndex: number): void {
    if (queueIndex === reg.RX_QUEUE) this.#deliverWaiting();
    else this.#transmitAll();
  }

  alarm(): void {
    this.#backend.alarm();
  }

  stopRequests(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  snapshot(writer: ByteWriter): void {
    writer.uvarint(this.#waiting.length);
    for (const frame of this.#waiting) writer.blob(frame);
    this.#backend.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    const count = reader.uvarint();
    if (count > WAITING_MAX_FRAMES) throw new MalformedError(`${count} waiting frames`, start);
    this.stopRequests();
    for (let i = 0; i < count; i++) {
      const frame = reader.blob(reg.FRAME_MAX_BYTES).slice();
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    }
    this.#backend.restore(reader);
  }

  reset(): void {
    this.stopRequests();
    this.#backend.reset();
  }

  get #headerBytes(): number {
    // §5.1.6.1: a legacy header has num_buffers only if merging was negotiated.
    const isShort = this.#host?.isLegacy === true && !this.#isMerging;
    return isShort ? reg.HEADER_BYTES_LEGACY : reg.HEADER_BYTES;
  }

  get #isMerging(): boolean {
    return this.#host?.hasFeature(reg.VIRTIO_NET_F_MRG_RXBUF) === true;
  }

  #transmitAll(): void {
    const host = this.#host;
    if (host === undefined) return;
    const queue = host.queue(reg.TX_QUEUE);
    // One pass takes what waits now: a hostile ring that grows under our writes gets no second
    // look.
    for (let left = queue.countAvailable(); left > 0 && host.isRunning; left--) {
      const head = queue.take();
      const chain = head === undefined ? undefined : queue.walk(head);
      if (chain === undefined) break;
      this.#transmit(host, chain);
      queue.push(chain.head, 0);
    }
    host.interrupt(reg.TX_QUEUE);
  }

  #transmit(host: VirtioHost, chain: Chain): void {
    const sizeBytes = chain.readableBytes - this.#headerBytes;
    if (sizeBytes < reg.FRAME_MIN_BYTES || sizeBytes > reg.FRAME_MAX_BYTES) return;
    const cursor = new SegmentCursor(host.dma, chain.readable);
    cursor.skip(this.#headerBytes);
    this.#backend.transmit(cursor.read(sizeBytes));
  }

  #deliverWaiting(): void {
    const host = this.#host;
    if (host === undefined || !host.isRunning) return;
    let isAnyDone = false;
    for (;;) {
      const frame = this.#waiting[0];
      if (frame === undefined || !this.#deliver(host, frame)) break;
      this.#waiting.shift();
      this.#waitingBytes -= frame.length;
      isAnyDone = true;
    }
    if (isAnyDone) host.interrupt(reg.RX_QUEUE);
  }

  /**
   * Puts a frame into buffers. False where it has to wait for more; a frame too large for them is
   * lost.
   */
  #deliver(host: VirtioHost, frame: Uint8Array): boolean {
    const queue = host.queue(reg.RX_QUEUE);
    const neededBytes = this.#headerBytes + frame.length;
    const chains: Chain[] = [];
    let roomBytes = 0;
    while (roomBytes < neededBytes && chains.length < queue.size) {
      const head = queue.take();
      if (head === undefined) break;
      const chain = queue.walk(head);
      if (chain === undefined) return false;
      chains.push(chain);
      roomBytes += chain.writableBytes;
      if (!this.#isMerging) break;
    }
    if (roomBytes >= neededBytes) {
      this.#fill(host, frame, chains);
      return true;
    }
    if (!host.isRunning) return false;
    queue.untake(chains.length);
    // Without merging a frame lies in one buffer (§5.1.6.4); with it, all of the ring may be too
    // little.
    return this.#isMerging ? chains.length >= queue.size : chains.length > 0;
  }

  #fill(host: VirtioHost, frame: Uint8Array, chains: readonly Chain[]): void {
    const message = new Uint8Array(this.#headerBytes + frame.length);
    message.set(frame, this.#headerBytes);
    if (this.#headerBytes === reg.HEADER_BYTES) {
      new DataView(message.buffer).setUint16(reg.HEADER_NUM_BUFFERS, chains.length, true);
    }
    let at = 0;
    for (const chain of chains) {
      const cursor = new SegmentCursor(host.dma, chain.writable);
      const written = cursor.write(message.subarray(at));
      host.queue(reg.RX_QUEUE).push(chain.head, written);
      at += written;
    }
  }
}

const WAITING_MAX_FRAMES = 256;
const WAITING_MAX_BYTES = 1024 * 1024;
