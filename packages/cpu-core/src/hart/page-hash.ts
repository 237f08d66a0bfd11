/**
 * XXH3-128 of 8 bytes and a page of RAM, where it lies: what landmarks spend their time on. The
 * algorithm is that of the xxHash specification 0.2.0, "XXH3", for inputs of more than 240 bytes,
 * with seed 0 and the default secret; its length, 4104 bytes, is a constant here.
 *
 * A landmark is rare, and baseline code hashes most pages of a short recording: the loop over
 * stripes is not unrolled, and takes the secret from memory.
 *
 * Invariant: it is the same function as `Hashes.xxh128` of those 8 bytes and the page.
 */
import { defined } from '@casmotion/base';
import {
  callI64,
  type FunctionBody,
  type FunctionRef,
  type I32,
  I64,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import { HASH_SECRET, type MemoryPlan, PAGE_BYTES } from './layout.ts';

/** The two halves of a hash, from the most significant bits of its canonical form on. */
export type UseHash = (high: I64, low: I64) => void;

/**
 * Writes code that hashes 8 bytes, `number` in little-endian order, and then the page. Needs {@link
 * hashSecretBytes} in memory. Reads `page` and `number` several times.
 */
export function writePageHash(
  f: FunctionBody,
  { plan, mulHighU }: { readonly plan: MemoryPlan; readonly mulHighU: FunctionRef },
  { page, number }: { readonly page: Local<'i32'>; readonly number: Local<'i64'> },
  use: UseHash,
): void {
  const lanes = new Lanes(f, mulHighU);
  const [at, key] = [f.local('i32'), f.local('i32')];
  // As if the number stood before the page: the loop finds another word there.
  f.set(at, page.get.shl(12).add(plan.ram - NUMBER_BYTES));
  const end = f.let(at.get.add(PAGE_BYTES));
  lanes.replaceFirst(load.i64(at.get), number.get);
  f.loop((nextBlock) => {
    f.set(key, HASH_SECRET);
    f.loop((nextStripe) => {
      lanes.accumulate(key.get, (lane) => load.i64(at.get, lane * 8));
      f.set(at, at.get.add(STRIPE_BYTES));
      f.set(key, key.get.add(8));
      f.brIf(key.get.ltU(HASH_SECRET + BLOCK_STRIPES * 8), nextStripe);
    });
    lanes.scramble();
    f.brIf(at.get.ltU(end), nextBlock);
  });
  // The last stripe of the input, part of which was taken already.
  f.set(key, HASH_SECRET + LAST_SECRET - 7);
  f.set(at, at.get.sub(STRIPE_BYTES - NUMBER_BYTES));
  lanes.accumulate(key.get, (lane) => load.i64(at.get, lane * 8));
  const low = f.let(lanes.merged(11, INPUT_BYTES * PRIME64_1));
  use(f.let(lanes.merged(LAST_SECRET - 11, ~(INPUT_BYTES * PRIME64_2))), low);
}

/** What stands at `HASH_SECRET`. */
export function hashSecretBytes(): Uint8Array {
  return SECRET;
}

/** The eight accumulators, as locals. */
class Lanes {
  readonly #f: FunctionBody;
  readonly #mulHighU: FunctionRef;
  readonly #lanes: readonly Local<'i64'>[];
  readonly #word: Local<'i64'>;
  readonly #keyed: Local<'i64'>;

  constructor(f: FunctionBody, mulHighU: FunctionRef) {
    this.#f = f;
    this.#mulHighU = mulHighU;
    this.#lanes = INITIAL_LANES.map((value) => {
      const lane = f.local('i64');
      f.set(lane, value);
      return lane;
    });
    [this.#word, this.#keyed] = [f.local('i64'), f.local('i64')];
  }

  /** A stripe: eight words, with the secret from the address `key` on. */
  accumulate(key: I32, wordOf: (lane: number) => I64): void {
    const [f, word, keyed] = [this.#f, this.#word, this.#keyed];
    for (const [index, same] of this.#lanes.entries()) {
      const other = this.#lane(index ^ 1);
      f.set(word, wordOf(index));
      f.set(keyed, word.get.xor(load.i64(key, index * 8)));
      f.set(other, other.get.add(word.get));
      f.set(same, same.get.add(lowTimesHigh(keyed.get)));
    }
  }

  /**
   * Before all stripes: what the first word adds is added, and that of another one, which will
   * come in its place, taken away.
   */
  replaceFirst(other: I64, first: I64): void {
    const [f, lane0, lane1] = [this.#f, this.#lane(0), this.#lane(1)];
    const [coming, wanted] = [f.let(other), f.let(first)];
    const product = (word: I64): I64 => lowTimesHigh(f.let(word.xor(secretWord(0))));
    f.set(lane0, lane0.get.add(product(wanted)).sub(product(coming)));
    f.set(lane1, lane1.get.add(wanted).sub(coming));
  }

  /** After each block. */
  scramble(): void {
    for (const [index, lane] of this.#lanes.entries()) {
      const mixed = lane.get.xor(lane.get.shrU(47)).xor(secretWord(LAST_SECRET + index * 8));
      this.#f.set(lane, mixed.mul(PRIME32_1));
    }
  }

  /** Half of the hash. */
  merged(secretAt: number, start: bigint): I64 {
    const f = this.#f;
    let sum: I64 = I64.const(BigInt.asUintN(64, start));
    for (let pair = 0; pair < LANES; pair += 2) {
      const a = f.let(this.#lane(pair).get.xor(secretWord(secretAt + pair * 8)));
      const b = f.let(this.#lane(pair + 1).get.xor(secretWord(secretAt + pair * 8 + 8)));
      sum = sum.add(a.mul(b).xor(callI64(this.#mulHighU, a, b)));
    }
    const mixed = f.let(sum);
    const spread = f.let(mixed.xor(mixed.shrU(37)).mul(PRIME_MX1));
    return spread.xor(spread.shrU(32));
  }

  #lane(index: number): Local<'i64'> {
    return defined(this.#lanes[index], 'a lane');
  }
}

function lowTimesHigh(word: I64): I64 {
  return word.and(0xffff_ffffn).mul(word.shrU(32));
}

const NUMBER_BYTES = 8;
const INPUT_BYTES = BigInt(NUMBER_BYTES + PAGE_BYTES);
const STRIPE_BYTES = 64;
const BLOCK_STRIPES = 16;
const LANES = 8;

const PRIME32_1 = 0x9e37_79b1n;
const PRIME32_2 = 0x85eb_ca77n;
const PRIME32_3 = 0xc2b2_ae3dn;
const PRIME64_1 = 0x9e37_79b1_85eb_ca87n;
const PRIME64_2 = 0xc2b2_ae3d_27d4_eb4fn;
const PRIME64_3 = 0x1656_67b1_9e37_79f9n;
const PRIME64_4 = 0x85eb_ca77_c2b2_ae63n;
const PRIME64_5 = 0x27d4_eb2f_1656_67c5n;
const PRIME_MX1 = 0x1656_6791_9e37_79f9n;

const INITIAL_LANES = [
  PRIME32_3,
  PRIME64_1,
  PRIME64_2,
  PRIME64_3,
  PRIME64_4,
  PRIME32_2,
  PRIME64_5,
  PRIME32_1,
] as const;

/** The default secret of the specification, 192 bytes. */
const SECRET = Uint8Array.from(
  (
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f' +
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e'
  ).match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);
/** The last stripe's worth of it. */
const LAST_SECRET = SECRET.length - STRIPE_BYTES;

/** 8 bytes of the secret, at any offset. */
function secretWord(offset: number): bigint {
  return new DataView(SECRET.buffer).getBigUint64(offset, true);
}
