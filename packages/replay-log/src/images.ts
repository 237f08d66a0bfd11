/** Images stored in a log, in pieces, so that it can be replayed where the files are not. */
import { assert, type ByteReader, ByteWriter, MalformedError, toHex } from '@casmotion/base';
import type { ChunkInfo } from './chunk.ts';

/** Names an image by its content. */
export interface ImageKey {
  /** BLAKE3-256, 64 hexadecimal digits. */
  readonly digestHex: string;
  readonly sizeBytes: number;
}

export interface ImagePiece extends ImageKey {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An image's bytes, wherever they are. */
export interface ImageSource {
  readonly sizeBytes: number;
  /** Fills `into` from `offset`; all of it inside the image. Throws `VmError` if it cannot. */
  read(offset: number, into: Uint8Array): void;
}

/** A chunk that holds a piece, and where in its image that starts. */
export interface StoredPiece extends ChunkInfo {
  readonly imageOffset: number;
}

/** An image in a log, its pieces decoded as they are needed. The last few stay in memory. */
export class StoredImage implements ImageSource {
  readonly sizeBytes: number;
  readonly #pieces: readonly StoredPiece[];
  readonly #decode: (chunk: ChunkInfo) => ImagePiece;
  /** By number, the one used last at the end. */
  readonly #cache = new Map<number, Uint8Array>();

  /** `pieces` are in order and without a gap. */
  constructor(
    sizeBytes: number,
    pieces: readonly StoredPiece[],
    decode: (chunk: ChunkInfo) => ImagePiece,
  ) {
    this.sizeBytes = sizeBytes;
    this.#pieces = pieces;
    this.#decode = decode;
  }

  read(offset: number, into: Uint8Array): void {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, `image bytes at ${offset}`);
    let number = this.#findPiece(offset);
    for (let at = 0; at < into.length; number++) {
      const start = offset + at - (this.#pieces[number]?.imageOffset ?? 0);
      const part = this.#piece(number).subarray(start, start + into.length - at);
      into.set(part, at);
      at += part.length;
    }
  }

  /** The last piece that starts at or before the offset. */
  #findPiece(offset: number): number {
    let [low, high] = [0, this.#pieces.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#pieces[middle]?.imageOffset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #piece(number: number): Uint8Array {
    const chunk = this.#pieces[number];
    assert(chunk !== undefined, `piece ${number}`);
    const bytes = this.#cache.get(number) ?? this.#decode(chunk).bytes.slice();
    this.#cache.delete(number);
    this.#cache.set(number, bytes);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > PIECES_CACHED && oldest !== undefined) this.#cache.delete(oldest);
    return bytes;
  }
}

/** Up to 32 MiB of an image. */
const PIECES_CACHED = 32;

/** Bytes of an image in one chunk. */
export const IMAGE_PIECE_BYTES = 2 ** 20;
/** Bound on an image: more than any guest's memory or a sensible disk in a log. */
export const IMAGE_MAX_BYTES = 2 ** 36;
const DIGEST_BYTES = 32;

/** Digest 32, size uvarint, offset uvarint, then the bytes to the end of the payload. */
export function encodeImagePiece(piece: ImagePiece, digest: Uint8Array): Uint8Array {
  assert(digest.length === DIGEST_BYTES && piece.bytes.length <= IMAGE_PIECE_BYTES, 'image piece');
  const writer = new ByteWriter(piece.bytes.length + 64).bytes(digest);
  return writer.uvarint(piece.sizeBytes).uvarint(piece.offset).bytes(piece.bytes).toBytes();
}

/** `bytes` is a view of the reader's. Throws {@link MalformedError}. */
export function decodeImagePiece(reader: ByteReader): ImagePiece {
  const start = reader.fileOffset;
  const digestHex = toHex(reader.bytes(DIGEST_BYTES));
  const sizeBytes = reader.uvarint();
  const offset = reader.uvarint();
  const bytes = reader.bytes(reader.remaining);
  if (sizeBytes > IMAGE_MAX_BYTES || offset + bytes.length > sizeBytes) {
    throw new MalformedError(`image piece at ${offset} of ${sizeBytes} bytes`, start);
  }
  return { digestHex, sizeBytes, offset, bytes };
}
