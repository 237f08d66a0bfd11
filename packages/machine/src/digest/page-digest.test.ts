/**
 * Goal: a digest brought up to date page by page is the digest of what is there, in any order, and
 * tells changes. Method: seeded random writes to a small memory; after each round the sum kept
 * against the sum computed afresh.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { describe, expect, it } from 'vitest';
import { isZeroPage, PageDigest, ramPageContent } from './page-digest.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);
const PAGES = 40;
const hashes = await createHashes();

describe('PageDigest', () => {
  it(`equals the digest made afresh (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const ram = new Uint8Array(PAGES * 4096);
    const digest = new PageDigest(
      hashes,
      0,
      ramPageContent(() => ram),
    );
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const pages = new Set(Array.from({ length: 1 + prng.below(5) }, () => prng.below(PAGES)));
      for (const page of pages) {
        const isCleared = prng.chance(4);
        ram.fill(
          isCleared ? 0 : prng.below(256),
          page * 4096 + prng.below(4096),
          (page + 1) * 4096,
        );
        if (isCleared) ram.fill(0, page * 4096, (page + 1) * 4096);
      }
      digest.update(pages);
      const afresh = new PageDigest(
        hashes,
        0,
        ramPageContent(() => ram),
      ).sumOf(allPages());
      expect(toHex(digest.sum), `round ${round}`).toBe(toHex(afresh));
      seen.add(toHex(afresh));
    }
    expect(seen.size).toBeGreaterThan(150);
  });

  it('is 0 for zeros, and depends on where a page is and which memory', () => {
    const ram = new Uint8Array(PAGES * 4096);
    const sumWith = (page: number, firstNumber: number): string => {
      ram.fill(0);
      ram[page * 4096] = 1;
      return toHex(
        new PageDigest(
          hashes,
          firstNumber,
          ramPageContent(() => ram),
        ).sumOf(allPages()),
      );
    };
    const sums = [sumWith(0, 0), sumWith(1, 0), sumWith(0, 2 ** 40)];
    expect(new Set(sums).size).toBe(3);
    ram.fill(0);
    expect(
      toHex(
        new PageDigest(
          hashes,
          0,
          ramPageContent(() => ram),
        ).sumOf(allPages()),
      ),
    ).toBe('0'.repeat(32));
  });

  it('sees a page of minus zeros', () => {
    const page = new Uint8Array(4096);
    expect(isZeroPage(page, 0)).toBe(true);
    page[4095] = 0x80;
    expect(isZeroPage(page, 0)).toBe(false);
  });
});

function allPages(): number[] {
  return Array.from({ length: PAGES }, (_, page) => page);
}
