/**
 * Goal: a divergence is reported in the right words and never guessed at; runs end as they should;
 * the idle rule holds; a full disk stops a recording and leaves what was written.
 * Method: machines that break in one way at one step, scripted hosts, and the texts compared whole.
 */
import { VmError } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import {
  bufferSource,
  createLogTools,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { beforeAll, describe, expect, test } from 'vitest';
import { FakeMachine, type FakeOptions } from '../test/fake-machine.ts';
import { HEADER, recordFake, replayFake, rewriteLog } from '../test/session.ts';
import {
  type DivergenceReport,
  formatDivergence,
  type IdleAnswer,
  type LiveInputs,
  Recorder,
  type ReplayResult,
  scriptedInputs,
} from './index.ts';

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

const MACHINE: FakeOptions = { seed: 7, stepsMax: 9000, canIdle: false };
const SCRIPT = [
  { step: 3000, event: { kind: 'console-input', console: 0, bytes: Uint8Array.of(0x6c, 0x73) } },
  { step: 6500, event: { kind: 'port-raised', port: 3 } },
] as const;

/** Landmarks at 0, 2000, 4000, 6000 and 8000. */
const BY_STEPS = { landmarkSteps: 2000, landmarkPages: 1e9 };

const recordScript = () => recordFake(tools, MACHINE, scriptedInputs(SCRIPT), BY_STEPS);

function reportOf(result: ReplayResult): DivergenceReport {
  if (result.kind !== 'divergence') throw new Error(`no divergence: ${result.kind}`);
  return result.report;
}

describe('a machine that breaks', () => {
  test.each([
    ['register', 3500, 'landmark', ['C2', 'C3', 'C4', 'C5']],
    ['register', 6400, 'event', ['C2', 'C3', 'C4']],
    ['register', 1200, 'landmark', ['C2', 'C3', 'C4']],
    ['register', 8900, 'end', ['C2', 'C3', 'C4']],
    ['memory', 1999, 'landmark', ['C2', 'C3', 'C4']],
    ['output', 3999, 'output', ['C2', 'C3', 'C4', 'C5']],
    ['halt', 2500, 'event', ['C2', 'C3', 'C4']],
    ['stall', 2500, 'event', ['C2', 'C3', 'C4']],
    ['halt', 8999, 'end', ['C2', 'C3', 'C4']],
  ] as const)('%s at step %i shows at %s', async (kind, step, place, premises) => {
    const { bytes } = await recordScript();
    const broken = { ...MACHINE, fault: { step, kind } };
    const report = reportOf(await replayFake(tools, broken, bytes));
    expect([report.place.kind, report.premises]).toEqual([place, premises]);
    expect(report.found.step).toBeGreaterThanOrEqual(step);
    expect(report.lastLandmark?.step).toBeLessThan(step);
  });

  test('a write behind the dirty tracking shows where all pages are digested', async () => {
    const { bytes } = await recordScript();
    const broken = { ...MACHINE, fault: { step: 1999, kind: 'untracked-write' } } as const;
    const verified = reportOf(await replayFake(tools, broken, bytes, { isVerify: true }));
    expect(verified.place).toEqual({ kind: 'landmark', number: 1 });
    const replayed = reportOf(await replayFake(tools, broken, bytes));
    expect(['landmark', 'end']).toContain(replayed.place.kind);
    expect(replayed.found.step).toBeGreaterThanOrEqual(verified.found.step ?? Infinity);
  });

  test('another configuration is the initial state, and nothing else', async () => {
    const { bytes } = await recordScript();
    const report = reportOf(await replayFake(tools, { ...MACHINE, seed: 8 }, bytes));
    expect([report.place.kind, report.premises]).toEqual(['start', ['C1']]);
    expect(formatDivergence(report)).toMatch(
      /^divergence at the initial state; nothing matched before\n {2}time point .*\n {2}registers /,
    );
  });
});

describe('the words', () => {
  test('an event that found another machine', async () => {
    const { bytes } = await recordScript();
    const result = await replayFake(
      tools,
      { ...MACHINE, fault: { step: 6400, kind: 'register' } },
      bytes,
      { nextCommand: 'casmotion verify boot.cmr', readRegisters: () => [['sp', 0x1000n]] },
    );
    const [expected, found] = [reportOf(result).expected, reportOf(result).found];
    const pcs = [expected.pc, found.pc].map((pc) => `pc 0x${pc?.toString(16)}`);
    expect(formatDivergence(reportOf(result)).split('\n')).toEqual([
      'divergence at event 1 (port-raised, port 3); last match: landmark at step 6000',
      expect.stringMatching(
        `^  time point  expected step 6500  ${pcs[0]} +found step 6500  ${pcs[1]}$`,
      ),
      expect.stringMatching(/^ {2}registers {3}expected [0-9a-f]{8} +found [0-9a-f]{8}$/),
      '  registers found:',
      '  sp   0000000000001000',
      '  open premises: C2 (an instruction gave another result), ' +
        "C3 (a value from outside is not in the log), C4 (a write behind the machine's back)",
      '  nearest landmark: 3.  Next: casmotion verify boot.cmr',
    ]);
  });

  test('canary: a changed key press', async () => {
    const { bytes } = await recordScript();
    const changed = rewriteLog(tools, bytes, ({ events }) => {
      const event: MachineEvent = { ...SCRIPT[0].event, bytes: Uint8Array.of(0x6c, 0x70) };
      const first = events[0];
      if (first !== undefined) events[0] = { ...first, event };
    });
    const text = formatDivergence(reportOf(await replayFake(tools, MACHINE, changed)));
    expect(text).toMatch(/^divergence at landmark 2; last match: event 0 at step 3000\n/);
    expect(text).toContain('applied since landmark 1: event 0');
    expect(text).toContain('an event was lost, added or changed among the first 2 events');
    expect(text).toMatch(/broken premise: C3 \(a value from outside is not in the log\)/);
  });

  test('a machine that stops, and one that should have', async () => {
    const { bytes } = await recordScript();
    const stalled = { ...MACHINE, fault: { step: 2500, kind: 'stall' } } as const;
    expect(formatDivergence(reportOf(await replayFake(tools, stalled, bytes)))).toMatch(
      /the machine expected reaches the event +found waits for ever/,
    );
    const endless = { seed: 7, canIdle: false };
    const report = reportOf(await replayFake(tools, endless, bytes));
    expect(formatDivergence(report).split('\n')).toEqual([
      expect.stringMatching(
        /^divergence at the end of the run; last match: landmark at step 8000$/,
      ),
      expect.stringMatching(/expected step 9000 +found step 9001 /),
      expect.stringMatching(/^ {2}the machine expected ends: failure 7 +found runs on$/),
      expect.stringMatching(/^ {2}open premises: C2 /),
      '  nearest landmark: 4.',
    ]);
  });
});

describe('ends', () => {
  test.each<[string, FakeOptions, LiveInputs, number | undefined, string]>([
    ['the guest fails', MACHINE, scriptedInputs([]), undefined, 'guest failure'],
    ['a step limit', MACHINE, scriptedInputs([]), 1234, 'host step-limit'],
    ['a power event', MACHINE, powerAt(2000, 'timeout'), undefined, 'host timeout'],
    ['nothing can come', { seed: 3 }, scriptedInputs([]), 100_000, 'nobody idle-forever'],
  ])('%s', async (_, machine, live, maxSteps, expected) => {
    const limit = maxSteps === undefined ? {} : { maxSteps };
    const { bytes, result } = await recordFake(tools, machine, live, limit);
    expect(`${result.end.by} ${result.end.cause}`).toBe(expected);
    const log = openLog(bufferSource(bytes), tools);
    expect(log.footer).toMatchObject({ end: result.end, steps: result.steps });
    const replay = await replayFake(tools, machine, bytes);
    expect(replay).toMatchObject({ kind: 'matched', end: result.end, steps: result.steps });
    if (maxSteps === 1234) expect(result.steps).toBe(1234);
  });

  test('a full disk stops the recording, and what was written replays', async () => {
    const sink = new MemorySink();
    let left = 700;
    const full = {
      write: (bytes: Uint8Array) => {
        sink.write(bytes.subarray(0, left));
        if (bytes.length > left) throw new VmError('no space left on device');
        left -= bytes.length;
      },
      sync: () => undefined,
    };
    const machine = new FakeMachine(tools.hashes, MACHINE);
    const script = Array.from({ length: 80 }, (_, index) => ({
      step: index * 100,
      event: { kind: 'port-raised', port: 1 + index } as const,
    }));
    const live = { ...scriptedInputs(script), isSyncDue: () => true };
    const log = { writer: new LogWriter(full, tools, HEADER), hashes: tools.hashes };
    const recorder = new Recorder({ machine, live, log, sliceSteps: 100, landmarkSteps: 500 });
    await expect(recorder.run()).rejects.toThrow('no space left on device');
    const replay = await replayFake(tools, MACHINE, sink.toBytes());
    expect(replay).toMatchObject({ kind: 'matched', end: undefined });
    expect(replay.kind === 'matched' && replay.cut?.reason).toMatch(/half-chunk|no-footer/);
    expect(replay.events).toBeGreaterThan(5);
  });
});

describe('idle', () => {
  test('a wake at the own deadline costs no log and is not followed by a poll', async () => {
    const calls: string[] = [];
    const live: LiveInputs = {
      poll: ({ step }) => {
        calls.push('poll');
        return step >= 20_000 ? [{ kind: 'power', cause: 'interrupted' }] : [];
      },
      idle: async (_, deadlineTicks): Promise<IdleAnswer> => {
        calls.push('idle');
        if (deadlineTicks !== undefined) return 'deadline';
        return [
          { kind: 'idle-advance', ticks: 50 },
          { kind: 'port-raised', port: 1 },
        ];
      },
    };
    const { bytes, result, machine } = await recordFake(tools, { seed: 5 }, live);
    const idles = calls.filter((call) => call === 'idle').length;
    const logged = result.events['idle-advance'] ?? 0;
    expect(idles).toBeGreaterThan(logged + 10);
    expect(machine.repeatedWakes).toBeGreaterThan(0);
    expect(await replayFake(tools, { seed: 5 }, bytes)).toMatchObject({ kind: 'matched' });
  });

  test('an event after a wake at the same step is put after it again', async () => {
    let isInterrupted = false;
    const wakes: number[] = [];
    const live: LiveInputs = {
      poll: ({ step }) => (step >= 9000 ? [{ kind: 'power', cause: 'interrupted' }] : []),
      idle: async ({ step }, deadlineTicks): Promise<IdleAnswer> => {
        // The second stop at one step is the one after a wake that woke nobody.
        const isSecond = wakes.at(-1) === step;
        wakes.push(step);
        if (deadlineTicks !== undefined && !isSecond) return 'deadline';
        isInterrupted ||= isSecond;
        return [
          { kind: 'idle-advance', ticks: 1 },
          { kind: 'port-raised', port: 2 },
        ];
      },
    };
    const { bytes } = await recordFake(tools, { seed: 11 }, live);
    expect(isInterrupted).toBe(true);
    const events = [...openLog(bufferSource(bytes), tools).events()];
    expect(events.some((event) => event.wakes > 0)).toBe(true);
    for (const sliceSteps of [1, 77, 10_000]) {
      const replay = await replayFake(tools, { seed: 11 }, bytes, { sliceSteps });
      expect(replay.kind).toBe('matched');
    }
  });
});

describe('progress and landmarks', () => {
  test('both tell how far they are', async () => {
    const steps: number[] = [];
    const { bytes, result } = await recordFake(tools, MACHINE, scriptedInputs(SCRIPT), {
      ...BY_STEPS,
      onProgress: ({ step }) => void steps.push(step),
    });
    expect(steps.filter((step) => step % 500 === 0).slice(0, 3)).toEqual([500, 1000, 1500]);
    const seen: (number | undefined)[] = [];
    await replayFake(tools, MACHINE, bytes, {
      onProgress: async ({ step, totalSteps }) => void seen.push(step, totalSteps),
    });
    expect(seen).toContain(9000);
    expect(result.recorded?.landmarks).toBe(5);
  });

  test('landmarks come by steps or by pages, at multiples of a slice', async () => {
    const byPages = { landmarkSteps: 1e9, landmarkPages: 10, sliceSteps: 100 };
    const { bytes } = await recordFake(tools, MACHINE, scriptedInputs([]), byPages);
    const steps = [...openLog(bufferSource(bytes), tools).landmarks()].map(({ at }) => at.step);
    expect(steps.length).toBeGreaterThan(5);
    expect(steps.every((step) => step % 100 === 0)).toBe(true);
    const none = { landmarkSteps: 1e9, landmarkPages: 1e9 };
    const quiet = await recordFake(tools, MACHINE, scriptedInputs([]), none);
    expect(quiet.result.recorded?.landmarks).toBe(1);
  });
});

function powerAt(step: number, cause: 'timeout'): LiveInputs {
  return scriptedInputs([{ step, event: { kind: 'power', cause } }]);
}
