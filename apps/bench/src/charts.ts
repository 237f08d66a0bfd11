/** The three charts of a result: overhead, log growth, speed. */
import { medianOf, speedOf } from './report.ts';
import { findRow, type Mode, type Results, type Row, type Subject } from './results.ts';
import { ratioOf, summaryOf, type Summary } from './statistics.ts';
import { type Bar, drawBarChart } from './svg-chart.ts';

/** File names with their text. Of casmotion the first engine measured is shown. */
export function drawCharts({ rows }: Results): Map<string, string> {
  const workloads = [...new Set(rows.map(({ workload }) => workload))];
  return new Map([
    ['overhead.svg', drawOverhead(rows, workloads)],
    ['log-growth.svg', drawLogGrowth(rows, workloads)],
    ['speed.svg', drawSpeed(rows, workloads)],
  ]);
}

function drawOverhead(rows: readonly Row[], workloads: readonly string[]): string {
  return drawBarChart({
    title: 'Time of recording and of replaying, unrecorded = 1',
    axis: 'time over that of an unrecorded run',
    scale: 'linear',
    reference: 1,
    series: ['record / run', 'replay / run'],
    groups: keepFilled(
      workloads.map((workload) => {
        const row = rowsOf(rows, workload);
        const run = row('casmotion', 'run');
        const over = (mode: Mode): Bar => toBar(ratioOf(row('casmotion', mode), run));
        return { label: workload, values: [over('record'), over('replay')] };
      }),
    ),
  });
}

function drawLogGrowth(rows: readonly Row[], workloads: readonly string[]): string {
  return drawBarChart({
    title: 'Growth of the log while recording',
    axis: 'bytes; logarithmic',
    scale: 'logarithmic',
    series: ['casmotion, per second', 'casmotion, per million steps', 'QEMU, per second'],
    groups: keepFilled(
      workloads.map((workload) => {
        const row = rowsOf(rows, workload);
        const own = row('casmotion', 'record');
        const peer = row('qemu', 'rr-record');
        const perSecond = (of: Row | undefined, field: 'runSeconds' | 'wallSeconds'): Bar =>
          toBar(of && ratioWithin(of, 'logBytes', field, 1));
        const perSteps = toBar(own && ratioWithin(own, 'logBytes', 'steps', 1e6));
        const values = [perSecond(own, 'runSeconds'), perSteps, perSecond(peer, 'wallSeconds')];
        return { label: workload, values };
      }),
    ),
  });
}

/** QEMU's speed is casmotion's count of instructions over QEMU's time: the work is the same. */
function drawSpeed(rows: readonly Row[], workloads: readonly string[]): string {
  return drawBarChart({
    title: 'Speed, with starting the process',
    axis: 'million guest instructions a second',
    scale: 'linear',
    series: ['run', 'record', 'replay', 'QEMU plain', 'QEMU rr-record', 'QEMU rr-replay'],
    groups: keepFilled(
      workloads.map((workload) => {
        const row = rowsOf(rows, workload);
        const own = (['run', 'record', 'replay'] as const).map((mode) => row('casmotion', mode));
        const [run, record, replay] = own;
        const steps = medianOf(record ?? replay ?? run, 'steps');
        const peerModes = ['plain', 'rr-record', 'rr-replay'] as const;
        const peers = peerModes.map((mode) => row('qemu', mode));
        const values = [...own, ...peers].map((one) => toBar(speedOf(one, steps)));
        return { label: workload, values };
      }),
    ),
  });
}

function rowsOf(
  rows: readonly Row[],
  workload: string,
): (subject: Subject, mode: Mode) => Row | undefined {
  return (subject, mode) => findRow(rows, { workload, subject, mode });
}

function ratioWithin(
  row: Row,
  over: 'logBytes',
  base: 'runSeconds' | 'wallSeconds' | 'steps',
  scale: number,
): Summary | undefined {
  const runs = row.runs.map((run) => {
    const [a, b] = [run?.[over], run?.[base]];
    if (run === null || typeof a !== 'number' || typeof b !== 'number') return null;
    return { ...run, wallSeconds: (a / b) * scale };
  });
  return summaryOf({ ...row, runs }, 'wallSeconds');
}

function toBar(summary: Summary | undefined): Bar {
  return summary && { value: summary.median, min: summary.min, max: summary.max };
}

function keepFilled<T extends { readonly values: readonly Bar[] }>(groups: readonly T[]): T[] {
  return groups.filter(({ values }) => values.some((bar) => bar !== undefined));
}
