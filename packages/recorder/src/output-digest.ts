/**
 * A running digest of all that a machine lets out. It depends on the bytes alone and not on how
 * they were cut into calls, so that it is equal at any slicing. Normative: docs/format.md,
 * "outputs".
 *
 * Invariants: each channel's `rest` is shorter than a block; `digest` does not change the state.
 */
import { ByteWriter, type Hashes } from '@casmotion/base';
import type { MachineOutputs, PeerMessage } from '@casmotion/events';
import { encodePeerMessage, OUTPUT_DIGEST_BYTES } from '@casmotion/replay-log';

export class OutputDigest implements MachineOutputs {
  readonly #hashes: Hashes;
  readonly #channels = new Map<string, Channel>();
  readonly #onward: MachineOutputs;
  readonly #writer = new ByteWriter(BLOCK_BYTES * 2);
  #totalBytes = 0;

  /** Passes everything on to `onward`, unchanged. */
  constructor(hashes: Hashes, onward: MachineOutputs) {
    this.#hashes = hashes;
    this.#onward = onward;
  }

  /** Bytes let out so far, all channels. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  consoleOutput(console: number, bytes: Uint8Array): void {
    this.#totalBytes += bytes.length;
    this.#channel(`console ${console}`).push(bytes, this.#hashes);
    this.#onward.consoleOutput(console, bytes);
  }

  netPacket(nic: number, bytes: Uint8Array): void {
    this.#totalBytes += bytes.length;
    this.#writer.clear();
    this.#channel(`net ${nic}`).push(this.#writer.blob(bytes).written, this.#hashes);
    this.#onward.netPacket(nic, bytes);
  }

  peerMessage(message: PeerMessage): void {
    this.#writer.clear();
    encodePeerMessage(this.#writer, message);
    this.#totalBytes += this.#writer.size;
    this.#channel('peer').push(this.#writer.written, this.#hashes);
    this.#onward.peerMessage?.(message);
  }

  /** 16 bytes over everything so far. */
  digest(): Uint8Array {
    const writer = new ByteWriter();
    for (const name of [...this.#channels.keys()].toSorted()) {
      const channel = this.#channel(name);
      writer.string(name).uvarint(channel.sizeBytes).bytes(channel.digest(this.#hashes));
    }
    return this.#hashes.xxh128(writer.toBytes());
  }

  #channel(name: string): Channel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const channel = new Channel();
    this.#channels.set(name, channel);
    return channel;
  }
}

/** Outputs that go nowhere. */
export const noOutputs: MachineOutputs = {
  consoleOutput: () => undefined,
  netPacket: () => undefined,
};

class Channel {
  sizeBytes = 0;
  readonly #running = new Uint8Array(OUTPUT_DIGEST_BYTES);
  readonly #rest = new Uint8Array(BLOCK_BYTES);
  #restBytes = 0;

  push(bytes: Uint8Array, hashes: Hashes): void {
    this.sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(BLOCK_BYTES - this.#restBytes, bytes.length - at);
      this.#rest.set(bytes.subarray(at, at + count), this.#restBytes);
      this.#restBytes += count;
      at += count;
      if (this.#restBytes < BLOCK_BYTES) continue;
      this.#running.set(hashes.xxh128(this.#running, this.#rest));
      this.#restBytes = 0;
    }
  }

  digest(hashes: Hashes): Uint8Array {
    return hashes.xxh128(this.#running, this.#rest.subarray(0, this.#restBytes));
  }
}

const BLOCK_BYTES = 4096;
