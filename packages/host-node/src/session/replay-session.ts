/** Replays a log file on a fresh machine, or only opens it. */
import { type Hashes, VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import { createMachine, type Machine, type MachineConfig } from '@casmotion/machine';
import {
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
  type LogTools,
  LogVersionError,
  NotALogError,
  openLog,
  readLogFacts,
  UnknownChunkError,
} from '@casmotion/replay-log';
import { LogFileSource } from '../files/log-file.ts';
import { MachineConfigError, parseMachineConfig } from '../images/config-json.ts';
import { findImages } from '../images/find-images.ts';
import type { MachineFiles } from '../images/machine-files.ts';
import { breathe, startHostClock } from '../live/host-clock.ts';
import { type EngineRequest, engineOptions } from './engine.ts';

export interface ReplayRequest extends EngineRequest {
  readonly log: OpenedLog;
  readonly tools: LogTools;
  readonly imageDir: string | undefined;
  readonly outputs: MachineOutputs;
  /** Full digests at every landmark. */
  readonly isVerify: boolean;
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
}

/** An open log file with the machine that it describes. Close it. */
export interface OpenedLog {
  readonly path: string;
  readonly reader: LogReader;
  readonly config: MachineConfig;
  close(): void;
}

/** Checks every byte of the log. Throws `VmError`s that name the file. */
export function openLogFile(path: string, tools: LogTools, isSalvage = false): OpenedLog {
  const source = new LogFileSource(path);
  const close = (): void => source.close();
  try {
    const reader = openLog(source, tools, { isSalvage });
    return { path, reader, config: parseMachineConfig(reader.header.machine), close };
  } catch (error) {
    close();
    throw inFile(path, error);
  }
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
    return await replay(request, files, hashes);
  } finally {
    files.close();
  }
}

async function replay(
  request: ReplayRequest,
  { config, images }: MachineFiles,
  hashes: Hashes,
): Promise<ReplayOutcome> {
  const engine = engineOptions(request, images.kernel);
  const options = { hashes, ...engine, areImagesChecked: true };
  const machine = await createMachine(config, images, options);
  const replayer = createReplayer(request, machine, { config, hashes });
  const elapsed = startHostClock();
  const result = await replayer.run().catch((error: unknown) => {
    throw inFile(request.log.path, error);
  });
  return { result, wallSeconds: elapsed() / 1e9 };
}

function createReplayer(
  request: ReplayRequest,
  machine: Machine,
  { config, hashes }: { readonly config: MachineConfig; readonly hashes: Hashes },
): Replayer {
  const options: ReplayerOptions = {
    machine,
    log: request.log.reader,
    hashes,
    outputs: request.outputs,
    isVerify: request.isVerify,
    keys: config.timePoint && { machine, pmu: config.timePoint, margin: request.margin },
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

/** Errors of a log's content name bytes of it; a person needs the file too. */
function inFile(path: string, error: unknown): unknown {
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
