/**
 * The abstract builder in which the meaning of instructions is written. `V` is a 64-bit value and
 * `B` a truth value of whoever builds: expressions of WebAssembly in both engines, bigints in the
 * test oracle.
 *
 * A value may be used more than once. No operation here traps, reads the host or touches memory:
 * division by zero and overflow have the results that RISC-V gives them (Unprivileged ISA 20191213
 * §7.2).
 */
export interface Ops<V, B> {
  const(value: number | bigint): V;

  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  /** High 64 bits of the 128-bit product: signed, unsigned, signed by unsigned. */
  mulHighS(a: V, b: V): V;
  mulHighU(a: V, b: V): V;
  mulHighSU(a: V, b: V): V;
  divS(a: V, b: V): V;
  divU(a: V, b: V): V;
  remS(a: V, b: V): V;
  remU(a: V, b: V): V;

  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  not(a: V): V;
  /** Shift counts are taken modulo 64. */
  shl(a: V, count: V): V;
  shrS(a: V, count: V): V;
  shrU(a: V, count: V): V;

  /** The low 32 bits, extended. */
  signExtend32(a: V): V;
  zeroExtend32(a: V): V;

  eq(a: V, b: V): B;
  ne(a: V, b: V): B;
  ltS(a: V, b: V): B;
  ltU(a: V, b: V): B;
  geS(a: V, b: V): B;
  geU(a: V, b: V): B;
  /** 1 or 0. */
  fromBool(condition: B): V;
  /** `a` if the condition holds, else `b`; both are computed. */
  select(condition: B, a: V, b: V): V;
}
