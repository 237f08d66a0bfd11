/**
 * XXH3-128 of what lies in linear memory: pages of RAM and registers. The algorithm is that of the
 * xxHash specification 0.2.0, "XXH3", for inputs of more than 240 bytes, with seed 0 and the
 * default secret; the length of an input is a constant.
 *
 * Landmarks and events are rare, and baseline code hashes most of a short recording: the loop over
 * stripes is not unrolled, and takes the secret from memory.
 *
 * Invariant: it is the same function as `Hashes.xxh128` of the input's bytes.
 */
import { assert, defined } from '@casmotion/base';
import {
  callI64,
  type FunctionBody,
  type FunctionRef,
  type I32,
  I64,
  load,
  type Local,
} from '@casmotion/wasm-asm';
import { HASH_SECRET } from './layout.ts';

export interface HashInput {
  /** Where it lies. */
  readonly start: I32;
  readonly sizeBytes: number;
  /** Its first 8 bytes, as a little-endian number, where others stand at `start`. */
  readonly first?: I64;
}

/** The two halves of a hash: the 16 bytes of its canonical form, as little-endian numbers. */
export type UseHash = (low: I64, high: I64) => void;

/** Writes code that hashes. Needs {@link HASH_SECRET_BYTES} in memory. */
export function writeHash(
  f: FunctionBody,
  mulHighU: FunctionRef,
  { start, sizeBytes, first }: HashInput,
  use: UseHash,
): void {
  assert(sizeBytes > SHORT_BYTES, `a hash of ${sizeBytes} bytes`);
  const lanes = new Lanes(f, mulHighU);
  const [at, key] = [f.local('i32'), f.local('i32')];
  const takeStripes = (count: number): void => {
    f.set(key, HASH_SECRET);
    f.loop((again) => {
      lanes.accumulate(at.get, key.get);
      f.set(at, at.get.add(STRIPE_BYTES));
      f.set(key, key.get.add(8));
      f.brIf(key.get.ltU(HASH_SECRET + count * 8), again);
    });
  };
  f.set(at, start);
  const end = f.let(at.get.add(sizeBytes));
  if (first !== undefined) lanes.replaceFirst(load.i64(at.get), first);
  const blocks = Math.floor((sizeBytes - 1) / BLOCK_BYTES);
  if (blocks > 0) {
    const lastBlock = f.let(at.get.add(blocks * BLOCK_BYTES));
    f.loop((again) => {
      takeStripes(BLOCK_STRIPES);
      lanes.scramble();
      f.brIf(at.get.ltU(lastBlock), again);
    });
  }
  const stripes = Math.floor(((sizeBytes - 1) % BLOCK_BYTES) / STRIPE_BYTES);
  if (stripes > 0) takeStripes(stripes);
  // The last stripe of the input, part of which was taken already.
  f.set(at, end.sub(STRIPE_BYTES));
  f.set(key, HASH_SECRET + LAST_SECRET - 7);
  lanes.accumulate(at.get, key.get);
  const size = BigInt(sizeBytes);
  const low = f.let(lanes.merged(11, size * PRIME64_1));
  const high = f.let(lanes.merged(LAST_SECRET - 11, ~(size * PRIME64_2)));
  // The canonical form is big-endian, its most significant half first.
  use(swapBytes(f, high), swapBytes(f, low));
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

  /** A stripe: eight words from the address `at` on, with the secret from the address `key` on. */
  accumulate(at: I32, key: I32): void {
    const [f, word, keyed] = [this.#f, this.#word, this.#keyed];
    for (const [index, same] of this.#lanes.entries()) {
      const other = this.#lane(index ^ 1);
      f.set(word, load.i64(at, index * 8));
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

function swapBytes(f: FunctionBody, word: I64): I64 {
  const swapParts = (value: I64, bits: number, mask: bigint): I64 =>
    value.and(mask).shl(bits).or(value.shrU(bits).and(mask));
  const bytes = f.let(swapParts(word, 8, 0x00ff_00ff_00ff_00ffn));
  return f.let(swapParts(bytes, 16, 0x0000_ffff_0000_ffffn)).rotl(32);
}

/** Up to here the specification has other algorithms. */
const SHORT_BYTES = 240;
const STRIPE_BYTES = 64;
const BLOCK_STRIPES = 16;
const BLOCK_BYTES = BLOCK_STRIPES * STRIPE_BYTES;
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

/** What stands at `HASH_SECRET`: the default secret of the specification, 192 bytes. */
export const HASH_SECRET_BYTES: Readonly<Uint8Array> = Uint8Array.from(
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
const LAST_SECRET = HASH_SECRET_BYTES.length - STRIPE_BYTES;

/** 8 bytes of the secret, at any offset. */
function secretWord(offset: number): bigint {
  return new DataView(HASH_SECRET_BYTES.buffer).getBigUint64(offset, true);
}
