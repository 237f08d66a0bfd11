/**
 * Goal: rounds are run as planned; a lane that fails or prints something else has no figures and
 * says why; what was measured before an end by the user is kept. Method: real processes of a small
 * program in place of the command line, which writes down how it was called.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmError } from '@casmotion/base';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { planLanes } from '../src/plan.ts';
import type { Row } from '../src/results.ts';
import { runPlan } from '../src/run-plan.ts';
import type { Workload } from '../src/workloads.ts';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'casmotion-plan-'));
  mkdirSync(join(top, 'work'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

it('runs every lane in every round, and keeps the figures of all but the warm-up', async () => {
  const rows = await run('work', { runs: 2, warmUps: 1 });
  const calls = readFileSync(join(top, 'calls.txt'), 'utf8').trim().split('\n');
  expect(calls.join(' ')).toBe(Array(3).fill('run record replay').join(' '));
  expect(rows.map(({ mode, failure }) => [mode, failure])).toEqual([
    ['run', null],
    ['record', null],
    ['replay', null],
  ]);
  for (const row of rows) expect(row.runs).toHaveLength(2);
  const [runRow, recordRow] = rows;
  expect(runRow?.runs[0]).toMatchObject({ steps: 1000, runSeconds: 0.5, logBytes: null });
  expect(recordRow?.runs[1]).toMatchObject({ logBytes: 77 });
  expect(recordRow?.runs[1]?.wallSeconds).toBeGreaterThan(0);
  expect(recordRow?.runs[1]?.userSeconds).toBeGreaterThanOrEqual(0);
});

it.each([
  ['fail in record', 'exit code 3  error: it failed'],
  ['differ in record', 'the console differs in line 1: "result 1" and "other"'],
])('%s: no figure, once', async (append, failure) => {
  const rows = await run(append, { runs: 2, warmUps: 0 });
  expect(rows.map((row) => row.failure)).toEqual([null, failure, null]);
  const calls = readFileSync(join(top, 'calls.txt'), 'utf8').match(/record/g);
  expect(calls).toHaveLength(1);
});

it('files that cannot be made leave no figure', async () => {
  const rows = await run('work', { runs: 1, warmUps: 0, isBroken: true });
  expect(rows.map(({ failure }) => failure)).toEqual(Array(3).fill('no guest; next      fetch it'));
});

it('a hang is ended by the time-out, or by the user, who keeps what there is', async () => {
  const late = await run('hang', { runs: 1, warmUps: 0, timeoutSeconds: 1 });
  expect(late[0]?.failure).toBe('not done after 1 s');
  const abort = new AbortController();
  const running = run('hang', { runs: 1, warmUps: 0, signal: abort.signal });
  abort.abort();
  expect((await running).map(({ failure }) => failure)).toEqual(Array(3).fill('not measured'));
});

interface Options {
  readonly runs: number;
  readonly warmUps: number;
  readonly isBroken?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

async function run(append: string, options: Options): Promise<Row[]> {
  const { runs, warmUps, isBroken = false, timeoutSeconds = 50 } = options;
  const workload: Workload = {
    ...{ name: 'w', set: 's', about: '', image: 'bench', append, console: {} },
    qemu: { absent: 'not here' },
  };
  const rows: Row[] = [];
  await runPlan(
    {
      ...{ workloads: [workload], runs, warmUps, onProgress: () => undefined },
      lanes: planLanes({
        ...{ modes: ['run', 'record', 'replay'], variants: ['auto'], qemuModes: [] },
      }),
      setup: {
        ...{ folder: join(top, 'work'), core: null, timeoutSeconds, isQuick: false, qemu: 'none' },
        casmotion: fileURLToPath(new URL('fake-casmotion.mjs', import.meta.url)),
        signal: options.signal ?? new AbortController().signal,
        flagsOf: () => [],
      },
      filesOf: () => {
        if (isBroken) throw new VmError('no guest', { next: 'fetch it' });
        return { kernel: 'k', initrd: undefined, disk: undefined };
      },
    },
    (found) => void rows.push(...found),
  );
  return rows;
}
