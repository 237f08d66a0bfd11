/** Goal: loops are found, each before those within it. Method: small graphs, by hand. */
import { expect, test } from 'vitest';
import { findLoops } from './loops.ts';

function loopsOf(edges: Readonly<Record<number, readonly number[]>>) {
  const loops = findLoops(Object.keys(edges).map(Number), (node) => edges[node] ?? []);
  return loops.map(({ members, depth, isInnermost }) => {
    const blocks = members.toSorted((a, b) => a - b).join(' ');
    return `${blocks}: ${depth}${isInnermost ? '' : ', outer'}`;
  });
}

test.each([
  ['a straight line', { 0: [1], 1: [2], 2: [] }, []],
  ['a block that repeats', { 0: [1], 1: [1, 2], 2: [] }, ['1: 1']],
  [
    'a loop in a loop',
    { 0: [1], 1: [2], 2: [2, 3], 3: [1, 4], 4: [] },
    ['1 2 3: 1, outer', '2: 2'],
  ],
  ['two in one', { 0: [1], 1: [1, 2], 2: [2, 3], 3: [0] }, ['0 1 2 3: 1, outer', '1: 2', '2: 2']],
  ['a header that repeats itself', { 0: [0, 1], 1: [0] }, ['0 1: 1, outer', '0: 2']],
  ['two headers', { 0: [1, 2], 1: [2], 2: [1] }, ['1 2: 1']],
  ['a loop that nothing leads into', { 0: [1], 1: [0] }, ['0 1: 1']],
  ['edges out of the graph', { 0: [0, 9] }, ['0: 1']],
] as const)('%s', (_, edges, expected) => {
  expect(loopsOf(edges)).toEqual(expected);
});
