/// <reference types="node" />
/**
 * Goal: whatever a host does to a machine, a replay does it again, to the last digest.
 * Method: seeded hosts drive a fake machine that idles, wakes in vain, asks for entropy and reads
 * the clock; the log is replayed at other slices, with full digests, cut at every chunk, and
 * against the same run unrecorded; logs with one event changed or moved must be caught.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project recorder`.
 */
import { Prng } from '@casmotion/base';
import {
  bufferSource,
  createLogTools,
  type LoggedEvent,
  type LoggedLandmark,
  type LogTools,
  openLog,
} from '@casmotion/replay-log';
import { beforeAll, expect, test } from 'vitest';
import { FakeHost, type FakeHostOptions } from '../test/fake-host.ts';
import { FakeMachine, type FakeOptions } from '../test/fake-machine.ts';
import { consoleText, recordFake, replayFake, rewriteLog } from '../test/session.ts';
import { Recorder, scriptedInputs } from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

test('a replay is the recording, at any slice, with any digests', async () => {
  const seen = { wakes: 0, events: 0, landmarks: 0, quiet: 0, outputs: 0, ends: new Set<string>() };
  for (let seed = SEED; seed < SEED + 150; seed++) {
    const { machine, host, random } = scenario(seed);
    const printed = consoleText();
    const recording = await recordFake(tools, machine, host, { outputs: printed.outputs });
    const log = openLog(bufferSource(recording.bytes), tools);
    seen.wakes += [...log.events()].filter(({ wakes }) => wakes > 0).length;
    seen.events += [...log.events()].length;
    seen.landmarks += [...log.landmarks()].length;
    // Slices end at multiples of 500.
    seen.quiet += [...log.landmarks()].filter(({ at }) => at.step % 500 !== 0).length;
    const { end, recorded, steps } = recording.result;
    seen.ends.add(end.cause);
    for (const isVerify of [false, true]) {
      const again = consoleText();
      const sliceSteps = 1 + random.below(random.pick([3, 700, 100_000]));
      const options = { isVerify, sliceSteps, outputs: again.outputs };
      const result = await replayFake(tools, machine, recording.bytes, options);
      expect(result, `seed ${seed}`).toMatchObject({
        kind: 'matched',
        end,
        steps,
        stateDigest: recorded?.stateDigest,
        outputDigest: recorded?.outputDigest,
      });
      expect(again.bytes, `seed ${seed}`).toEqual(printed.bytes);
    }
    seen.outputs += printed.bytes.length;
  }
  // None of it was idle talk.
  expect(seen.wakes).toBeGreaterThan(20);
  expect(seen.quiet).toBeGreaterThan(20);
  expect(seen.events).toBeGreaterThan(1000);
  expect(seen.landmarks).toBeGreaterThan(500);
  expect(seen.outputs).toBeGreaterThan(1000);
  expect([...seen.ends].toSorted()).toEqual(['failure', 'idle-forever', 'interrupted']);
});

test('a log cut at any chunk replays up to there', async () => {
  let replays = 0;
  for (let seed = SEED; seed < SEED + 15; seed++) {
    const { machine, host } = scenario(seed);
    const { bytes, result } = await recordFake(tools, machine, host, { sliceSteps: 300 });
    const whole = openLog(bufferSource(bytes), tools);
    for (const { number, fileOffset } of whole.chunks.slice(1)) {
      const cut = await replayFake(tools, machine, bytes.slice(0, fileOffset + 5));
      expect(cut, `seed ${seed} chunk ${number}`).toMatchObject({ kind: 'matched' });
      if (cut.kind !== 'matched') return;
      expect(cut.cut?.atByte).toBe(fileOffset);
      expect(cut.steps).toBeLessThanOrEqual(result.steps);
      replays++;
    }
  }
  expect(replays).toBeGreaterThan(40);
});

test('without events and host time the log does not show when the host looked', async () => {
  let landmarks = 0;
  for (let seed = SEED; seed < SEED + 60; seed++) {
    const { machine } = scenario(seed);
    const random = new Prng(seed);
    const logs: Uint8Array[] = [];
    for (const isSyncDue of [() => false, () => true, () => random.chance(3)]) {
      const live = { ...scriptedInputs([]), isSyncDue };
      const options = { maxSteps: 30_000, quietSyncs: 2, landmarkSteps: 500 };
      const { bytes, result } = await recordFake(tools, machine, live, options);
      logs.push(bytes);
      landmarks += result.recorded?.landmarks ?? 0;
    }
    expect(logs[1], `seed ${seed}`).toEqual(logs[0]);
    expect(logs[2], `seed ${seed}`).toEqual(logs[0]);
  }
  expect(landmarks).toBeGreaterThan(220); // More than the first of each.
});

test('an unrecorded run is the same run', async () => {
  for (let seed = SEED; seed < SEED + 40; seed++) {
    const { machine, host } = scenario(seed);
    const recording = await recordFake(tools, machine, host);
    const bare = new FakeMachine(tools.hashes, machine);
    bare.landmark = () => expect.fail('an unrecorded run takes no landmark');
    bare.registerDigest = () => expect.fail('an unrecorded run digests nothing');
    const live = new FakeHost(host);
    const options = { machine: bare, live, log: undefined, sliceSteps: 500 };
    const result = await new Recorder(options).run();
    expect(result, `seed ${seed}`).toEqual({ ...recording.result, recorded: undefined });
    expect(bare.snapshot(), `seed ${seed}`).toEqual(recording.machine.snapshot());
  }
});

test('canary: one changed event is caught, whichever it is', async () => {
  const places = new Map<string, number>();
  for (let seed = SEED; seed < SEED + 120; seed++) {
    const { machine, host, random } = scenario(seed);
    const { bytes } = await recordFake(tools, machine, host);
    const changed = rewriteLog(tools, bytes, ({ events }) => {
      const candidates = events.filter(({ event }) => 'bytes' in event || 'port' in event);
      if (candidates.length === 0) return;
      const target = random.pick(candidates);
      events[target.number] = { ...target, event: corrupt(target.event) };
    });
    const isChanged = differs(
      changed,
      rewriteLog(tools, bytes, () => undefined),
    );
    const result = await replayFake(tools, machine, changed);
    expect(result.kind, `seed ${seed}`).toBe(isChanged ? 'divergence' : 'matched');
    if (result.kind !== 'divergence') continue;
    const { place, premises } = result.report;
    expect(premises, `seed ${seed}`).toContain('C3');
    places.set(place.kind, (places.get(place.kind) ?? 0) + 1);
  }
  expect(places.get('event') ?? 0).toBeGreaterThan(10);
  expect(places.get('landmark') ?? 0).toBeGreaterThan(10);
});

test('canary: an event moved, dropped or repeated is caught', async () => {
  const caught = { moved: 0, dropped: 0, repeated: 0 };
  for (let seed = SEED; seed < SEED + 200; seed++) {
    const { machine, host, random } = scenario(seed);
    const { bytes } = await recordFake(tools, machine, host);
    const how = random.pick(['moved', 'dropped', 'repeated'] as const);
    const changed = rewriteLog(tools, bytes, (records) => misplace(random, how, records));
    if (
      !differs(
        changed,
        rewriteLog(tools, bytes, () => undefined),
      )
    )
      continue;
    const result = await replayFake(tools, machine, changed);
    expect(result.kind, `seed ${seed} ${how}`).toBe('divergence');
    caught[how]++;
  }
  expect(Math.min(...Object.values(caught))).toBeGreaterThan(20);
});

/** Changes the place or number of one event that has an effect, and nothing else. */
function misplace(
  random: Prng,
  how: 'moved' | 'dropped' | 'repeated',
  records: { events: LoggedEvent[]; landmarks: LoggedLandmark[] },
): void {
  const { events, landmarks } = records;
  const candidates = events.filter(({ event }) => 'bytes' in event || 'port' in event);
  if (candidates.length === 0) return;
  const target = random.pick(candidates);
  const { number, at } = target;
  if (how === 'moved') {
    const next = events[number + 1]?.at.step ?? 0;
    if (next > at.step + 1) events[number] = { ...target, at: { step: at.step + 1 } };
    return;
  }
  events.splice(number, how === 'dropped' ? 1 : 0, ...(how === 'dropped' ? [] : [target]));
  const shift = how === 'dropped' ? -1 : 1;
  for (const [index, landmark] of landmarks.entries()) {
    if (landmark.eventsBefore <= number) continue;
    landmarks[index] = { ...landmark, eventsBefore: landmark.eventsBefore + shift };
  }
}

function differs(a: Uint8Array, b: Uint8Array): boolean {
  return a.length !== b.length || a.some((byte, at) => byte !== b[at]);
}

function corrupt<E extends object>(event: E): E {
  if ('port' in event) return { ...event, port: event.port === 9 ? 8 : 9 };
  if (!('bytes' in event) || !(event.bytes instanceof Uint8Array)) return event;
  const bytes = event.bytes.slice();
  bytes[0] = (bytes[0] ?? 0) ^ 0x10;
  return { ...event, bytes };
}

function scenario(seed: number): { machine: FakeOptions; host: FakeHostOptions; random: Prng } {
  const random = new Prng(seed);
  const isQuiet = random.chance(8);
  const stepsMax = random.chance(3) ? { stepsMax: 1 + random.below(20_000) } : {};
  const machine = { seed: random.u32(), ...stepsMax };
  const host = {
    seed: random.u32(),
    powerAt: 500 + random.below(20_000),
    interruptsOneIn: isQuiet ? 0 : random.pick([2, 5, 20]),
    pollsOneIn: isQuiet ? 0 : random.pick([1, 4, 20]),
  };
  return { machine, host, random };
}
