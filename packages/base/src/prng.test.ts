/**
 * Goal: the generator is xoshiro128**, the same on every host, and its helpers have no bias.
 * Method: the reference sequence (checked against a second implementation from the paper); state
 * saved and restored; chi-square with fixed seeds, so that the outcome is a fact and not a chance;
 * bad arguments.
 */
import { describe, expect, it } from 'vitest';
import { AssertionError, Prng } from './index.ts';

describe('the sequence', () => {
  it('is the reference one from the state 1, 2, 3, 4', () => {
    const prng = new Prng(Uint32Array.of(1, 2, 3, 4));
    const found = Array.from({ length: 10 }, () => prng.u32());
    expect(found).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
  });

  it('depends on the seed modulo 2^32 alone', () => {
    const first = (seed: number): number => new Prng(seed).u32();
    expect(first(7)).toBe(first(7));
    expect(first(7)).toBe(first(7 + 2 ** 32));
    expect(first(-1)).toBe(first(2 ** 32 - 1));
    expect(new Set([0, 1, 2, 3, 4].map(first)).size).toBe(5);
  });

  it('goes on from a saved state, which stays as it was', () => {
    const prng = new Prng(42);
    prng.u32();
    const state = prng.state;
    const expected = [prng.u32(), prng.u64(), prng.below(1000)];
    const again = new Prng(state);
    expect([again.u32(), again.u64(), again.below(1000)]).toEqual(expected);
    expect(new Prng(state).u32()).toBe(expected[0]);
  });
});

describe('uniformity (chi-square)', () => {
  // Critical values at p = 0.001: 255 degrees of freedom 330.5, 9 degrees 27.9.
  it.each([0, 8, 16, 24])('of the byte at bit %d of u32', (shift) => {
    const prng = new Prng(1);
    expect(chiSquare(256, 100_000, () => (prng.u32() >>> shift) & 0xff)).toBeLessThan(330.5);
  });
  it('of below(10)', () => {
    const prng = new Prng(2);
    expect(chiSquare(10, 100_000, () => prng.below(10))).toBeLessThan(27.9);
  });
  it('of below just above 2^31, where taking a remainder would favour the low half', () => {
    const prng = new Prng(3);
    const bound = 3 * 2 ** 30;
    const bucket = (): number => Math.floor((prng.below(bound) / bound) * 10);
    expect(chiSquare(10, 100_000, bucket)).toBeLessThan(27.9);
  });
  it('of fill', () => {
    const bytes = new Uint8Array(100_000);
    new Prng(4).fill(bytes);
    let at = 0;
    expect(chiSquare(256, bytes.length, () => bytes[at++] ?? 0)).toBeLessThan(330.5);
  });
});

describe('helpers', () => {
  it('below keeps to its bounds, the extremes included', () => {
    const prng = new Prng(5);
    expect(prng.below(1)).toBe(0);
    const top = prng.below(2 ** 32);
    expect(top).toBeGreaterThanOrEqual(0);
    expect(top).toBeLessThan(2 ** 32);
  });
  it('pick takes every item in time, chance is true about once in outOf', () => {
    const prng = new Prng(6);
    const picked = new Set(Array.from({ length: 100 }, () => prng.pick(['a', 'b', 'c'])));
    expect(picked).toEqual(new Set(['a', 'b', 'c']));
    const hits = Array.from({ length: 10_000 }, () => prng.chance(4)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(2300);
    expect(hits).toBeLessThan(2700);
  });
  it('u64 is two words, high first', () => {
    const [one, two] = [new Prng(7), new Prng(7)];
    expect(one.u64()).toBe((BigInt(two.u32()) << 32n) | BigInt(two.u32()));
  });
  it.each<[string, () => unknown]>([
    ['a seed that is no integer', () => new Prng(0.5)],
    ['a seed that is no number', () => new Prng(Number.NaN)],
    ['a state of zeros', () => new Prng(new Uint32Array(4))],
    ['a short state', () => new Prng(Uint32Array.of(1, 2, 3))],
    ['below(0)', () => new Prng(1).below(0)],
    ['below(1.5)', () => new Prng(1).below(1.5)],
    ['below(2^32 + 1)', () => new Prng(1).below(2 ** 32 + 1)],
    ['pick of nothing', () => new Prng(1).pick([])],
  ])('%s is a bug', (_name, run) => {
    expect(run).toThrow(AssertionError);
  });
});

function chiSquare(buckets: number, draws: number, draw: () => number): number {
  const counts = new Array<number>(buckets).fill(0);
  for (let i = 0; i < draws; i++) {
    const bucket = draw();
    counts[bucket] = (counts[bucket] ?? Number.NaN) + 1;
  }
  const expected = draws / buckets;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
