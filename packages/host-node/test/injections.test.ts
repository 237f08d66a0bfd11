/**
 * Goal: each premise, broken on purpose in the real system, is reported under its own name, or as
 * open between it and others, and never under a wrong one. Method: faults drawn by seed, in
 * shuffled order (support/injections.ts); the reporter sees log, images and replay alone. Twenty of
 * each: scripts/injections.ts.
 */
import { type Premise, PREMISES } from '@casmotion/recorder';
import { expect, test } from 'vitest';
import { addToRows, injectAll, type Row } from './support/inject.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 11);
const COUNTS = { full: 2, fast: 1 } as const;

test.each(['full', 'fast'] as const)(`each premise, --monitor %s, seed ${SEED}`, async (level) => {
  const rows = new Map<Premise, Row>();
  for await (const judged of injectAll(SEED, COUNTS[level], level)) {
    addToRows(rows, judged);
    const { injection, report, verdict } = judged;
    const said = `${injection.premise}: ${injection.what}; reported ${report.premises.join()}`;
    expect(verdict, said).not.toBe('wrong');
    expect(verdict, said).not.toBe('unnoticed');
  }
  expect([...rows.keys()].toSorted()).toEqual(Object.keys(PREMISES));
  const named = [...rows.values()].filter((row) => row.named > 0).map(({ premise }) => premise);
  expect(named).toEqual(expect.arrayContaining(['C1', 'C3', 'C6', 'C7', 'C8']));
}, 240_000);
