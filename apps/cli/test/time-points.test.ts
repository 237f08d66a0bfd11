/**
 * Goal: `record --time-point` with its performance counter, and what `replay`, `verify`, `info` and
 * `log` make of such a log; an overcounting counter ends with exit code 2 and the right words; bad
 * flags are answered. Method: the command line in this process on the embedded guest, under the
 * host's clock, so that there are events.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, cliJson } from './support/cli.ts';

let folder: string;
const file = (name: string): string => join(folder, name);
const SCRIPT = 'rand; journal format; journal write hello; journal check; compute 20';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-time-points-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function record(log: string, ...flags: readonly string[]) {
  return cliJson(['record', '-o', log, '--append', SCRIPT, '--clock', 'host', ...flags]);
}

describe.each([
  ['branches', 'skid=500,seed=3', /by branches and pc; performance counter: skid 500, seed 3$/m],
  ['branches+register', 'skid=64', /by branches, pc and sp; performance counter: skid 64, /],
])('--time-point %s --pmu %s', (kind, pmu, told) => {
  test('replays, is verified and described', async () => {
    const log = file(`${kind}.cmr`);
    const recorded = await record(log, '--time-point', kind, '--pmu', pmu);
    expect(recorded).toMatchObject({ exit: 0, end: { cause: 'power-off' } });
    const { steps, events, outputDigest, stateDigest } = recorded;
    const same = { exit: 0, steps, events, outputDigest, stateDigest };
    const replayed = await cliJson(['replay', log]);
    expect(replayed).toMatchObject({ ...same, divergence: null });
    expect(replayed['matching']).toMatchObject({ rewinds: 0 });
    expect(await cliJson(['verify', log])).toMatchObject(same);
    expect(await cliJson(['replay', log, '--margin', '0'])).toMatchObject(same);
    expect((await cli(['replay', log])).stderr).toMatch(
      /^found by branches: \d+ places?, .* instructions crept each, margin \d+, worst skid \d+$/m,
    );
    expect((await cli(['info', log])).stdout).toMatch(told);
    const { list } = await cliJson(['log', log]);
    const [first] = list as readonly Record<string, unknown>[];
    expect(first).toMatchObject({ number: 0, branches: expect.any(Number) });
    expect([first?.['step'], 'sp' in (first ?? {})]).toEqual([undefined, kind !== 'branches']);
    const line = kind === 'branches' ? /branches \d+ +pc 0x[0-9a-f]+ {2}/ : / pc 0x.* sp 0x/;
    expect((await cli(['log', log])).stdout).toMatch(line);
  });
});

test('a log by branches cut short replays up to there, and says that it has no step', async () => {
  const log = file('cut.cmr');
  await record(log, '--time-point', 'branches', '--pmu', 'skid=500');
  const bytes = readFileSync(log);
  writeFileSync(log, bytes.subarray(0, bytes.length - 60));
  expect(await cliJson(['replay', log])).toMatchObject({ exit: 0, divergence: null });
  expect((await cliJson(['info', log]))['cut']).not.toBeNull();
});

test('without --time-point a log has steps, and nothing of counters', async () => {
  const log = file('steps.cmr');
  await record(log);
  expect((await cli(['info', log])).stdout).toMatch(/^places {4}by steps$/m);
  expect((await cliJson(['replay', log]))['matching']).toBeNull();
  const header = readFileSync(log).toString('latin1');
  expect(header).not.toContain('timePoint');
});

test('an overcounting counter is caught: exit code 2, how it missed, premise C6', async () => {
  const log = file('over.cmr');
  await record(log, '--time-point', 'branches', '--pmu', 'skid=100,seed=4,overcount=1');
  const { exit, stderr } = await cli(['replay', log]);
  expect(exit).toBe(2);
  expect(stderr).toMatch(/^divergence at event \d+/m);
  expect(stderr).toMatch(/^ {2}time point +expected branches \d+ .*found step \d+ {2}branches /m);
  expect(stderr).toMatch(/^ {2}(overshoot|undershoot|mismatch): /m);
  expect(stderr).toMatch(/C6 \(the performance counter counted too much or too little/);
});

test.each([
  [['record', '-o', 'x', '--pmu', 'skid=1'], /only time points by branches have a performance/],
  [['record', '-o', 'x', '--time-point', 'branch'], /step, branches or branches\+register/],
  [['record', '-o', 'x', '--time-point', 'branches', '--pmu', 'skid'], /skid=N,seed=S,overcount=K/],
  [['run', '--time-point', 'branches'], /time-point/],
])('%j is answered', async (args, message) => {
  const { exit, stderr } = await cli(args);
  expect(exit).toBe(1);
  expect(stderr).toMatch(message);
});

test('--margin of a log by steps is answered', async () => {
  const log = file('margin.cmr');
  await record(log);
  const { exit, stderr } = await cli(['replay', log, '--margin', '5']);
  expect(exit).toBe(1);
  expect(stderr).toMatch(/a margin is for time points by branches, and this log has steps/);
});
