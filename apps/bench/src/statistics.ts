/** Medians, spreads, and ratios pair by pair. */
import { assert } from '@casmotion/base';
import type { Row, Run } from './results.ts';

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
export function fieldOf(row: Row, field: keyof Run): number[] {
  return row.runs.flatMap((run) => run?.[field] ?? []);
}

export function summaryOf(row: Row, field: keyof Run): Summary | undefined {
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
  field: keyof Run = 'wallSeconds',
): Summary | undefined {
  const ratios = (over?.runs ?? []).flatMap((run, index) => {
    const a = run?.[field];
    const b = base?.runs[index]?.[field];
    return a === undefined || a === null || b === undefined || b === null || b === 0 ? [] : a / b;
  });
  return ratios.length === 0 ? undefined : summarize(ratios);
}
