/** Replays a log file on a fresh machine, or only opens it. */
import { type Hashes, VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import {
  type CoreInterface,
  type CoreOptions,
  createMachine,
  describeDisk,
  type Engine,
  ImageMismatchError,
  type Machine,
  type MachineConfig,
  TimeOverflowError,
} from '@casmotion/machine';
import {
  CheckCounts,
  FullMonitor,
  type MonitorLevel,
  noOutputs,
  OutputDigest,
  PlacesMismatchError,
  Replayer,
  type ReplayerOptions,
  type ReplayProgress,
  type ReplayResult,
} from '@casmotion/recorder';
import {
  HeaderCutError,
  LogContentError,
  LogDamagedError,
  type LogFacts,
  type LogReader,
  type LogSource,
  type LogTools,
  LogVersionError,
  NotALogError,
  openLog,
  readLogFacts,
  UnknownChunkError,
} from '@casmotion/replay-log';
import { ShortImageError } from '../files/input-file.ts';
import { LogFileSource } from '../files/log-file.ts';
import { MachineConfigError, parseMachineConfig } from '../images/config-json.ts';
import { findImages } from '../images/find-images.ts';
import type { MachineFiles } from '../images/machine-files.ts';
import { breathe, startHostClock } from '../live/host-clock.ts';
import { type EngineRequest, engineOptions } from './engine.ts';
import { HostTraps } from './host-traps.ts';

export interface ReplayRequest extends EngineRequest {
  readonly log: OpenedLog;
  readonly tools: LogTools;
  readonly imageDir: string | undefined;
  readonly outputs: MachineOutputs;
  /** All pages at each landmark; default: those written since the last, unless `full`. */
  readonly isVerify?: boolean;
  /** For measuring what checks cost; see `ReplayerOptions`. */
  readonly isUnchecked?: boolean;
  /** Default: `fast`, what every replay checks. */
  readonly monitor?: MonitorLevel | undefined;
  /** Where the margin starts in which places named by branches are looked for, in transfers. */
  readonly margin?: number | undefined;
  /** Called after each slice; an error that it throws ends the replay. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** The command that a divergence report recommends. */
  readonly nextCommand: string;
}

export interface ReplayOutcome {
  readonly result: ReplayResult;
  /** From the first step to the last comparison, without finding images and making the machine. */
  readonly wallSeconds: number;
  /** How often each check was made. */
  readonly counts: CheckCounts;
  /** The one that replayed, and with full monitoring the other. */
  readonly engines: readonly Engine[];
}

/** An open log file with the machine that it describes. Close it. */
export interface OpenedLog {
  readonly path: string;
  readonly reader: LogReader;
  readonly config: MachineConfig;
  readonly source: LogSource;
  close(): void;
}

/** Checks every byte of the log. Throws `VmError`s that name the file. */
export function openLogFile(path: string, tools: LogTools, isSalvage = false): OpenedLog {
  const source = new LogFileSource(path);
  const close = (): void => source.close();
  try {
    const reader = openLog(source, tools, { isSalvage });
    return { path, reader, config: parseMachineConfig(reader.header.machine), source, close };
  } catch (error) {
    close();
    throw inFile(path, error);
  }
}

/** BLAKE3-256 of an open log's bytes, hexadecimal. */
export async function digestLog({ source }: OpenedLog, hashes: Hashes): Promise<string> {
  const stream = await hashes.blake3Stream();
  for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
    stream.update(source.read(at, Math.min(PIECE_BYTES, source.sizeBytes - at)));
  }
  return stream.digestHex();
}

const PIECE_BYTES = 2 ** 20;

/** What this host's programs are, for a certificate. */
export function hostVersions(): Readonly<Record<string, string>> {
  const { node, v8 } = process.versions;
  return { node, v8, host: `${process.platform} ${process.arch}` };
}

/** What a log says of itself. */
export interface DescribedLog {
  readonly facts: LogFacts;
  readonly config: MachineConfig;
  /** Undefined: told by the index of a whole log, and the rest of it was not read. */
  readonly reader: LogReader | undefined;
}

/**
 * Gives `use` what the log says of itself: by its index if it has one, so that a long log need not
 * be read, and else opened and checked as by {@link openLogFile}. Throws the same errors.
 */
export function describeLogFile<T>(
  path: string,
  tools: LogTools,
  isSalvage: boolean,
  use: (log: DescribedLog) => T,
): T {
  const source = new LogFileSource(path);
  try {
    const facts = readLogFacts(source, tools);
    if (facts !== undefined) {
      return use({ facts, config: parseMachineConfig(facts.header.machine), reader: undefined });
    }
  } catch (error) {
    throw inFile(path, error);
  } finally {
    source.close();
  }
  const log = openLogFile(path, tools, isSalvage);
  try {
    return use({ facts: log.reader, config: log.config, reader: log.reader });
  } finally {
    log.close();
  }
}

/** Throws `VmError`s: an image that is absent or has changed, a log whose content is not sound. */
export async function replaySession(request: ReplayRequest): Promise<ReplayOutcome> {
  const { log, tools, imageDir } = request;
  const { hashes } = tools;
  const search = { log: log.reader, logPath: log.path, imageDir, hashes };
  const files = await findImages(log.config, search);
  try {
    return await replayFiles(request, files, {});
  } finally {
    files.close();
  }
}

/** Where tests break a replay: each gets a part of it and gives what stands in its place. */
export interface ReplayHooks {
  /** The first machine's core, then the second's. */
  readonly core?: (options: CoreOptions, place: MachinePlace) => CoreInterface;
  readonly machine?: (machine: Machine, place: MachinePlace) => Machine;
  readonly log?: (reader: LogReader) => LogReader;
}

export type MachinePlace = 'first' | 'second';

/** The machine that replays, on its engine; with full monitoring a second one on the other. */
export async function replayFiles(
  request: ReplayRequest,
  files: MachineFiles,
  hooks: ReplayHooks,
): Promise<ReplayOutcome> {
  const { hashes } = request.tools;
  const counts = countImages(files.config);
  const isFull = request.monitor === 'full';
  const traps = isFull ? new HostTraps() : undefined;
  try {
    const make = (engine: EngineRequest, place: MachinePlace) =>
      makeMachine(engine, files, { hashes, hooks, place });
    const { machine, engine } = await make(request, 'first');
    const other: Engine = engine === 'interpreter' ? 'translator' : 'interpreter';
    const monitor = isFull
      ? new FullMonitor({
          machine,
          reference: {
            machine: (await make({ engine: other }, 'second')).machine,
            output: new OutputDigest(hashes, noOutputs),
          },
          host: traps,
          counts,
        })
      : undefined;
    const log = hooks.log?.(request.log.reader) ?? request.log.reader;
    const replayer = createReplayer(request, machine, { monitor, log, counts });
    const elapsed = startHostClock();
    const result = await replayer.run().catch((error: unknown) => {
      throw inFile(request.log.path, error);
    });
    const wallSeconds = elapsed() / 1e9;
    const hasDoubt = isFull || result.kind === 'divergence';
    const judged = hasDoubt ? await judgeDisks(result, files, hashes) : result;
    return { result: judged, wallSeconds, counts, engines: isFull ? [engine, other] : [engine] };
  } finally {
    traps?.remove();
  }
}

interface MachineMaking {
  readonly hashes: Hashes;
  readonly hooks: ReplayHooks;
  readonly place: MachinePlace;
}

async function makeMachine(
  request: EngineRequest,
  { config, images }: MachineFiles,
  { hashes, hooks, place }: MachineMaking,
): Promise<{ readonly machine: Machine; readonly engine: Engine }> {
  const engine = engineOptions(request, images.kernel);
  const { core } = hooks;
  const options = {
    hashes,
    ...engine,
    areImagesChecked: true,
    ...(core === undefined ? {} : { createCore: (made: CoreOptions) => core(made, place) }),
  };
  const machine = await createMachine(config, images, options);
  const driven = hooks.machine?.(machine, place) ?? machine;
  return { machine: driven, engine: engine.engine ?? 'translator' };
}

/**
 * A disk is read while the machine runs: one that has changed since it was checked explains all.
 * Throws `ImageMismatchError` where it made no difference.
 */
async function judgeDisks(
  result: ReplayResult,
  { config, images }: MachineFiles,
  hashes: Hashes,
): Promise<ReplayResult> {
  for (const [index, ref] of config.disks.entries()) {
    const disk = images.disks?.[index];
    if (disk === undefined) continue;
    const found = await describeDisk(ref.name, disk, hashes).catch((error: unknown) => {
      if (error instanceof ShortImageError) return undefined;
      throw error;
    });
    if (found?.digestHex === ref.digestHex) continue;
    const what = `disk ${index} has changed since the replay began`;
    if (result.kind === 'matched') throw new ImageMismatchError(ref, what, found);
    const reasons = [...result.report.reasons, `image-digests: ${what}: ${ref.name}`];
    return { ...result, report: { ...result.report, premises: ['C1'], reasons } };
  }
  return result;
}

/** Images are checked where they are found. */
function countImages({ kernel, initrd, firmware, disks }: MachineConfig): CheckCounts {
  const counts = new CheckCounts();
  const images = [kernel, initrd, firmware, ...disks].filter((image) => image !== undefined);
  counts.note('image-digests', images.length);
  return counts;
}

function createReplayer(
  request: ReplayRequest,
  machine: Machine,
  parts: Pick<ReplayerOptions, 'log' | 'monitor'> & { readonly counts: CheckCounts },
): Replayer {
  const { timePoint } = request.log.config;
  const { monitor } = parts;
  const driven = monitor ?? machine;
  const options: ReplayerOptions = {
    ...parts,
    machine: driven,
    hashes: request.tools.hashes,
    outputs: request.outputs,
    isVerify: request.isVerify === true || monitor !== undefined,
    isUnchecked: request.isUnchecked === true,
    ...(monitor === undefined ? {} : { sliceSteps: LOCKSTEP_STEPS }),
    keys: timePoint && { machine: driven, pmu: timePoint, margin: request.margin },
    readRegisters: () => readRegisters(machine),
    nextCommand: request.nextCommand,
    onProgress: async (progress) => {
      request.onProgress?.(progress);
      await breathe();
    },
  };
  try {
    return new Replayer(options);
  } catch (error) {
    throw inFile(request.log.path, error);
  }
}

/** The engines are compared each so many steps. */
const LOCKSTEP_STEPS = 1_000_000;

/** Errors of a log's content name bytes of it; a person needs the file too. */
export function inFile(path: string, error: unknown): unknown {
  const isOfContent = CONTENT_ERRORS.some((kind) => error instanceof kind);
  return isOfContent && error instanceof VmError ? new LogFileError(path, error) : error;
}

const CONTENT_ERRORS = [
  NotALogError,
  HeaderCutError,
  LogVersionError,
  LogDamagedError,
  UnknownChunkError,
  LogContentError,
  MachineConfigError,
  PlacesMismatchError,
  TimeOverflowError,
];

/** What is wrong with the content of a log file; the cause says it without the file. */
export class LogFileError extends VmError {
  override readonly name: string;
  constructor(path: string, cause: VmError) {
    const { where } = cause.details;
    super(cause.message, {
      ...cause.details,
      where: where === undefined ? path : `${path}, ${where}`,
      cause,
    });
    this.name = cause.name;
  }
}

/** pc and integer registers by their names in the psABI. */
function readRegisters({ hart }: Machine): [string, bigint][] {
  const named = ABI_NAMES.map((name, index): [string, bigint] => [name, hart.getX(index + 1)]);
  return [['pc', hart.pc], ...named];
}

/** x1 to x31. RISC-V ABIs Specification 1.0, "Integer Register Convention". */
const ABI_NAMES = (
  'ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 ' +
  's2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'
).split(' ');
