/// <reference types="node" />
/**
 * Goal: nested expressions mean what they say: no operand is swapped, lost or evaluated elsewhere.
 * Method: seeded random trees over i32 and i64 with their values computed in BigInt at the same
 * time; many trees a module, each run on random parameters; wabt validates every module.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project wasm-asm`.
 */
import { Prng } from '@casmotion/base';
import { expect, it } from 'vitest';
import { disassemble, instantiate, newMemory } from '../test/assemble.ts';
import { type FunctionBody, type I32, type I64, load, WasmModule } from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_250_102);
const MODULES = 60;
const FUNCTIONS_PER_MODULE = 20;
const RUNS_PER_FUNCTION = 10;
const DEPTH_MAX = 6;

/** The parameters of one run: two i32 and two i64, all unsigned. */
type Inputs = readonly [bigint, bigint, bigint, bigint];
/** An expression with its meaning. */
interface Tree<E> {
  readonly expr: E;
  readonly value: (inputs: Inputs) => bigint;
}

it('random trees compute what BigInt computes', () => {
  const distinct = new Set<bigint>();
  for (let round = 0; round < MODULES; round++) {
    const seed = SEED + round;
    const prng = new Prng(seed);
    const { bytes, values } = randomModule(prng);
    disassemble(bytes);
    const exports = instantiate(bytes, { memory: newMemory() });
    values.forEach((value, index) => {
      for (let run = 0; run < RUNS_PER_FUNCTION; run++) {
        const inputs = randomInputs(prng);
        const [a, b, c, d] = inputs;
        const found = exports[`f${index}`]?.(Number(a), Number(b), c, d);
        const result = BigInt.asUintN(64, BigInt(found ?? 0));
        const expected = BigInt.asUintN(64, value(inputs));
        expect(result, `seed ${seed}, f${index}(${inputs})`).toBe(expected);
        distinct.add(result);
      }
    });
  }
  expect(distinct.size).toBeGreaterThan(MODULES * FUNCTIONS_PER_MODULE);
});

interface RandomModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the function `f<index>` computes. */
  readonly values: readonly Tree<I64>['value'][];
}

function randomModule(prng: Prng): RandomModule {
  const module = new WasmModule();
  module.importMemory('env', 'memory', 1);
  const values: Tree<I64>['value'][] = [];
  const params = { a: 'i32', b: 'i32', c: 'i64', d: 'i64' } as const;
  for (let index = 0; index < FUNCTIONS_PER_MODULE; index++) {
    const ref = module.func(`f${index}`, params, 'i64', (body, { a, b, c, d }) => {
      const maker = new TreeMaker(prng, body, [a.get, b.get, c.get, d.get]);
      const tree = maker.i64(DEPTH_MAX);
      values.push(tree.value);
      body.return(tree.expr);
    });
    module.exportFunction(ref);
  }
  return { bytes: module.toBytes(), values };
}

type Binary<E> = readonly [(a: E, b: E) => E, (a: bigint, b: bigint) => bigint];

const s32 = (value: bigint): bigint => BigInt.asIntN(32, value);
const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const flag = (condition: boolean): bigint => (condition ? 1n : 0n);

const I32_BINARY: readonly Binary<I32>[] = [
  [(a, b) => a.add(b), (a, b) => a + b],
  [(a, b) => a.sub(b), (a, b) => a - b],
  [(a, b) => a.mul(b), (a, b) => a * b],
  [(a, b) => a.divU(b.or(1)), (a, b) => a / (b | 1n)],
  [(a, b) => a.remS(b.or(1)), (a, b) => s32(a) % s32(b | 1n)],
  [(a, b) => a.and(b), (a, b) => a & b],
  [(a, b) => a.or(b), (a, b) => a | b],
  [(a, b) => a.xor(b), (a, b) => a ^ b],
  [(a, b) => a.shl(b), (a, b) => a << (b & 31n)],
  [(a, b) => a.shrS(b), (a, b) => s32(a) >> (b & 31n)],
  [(a, b) => a.shrU(b), (a, b) => a >> (b & 31n)],
  [(a, b) => a.ltS(b), (a, b) => flag(s32(a) < s32(b))],
  [(a, b) => a.geU(b), (a, b) => flag(a >= b)],
];

const I64_BINARY: readonly Binary<I64>[] = [
  [(a, b) => a.add(b), (a, b) => a + b],
  [(a, b) => a.sub(b), (a, b) => a - b],
  [(a, b) => a.mul(b), (a, b) => a * b],
  [(a, b) => a.divU(b.or(1)), (a, b) => a / (b | 1n)],
  [(a, b) => a.remS(b.or(1)), (a, b) => s64(a) % s64(b | 1n)],
  [(a, b) => a.and(b), (a, b) => a & b],
  [(a, b) => a.or(b), (a, b) => a | b],
  [(a, b) => a.xor(b), (a, b) => a ^ b],
  [(a, b) => a.shl(b), (a, b) => a << (b & 63n)],
  [(a, b) => a.shrS(b), (a, b) => s64(a) >> (b & 63n)],
  [(a, b) => a.shrU(b), (a, b) => a >> (b & 63n)],
  [(a, b) => a.rotl(b), (a, b) => (a << (b & 63n)) | (a >> (64n - (b & 63n)))],
];

/** Grows trees; values between nodes are unsigned. Some go through locals or through memory. */
class TreeMaker {
  readonly #prng: Prng;
  readonly #body: FunctionBody;
  readonly #params: readonly [I32, I32, I64, I64];
  #nextAddress = 1;

  constructor(prng: Prng, body: FunctionBody, params: readonly [I32, I32, I64, I64]) {
    this.#prng = prng;
    this.#body = body;
    this.#params = params;
  }

  i32(depth: number): Tree<I32> {
    if (depth === 0) {
      const index = this.#prng.below(2) as 0 | 1;
      return { expr: this.#params[index], value: (inputs) => inputs[index] };
    }
    switch (this.#prng.below(5)) {
      case 0: {
        const wide = this.i64(depth - 1);
        return { expr: wide.expr.toI32(), value: (inputs) => u32(wide.value(inputs)) };
      }
      case 1: {
        const [a, b] = [this.i64(depth - 1), this.i64(depth - 1)];
        const value = (inputs: Inputs): bigint => flag(s64(a.value(inputs)) < s64(b.value(inputs)));
        return { expr: a.expr.ltS(b.expr), value };
      }
      default:
        return this.#binary(I32_BINARY, this.i32(depth - 1), this.i32(depth - 1), u32);
    }
  }

  i64(depth: number): Tree<I64> {
    if (depth === 0) {
      const index = (2 + this.#prng.below(2)) as 2 | 3;
      return { expr: this.#params[index], value: (inputs) => inputs[index] };
    }
    switch (this.#prng.below(8)) {
      case 0: {
        const { expr, value } = this.i32(depth - 1);
        return { expr: expr.toI64S(), value: (inputs) => u64(s32(value(inputs))) };
      }
      case 1:
        return this.#select(depth - 1);
      case 2:
        return this.#throughMemory(this.i64(depth - 1));
      case 3: {
        const { expr, value } = this.i64(depth - 1);
        return { expr: this.#body.let(expr), value };
      }
      default:
        return this.#binary(I64_BINARY, this.i64(depth - 1), this.i64(depth - 1), u64);
    }
  }

  #binary<E>(
    table: readonly Binary<E>[],
    a: Tree<E>,
    b: Tree<E>,
    wrap: (value: bigint) => bigint,
  ): Tree<E> {
    const [make, compute] = this.#prng.pick(table);
    const value = (inputs: Inputs): bigint => wrap(compute(a.value(inputs), b.value(inputs)));
    return { expr: make(a.expr, b.expr), value };
  }

  #select(depth: number): Tree<I64> {
    const [a, b, condition] = [this.i64(depth), this.i64(depth), this.i32(depth)];
    return {
      expr: a.expr.select(b.expr, condition.expr),
      value: (inputs) => (condition.value(inputs) !== 0n ? a : b).value(inputs),
    };
  }

  #throughMemory(tree: Tree<I64>): Tree<I64> {
    const address = (this.#nextAddress += 9);
    this.#body.storeI64(address - 8, 8, tree.expr);
    return { expr: load.i64(1, address - 1), value: tree.value };
  }
}

function randomInputs(prng: Prng): Inputs {
  const edge = (): bigint => {
    const bit = 1n << BigInt(prng.below(64));
    return prng.pick([0n, bit, bit - 1n, -bit, prng.u64()]);
  };
  return [u32(edge()), u32(edge()), u64(edge()), u64(edge())];
}
