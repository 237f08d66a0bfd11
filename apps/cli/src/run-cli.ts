/** The whole program as a function of arguments and process: gives the exit code, never exits. */
import { VmError, formatVmError } from '@casmotion/base';
import {
  type ApplicationText,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  run,
  text_en,
} from '@stricli/core';
import { demoCommand } from './commands/demo.ts';
import { guestRoutes } from './commands/guest.ts';
import { infoCommand, logCommand } from './commands/info.ts';
import { recordCommand } from './commands/record.ts';
import { recoverCommand } from './commands/recover.ts';
import { replayCommand, verifyCommand } from './commands/replay.ts';
import { runCommand } from './commands/run.ts';
import { type CliContext, type CliProcess, VERSION } from './context.ts';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts';
import { writeJson } from './result.ts';

/** Runs one command. `host` gives the streams; tests pass their own. */
export async function runCli(
  args: readonly string[],
  host: Omit<CliProcess, 'exitCode'>,
): Promise<number> {
  const { stdout, stderr, stdin, env } = host;
  const context: CliContext = { process: { stdout, stderr, stdin, env, exitCode: undefined } };
  const refusals: string[] = [];
  const application = buildApplication(root, {
    name: 'casmotion',
    versionInfo: { currentVersion: VERSION },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true },
    localization: { text: createText(refusals) },
  });
  const inputs = args.length === 0 ? ['--help'] : args;
  await run(application, inputs, context as Parameters<typeof run<CliContext>>[2]);
  const exitCode = context.process.exitCode ?? EXIT.ok;
  if (exitCode >= EXIT.ok && exitCode <= EXIT.timeout) return exitCode;
  // The arguments were not understood: no command ran, and nothing is on standard output yet.
  if (args.includes('--json')) {
    writeJson(stdout, { exit: EXIT.usage, error: { message: refusals.join('\n') } });
  }
  return EXIT.usage;
}

/** stricli's words, and for bad arguments what to try next; `refusals` gets those without that. */
function createText(refusals: string[]): ApplicationText {
  const refuse = (what: string, next: string): string => {
    refusals.push(what);
    return `error: ${what}\n  next      ${next}`;
  };
  return {
    ...text_en,
    exceptionWhileParsingArguments: (error) => {
      const what =
        error instanceof ArgumentScannerError
          ? formatMessageForArgumentScannerError(error, {
              ArgumentParseError: ({ exception }) => plainMessage(exception),
            })
          : plainMessage(error);
      return refuse(what, 'casmotion --help, or casmotion COMMAND --help');
    },
    noCommandRegisteredForInput: (details) =>
      refuse(text_en.noCommandRegisteredForInput(details), 'casmotion --help'),
  };
}

function plainMessage(error: unknown): string {
  if (error instanceof VmError) return formatVmError(error);
  return error instanceof Error ? error.message : String(error);
}

const root = buildRouteMap({
  routes: {
    run: runCommand,
    record: recordCommand,
    replay: replayCommand,
    verify: verifyCommand,
    recover: recoverCommand,
    info: infoCommand,
    log: logCommand,
    guest: guestRoutes,
    demo: demoCommand,
  },
  docs: {
    brief: 'Record a RISC-V computer and replay it exactly',
    fullDescription: [
      'Records a RISC-V computer and replays it exactly.',
      '',
      'Examples:',
      '  casmotion demo                    a bug that comes and goes, caught',
      '  casmotion record -o a.cmr         record the embedded guest',
      '  casmotion replay a.cmr            the very same session again',
      '  casmotion log a.cmr               what the host decided',
      '',
      'Help on a command: casmotion COMMAND --help',
      EXIT_CODES_HELP,
    ].join('\n'),
  },
});
