/**
 * A digest of many pages that is cheap to bring up to date: the sum, mod 2^128, of the hashes of
 * (page number, content). A page that is not there counts 0. It can be corrected page by page, in
 * any order; it guards against accidents, not against adversaries (docs/architecture.md §8). The
 * core keeps the same of RAM (`CoreInterface.updateRamSum`); this is of pages that lie elsewhere.
 *
 * Invariant: `sum` is the sum of the hashes kept, and those are right for every page that has not
 * changed since.
 */

/** A page's content, 4 KiB; undefined for one that counts 0. */
export type PageContent = (page: number) => Uint8Array | undefined;

/** As `CoreInterface.hashPage`. */
export type PageHash = (number: number, content: Uint8Array) => bigint;

export class PageDigest {
  readonly #hash: PageHash;
  readonly #firstNumber: number;
  readonly #contentOf: PageContent;
  readonly #kept = new Map<number, bigint>();
  #sum = 0n;

  /** `firstNumber` is added to page numbers before they are hashed: it tells memories apart. */
  constructor(hash: PageHash, firstNumber: number, contentOf: PageContent) {
    this.#hash = hash;
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

  #hashPage(page: number): bigint {
    const content = this.#contentOf(page);
    return content === undefined ? 0n : this.#hash(this.#firstNumber + page, content);
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
