/**
 * Writes a log to a sink, front to back. Records are gathered and written in batches by {@link
 * LogWriter.flush}, so that a recorder that dies leaves whole chunks up to the last flush.
 *
 * Invariants: the header is first and the footer last; steps never fall, or counts of keys; a log
 * names all of its places by steps or all by keys; a landmark's events are in the file before it;
 * nothing is written after `finish`.
 */
import { assert, ByteWriter, fromHex } from '@casmotion/base';
import type { EventKind, MachineEvent } from '@casmotion/events';
import { CHUNK_TYPES, encodeChunk, encodePreamble, FLAG_OPTIONAL, type LogTools } from './chunk.ts';
import { encodeFooter, type LogFooter } from './footer.ts';
import { encodeHeader, type LogHeader } from './header.ts';
import {
  encodeImagePiece,
  IMAGE_MAX_BYTES,
  IMAGE_PIECE_BYTES,
  type ImageKey,
  type ImageSource,
} from './images.ts';
import { encodeOrigins, type OriginRecord } from './origins.ts';
import {
  encodeKeyedEvents,
  encodeKeyedLandmarks,
  type KeyedEvent,
  type KeyedLandmark,
} from './keyed-records.ts';
import {
  encodeEvents,
  encodeLandmarks,
  encodeOutputs,
  type EventCheck,
  type LoggedEvent,
  type LoggedLandmark,
  type LoggedOutput,
} from './records.ts';
import { encodeSequences, type LoggedSequence } from './sequences.ts';

/**
 * Where a log's bytes go. Throws `VmError` where they cannot (a full disk); the log then ends
 * there.
 */
export interface LogSink {
  write(bytes: Uint8Array): void;
  /** Returns when everything written before is safe from a crash of the machine. */
  sync(): void;
}

/** What is known at the end; the writer counts the rest itself. */
export type FooterInput = Omit<LogFooter, 'events' | 'landmarks'>;

export class LogWriter {
  readonly #sink: LogSink;
  readonly #tools: LogTools;
  readonly #index = new ByteWriter();
  #chain: number;
  #sizeBytes = 0;
  #eventCount = 0;
  #landmarkCount = 0;
  /** Or count of a key. */
  #lastStep = 0;
  #isKeyed: boolean | undefined;
  #pendingEventBytes = 0;
  #events: LoggedEvent[] = [];
  #landmarks: LoggedLandmark[] = [];
  #keyedEvents: KeyedEvent[] = [];
  #keyedLandmarks: KeyedLandmark[] = [];
  #outputs: LoggedOutput[] = [];
  #origins: OriginRecord[] = [];
  #sequences: LoggedSequence[] = [];
  readonly #counts: { [K in EventKind]?: number } = {};
  #isFinished = false;

  /** Writes the preamble and the header, in one piece: a sink has both or nothing. */
  constructor(sink: LogSink, tools: LogTools, header: LogHeader) {
    this.#sink = sink;
    this.#tools = tools;
    const { bytes, chain } = encodePreamble(tools.hashes);
    this.#chain = chain;
    this.#chunk(CHUNK_TYPES.header, 0, encodeHeader(header), 0, bytes);
  }

  /** Bytes given to the sink so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get landmarkCount(): number {
    return this.#landmarkCount;
  }

  /** Events so far by kind. */
  get counts(): { readonly [K in EventKind]?: number } {
    return { ...this.#counts };
  }

  /**
   * Stores an image, read and written in pieces. `key` must be its true digest and size. Throws
   * what the source and the sink throw.
   */
  image(key: ImageKey, source: ImageSource): void {
    const digest = fromHex(key.digestHex);
    assert(digest?.length === 32 && key.sizeBytes === source.sizeBytes, 'image key');
    assert(key.sizeBytes <= IMAGE_MAX_BYTES, `image of ${key.sizeBytes} bytes`);
    for (let offset = 0; offset === 0 || offset < source.sizeBytes; offset += IMAGE_PIECE_BYTES) {
      const bytes = new Uint8Array(Math.min(IMAGE_PIECE_BYTES, source.sizeBytes - offset));
      source.read(offset, bytes);
      const piece = { ...key, offset, bytes };
      this.#chunk(CHUNK_TYPES.image, 0, encodeImagePiece(piece, digest));
    }
  }

  /** Appends an event; gives its number. See {@link LoggedEvent} for `wakes`. */
  event(step: number, event: MachineEvent, check: EventCheck | undefined, wakes = 0): number {
    this.#advance(step, false);
    const number = this.#eventCount;
    this.#events.push({ number, at: { step }, wakes, check, event });
    this.#countEvent(event);
    return number;
  }

  /** Appends an event of a log with keys; gives its number. */
  keyedEvent(event: Omit<KeyedEvent, 'number'>): number {
    this.#advance(event.key.count, true);
    const number = this.#eventCount;
    this.#keyedEvents.push({ ...event, number });
    this.#countEvent(event.event);
    return number;
  }

  /**
   * Appends what is known of where the event written next comes from. Given before it, so that a
   * log cut short has the origin of every event that it has.
   */
  origin(record: OriginRecord): void {
    assert(record.event === this.#eventCount, `origin of event ${record.event}`);
    this.#origins.push(record);
    if (this.#origins.length >= BATCH_ORIGINS) this.flush();
  }

  /** Appends a landmark with the events given so far before it; gives its number. */
  landmark(landmark: Omit<LoggedLandmark, 'number' | 'eventsBefore'>): number {
    this.#advance(landmark.at.step, false);
    const number = this.#landmarkCount++;
    const { at, pc, registerDigest, stateDigest } = landmark;
    const eventsBefore = this.#eventCount;
    this.#landmarks.push({ number, at, eventsBefore, pc, registerDigest, stateDigest });
    if (this.#landmarks.length >= BATCH_LANDMARKS) this.flush();
    return number;
  }

  /** Appends a landmark of a log with keys, as {@link landmark}. */
  keyedLandmark(landmark: Omit<KeyedLandmark, 'number' | 'eventsBefore'>): number {
    this.#advance(landmark.key.count, true);
    const number = this.#landmarkCount++;
    this.#keyedLandmarks.push({ ...landmark, number, eventsBefore: this.#eventCount });
    if (this.#keyedLandmarks.length >= BATCH_LANDMARKS) this.flush();
    return number;
  }

  /** Appends what the machine has let out at the landmark written last. */
  output(totalBytes: number, digest: Uint8Array): void {
    assert(this.#landmarkCount > 0, 'an output digest belongs to a landmark');
    this.#outputs.push({ landmark: this.#landmarkCount - 1, totalBytes, digest });
  }

  /** Appends what the recorder knows of the events that it has applied, whatever was written. */
  sequence(sequence: LoggedSequence): void {
    this.#sequences.push(sequence);
  }

  /** Writes what was gathered, as chunks. Cheap if there is nothing. */
  flush(): void {
    const { events, landmarks, outputs, keyedEvents, keyedLandmarks } = CHUNK_TYPES;
    const [firstEvent, firstLandmark] = [this.#events[0], this.#landmarks[0]];
    const [firstKeyed, firstPlace] = [this.#keyedEvents[0], this.#keyedLandmarks[0]];
    if (this.#origins.length > 0) {
      this.#chunk(CHUNK_TYPES.origins, FLAG_OPTIONAL, encodeOrigins(this.#origins));
    }
    if (firstEvent !== undefined)
      this.#chunk(events, 0, encodeEvents(this.#events), firstEvent.at.step);
    if (firstKeyed !== undefined)
      this.#chunk(keyedEvents, 0, encodeKeyedEvents(this.#keyedEvents), firstKeyed.key.count);
    // Before their landmarks, so that in a log cut short every landmark has its output.
    if (this.#outputs.length > 0) this.#chunk(outputs, 0, encodeOutputs(this.#outputs));
    if (this.#sequences.length > 0) {
      const payload = encodeSequences(this.#sequences);
      this.#chunk(CHUNK_TYPES.sequences, FLAG_OPTIONAL, payload);
    }
    if (firstLandmark !== undefined) {
      this.#chunk(landmarks, 0, encodeLandmarks(this.#landmarks), firstLandmark.at.step);
    }
    if (firstPlace !== undefined) {
      const payload = encodeKeyedLandmarks(this.#keyedLandmarks);
      this.#chunk(keyedLandmarks, 0, payload, firstPlace.key.count);
    }
    this.#events = [];
    this.#landmarks = [];
    this.#keyedEvents = [];
    this.#keyedLandmarks = [];
    this.#outputs = [];
    this.#origins = [];
    this.#sequences = [];
    this.#pendingEventBytes = 0;
  }

  /** Flushes, and asks the sink to make it safe. */
  sync(): void {
    this.flush();
    this.#sink.sync();
  }

  /**
   * Writes the rest, the index and the footer. The log is complete; its sink is the caller's to
   * close.
   */
  finish(footer: FooterInput): LogFooter {
    this.flush();
    const whole = { ...footer, events: this.counts, landmarks: this.#landmarkCount };
    if (this.#index.size <= INDEX_MAX_BYTES) {
      this.#chunk(CHUNK_TYPES.index, FLAG_OPTIONAL, this.#index.toBytes());
    }
    this.#chunk(CHUNK_TYPES.footer, 0, encodeFooter(whole));
    this.#isFinished = true;
    this.#sink.sync();
    return whole;
  }

  #countEvent(event: MachineEvent): void {
    this.#eventCount++;
    this.#counts[event.kind] = (this.#counts[event.kind] ?? 0) + 1;
    this.#pendingEventBytes += EVENT_BYTES + contentBytes(event);
    if (this.#pendingEventBytes >= BATCH_BYTES) this.flush();
  }

  #advance(step: number, isKeyed: boolean): void {
    assert((this.#isKeyed ??= isKeyed) === isKeyed, 'steps and keys in one log');
    assert(step >= this.#lastStep, `step ${step} after ${this.#lastStep}`);
    this.#lastStep = step;
  }

  /** `before`: the preamble, in front of the first chunk. */
  #chunk(
    type: number,
    flags: number,
    payload: Uint8Array,
    firstStep = 0,
    before: Uint8Array = new Uint8Array(0),
  ): void {
    assert(!this.#isFinished, 'the log is finished');
    const { bytes, chain } = encodeChunk(this.#tools, this.#chain, { type, flags, payload });
    this.#chain = chain;
    this.#index.u8(type).uvarint(bytes.length).uvarint(firstStep);
    const piece = new ByteWriter(before.length + bytes.length).bytes(before).bytes(bytes).toBytes();
    this.#sink.write(piece);
    this.#sizeBytes += piece.length;
  }
}

/** Raw bytes of events after which a batch is written unasked. */
const BATCH_BYTES = 2 ** 16;
/** About what a record has beside the bytes that came from outside. */
const EVENT_BYTES = 24;
const BATCH_LANDMARKS = 1024;
const BATCH_ORIGINS = 1024;
/** A log of a million chunks has no index; readers do without. */
const INDEX_MAX_BYTES = 2 ** 22;

/** Of what came from outside, within a few bytes a part. */
function contentBytes(event: MachineEvent): number {
  if (event.kind === 'peer-request') {
    return event.request.kind === 'copy-to' ? event.request.bytes.length : 0;
  }
  if ('runs' in event) return event.runs.reduce((sum, run) => sum + run.bytes.length + 4, 0);
  if ('bytes' in event) return event.bytes.length;
  return event.kind === 'marker' ? event.text.length : 0;
}
