/** The inverse of `expandCompressed`, by trying all halfwords once. Test support. */
import { expandCompressed, isCompressed } from '../../src/isa/compressed.ts';

let table: ReadonlyMap<number, readonly number[]> | undefined;

/** A halfword that stands for the 32-bit instruction `word`, or undefined where there is none. */
export function compress(word: number): number | undefined {
  table ??= makeTable();
  return table.get(word >>> 0)?.[0];
}

/** All halfwords that stand for some instruction. */
export function validHalfwords(): number[] {
  return Array.from({ length: 65_536 }, (_, half) => half).filter(
    (half) => isCompressed(half) && expandCompressed(half) !== undefined,
  );
}

function makeTable(): ReadonlyMap<number, readonly number[]> {
  const map = new Map<number, number[]>();
  for (const half of validHalfwords()) {
    const word = expandCompressed(half) as number;
    map.set(word, [...(map.get(word) ?? []), half]);
  }
  return map;
}
