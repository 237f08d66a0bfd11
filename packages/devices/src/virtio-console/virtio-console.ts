/**
 * Console device with one port. Virtio 1.2 §5.3.
 *
 * Output is out before the notification returns. Typed bytes wait for buffers in a queue of 64 KiB
 * that outlives a reset by the driver, so that what is typed while a guest boots is not lost.
 *
 * Invariant, after each call: input waits only while the driver is not ready or has no buffer.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import { ByteQueue } from '../support/byte-queue.ts';
import { SegmentCursor } from '../virtio/chain.ts';
import type { VirtioHost, VirtioModel } from '../virtio/model.ts';
import * as reg from './registers.ts';

export class VirtioConsole implements VirtioModel {
  readonly deviceId = reg.VIRTIO_ID_CONSOLE;
  readonly queueMaxSizes = [64, 64];
  readonly maxChainBytes = 1024 * 1024;
  readonly features = [reg.VIRTIO_CONSOLE_F_EMERG_WRITE];
  readonly config = new Uint8Array(reg.CONFIG_BYTES);
  readonly #output: (bytes: Uint8Array) => void;
  readonly #input = new ByteQueue(INPUT_QUEUE_BYTES);
  #host: VirtioHost | undefined;

  /** `output` takes console bytes, valid during the call only. */
  constructor(options: { output: (bytes: Uint8Array) => void }) {
    this.#output = options.output;
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  /** Bytes of console input that {@link receive} would take now. */
  get freeInputBytes(): number {
    return this.#input.free;
  }

  /**
   * Console input, from an event. Gives the count taken; what is above 64 KiB waiting is dropped.
   */
  receive(bytes: Uint8Array): number {
    const taken = this.#input.push(bytes);
    this.#deliver();
    return taken;
  }

  notify(queueIndex: number): void {
    if (queueIndex === reg.RX_QUEUE) this.#deliver();
    else this.#transmitAll();
  }

  /** §5.3.5: emergency write, before any queue is set up. */
  writeConfig(offset: number, _sizeBytes: number, value: number): void {
    if (offset === reg.CONFIG_EMERG_WR) this.#output(Uint8Array.of(value & 0xff));
  }

  stopRequests(): void {}

  snapshot(writer: ByteWriter): void {
    this.#input.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    this.#input.restore(reader);
  }

  reset(): void {
    this.#input.clear();
  }

  #deliver(): void {
    const host = this.#host;
    if (host === undefined || !host.isRunning || this.#input.size === 0) return;
    const queue = host.queue(reg.RX_QUEUE);
    for (let left = queue.countAvailable(); left > 0 && this.#input.size > 0; left--) {
      const head = queue.take();
      const chain = head === undefined ? undefined : queue.walk(head);
      if (head === undefined || chain === undefined) break;
      const bytes = this.#input.shiftMany(chain.writableBytes);
      queue.push(head, new SegmentCursor(host.dma, chain.writable).write(bytes));
    }
    host.interrupt(reg.RX_QUEUE);
  }

  #transmitAll(): void {
    const host = this.#host;
    if (host === undefined) return;
    const queue = host.queue(reg.TX_QUEUE);
    for (let left = queue.countAvailable(); left > 0; left--) {
      const head = queue.take();
      const chain = head === undefined ? undefined : queue.walk(head);
      if (head === undefined || chain === undefined) break;
      const cursor = new SegmentCursor(host.dma, chain.readable);
      let bytes = cursor.view(chain.readableBytes);
      while (bytes.length > 0) {
        this.#output(bytes);
        bytes = cursor.view(chain.readableBytes);
      }
      queue.push(head, 0);
    }
    host.interrupt(reg.TX_QUEUE);
  }
}

const INPUT_QUEUE_BYTES = 64 * 1024;
