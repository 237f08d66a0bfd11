/** What `run` and `record` share: the session, its console on this terminal, its result. */
import { toHex, VmError } from '@casmotion/base';
import type { RecordProgress } from '@casmotion/recorder';
import {
  openMachineFiles,
  PARTIAL_SUFFIX,
  type RunOutcome,
  type RunRequest,
  runSession,
} from '@casmotion/host-node';
import { countEvents, createLogTools } from '@casmotion/replay-log';
import { type CliContext, CREATOR } from '../context.ts';
import { describeEnd, EXIT, exitCodeOf } from '../exit-codes.ts';
import { isInteractive, machineRequest, type RunFlags, type TimePointFlags } from '../flags.ts';
import { formatBytes, formatDensity, formatNumber, formatSeconds, formatShort } from '../format.ts';
import { GuestOutput } from '../guest-output.ts';
import { addInspection, startInspection } from '../inspect.ts';
import { Progress } from '../progress.ts';
import type { CommandResult } from '../result.ts';

export interface RunTarget {
  readonly logPath: string | undefined;
  readonly isEmbedding: boolean;
  readonly commitPath: string | undefined;
}

export async function runMachine(
  context: CliContext,
  flags: RunFlags & TimePointFlags,
  target: RunTarget,
): Promise<CommandResult> {
  const { stderr } = context.process;
  const request = machineRequest(flags, context);
  if (target.commitPath !== undefined) checkCommit(request.disks);
  const inspection = startInspection(flags);
  const tools = await createLogTools();
  const files = await openMachineFiles(request, tools.hashes);
  const output = new GuestOutput(context, { console: flags.console, json: flags.json });
  const isRaw = isInteractive(context) && output.isTerminal;
  // On one terminal the guest's own output is the progress.
  const isProgressWanted = !flags.quiet && !output.isTerminal;
  const progress = new Progress(stderr, target.logPath ?? 'running', isProgressWanted);
  if (isRaw && !flags.quiet) stderr.write('Ctrl-A x ends the machine, Ctrl-A h is help.\r\n');
  try {
    output.open(filesInUse(flags, target));
    const outcome = await runSession({
      files,
      tools,
      engine: flags.engine,
      inspection,
      ...target,
      creator: CREATOR,
      outputs: output,
      input: consoleRequest(context, output, { isRaw, isRing: flags.ringConsole }),
      timeoutSeconds: flags.timeout,
      maxInstructions: flags.maxInstructions,
      wantsDigests: flags.json,
      onProgress: (at) => progress.update(0, undefined, () => progressText(at)),
      onStart: (end) => {
        output.onFailure = () => end(output.failure === undefined ? 'interrupted' : 'host-error');
      },
    });
    output.throwFailure();
    const result = describeRun(outcome, target);
    const lines = isDemoRace(flags, result) ? [...result.lines, ...DEMO_RACE] : result.lines;
    return addInspection({ ...result, lines }, inspection, flags);
  } finally {
    progress.hide();
    output.close();
    files.close();
  }
}

function filesInUse(
  { kernel, initrd, bios, disk = [] }: RunFlags,
  { logPath, commitPath }: RunTarget,
): string[] {
  const log = logPath === undefined ? [] : [logPath, `${logPath}${PARTIAL_SUFFIX}`];
  const named = [kernel, initrd, bios, commitPath, ...disk, ...log];
  return named.filter((path) => path !== undefined);
}

/** A terminal whose output goes elsewhere is left alone: there, typing would not show. */
function consoleRequest(
  { process }: CliContext,
  output: GuestOutput,
  how: { readonly isRaw: boolean; readonly isRing: boolean },
): RunRequest['input'] {
  if (process.stdin.isTTY === true && !output.isTerminal) return undefined;
  return { ...how, stream: process.stdin, showHelp: (text) => void process.stderr.write(text) };
}

/** The demonstration of the embedded guest ended as it does when its race bites. */
function isDemoRace({ kernel, append }: RunFlags, { json }: CommandResult): boolean {
  return kernel === undefined && append === undefined && json.exit === EXIT.guestFailed;
}

const DEMO_RACE = [
  "the guest's race lost an update: it is made to, in some runs under the host's clock, and in all",
  'or none under the virtual clock, where equal commands run alike. See: casmotion demo',
];

function describeRun(outcome: RunOutcome, { logPath, commitPath }: RunTarget): CommandResult {
  const { end, steps, wallSeconds, events, logBytes, landmarks } = outcome;
  const exit = exitCodeOf(end);
  const json = {
    exit,
    end,
    steps,
    wallSeconds,
    logBytes,
    events,
    landmarks,
    outputDigest: hexOrNull(outcome.outputDigest),
    stateDigest: hexOrNull(outcome.stateDigest),
    ...(logPath === undefined ? {} : { path: logPath }),
    ...(commitPath === undefined ? {} : { committed: outcome.isCommitted }),
  };
  const speed = formatShort(steps / Math.max(wallSeconds, 1e-9));
  const lines = [
    `${describeEnd(end)} after ${formatShort(steps)} instructions` +
      ` in ${formatSeconds(wallSeconds)} (${speed}/s)`,
  ];
  if (logPath !== undefined) {
    const count = formatNumber(countEvents(events), 'event');
    lines.push(
      `log ${logPath}: ${count}, ${formatBytes(logBytes)}, ${formatDensity(logBytes, steps)}`,
    );
    lines.push(`next: casmotion replay ${logPath}`);
  }
  if (commitPath !== undefined) {
    lines.push(
      outcome.isCommitted
        ? `the disk was written to ${commitPath}`
        : `the disk was not written to ${commitPath}: the guest did not end well`,
    );
  }
  return { json, lines };
}

export function hexOrNull(digest: Uint8Array | undefined): string | null {
  return digest === undefined ? null : toHex(digest);
}

function progressText({ step, events, logBytes }: RecordProgress): string {
  const log = logBytes === 0 ? '' : `, log ${formatBytes(logBytes)}`;
  return `${formatShort(step)} instructions, ${formatNumber(events, 'event')}${log}`;
}

function checkCommit(disks: readonly string[]): void {
  if (disks.length === 1) return;
  throw new VmError('--commit writes the one disk of a machine', {
    where: '--commit',
    expected: 'exactly one --disk FILE',
    found: `${disks.length}`,
    next: 'give one --disk FILE with it',
  });
}
