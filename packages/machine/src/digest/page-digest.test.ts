/**
 * Goal: a digest brought up to date page by page is the digest of what is there, in any order, and
 * tells changes. Method: seeded random writes to a small memory; after each round the sum kept
 * against the sum computed afresh.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { describe, expect, it } from 'vitest';
import {
  contentHasher,
  nonZeroPages,
  type PagedRam,
  PageDigest,
  ramPageHasher,
} from './page-digest.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);
const PAGES = 40;
const hashes = await createHashes();

describe('PageDigest', () => {
  it(`equals the digest made afresh (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const ram = new Uint8Array(PAGES * 4096);
    const digest = new PageDigest(0, ramPageHasher(pagedRam(ram)));
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
      const afresh = new PageDigest(0, ramPageHasher(pagedRam(ram))).sumOf(allPages());
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
        new PageDigest(firstNumber, ramPageHasher(pagedRam(ram))).sumOf(allPages()),
      );
    };
    const sums = [sumWith(0, 0), sumWith(1, 0), sumWith(0, 2 ** 40)];
    expect(new Set(sums).size).toBe(3);
    ram.fill(0);
    expect(
      toHex(
        new PageDigest(0, ramPageHasher(pagedRam(ram))).sumOf(allPages()),
      ),
    ).toBe('0'.repeat(32));
  });

  it('finds the pages that are not all zero', () => {
    const ram = new Uint8Array(PAGES * 4096);
    for (const at of [3 * 4096, 5 * 4096 + 4095, PAGES * 4096 - 1]) ram[at] = 0x80;
    expect([...nonZeroPages(pagedRam(ram))]).toEqual([3, 5, PAGES - 1]);
  });
});

/** As a core finds them, but by asking each byte. */
function pagedRam(ram: Uint8Array): PagedRam {
  const nextNonZeroPage = (from: number, end: number): number => {
    for (let page = from; page < end; page++) {
      if (ram.subarray(page * 4096, (page + 1) * 4096).some((byte) => byte !== 0)) return page;
    }
    return end;
  };
  const hashPage = contentHasher(hashes, (page) => ram.subarray(page * 4096, (page + 1) * 4096));
  return { ram, nextNonZeroPage, hashPage };
}

function allPages(): number[] {
  return Array.from({ length: PAGES }, (_, page) => page);
}
