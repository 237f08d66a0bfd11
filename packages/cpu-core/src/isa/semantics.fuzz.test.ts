/**
 * Goal: the engine computes what the table means. Method: the meaning of each row, instantiated
 * over bigints (an arithmetic that shares nothing with WebAssembly's), against one step of the
 * core: registers, memory of atomics, pc of branches. Random operands with a liking for edges.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { bigintOps } from '../../test/support/bigint-ops.ts';
import { makeCore, peekU64, poke, pokeU64, RAM_START } from '../../test/support/make-core.ts';
import { randomOperands } from '../../test/support/random-operands.ts';
import { randomFloatBits, randomInteger } from '../../test/support/random-values.ts';
import { encode, type Operands } from './encode.ts';
import { immediateOf } from './formats.ts';
import type { Instruction } from './instruction.ts';
import { instructions } from './table.ts';

const SEED = 11;
const TRIALS_EACH = 400;
const CODE = RAM_START + 0x800;
const DATA = RAM_START + 0x3000;

const core = makeCore({ ramSizeBytes: 16 * 4096 });
core.hart.setCsr(0x300, 0x6000n); // FS

function step(word: number): void {
  poke(core, CODE, new Uint8Array(new Uint32Array([word]).buffer));
  core.hart.pc = BigInt(CODE);
  expect(core.run(core.step + 1)).toBe('budget');
}

function randomiseRegisters(prng: Prng): void {
  for (let i = 1; i < 32; i++) core.hart.setX(i, randomInteger(prng));
  for (let i = 0; i < 32; i++) core.hart.setF(i, randomFloatBits(prng));
}

const register = (file: 'x' | 'f', index: number): bigint =>
  file === 'x' ? core.hart.getX(index) : core.hart.getF(index);

/** What the table says that a row computes from the registers as they are. */
function expectedOf(row: Instruction, operands: Operands, word: number): bigint {
  const { semantics } = row;
  if (semantics.type !== 'compute') throw new Error(`${row.name} computes nothing`);
  const fields = [operands.rs1, operands.rs2, operands.rs3];
  const values = semantics.operands.map((operand, i) => {
    if (operand === 'imm') return BigInt.asUintN(64, BigInt(immediateOf(row.format, word)));
    return operand === 'pc' ? BigInt(CODE) : register(operand, fields[i] ?? 0);
  });
  const [a = 0n, b = 0n, c = 0n] = values;
  return semantics.compute(bigintOps, a, b, c);
}

const hex = (value: bigint) => value.toString(16);
const rowsOf = (type: string) => instructions.filter(({ semantics }) => semantics.type === type);

describe(`seed ${SEED}`, () => {
  test.each(rowsOf('compute').map((row) => [row.name, row] as const))('%s', (name, row) => {
    const prng = new Prng(SEED);
    const results = new Set<bigint>();
    for (let i = 0; i < TRIALS_EACH; i++) {
      randomiseRegisters(prng);
      const operands = randomOperands(prng, row);
      const word = encode(name, operands);
      const expected = expectedOf(row, operands, word);
      step(word);
      const file = 'rd' in row.semantics ? row.semantics.rd : 'x';
      const isX0 = file === 'x' && operands.rd === 0;
      const found = register(file, operands.rd ?? 0);
      expect(hex(found), `${name} ${JSON.stringify(operands)}`).toBe(hex(isX0 ? 0n : expected));
      expect(core.hart.pc).toBe(BigInt(CODE + 4));
      results.add(found);
    }
    expect(results.size).toBeGreaterThan(1);
  });

  test.each(rowsOf('branch').map((row) => [row.name, row] as const))('%s', (name, row) => {
    if (row.semantics.type !== 'branch') throw new Error('not a branch');
    const prng = new Prng(SEED);
    let taken = 0;
    for (let i = 0; i < TRIALS_EACH; i++) {
      randomiseRegisters(prng);
      const operands = randomOperands(prng, row);
      const { rs1 = 0, rs2 = 0, imm = 0 } = operands;
      if (prng.chance(2) && rs2 !== 0) core.hart.setX(rs2, core.hart.getX(rs1));
      const [a, b] = [register('x', rs1), register('x', rs2)];
      const isTaken = row.semantics.condition(bigintOps, a, b);
      taken += Number(isTaken);
      step(encode(name, operands));
      expect(core.hart.pc, JSON.stringify(operands)).toBe(BigInt(CODE + (isTaken ? imm : 4)));
    }
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(TRIALS_EACH);
  });

  test.each(rowsOf('amo').map((row) => [row.name, row] as const))('%s', (name, row) => {
    if (row.semantics.type !== 'amo') throw new Error('not an AMO');
    const { width, compute } = row.semantics;
    const prng = new Prng(SEED);
    for (let i = 0; i < TRIALS_EACH; i++) {
      randomiseRegisters(prng);
      const operands = { ...randomOperands(prng, row), rs1: 1 + prng.below(31) };
      const { rd = 0, rs1, rs2 = 0 } = operands;
      const place = DATA + prng.below(64) * (width / 8);
      core.hart.setX(rs1, BigInt(place));
      const around = randomInteger(prng);
      pokeU64(core, place, around);
      const sized = (value: bigint) => BigInt.asUintN(64, BigInt.asIntN(width, value));
      const [old, source] = [sized(around), sized(register('x', rs2))];
      const stored = BigInt.asUintN(width, compute(bigintOps, old, source, 0n));
      step(encode(name, operands));
      const rest = around - BigInt.asUintN(width, around);
      expect(hex(peekU64(core, place)), JSON.stringify(operands)).toBe(hex(rest + stored));
      expect(hex(register('x', rd))).toBe(hex(rd === 0 ? 0n : old));
    }
  });
});
