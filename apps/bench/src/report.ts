/** results.md: tables of all that was measured, each ratio with its base. */
import { formatSummary, formatTable, formatValue } from './format.ts';
import { formatMonitors } from './monitors.ts';
import { findRow, type Mode, type Results, type Row, type Run } from './results.ts';
import { coreShareOf, ratioOf, summarize, summaryOf, type Summary } from './statistics.ts';
import { computeTargets, formatTargets } from './targets.ts';
import { formatTimePoints } from './time-points.ts';

/** `charts` are names of files beside the report. */
export function formatReport(results: Results, charts: readonly string[] = []): string {
  const { rows } = results;
  const failures = rows.filter(({ failure }) => failure !== null);
  const hasPeer = rows.some(({ subject }) => subject === 'qemu');
  return [
    '# Results',
    describeEnvironment(results),
    ...warnOfBusyCore(rows),
    ...(results.isComplete ? [] : ['**Ended before all was measured.**']),
    '## Targets',
    formatTargets(computeTargets(rows)),
    '## casmotion',
    'Seconds are on the wall, with starting the process. Recording is charged everything: ' +
      'landmarks, digests, writing the log. `run` is `casmotion run`, the same without a log. ' +
      'Speed is that of recording, with the process and without making it and the machine.',
    formatOwnTable(rows),
    ...(hasPeer ? formatPeerSection(rows) : []),
    ...formatTimePoints(rows),
    ...formatMonitors(rows),
    '## Processor time and memory',
    formatResourceTable(rows),
    ...(failures.length === 0 ? [] : ['## No figure', formatFailures(failures)]),
    ...charts.map((name) => `![${name.replace('.svg', '')}](${name})`),
    '',
  ].join('\n\n');
}

/** Wall time means what it says only where a process has its core to itself. */
function warnOfBusyCore(rows: readonly Row[]): string[] {
  const share = coreShareOf(rows);
  if (share === undefined || share >= CORE_SHARE_ENOUGH) return [];
  return [
    `**The machine was busy with other work**: some processes had only ${formatPercent(share)} ` +
      'of their core. Seconds on the wall are then too long, and ratios of them uncertain; ' +
      'processor time is the better guide.',
  ];
}

function describeEnvironment({ environment, command, runs, warmUps, isQuick }: Results): string {
  const { cpu, cores, memoryBytes, os, node, qemu, pinnedTo } = environment;
  const changes = environment.hasChanges ? ' with changes' : '';
  const pinned = pinnedTo === null ? 'not pinned' : `pinned to core ${pinnedTo}`;
  return [
    `- ${environment.date}, commit ${environment.commit}${changes}`,
    `- ${cpu}, ${cores} cores, ${formatValue(memoryBytes / 2 ** 30)} GiB; ${os}`,
    `- Node ${node}; ${qemu ?? 'no QEMU'}`,
    `- fresh processes, ${pinned}, interleaved; ${runs} runs after ${warmUps} to warm up` +
      `${isQuick ? ', quick sizes' : ''}; medians, ± half the range; ratios run by run`,
    `- \`${command}\``,
  ].join('\n');
}

/** A line for a person who waits: a workload's medians as they come. */
export function describeRows(rows: readonly Row[]): string {
  const parts = rows.flatMap((row) => {
    const seconds = summaryOf(row, 'wallSeconds');
    if (row.failure !== null || seconds === undefined) return [];
    const who = row.subject === 'qemu' ? `QEMU ${row.mode}` : `${row.mode} (${row.variant})`;
    return `${who} ${formatValue(seconds.median)} s`;
  });
  return `${rows[0]?.workload ?? ''}: ${parts.length === 0 ? 'no figure' : parts.join(', ')}`;
}

/** One line a workload and variant. */
function formatOwnTable(rows: readonly Row[]): string {
  const header = ['workload', 'engine', 'M steps', 'run s', 'record s', 'replay s'];
  const ratios = ['record / run', 'replay / record', 'M steps/s', 'without start'];
  const log = ['log bytes', 'B / s', 'B / M steps'];
  const lines = ownGroups(rows).map(({ workload, variant }) => {
    const [run, record, replay] = (['run', 'record', 'replay'] as const).map((mode) =>
      findRow(rows, { workload, subject: 'casmotion', mode, variant }),
    );
    const steps = medianOf(record ?? replay ?? run, 'steps');
    const log = medianOf(record, 'logBytes');
    const seconds = medianOf(record ?? run ?? replay, 'runSeconds');
    return [
      workload,
      variant,
      cell(steps, 1e-6),
      ...[run, record, replay].map((row) => formatSummary(row && summaryOf(row, 'wallSeconds'))),
      formatSummary(ratioOf(record, run)),
      formatSummary(ratioOf(replay, record)),
      formatSummary(speedOf(record ?? run ?? replay)),
      cell(quotient(steps, seconds), 1e-6),
      cell(log),
      cell(quotient(log, seconds)),
      cell(quotient(log, steps), 1e6),
    ];
  });
  return formatTable([...header, ...ratios, ...log], lines);
}

function formatPeerSection(rows: readonly Row[]): string[] {
  const modes = ['plain', 'icount', 'rr-record', 'rr-replay'] as const;
  const lines = ownGroups(rows).flatMap(({ workload, variant }) => {
    const peers = modes.map((mode) => findRow(rows, { workload, subject: 'qemu', mode }));
    if (peers.every((row) => row === undefined)) return [];
    const own = (mode: Mode): Row | undefined =>
      findRow(rows, { workload, subject: 'casmotion', mode, variant });
    const [plain, , record, replay] = peers;
    return [
      [
        workload,
        variant,
        ...peers.map((row) => formatSummary(row && summaryOf(row, 'wallSeconds'))),
        formatSummary(ratioOf(plain, own('run'))),
        formatSummary(ratioOf(plain, own('record'))),
        formatSummary(ratioOf(record, own('record'))),
        formatSummary(ratioOf(replay, own('replay'))),
        cell(medianOf(record, 'logBytes')),
      ],
    ];
  });
  const header = ['workload', 'engine', 'plain s', 'icount s', 'rr-record s', 'rr-replay s'];
  const more = ['plain : run', 'plain : record', 'rr-record : record', 'rr-replay : replay'];
  return [
    '## QEMU beside it',
    'The same binaries. Ratios are its seconds over ours: above 1 casmotion is the faster, below ' +
      '1 it is the slower. No figure where the consoles differ.',
    formatTable([...header, ...more, 'its log bytes'], lines),
  ];
}

function formatResourceTable(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ failure }) => failure === null)
    .map((row) => [
      row.workload,
      row.subject,
      row.mode,
      row.variant,
      formatSummary(summaryOf(row, 'wallSeconds')),
      formatSummary(summaryOf(row, 'userSeconds')),
      formatSummary(summaryOf(row, 'systemSeconds')),
      cell(medianOf(row, 'maxRssBytes'), 2 ** -20),
    ]);
  const header = ['workload', 'of', 'mode', 'engine', 'wall s', 'user s', 'system s', 'MiB'];
  return formatTable(header, lines);
}

function formatFailures(failures: readonly Row[]): string {
  return failures
    .map(({ workload, subject, mode, variant, failure }) => {
      return `- ${workload}, ${subject} ${mode} (${variant}): ${failure}`;
    })
    .join('\n');
}

function ownGroups(rows: readonly Row[]): { workload: string; variant: string }[] {
  const seen = new Map<string, { workload: string; variant: string }>();
  for (const { subject, workload, variant } of rows) {
    if (subject === 'casmotion') seen.set(`${workload} ${variant}`, { workload, variant });
  }
  return [...seen.values()];
}

/** Millions of guest instructions a second, process and all. */
export function speedOf(row: Row | undefined, steps?: number): Summary | undefined {
  const speeds = (row?.runs ?? []).flatMap((run) => {
    const count = run?.steps ?? steps;
    return run === null || count === undefined ? [] : count / run.wallSeconds / 1e6;
  });
  return speeds.length === 0 ? undefined : summarize(speeds);
}

export function medianOf(row: Row | undefined, field: keyof Run): number | undefined {
  return row && summaryOf(row, field)?.median;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function formatPercent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}

function cell(value: number | undefined, scale = 1): string {
  return value === undefined ? '-' : formatValue(value * scale);
}

const CORE_SHARE_ENOUGH = 0.9;
