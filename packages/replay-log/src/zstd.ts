/**
 * Zstandard, bounded: nothing is allocated for a frame before its declared size is known and
 * allowed, so that a few hostile bytes cannot ask for gigabytes. RFC 8878 §3.1.1.
 */
import { compress, decompress, init } from '@bokuweb/zstd-wasm';
import { VmError } from '@casmotion/base';

export interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** The content of one frame that must declare exactly `sizeBytes`. Throws {@link ZstdError}. */
  decompress(frame: Uint8Array, sizeBytes: number): Uint8Array;
}

/** Starts the compressor (WebAssembly, a few milliseconds). */
export async function createZstd(): Promise<Zstd> {
  await (started ??= init());
  return {
    compress: (bytes) => compress(bytes, bytes.length <= SHORT_BYTES ? SHORT_LEVEL : LEVEL),
    decompress: (frame, sizeBytes) => {
      const declared = frameContentBytes(frame);
      if (declared !== sizeBytes) throw new ZstdError(`${sizeBytes} bytes`, `${declared}`);
      const content = decompressOrThrow(frame, sizeBytes);
      if (content.length !== sizeBytes)
        throw new ZstdError(`${sizeBytes} bytes`, `${content.length}`);
      return content;
    },
  };
}

/** The library frees its buffers on errors, and throws plain Errors. */
function decompressOrThrow(frame: Uint8Array, sizeBytes: number): Uint8Array {
  try {
    return decompress(frame, { defaultHeapSize: sizeBytes });
  } catch (cause) {
    throw new ZstdError('a Zstandard frame', 'bytes that do not decompress', cause);
  }
}

/**
 * What a frame header declares, or undefined where there is no header or no size in it.
 * RFC 8878 §3.1.1.1: magic, descriptor, optional window byte, dictionary id, content size of 0 to 8
 * bytes.
 */
export function frameContentBytes(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 5 || view.getUint32(0, true) !== ZSTD_MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const sizeCode = descriptor >> 6;
  if (sizeCode === 0 && !isSingleSegment) return undefined;
  const fieldBytes = 1 << sizeCode;
  if (at + fieldBytes > frame.length) return undefined;
  if (sizeCode === 0) return view.getUint8(at);
  if (sizeCode === 1) return view.getUint16(at, true) + 256;
  const low = view.getUint32(at, true);
  return sizeCode === 2 ? low : low + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The library has one heap for all, and loses it when it is started again. */
let started: Promise<void> | undefined;

const ZSTD_MAGIC = 0xfd2f_b528;
/** 1 to 19. Chunks are small: 9 costs well under a millisecond and saves a few percent over 3. */
/** A machine waits while its log is written: long payloads are compressed fast, short ones well. */
const SHORT_BYTES = 2 ** 14;
const SHORT_LEVEL = 9;
const LEVEL = 3;

/** Compressed bytes that are not a frame of the size promised. */
export class ZstdError extends VmError {
  override readonly name = 'ZstdError';
  constructor(expected: string, found: string, cause?: unknown) {
    const details = { expected, found };
    super('compressed data is not sound', cause === undefined ? details : { ...details, cause });
  }
}
