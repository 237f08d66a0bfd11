/**
 * Goal: each premise has a check that is always made, and the document is what the table says.
 * Method: the table itself, and docs/monitor.md made anew.
 */
/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { monitorDocument } from '../../scripts/monitor-document.ts';
import { CHECK_NAMES, CheckCounts, CHECKS, type Premise, PREMISES } from '../index.ts';

test.each(Object.keys(PREMISES) as Premise[])('%s has a check that is always made', (premise) => {
  const fast = CHECK_NAMES.filter((name) => CHECKS[name].level === 'fast');
  expect(fast.some((name) => (CHECKS[name].premises as readonly Premise[]).includes(premise))).toBe(
    true,
  );
});

test('counts are told in the order of the table, and only of what was made', () => {
  const counts = new CheckCounts();
  counts.note('log-chain', 5);
  counts.note('start-state');
  counts.note('start-state');
  expect(Object.entries(counts.toJson())).toEqual([
    ['start-state', 2],
    ['log-chain', 5],
  ]);
  expect(counts.of('outputs')).toBe(0);
});

test('docs/monitor.md is not stale (else: npm run docs)', () => {
  const path = new URL('../../../../docs/monitor.md', import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(monitorDocument());
});
