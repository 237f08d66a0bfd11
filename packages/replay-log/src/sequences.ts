/**
 * Batches of sequence digests: what the recorder says of the events that it applied, apart from the
 * events that it wrote. A log whose events are others, or elsewhere, or in another order, says
 * which of the three (premises C3, C6, C7).
 */
import { type ByteReader, ByteWriter } from '@casmotion/base';
import { addStep, exactly, expectEnd, readCount } from './records.ts';

/** Digests over the first `events` events of a recording: how, is in docs/format.md. */
export interface LoggedSequence {
  readonly events: number;
  /** 8 bytes: what they were, in any order. */
  readonly contents: Uint8Array;
  /** 8 bytes: what they were, in their order. */
  readonly order: Uint8Array;
  /** 8 bytes: what they were and where, in any order. */
  readonly places: Uint8Array;
}

export const SEQUENCE_DIGEST_BYTES = 8;

export function encodeSequences(sequences: readonly LoggedSequence[]): Uint8Array {
  const writer = new ByteWriter().uvarint(sequences.length);
  let before = 0;
  for (const { events, contents, order, places } of sequences) {
    writer.uvarint(events - before);
    for (const digest of [contents, order, places]) {
      writer.bytes(exactly(digest, SEQUENCE_DIGEST_BYTES));
    }
    before = events;
  }
  return writer.toBytes();
}

export function* decodeSequences(reader: ByteReader): Generator<LoggedSequence, void> {
  let count = readCount(reader, SEQUENCE_MIN_BYTES);
  const digest = (): Uint8Array => reader.bytes(SEQUENCE_DIGEST_BYTES).slice();
  for (let events = 0; count > 0; count--) {
    events = addStep(events, reader);
    yield { events, contents: digest(), order: digest(), places: digest() };
  }
  expectEnd(reader);
}

const SEQUENCE_MIN_BYTES = 1 + 3 * SEQUENCE_DIGEST_BYTES;
