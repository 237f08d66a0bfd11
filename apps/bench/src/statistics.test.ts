/** Goal: figures are what their names say. Method: tables of small cases worked out by hand. */
import { expect, test } from 'vitest';
import { makeRow, makeRun } from '../test/make-row.ts';
import {
  deviationOf,
  fieldOf,
  geometricMean,
  ratioOf,
  spreadOf,
  summarize,
  summaryOf,
} from './statistics.ts';

test.each([
  [[3], { median: 3, min: 3, max: 3, count: 1 }],
  [[5, 1, 3], { median: 3, min: 1, max: 5, count: 3 }],
  [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4, count: 4 }],
])('the summary of %j', (values, expected) => {
  expect(summarize(values)).toEqual(expected);
});

test('nothing has no summary', () => {
  expect(() => summarize([])).toThrow('summary of nothing');
  expect(() => geometricMean([])).toThrow('mean of nothing');
});

test('the spread is half the range over the median', () => {
  expect(spreadOf(summarize([9, 10, 12]))).toBeCloseTo(0.15);
  expect(spreadOf(summarize([0, 0]))).toBe(0);
});

test('the deviation forgets an outlier', () => {
  expect(deviationOf([10, 10, 10, 10, 1000])).toBe(0);
  expect(deviationOf([9, 10, 11])).toBeCloseTo(1.4826);
});

test('the geometric mean of a ratio and its inverse is 1', () => {
  expect(geometricMean([4, 0.25])).toBeCloseTo(1);
  expect(geometricMean([2, 8])).toBeCloseTo(4);
});

test('ratios are taken run by run, so a slow spell that hits both does not show', () => {
  const record = makeRow({ mode: 'record', runs: [2, 20, 2.2].map((s) => makeRun(s)) });
  const run = makeRow({ mode: 'run', runs: [1, 10, 1].map((s) => makeRun(s)) });
  expect(ratioOf(record, run)?.median).toBeCloseTo(2);
  expect(ratioOf(record, run)?.count).toBe(3);
});

test('a round in which one side is missing gives no ratio', () => {
  const record = makeRow({ mode: 'record', runs: [null, makeRun(3)] });
  const run = makeRow({ mode: 'run', runs: [makeRun(1), makeRun(2)] });
  expect(ratioOf(record, run)).toEqual({ median: 1.5, min: 1.5, max: 1.5, count: 1 });
  expect(ratioOf(record, makeRow({ runs: [] }))).toBeUndefined();
  expect(ratioOf(undefined, run)).toBeUndefined();
});

test('fields that are not there are left out', () => {
  const row = makeRow({ runs: [makeRun(1, { logBytes: 5 }), makeRun(1), null] });
  expect(fieldOf(row, 'logBytes')).toEqual([5]);
  expect(summaryOf(row, 'steps')).toBeUndefined();
});
