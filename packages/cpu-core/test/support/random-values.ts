/** Values at which instructions go wrong: edges, and a share of anything. Test support. */
import { type Prng, defined } from '@casmotion/base';

export function pick<T>(prng: Prng, items: readonly T[]): T {
  return defined(items[prng.below(items.length)], 'one of none');
}

const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0xffff_ffff_8000_0000n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n, 2n ** 64n - 2n],
  ...[0x5555_5555_5555_5555n, 0x0123_4567_89ab_cdefn, 0xffff_ffff_0000_0000n],
];

/** A 64-bit integer. */
export function randomInteger(prng: Prng): bigint {
  const kind = prng.below(4);
  if (kind === 0) return pick(prng, EDGES);
  if (kind === 1) return BigInt.asUintN(64, pick(prng, EDGES) + BigInt(prng.below(5)) - 2n);
  const any = prng.u64();
  return kind === 2 ? any : BigInt.asUintN(64, BigInt.asIntN(64, any) >> BigInt(prng.below(64)));
}

const DOUBLES: readonly bigint[] = [
  ...[0x0n, 0x1n, 0x000f_ffff_ffff_ffffn, 0x0010_0000_0000_0000n, 0x3fe0_0000_0000_0000n],
  ...[0x3ff0_0000_0000_0000n, 0x3ff0_0000_0000_0001n, 0x4008_0000_0000_0000n],
  ...[0x41df_ffff_ffc0_0000n, 0x41e0_0000_0000_0000n, 0x43e0_0000_0000_0000n],
  ...[0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n],
  ...[0x7ff0_0000_0000_0001n, 0x7fff_ffff_ffff_ffffn, 0x47ef_ffff_f000_0000n],
];

const SINGLES: readonly number[] = [
  ...[0x0, 0x1, 0x7f_ffff, 0x80_0000, 0x3f00_0000, 0x3f80_0000, 0x3f80_0001, 0x4040_0000],
  ...[0x4eff_ffff, 0x4f00_0000, 0x5f00_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x7f80_0001],
];

/** The bits of a double, a boxed single or, seldom, a single that is not boxed. */
export function randomFloatBits(prng: Prng): bigint {
  const sign = prng.below(2);
  if (prng.chance(2)) {
    const bits = prng.chance(2) ? pick(prng, DOUBLES) : prng.u64();
    return BigInt.asUintN(64, bits ^ (BigInt(sign) << 63n));
  }
  const single = prng.chance(2) ? pick(prng, SINGLES) : prng.u32();
  const box = prng.chance(8) ? BigInt(prng.u32()) : 0xffff_ffffn;
  return (box << 32n) | BigInt((single ^ (sign << 31)) >>> 0);
}
