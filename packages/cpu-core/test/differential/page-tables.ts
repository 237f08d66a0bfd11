/**
 * Page tables for a random program: what it needs, and around it what should fault. Test support.
 */
import type { Prng } from '@casmotion/base';
import { PTE } from '../../src/hart/status.ts';
import { CODE_PAGES, DATA_PAGES, PAGE, PAGES, SUPERVISOR_HANDLER, VIRTUAL } from './layout.ts';
import { pick } from '../support/random-values.ts';

export type Mode = 'M' | 'S' | 'U';

const { V, R, W, X, U, G, A, D } = PTE;
const MIB_2 = 0x20_0000n;

/** How a program's pages are spread: physical page numbers in the region, by virtual page. */
export interface PageOrder {
  readonly code: readonly number[];
  readonly data: readonly number[];
}

export function drawPageOrder(prng: Prng): PageOrder {
  return {
    code: shuffled(prng, CODE_PAGES).map((i) => PAGES.code + i),
    data: shuffled(prng, DATA_PAGES).map((i) => PAGES.data + i),
  };
}

/** Writes the three tables of the region at guest-physical `at`. */
export function writePageTables(
  prng: Prng,
  region: DataView,
  at: number,
  mode: Mode,
  { code, data }: PageOrder,
): void {
  const put = (table: number, index: number, pte: bigint) =>
    region.setBigUint64(table * PAGE + index * 8, pte, true);
  const page = (number: number) => BigInt(at + number * PAGE);
  const user = mode === 'U' ? U : 0;
  const some = (bits: number) => (prng.chance(2) ? bits : 0);

  // Bits 38..30 of the two ranges: 1 and 256.
  for (const index of [1, 256]) put(PAGES.root, index, leaf(page(PAGES.middle), V));
  put(PAGES.root, 2, leaf(0x8000_0000n, V | R | user | some(A)));
  put(PAGES.root, 3, leaf(0x8000_1000n, V | R | W | user | A | D));

  put(PAGES.middle, 0, leaf(page(PAGES.leaves), V | some(G)));
  const chunk = BigInt(at) & ~(MIB_2 - 1n);
  put(PAGES.middle, 1, leaf(chunk, V | R | some(W) | user | some(A) | some(D)));
  put(PAGES.middle, 2, leaf(chunk + 4096n, V | R | W | user | A | D));
  put(PAGES.middle, 4, leaf(page(PAGES.leaves), V | pick(prng, [A, D, U])));
  put(PAGES.middle, 6, leaf(page(PAGES.leaves), V));
  put(PAGES.middle, 7, leaf(page(PAGES.data), V | W | A | D));

  code.forEach((physical, i) => {
    const flags = V | X | user | pick(prng, [0, R, R | W]) | some(A) | some(D);
    put(PAGES.leaves, PAGES.code + i, leaf(page(physical), flags));
  });
  data.forEach((physical, i) => {
    const flags = V | R | W | user | some(A) | some(D) | (prng.chance(8) ? G : 0);
    put(PAGES.leaves, PAGES.data + i, leaf(page(physical), flags));
  });
  put(PAGES.leaves, PAGES.log, leaf(page(PAGES.log), V | R | W | A | D));
  put(PAGES.leaves, VIRTUAL.handler, leaf(BigInt(SUPERVISOR_HANDLER), V | R | X | A | D));
  put(PAGES.leaves, VIRTUAL.leaves, leaf(page(PAGES.leaves), V | R | W | A | D | user));
  for (let i = 0; i < VIRTUAL.randomCount; i++) {
    put(PAGES.leaves, VIRTUAL.random + i, drawPte(prng, at, i >= VIRTUAL.randomCount / 2));
  }
  for (let i = 0; i < 8; i++) put(PAGES.leaves, VIRTUAL.remapped + i, drawPte(prng, at, false));
}

/** An entry that leads to a data page of the region, with any flags but G; often invalid. */
export function drawPte(prng: Prng, regionStart: number, mayExecute: boolean): bigint {
  const flags = prng.below(256) & ~G & (mayExecute ? 255 : ~X);
  const data = BigInt(regionStart + (PAGES.data + prng.below(DATA_PAGES)) * PAGE);
  const reserved = prng.chance(16) ? 1n << BigInt(54 + prng.below(10)) : 0n;
  const software = BigInt(prng.below(4)) << 8n;
  return leaf(data, prng.chance(8) ? flags : flags | V) | software | reserved;
}

function leaf(physical: bigint, flags: number): bigint {
  return ((physical >> 12n) << 10n) | BigInt(flags);
}

function shuffled(prng: Prng, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
