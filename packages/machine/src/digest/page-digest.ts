/**
 * A digest of many pages that is cheap to bring up to date: the sum, mod 2^128, of xxh128(page
 * number, content). A page that is not there counts 0. It can be corrected page by page, in any
 * order; it guards against accidents, not against adversaries (docs/architecture.md §8).
 *
 * Invariant: `sum` is the sum of the hashes kept, and those are right for every page that has not
 * changed since.
 */
import type { Hashes } from '@casmotion/base';
import type { CoreInterface } from '@casmotion/cpu-core';
import { PAGE_SIZE_BYTES } from '../board/memory-map.ts';

/**
 * Puts xxh128 of a number, 8 bytes little-endian, and a page's content into `hash`, as four 32-bit
 * limbs, least significant first; zeros for a page that counts 0.
 */
export type PageHasher = (page: number, number: number, hash: Uint32Array) => void;

export class PageDigest {
  readonly #firstNumber: number;
  readonly #hashPage: PageHasher;
  /**
   * By page / CHUNK_PAGES, made when first needed: four 32-bit limbs a page, least significant
   * first.
   */
  readonly #chunks = new Map<number, Uint32Array>();
  readonly #sum = new Uint32Array(LIMBS);
  readonly #hash = new Uint32Array(LIMBS);

  /** `firstNumber` is added to page numbers before they are hashed: it tells memories apart. */
  constructor(firstNumber: number, hashPage: PageHasher) {
    this.#firstNumber = firstNumber;
    this.#hashPage = hashPage;
  }

  /** Hashes these pages again. */
  update(pages: Iterable<number>): void {
    for (const page of pages) {
      const kept = this.#keptHash(page);
      this.#hashPage(page, this.#firstNumber + page, this.#hash);
      subtract(this.#sum, kept);
      add(this.#sum, this.#hash);
      kept.set(this.#hash);
    }
  }

  /** The sum, 16 bytes little-endian. */
  get sum(): Uint8Array {
    return toBytes(this.#sum);
  }

  /** The sum over these pages as they are now, without use of what is known; changes nothing. */
  sumOf(pages: Iterable<number>): Uint8Array {
    const sum = new Uint32Array(LIMBS);
    for (const page of pages) {
      this.#hashPage(page, this.#firstNumber + page, this.#hash);
      add(sum, this.#hash);
    }
    return toBytes(sum);
  }

  #keptHash(page: number): Uint32Array {
    const index = Math.floor(page / CHUNK_PAGES);
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_PAGES * LIMBS);
      this.#chunks.set(index, chunk);
    }
    const start = (page % CHUNK_PAGES) * LIMBS;
    return chunk.subarray(start, start + LIMBS);
  }
}

/** RAM, and the way to its pages that are not all zero. */
export type PagedRam = Pick<CoreInterface, 'ram' | 'nextNonZeroPage' | 'hashPage'>;

/**
 * RAM's pages for a digest, hashed where they lie: a page of zeros counts 0, written or not, so
 * that the digest is a function of the content alone.
 */
export function ramPageHasher(core: PagedRam): PageHasher {
  return (page, number, hash) => {
    const isZero = core.nextNonZeroPage(page, page + 1) !== page;
    if (isZero) hash.fill(0);
    else core.hashPage(page, number, hash);
  };
}

/** Pages that lie elsewhere, by their content, 4 KiB; undefined for one that counts 0. */
export function contentHasher(
  hashes: Hashes,
  contentOf: (page: number) => Uint8Array | undefined,
): PageHasher {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  return (page, number, hash) => {
    const content = contentOf(page);
    if (content === undefined) return void hash.fill(0);
    view.setUint32(0, number % 2 ** 32, true);
    view.setUint32(4, Math.floor(number / 2 ** 32), true);
    const digest = hashes.xxh128(bytes, content);
    const limbs = new DataView(digest.buffer, digest.byteOffset, LIMBS * 4);
    for (let limb = 0; limb < LIMBS; limb++) hash[limb] = limbs.getUint32(limb * 4, true);
  };
}

/** The pages of RAM that are not all zero, whatever dirty tracking says, in order. */
export function* nonZeroPages(core: PagedRam): Generator<number> {
  const end = core.ram.length / PAGE_SIZE_BYTES;
  for (let page = core.nextNonZeroPage(0, end); page < end;) {
    yield page;
    page = core.nextNonZeroPage(page + 1, end);
  }
}

/** a += b, mod 2^128. */
function add(a: Uint32Array, b: Uint32Array): void {
  let carry = 0;
  for (let limb = 0; limb < LIMBS; limb++) {
    const sum = (a[limb] ?? 0) + (b[limb] ?? 0) + carry;
    a[limb] = sum;
    carry = sum >= 2 ** 32 ? 1 : 0;
  }
}

/** a -= b, mod 2^128. */
function subtract(a: Uint32Array, b: Uint32Array): void {
  let borrow = 0;
  for (let limb = 0; limb < LIMBS; limb++) {
    const difference = (a[limb] ?? 0) - (b[limb] ?? 0) - borrow;
    a[limb] = difference;
    borrow = difference < 0 ? 1 : 0;
  }
}

function toBytes(limbs: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(LIMBS * 4);
  const view = new DataView(bytes.buffer);
  limbs.forEach((limb, i) => view.setUint32(i * 4, limb, true));
  return bytes;
}

const LIMBS = 4;
const CHUNK_PAGES = 1024;
