/** What `replay` and `verify` share: the session, its progress, its result. */
import { basename, dirname, join } from 'node:path';
import { VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import {
  type EngineChoice,
  type Inspection,
  type OpenedLog,
  openLogFile,
  type ReplayOutcome,
  replaySession,
  startHostClock,
} from '@casmotion/host-node';
import {
  formatDivergence,
  type MatchStatistics,
  type MonitorLevel,
  type ReplayProgress,
} from '@casmotion/recorder';
import {
  createLogTools,
  type EventCounts,
  type LogReader,
  type LogTools,
} from '@casmotion/replay-log';
import { addCertificate, CertificateFile, certify } from '../certify.ts';
import type { CliContext } from '../context.ts';
import { describeEnd, EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { formatCount, formatNumber, formatSeconds, formatShort } from '../format.ts';
import { addInspection, type InspectFlags, startInspection } from '../inspect.ts';
import { Progress } from '../progress.ts';
import { type CommandResult, type OutputFlags, StoppedError } from '../result.ts';
import { hexOrNull } from './run-machine.ts';

export interface ReplayFlags extends OutputFlags, InspectFlags {
  readonly imageDir?: string;
  readonly timeout?: number;
  readonly salvage: boolean;
  readonly engine: EngineChoice;
  readonly margin?: number;
  readonly monitor: MonitorLevel;
}

export interface ReplayTarget {
  readonly path: string;
  readonly isVerify: boolean;
  /** Nothing but places is compared: for the bench. */
  readonly isUnchecked?: boolean;
  /** Where the certificate of `verify` is written. */
  readonly certificatePath?: string | undefined;
  /** Called before the replay, with the files that it reads. */
  readonly onOpen?: (inUse: readonly string[]) => void;
  readonly outputs: MachineOutputs;
  readonly progress: Progress;
  /** May a line of progress be shown now? */
  readonly canShowProgress: () => boolean;
  /** Nobody reads the guest's console any more. */
  readonly isAbandoned: () => boolean;
}

export async function replayLog(flags: ReplayFlags, target: ReplayTarget): Promise<CommandResult> {
  const tools = await createLogTools();
  const log = openLogFile(target.path, tools, flags.salvage);
  let file: CertificateFile | undefined;
  try {
    if (flags.margin !== undefined && log.config.timePoint === undefined) {
      throw new MarginOfStepsError(target.path);
    }
    target.onOpen?.(filesInUse(log, flags));
    if (target.certificatePath !== undefined) {
      file = new CertificateFile(target.certificatePath, filesInUse(log, flags));
    }
    const inspection = startInspection(flags);
    const outcome = await runReplay(log, { tools, inspection }, flags, target);
    const result = addInspection(describeReplay(outcome, log, target), inspection, flags);
    if (!target.isVerify) return result;
    const certificate = await certify(outcome, log, flags.monitor, tools);
    file?.writeJson(certificate);
    return addCertificate(result, certificate);
  } finally {
    target.progress.hide();
    file?.close();
    log.close();
  }
}

/** The log, and its images wherever they may be found. */
function filesInUse({ path, config }: OpenedLog, { imageDir }: ReplayFlags): string[] {
  const refs = [config.kernel, config.initrd, config.firmware, ...config.disks];
  const names = refs.flatMap((ref) => (ref === undefined ? [] : [ref.name]));
  const folders = [dirname(path), ...(imageDir === undefined ? [] : [imageDir])];
  const elsewhere = names.flatMap((name) => folders.map((dir) => join(dir, basename(name))));
  return [path, ...names, ...elsewhere];
}

/** A replay's progress, for `replay` and `verify`. */
export function replayProgress(
  { process }: CliContext,
  path: string,
  flags: OutputFlags,
): Progress {
  return new Progress(process.stderr, path, !flags.quiet);
}

function runReplay(
  log: OpenedLog,
  { tools, inspection }: { tools: LogTools; inspection: Inspection | undefined },
  flags: ReplayFlags,
  target: ReplayTarget,
): Promise<ReplayOutcome> {
  const elapsed = startHostClock();
  const lastStep = log.reader.footer?.steps ?? lastKnownStep(log.reader);
  return replaySession({
    log,
    tools,
    engine: flags.engine,
    inspection,
    imageDir: flags.imageDir,
    outputs: target.outputs,
    isVerify: target.isVerify,
    monitor: flags.monitor,
    isUnchecked: target.isUnchecked === true,
    margin: flags.margin,
    nextCommand: `casmotion verify ${target.path}`,
    onProgress: (at) => {
      if (target.isAbandoned()) throw stopped(at, EXIT.ok);
      if (elapsed() / 1e9 > (flags.timeout ?? Infinity)) {
        throw stopped(at, EXIT.timeout);
      }
      if (!target.canShowProgress()) return;
      target.progress.update(at.step, lastStep, () => progressText(at));
    },
  });
}

function describeReplay(
  { result, wallSeconds, counts }: ReplayOutcome,
  { reader }: OpenedLog,
  { path, isVerify }: ReplayTarget,
): CommandResult {
  const isMatch = result.kind === 'matched';
  const json = {
    exit: replayExit(result, isVerify),
    path,
    steps: result.steps,
    wallSeconds,
    logBytes: reader.sizeBytes,
    events: countByKind(reader),
    landmarks: result.landmarks,
    checks: counts.toJson(),
    matching: result.matching ?? null,
    outputDigest: hexOrNull(result.outputDigest),
    stateDigest: isMatch ? hexOrNull(result.stateDigest) : null,
    end: isMatch ? (result.end ?? null) : null,
    cut: describeCutJson(reader),
    divergence: isMatch ? null : { ...result.report, text: formatDivergence(result.report) },
  };
  if (!isMatch) return { json, lines: [formatDivergence(result.report), ...describeCut(reader)] };
  const landmarks = formatNumber(result.landmarks, 'landmark');
  const events = formatNumber(result.events, 'event');
  const lines = [
    `${isVerify ? 'verified' : 'replayed'} ${formatShort(result.steps)} instructions` +
      ` in ${formatSeconds(wallSeconds)}: ${landmarks} and ${events} agree`,
  ];
  if (result.matching !== undefined) lines.push(describeMatching(result.matching));
  if (result.end !== undefined) lines.push(`the recording's end: ${describeEnd(result.end)}`);
  return { json, lines: [...lines, ...describeCut(reader)] };
}

function describeMatching(matching: MatchStatistics): string {
  const { places, creptSteps, margin, worstSkid, rewinds } = matching;
  const each = formatShort(creptSteps / Math.max(1, places));
  const again = rewinds === 0 ? '' : `, ${formatNumber(rewinds, 'rewind')}`;
  return (
    `found by branches: ${formatNumber(places, 'place')}, ${each} instructions crept each,` +
    ` margin ${margin}, worst skid ${worstSkid}${again}`
  );
}

function replayExit(result: ReplayOutcome['result'], isVerify: boolean): ExitCode {
  if (result.kind === 'divergence') return EXIT.divergence;
  return isVerify ? EXIT.ok : exitCodeOf(result.end);
}

/** What is to be said of a log that was cut short; nothing of a whole one. */
export function describeCut({ cut }: Pick<LogReader, 'cut'>): string[] {
  if (cut === undefined) return [];
  const bytes = formatNumber(cut.lostBytes, 'byte');
  if (cut.damage !== undefined) {
    return [
      `${cut.damage.message}, ${cut.damage.details.where ?? ''}: only what comes before is used,` +
        ` and ${bytes} are not`,
    ];
  }
  return [
    `the log was cut short at byte ${formatCount(cut.atByte)} (${cut.reason}): it holds the` +
      ` recording up to its last whole chunk, and ${bytes} after it are not used`,
  ];
}

export function describeCutJson({ cut }: Pick<LogReader, 'cut'>): object | null {
  if (cut === undefined) return null;
  const { atByte, lostBytes, reason } = cut;
  return { atByte, lostBytes, reason };
}

/** Events of a whole log from its footer, of others by counting. */
export function countByKind(reader: LogReader): EventCounts {
  if (reader.footer !== undefined) return reader.footer.events;
  const counts: Record<string, number> = {};
  const events = reader.isKeyed ? reader.keyedEvents() : reader.events();
  for (const { event } of events) counts[event.kind] = (counts[event.kind] ?? 0) + 1;
  return counts;
}

/** Where a log without a footer ends, as far as is known: keys tell no step. */
export function lastKnownStep(reader: LogReader): number {
  let last = 0;
  if (reader.isKeyed) return last;
  for (const { at } of reader.events()) last = at.step;
  for (const { at } of reader.landmarks()) last = Math.max(last, at.step);
  return last;
}

function progressText({ step, totalSteps }: ReplayProgress): string {
  const total = totalSteps === undefined ? '' : ` of ${formatShort(totalSteps)}`;
  return `${formatShort(step)}${total} instructions`;
}

/** There is no margin where a counter is exact. */
class MarginOfStepsError extends VmError {
  override readonly name = 'MarginOfStepsError';
  constructor(path: string) {
    super('a margin is for time points by branches, and this log has steps', {
      where: '--margin',
      expected: 'a log of: casmotion record --time-point branches',
      found: path,
      next: 'leave out --margin',
    });
  }
}

/** What was replayed until then agreed. */
function stopped({ step }: ReplayProgress, exit: ExitCode): StoppedError {
  return new StoppedError(exit, 'the replay was ended before the recording', {
    found: `step ${step}; everything agreed until there`,
    ...(exit === EXIT.timeout ? { next: 'give it more time: --timeout SECONDS' } : {}),
  });
}
