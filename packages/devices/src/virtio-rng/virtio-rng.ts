/**
 * Entropy device. Virtio 1.2 §5.4. Its bytes come from one of two sources:
 *   host: a request waits, `wantedBytes` says for how many bytes, and an entropy event brings them;
 *   seed: a generator in the state fills each request RNG_LATENCY_TICKS after it became the oldest.
 *
 * Invariants, after each call: wantedBytes > 0 exactly if a request is taken; a seeded source has a
 * deadline exactly then, and the clock's alarm is that deadline.
 */
import { MalformedError, Prng, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { MachineClock } from '../device.ts';
import { readAtMost } from '../support/state.ts';
import { SegmentCursor } from '../virtio/chain.ts';
import type { VirtioHost, VirtioModel } from '../virtio/model.ts';
import * as reg from './registers.ts';

/** Where entropy comes from. A seed is 0 to 2^32 - 1. */
export type EntropySource =
  | { readonly kind: 'host' }
  | { readonly kind: 'seed'; readonly seed: number; readonly clock: MachineClock };

export class VirtioRng implements VirtioModel {
  readonly deviceId = reg.VIRTIO_ID_ENTROPY;
  readonly queueMaxSizes = [64];
  readonly maxChainBytes = 1024 * 1024;
  readonly features: readonly number[] = [];
  readonly config = new Uint8Array(0);
  readonly #source: EntropySource;
  #prng: Prng;
  #host: VirtioHost | undefined;
  #head = 0;
  #wantedBytes = 0;
  #deadlineTicks = 0;

  constructor(source: EntropySource) {
    this.#source = source;
    this.#prng = createPrng(source);
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  /**
   * What the oldest request wants from the host, 1 to 4096; 0 if none waits or a seed serves them.
   */
  get wantedBytes(): number {
    return this.#source.kind === 'host' ? this.#wantedBytes : 0;
  }

  /**
   * Fulfils the oldest request with up to `wantedBytes` of `bytes`. Nothing happens where none
   * waits.
   */
  provide(bytes: Uint8Array): void {
    if (this.wantedBytes > 0) this.#fulfil(bytes.subarray(0, this.wantedBytes));
  }

  notify(_queueIndex: number): void {
    if (this.#wantedBytes === 0) this.#takeNext();
  }

  /** A seeded request is due. */
  alarm(): void {
    if (this.#source.kind !== 'seed') return;
    if (this.#wantedBytes > 0 && this.#source.clock.nowTicks >= this.#deadlineTicks) {
      const bytes = new Uint8Array(this.#wantedBytes);
      this.#prng.fill(bytes);
      this.#fulfil(bytes);
    }
    this.#askAlarm();
  }

  stopRequests(): void {
    this.#head = 0;
    this.#wantedBytes = 0;
    this.#deadlineTicks = 0;
    this.#askAlarm();
  }

  snapshot(writer: ByteWriter): void {
    writer.u16(this.#head).u16(this.#wantedBytes).u64(this.#deadlineTicks);
    for (const word of this.#prng.state) writer.u32(word);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    this.#head = reader.u16();
    this.#wantedBytes = readAtMost(reader, REQUEST_MAX_BYTES, () => reader.u16());
    this.#deadlineTicks = reader.u64();
    if (this.#wantedBytes === 0 && (this.#head !== 0 || this.#deadlineTicks !== 0)) {
      throw new MalformedError('an entropy request for no bytes', start);
    }
    const state = Uint32Array.from({ length: 4 }, () => reader.u32());
    if (state.every((word) => word === 0)) throw new MalformedError('a generator of zeros', start);
    this.#prng = new Prng(state);
    this.#askAlarm();
  }

  reset(): void {
    this.#prng = createPrng(this.#source);
    this.stopRequests();
  }

  #fulfil(bytes: Uint8Array): void {
    const host = this.#host;
    const head = this.#head;
    this.#head = 0;
    this.#wantedBytes = 0;
    this.#deadlineTicks = 0;
    if (host === undefined || !host.isRunning) return;
    const chain = host.queue(reg.REQUEST_QUEUE).walk(head);
    if (chain === undefined) return;
    const written = new SegmentCursor(host.dma, chain.writable).write(bytes);
    host.queue(reg.REQUEST_QUEUE).push(head, written);
    host.interrupt(reg.REQUEST_QUEUE);
    this.#takeNext();
  }

  /** Takes the next request that has room for a byte; those without are given back empty. */
  #takeNext(): void {
    const host = this.#host;
    if (host === undefined || !host.isRunning) return;
    const queue = host.queue(reg.REQUEST_QUEUE);
    for (let left = queue.countAvailable(); left > 0; left--) {
      const head = queue.take();
      const chain = head === undefined ? undefined : queue.walk(head);
      if (head === undefined || chain === undefined) return;
      if (chain.writableBytes > 0) {
        this.#head = head;
        this.#wantedBytes = Math.min(chain.writableBytes, REQUEST_MAX_BYTES);
        if (this.#source.kind === 'seed') {
          this.#deadlineTicks = this.#source.clock.nowTicks + RNG_LATENCY_TICKS;
        }
        break;
      }
      queue.push(head, 0);
    }
    host.interrupt(reg.REQUEST_QUEUE);
    this.#askAlarm();
  }

  #askAlarm(): void {
    if (this.#source.kind !== 'seed') return;
    this.#source.clock.setAlarm(this.#wantedBytes > 0 ? this.#deadlineTicks : undefined);
  }
}

/** A host's bytes need no generator; it stands in the state all the same, at seed 0. */
function createPrng(source: EntropySource): Prng {
  return new Prng(source.kind === 'seed' ? source.seed : 0);
}

/** 10 µs a request. */
export const RNG_LATENCY_TICKS = 100;
/** A larger request gets fewer bytes than it has room for, which §5.4.6 allows. */
const REQUEST_MAX_BYTES = 4096;
