/** Runs one lane of one workload once: builds the command, measures, reads what came of it. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@casmotion/base';
import {
  casmotionArguments,
  type CasmotionRequest,
  qemuArguments,
  type WorkloadFiles,
} from './commands.ts';
import { comparableLines } from './console-text.ts';
import { measureProcess, type ProcessRequest, type ProcessResult } from './measure-process.ts';
import type { CasmotionMode, Lane, QemuMode, Run } from './results.ts';
import type { Workload } from './workloads.ts';

export interface LaneSetup {
  readonly folder: string;
  readonly casmotion: string;
  readonly qemu: string;
  readonly core: number | null;
  readonly timeoutSeconds: number;
  readonly isQuick: boolean;
  readonly signal: AbortSignal;
  /** Flags of a variant; for a replay those that `replay` has. */
  readonly flagsOf: (variant: string, mode: CasmotionMode) => readonly string[];
}

export interface LaneOutcome {
  readonly run: Run;
  /** Lines to be compared between lanes. */
  readonly lines: readonly string[];
}

/** Throws `LaneFailure` if the process did not do its work. */
export async function runLane(
  lane: Lane,
  workload: Workload,
  files: WorkloadFiles,
  setup: LaneSetup,
): Promise<LaneOutcome> {
  const append = setup.isQuick ? (workload.quickAppend ?? workload.append) : workload.append;
  return lane.subject === 'casmotion'
    ? runCasmotion(lane, { workload, append, files }, setup)
    : runQemu(lane, { workload, append, files }, setup);
}

type Work = Pick<CasmotionRequest, 'workload' | 'append' | 'files'>;

async function runCasmotion(lane: Lane, work: Work, setup: LaneSetup): Promise<LaneOutcome> {
  const mode = lane.mode as CasmotionMode;
  const isLab = 'lab' in work.files;
  const ending = isLab ? '' : '.cmr';
  const logPath = join(setup.folder, lane.variant.replaceAll(/\W/g, '-') + ending);
  if (mode === 'record') removeFiles(logPath, `${logPath}.partial`);
  const variantFlags = setup.flagsOf(lane.variant, mode);
  const consolePath = join(setup.folder, 'console.txt');
  const args = casmotionArguments({ ...work, mode, consolePath, logPath, variantFlags });
  const request = processRequest(setup, process.execPath, [setup.casmotion, ...args]);
  const labConsole = mode === 'run' ? request.stdoutPath : request.stderrPath;
  const result = await measureProcess(request);
  const json =
    mode === 'run'
      ? parseSummary(readText(request.stderrPath))
      : parseJson(readText(request.stdoutPath));
  checkEnd(result, request, describeEnd(json), work.workload.exitCodes);
  const run: Run = {
    ...timesOf(result),
    steps: json?.steps ?? null,
    runSeconds: json?.wallSeconds ?? null,
    logBytes: mode === 'record' ? (json?.logBytes ?? null) : null,
    ...(mode === 'replay' ? matchingOf(json) : {}),
  };
  const console = readText(isLab ? labConsole : consolePath);
  return { run, lines: comparableLines(console, work.workload.console) };
}

async function runQemu(lane: Lane, work: Work, setup: LaneSetup): Promise<LaneOutcome> {
  const mode = lane.mode as QemuMode;
  const { qemu } = work.workload;
  if ('absent' in qemu) throw new LaneFailure(`not comparable: ${qemu.absent}`);
  const logPath = join(setup.folder, 'qemu.rr');
  if (mode === 'rr-record') removeFiles(logPath);
  const { files } = work;
  assert(!('lab' in files), 'a lab has no equal in QEMU');
  const args = qemuArguments({ ...work, files, mode, setup: qemu, logPath });
  const request = processRequest(setup, setup.qemu, args);
  const result = await measureProcess(request);
  checkEnd(result, request, '');
  const logBytes = mode === 'rr-record' ? statSync(logPath).size : null;
  const run: Run = { ...timesOf(result), steps: null, runSeconds: null, logBytes };
  return { run, lines: comparableLines(readText(request.stdoutPath), work.workload.console) };
}

function processRequest(
  { folder, core, timeoutSeconds, signal }: LaneSetup,
  command: string,
  args: readonly string[],
): ProcessRequest {
  return {
    command,
    args,
    core,
    timeoutSeconds,
    signal,
    stdoutPath: join(folder, 'stdout.txt'),
    stderrPath: join(folder, 'stderr.txt'),
    timesPath: join(folder, 'times.txt'),
  };
}

function timesOf({ wallSeconds, userSeconds, systemSeconds, maxRssBytes }: ProcessResult) {
  return { wallSeconds, userSeconds, systemSeconds, maxRssBytes };
}

function checkEnd(
  result: ProcessResult,
  request: ProcessRequest,
  detail: string,
  allowed: readonly number[] = [0],
): void {
  if (request.signal.aborted) throw new LaneFailure('ended by the user');
  if (result.hasTimedOut) throw new LaneFailure(`not done after ${request.timeoutSeconds} s`);
  if (allowed.includes(result.exitCode)) return;
  const lines = readText(request.stderrPath).trim().split('\n');
  const said = lines.find((line) => line.startsWith('error:')) ?? lines.at(-1) ?? '';
  throw new LaneFailure(`exit code ${result.exitCode} ${detail} ${said}`.trim());
}

/** What a replay by branches says of itself. */
type Matching = Pick<Run, 'places' | 'creptSteps' | 'worstSkid'>;

interface CasmotionJson {
  readonly steps?: number;
  readonly wallSeconds?: number;
  readonly logBytes?: number;
  readonly matching?: Required<Matching> | null;
  readonly end?: string | Readonly<Record<string, unknown>>;
  readonly error?: { readonly message?: string };
}

/** `the guest powered off after 55.0 M instructions in 0.11 s (...)`: three digits. */
export function parseSummary(text: string): CasmotionJson | undefined {
  const match = /^(.*) after ([\d.]+) ?([kMGT]?) instructions in ([\d.]+) s\b/m.exec(text);
  if (match === null) return undefined;
  const [, end = '', count, unit = '', seconds] = match;
  const scale = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 }[unit] ?? NaN;
  return { end, steps: Number(count) * scale, wallSeconds: Number(seconds) };
}

function matchingOf(json: CasmotionJson | undefined): Matching {
  if (json?.matching === undefined || json.matching === null) return {};
  const { places, creptSteps, worstSkid } = json.matching;
  return { places, creptSteps, worstSkid };
}

function parseJson(text: string): CasmotionJson | undefined {
  try {
    return JSON.parse(text) as CasmotionJson;
  } catch {
    return undefined;
  }
}

function describeEnd(json: CasmotionJson | undefined): string {
  return json?.error?.message ?? (json?.end === undefined ? '' : JSON.stringify(json.end));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function removeFiles(...paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}

/** A lane that gives no figure, and why. */
export class LaneFailure extends Error {
  override readonly name = 'LaneFailure';
}
