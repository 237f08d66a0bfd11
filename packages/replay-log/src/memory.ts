/**
 * A log in memory, and the tools that reading and writing need: for tests, browsers and short
 * recordings.
 */
import { assert, createHashes } from '@casmotion/base';
import type { LogTools } from './chunk.ts';
import type { LogSource } from './log-reader.ts';
import type { LogSink } from './log-writer.ts';
import { createZstd } from './zstd.ts';

/**
 * Starts hashes and compression: both are WebAssembly and start asynchronously. Once per program.
 */
export async function createLogTools(): Promise<LogTools> {
  const [hashes, zstd] = await Promise.all([createHashes(), createZstd()]);
  return { hashes, zstd };
}

/** Keeps what is written. */
export class MemorySink implements LogSink {
  #parts: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
  }

  sync(): void {
    // Memory is as safe as it gets.
  }

  /** All that was written, as one array. */
  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [whole];
    return whole.slice();
  }
}

/** Reads from an array, which must not change meanwhile. */
export function bufferSource(bytes: Uint8Array): LogSource {
  return {
    sizeBytes: bytes.length,
    read: (offset, length) => {
      assert(offset >= 0 && offset + length <= bytes.length, `read of ${length} at ${offset}`);
      return bytes.subarray(offset, offset + length);
    },
  };
}
