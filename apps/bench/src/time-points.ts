/** What the three kinds of time points cost, side by side: (step) against keys by branches. */
import type { Variant } from './flags.ts';
import { formatSummary, formatTable, formatValue } from './format.ts';
import { findRow, type Mode, type Row } from './results.ts';
import { ratioOf, summaryOf } from './statistics.ts';

/** Under the host's clock, so that there are events to be found. */
const COMMON = ['--clock', 'host'];
const PMU = ['--pmu', 'skid=500,seed=1'];

export const TIME_POINT_VARIANTS: readonly Variant[] = [
  { name: 'step', flags: COMMON },
  ...['branches', 'branches+register'].map((name) => ({
    name,
    flags: COMMON,
    recordFlags: ['--time-point', name, ...PMU],
  })),
];

/** A section of the report, if these were measured. Ratios are run by run, of processor time. */
export function formatTimePoints(rows: readonly Row[]): string[] {
  const lines = [...new Set(rows.map(({ workload }) => workload))].flatMap((workload) => {
    const rowOf = (variant: string, mode: Mode): Row | undefined =>
      findRow(rows, { workload, subject: 'casmotion', mode, variant });
    return TIME_POINT_VARIANTS.flatMap(({ name }) => {
      const [record, replay] = [rowOf(name, 'record'), rowOf(name, 'replay')];
      if (record === undefined && replay === undefined) return [];
      const median = (row: Row | undefined, field: 'logBytes' | 'places' | 'creptSteps') =>
        row && summaryOf(row, field)?.median;
      const [places, crept] = [median(replay, 'places'), median(replay, 'creptSteps')];
      return [
        [
          ...[workload, name],
          formatSummary(record && summaryOf(record, 'cpuSeconds')),
          formatSummary(replay && summaryOf(replay, 'cpuSeconds')),
          formatSummary(ratioOf(record, rowOf('step', 'record'), 'cpuSeconds')),
          formatSummary(ratioOf(replay, rowOf('step', 'replay'), 'cpuSeconds')),
          formatSummary(ratioOf(replay, record, 'cpuSeconds')),
          cell(median(record, 'logBytes')),
          cell(places),
          cell(places === undefined || crept === undefined ? undefined : crept / places),
          formatSummary(replay && summaryOf(replay, 'worstSkid')),
        ],
      ];
    });
  });
  if (!lines.some(([, name]) => name === 'branches')) return [];
  const header = ['workload', 'time points', 'record cpu s', 'replay cpu s'];
  const ratios = ['record : step', 'replay : step', 'replay / record'];
  const matching = ['log bytes', 'places', 'steps crept each', 'worst skid'];
  return [
    '## Time points',
    'The host\'s clock, so that there are events; a counter that skids up to 500. Processor ' +
      'time, with starting the process. Runs under the host\'s clock differ in events and steps.',
    formatTable([...header, ...ratios, ...matching], lines),
  ];
}

function cell(value: number | undefined): string {
  return value === undefined ? '-' : formatValue(value);
}
