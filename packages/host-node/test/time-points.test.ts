/**
 * Goal: whole machines, recorded with each kind of time points, replay without a divergence at any
 * skid up to 500, on either engine; logs by branches hold no step of an event; an attempt that skid
 * took too far is made again; a counter that counts too much is caught. Method: the embedded guest
 * under hosts made of seeds (support/seeded-recording.ts). Any number of them:
 * scripts/time-points.ts.
 */
import type { PmuConfig } from '@casmotion/machine';
import { formatDivergence } from '@casmotion/recorder';
import { describe, expect, test } from 'vitest';
import { openSeed, recordSeed, replaySeed } from './support/seeded-recording.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const SKIDS = [0, 1, 63, 500] as const;

function pmuOf(seed: number, changes: Partial<PmuConfig> = {}): PmuConfig {
  const kind = seed % 2 === 0 ? 'branches' : 'branches+register';
  return { kind, skid: SKIDS[seed % SKIDS.length] ?? 0, seed, overcount: 0, ...changes };
}

describe.each(SEEDS)('the embedded guest under host %i', (seed) => {
  test('replays by steps and by branches, on either engine', async () => {
    const byStep = await recordSeed(seed, undefined);
    const pmu = pmuOf(seed);
    const byKey = await recordSeed(seed, pmu, seed % 3 === 0 ? 'interpreter' : 'translator');
    // The host is the same, and the guest: only names of places differ.
    expect(byKey.console).toEqual(byStep.console);
    expect(byKey.result.steps).toBe(byStep.result.steps);
    const log = openSeed(byKey);
    expect(log.isKeyed).toBe(true);
    const [keyed, placed] = [[...log.keyedEvents()], [...openSeed(byStep).events()]];
    expect(keyed.map(({ event }) => event)).toEqual(placed.map(({ event }) => event));
    expect(keyed.length).toBeGreaterThan(20);
    expect(keyed.every(({ key }) => 'register' in key === (pmu.kind !== 'branches'))).toBe(true);
    for (const { bytes, console, result } of [byStep, byKey]) {
      for (const engine of ['translator', 'interpreter'] as const) {
        const again = await replaySeed(bytes, { engine, isVerify: engine === 'interpreter' });
        expect(again.result, engine).toMatchObject({
          kind: 'matched',
          steps: result.steps,
          stateDigest: result.recorded?.stateDigest,
        });
        expect(again.console).toEqual(console);
        expect(again.result.matching?.rewinds ?? 0).toBe(0);
        expect(again.result.matching?.worstSkid ?? 0).toBeLessThanOrEqual(pmu.skid);
      }
    }
  });
});

test('a margin of nothing: attempts that skid took too far are made again', async () => {
  const recording = await recordSeed(6, pmuOf(6, { skid: 300 }));
  const { result, console } = await replaySeed(recording.bytes, { margin: 0 });
  expect(result.kind).toBe('matched');
  expect(console).toEqual(recording.console);
  const { rewinds = 0, margin = 0, worstSkid = 0 } = result.matching ?? {};
  expect(rewinds).toBeGreaterThan(0);
  expect(margin).toBeGreaterThanOrEqual(worstSkid * 2);
  expect(worstSkid).toBeGreaterThan(100);
});

test('a counter that counts too much is caught, and named', async () => {
  let caught = 0;
  for (const seed of SEEDS) {
    const { bytes } = await recordSeed(seed, pmuOf(seed, { overcount: 20 }));
    const { result } = await replaySeed(bytes);
    if (result.kind !== 'divergence') continue;
    expect(result.report.premises).toContain('C6');
    expect(result.report.miss?.outcome.isSkid).toBe(false);
    expect(formatDivergence(result.report)).toMatch(/C6 \(the performance counter counted too/);
    caught++;
  }
  expect(caught).toBeGreaterThan(SEEDS.length / 2);
});

test('a log by branches cut short replays up to there', async () => {
  const recording = await recordSeed(5, pmuOf(5));
  const chunks = openSeed(recording).chunks.slice(2);
  expect(chunks.length).toBeGreaterThan(3);
  for (const { fileOffset } of chunks.filter((_, index) => index % 3 === 0)) {
    const { result } = await replaySeed(recording.bytes.slice(0, fileOffset + 7));
    expect(result).toMatchObject({ kind: 'matched', cut: { atByte: fileOffset } });
  }
});
