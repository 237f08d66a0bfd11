/**
 * Goal: a digest brought up to date page by page is the digest of what is there, in any order, and
 * tells changes. Method: seeded random writes to a small memory; after each round the sum kept
 * against the sum computed afresh.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { describe, expect, it } from 'vitest';
import { PageDigest } from './page-digest.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);
const PAGES = 40;
const hashes = await createHashes();
const hash = (number: number, content: Uint8Array): bigint => {
  const bytes = hashes.xxh128(Uint8Array.of(number % 256, number / 2 ** 40), content);
  return BigInt(`0x${toHex(bytes)}`);
};

describe('PageDigest', () => {
  it(`equals the digest made afresh (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const memory = new Uint8Array(PAGES * 4096);
    const absent = new Set<number>();
    const contentOf = (page: number) => (absent.has(page) ? undefined : pageOf(memory, page));
    const digest = new PageDigest(hash, 0, contentOf);
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const pages = new Set(Array.from({ length: 1 + prng.below(5) }, () => prng.below(PAGES)));
      for (const page of pages) {
        if (prng.chance(4)) absent.add(page);
        else absent.delete(page);
        memory.fill(prng.below(256), page * 4096 + prng.below(4096), (page + 1) * 4096);
      }
      digest.update(pages);
      // A page that was never given to `update` is not in the sum.
      if (round === 0) digest.update(allPages());
      const afresh = new PageDigest(hash, 0, contentOf).sumOf(allPages());
      expect(toHex(digest.sum), `round ${round}`).toBe(toHex(afresh));
      seen.add(toHex(afresh));
    }
    expect(seen.size).toBeGreaterThan(150);
  });

  it('is 0 for absent pages, and depends on where a page is and which memory', () => {
    const sumWith = (present: number, firstNumber: number): string => {
      const contentOf = (page: number) =>
        page === present ? new Uint8Array(4096).fill(1) : undefined;
      return toHex(new PageDigest(hash, firstNumber, contentOf).sumOf(allPages()));
    };
    expect(new Set([sumWith(0, 0), sumWith(1, 0), sumWith(0, 2 ** 40)]).size).toBe(3);
    expect(sumWith(PAGES, 0)).toBe('0'.repeat(32));
  });
});

function pageOf(memory: Uint8Array, page: number): Uint8Array {
  return memory.subarray(page * 4096, (page + 1) * 4096);
}

function allPages(): number[] {
  return Array.from({ length: PAGES }, (_, page) => page);
}
