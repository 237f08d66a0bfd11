/**
 * Goal: base64 text gives back its bytes. Method: the vectors of RFC 4648 §10, every byte value,
 * Node's encoder on seeded bytes of every length modulo 3, and text that is no base64.
 */
import { AssertionError, decodeUtf8, Prng } from '@casmotion/base';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './base64.ts';

describe('decodeBase64', () => {
  it.each([
    ['', ''],
    ['Zg==', 'f'],
    ['Zm8=', 'fo'],
    ['Zm9v', 'foo'],
    ['Zm9vYg==', 'foob'],
    ['Zm9vYmE=', 'fooba'],
    ['Zm9vYmFy', 'foobar'],
  ])('%j', (text, expected) => {
    expect(decodeUtf8(decodeBase64(text))).toBe(expected);
  });

  it('agrees with Node', () => {
    const random = new Prng(3);
    for (let size = 0; size < 600; size++) {
      const bytes = new Uint8Array(size);
      random.fill(bytes);
      expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
    }
  });

  it.each(['A', 'AB', 'ABC', 'AB*=', '=ABC', 'A===', 'AB=C'])('refuses %j', (text) => {
    expect(() => decodeBase64(text)).toThrow(AssertionError);
  });
});
