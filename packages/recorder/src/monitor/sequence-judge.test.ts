/**
 * Goal: a log that is not what was recorded says in which way, alone from its digests, also where
 * the run does not differ; a log without digests leaves all ways open. Method: logs of a fake
 * machine rewritten with right checksums.
 */
import type { MachineEvent } from '@casmotion/events';
import {
  bufferSource,
  createLogTools,
  type LoggedEvent,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { beforeAll, expect, test } from 'vitest';
import type { FakeOptions } from '../../test/fake-machine.ts';
import { recordFake, replayFake, rewriteLog } from '../../test/session.ts';
import { formatDivergence, scriptedInputs } from '../index.ts';

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

const MACHINE: FakeOptions = { seed: 7, stepsMax: 9000, canIdle: false };
const note = (step: number, text: string) => ({ step, event: { kind: 'marker', text } as const });
const SCRIPT: readonly { readonly step: number; readonly event: MachineEvent }[] = [
  note(500, 'one'),
  note(500, 'two'),
  { step: 3000, event: { kind: 'console-input', console: 0, bytes: Uint8Array.of(0x6c) } },
  { step: 3000, event: { kind: 'port-raised', port: 3 } },
  note(5000, 'three'),
];

const record = async () =>
  (await recordFake(tools, MACHINE, scriptedInputs(SCRIPT), { landmarkSteps: 2000 })).bytes;

type Change = (events: LoggedEvent[]) => void;

function swap(events: LoggedEvent[], first: number): void {
  const [one, two] = [events[first], events[first + 1]];
  if (one === undefined || two === undefined) throw new Error(`no events at ${first}`);
  events.splice(first, 2, { ...one, event: two.event }, { ...two, event: one.event });
}

function move(events: LoggedEvent[], index: number, by: number): void {
  const event = events[index];
  if (event === undefined) throw new Error(`no event ${index}`);
  events[index] = { ...event, at: { step: event.at.step + by }, check: undefined };
}

/** Markers have no effect on the machine: digests alone can tell. */
test.each<[string, Change, string[], string]>([
  ['two notes swapped', (events) => swap(events, 0), ['C7'], 'changed places with each other'],
  ['two events swapped', (events) => swap(events, 2), ['C7'], 'changed places with each other'],
  ['a note moved', (events) => move(events, 4, 7), ['C6'], 'stands where it was not'],
  ['an event moved', (events) => move(events, 3, 1), ['C6'], 'stands where it was not'],
  [
    'a note changed',
    (events) => {
      const [first] = events;
      if (first !== undefined) events[0] = { ...first, event: { kind: 'marker', text: 'x' } };
    },
    ['C3'],
    'lost, added or changed',
  ],
])('%s', async (_, change, premises, what) => {
  const changed = rewriteLog(tools, await record(), ({ events }) => change(events));
  const result = await replayFake(tools, MACHINE, changed);
  if (result.kind !== 'divergence') throw new Error('it was not noticed');
  expect(result.report.premises).toEqual(premises);
  expect(formatDivergence(result.report)).toContain(what);
});

test('the last note lost is told by its count', async () => {
  const changed = rewriteLog(tools, await record(), ({ events, landmarks }) => {
    events.pop();
    for (const [index, landmark] of landmarks.entries()) {
      const eventsBefore = Math.min(landmark.eventsBefore, events.length);
      landmarks[index] = { ...landmark, eventsBefore };
    }
  });
  const result = await replayFake(tools, MACHINE, changed);
  expect(result.kind === 'divergence' && result.report.premises).toEqual(['C3']);
  expect(result.kind === 'divergence' && result.report.reasons).toEqual([
    'event-sequence: 5 events were applied, and 4 are in the log',
  ]);
});

test('what is recorded and not changed agrees, each digest compared', async () => {
  const bytes = await record();
  expect([...openLog(bufferSource(bytes), tools).sequences()].map(({ events }) => events)).toEqual([
    2, 4, 5,
  ]);
  expect((await replayFake(tools, MACHINE, bytes)).kind).toBe('matched');
});

test('a log without digests leaves place and order open beside the rest', async () => {
  const log = openLog(bufferSource(await record()), tools);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, log.header);
  const events = [...log.events()];
  swap(events, 2);
  let taken = 0;
  for (const landmark of log.landmarks()) {
    for (; taken < landmark.eventsBefore; taken++) write(writer, events[taken]);
    writer.landmark(landmark);
  }
  for (; taken < events.length; taken++) write(writer, events[taken]);
  writer.flush();
  const result = await replayFake(tools, MACHINE, sink.toBytes());
  expect(result.kind === 'divergence' && result.report.premises).toEqual(
    expect.arrayContaining(['C2', 'C3', 'C4', 'C6', 'C7']),
  );
});

function write(writer: LogWriter, event: LoggedEvent | undefined): void {
  if (event !== undefined) writer.event(event.at.step, event.event, event.check, event.wakes);
}
