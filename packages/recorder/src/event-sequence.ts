/**
 * Digests of the events that were applied: what they were, in which order, and where. Made by the
 * recorder beside the writing of the log, and by the replayer from what the log gives it, so that a
 * log that is not what was recorded is told, and how (premises C3, C6, C7). Normative:
 * docs/format.md, "sequences".
 *
 * Invariant: `contents` and `places` do not depend on the order of events, `order` and `contents`
 * not on their places.
 */
import { ByteWriter, type Hashes } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { codecOf, type LoggedSequence, SEQUENCE_DIGEST_BYTES } from '@casmotion/replay-log';
import type { TimePointKey } from '@casmotion/time-point';

export class EventSequence {
  readonly #hashes: Hashes;
  readonly #writer = new ByteWriter(256);
  #events = 0;
  #contents = 0n;
  #order = 0n;
  #places = 0n;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  /** Events noted so far. */
  get events(): number {
    return this.#events;
  }

  /** An event is applied at `place`, after so many wakes there. */
  note(place: TimePointKey, wakes: number, event: MachineEvent): void {
    const codec = codecOf(event);
    codec.encode(this.#start().u8(codec.kind), event);
    const content = this.#hash();
    this.#start().bigU64(this.#order).bigU64(content);
    this.#order = this.#hash();
    this.#start().uvarint(place.count);
    if (place.counter !== 'steps') this.#writer.bigU64(place.pc ?? 0n).bigU64(place.register ?? 0n);
    this.#writer.uvarint(wakes).bigU64(content);
    this.#places = BigInt.asUintN(64, this.#places + this.#hash());
    this.#contents = BigInt.asUintN(64, this.#contents + content);
    this.#events++;
  }

  digests(): LoggedSequence {
    return {
      events: this.#events,
      contents: toBytes(this.#contents),
      order: toBytes(this.#order),
      places: toBytes(this.#places),
    };
  }

  #start(): ByteWriter {
    this.#writer.clear();
    return this.#writer;
  }

  #hash(): bigint {
    const { buffer, byteOffset } = this.#hashes.xxh128(this.#writer.written);
    return new DataView(buffer, byteOffset, SEQUENCE_DIGEST_BYTES).getBigUint64(0, true);
  }
}

function toBytes(value: bigint): Uint8Array {
  return new ByteWriter(SEQUENCE_DIGEST_BYTES).bigU64(value).toBytes();
}
