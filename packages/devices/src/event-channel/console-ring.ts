/**
 * The DomU's console: a page with two rings and an ordinary port, as in Xen's public/io/console.h,
 * `struct xencons_interface`. The machine plays xenconsoled (tools/console/daemon/io.c): notified,
 * it takes all output there is, fills the input ring from what was typed, and notifies back if it
 * moved anything. Output never waits for the host.
 *
 * | offset | field                                  | who writes |
 * |--------|----------------------------------------|------------|
 * | 0      | in, 1024 bytes                         | machine    |
 * | 1024   | out, 2048 bytes                        | guest      |
 * | 3072   | in_cons                                | guest      |
 * | 3076   | in_prod                                | machine    |
 * | 3080   | out_cons                               | machine    |
 * | 3084   | out_prod                               | guest      |
 * | 3088   | connection, 1 byte: 0 connected        | machine    |
 *
 * Indexes run freely, modulo 2^32. Where producer less consumer is more than a ring, the ring is
 * left alone, as xenconsoled leaves it.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { DmaMemory } from '../device.ts';
import { ByteQueue } from '../support/byte-queue.ts';
import { readAtMost, readFlag } from '../support/state.ts';
import { isRamFrame, PAGE_BYTES, readRamFrame } from './placed-page.ts';
import { EVENT_CHANNEL_PORTS } from './registers.ts';

export class ConsoleRing {
  readonly #memory: DmaMemory;
  readonly #output: (bytes: Uint8Array) => void;
  readonly #typed = new ByteQueue(TYPED_BYTES_MAX);
  #place: { readonly frame: number; readonly port: number } | undefined;

  constructor(options: { memory: DmaMemory; output: (bytes: Uint8Array) => void }) {
    this.#memory = options.memory;
    this.#output = options.output;
  }

  /** Page number of the rings; undefined while the guest has given none. */
  get frame(): number | undefined {
    return this.#place?.frame;
  }

  get port(): number | undefined {
    return this.#place?.port;
  }

  /** Can the rings be there? */
  canAttach(frame: number): boolean {
    return isRamFrame(this.#memory, frame);
  }

  /** Starts with empty rings. */
  attach(frame: number, port: number): void {
    this.#place = { frame, port };
    this.#memory.write(frame * PAGE_BYTES + IN_CONS, new Uint8Array(INDEXES_BYTES));
  }

  /** The port was closed. What is typed waits for the next one. */
  detach(): void {
    this.#place = undefined;
  }

  /** Takes what was typed; what is more than 64 KiB behind is lost. */
  receive(bytes: Uint8Array): void {
    this.#typed.push(bytes);
  }

  /** Moves what can be moved. True if the guest is to be notified. */
  service(): boolean {
    if (this.#place === undefined) return false;
    const base = this.#place.frame * PAGE_BYTES;
    const hasTaken = this.#takeOutput(base);
    return this.#giveInput(base) || hasTaken;
  }

  reset(): void {
    this.#place = undefined;
    this.#typed.clear();
  }

  snapshot(writer: ByteWriter): void {
    writer.u8(this.#place === undefined ? 0 : 1);
    if (this.#place !== undefined) writer.u64(this.#place.frame).u16(this.#place.port);
    this.#typed.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    this.#place = undefined;
    if (readFlag(reader)) {
      const frame = readRamFrame(reader, this.#memory);
      const port = readAtMost(reader, EVENT_CHANNEL_PORTS - 1, () => reader.u16());
      this.#place = { frame, port };
    }
    this.#typed.restore(reader);
  }

  #takeOutput(base: number): boolean {
    const consumer = this.#index(base + OUT_CONS);
    const sizeBytes = (this.#index(base + OUT_PROD) - consumer) >>> 0;
    if (sizeBytes === 0 || sizeBytes > OUT_BYTES) return false;
    const at = consumer % OUT_BYTES;
    const untilEnd = Math.min(sizeBytes, OUT_BYTES - at);
    const bytes = new Uint8Array(sizeBytes);
    bytes.set(this.#memory.read(base + OUT + at, untilEnd) ?? bytes.subarray(0, untilEnd));
    const rest = this.#memory.read(base + OUT, sizeBytes - untilEnd);
    if (rest !== undefined) bytes.set(rest, untilEnd);
    this.#setIndex(base + OUT_CONS, consumer + sizeBytes);
    this.#output(bytes);
    return true;
  }

  #giveInput(base: number): boolean {
    const producer = this.#index(base + IN_PROD);
    const waiting = (producer - this.#index(base + IN_CONS)) >>> 0;
    if (waiting >= IN_BYTES) return false;
    const bytes = this.#typed.shiftMany(IN_BYTES - waiting);
    if (bytes.length === 0) return false;
    const at = producer % IN_BYTES;
    const untilEnd = IN_BYTES - at;
    this.#memory.write(base + IN + at, bytes.subarray(0, untilEnd));
    this.#memory.write(base + IN, bytes.subarray(untilEnd));
    this.#setIndex(base + IN_PROD, producer + bytes.length);
    return true;
  }

  #index(address: number): number {
    const bytes = this.#memory.read(address, 4);
    return bytes === undefined
      ? 0
      : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  #setIndex(address: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#memory.write(address, bytes);
  }
}

const IN = 0;
const IN_BYTES = 1024;
const OUT = 1024;
const OUT_BYTES = 2048;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;
/** The four indexes and `connection`, which is 0: XENCONSOLE_CONNECTED. */
const INDEXES_BYTES = 17;
const TYPED_BYTES_MAX = 0x1_0000;
