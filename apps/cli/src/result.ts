/** What every command says at its end: one JSON object, or words on standard error. */
import { formatVmError, toHex, VmError, type VmErrorDetails } from '@casmotion/base';
import { PREMISES, premisesOfError } from '@casmotion/recorder';
import type { EventCounts } from '@casmotion/replay-log';
import pc from 'picocolors';
import type { CliContext, CliStream } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** Flags that every command has. */
export interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The object of `--json`. Commands add fields of their own. */
export interface JsonResult {
  readonly exit: ExitCode;
  readonly steps?: number;
  readonly wallSeconds?: number;
  readonly logBytes?: number;
  readonly events?: EventCounts;
  readonly outputDigest?: string | null;
  readonly stateDigest?: string | null;
  readonly divergence?: unknown;
  readonly [field: string]: unknown;
}

/** What a command comes to. */
export interface CommandResult {
  readonly json: JsonResult;
  /** Lines for a person on standard error; not with `--json` or `--quiet`. */
  readonly lines: readonly string[];
}

/** Runs a command's body, says what came of it, and leaves the exit code. */
export async function finish(
  { process }: CliContext,
  flags: OutputFlags,
  body: () => Promise<CommandResult>,
): Promise<void> {
  let result: CommandResult;
  try {
    result = await body();
  } catch (error) {
    writeError(process.stderr, error);
    result = { json: errorJson(error), lines: [] };
  }
  if (flags.json) writeJson(process.stdout, result.json);
  else if (!flags.quiet) {
    for (const line of result.lines) process.stderr.write(`${line}\n`);
  }
  process.exitCode = result.json.exit;
}

export function writeJson(stream: CliStream, result: JsonResult): void {
  stream.write(`${JSON.stringify({ ...EMPTY_RESULT, ...result }, jsonValue)}\n`);
}

export function errorJson(error: unknown): JsonResult {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof VmError)) return { exit: EXIT.usage, error: { message } };
  const { where, expected, found, next } = error.details;
  const premises = premisesOfError(error);
  const exit = error instanceof StoppedError ? error.exit : EXIT.usage;
  const named = premises.length === 0 ? {} : { premises };
  return { exit, error: { name: error.name, message, where, expected, found, next, ...named } };
}

/** An operating error without a stack; a bug of ours with one. */
export function writeError(stream: CliStream, error: unknown): void {
  const colors = colorsFor(stream);
  if (error instanceof VmError) {
    stream.write(`${colors.red('error:')} ${formatVmError(error)}\n`);
    const premises = premisesOfError(error).map((name) => `${name} (${PREMISES[name]})`);
    if (premises.length > 0) stream.write(`  premise   not so: ${premises.join(', or ')}\n`);
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stream.write(`${colors.red('bug in casmotion:')} ${text}\n`);
  stream.write('  next      please report it, with the command and the log\n');
}

/** Colours where a person looks. */
export function colorsFor(stream: CliStream): ReturnType<typeof pc.createColors> {
  return pc.createColors(stream.isTTY === true && pc.isColorSupported);
}

/** Byte arrays as hexadecimal, big numbers as 0x strings. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}

const EMPTY_RESULT: JsonResult = {
  exit: EXIT.ok,
  steps: 0,
  wallSeconds: 0,
  logBytes: 0,
  events: {},
  outputDigest: null,
  stateDigest: null,
  divergence: null,
};

/** Work was ended from outside before it was done: by a time-out or by its user. */
export class StoppedError extends VmError {
  override readonly name = 'StoppedError';
  readonly exit: ExitCode;
  constructor(exit: ExitCode, message: string, details: VmErrorDetails) {
    super(message, details);
    this.exit = exit;
  }
}
