/**
 * Goal: the hashes are the published ones, over any cut of the same bytes.
 * Method: known answers from RFC 3720 B.4 and the BLAKE3 and xxHash projects' test vectors.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { createHashes, encodeUtf8, type Hashes, Prng, toHex } from './index.ts';

let hashes: Hashes;
beforeAll(async () => {
  hashes = await createHashes();
});

describe('CRC-32C', () => {
  it.each([
    ['nothing', new Uint8Array(0), 0],
    ['check', encodeUtf8('123456789'), 0xe306_9283],
    ['32 zeros', new Uint8Array(32), 0x8a91_36aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
  ])('of %s', (_name, bytes, expected) => {
    expect(hashes.crc32c(bytes)).toBe(expected);
  });
});

describe('BLAKE3-256', () => {
  it.each([
    [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
    [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
    [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
    [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  ])('of the %d bytes 0, 1, ... 250, 0, ...', (length, expected) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    expect(toHex(hashes.blake3(bytes))).toBe(expected);
  });

  it('streams: pieces give the digest of the whole, and two streams do not mix', async () => {
    const bytes = new Uint8Array(10_000);
    new Prng(1).fill(bytes);
    const [one, two] = await Promise.all([hashes.blake3Stream(), hashes.blake3Stream()]);
    for (let at = 0; at < bytes.length; at += 777) {
      one.update(bytes.subarray(at, at + 777));
      two.update(Uint8Array.of(1));
    }
    hashes.blake3(Uint8Array.of(9)); // in between, on the shared hasher
    expect(one.digestHex()).toBe(toHex(hashes.blake3(bytes)));
    expect(two.digestHex()).toBe(toHex(hashes.blake3(new Uint8Array(13).fill(1))));
  });
});

describe('XXH3-128', () => {
  it.each([
    ['', '99aa06d3014798d86001c324468d497f'],
    ['abc', '06b05ab6733a618578af5f94892f3950'],
  ])('of %j', (text, expected) => {
    expect(toHex(hashes.xxh128(encodeUtf8(text)))).toBe(expected);
  });
});

it('hashes parts as their concatenation, at any cut', () => {
  const bytes = new Uint8Array(700);
  new Prng(2).fill(bytes);
  for (const cut of [0, 1, 64, 255, 256, 257, 699, 700]) {
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(hashes.crc32c(...parts)).toBe(hashes.crc32c(bytes));
    expect(hashes.blake3(...parts)).toEqual(hashes.blake3(bytes));
    expect(hashes.xxh128(...parts)).toEqual(hashes.xxh128(bytes));
  }
});

it('gives digests that later hashing does not change', () => {
  const digest = hashes.blake3(Uint8Array.of(1));
  const kept = toHex(digest);
  hashes.blake3(Uint8Array.of(2));
  hashes.xxh128(Uint8Array.of(3));
  expect(toHex(digest)).toBe(kept);
});
