/** `replay` and `verify` of a recorded lab: its domains together. */
import { formatVmError, VmError } from '@casmotion/base';
import {
  labLogPath,
  type LabReplayOutcome,
  readLabFolder,
  replayLab,
  startHostClock,
} from '@casmotion/host-node';
import { CausalityError } from '@casmotion/lab';
import { formatDivergence, noOutputs, type ReplayResult } from '@casmotion/recorder';
import { createLogTools } from '@casmotion/replay-log';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { formatNumber, formatSeconds, formatShort } from '../format.ts';
import { type CommandResult, StoppedError } from '../result.ts';
import { type ReplayFlags, replayProgress } from './replay-log.ts';
import { worstExit } from './run-lab.ts';
import { hexOrNull } from './run-machine.ts';
import { TaggedConsole } from './tagged-console.ts';

/** The log of one domain of a lab. Throws where there is no such domain. */
export function aloneLogPath(folder: string, name: string): string {
  const { domains } = readLabFolder(folder);
  if (domains.some((domain) => domain.name === name)) return labLogPath(folder, name);
  throw new VmError('the lab has no such domain', {
    where: '--alone',
    expected: domains.map((domain) => domain.name).join(', '),
    found: name,
  });
}

export async function replayLabFolder(
  context: CliContext,
  flags: Omit<ReplayFlags, 'monitor'>,
  { folder, isVerify }: { readonly folder: string; readonly isVerify: boolean },
): Promise<CommandResult> {
  const { process } = context;
  const console = new TaggedConsole(flags.json ? process.stderr : process.stdout);
  const progress = replayProgress(context, folder, flags);
  const elapsed = startHostClock();
  try {
    const outcome = await replayLab({
      folder,
      shape: readLabFolder(folder),
      tools: await createLogTools(),
      imageDir: flags.imageDir,
      isSalvage: flags.salvage,
      isVerify,
      engine: flags.engine,
      outputs: (name) =>
        isVerify
          ? noOutputs
          : { ...noOutputs, consoleOutput: (_, bytes) => console.write(name, bytes) },
      onProgress: (steps) => {
        if (elapsed() / 1e9 > (flags.timeout ?? Infinity)) throw timedOut(steps);
        progress.update(0, undefined, () => `${formatShort(steps)} instructions`);
      },
    });
    return describe(outcome, folder, isVerify, elapsed() / 1e9);
  } catch (error) {
    if (error instanceof CausalityError) return describeMismatch(error, folder);
    throw error;
  } finally {
    progress.hide();
    console.end();
  }
}

function describe(
  { domains, messages }: LabReplayOutcome,
  folder: string,
  isVerify: boolean,
  wallSeconds: number,
): CommandResult {
  const results = [...domains];
  const json = {
    exit: worstExit(results.map(([, result]) => exitOf(result, isVerify))),
    path: folder,
    steps: results.reduce((total, [, { steps }]) => total + steps, 0),
    wallSeconds,
    messages,
    domains: results.map(([name, result]) => domainJson(name, result)),
  };
  const lines = results.flatMap(([name, result]) => {
    if (result.kind === 'divergence') return [`${name}: ${formatDivergence(result.report)}`];
    const landmarks = formatNumber(result.landmarks, 'landmark');
    const events = formatNumber(result.events, 'event');
    const cut = result.cut === undefined ? '' : ', as far as its log goes';
    return [
      `${name}: ${formatShort(result.steps)} instructions, ${landmarks} and ${events} agree${cut}`,
    ];
  });
  const all = `${formatNumber(messages, 'message')} between domains agree, in causal order`;
  return { json, lines: [...lines, `${all}, in ${formatSeconds(wallSeconds)}`] };
}

/** Each may agree with its own log, and still they are not of one run. */
function describeMismatch(error: CausalityError, folder: string): CommandResult {
  const { where, expected, found, next } = error.details;
  const causality = { message: error.message, where, expected, found, next };
  return {
    json: { exit: EXIT.divergence, path: folder, causality },
    lines: [`divergence: ${formatVmError(error)}`],
  };
}

function domainJson(name: string, result: ReplayResult): object {
  const isMatch = result.kind === 'matched';
  return {
    name,
    steps: result.steps,
    eventCount: result.events,
    landmarks: result.landmarks,
    outputDigest: hexOrNull(result.outputDigest),
    stateDigest: isMatch ? hexOrNull(result.stateDigest) : null,
    end: isMatch ? (result.end ?? null) : null,
    divergence: isMatch ? null : { ...result.report, text: formatDivergence(result.report) },
  };
}

function exitOf(result: ReplayResult, isVerify: boolean): ExitCode {
  if (result.kind === 'divergence') return EXIT.divergence;
  return isVerify ? EXIT.ok : exitCodeOf(result.end);
}

function timedOut(steps: number): StoppedError {
  return new StoppedError(EXIT.timeout, 'the replay was ended before the recording', {
    found: `${formatShort(steps)} instructions; everything agreed until there`,
    next: 'give it more time: --timeout SECONDS',
  });
}
