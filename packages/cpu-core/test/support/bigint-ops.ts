/**
 * The abstract builder over bigints, 0 <= value < 2^64: what instructions mean, computed by exact
 * integers from the definitions of the specification and not by machine arithmetic. Test support.
 */
import type { Ops } from '../../src/isa/ops.ts';

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const count = (value: bigint): bigint => value % 64n;

/** Unprivileged ISA §7.2 and table 7.1: quotients round to zero; x / 0 = -1, x % 0 = x. */
function divide(a: bigint, b: bigint): bigint {
  return b === 0n ? -1n : a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  return b === 0n ? a : a - b * (a / b);
}

export const bigintOps: Ops<bigint, boolean> = {
  const: (value) => u64(BigInt(value)),
  add: (a, b) => u64(a + b),
  sub: (a, b) => u64(a - b),
  mul: (a, b) => u64(a * b),
  mulHighS: (a, b) => u64((s64(a) * s64(b)) >> 64n),
  mulHighU: (a, b) => (a * b) >> 64n,
  mulHighSU: (a, b) => u64((s64(a) * b) >> 64n),
  divS: (a, b) => u64(divide(s64(a), s64(b))),
  divU: (a, b) => u64(divide(a, b)),
  remS: (a, b) => u64(remainder(s64(a), s64(b))),
  remU: (a, b) => remainder(a, b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => 2n ** 64n - 1n - a,
  shl: (a, n) => u64(a * 2n ** count(n)),
  shrS: (a, n) => u64(s64(a) >> count(n)),
  shrU: (a, n) => a / 2n ** count(n),
  signExtend32: (a) => u64(BigInt.asIntN(32, a)),
  zeroExtend32: (a) => a % 2n ** 32n,
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  ltS: (a, b) => s64(a) < s64(b),
  ltU: (a, b) => a < b,
  geS: (a, b) => s64(a) >= s64(b),
  geU: (a, b) => a >= b,
  fromBool: (condition) => (condition ? 1n : 0n),
  select: (condition, a, b) => (condition ? a : b),
};
