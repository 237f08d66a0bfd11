/// <reference types="node" />
/**
 * Goal: the code cache is bounded, what it drops comes back without a visible effect, and memory
 * does not grow with the number of regions ever made. Method: a guest that writes functions, calls
 * them and writes them anew, in more places than the cache holds regions, or pages; its state is
 * compared with the interpreter's, and the regions that are still alive are counted after garbage
 * was collected. A day of a real guest's churn is compressed by a small cache, which is renewed a
 * hundred times.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { encode } from '../../src/isa/encode.ts';
import { Assembler, X } from '../support/assembler.ts';
import { differenceOf } from '../support/compare-states.ts';
import { captureState, makeCore, poke, RAM_START } from '../support/make-core.ts';

const CODE = RAM_START + 0x1_0000;
const { t0, t1, s0, s1, s2, s3, s4, a0, ra } = X;
const FUNCTION_BYTES = 512;

/**
 * Calls random ones of `count` functions, each a loop; before one in four calls, and before the
 * first, the function is written anew.
 */
function assembleChurn(count: number): Uint8Array {
  const a = new Assembler(RAM_START);
  a.li(s0, CODE).li(s1, 0x1234_5678_9abc).li(s3, count);
  a.li(s4, encode('addi', { rd: s2, rs1: s2 })).label('again');
  // xorshift64
  for (const [name, imm] of [['slli', 13], ['srli', 7], ['slli', 17]] as const) {
    a.op(name, { rd: t0, rs1: s1, imm }).op('xor', { rd: s1, rs1: s1, rs2: t0 });
  }
  a.op('srli', { rd: t0, rs1: s1, imm: 20 }).op('remu', { rd: t0, rs1: t0, rs2: s3 });
  a.op('slli', { rd: t0, rs1: t0, imm: 9 }).op('add', { rd: t0, rs1: t0, rs2: s0 });
  a.op('lw', { rd: t1, rs1: t0 }).to('beq', { rs1: t1 }, 'write');
  a.op('andi', { rd: t1, rs1: s1, imm: 3 }).to('bne', { rs1: t1 }, 'call');
  a.label('write').li(t1, encode('addi', { rd: a0, imm: 6 })).op('sw', { rs1: t0, rs2: t1 });
  a.op('slli', { rd: t1, rs1: s1, imm: 20 }).op('or', { rd: t1, rs1: t1, rs2: s4 });
  a.op('sw', { rs1: t0, rs2: t1, imm: 4 });
  const rest = [
    encode('addi', { rd: a0, rs1: a0, imm: -1 }),
    encode('bne', { rs1: a0, imm: -8 }),
    encode('jalr', { rs1: ra }),
  ];
  for (const [i, word] of rest.entries()) {
    a.li(t1, word).op('sw', { rs1: t0, rs2: t1, imm: 8 + 4 * i });
  }
  a.label('call').op('jalr', { rd: ra, rs1: t0 }).to('jal', {}, 'again');
  return a.toBytes();
}

interface Churn {
  readonly ramSizeBytes: number;
  readonly functions: number;
  readonly regionsMax: number;
  readonly steps: number;
}

interface Chunk {
  /** Regions made so far, and those of them that are alive. */
  readonly made: number;
  readonly alive: number;
  readonly rssMib: number;
}

const CHUNKS = 8;

/** Runs both engines and, at the end of each chunk, compares them and looks at memory. */
async function churn({ functions, steps, ...sizes }: Churn): Promise<Chunk[]> {
  let [made, dead] = [0, 0];
  const registry = new FinalizationRegistry(() => (dead += 1));
  const onRegion = (module: WebAssembly.Module): void => {
    made += 1;
    registry.register(module, undefined);
  };
  const one = makeCore({ ...sizes, engine: 'interpreter' });
  const two = makeCore({ ...sizes, engine: 'translator', hotJumps: 2, onRegion });
  expect(CODE - RAM_START + functions * FUNCTION_BYTES).toBeLessThanOrEqual(sizes.ramSizeBytes);
  for (const core of [one, two]) poke(core, RAM_START, assembleChurn(functions));
  const chunks: Chunk[] = [];
  for (let i = 1; i <= CHUNKS; i++) {
    const until = Math.floor((steps * i) / CHUNKS);
    one.run(until);
    two.run(until);
    const difference = differenceOf(captureState(one), captureState(two));
    expect(difference, `at step ${until}`).toBeUndefined();
    await collectGarbage();
    chunks.push({ made, alive: made - dead, rssMib: process.memoryUsage().rss / 2 ** 20 });
  }
  return chunks;
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** What garbage collection and the compiler's threads may still hold. */
const SLACK = { regions: 40, rssMib: 64 } as const;

describe('churn', () => {
  test('a small cache holds no more regions than it may, and memory stays', async () => {
    const regionsMax = 32;
    const sizes = { ramSizeBytes: 2 ** 20, functions: 512, regionsMax, steps: 170_000 };
    const chunks = await churn(sizes);
    const [early, last] = [chunks[CHUNKS / 4], chunks.at(-1)] as [Chunk, Chunk];
    expect(last.made).toBeGreaterThan(100 * regionsMax);
    for (const { alive } of chunks) expect(alive).toBeLessThanOrEqual(regionsMax + SLACK.regions);
    expect(last.alive).toBeGreaterThan(regionsMax / 2);
    expect(last.rssMib).toBeLessThan(early.rssMib + SLACK.rssMib);
  });

  test('more pages of code than are kept decoded come and go without an effect', async () => {
    const pages = 2600;
    const functions = pages * (4096 / FUNCTION_BYTES);
    const regionsMax = 500;
    const sizes = { ramSizeBytes: 2 ** 24, functions, regionsMax, steps: 160_000 };
    const chunks = await churn(sizes);
    expect(chunks.at(-1)?.made).toBeGreaterThan(3 * regionsMax);
    for (const { alive } of chunks) expect(alive).toBeLessThanOrEqual(regionsMax + SLACK.regions);
  });
});
