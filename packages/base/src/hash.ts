/** Hashes, the same in Node and in a browser: hash-wasm behind synchronous functions. */
import { createBLAKE3, createCRC32, createXXHash128, type IHasher } from 'hash-wasm';
import { toHex } from './bytes.ts';

/** Synchronous hash functions, made once by {@link createHashes}: WebAssembly starts later. */
export interface Hashes {
  /** CRC-32C (RFC 3720 appendix B.4) of the parts in order: guards a chunk against accidents. */
  crc32c(...parts: readonly Uint8Array[]): number;
  /** BLAKE3-256 of the parts in order: names an image by its content. 32 bytes. */
  blake3(...parts: readonly Uint8Array[]): Uint8Array;
  /** XXH3-128 of the parts in order: a fast digest of state. 16 bytes; not for adversaries. */
  xxh128(...parts: readonly Uint8Array[]): Uint8Array;
  /** A BLAKE3-256 over bytes that come piece by piece. */
  blake3Stream(): Promise<HashStream>;
}

/** A digest that grows; `digest` may be asked once, at the end. */
export interface HashStream {
  update(bytes: Uint8Array): void;
  digestHex(): string;
}

/** Starts the hash functions. A few milliseconds; call once and pass the result on. */
export async function createHashes(): Promise<Hashes> {
  const [crc, blake, xxh] = await Promise.all([
    createCRC32(CRC32C_POLYNOMIAL),
    createBLAKE3(),
    createXXHash128(),
  ]);
  return {
    crc32c: (...parts) => {
      const digest = run(crc, parts);
      return new DataView(digest.buffer, digest.byteOffset).getUint32(0, false);
    },
    blake3: (...parts) => run(blake, parts),
    xxh128: (...parts) => runJoined(xxh, parts),
    blake3Stream: async () => {
      const hasher = await createBLAKE3();
      hasher.init();
      return {
        update: (bytes) => void hasher.update(bytes),
        digestHex: () => toHex(hasher.digest('binary')),
      };
    },
  };
}

function run(hasher: IHasher, parts: readonly Uint8Array[]): Uint8Array {
  hasher.init();
  for (const part of parts) hasher.update(part);
  return hasher.digest('binary');
}

/** A few short parts at once: going into WebAssembly costs more than copying them. */
function runJoined(hasher: IHasher, parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  if (parts.length === 1 || size > JOINED_MAX_BYTES) return run(hasher, parts);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  hasher.init();
  hasher.update(joined.subarray(0, size));
  return hasher.digest('binary');
}

const JOINED_MAX_BYTES = 8192;
const joined = new Uint8Array(JOINED_MAX_BYTES);

/** Castagnoli's polynomial, bits reversed. */
const CRC32C_POLYNOMIAL = 0x82f6_3b78;
