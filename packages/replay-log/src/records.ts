/**
 * Batches of records: the payloads of chunks `events`, `landmarks` and `outputs`. Each batch starts
 * from absolute numbers, so that a chunk can be read without the ones before it; inside it
 * everything is a difference.
 *
 * Invariants: steps never fall within a batch; record numbers are consecutive from 0 through the
 * log.
 */
import { assert, type ByteReader, ByteWriter, MalformedError } from '@casmotion/base';
import type { TimedEvent } from '@casmotion/events';
import { codecOf, codecOfNumber } from './event-codecs.ts';

/** What the recorder saw just before an event was applied. */
export interface EventCheck {
  readonly pc: bigint;
  /** The first 4 bytes of the register digest: a wrong one slips through once in 2^32. */
  readonly registerDigest: Uint8Array;
}

/** An event of a log. */
export interface LoggedEvent extends TimedEvent {
  /** From 0 through the log. */
  readonly number: number;
  /**
   * How often the idle machine woke at its own deadline at this very step before the event came:
   * with the step and the number it makes the order total (premise C7). Nearly always 0.
   */
  readonly wakes: number;
  readonly check: EventCheck | undefined;
}

/** What the machine was at some time point, before every event and wake of that step. */
export interface LoggedLandmark {
  readonly number: number;
  readonly at: { readonly step: number };
  /** Events applied before it. */
  readonly eventsBefore: number;
  readonly pc: bigint;
  /** 8 bytes over the registers. */
  readonly registerDigest: Uint8Array;
  /** 16 bytes over the whole state. */
  readonly stateDigest: Uint8Array;
}

/**
 * What the machine had let out when landmark `landmark` was taken. Absent where nothing came since
 * the last.
 */
export interface LoggedOutput {
  readonly landmark: number;
  /** Bytes let out since power-on, all channels. */
  readonly totalBytes: number;
  /** 16 bytes over all that was let out. */
  readonly digest: Uint8Array;
}

export const EVENT_CHECK_DIGEST_BYTES = 4;
export const REGISTER_DIGEST_BYTES = 8;
export const STATE_DIGEST_BYTES = 16;
export const OUTPUT_DIGEST_BYTES = 16;
/** Bound on wakes at one step; a machine that wakes more often without a step is broken. */
export const WAKES_MAX = 2 ** 32;

/** Bits beside the kind's number, which is below 0x40. */
const HAS_CHECK = 0x80;
export const HAS_WAKES = 0x40;

export function encodeEvents(events: readonly LoggedEvent[]): Uint8Array {
  const first = events[0];
  assert(first !== undefined, 'an empty batch');
  const writer = new ByteWriter()
    .uvarint(first.number)
    .uvarint(first.at.step)
    .uvarint(events.length);
  let step = first.at.step;
  let pc = 0n;
  for (const { at, event, wakes, check } of events) {
    const codec = codecOf(event);
    const bits = (check === undefined ? 0 : HAS_CHECK) | (wakes === 0 ? 0 : HAS_WAKES);
    writer.u8(codec.kind | bits).uvarint(at.step - step);
    if (wakes !== 0) writer.uvarint(wakes);
    if (check !== undefined) {
      writeDelta64(writer, check.pc - pc);
      writer.bytes(exactly(check.registerDigest, EVENT_CHECK_DIGEST_BYTES));
      pc = check.pc;
    }
    codec.encode(writer, event);
    step = at.step;
  }
  return writer.toBytes();
}

/**
 * One at a time, so that a reader need not hold a batch. `expected` is the number of its first
 * event.
 */
export function* decodeEvents(reader: ByteReader, expected: number): Generator<LoggedEvent, void> {
  let { step, count, number } = readBatchHead(reader, expected, EVENT_MIN_BYTES);
  let pc = 0n;
  for (; count > 0; count--, number++) {
    const at = reader.fileOffset;
    const tag = reader.u8();
    const codec = codecOfNumber(tag & 0x3f, at);
    step = addStep(step, reader);
    const wakes = (tag & HAS_WAKES) === 0 ? 0 : readWakes(reader);
    let check: EventCheck | undefined;
    if ((tag & HAS_CHECK) !== 0) {
      pc = BigInt.asUintN(64, pc + readDelta64(reader));
      check = { pc, registerDigest: reader.bytes(EVENT_CHECK_DIGEST_BYTES).slice() };
    }
    yield { number, at: { step }, wakes, check, event: codec.decode(reader) };
  }
  expectEnd(reader);
}

export function encodeLandmarks(landmarks: readonly LoggedLandmark[]): Uint8Array {
  const first = landmarks[0];
  assert(first !== undefined, 'an empty batch');
  const writer = new ByteWriter().uvarint(first.number).uvarint(first.at.step);
  writer.uvarint(landmarks.length).uvarint(first.eventsBefore);
  let step = first.at.step;
  let eventsBefore = first.eventsBefore;
  let pc = 0n;
  for (const landmark of landmarks) {
    writer.uvarint(landmark.at.step - step).uvarint(landmark.eventsBefore - eventsBefore);
    writeDelta64(writer, landmark.pc - pc);
    writer.bytes(exactly(landmark.registerDigest, REGISTER_DIGEST_BYTES));
    writer.bytes(exactly(landmark.stateDigest, STATE_DIGEST_BYTES));
    ({ pc, eventsBefore } = landmark);
    step = landmark.at.step;
  }
  return writer.toBytes();
}

export function* decodeLandmarks(
  reader: ByteReader,
  expected: number,
): Generator<LoggedLandmark, void> {
  let { step, count, number } = readBatchHead(reader, expected, LANDMARK_MIN_BYTES);
  let eventsBefore = reader.uvarint();
  let pc = 0n;
  for (; count > 0; count--, number++) {
    step = addStep(step, reader);
    eventsBefore = addStep(eventsBefore, reader);
    pc = BigInt.asUintN(64, pc + readDelta64(reader));
    const registerDigest = reader.bytes(REGISTER_DIGEST_BYTES).slice();
    const stateDigest = reader.bytes(STATE_DIGEST_BYTES).slice();
    yield { number, at: { step }, eventsBefore, pc, registerDigest, stateDigest };
  }
  expectEnd(reader);
}

export function encodeOutputs(outputs: readonly LoggedOutput[]): Uint8Array {
  const writer = new ByteWriter().uvarint(outputs.length);
  let [landmark, totalBytes] = [0, 0];
  for (const output of outputs) {
    writer.uvarint(output.landmark - landmark).uvarint(output.totalBytes - totalBytes);
    writer.bytes(exactly(output.digest, OUTPUT_DIGEST_BYTES));
    ({ landmark, totalBytes } = output);
  }
  return writer.toBytes();
}

export function* decodeOutputs(reader: ByteReader): Generator<LoggedOutput, void> {
  let count = readCount(reader, OUTPUT_MIN_BYTES);
  let [landmark, totalBytes] = [0, 0];
  for (; count > 0; count--) {
    landmark = addStep(landmark, reader);
    totalBytes = addStep(totalBytes, reader);
    yield { landmark, totalBytes, digest: reader.bytes(OUTPUT_DIGEST_BYTES).slice() };
  }
  expectEnd(reader);
}

/**
 * Least bytes of a record: a count that the bytes left cannot hold is refused before it is
 * believed.
 */
const EVENT_MIN_BYTES = 3;
const LANDMARK_MIN_BYTES = 3 + REGISTER_DIGEST_BYTES + STATE_DIGEST_BYTES;
const OUTPUT_MIN_BYTES = 2 + OUTPUT_DIGEST_BYTES;

export function readBatchHead(
  reader: ByteReader,
  expected: number,
  recordBytes: number,
): { number: number; step: number; count: number } {
  const at = reader.fileOffset;
  const number = reader.uvarint();
  if (number !== expected) {
    throw new MalformedError(`record number ${number} where ${expected} is due`, at);
  }
  const step = reader.uvarint();
  return { number, step, count: readCount(reader, recordBytes) };
}

export function readCount(reader: ByteReader, recordBytes: number): number {
  const at = reader.fileOffset;
  const count = reader.uvarint();
  if (count * recordBytes > reader.remaining) {
    throw new MalformedError(`${count} records in ${reader.remaining} bytes`, at);
  }
  return count;
}

export function addStep(step: number, reader: ByteReader): number {
  const at = reader.fileOffset;
  const sum = step + reader.uvarint();
  if (!Number.isSafeInteger(sum)) throw new MalformedError('a number grows above 2^53', at);
  return sum;
}

export function readWakes(reader: ByteReader): number {
  const at = reader.fileOffset;
  const wakes = reader.uvarint();
  if (wakes < 1 || wakes > WAKES_MAX) throw new MalformedError(`${wakes} wakes at one step`, at);
  return wakes;
}

export function expectEnd(reader: ByteReader): void {
  if (reader.remaining > 0) {
    throw new MalformedError(`${reader.remaining} bytes after the last record`, reader.fileOffset);
  }
}

export function exactly(bytes: Uint8Array, count: number): Uint8Array {
  assert(bytes.length === count, `digest of ${bytes.length} bytes, not ${count}`);
  return bytes;
}

/** A difference modulo 2^64 as zigzag LEB128, 1 to 10 bytes. */
export function writeDelta64(writer: ByteWriter, difference: bigint): void {
  const signed = BigInt.asIntN(64, difference);
  let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
  while (rest >= 0x80n) {
    writer.u8(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  writer.u8(Number(rest));
}

export function readDelta64(reader: ByteReader): bigint {
  const start = reader.fileOffset;
  let value = 0n;
  for (let count = 0; count < 10; count++) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << BigInt(7 * count);
    if (byte >= 0x80) continue;
    if ((byte === 0 && count > 0) || value >= 2n ** 64n) break;
    return (value >> 1n) ^ -(value & 1n);
  }
  throw new MalformedError('64-bit varint is not minimal or too large', start);
}
