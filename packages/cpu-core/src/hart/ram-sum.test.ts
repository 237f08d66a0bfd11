/**
 * Goal: the sum of RAM's pages is what the library's hash gives, kept or made afresh, and tells
 * every change. Method: seeded writes of whole pages, single bytes and zeros, by a device and by
 * nobody that dirty tracking knows, against a sum made of `Hashes.xxh128` over all of RAM.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project cpu-core ram-sum`.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { expect, test } from 'vitest';
import { makeCore } from '../../test/support/make-core.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const PAGE = 4096;
const PAGES = 16;
const RAM_BASE = 0x8000_0000;
const hashes = await createHashes();

test(`as the library's hash of each page, added up (seed ${SEED})`, () => {
  const random = new Prng(SEED);
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  // The first epoch is that from power-on.
  const seen = new Set<string>();
  for (let round = 0; round < 400; round++) {
    for (let count = random.below(4); count >= 0; count--) {
      const page = random.below(PAGES);
      const content = core.ram.subarray(page * PAGE, (page + 1) * PAGE);
      if (random.chance(3)) random.fill(content);
      else if (random.chance(2)) content.fill(random.chance(2) ? 0 : random.below(256));
      else content[random.below(PAGE)] = random.below(256);
      core.noteRamWrite(RAM_BASE + page * PAGE, PAGE);
    }
    const expected = sumByLibrary(core.ram);
    expect(toHex(core.sumRam('all')), `round ${round}, all`).toBe(expected);
    expect(toHex(core.sumRam('written')), `round ${round}, written`).toBe(expected);
    expect(toHex(core.updateRamSum()), `round ${round}, kept`).toBe(expected);
    core.beginEpoch();
    seen.add(expected);
  }
  expect(seen.size).toBeGreaterThan(390);
});

test('a write that dirty tracking missed shows in the sum of all, and there alone', () => {
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  core.ram[5 * PAGE + 17] = 1;
  expect(toHex(core.updateRamSum())).toBe('0'.repeat(32));
  expect(toHex(core.sumRam('written'))).toBe('0'.repeat(32));
  expect(toHex(core.sumRam('all'))).toBe(sumByLibrary(core.ram));
});

test('pages above 2 GiB count as others do', () => {
  const core = makeCore({ ramSizeBytes: 3 * 2 ** 30 });
  const lastPage = (3 * 2 ** 30) / PAGE - 1;
  let sum = 0n;
  for (const page of [0, 2 ** 31 / PAGE - 1, 2 ** 31 / PAGE, lastPage]) {
    const content = core.ram.subarray(page * PAGE, (page + 1) * PAGE);
    content.fill(1 + (page % 255));
    core.noteRamWrite(RAM_BASE + page * PAGE, PAGE);
    sum += hashByLibrary(page, content);
  }
  expect(toHex(core.updateRamSum())).toBe(sumHex(sum));
  expect(toHex(core.sumRam('written'))).toBe(sumHex(sum));
  expect(core.hashPage(1, new Uint8Array(PAGE))).toBe(hashByLibrary(1, new Uint8Array(PAGE)));
});

test('equal pages in other places count differently', () => {
  const sums = [0, 1, PAGES - 1].map((page) => {
    const core = makeCore({ ramSizeBytes: PAGES * PAGE });
    core.ram.fill(7, page * PAGE, (page + 1) * PAGE);
    return toHex(core.sumRam('all'));
  });
  expect(new Set(sums).size).toBe(3);
});

test('a page that is not RAM has the hash that the library gives it, and no sum changes', () => {
  const random = new Prng(SEED);
  const core = makeCore({ ramSizeBytes: PAGES * PAGE });
  core.ram.fill(3);
  const [content, number] = [new Uint8Array(PAGE), new Uint8Array(8)];
  const sum = toHex(core.sumRam('all'));
  for (const value of [0, 1, 2 ** 32, 2 ** 41 + 5, 2 ** 53 - 1]) {
    new DataView(number.buffer).setBigUint64(0, BigInt(value), true);
    const expected = littleEndian(hashes.xxh128(number, content));
    expect(core.hashPage(value, content)).toBe(expected);
    random.fill(content);
  }
  expect(toHex(core.sumRam('all'))).toBe(sum);
  expect(() => core.hashPage(0, new Uint8Array(PAGE - 1))).toThrow('a page of 4095 bytes');
});

/** In BigInt, over all pages that are not zero. */
function sumByLibrary(ram: Uint8Array): string {
  let sum = 0n;
  for (let page = 0; page < PAGES; page++) {
    const content = ram.subarray(page * PAGE, (page + 1) * PAGE);
    if (content.every((byte) => byte === 0)) continue;
    sum += hashByLibrary(page, content);
  }
  return sumHex(sum);
}

function hashByLibrary(page: number, content: Uint8Array): bigint {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setUint32(0, page, true);
  return littleEndian(hashes.xxh128(number, content));
}

function sumHex(sum: bigint): string {
  const bytes = Array.from({ length: 16 }, (_, i) => Number((sum >> BigInt(8 * i)) & 0xffn));
  return toHex(Uint8Array.from(bytes));
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => (value |= BigInt(byte) << BigInt(8 * i)));
  return value;
}
