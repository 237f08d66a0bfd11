/** Records and replays the fake machine: what the tests of this package share. */
import { EmulatedPmu, type PmuConfig } from '@casmotion/machine';
import {
  bufferSource,
  type KeyedEvent,
  type LoggedEvent,
  type LoggedLandmark,
  type LogReader,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import {
  type LiveInputs,
  Recorder,
  type RecorderOptions,
  type RecordResult,
  Replayer,
  type ReplayerOptions,
  type ReplayResult,
} from '../src/index.ts';
import { FakeHost, type FakeHostOptions } from './fake-host.ts';
import { FakeMachine, type FakeOptions } from './fake-machine.ts';

export const HEADER = { creator: 'test', machine: null, digests: {} };

/** A counter of the fake machine's, by its configuration. */
export function pmuOf(changes: Partial<PmuConfig> = {}): PmuConfig {
  return { kind: 'branches', skid: 0, seed: 1, overcount: 0, ...changes };
}

export interface Recording {
  readonly bytes: Uint8Array;
  readonly result: RecordResult;
  readonly machine: FakeMachine;
}

export async function recordFake(
  tools: LogTools,
  machineOptions: FakeOptions,
  live: LiveInputs | FakeHostOptions,
  { pmu, ...options }: FakeRecorderOptions = {},
): Promise<Recording> {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, HEADER);
  const machine = new FakeMachine(tools.hashes, machineOptions);
  const recorder = new Recorder({
    machine,
    live: 'seed' in live ? new FakeHost(live) : live,
    log: { writer, hashes: tools.hashes },
    sliceSteps: 500,
    landmarkSteps: 2000,
    landmarkPages: 40,
    quietSyncs: 1,
    pmu: pmu && new EmulatedPmu(machine, pmu),
    ...options,
  });
  const result = await recorder.run();
  return { bytes: sink.toBytes(), result, machine };
}

export async function replayFake(
  tools: LogTools,
  machineOptions: FakeOptions,
  bytes: Uint8Array,
  { pmu, ...options }: FakeReplayerOptions = {},
): Promise<ReplayResult> {
  const log = openLog(bufferSource(bytes), tools);
  const machine = new FakeMachine(tools.hashes, machineOptions);
  const keys = pmu && { machine, pmu };
  return new Replayer({ machine, log, hashes: tools.hashes, keys, ...options }).run();
}

export type FakeRecorderOptions = Omit<Partial<RecorderOptions>, 'pmu'> & {
  readonly pmu?: PmuConfig | undefined;
};
export type FakeReplayerOptions = Omit<Partial<ReplayerOptions>, 'keys'> & {
  readonly pmu?: PmuConfig | undefined;
};

/** As {@link rewriteLog}, of a log with keys. */
export function rewriteKeyedLog(
  tools: LogTools,
  bytes: Uint8Array,
  change: (events: KeyedEvent[]) => void,
): Uint8Array {
  const log = openLog(bufferSource(bytes), tools);
  const events = [...log.keyedEvents()];
  const outputs = new Map([...log.outputs()].map((output) => [output.landmark, output]));
  change(events);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, log.header);
  const write = (from: number, to: number): void =>
    events.slice(from, to).forEach((event) => writer.keyedEvent(event));
  let taken = 0;
  for (const landmark of log.keyedLandmarks()) {
    write(taken, landmark.eventsBefore);
    taken = landmark.eventsBefore;
    writer.keyedLandmark(landmark);
    const output = outputs.get(landmark.number);
    if (output !== undefined) writer.output(output.totalBytes, output.digest);
  }
  write(taken, events.length);
  for (const sequence of log.sequences()) writer.sequence(sequence);
  if (log.footer === undefined) writer.flush();
  else writer.finish(log.footer);
  return sink.toBytes();
}

/** Writes a log anew, with right checksums, after `change` had its way with its records. */
export function rewriteLog(
  tools: LogTools,
  bytes: Uint8Array,
  change: (records: { events: LoggedEvent[]; landmarks: LoggedLandmark[] }) => void,
): Uint8Array {
  const log: LogReader = openLog(bufferSource(bytes), tools);
  const records = { events: [...log.events()], landmarks: [...log.landmarks()] };
  const outputs = new Map([...log.outputs()].map((output) => [output.landmark, output]));
  change(records);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, log.header);
  let taken = 0;
  for (const landmark of records.landmarks) {
    for (; taken < landmark.eventsBefore; taken++) writeEvent(writer, records.events[taken]);
    writer.landmark(landmark);
    const output = outputs.get(landmark.number);
    if (output !== undefined) writer.output(output.totalBytes, output.digest);
  }
  for (; taken < records.events.length; taken++) writeEvent(writer, records.events[taken]);
  for (const sequence of log.sequences()) writer.sequence(sequence);
  if (log.footer === undefined) writer.flush();
  else writer.finish(log.footer);
  return sink.toBytes();
}

function writeEvent(writer: LogWriter, event: LoggedEvent | undefined): void {
  if (event !== undefined) writer.event(event.at.step, event.event, event.check, event.wakes);
}

/** Collects what a machine lets out on its first console. */
export function consoleText(): {
  readonly outputs: { consoleOutput(n: number, b: Uint8Array): void; netPacket(): void };
  readonly bytes: number[];
} {
  const bytes: number[] = [];
  const outputs = {
    consoleOutput: (_: number, more: Uint8Array) => void bytes.push(...more),
    netPacket: () => undefined,
  };
  return { outputs, bytes };
}
