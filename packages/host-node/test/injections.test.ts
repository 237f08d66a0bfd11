/**
 * Goal: each premise, broken on purpose in the real system, is reported under its own name, or as
 * open between it and others, and never under a wrong one. Method: faults drawn by seed, in
 * shuffled order (support/injections.ts); the reporter sees log, images and replay alone. Twenty of
 * each: scripts/injections.ts.
 */
import { type CoreInterface, createCore } from '@casmotion/machine';
import { type Premise, PREMISES } from '@casmotion/recorder';
import { expect, test } from 'vitest';
import { addToRows, injectAll, reportOn, type Row } from './support/inject.ts';
import { overridden } from './support/injections.ts';
import { recordSeed } from './support/seeded-recording.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 11);
const COUNTS = { full: 2, fast: 1 } as const;

test.each(['full', 'fast'] as const)(`each premise, --monitor %s, seed ${SEED}`, async (level) => {
  const rows = new Map<Premise, Row>();
  for await (const judged of injectAll(SEED, COUNTS[level], level)) {
    addToRows(rows, judged);
    const { injection, report, verdict } = judged;
    const said = `${injection.premise}: ${injection.what}; reported ${report.premises.join()}`;
    expect(verdict, said).not.toBe('wrong');
    expect(verdict, said).not.toBe('unnoticed');
  }
  expect([...rows.keys()].toSorted()).toEqual(Object.keys(PREMISES));
  const named = [...rows.values()].filter((row) => row.named > 0).map(({ premise }) => premise);
  // A word that nobody reads, or a disk that was read before it changed, is for the full level.
  const always = level === 'full' ? ['C1', 'C3', 'C6', 'C7', 'C8'] : ['C3', 'C6', 'C7', 'C8'];
  expect(named).toEqual(expect.arrayContaining(always));
}, 240_000);

test('a write while the matcher creeps is not held against the event that follows', async () => {
  const pmu = { kind: 'branches', skid: 100, seed: 1, overcount: 0 } as const;
  const recording = await recordSeed(1, pmu);
  const cores: CoreInterface[] = [];
  let calls = 0;
  const report = await reportOn(
    {
      premise: 'C4',
      what: 'a byte of memory written at the end of a call, as a device would',
      replay: {
        core: (options) => {
          const core = createCore(options);
          cores.push(core);
          return core;
        },
        machine: (made, place) => {
          const core = cores.at(-1);
          return overridden(made, {
            runWatched: (...args: Parameters<typeof made.runWatched>) => {
              const stop = made.runWatched(...args);
              if (place === 'first' && ++calls === 40) {
                made.ram[0] = (made.ram[0] ?? 0) ^ 1;
                core?.noteRamWrite(0x8000_0000, 1);
              }
              return stop;
            },
          });
        },
      },
      hasStruck: () => calls >= 40,
    },
    recording,
    'full',
  );
  expect(calls).toBeGreaterThanOrEqual(40);
  expect(report.premises, report.text).toEqual(['C2', 'C4']);
}, 240_000);
