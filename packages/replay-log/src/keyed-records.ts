/**
 * Batches of records whose places are named as a performance counter names them: by transfers of
 * control, pc and, in some logs, a register. No step stands in them. Else they are as those of
 * records.ts: absolute at a batch's start, differences inside.
 *
 * Invariants: counts never fall within a batch; record numbers are consecutive from 0 through the
 * log; all keys of a batch have the same parts.
 */
import { assert, type ByteReader, ByteWriter, MalformedError } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { branchKey, type TimePointKey } from '@casmotion/time-point';
import { codecOf, codecOfNumber } from './event-codecs.ts';
import {
  addStep,
  EVENT_CHECK_DIGEST_BYTES,
  exactly,
  expectEnd,
  HAS_WAKES,
  readBatchHead,
  readDelta64,
  readWakes,
  REGISTER_DIGEST_BYTES,
  STATE_DIGEST_BYTES,
  writeDelta64,
} from './records.ts';

/** An event of a log with keys. */
export interface KeyedEvent {
  /** From 0 through the log. */
  readonly number: number;
  readonly key: TimePointKey;
  /** As of `LoggedEvent`. */
  readonly wakes: number;
  /** The first 4 bytes of the register digest just before it. */
  readonly registerDigest: Uint8Array;
  readonly event: MachineEvent;
}

/** A landmark of a log with keys. */
export interface KeyedLandmark {
  readonly number: number;
  readonly key: TimePointKey;
  /** Events applied before it. */
  readonly eventsBefore: number;
  /** 8 bytes over the registers. */
  readonly registerDigest: Uint8Array;
  /** 16 bytes over the whole state. */
  readonly stateDigest: Uint8Array;
}

export function encodeKeyedEvents(events: readonly KeyedEvent[]): Uint8Array {
  const keys = new KeyWriter(events);
  const { writer } = keys;
  for (const { key, event, wakes, registerDigest } of events) {
    const codec = codecOf(event);
    writer.u8(codec.kind | (wakes === 0 ? 0 : HAS_WAKES));
    keys.write(key);
    if (wakes !== 0) writer.uvarint(wakes);
    writer.bytes(exactly(registerDigest, EVENT_CHECK_DIGEST_BYTES));
    codec.encode(writer, event);
  }
  return writer.toBytes();
}

export function* decodeKeyedEvents(
  reader: ByteReader,
  expected: number,
): Generator<KeyedEvent, void> {
  const { number: first, count, keys } = readHead(reader, expected, EVENT_MIN_BYTES);
  for (let number = first; number < first + count; number++) {
    const at = reader.fileOffset;
    const tag = reader.u8();
    if ((tag & RESERVED) !== 0) throw new MalformedError(`event tag ${tag}`, at);
    const codec = codecOfNumber(tag & 0x3f, at);
    const key = keys.read();
    const wakes = (tag & HAS_WAKES) === 0 ? 0 : readWakes(reader);
    const registerDigest = reader.bytes(EVENT_CHECK_DIGEST_BYTES).slice();
    yield { number, key, wakes, registerDigest, event: codec.decode(reader) };
  }
  expectEnd(reader);
}

export function encodeKeyedLandmarks(landmarks: readonly KeyedLandmark[]): Uint8Array {
  const keys = new KeyWriter(landmarks);
  const { writer } = keys;
  let eventsBefore = 0;
  for (const landmark of landmarks) {
    keys.write(landmark.key);
    writer.uvarint(landmark.eventsBefore - eventsBefore);
    writer.bytes(exactly(landmark.registerDigest, REGISTER_DIGEST_BYTES));
    writer.bytes(exactly(landmark.stateDigest, STATE_DIGEST_BYTES));
    ({ eventsBefore } = landmark);
  }
  return writer.toBytes();
}

export function* decodeKeyedLandmarks(
  reader: ByteReader,
  expected: number,
): Generator<KeyedLandmark, void> {
  const { number: first, count, keys } = readHead(reader, expected, LANDMARK_MIN_BYTES);
  let eventsBefore = 0;
  for (let number = first; number < first + count; number++) {
    const key = keys.read();
    eventsBefore = addStep(eventsBefore, reader);
    const registerDigest = reader.bytes(REGISTER_DIGEST_BYTES).slice();
    const stateDigest = reader.bytes(STATE_DIGEST_BYTES).slice();
    yield { number, key, eventsBefore, registerDigest, stateDigest };
  }
  expectEnd(reader);
}

/** Beside the kind's number in a tag; other than in records.ts the check is always there. */
const RESERVED = 0x80;
const EVENT_MIN_BYTES = 4 + EVENT_CHECK_DIGEST_BYTES;
const LANDMARK_MIN_BYTES = 3 + REGISTER_DIGEST_BYTES + STATE_DIGEST_BYTES;
/** The byte after a batch's head: which parts its keys have. */
const PARTS = { pc: 0, register: 1 } as const;

/** Starts a batch, then writes keys as differences. */
class KeyWriter {
  readonly writer = new ByteWriter();
  readonly #hasRegister: boolean;
  #count: number;
  #pc = 0n;
  #register = 0n;

  constructor(records: readonly { readonly number: number; readonly key: TimePointKey }[]) {
    const [first] = records;
    assert(first !== undefined, 'an empty batch');
    this.#count = first.key.count;
    this.#hasRegister = first.key.register !== undefined;
    this.writer.uvarint(first.number).uvarint(this.#count).uvarint(records.length);
    this.writer.u8(this.#hasRegister ? PARTS.register : PARTS.pc);
  }

  write({ counter, count, pc, register }: TimePointKey): void {
    assert(counter === 'branches' && pc !== undefined, 'a key by branches');
    assert((register !== undefined) === this.#hasRegister, 'keys of the same parts');
    this.writer.uvarint(count - this.#count);
    writeDelta64(this.writer, pc - this.#pc);
    if (register !== undefined) writeDelta64(this.writer, register - this.#register);
    this.#count = count;
    this.#pc = pc;
    this.#register = register ?? 0n;
  }
}

class KeyReader {
  readonly #reader: ByteReader;
  readonly #hasRegister: boolean;
  #count: number;
  #pc = 0n;
  #register = 0n;

  constructor(reader: ByteReader, count: number) {
    this.#reader = reader;
    this.#count = count;
    const at = reader.fileOffset;
    const parts = reader.u8();
    if (parts > PARTS.register) throw new MalformedError(`keys of parts ${parts}`, at);
    this.#hasRegister = parts === PARTS.register;
  }

  read(): TimePointKey {
    const reader = this.#reader;
    this.#count = addStep(this.#count, reader);
    this.#pc = BigInt.asUintN(64, this.#pc + readDelta64(reader));
    if (!this.#hasRegister) return branchKey(this.#count, this.#pc);
    this.#register = BigInt.asUintN(64, this.#register + readDelta64(reader));
    return branchKey(this.#count, this.#pc, this.#register);
  }
}

function readHead(
  reader: ByteReader,
  expected: number,
  recordBytes: number,
): { readonly number: number; readonly count: number; readonly keys: KeyReader } {
  const { number, step, count } = readBatchHead(reader, expected, recordBytes);
  return { number, count, keys: new KeyReader(reader, step) };
}
