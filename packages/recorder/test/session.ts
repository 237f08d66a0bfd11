/** Records and replays the fake machine: what the tests of this package share. */
import {
  bufferSource,
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

export interface Recording {
  readonly bytes: Uint8Array;
  readonly result: RecordResult;
  readonly machine: FakeMachine;
}

export async function recordFake(
  tools: LogTools,
  machineOptions: FakeOptions,
  live: LiveInputs | FakeHostOptions,
  options: Partial<RecorderOptions> = {},
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
    ...options,
  });
  const result = await recorder.run();
  return { bytes: sink.toBytes(), result, machine };
}

export async function replayFake(
  tools: LogTools,
  machineOptions: FakeOptions,
  bytes: Uint8Array,
  options: Partial<ReplayerOptions> = {},
): Promise<ReplayResult> {
  const log = openLog(bufferSource(bytes), tools);
  const machine = new FakeMachine(tools.hashes, machineOptions);
  return new Replayer({ machine, log, hashes: tools.hashes, ...options }).run();
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
