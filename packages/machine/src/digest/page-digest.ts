/**
 * A digest of many pages that is cheap to bring up to date: the sum, mod 2^128, of xxh128(page
 * number, content). A page that is not there counts 0. It can be corrected page by page, in any
 * order; it guards against accidents, not against adversaries (docs/architecture.md §8). The core
 * keeps the same of RAM (`CoreInterface.updateRamSum`); this one is of pages that lie elsewhere.
 *
 * Invariant: `sum` is the sum of the hashes kept, and those are right for every page that has not
 * changed since.
 */
import type { Hashes } from '@casmotion/base';

/** A page's content, 4 KiB; undefined for one that counts 0. */
export type PageContent = (page: number) => Uint8Array | undefined;

export class PageDigest {
  readonly #hashes: Hashes;
  readonly #firstNumber: number;
  readonly #contentOf: PageContent;
  readonly #number = new DataView(new ArrayBuffer(8));
  readonly #kept = new Map<number, bigint>();
  #sum = 0n;

  /** `firstNumber` is added to page numbers before they are hashed: it tells memories apart. */
  constructor(hashes: Hashes, firstNumber: number, contentOf: PageContent) {
    this.#hashes = hashes;
    this.#firstNumber = firstNumber;
    this.#contentOf = contentOf;
  }

  /** Hashes these pages again. */
  update(pages: Iterable<number>): void {
    for (const page of pages) {
      const hash = this.#hashPage(page);
      this.#sum += hash - (this.#kept.get(page) ?? 0n);
      this.#kept.set(page, hash);
    }
  }

  /** The sum, 16 bytes little-endian. */
  get sum(): Uint8Array {
    return toBytes(this.#sum);
  }

  /** The sum over these pages as they are now, without use of what is known; changes nothing. */
  sumOf(pages: Iterable<number>): Uint8Array {
    let sum = 0n;
    for (const page of pages) sum += this.#hashPage(page);
    return toBytes(sum);
  }

  /** The canonical form of the hash, read as a little-endian number. */
  #hashPage(page: number): bigint {
    const content = this.#contentOf(page);
    if (content === undefined) return 0n;
    this.#number.setBigUint64(0, BigInt(this.#firstNumber + page), true);
    const number = new Uint8Array(this.#number.buffer);
    const { buffer, byteOffset } = this.#hashes.xxh128(number, content);
    const halves = new DataView(buffer, byteOffset, SUM_BYTES);
    return halves.getBigUint64(0, true) | (halves.getBigUint64(8, true) << 64n);
  }
}

/** Mod 2^128. */
function toBytes(sum: bigint): Uint8Array {
  const bytes = new Uint8Array(SUM_BYTES);
  const halves = new DataView(bytes.buffer);
  halves.setBigUint64(0, BigInt.asUintN(64, sum), true);
  halves.setBigUint64(8, BigInt.asUintN(64, sum >> 64n), true);
  return bytes;
}

const SUM_BYTES = 16;
