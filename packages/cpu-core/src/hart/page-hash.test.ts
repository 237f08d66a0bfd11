/**
 * Goal: a page hashed where it lies has the hash that the library gives its bytes. Method: seeded
 * pages, full, sparse and of zeros, with numbers up to 2^53, against `Hashes.xxh128`.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { expect, test } from 'vitest';
import { makeCore } from '../../test/support/make-core.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const PAGE = 4096;
const PAGES = 16;
const hashes = await createHashes();

test(`as XXH3-128 of the library (seed ${SEED})`, () => {
  const random = new Prng(SEED);
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  const [found, number] = [new Uint32Array(4), new Uint8Array(8)];
  const view = new DataView(number.buffer);
  const seen = new Set<string>();
  for (let round = 0; round < 500; round++) {
    const page = random.below(PAGES);
    const content = core.ram.subarray(page * PAGE, (page + 1) * PAGE);
    if (random.chance(3)) random.fill(content);
    else if (random.chance(2)) content.fill(random.below(256));
    else content[random.below(PAGE)] = random.below(256);
    const value = random.pick([page, random.u32(), random.u32() * 2 ** 21 + page, 2 ** 53 - 1]);
    view.setBigUint64(0, BigInt(value), true);
    core.hashPage(page, value, found);
    const text = toHex(new Uint8Array(found.buffer));
    expect(text, `round ${round}`).toBe(toHex(hashes.xxh128(number, content)));
    seen.add(text);
  }
  expect(seen.size).toBeGreaterThan(490);
});

test('pages that RAM does not have are refused', () => {
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  for (const page of [-1, PAGES]) {
    expect(() => core.hashPage(page, 0, new Uint32Array(4))).toThrow('a page of RAM');
  }
});
