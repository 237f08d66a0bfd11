/** What the monitor costs: replays with its levels against one that compares nothing. */
import type { Variant } from './flags.ts';
import { formatSummary, formatTable } from './format.ts';
import { findRow, type Mode, type Row } from './results.ts';
import { ratioOf, summaryOf } from './statistics.ts';

/** Under the host's clock, so that there are events to be checked. */
const COMMON = ['--clock', 'host'];
const NONE = 'no monitor';

export const MONITOR_VARIANTS: readonly Variant[] = [
  { name: NONE, flags: [], recordFlags: COMMON, replayFlags: ['--unchecked'] },
  { name: 'fast', flags: [], recordFlags: COMMON, replayFlags: ['--monitor', 'fast'] },
  { name: 'full', flags: [], recordFlags: COMMON, replayFlags: ['--monitor', 'full'] },
];

/** A section of the report, if these were measured. Ratios are run by run. */
export function formatMonitors(rows: readonly Row[]): string[] {
  const lines = [...new Set(rows.map(({ workload }) => workload))].flatMap((workload) => {
    const rowOf = (variant: string, mode: Mode): Row | undefined =>
      findRow(rows, { workload, subject: 'casmotion', mode, variant });
    const none = rowOf(NONE, 'replay');
    return MONITOR_VARIANTS.flatMap(({ name }) => {
      const replay = rowOf(name, 'replay');
      if (replay === undefined) return [];
      return [
        [
          ...[workload, name],
          formatSummary(summaryOf(replay, 'wallSeconds')),
          formatSummary(summaryOf(replay, 'cpuSeconds')),
          formatSummary(ratioOf(replay, none)),
          formatSummary(ratioOf(replay, none, 'cpuSeconds')),
        ],
      ];
    });
  });
  if (!lines.some(([, name]) => name === NONE)) return [];
  const header = ['workload', 'monitor', 'replay s', 'replay cpu s', ': none', ': none, cpu'];
  return [
    '## The monitor',
    "Replays of recordings under the host's clock. Without a monitor a replay compares nothing " +
      'but places. With starting the process. Each replays a recording of its own; they differ ' +
      'in events.',
    formatTable(header, lines),
  ];
}
