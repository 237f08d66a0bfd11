/** Images stored in a log, in pieces, so that it can be replayed where the files are not. */
import { assert, type ByteReader, ByteWriter, MalformedError, toHex } from '@casmotion/base';

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
