/**
 * Runs a machine on this host, recorded or not, to its end: wires files, clock, console and
 * signals to the recorder, and leaves all of them in order however it ends.
 */
import { randomBytes } from 'node:crypto';
import { assert, VmError } from '@casmotion/base';
import { MemoryImage } from '@casmotion/devices';
import type { MachineOutputs, PowerEvent } from '@casmotion/events';
import { type DomainCut, type LabMember, OriginCursor, RerunInputs } from '@casmotion/lab';
import { createMachine, EmulatedPmu, type Machine, ringConsoleOf } from '@casmotion/machine';
import {
  ClockKeeper,
  type LiveInputs,
  OutputDigest,
  Recorder,
  type RecordProgress,
  type RecordResult,
} from '@casmotion/recorder';
import {
  type EndReason,
  type EventCounts,
  type JsonValue,
  type LogReader,
  type LogTools,
  LogWriter,
} from '@casmotion/replay-log';
import { ConsoleInput, type InputStream } from '../console/console-input.ts';
import { checkCommitTarget, commitDisk } from '../files/commit-disk.ts';
import { LogFileSink } from '../files/log-file.ts';
import { checkForEmbedding, type MachineFiles } from '../images/machine-files.ts';
import { startHostClock, Wake } from '../live/host-clock.ts';
import { catchSignals } from '../live/host-signals.ts';
import { NodeLiveInputs } from '../live/node-live-inputs.ts';
import { type EngineRequest, engineOptions } from './engine.ts';

export interface RunRequest extends EngineRequest {
  readonly files: MachineFiles;
  readonly tools: LogTools;
  /** Where to record; undefined: run unrecorded. */
  readonly logPath: string | undefined;
  /** Stores the images in the log. */
  readonly isEmbedding: boolean;
  /** The program, for the header of the log. */
  readonly creator: string;
  readonly outputs: MachineOutputs;
  /** What is typed; undefined: nothing ever. */
  readonly input: ConsoleRequest | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly maxInstructions: number | undefined;
  /** Digests also of an unrecorded run, at its end. */
  readonly wantsDigests: boolean;
  /** Where disk 0 is written if the guest ends well; unrecorded runs only. */
  readonly commitPath: string | undefined;
  readonly onProgress?: (progress: RecordProgress) => void;
  /** Called once when the run can be ended from outside, with how. */
  readonly onStart?: (end: (cause: PowerEvent['cause']) => void) => void;
  /** Of a domain in a lab. */
  readonly seat?: Seat;
}

/** A domain's place in a lab. */
export interface Seat {
  readonly name: string;
  readonly member: LabMember;
  /** The recording goes on from a cut of an older one. */
  readonly rerun: RerunRequest | undefined;
}

export interface RerunRequest {
  readonly log: LogReader;
  readonly cut: Pick<DomainCut, 'events' | 'untilStep' | 'incarnation'>;
  /** False: it ends at the cut. */
  readonly goesOn: boolean;
}

export interface ConsoleRequest {
  readonly stream: InputStream;
  readonly isRaw: boolean;
  /** To the ring of the event channel; else to the virtio console, or the UART. */
  readonly isRing?: boolean;
  readonly showHelp: (text: string) => void;
}

export interface RunOutcome {
  readonly end: EndReason;
  readonly steps: number;
  /** From the first step to the closed log, without making the machine. */
  readonly wallSeconds: number;
  readonly events: EventCounts;
  /** Where the whole log is. */
  readonly logPath: string | undefined;
  readonly logBytes: number;
  readonly landmarks: number;
  /** Of a recording, and where digests are wanted. */
  readonly outputDigest: Uint8Array | undefined;
  readonly stateDigest: Uint8Array | undefined;
  readonly isCommitted: boolean;
}

/** Throws `VmError`s; what was recorded until then is kept in the partial, which they name. */
export async function runSession(request: RunRequest): Promise<RunOutcome> {
  const { files, tools, logPath, commitPath } = request;
  assert(commitPath === undefined || logPath === undefined, 'commit of a recorded run');
  if (commitPath !== undefined) checkCommitTarget(commitPath);
  if (request.isEmbedding) checkForEmbedding(files);
  const { hashes } = tools;
  const engine = engineOptions(request, files.images.kernel);
  const options = { hashes, ...engine, areImagesChecked: true };
  const machine = await createMachine(files.config, files.images, options);
  const sink = logPath === undefined ? undefined : new LogFileSink(logPath);
  const host = new SessionHost(request);
  try {
    const writer = sink === undefined ? undefined : startLog(sink, request);
    const outcome = await drive(machine, host, writer, request);
    sink?.commit();
    if (commitPath === undefined || !isGoodEnd(outcome.end)) return outcome;
    const [disk] = machine.disks;
    assert(disk !== undefined, 'commit without a disk');
    commitDisk(commitPath, disk);
    return { ...outcome, isCommitted: true };
  } catch (error) {
    throw sink === undefined ? error : keepPartial(sink, error);
  } finally {
    host.close();
    sink?.close();
  }
}

/** The guest powered off or asked for a reset by itself. */
export function isGoodEnd(end: EndReason): boolean {
  return end.by === 'guest' && end.cause !== 'failure';
}

/** What this host brings to one run. */
class SessionHost {
  readonly live: NodeLiveInputs;
  readonly elapsed = startHostClock();
  /** Added for a machine that did not start with this session. */
  #aheadNanoseconds = 0;
  readonly #console: ConsoleInput | undefined;
  readonly #release: () => void;

  constructor(request: RunRequest) {
    const { files, input, timeoutSeconds, onStart, seat } = request;
    const { clock, hasVirtioConsole } = files.config;
    const virtioOrUart = hasVirtioConsole ? 1 : 0;
    const wake = new Wake();
    const end = (cause: PowerEvent['cause']): void => this.live.requestPower(cause);
    this.#release = catchSignals(() => end('interrupted'));
    this.#console =
      input === undefined
        ? undefined
        : new ConsoleInput(input.stream, {
            onChange: () => wake.set(),
            onQuit: () => end('interrupted'),
            showHelp: input.showHelp,
            isRaw: input.isRaw,
          });
    this.live = new NodeLiveInputs({
      clock: clock === 'host' ? new ClockKeeper() : undefined,
      elapsed: () => this.elapsed() + this.#aheadNanoseconds,
      console: this.#console,
      consoleNumber: input?.isRing === true ? ringConsoleOf(files.config) : virtioOrUart,
      entropy: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
      timeoutSeconds,
      wake,
      ...(seat === undefined ? {} : { peers: seat.member }),
    });
    if (seat !== undefined) seat.member.onArrival = () => wake.set();
    onStart?.(end);
  }

  /** The machine's time is the host's from now on. */
  startTimeAt(ticks: number): void {
    this.#aheadNanoseconds = ticks * TICK_NANOSECONDS - this.elapsed();
  }

  close(): void {
    this.#console?.close();
    this.#release();
  }
}

async function drive(
  machine: Machine,
  host: SessionHost,
  writer: LogWriter | undefined,
  request: RunRequest,
): Promise<RunOutcome> {
  const { tools, maxInstructions, onProgress, logPath, wantsDigests } = request;
  const { hashes } = tools;
  const { timePoint } = request.files.config;
  const isDigesting = writer === undefined && wantsDigests;
  const output = isDigesting ? new OutputDigest(hashes, request.outputs) : undefined;
  const recorder = new Recorder({
    machine,
    live: chooseInputs(machine, host, writer, request),
    log: writer === undefined ? undefined : { writer, hashes },
    pmu: timePoint && writer && new EmulatedPmu(machine, timePoint),
    outputs: seatOutputs(machine, output ?? request.outputs, request),
    ...(maxInstructions === undefined ? {} : { maxSteps: maxInstructions }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const startedAt = host.elapsed();
  const result = await runOrFlush(recorder, writer);
  const { end, steps, events, recorded } = result;
  return {
    end,
    steps,
    wallSeconds: (host.elapsed() - startedAt) / 1e9,
    events,
    logPath,
    logBytes: recorded?.logBytes ?? 0,
    landmarks: recorded?.landmarks ?? 0,
    outputDigest: recorded?.outputDigest ?? output?.digest(),
    stateDigest: recorded?.stateDigest ?? (isDigesting ? digestOf(machine) : undefined),
    isCommitted: false,
  };
}

/** What the machine lets out for other domains goes to them. */
function seatOutputs(
  machine: Machine,
  outputs: MachineOutputs,
  { seat }: RunRequest,
): MachineOutputs {
  if (seat === undefined) return outputs;
  seat.member.machine = machine;
  return seat.member.outputs(outputs);
}

function chooseInputs(
  machine: Machine,
  host: SessionHost,
  writer: LogWriter | undefined,
  { seat }: RunRequest,
): LiveInputs {
  if (seat?.rerun === undefined || writer === undefined) return host.live;
  const { name, member, rerun } = seat;
  const { log, cut, goesOn } = rerun;
  const begin = (incarnation: number): void =>
    writer.origin({ kind: 'incarnation', event: writer.eventCount, incarnation });
  return new RerunInputs({
    name,
    machine,
    member,
    events: log.events(),
    origins: new OriginCursor(log.origins()),
    keep: cut.events,
    untilStep: cut.untilStep,
    onIncarnation: begin,
    thenLive: () => {
      host.startTimeAt(machine.ticks);
      if (goesOn) {
        begin(cut.incarnation + 1);
        member.goLive(cut.incarnation + 1);
      } else host.live.requestPower('host-error');
      return host.live;
    },
  });
}

const TICK_NANOSECONDS = 100;

function digestOf(machine: Machine): Uint8Array {
  return machine.fullLandmark('written').stateDigest;
}

/** A recording that fails in the middle keeps what was logged until then. */
async function runOrFlush(
  recorder: Recorder,
  writer: LogWriter | undefined,
): Promise<RecordResult> {
  try {
    return await recorder.run();
  } catch (error) {
    try {
      writer?.sync();
    } catch {
      // The log is what failed.
    }
    throw error;
  }
}

function startLog(sink: LogFileSink, request: RunRequest): LogWriter {
  const { files, tools, creator, isEmbedding } = request;
  const machine = files.config as unknown as JsonValue;
  const writer = new LogWriter(sink, tools, { creator, machine, digests: {} });
  if (isEmbedding) embedImages(writer, files);
  return writer;
}

function embedImages(writer: LogWriter, { config, images }: MachineFiles): void {
  for (const role of ['kernel', 'initrd', 'firmware'] as const) {
    const [ref, bytes] = [config[role], images[role]];
    if (ref !== undefined && bytes !== undefined) writer.image(ref, new MemoryImage(bytes));
  }
  const stored = new Set<string>();
  for (const [index, ref] of config.disks.entries()) {
    const image = images.disks?.[index];
    if (image === undefined || stored.has(ref.digestHex)) continue;
    stored.add(ref.digestHex);
    writer.image(ref, image);
  }
}

/** The error, with where the recording is that it cut short. A log of no bytes is taken away. */
function keepPartial(sink: LogFileSink, error: unknown): unknown {
  if (sink.sizeBytes === 0) {
    sink.discard();
    return error;
  }
  if (!(error instanceof VmError) || error === sink.failure) return error;
  const next = `replay what was recorded: casmotion replay ${sink.partialPath}`;
  return new VmError(error.message, { ...error.details, next, cause: error });
}
