/**
 * Goal: a slower row is told, noise is not. Method: pairs of results with known times, in a table;
 * the text of one comparison.
 */
import { expect, test } from 'vitest';
import { makeResults, makeRow, makeRun } from '../test/make-row.ts';
import { compareResults, formatComparison } from './compare.ts';

const withTimes = (times: readonly number[]) =>
  makeResults([makeRow({ runs: times.map((seconds) => makeRun(seconds)) })]);

test.each([
  ['equal', [1, 1.01, 0.99], [1, 1.01, 0.99], 'same'],
  ['slower and apart', [1, 1.01, 0.99], [1.2, 1.21, 1.19], 'slower'],
  ['faster and apart', [1.2, 1.21, 1.19], [1, 1.01, 0.99], 'faster'],
  ['slower by less than 3 %', [1, 1, 1], [1.02, 1.02, 1.02], 'same'],
  ['slower in the median, but overlapping', [1, 1, 1.5], [1.2, 1.2, 1.2], 'same'],
  ['apart, but within the noise of both', [1, 1.2, 1.4], [1.45, 1.5, 1.8], 'same'],
  ['one run each, 8 %', [1], [1.08], 'same'],
  ['one run each, 12 %', [1], [1.12], 'slower'],
] as const)('%s', (_, base, now, verdict) => {
  const [change] = compareResults(withTimes(base), withTimes(now)).changes;
  expect(change?.verdict).toBe(verdict);
});

test('rows in one of the two only, and failed ones, are not compared', () => {
  const base = makeResults([
    makeRow({ workload: 'gone', runs: [makeRun(1)] }),
    makeRow({ workload: 'failed', runs: [makeRun(1)] }),
  ]);
  const now = makeResults([
    makeRow({ workload: 'new', runs: [makeRun(1)] }),
    makeRow({ workload: 'failed', runs: [null], failure: 'exit code 3' }),
  ]);
  const { changes, unmatched } = compareResults(base, now);
  expect(changes).toEqual([]);
  expect(unmatched).toEqual([
    'new casmotion run auto',
    'gone casmotion run auto',
    'failed casmotion run auto',
  ]);
});

test('other sizes and other machines are warned of', () => {
  const base = withTimes([1]);
  const now = makeResults(base.rows, {
    isQuick: true,
    environment: { ...base.environment, node: 'v24.0.0' },
  });
  expect(compareResults(base, now).warnings).toEqual([
    'one has quick sizes, the other has not: seconds are of different work',
    'node differs: v20.19.0 and v24.0.0',
  ]);
});

test('the text has the slower ones first and counts', () => {
  const base = makeResults([
    makeRow({ workload: 'a', runs: [makeRun(1)] }),
    makeRow({ workload: 'b', runs: [makeRun(1)] }),
  ]);
  const now = makeResults([
    makeRow({ workload: 'a', runs: [makeRun(1)] }),
    makeRow({ workload: 'b', runs: [makeRun(2)] }),
  ]);
  const text = formatComparison(compareResults(base, now));
  expect(text.indexOf('b casmotion')).toBeLessThan(text.indexOf('a casmotion'));
  expect(text).toContain('1 slower, 0 faster, 1 the same');
});
