/// <reference types="node" />
/**
 * Goal: the README's memory map is the code's.
 * Method: the table between its marks against the one drawn from the map. (CI runs its example.)
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { drawMemoryMap } from '../src/index.ts';

it('draws the memory map as it is', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, table] = /<!-- drawMemoryMap\(\) -->\n([^]*?)<!-- end -->/.exec(readme) ?? [];
  expect(table).toBe(drawMemoryMap());
});
