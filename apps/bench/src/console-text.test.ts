/**
 * Goal: what must differ between two boards is no difference, what must not is one. Method:
 * consoles as the two machines print them, and the same with one thing changed.
 */
import { expect, test } from 'vitest';
import { comparableLines, findDifference } from './console-text.ts';

const LINUX = { startsAfter: '== begin' };
const OURS = [
  '[    0.000000] Machine model: casmotion',
  '== begin',
  'abc  -',
  '[    5.784267] reboot: Power down',
].join('\r\n');
const THEIRS = [
  'OpenSBI v1.1',
  '[    0.000000] Machine model: riscv-virtio,qemu',
  '== begin',
  '[    1.000000] random: crng init done',
  'abc  -',
].join('\n');

test("a board's own words are left out", () => {
  const ours = comparableLines(OURS, LINUX);
  expect(ours).toEqual(['abc  -']);
  expect(findDifference(ours, comparableLines(THEIRS, LINUX))).toBeUndefined();
});

test('times and addresses are masked, other numbers are not', () => {
  const lines = comparableLines('took 12.5 ms at 0x8000abcd, 17 rounds, 10:11:12.5\n', {});
  expect(lines).toEqual(['took TIME at ADDRESS, 17 rounds, TIME']);
});

test('lines of a rule are left out', () => {
  expect(comparableLines('a\n12 instructions in 3\nb', { leaveOut: /instructions in/ })).toEqual([
    'a',
    'b',
  ]);
});

test('lines of several machines come in any order', () => {
  const [one, other] = ['a| 1\nb| 2\n', 'b| 2\na| 1\n'].map((text) =>
    comparableLines(text, { isUnordered: true }),
  );
  expect(findDifference(one ?? [], other ?? [])).toBeUndefined();
  expect(comparableLines('b\na', {})).toEqual(['b', 'a']);
});

test('another result, a missing one and none at all are told', () => {
  expect(findDifference(['a', 'b'], ['a', 'c'])).toBe('the console differs in line 2: "b" and "c"');
  expect(findDifference(['a', 'b'], ['a'])).toBe(
    'the console differs in line 2: "b" and "its end"',
  );
  expect(findDifference([], [])).toContain('no result');
  expect(comparableLines('panic', LINUX)).toEqual([]);
});
