/**
 * Goal: the report and the targets show what was measured with its base, and nothing for what was
 * not. Method: made-up results, their text searched.
 */
import { expect, test } from 'vitest';
import { makeResults, makeRow, makeRun } from '../test/make-row.ts';
import { drawCharts } from './charts.ts';
import { formatReport } from './report.ts';
import { formatTimePoints } from './time-points.ts';
import { computeTargets } from './targets.ts';

const more = { steps: 1_000_000_000, runSeconds: 1.9, logBytes: 500, maxRssBytes: 2 ** 26 };
const ROWS = [
  makeRow({ mode: 'run', runs: [makeRun(1, { steps: 1_000_000_000 })] }),
  makeRow({ mode: 'record', runs: [makeRun(2, more)] }),
  makeRow({ mode: 'replay', runs: [makeRun(1.5)] }),
  makeRow({ subject: 'qemu', variant: 'tcg', mode: 'plain', runs: [makeRun(1)] }),
  makeRow({ subject: 'qemu', variant: 'tcg', mode: 'rr-record', runs: [makeRun(3)] }),
  makeRow({ workload: 'debian', set: 'debian', mode: 'record', runs: [makeRun(9, more)] }),
  makeRow({
    ...{ workload: 'debian', set: 'debian', subject: 'qemu', variant: 'tcg', mode: 'rr-record' },
    ...{ runs: [null], failure: 'the console differs in line 3' },
  }),
];

test('targets: each with its base; what is not comparable is left out', () => {
  const targets = computeTargets(ROWS).map(({ name, value, base }) => `${name}: ${value}, ${base}`);
  expect(targets).toEqual([
    'compute set, recording: 1.50 x, speed against QEMU rr-record',
    'compute set, recording: 0.500 x, speed against QEMU plain',
    'recording: 2.00 x, worst 2.00 x (sieve), time of record over run',
    'replaying: 0.750 x, worst 0.750 x (sieve), time of replay over record',
    'Debian, log: 500 bytes, as it is',
    'Debian, resident memory while recording: 64.0 MiB, as it is',
  ]);
  expect(computeTargets([])).toEqual([]);
});

test('the report names machine, command, failures, and an early end', () => {
  const text = formatReport(makeResults(ROWS, { isComplete: false }));
  for (const part of ['commit 0123456789ab', 'a processor', '`pnpm bench`', 'Ended before all']) {
    expect(text).toContain(part);
  }
  expect(text).toContain('debian, qemu rr-record (tcg): the console differs in line 3');
  expect(text).not.toMatch(/NaN|undefined/);
});

test('kinds of time points stand beside steps, with what was crept', () => {
  const found = { places: 10, creptSteps: 30_000, worstSkid: 480 };
  const rows = [
    makeRow({ mode: 'record', variant: 'step', runs: [makeRun(2, more)] }),
    makeRow({ mode: 'replay', variant: 'step', runs: [makeRun(1)] }),
    makeRow({ mode: 'record', variant: 'branches', runs: [makeRun(3, more)] }),
    makeRow({ mode: 'replay', variant: 'branches', runs: [makeRun(1.5, found)] }),
  ];
  const [title, , table] = formatTimePoints(rows);
  expect(title).toBe('## Time points');
  const cells = table?.split('\n').map((line) => line.split('|').map((text) => text.trim()));
  const line = cells?.find((row) => row.includes('branches'));
  expect(line?.slice(1, -1)).toEqual(
    ['sieve', 'branches', '3.00', '1.50', '1.50', '1.50', '0.500', '500', '10.0', '3,000', '480'],
  );
  expect(formatReport(makeResults(rows))).toContain('## Time points');
  expect(formatTimePoints(ROWS)).toEqual([]);
});

test('charts are drawn of anything', () => {
  for (const rows of [ROWS, []]) {
    for (const [name, svg] of drawCharts(makeResults(rows))) {
      expect(svg, name).not.toMatch(/NaN|Infinity|undefined/);
    }
  }
});
