/** What got slower since another result, beyond the noise of both. */
import { formatTable, formatValue } from './format.ts';
import { type Results, type Row, rowKey } from './results.ts';
import { deviationOf, fieldOf, summarize } from './statistics.ts';

export interface Change {
  readonly key: string;
  readonly baseSeconds: number;
  readonly seconds: number;
  /** New over old. */
  readonly ratio: number;
  /** How far from 1 the ratio may be by chance. */
  readonly noise: number;
  readonly verdict: 'slower' | 'faster' | 'same';
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Measured in only one of the two. */
  readonly unmatched: readonly string[];
  /** Why the comparison means less than it seems. */
  readonly warnings: readonly string[];
}

export function compareResults(base: Results, now: Results): Comparison {
  const old = new Map(usableRows(base).map((row) => [rowKey(row), row]));
  const changes: Change[] = [];
  const unmatched: string[] = [];
  for (const row of usableRows(now)) {
    const key = rowKey(row);
    const before = old.get(key);
    if (before === undefined) unmatched.push(key);
    else changes.push(compareRows(key, before, row));
    old.delete(key);
  }
  return { changes, unmatched: [...unmatched, ...old.keys()], warnings: warn(base, now) };
}

/**
 * Noise is three deviations of both sides, at least 3 %, and at least 10 % where a side has fewer
 * than three runs. With three runs or more the two must not overlap either.
 */
function compareRows(key: string, base: Row, now: Row): Change {
  const [a, b] = [fieldOf(base, 'wallSeconds'), fieldOf(now, 'wallSeconds')];
  const [before, after] = [summarize(a), summarize(b)];
  const isFew = Math.min(a.length, b.length) < RUNS_ENOUGH;
  const relative = Math.hypot(deviationOf(a) / before.median, deviationOf(b) / after.median);
  const noise = Math.max(isFew ? NOISE_OF_FEW : NOISE_MIN, 3 * relative);
  const ratio = after.median / before.median;
  const isApart = isFew || after.min > before.max || after.max < before.min;
  const isChange = isApart && (ratio > 1 + noise || ratio < 1 / (1 + noise));
  const verdict = !isChange ? 'same' : ratio > 1 ? 'slower' : 'faster';
  return { key, baseSeconds: before.median, seconds: after.median, ratio, noise, verdict };
}

function usableRows({ rows }: Results): Row[] {
  return rows.filter((row) => row.failure === null && fieldOf(row, 'wallSeconds').length > 0);
}

function warn(base: Results, now: Results): string[] {
  const warnings: string[] = [];
  if (base.isQuick !== now.isQuick) {
    warnings.push('one has quick sizes, the other has not: seconds are of different work');
  }
  for (const field of ['cpu', 'node', 'qemu'] as const) {
    const [a, b] = [base.environment[field], now.environment[field]];
    if (a !== b) warnings.push(`${field} differs: ${a ?? 'none'} and ${b ?? 'none'}`);
  }
  return warnings;
}

export function formatComparison({ changes, unmatched, warnings }: Comparison): string {
  const order = { slower: 0, faster: 1, same: 2 } as const;
  const lines = changes
    .toSorted((a, b) => order[a.verdict] - order[b.verdict] || b.ratio - a.ratio)
    .map(({ key, baseSeconds, seconds, ratio, noise, verdict }) => [
      key,
      formatValue(baseSeconds),
      formatValue(seconds),
      formatValue(ratio),
      `±${(noise * 100).toFixed(0)} %`,
      verdict,
    ]);
  const count = (verdict: Change['verdict']): number =>
    changes.filter((change) => change.verdict === verdict).length;
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    formatTable(['measured', 'base s', 'now s', 'now / base', 'noise', 'verdict'], lines),
    `${count('slower')} slower, ${count('faster')} faster, ${count('same')} the same` +
      (unmatched.length === 0 ? '' : `; only in one of the two: ${unmatched.length}`),
  ].join('\n');
}

const RUNS_ENOUGH = 3;
const NOISE_MIN = 0.03;
const NOISE_OF_FEW = 0.1;
