/**
 * The frame around everything in a log: a preamble of 16 bytes, then chunks, each guarded by two
 * checksums that are chained through the file. Normative: docs/format.md.
 *
 *   preamble  magic 8 | version u16 | reserved u16 = 0 | check u32
 *             check = crc32c(the 12 bytes before) = chain(-1)
 *   chunk     type u8 | flags u8 | length u32 | head u32 | payload | body u32
 *             head = crc32c(chain(n-1) | type | flags | length)
 *             body = crc32c(head | payload) = chain(n)
 *
 * Invariants: a chunk's length is checked (by head) before it is believed, so that a flipped bit in
 * it is not taken for a log cut short; chain(n) depends on every byte of the file up to the end of
 * chunk n.
 */
import { assert, ByteReader, ByteWriter, type Hashes } from '@casmotion/base';
import { LogDamagedError, LogVersionError, NotALogError } from './errors.ts';
import type { Zstd } from './zstd.ts';

/**
 * Frozen numbers: never reused. Types 0 and 0xff are never given, so that blank areas are no
 * chunks.
 */
export const CHUNK_TYPES = {
  header: 0x01,
  events: 0x02,
  landmarks: 0x03,
  image: 0x04,
  outputs: 0x05,
  index: 0x06,
  footer: 0x07,
  keyedEvents: 0x10,
  keyedLandmarks: 0x11,
  origins: 0x18,
  sequences: 0x20,
} as const;

export type ChunkTypeName = keyof typeof CHUNK_TYPES;

/**
 * A reader that does not know the type skips the chunk; without this bit it must refuse the log.
 */
export const FLAG_OPTIONAL = 0x01;
/** The payload is uvarint(size) and one Zstandard frame of that content size. */
export const FLAG_ZSTD = 0x02;
/** Other bits are refused: they would change the meaning of the payload. */
export const KNOWN_FLAGS = FLAG_OPTIONAL | FLAG_ZSTD;

export const FORMAT_VERSION = 1;
export const PREAMBLE_BYTES = 16;
export const CHUNK_HEAD_BYTES = 10;
export const CHUNK_OVERHEAD_BYTES = CHUNK_HEAD_BYTES + 4;
/** Bound on a payload, stored and decompressed. */
export const PAYLOAD_MAX_BYTES = 4 * 2 ** 20;

/**
 * What reading and writing need and cannot make synchronously. `zstd` absent: nothing is
 * compressed.
 */
export interface LogTools {
  readonly hashes: Hashes;
  readonly zstd: Zstd | undefined;
}

/** Where a whole chunk lies. */
export interface ChunkInfo {
  readonly number: number;
  readonly type: number;
  readonly flags: number;
  /** File offset of its first byte. */
  readonly fileOffset: number;
  /** Bytes of the stored payload. The chunk is {@link CHUNK_OVERHEAD_BYTES} longer. */
  readonly payloadBytes: number;
}

/** The first 16 bytes of a log, and the start of its chain. */
export function encodePreamble(hashes: Hashes): { bytes: Uint8Array; chain: number } {
  const writer = new ByteWriter(PREAMBLE_BYTES).bytes(MAGIC).u16(FORMAT_VERSION).u16(0);
  const chain = hashes.crc32c(writer.toBytes());
  return { bytes: writer.u32(chain).toBytes(), chain };
}

/**
 * Checks the first bytes of a file and gives the start of the chain. Throws the errors of
 * errors.ts.
 */
export function decodePreamble(
  bytes: Uint8Array,
  hashes: Hashes,
): { version: number; chain: number } {
  const expected = `magic ${hex(MAGIC)}`;
  if (bytes.length === 0) throw new NotALogError(expected, 'an empty file');
  const magic = bytes.subarray(0, MAGIC.length);
  const isMagic = magic.every((byte, at) => byte === MAGIC[at]);
  if (!isMagic) throw new NotALogError(expected, hex(magic));
  if (bytes.length < PREAMBLE_BYTES) {
    throw new NotALogError(
      `${PREAMBLE_BYTES} bytes or more`,
      `${bytes.length} bytes: cut in its preamble`,
    );
  }
  const reader = new ByteReader(bytes);
  reader.offset = MAGIC.length;
  const version = reader.u16();
  const reserved = reader.u16();
  const found = reader.u32();
  const chain = hashes.crc32c(bytes.subarray(0, 12));
  const place = { chunk: -1, fileOffset: 0 };
  if (chain !== found)
    throw new LogDamagedError('its preamble changed', place, crc(found), crc(chain));
  if (version < 1 || version > FORMAT_VERSION) throw new LogVersionError(version, FORMAT_VERSION);
  if (reserved !== 0) throw new LogDamagedError('reserved bytes', place, '0', `${reserved}`);
  return { version, chain };
}

/**
 * One chunk as bytes, and the chain after it. Compressed where that is shorter and worth starting
 * the compressor; never a header, which any tool may then look into.
 */
export function encodeChunk(
  tools: LogTools,
  chain: number,
  chunk: { readonly type: number; readonly flags: number; readonly payload: Uint8Array },
): { bytes: Uint8Array; chain: number } {
  assert(chunk.payload.length <= PAYLOAD_MAX_BYTES, `payload of ${chunk.payload.length} bytes`);
  const zstd = chunk.type === CHUNK_TYPES.header ? undefined : tools.zstd;
  const packed = zstd === undefined ? undefined : pack(zstd, chunk.payload);
  const payload = packed ?? chunk.payload;
  const flags = chunk.flags | (packed === undefined ? 0 : FLAG_ZSTD);
  const writer = new ByteWriter(payload.length + CHUNK_OVERHEAD_BYTES);
  const headed = writer.u8(chunk.type).u8(flags).u32(payload.length).toBytes();
  const head = tools.hashes.crc32c(u32Bytes(chain), headed);
  const body = tools.hashes.crc32c(u32Bytes(head), payload);
  return { bytes: writer.u32(head).bytes(payload).u32(body).toBytes(), chain: body };
}

/** The fields of a chunk's first 10 bytes, checked. Throws {@link LogDamagedError}. */
export function decodeChunkHead(
  bytes: Uint8Array,
  chain: number,
  place: { readonly chunk: number; readonly fileOffset: number },
  hashes: Hashes,
): { type: number; flags: number; payloadBytes: number; head: number } {
  const reader = new ByteReader(bytes, place.fileOffset);
  const [type, flags, payloadBytes, found] = [reader.u8(), reader.u8(), reader.u32(), reader.u32()];
  const head = hashes.crc32c(u32Bytes(chain), bytes.subarray(0, CHUNK_HEAD_BYTES - 4));
  if (head !== found) {
    const what = 'a chunk was altered, removed or moved here';
    throw new LogDamagedError(what, place, `head checksum ${crc(found)}`, crc(head));
  }
  if (payloadBytes > PAYLOAD_MAX_BYTES) {
    const bound = `a payload of at most ${PAYLOAD_MAX_BYTES} bytes`;
    throw new LogDamagedError('a chunk is too long', place, bound, `${payloadBytes}`);
  }
  return { type, flags, payloadBytes, head };
}

/** Checks a payload and its trailing checksum (both in `bytes`) and gives the chain after it. */
export function checkChunkBody(
  bytes: Uint8Array,
  head: number,
  place: { readonly chunk: number; readonly fileOffset: number },
  hashes: Hashes,
): number {
  const payload = bytes.subarray(0, bytes.length - 4);
  const found = new ByteReader(bytes.subarray(bytes.length - 4)).u32();
  const body = hashes.crc32c(u32Bytes(head), payload);
  if (body !== found) {
    const what = "a chunk's content changed";
    throw new LogDamagedError(what, place, `body checksum ${crc(found)}`, crc(body));
  }
  return body;
}

/**
 * The payload as it was before compression. Throws `VmError`s for sizes out of bounds and bad
 * frames.
 */
export function unpack(
  zstd: Zstd | undefined,
  payload: Uint8Array,
  fileOffset: number,
): Uint8Array {
  assert(zstd !== undefined, 'a compressed log needs LogTools.zstd');
  const reader = new ByteReader(payload, fileOffset);
  const sizeBytes = reader.uvarint();
  if (sizeBytes > PAYLOAD_MAX_BYTES) {
    const place = { chunk: -1, fileOffset };
    throw new LogDamagedError(
      'too long when decompressed',
      place,
      `${PAYLOAD_MAX_BYTES}`,
      `${sizeBytes}`,
    );
  }
  return zstd.decompress(reader.bytes(reader.remaining), sizeBytes);
}

/** The packed payload, or undefined where packing does not make it shorter. */
function pack(zstd: Zstd, payload: Uint8Array): Uint8Array | undefined {
  if (payload.length < WORTH_PACKING_BYTES) return undefined;
  const frame = zstd.compress(payload);
  const packed = new ByteWriter(frame.length + 4).uvarint(payload.length).bytes(frame).toBytes();
  return packed.length < payload.length ? packed : undefined;
}

function u32Bytes(value: number): Uint8Array {
  return new ByteWriter(4).u32(value).toBytes();
}

function crc(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/**
 * 0x89 is no text and shows a stripped eighth bit; CR LF, Ctrl-Z and LF show a transfer in text
 * mode. The idea is PNG's (ISO/IEC 15948 §5.2).
 */
const MAGIC = Uint8Array.of(0x89, 0x43, 0x4d, 0x52, 0x0d, 0x0a, 0x1a, 0x0a);
/** Landmarks and their like are digests, which do not compress, and come a few at a time. */
const WORTH_PACKING_BYTES = 256;
