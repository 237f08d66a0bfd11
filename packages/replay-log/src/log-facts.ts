/**
 * What a whole log says of itself, by its index: a few reads at both ends, however long it is. Each
 * chunk that is looked at is checked, with its link to the one before; the others are not. What
 * must be sure of every byte opens the log with `openLog`.
 *
 * Where anything is odd (no index, a log cut short, damage, chunks of a newer writer) there are no
 * facts: `openLog` then finds out what it is.
 */
import { assert, ByteReader, VmError } from '@casmotion/base';
import {
  checkChunkBody,
  CHUNK_HEAD_BYTES,
  CHUNK_OVERHEAD_BYTES,
  CHUNK_TYPES,
  decodeChunkHead,
  decodePreamble,
  FLAG_ZSTD,
  KNOWN_FLAGS,
  type LogTools,
  PAYLOAD_MAX_BYTES,
  PREAMBLE_BYTES,
  unpack,
} from './chunk.ts';
import { decodeFooter, type LogFooter } from './footer.ts';
import { decodeHeader, type LogHeader } from './header.ts';
import { decodeImagePiece, IMAGE_PIECE_BYTES, type ImageKey } from './images.ts';
import type { LogCut, LogSource } from './log-reader.ts';

/** What `LogReader` knows, too. */
export interface LogFacts {
  /** Bytes of the whole file. */
  readonly sizeBytes: number;
  readonly version: number;
  readonly header: LogHeader;
  readonly chunkCount: number;
  /** Images stored in the log, whole. */
  readonly images: readonly ImageKey[];
  readonly footer: LogFooter | undefined;
  readonly cut: LogCut | undefined;
}

/** Throws nothing: undefined where `openLog` has to look, also where the source cannot be read. */
export function readLogFacts(source: LogSource, tools: LogTools): LogFacts | undefined {
  try {
    return readFacts(source, tools);
  } catch (error) {
    if (error instanceof VmError) return undefined;
    throw error;
  }
}

/** A chunk's place by the index; what is in it has not been looked at. */
interface Entry {
  readonly type: number;
  readonly fileOffset: number;
  readonly sizeBytes: number;
}

function readFacts(source: LogSource, tools: LogTools): LogFacts | undefined {
  const { sizeBytes } = source;
  const preamble = source.read(0, Math.min(PREAMBLE_BYTES, sizeBytes));
  const { version } = decodePreamble(preamble, tools.hashes);
  const footerAt = findChunkThatEndsAt(source, sizeBytes, CHUNK_TYPES.footer);
  if (footerAt === undefined) return undefined;
  const indexAt = findChunkThatEndsAt(source, footerAt, CHUNK_TYPES.index);
  if (indexAt === undefined) return undefined;
  const read = <T>(fileOffset: number, end: number, decode: (reader: ByteReader) => T): T =>
    decode(readChunkAlone(source, tools, fileOffset, end - fileOffset));
  const footer = read(footerAt, sizeBytes, decodeFooter);
  const entries = read(indexAt, footerAt, decodeIndex);
  const [first] = entries;
  const last = entries.at(-1);
  const isWhole = last !== undefined && last.fileOffset + last.sizeBytes === indexAt;
  const known = new Set<number>(Object.values(CHUNK_TYPES));
  if (first?.type !== CHUNK_TYPES.header || !isWhole) return undefined;
  if (entries.some(({ type }) => !known.has(type))) return undefined;
  const header = read(PREAMBLE_BYTES, PREAMBLE_BYTES + first.sizeBytes, (reader) =>
    decodeHeader(reader.bytes(reader.end), PREAMBLE_BYTES),
  );
  const images = readImageKeys(source, tools, entries);
  if (images === undefined) return undefined;
  const chunkCount = entries.length + 2;
  return { sizeBytes, version, header, chunkCount, images, footer, cut: undefined };
}

/**
 * Where a chunk of this type starts whose length takes it just to `end`. That its bytes only look
 * so is found when it is checked.
 */
function findChunkThatEndsAt(source: LogSource, end: number, type: number): number | undefined {
  for (let window = FIRST_WINDOW_BYTES; ; window *= WINDOW_GROWTH) {
    const from = Math.max(PREAMBLE_BYTES, end - window);
    const view = new DataView(source.read(from, Math.max(0, end - from)).slice().buffer);
    for (let at = end - CHUNK_OVERHEAD_BYTES; at >= from; at--) {
      const place = at - from;
      if (view.getUint8(place) !== type || (view.getUint8(place + 1) & ~KNOWN_FLAGS) !== 0)
        continue;
      if (view.getUint32(place + 2, true) === end - at - CHUNK_OVERHEAD_BYTES) return at;
    }
    const isSearched = from === PREAMBLE_BYTES || window > PAYLOAD_MAX_BYTES + CHUNK_OVERHEAD_BYTES;
    if (isSearched) return undefined;
  }
}

/** Checks one chunk; the four bytes before it are its link: the check of what comes before. */
function readChunkAlone(
  source: LogSource,
  tools: LogTools,
  fileOffset: number,
  sizeBytes: number,
): ByteReader {
  assert(fileOffset >= PREAMBLE_BYTES, `a chunk at ${fileOffset}`);
  const bytes = source.read(fileOffset - LINK_BYTES, sizeBytes + LINK_BYTES);
  const chain = new ByteReader(bytes).u32();
  const place = { chunk: -1, fileOffset };
  const chunk = bytes.subarray(LINK_BYTES);
  const { flags, head } = decodeChunkHead(
    chunk.subarray(0, CHUNK_HEAD_BYTES),
    chain,
    place,
    tools.hashes,
  );
  checkChunkBody(chunk.subarray(CHUNK_HEAD_BYTES), head, place, tools.hashes);
  const payload = chunk.subarray(CHUNK_HEAD_BYTES, -LINK_BYTES);
  const start = fileOffset + CHUNK_HEAD_BYTES;
  if ((flags & FLAG_ZSTD) === 0) return new ByteReader(payload, start);
  return new ByteReader(unpack(tools.zstd, payload, start));
}

function decodeIndex(reader: ByteReader): Entry[] {
  const entries: Entry[] = [];
  for (let fileOffset = PREAMBLE_BYTES; reader.remaining > 0; ) {
    const type = reader.u8();
    const sizeBytes = reader.uvarint();
    reader.uvarint(); // The step of its first record.
    entries.push({ type, fileOffset, sizeBytes });
    fileOffset += sizeBytes;
  }
  return entries;
}

/** By the first piece of each image; the others follow it. Undefined where they cannot. */
function readImageKeys(
  source: LogSource,
  tools: LogTools,
  entries: readonly Entry[],
): ImageKey[] | undefined {
  const pieces = entries.filter(({ type }) => type === CHUNK_TYPES.image);
  const keys: ImageKey[] = [];
  for (let next = 0; next < pieces.length; ) {
    const piece = pieces[next];
    assert(piece !== undefined, 'a piece');
    const reader = readChunkAlone(source, tools, piece.fileOffset, piece.sizeBytes);
    const { digestHex, sizeBytes, offset } = decodeImagePiece(reader);
    if (offset !== 0) return undefined;
    keys.push({ digestHex, sizeBytes });
    next += Math.max(1, Math.ceil(sizeBytes / IMAGE_PIECE_BYTES));
    if (next > pieces.length) return undefined;
  }
  return keys;
}

const LINK_BYTES = 4;
/** A footer, and the index of a day's recording, are found in the first. */
const FIRST_WINDOW_BYTES = 4096;
const WINDOW_GROWTH = 16;
