/** Medians, spreads, and ratios pair by pair. */
import { assert } from '@casmotion/base';
import type { Row, Run } from './results.ts';

/** A field of a run, or the processor time of both kinds together. */
export type Measure = keyof Run | 'cpuSeconds';

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Of at least one number. */
export function summarize(values: readonly number[]): Summary {
  assert(values.length > 0, 'a summary of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  const lower = sorted[middle - 1] ?? NaN;
  const median = sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN, count: sorted.length };
}

/** Half the range over the median: how far runs of one thing lie apart. */
export function spreadOf({ median, min, max }: Summary): number {
  return median === 0 ? 0 : (max - min) / 2 / median;
}

/** The median distance from the median, scaled to a normal distribution's deviation. */
export function deviationOf(values: readonly number[]): number {
  const { median } = summarize(values);
  return 1.4826 * summarize(values.map((value) => Math.abs(value - median))).median;
}

export function geometricMean(values: readonly number[]): number {
  assert(values.length > 0, 'a mean of nothing');
  const logs = values.map((value) => Math.log(value));
  return Math.exp(logs.reduce((sum, value) => sum + value, 0) / values.length);
}

/** A field of all runs that have it. */
export function fieldOf(row: Row, field: Measure): number[] {
  return row.runs.flatMap((run) => valueOf(run, field) ?? []);
}

export function summaryOf(row: Row, field: Measure): Summary | undefined {
  const values = fieldOf(row, field);
  return values.length === 0 ? undefined : summarize(values);
}

/**
 * `over` divided by `base`, run by run, so that what slowed the machine down for a while is in
 * both. Undefined if there is no round in which both were measured.
 */
export function ratioOf(
  over: Row | undefined,
  base: Row | undefined,
  field: Measure = 'wallSeconds',
): Summary | undefined {
  const ratios = (over?.runs ?? []).flatMap((run, index) => {
    const a = valueOf(run, field);
    const b = valueOf(base?.runs[index], field);
    return a === undefined || b === undefined || b === 0 ? [] : a / b;
  });
  return ratios.length === 0 ? undefined : summarize(ratios);
}

/** The smallest part of a core that a row's processes had, in the median; 1 is all of it. */
export function coreShareOf(rows: readonly Row[]): number | undefined {
  const shares = rows.flatMap((row) => {
    const parts = row.runs.flatMap((run) => {
      const cpu = valueOf(run, 'cpuSeconds');
      return run === null || cpu === undefined ? [] : cpu / run.wallSeconds;
    });
    return parts.length === 0 ? [] : summarize(parts).median;
  });
  return shares.length === 0 ? undefined : Math.min(...shares);
}

function valueOf(run: Run | null | undefined, field: Measure): number | undefined {
  const value =
    field === 'cpuSeconds' ? run && run.userSeconds + run.systemSeconds : run?.[field];
  return Number.isFinite(value) ? (value ?? undefined) : undefined;
}
