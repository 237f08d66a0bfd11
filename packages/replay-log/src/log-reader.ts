/**
 * Reads a log from a random-access source. Opening checks the whole chain of checksums first, so
 * that nothing is replayed from a log that is damaged further on; records are decoded later, in
 * order, a batch at a time.
 *
 * Invariants: every chunk in `chunks` is whole and has its place in the chain; `isComplete` exactly
 * if the last of them is the footer and the file ends with it; else `cut` says where the file stops
 * being a log.
 */
import { assert, ByteReader, toHex, VmError } from '@casmotion/base';
import type { EventKind, MachineEvent } from '@casmotion/events';
import {
  checkChunkBody,
  CHUNK_HEAD_BYTES,
  CHUNK_OVERHEAD_BYTES,
  CHUNK_TYPES,
  type ChunkInfo,
  decodeChunkHead,
  decodePreamble,
  FLAG_OPTIONAL,
  FLAG_ZSTD,
  KNOWN_FLAGS,
  type LogTools,
  PREAMBLE_BYTES,
  unpack,
} from './chunk.ts';
import {
  HeaderCutError,
  KeyedLogError,
  LogContentError,
  LogDamagedError,
  UnknownChunkError,
} from './errors.ts';
import { decodeFooter, type EventCounts, type LogFooter } from './footer.ts';
import { decodeHeader, type LogHeader } from './header.ts';
import {
  decodeImagePiece,
  type ImageKey,
  type ImageSource,
  StoredImage,
  type StoredPiece,
} from './images.ts';
import { decodeOrigins, type OriginRecord } from './origins.ts';
import {
  decodeKeyedEvents,
  decodeKeyedLandmarks,
  type KeyedEvent,
  type KeyedLandmark,
} from './keyed-records.ts';
import {
  decodeEvents,
  decodeLandmarks,
  decodeOutputs,
  type LoggedEvent,
  type LoggedLandmark,
  type LoggedOutput,
} from './records.ts';
import { decodeSequences, type LoggedSequence } from './sequences.ts';

/** A file or a buffer. */
export interface LogSource {
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset`; both inside the source. Throws `VmError` if it cannot.
   */
  read(offset: number, length: number): Uint8Array;
}

/** Where and how a log ends that was not finished. */
export interface LogCut {
  /** The file is believed up to here: the end of its last whole chunk. */
  readonly atByte: number;
  /** Bytes after that place, not used. */
  readonly lostBytes: number;
  /** Why: nothing follows, half a chunk follows, blank bytes follow, or (salvaged only) damage. */
  readonly reason: 'no-footer' | 'half-chunk' | 'blank' | 'damage';
  /** The damage that ended a salvaged log. */
  readonly damage: LogDamagedError | undefined;
}

export interface OpenOptions {
  /** True: a damaged log is read up to the damage, as if it were cut there. Default: refused. */
  readonly isSalvage?: boolean;
}

/**
 * Opens a log and checks every byte of it. Throws `NotALogError`, `HeaderCutError`,
 * `LogVersionError`, `LogDamagedError`, `UnknownChunkError` or `LogContentError`; a log that was
 * cut short is opened, and says so in `cut`.
 */
export function openLog(source: LogSource, tools: LogTools, options: OpenOptions = {}): LogReader {
  return new LogReader(source, tools, options.isSalvage ?? false);
}

export class LogReader {
  /** Bytes of the whole file. */
  readonly sizeBytes: number;
  readonly version: number;
  readonly header: LogHeader;
  readonly chunks: readonly ChunkInfo[];
  /** Images stored in the log, whole or not. */
  readonly images: readonly ImageKey[];
  /** True: its places are keys, not steps. False also where it has no place at all. */
  readonly isKeyed: boolean;
  readonly footer: LogFooter | undefined;
  readonly cut: LogCut | undefined;
  readonly #source: LogSource;
  readonly #tools: LogTools;
  readonly #pieces = new Map<string, StoredPiece[]>();

  /** Use {@link openLog}. */
  constructor(source: LogSource, tools: LogTools, isSalvage: boolean) {
    this.#source = source;
    this.#tools = tools;
    this.sizeBytes = source.sizeBytes;
    const scan = scanChunks(source, tools, isSalvage);
    this.version = scan.version;
    this.chunks = scan.chunks;
    this.cut = scan.cut;
    refuseUnknown(this.chunks);
    const [first] = this.chunks;
    if (first === undefined) {
      throw this.cut?.damage ?? new HeaderCutError(PREAMBLE_BYTES, source.sizeBytes);
    }
    if (first.type !== CHUNK_TYPES.header) {
      throw new LogContentError('it does not start with a header', {
        chunk: 0,
        fileOffset: PREAMBLE_BYTES,
      });
    }
    this.header = this.#decode(first, (reader) =>
      decodeHeader(reader.bytes(reader.end), first.fileOffset),
    );
    this.images = this.#findImages();
    this.isKeyed = this.#findKeys();
    const last = this.chunks.at(-1);
    this.footer =
      last?.type === CHUNK_TYPES.footer && this.cut === undefined
        ? this.#decode(last, decodeFooter)
        : undefined;
  }

  get chunkCount(): number {
    return this.chunks.length;
  }

  /** True if the recording was closed in order and all of it is here. */
  get isComplete(): boolean {
    return this.footer !== undefined;
  }

  /**
   * All events in order. Checks numbers and order, and at the end the footer's counts. Throws
   * {@link KeyedLogError} where places are keys.
   */
  *events(): Generator<LoggedEvent, void> {
    if (this.isKeyed) throw new KeyedLogError();
    yield* this.#eventsOf(CHUNK_TYPES.events, decodeEvents, ({ at }) => at.step);
  }

  /** All landmarks in order. Throws {@link KeyedLogError} where places are keys. */
  *landmarks(): Generator<LoggedLandmark, void> {
    if (this.isKeyed) throw new KeyedLogError();
    yield* this.#landmarksOf(CHUNK_TYPES.landmarks, decodeLandmarks, ({ at }) => at.step);
  }

  /** All events of a log with keys, in order and checked as {@link events}; of another none. */
  *keyedEvents(): Generator<KeyedEvent, void> {
    if (!this.isKeyed) return;
    yield* this.#eventsOf(CHUNK_TYPES.keyedEvents, decodeKeyedEvents, ({ key }) => key.count);
  }

  *keyedLandmarks(): Generator<KeyedLandmark, void> {
    if (!this.isKeyed) return;
    const { keyedLandmarks } = CHUNK_TYPES;
    yield* this.#landmarksOf(keyedLandmarks, decodeKeyedLandmarks, ({ key }) => key.count);
  }

  *#eventsOf<T extends { readonly event: MachineEvent }>(
    type: number,
    decode: Decode<T>,
    countOf: (event: T) => number,
  ): Generator<T, void> {
    const counts: { [K in EventKind]?: number } = {};
    let [number, count] = [0, 0];
    for (const chunk of this.#ofType(type)) {
      const first = number;
      for (const event of this.#records(chunk, (reader) => decode(reader, first))) {
        if (countOf(event) < count)
          throw new LogContentError('an event before the one before', place(chunk));
        count = countOf(event);
        number++;
        counts[event.event.kind] = (counts[event.event.kind] ?? 0) + 1;
        yield event;
      }
    }
    this.#expectCounts(counts, number);
  }

  *#landmarksOf<T extends { readonly eventsBefore: number }>(
    type: number,
    decode: Decode<T>,
    countOf: (landmark: T) => number,
  ): Generator<T, void> {
    let [number, count, eventsBefore] = [0, 0, 0];
    for (const chunk of this.#ofType(type)) {
      const first = number;
      for (const landmark of this.#records(chunk, (reader) => decode(reader, first))) {
        if (countOf(landmark) < count || landmark.eventsBefore < eventsBefore) {
          throw new LogContentError('a landmark before the one before', place(chunk));
        }
        count = countOf(landmark);
        eventsBefore = landmark.eventsBefore;
        number++;
        yield landmark;
      }
    }
    const total = this.footer?.landmarks ?? number;
    if (total !== number) this.#refuseTotals(`${number} landmarks, ${total} in the footer`);
  }

  /** Output digests in order of their landmarks. */
  *outputs(): Generator<LoggedOutput, void> {
    for (const chunk of this.#ofType(CHUNK_TYPES.outputs)) {
      yield* this.#records(chunk, decodeOutputs);
    }
  }

  /** Where events came from, in their order; none in a log of a machine that is alone. */
  *origins(): Generator<OriginRecord, void> {
    let event = 0;
    for (const chunk of this.#ofType(CHUNK_TYPES.origins)) {
      for (const record of this.#records(chunk, decodeOrigins)) {
        if (record.event < event) {
          throw new LogContentError('an origin before the one before', place(chunk));
        }
        ({ event } = record);
        yield record;
      }
    }
  }

  /**
   * What the recorder knew of the events that it applied, in order; none in a log that is older.
   */
  *sequences(): Generator<LoggedSequence, void> {
    let events = 0;
    for (const chunk of this.#ofType(CHUNK_TYPES.sequences)) {
      for (const sequence of this.#records(chunk, decodeSequences)) {
        if (sequence.events < events) {
          throw new LogContentError('a sequence digest before the one before', place(chunk));
        }
        ({ events } = sequence);
        yield sequence;
      }
    }
  }

  /**
   * The content of a stored image, checked against its digest; undefined where it is not stored.
   * For images that fit in memory; others are read by pieces: {@link imageSource}.
   */
  readImage(digestHex: string): Uint8Array | undefined {
    const source = this.imageSource(digestHex);
    if (source === undefined) return undefined;
    if (source.sizeBytes > READ_IMAGE_MAX_BYTES) {
      throw new VmError('an image stored in the log is too large to be read at once', {
        expected: `at most ${READ_IMAGE_MAX_BYTES} bytes`,
        found: `${source.sizeBytes}`,
      });
    }
    const image = new Uint8Array(source.sizeBytes);
    source.read(0, image);
    const found = toHex(this.#tools.hashes.blake3(image));
    if (found === digestHex) return image;
    throw new VmError('an image stored in the log is not whole', {
      expected: `BLAKE3 ${digestHex}`,
      found,
      next: 'give the image itself: --image-dir DIR',
    });
  }

  /**
   * A stored image, read where it is, a piece at a time; undefined where it is not stored. That its
   * digest is the true one is for the caller to check.
   */
  imageSource(digestHex: string): ImageSource | undefined {
    const chunks = this.#pieces.get(digestHex);
    const key = this.images.find((image) => image.digestHex === digestHex);
    if (chunks === undefined || key === undefined) return undefined;
    return new StoredImage(key.sizeBytes, chunks, (chunk) => this.#decode(chunk, decodeImagePiece));
  }

  /** Checks the sizes of pieces, so that a later allocation is bounded by what the file holds. */
  #findImages(): ImageKey[] {
    const images = new Map<string, ImageKey & { held: number }>();
    for (const chunk of this.#ofType(CHUNK_TYPES.image)) {
      const { digestHex, sizeBytes, offset, bytes } = this.#decode(chunk, decodeImagePiece);
      const image = images.get(digestHex) ?? { digestHex, sizeBytes, held: 0 };
      if (image.sizeBytes !== sizeBytes || image.held !== offset) {
        throw new LogContentError('pieces of an image do not follow each other', place(chunk));
      }
      images.set(digestHex, { digestHex, sizeBytes, held: offset + bytes.length });
      const pieces = this.#pieces.get(digestHex) ?? [];
      pieces.push({ ...chunk, imageOffset: offset });
      this.#pieces.set(digestHex, pieces);
    }
    const whole = [...images.values()].filter(({ held, sizeBytes }) => held === sizeBytes);
    return whole.map(({ digestHex, sizeBytes }) => ({ digestHex, sizeBytes }));
  }

  /** A log names its places in one way. */
  #findKeys(): boolean {
    const { events, landmarks, keyedEvents, keyedLandmarks } = CHUNK_TYPES;
    const isStep = ({ type }: ChunkInfo): boolean => type === events || type === landmarks;
    const isKey = ({ type }: ChunkInfo): boolean =>
      type === keyedEvents || type === keyedLandmarks;
    const [byStep, byKey] = [this.chunks.find(isStep), this.chunks.find(isKey)];
    if (byStep !== undefined && byKey !== undefined) {
      const later = byStep.number > byKey.number ? byStep : byKey;
      throw new LogContentError('steps and keys in one log', place(later));
    }
    return byKey !== undefined;
  }

  #ofType(type: number): ChunkInfo[] {
    return this.chunks.filter((chunk) => chunk.type === type);
  }

  #expectCounts(counts: EventCounts, number: number): void {
    if (this.footer === undefined) return;
    const kinds = new Set([
      ...Object.keys(counts),
      ...Object.keys(this.footer.events),
    ]) as Set<EventKind>;
    for (const kind of kinds) {
      const [found, total] = [counts[kind] ?? 0, this.footer.events[kind] ?? 0];
      if (found !== total)
        this.#refuseTotals(`${found} events '${kind}' of ${number}, ${total} in the footer`);
    }
  }

  #refuseTotals(what: string): never {
    const last = this.chunks.at(-1);
    assert(last !== undefined, 'a log has chunks');
    throw new LogContentError(what, place(last));
  }

  /**
   * The reader stands at the payload's start; offsets in errors are the file's where it is not
   * compressed.
   */
  #payload(chunk: ChunkInfo): ByteReader {
    const start = chunk.fileOffset + CHUNK_HEAD_BYTES;
    const stored = this.#source.read(start, chunk.payloadBytes);
    if ((chunk.flags & FLAG_ZSTD) === 0) return new ByteReader(stored, start);
    return new ByteReader(unpack(this.#tools.zstd, stored, start));
  }

  #decode<T>(chunk: ChunkInfo, decode: (reader: ByteReader) => T): T {
    try {
      return decode(this.#payload(chunk));
    } catch (cause) {
      throw inChunk(chunk, cause);
    }
  }

  *#records<T>(
    chunk: ChunkInfo,
    decode: (reader: ByteReader) => Generator<T, void>,
  ): Generator<T, void> {
    const records = this.#decode(chunk, decode);
    for (;;) {
      const next = this.#decodeNext(chunk, records);
      if (next === undefined) return;
      yield next;
    }
  }

  #decodeNext<T>(chunk: ChunkInfo, records: Generator<T, void>): T | undefined {
    try {
      const result = records.next();
      return result.done === true ? undefined : result.value;
    } catch (cause) {
      throw inChunk(chunk, cause);
    }
  }
}

type Decode<T> = (reader: ByteReader, firstNumber: number) => Generator<T, void>;

interface Scan {
  readonly version: number;
  readonly chunks: ChunkInfo[];
  readonly cut: LogCut | undefined;
}

/** Walks the chain from the first byte to the last. */
function scanChunks(source: LogSource, tools: LogTools, isSalvage: boolean): Scan {
  const head = source.read(0, Math.min(PREAMBLE_BYTES, source.sizeBytes));
  const { version, chain: start } = decodePreamble(head, tools.hashes);
  let chain = start;
  const chunks: ChunkInfo[] = [];
  let at = PREAMBLE_BYTES;
  const stop = (reason: LogCut['reason'], damage?: LogDamagedError): Scan => {
    return {
      version,
      chunks,
      cut: { atByte: at, lostBytes: source.sizeBytes - at, reason, damage },
    };
  };
  while (at < source.sizeBytes) {
    let step: ChunkStep | 'half-chunk' | 'blank';
    try {
      step = readChunk(source, tools, { number: chunks.length, fileOffset: at, chain });
    } catch (error) {
      if (!isSalvage || !(error instanceof LogDamagedError)) throw error;
      return stop('damage', error);
    }
    if (typeof step === 'string') return stop(step);
    const last = chunks.at(-1);
    if (last?.type === CHUNK_TYPES.footer) {
      throw new LogContentError('a chunk after the footer', {
        chunk: chunks.length,
        fileOffset: at,
      });
    }
    chunks.push(step.info);
    chain = step.chain;
    at += step.info.payloadBytes + CHUNK_OVERHEAD_BYTES;
  }
  return chunks.at(-1)?.type === CHUNK_TYPES.footer
    ? { version, chunks, cut: undefined }
    : stop('no-footer');
}

interface ChunkStep {
  readonly info: ChunkInfo;
  readonly chain: number;
}

function readChunk(
  source: LogSource,
  tools: LogTools,
  from: { readonly number: number; readonly fileOffset: number; readonly chain: number },
): ChunkStep | 'half-chunk' | 'blank' {
  const { number, fileOffset, chain } = from;
  const left = source.sizeBytes - fileOffset;
  if (left < CHUNK_HEAD_BYTES) return isBlank(source, fileOffset) ? 'blank' : 'half-chunk';
  const place = { chunk: number, fileOffset };
  const bytes = source.read(fileOffset, CHUNK_HEAD_BYTES);
  if (bytes[0] === 0 && isBlank(source, fileOffset)) return 'blank';
  const { type, flags, payloadBytes, head } = decodeChunkHead(bytes, chain, place, tools.hashes);
  if (left < payloadBytes + CHUNK_OVERHEAD_BYTES) return 'half-chunk';
  const body = source.read(fileOffset + CHUNK_HEAD_BYTES, payloadBytes + 4);
  const info = { number, type, flags, fileOffset, payloadBytes };
  return { info, chain: checkChunkBody(body, head, place, tools.hashes) };
}

/** File systems may leave zeros after a crash where bytes were promised. */
function isBlank(source: LogSource, from: number): boolean {
  for (let at = from; at < source.sizeBytes; at += BLANK_STEP_BYTES) {
    const bytes = source.read(at, Math.min(BLANK_STEP_BYTES, source.sizeBytes - at));
    if (bytes.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/**
 * Optional chunks of unknown type are skipped; everything else unknown changes what the log means.
 */
function refuseUnknown(chunks: readonly ChunkInfo[]): void {
  const known = new Set<number>(Object.values(CHUNK_TYPES));
  for (const chunk of chunks) {
    const isOptional = (chunk.flags & FLAG_OPTIONAL) !== 0;
    if (known.has(chunk.type) ? (chunk.flags & ~KNOWN_FLAGS) === 0 : isOptional) continue;
    const what = known.has(chunk.type) ? `flags ${chunk.flags}` : `chunk type ${chunk.type}`;
    throw new UnknownChunkError(what, place(chunk));
  }
}

function place(chunk: ChunkInfo): { chunk: number; fileOffset: number } {
  return { chunk: chunk.number, fileOffset: chunk.fileOffset };
}

/** A decoding error with the chunk it came from; bugs pass through. */
function inChunk(chunk: ChunkInfo, cause: unknown): unknown {
  if (!(cause instanceof VmError) || cause instanceof LogContentError) return cause;
  const isPacked = (chunk.flags & FLAG_ZSTD) !== 0;
  const where = cause.details.where === undefined ? '' : ` at ${cause.details.where}`;
  const inside = isPacked && where !== '' ? `${where} of its decompressed content` : where;
  return new LogContentError(`${cause.message}${inside}`, place(chunk), cause);
}

/** Kernels and the like; no buffer of a host is much larger. */
const READ_IMAGE_MAX_BYTES = 2 ** 31;
const BLANK_STEP_BYTES = 2 ** 16;
