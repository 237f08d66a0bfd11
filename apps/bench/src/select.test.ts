/**
 * Goal: flags pick what they say, and what makes no sense is refused with a next step. Method:
 * flags as the command line parses them; command lines compared.
 */
import { expect, test } from 'vitest';
import { casmotionArguments, qemuArguments } from './commands.ts';
import { type Flags, parseVariant } from './flags.ts';
import { parseTimes } from './measure-process.ts';
import { parseSummary } from './run-lane.ts';
import { selectWork } from './select.ts';
import { WORKLOADS } from './workloads.ts';

const FLAGS: Flags = {
  list: false,
  quick: false,
  modes: ['run', 'record', 'replay'],
  engine: ['auto'],
  timePoints: false,
  monitors: false,
  timeout: 300,
};

test('all workloads, with names of their own', () => {
  const { workloads, runs, warmUps } = selectWork(FLAGS);
  expect([workloads.length, runs, warmUps]).toEqual([WORKLOADS.length, 5, 1]);
  expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
});

test('quick: a handful, twice, cold; with a filter, that in small sizes', () => {
  const { workloads, runs, warmUps } = selectWork({ ...FLAGS, quick: true });
  expect(workloads.length).toBeGreaterThan(3);
  expect(workloads.length).toBeLessThan(12);
  expect([runs, warmUps]).toEqual([2, 0]);
  expect(selectWork({ ...FLAGS, quick: true, filter: 'chase' }).workloads).toHaveLength(1);
});

test('the monitor is measured in place of engines, by replays alone', () => {
  const { lanes } = selectWork({ ...FLAGS, monitors: true });
  const names = new Set(lanes.map(({ variant }) => variant));
  expect([...names]).toEqual(['no monitor', 'fast', 'full']);
  expect(() => selectWork({ ...FLAGS, monitors: true, timePoints: true })).toThrow(
    'one thing in place of engines at a time',
  );
});

test('kinds of time points take the place of engines', () => {
  const { lanes } = selectWork({ ...FLAGS, timePoints: true });
  const names = lanes.map(({ mode, variant }) => `${mode} ${variant}`);
  expect(names).toHaveLength(9);
  expect(names).toContain('record branches+register');
  expect(names.join()).not.toContain('auto');
  const { workloads } = selectWork({ ...FLAGS, timePoints: true });
  expect(workloads.map(({ name }) => name)).not.toContain('embedded-demo');
});

test('your own guest takes the place of all', () => {
  const { workloads } = selectWork({ ...FLAGS, kernel: 'Image', append: 'x', bios: 'none' });
  expect(workloads.map(({ name, append }) => [name, append])).toEqual([['own', 'x']]);
  const [cut] = selectWork({ ...FLAGS, kernel: 'k', maxInstructions: '5G' }).workloads;
  expect(cut).toMatchObject({ exitCodes: [0, 4], maxInstructions: '5G' });
  expect(cut?.qemu).toHaveProperty('absent');
});

test.each([
  [{ filter: 'nothing' }, 'no workload'],
  [{ append: 'x' }, 'belongs to your own guest'],
  [{ maxInstructions: '1G' }, 'belongs to your own guest'],
  [{ engine: ['auto', 'auto'] }, 'twice'],
  [{ filter: 'lab*', timePoints: true }, 'cannot be measured so'],
  [{ filter: 'lab*', variant: [{ name: 'x', flags: ['--memory', '64M'] }] }, 'cannot be'],
])('%j is refused', (more, message) => {
  expect(() => selectWork({ ...FLAGS, ...more })).toThrow(message);
});

test('a variant is a name and flags', () => {
  expect(parseVariant('small=--memory 64M')).toEqual({ name: 'small', flags: ['--memory', '64M'] });
  for (const bad of ['small', '=--x', 'small=', 'small=x']) {
    expect(() => parseVariant(bad)).toThrow('makes no sense');
  }
});

const files = { kernel: 'k', initrd: undefined, disk: 'd' };
const workload = selectWork({ ...FLAGS, filter: 'disk' }).workloads[0];

test("casmotion's command lines", () => {
  if (workload === undefined) throw new Error('no workload');
  const base = { workload, append: 'disk 5', files, consolePath: 'c', logPath: 'l.cmr' };
  const variantFlags = ['--engine', 'auto'];
  expect(casmotionArguments({ ...base, mode: 'record', variantFlags }).join(' ')).toBe(
    'record -o l.cmr --kernel k --append disk 5 --clock virtual --rng 7 --disk d' +
      ' --json --quiet --console c --engine auto',
  );
  const host = ['--clock', 'host'];
  expect(casmotionArguments({ ...base, mode: 'run', variantFlags: host }).join(' ')).toBe(
    'run --kernel k --append disk 5 --rng 7 --disk d --console c --clock host',
  );
  expect(casmotionArguments({ ...base, mode: 'replay', variantFlags: [] }).join(' ')).toBe(
    'replay l.cmr --json --quiet --console c',
  );
});

test("a lab's command lines", () => {
  const [lab] = selectWork({ ...FLAGS, filter: 'lab-blocks' }).workloads;
  if (lab === undefined) throw new Error('no workload');
  const request = { workload: lab, append: '5', files: { lab: 'l.json' } };
  const variantFlags = ['--engine', 'auto'];
  const base = { ...request, consolePath: 'c', logPath: 'auto', variantFlags };
  expect(casmotionArguments({ ...base, mode: 'run' }).join(' ')).toBe(
    'run --config l.json --engine auto',
  );
  expect(casmotionArguments({ ...base, mode: 'record' }).join(' ')).toBe(
    'record --config l.json -o auto --json --quiet --engine auto',
  );
  expect(casmotionArguments({ ...base, mode: 'replay', variantFlags: [] }).join(' ')).toBe(
    'replay auto --json --quiet',
  );
});

test("QEMU's command lines differ by mode in counting and in the disk's layer", () => {
  if (workload === undefined || 'absent' in workload.qemu) throw new Error('no workload');
  const base = { workload, setup: workload.qemu, append: 'disk 5', files, logPath: 'l' };
  const text = (mode: 'plain' | 'icount' | 'rr-replay'): string =>
    qemuArguments({ ...base, mode }).join(' ');
  expect(text('plain')).not.toContain('-icount');
  expect(text('icount')).toContain('-icount shift=auto');
  expect(text('icount')).not.toContain('blkreplay');
  expect(text('rr-replay')).toContain('rr=replay,rrfile=l');
  expect(text('rr-replay')).toContain('driver=blkreplay');
});

test.each([
  ['0m0.001s 0m0.002s\n1m2.500s 0m0.250s\n', { userSeconds: 62.5, systemSeconds: 0.25 }],
  ['0m0.00s 0m0.00s\n0m0.09s 0m0.01s\n', { userSeconds: 0.09, systemSeconds: 0.01 }],
])('times %j', (text, expected) => {
  expect(parseTimes(text)).toEqual(expected);
});

test.each([
  ['x\nthe guest powered off after 55.5 M instructions in 1.08 s (51 M/s)\n', 55_500_000, 1.08],
  ['the guest powered off after 999 instructions in 0.00 s (9 k/s)', 999, 0],
  ['the guest failed with code 1 after 1.20 G instructions in 12 s (100 M/s)', 1.2e9, 12],
])('summary %j', (text, steps, wallSeconds) => {
  expect(parseSummary(text)).toMatchObject({ steps, wallSeconds });
});

test('no summary', () => {
  expect(parseSummary('error: no such file')).toBeUndefined();
});
