/**
 * Goal: the digest depends on what was let out and on nothing else.
 * Method: seeded bytes cut into calls in different ways; single changes must show.
 */
import { createHashes, type Hashes, Prng, toHex } from '@casmotion/base';
import { beforeAll, expect, test } from 'vitest';
import { noOutputs, OutputDigest } from './index.ts';

let hashes: Hashes;
beforeAll(async () => {
  hashes = await createHashes();
});

function digestOf(feed: (outputs: OutputDigest) => void): string {
  const outputs = new OutputDigest(hashes, noOutputs);
  feed(outputs);
  const hex = toHex(outputs.digest());
  // Looking does not change it.
  expect(toHex(outputs.digest())).toBe(hex);
  return hex;
}

test('calls may be cut anywhere', () => {
  const bytes = new Uint8Array(20_000);
  new Prng(1).fill(bytes);
  const whole = digestOf((outputs) => outputs.consoleOutput(0, bytes));
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Prng(seed);
    const cut = digestOf((outputs) => {
      for (let at = 0; at < bytes.length; ) {
        const count = 1 + random.below(random.pick([3, 5000]));
        outputs.consoleOutput(0, bytes.subarray(at, at + count));
        if (random.chance(20)) outputs.digest();
        at += count;
      }
    });
    expect(cut, `seed ${seed}`).toBe(whole);
  }
});

test('what differs shows: a byte, its console, the edges of a frame', () => {
  const [a, b] = [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4)];
  const digests = [
    digestOf(() => undefined),
    digestOf((outputs) => outputs.consoleOutput(0, a)),
    digestOf((outputs) => outputs.consoleOutput(0, b)),
    digestOf((outputs) => outputs.consoleOutput(1, a)),
    digestOf((outputs) => outputs.netPacket(0, a)),
    digestOf((outputs) => {
      outputs.netPacket(0, a.subarray(0, 1));
      outputs.netPacket(0, a.subarray(1));
    }),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});

test('the order between channels does not matter, and all is passed on and counted', () => {
  const seen: number[] = [];
  const onward = {
    consoleOutput: (_: number, bytes: Uint8Array) => void seen.push(...bytes),
    netPacket: (_: number, bytes: Uint8Array) => void seen.push(...bytes),
  };
  const outputs = new OutputDigest(hashes, onward);
  outputs.netPacket(0, Uint8Array.of(9, 8));
  outputs.consoleOutput(1, Uint8Array.of(7));
  const other = digestOf((digest) => {
    digest.consoleOutput(1, Uint8Array.of(7));
    digest.netPacket(0, Uint8Array.of(9, 8));
  });
  expect(toHex(outputs.digest())).toBe(other);
  expect([seen, outputs.totalBytes]).toEqual([[9, 8, 7], 3]);
});
