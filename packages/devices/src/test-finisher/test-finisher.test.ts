/**
 * Goal: each command ends the machine as it should, and nothing else does. Method: a table of
 * writes.
 */
import { expect, test } from 'vitest';
import type { AccessSize } from '../device.ts';
import { TestFinisher, type Finish } from './test-finisher.ts';

test.each<{ at: number; size: AccessSize; value: number; finish: Finish | undefined }>([
  { at: 0, size: 4, value: 0x5555, finish: { cause: 'power-off' } },
  { at: 0, size: 2, value: 0x5555, finish: { cause: 'power-off' } },
  { at: 0, size: 4, value: 0x7777, finish: { cause: 'reset' } },
  { at: 0, size: 4, value: 0x3333, finish: { cause: 'failure', code: 0 } },
  { at: 0, size: 4, value: 0xffff_3333, finish: { cause: 'failure', code: 0xffff } },
  { at: 0, size: 1, value: 0x55, finish: undefined },
  { at: 0, size: 4, value: 0, finish: undefined },
  { at: 4, size: 4, value: 0x5555, finish: undefined },
])('a write of $value ($size bytes at $at) gives $finish', ({ at, size, value, finish }) => {
  const finishes: Finish[] = [];
  const finisher = new TestFinisher({ finish: (what) => void finishes.push(what) });
  finisher.write(at, size, value);
  expect(finishes).toEqual(finish === undefined ? [] : [finish]);
  expect(finisher.read(at, size)).toBe(0);
});
