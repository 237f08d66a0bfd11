/** The few figures that everything else is measured for, as far as their rows are there. */
import { formatSummary, formatTable, formatValue } from './format.ts';
import { findRow, type Mode, type Row, type Subject } from './results.ts';
import { geometricMean, type Measure, ratioOf, summaryOf, type Summary } from './statistics.ts';

export interface Target {
  readonly name: string;
  /** Which divided by which. */
  readonly base: string;
  readonly value: string;
  /** The same by processor time, where it is a ratio of times. */
  readonly byCpu: string;
  /** Over how many workloads, or how many runs. */
  readonly over: string;
}

/** For the first engine measured. */
export function computeTargets(rows: readonly Row[]): Target[] {
  const variant = rows.find(({ subject }) => subject === 'casmotion')?.variant;
  const pick: Pick = (workload, subject, mode) =>
    findRow(rows, {
      workload,
      subject,
      mode,
      ...(subject === 'casmotion' && variant !== undefined ? { variant } : {}),
    });
  return [
    meanTarget(rows, pick, { set: 'compute', mode: 'rr-record', name: 'compute set, recording' }),
    meanTarget(rows, pick, { set: 'compute', mode: 'plain', name: 'compute set, recording' }),
    meanTarget(rows, pick, { set: 'float', mode: 'rr-record', name: 'float set, recording' }),
    oneTarget(pick, 'irq-100us', 'a timer interrupt each 100 us, recording'),
    oneTarget(pick, 'debian', 'Debian boot and workload, recording'),
    ...overheadTargets(rows, pick),
    overheadTarget(rows, pick, {
      over: 'record',
      base: 'run',
      name: 'recording channels and domains',
      set: 'channels',
    }),
    ...debianTargets(pick),
  ].filter((target) => target !== undefined);
}

export function formatTargets(targets: readonly Target[]): string {
  if (targets.length === 0) return 'No targets: their workloads or modes were not measured.';
  return formatTable(
    ['target', 'value', 'by processor time', 'is', 'over'],
    targets.map(({ name, value, byCpu, base, over }) => [name, value, byCpu, base, over]),
  );
}

type Pick = (workload: string, subject: Subject, mode: Mode) => Row | undefined;

/** Speed: QEMU's time over ours, so that more is better for us. */
function speedAgainstQemu(
  pick: Pick,
  workload: string,
  mode: Mode,
  measure: Measure,
): Summary | undefined {
  return ratioOf(pick(workload, 'qemu', mode), pick(workload, 'casmotion', 'record'), measure);
}

function meanTarget(
  rows: readonly Row[],
  pick: Pick,
  { set, mode, name }: { set: string; mode: Mode; name: string },
): Target | undefined {
  const workloads = workloadsOf(rows, set);
  const ratiosBy = (measure: Measure): number[] =>
    workloads.flatMap((workload) => {
      return speedAgainstQemu(pick, workload, mode, measure)?.median ?? [];
    });
  const ratios = ratiosBy('wallSeconds');
  if (ratios.length === 0) return undefined;
  return {
    name,
    value: `${formatValue(geometricMean(ratios))} x`,
    byCpu: formatMean(ratiosBy('cpuSeconds')),
    base: `speed against QEMU ${mode}`,
    over: `geometric mean of ${ratios.length} of ${workloads.length}`,
  };
}

function oneTarget(pick: Pick, workload: string, name: string): Target | undefined {
  const ratio = speedAgainstQemu(pick, workload, 'rr-record', 'wallSeconds');
  if (ratio === undefined) return undefined;
  return {
    name,
    value: formatSummary(ratio, ' x'),
    byCpu: formatSummary(speedAgainstQemu(pick, workload, 'rr-record', 'cpuSeconds'), ' x'),
    base: 'speed against QEMU rr-record',
    over: runsOf(ratio),
  };
}

function overheadTargets(rows: readonly Row[], pick: Pick): (Target | undefined)[] {
  return [
    overheadTarget(rows, pick, { over: 'record', base: 'run', name: 'recording' }),
    overheadTarget(rows, pick, { over: 'replay', base: 'record', name: 'replaying' }),
  ];
}

function overheadTarget(
  rows: readonly Row[],
  pick: Pick,
  { over, base, name, set }: { over: Mode; base: Mode; name: string; set?: string },
): Target | undefined {
  const ratiosBy = (measure: Measure): { workload: string; ratio: number }[] =>
    workloadsOf(rows, set).flatMap((workload) => {
      const row = (mode: Mode): Row | undefined => pick(workload, 'casmotion', mode);
      const ratio = ratioOf(row(over), row(base), measure);
      return ratio === undefined ? [] : [{ workload, ratio: ratio.median }];
    });
  const ratios = ratiosBy('wallSeconds');
  const worst = ratios.toSorted((a, b) => b.ratio - a.ratio)[0];
  if (worst === undefined) return undefined;
  const mean = formatValue(geometricMean(ratios.map(({ ratio }) => ratio)));
  return {
    name,
    value: `${mean} x, worst ${formatValue(worst.ratio)} x (${worst.workload})`,
    byCpu: formatMean(ratiosBy('cpuSeconds').map(({ ratio }) => ratio)),
    base: `time of ${over} over ${base}`,
    over: `geometric mean of ${ratios.length}`,
  };
}

function debianTargets(pick: Pick): (Target | undefined)[] {
  const record = pick('debian', 'casmotion', 'record');
  const peer = pick('debian', 'qemu', 'rr-record');
  if (record === undefined) return [];
  const against = (field: 'logBytes' | 'maxRssBytes', scale: number, unit: string): string => {
    const theirs = peer === undefined ? undefined : summaryOf(peer, field);
    return theirs === undefined
      ? 'as it is'
      : `QEMU rr-record: ${formatValue(theirs.median * scale)}${unit}`;
  };
  const log = summaryOf(record, 'logBytes');
  const memory = summaryOf(record, 'maxRssBytes');
  return [
    log && {
      name: 'Debian, log',
      value: `${formatValue(log.median)} bytes`,
      byCpu: '',
      base: against('logBytes', 1, ' bytes'),
      over: runsOf(log),
    },
    memory && {
      name: 'Debian, resident memory while recording',
      value: `${formatValue(memory.median / 2 ** 20)} MiB`,
      byCpu: '',
      base: against('maxRssBytes', 2 ** -20, ' MiB'),
      over: runsOf(memory),
    },
  ];
}

function workloadsOf(rows: readonly Row[], set: string | undefined): string[] {
  const names = rows.filter((row) => set === undefined || row.set === set);
  return [...new Set(names.map(({ workload }) => workload))];
}

function formatMean(ratios: readonly number[]): string {
  return ratios.length === 0 ? '' : `${formatValue(geometricMean(ratios))} x`;
}

function runsOf({ count }: Summary): string {
  return count === 1 ? 'one run' : `median of ${count}`;
}
