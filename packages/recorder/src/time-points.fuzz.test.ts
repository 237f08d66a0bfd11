/// <reference types="node" />
/**
 * Goal: a log that names its places by branches replays through the matcher, whatever the host did
 * and however late the counter interrupts; a wrong key is caught and named, an overcounting counter
 * too. Method: the seeded hosts and the fake machine of record-replay.fuzz.test.ts, which wakes in
 * vain, idles and ends in every way, with an emulated counter of seeded skid; logs are cut at every
 * chunk, and one key in them changed. The real machine: packages/host-node/test.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project recorder time-points`.
 */
import { Prng } from '@casmotion/base';
import type { PmuConfig } from '@casmotion/machine';
import {
  bufferSource,
  createLogTools,
  type KeyedEvent,
  type KeyedLandmark,
  KeyedLogError,
  type LogTools,
  openLog,
} from '@casmotion/replay-log';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FakeHostOptions } from '../test/fake-host.ts';
import type { FakeOptions } from '../test/fake-machine.ts';
import { consoleText, pmuOf, recordFake, replayFake, rewriteKeyedLog } from '../test/session.ts';
import { formatDivergence, PlacesMismatchError, type ReplayResult } from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

interface Scenario {
  readonly machine: FakeOptions;
  readonly host: FakeHostOptions;
  readonly pmu: PmuConfig;
}

function scenario(seed: number, changes: Partial<PmuConfig> = {}): Scenario {
  const random = new Prng(seed);
  const stepsMax = 2000 + random.below(20_000);
  return {
    machine: { seed, ...(random.chance(3) ? {} : { stepsMax }), canIdle: !random.chance(4) },
    host: {
      seed,
      powerAt: 2000 + random.below(20_000),
      interruptsOneIn: random.below(6),
      pollsOneIn: 1 + random.below(4),
    },
    pmu: pmuOf({
      kind: random.pick(['branches', 'branches+register']),
      skid: random.below(501),
      seed,
      ...changes,
    }),
  };
}

function keyedEventsOf(bytes: Uint8Array): KeyedEvent[] {
  return [...openLog(bufferSource(bytes), tools).keyedEvents()];
}

function reportOf(result: ReplayResult) {
  if (result.kind !== 'divergence') throw new Error('it matched');
  return result.report;
}

test('a replay is the recording, at any skid', async () => {
  const seen = { events: 0, wakes: 0, landmarks: 0, skids: 0, crept: 0, ends: new Set<string>() };
  for (let seed = SEED; seed < SEED + 120; seed++) {
    const { machine, host, pmu } = scenario(seed);
    const printed = consoleText();
    const recorded = await recordFake(tools, machine, host, { outputs: printed.outputs, pmu });
    const log = openLog(bufferSource(recorded.bytes), tools);
    expect([() => [...log.events()], () => [...log.landmarks()]].map(errorOf)).toEqual([
      KeyedLogError,
      KeyedLogError,
    ]);
    const events = [...log.keyedEvents()];
    seen.events += events.length;
    seen.wakes += events.filter(({ wakes }) => wakes > 0).length;
    seen.landmarks += [...log.keyedLandmarks()].length;
    seen.ends.add(recorded.result.end.cause);
    for (const isVerify of [false, true]) {
      const again = consoleText();
      const options = { isVerify, outputs: again.outputs, pmu: { ...pmu, seed: seed * 7 } };
      const result = await replayFake(tools, machine, recorded.bytes, options);
      expect(result, `seed ${seed}`).toMatchObject({
        kind: 'matched',
        end: recorded.result.end,
        steps: recorded.result.steps,
        stateDigest: recorded.result.recorded?.stateDigest,
        outputDigest: recorded.result.recorded?.outputDigest,
      });
      expect(again.bytes, `seed ${seed}`).toEqual(printed.bytes);
      expect(result.matching?.worstSkid).toBeLessThanOrEqual(pmu.skid);
      seen.skids = Math.max(seen.skids, result.matching?.worstSkid ?? 0);
      seen.crept += result.matching?.creptSteps ?? 0;
    }
  }
  expect(seen.wakes).toBeGreaterThan(15);
  expect(seen.events).toBeGreaterThan(800);
  expect(seen.landmarks).toBeGreaterThan(300);
  expect(seen.crept).toBeGreaterThan(10_000);
  expect(seen.skids).toBeGreaterThan(300);
  expect([...seen.ends].toSorted()).toEqual(['failure', 'idle-forever', 'interrupted']);
});

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return (error as Error).constructor;
  }
  return undefined;
}

test('a log cut at any chunk replays up to there', async () => {
  let replays = 0;
  for (let seed = SEED; seed < SEED + 12; seed++) {
    const { machine, host, pmu } = scenario(seed);
    const { bytes } = await recordFake(tools, machine, host, { sliceSteps: 300, pmu });
    for (const { number, fileOffset } of openLog(bufferSource(bytes), tools).chunks.slice(2)) {
      const cut = await replayFake(tools, machine, bytes.slice(0, fileOffset + 5), { pmu });
      expect(cut, `seed ${seed} chunk ${number}`).toMatchObject({
        kind: 'matched',
        cut: { atByte: fileOffset },
      });
      replays++;
    }
  }
  expect(replays).toBeGreaterThan(80);
});

describe('canaries', () => {
  /** What is done to one event's key, and the parts that may be named then. */
  const CHANGES = {
    'a transfer more': ({ key, ...event }: KeyedEvent) => ({
      ...event,
      key: { ...key, count: key.count + 1 },
    }),
    'a transfer less': ({ key, ...event }: KeyedEvent) => ({
      ...event,
      key: { ...key, count: Math.max(0, key.count - 1) },
    }),
    'a pc that nobody has': ({ key, ...event }: KeyedEvent) => ({
      ...event,
      key: { ...key, pc: 0xdead0n },
    }),
    'another sp': ({ key, ...event }: KeyedEvent) => ({
      ...event,
      key: { ...key, register: (key.register ?? 0n) ^ 4n },
    }),
  } as const;

  /** Counts do not fall in a log. */
  function staysInOrder(bytes: Uint8Array, index: number, count: number): boolean {
    const landmarks = [...openLog(bufferSource(bytes), tools).keyedLandmarks()];
    const events = keyedEventsOf(bytes);
    const before = landmarks.filter(({ eventsBefore }) => eventsBefore <= index);
    const after = landmarks.filter(({ eventsBefore }) => eventsBefore > index);
    const countsOf = (places: readonly (KeyedEvent | KeyedLandmark)[]): number[] =>
      places.map(({ key }) => key.count);
    return (
      count >= Math.max(0, ...countsOf([...before, ...events.slice(0, index)])) &&
      count <= Math.min(Infinity, ...countsOf([...after, ...events.slice(index + 1)]))
    );
  }

  test.each(Object.entries(CHANGES))('a key with %s is caught and named', async (name, change) => {
    const kind = name === 'another sp' ? 'branches+register' : 'branches';
    const found = new Map<string, number>();
    for (let seed = SEED; seed < SEED + 25; seed++) {
      const { machine, host, pmu } = scenario(seed, { kind });
      const { bytes } = await recordFake(tools, machine, host, { pmu });
      const events = keyedEventsOf(bytes);
      const index = new Prng(seed).below(Math.max(1, events.length));
      const chosen = events[index];
      if (chosen === undefined) continue;
      const changed = change(chosen);
      if (!staysInOrder(bytes, index, changed.key.count)) continue;
      const wrong = rewriteKeyedLog(tools, bytes, (all) => (all[index] = changed));
      const report = reportOf(await replayFake(tools, machine, wrong, { pmu }));
      expect(report.miss?.outcome.isSkid, `seed ${seed}`).not.toBe(true);
      expect(report.premises).toContain('C6');
      if (report.miss === undefined) continue;
      const { kind: outcome, differs } = report.miss.outcome;
      expect(formatDivergence(report)).toMatch(new RegExp(`^ {2}${outcome}: `, 'm'));
      found.set(outcome, (found.get(outcome) ?? 0) + 1);
      if (name === 'a pc that nobody has' && outcome === 'overshoot') expect(differs).toBe('pc');
      if (name === 'another sp' && outcome === 'overshoot') expect(differs).toBe('register');
    }
    expect(found.get('overshoot') ?? 0).toBeGreaterThan(3);
  });

  test('a key after the end of the run is an undershoot', async () => {
    let seen = 0;
    for (let seed = SEED; seed < SEED + 30; seed++) {
      const { machine, host, pmu } = scenario(seed);
      const { bytes, result } = await recordFake(tools, machine, host, { pmu });
      if (result.end.by === 'host') continue;
      const wrong = rewriteKeyedLog(tools, bytes, (events) => {
        const last = events.at(-1);
        if (last === undefined) return;
        const key = { ...last.key, count: last.key.count + 100_000 };
        events[events.length - 1] = { ...last, key };
      });
      if (keyedEventsOf(wrong).length === 0) continue;
      const { miss } = reportOf(await replayFake(tools, machine, wrong, { pmu }));
      expect(miss?.outcome, `seed ${seed}`).toMatchObject({ kind: 'undershoot', differs: 'count' });
      seen++;
    }
    expect(seen).toBeGreaterThan(3);
  });

  test('an overcounting counter is caught, and its premise named', async () => {
    let [caught, lucky] = [0, 0];
    for (let seed = SEED; seed < SEED + 40; seed++) {
      const { machine, host, pmu } = scenario(seed, { overcount: 8 });
      const { bytes, result } = await recordFake(tools, machine, host, { pmu });
      const replayed = await replayFake(tools, machine, bytes, { pmu });
      if (replayed.kind === 'matched') {
        // It overcounted alike, or there was nothing to find: then all is right all the same.
        expect(replayed.stateDigest).toEqual(result.recorded?.stateDigest);
        lucky++;
        continue;
      }
      expect(replayed.report.premises).toContain('C6');
      expect(formatDivergence(replayed.report)).toMatch(/C6 \(the performance counter counted/);
      caught++;
    }
    expect(caught).toBeGreaterThan(25);
    expect(lucky).toBeLessThan(15);
  });

  test('a log by steps is not replayed as one by branches, nor the other way', async () => {
    const { machine, host, pmu } = scenario(SEED);
    const byKey = await recordFake(tools, machine, host, { pmu });
    const byStep = await recordFake(tools, machine, host);
    await expect(replayFake(tools, machine, byKey.bytes)).rejects.toThrow(PlacesMismatchError);
    await expect(replayFake(tools, machine, byStep.bytes, { pmu })).rejects.toThrow(
      PlacesMismatchError,
    );
  });
});

test('a report of skid says what to do, and accuses nothing else', async () => {
  const { machine, host, pmu } = scenario(SEED + 1);
  const { bytes } = await recordFake(tools, machine, host, { pmu });
  const wrong = rewriteKeyedLog(tools, bytes, (events) => {
    const [first] = events;
    if (first !== undefined) events[0] = { ...first, key: { ...first.key, pc: 0xdead0n } };
  });
  const report = reportOf(await replayFake(tools, machine, wrong, { pmu }));
  expect(report.miss).toBeDefined();
  if (report.miss === undefined) return;
  const outcome = { ...report.miss.outcome, isSkid: true, skid: 700 };
  const text = formatDivergence({ ...report, premises: ['C6'], miss: { outcome, margin: 512 } });
  expect(text).toMatch(/interrupt came 700 transfers late, where the margin is 512/);
  expect(text).toMatch(/--margin/);
  expect(text).toMatch(/branches \d+ {2}pc 0xdead0/);
});
