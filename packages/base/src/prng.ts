/** Seeded pseudo-random numbers: the only randomness in the lower layers. */
import { assert } from './assert.ts';

/**
 * xoshiro128** over 32-bit words (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018), seeded by splitmix32. Its state is four words of plain data, so that it can
 * be part of a snapshot. Not for secrets.
 */
export class Prng {
  readonly #state: Uint32Array;

  /** From a seed, an integer taken modulo 2^32, or from the {@link state} of another generator. */
  constructor(seed: number | Uint32Array) {
    this.#state = new Uint32Array(4);
    if (typeof seed !== 'number') {
      const isState = seed.length === 4 && seed.some((word) => word !== 0);
      assert(isState, 'a state has four words, not all 0');
      this.#state.set(seed);
      return;
    }
    assert(Number.isSafeInteger(seed), `seed ${seed} is no integer`);
    let counter = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      counter = (counter + 0x9e3779b9) >>> 0;
      let z = counter;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
  }

  /** A copy of the state, from which a new generator goes on. */
  get state(): Uint32Array {
    return this.#state.slice();
  }

  /** Uniform in 0 .. 2^32 - 1. */
  u32(): number {
    const s = this.#state;
    const [s0, s1, s2, s3] = [s[0] ?? 0, s[1] ?? 0, s[2] ?? 0, s[3] ?? 0];
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2] = s2 ^ s0;
    s[3] = s3 ^ s1;
    s[1] = s1 ^ (s2 ^ s0);
    s[0] = s0 ^ (s3 ^ s1);
    s[2] = s2 ^ s0 ^ (s1 << 9);
    s[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }

  /** Uniform in 0 .. bound - 1, without bias; 1 <= bound <= 2^32. */
  below(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, `bound ${bound}`);
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.u32();
    while (value >= limit) value = this.u32();
    return value % bound;
  }

  /** Uniform in 0 .. 2^64 - 1. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** True once in `outOf` calls on average. */
  chance(outOf: number): boolean {
    return this.below(outOf) === 0;
  }

  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, 'nothing to pick from');
    return items[this.below(items.length)] as T;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.u32() >>> 24;
  }
}

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}
