/** The program: arguments, help, signals, exit code. */
import { formatVmError, VmError } from '@casmotion/base';
import {
  ArgumentScannerError,
  buildApplication,
  buildCommand,
  type CommandContext,
  formatMessageForArgumentScannerError,
  run,
  text_en,
} from '@stricli/core';
import { bench } from './bench.ts';
import { type Flags, FLAGS } from './flags.ts';

interface Context extends CommandContext {
  readonly process: NodeJS.Process;
}

const command = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Measure what recording and replaying cost',
    fullDescription: [
      'Measures what recording and replaying cost: workloads in fresh processes, pinned to a core,',
      'interleaved A B A B, medians with their spread, ratios round by round. A Markdown report',
      'goes to standard output, progress to standard error. Ctrl-C ends it and keeps what was',
      'measured.',
      '',
      'Examples:',
      '  pnpm bench --quick                                 a handful, about three minutes',
      '  pnpm bench --filter compute,debian --runs 3        sets and names',
      '  pnpm bench --peer qemu --output docs/benchmarks    all of it, beside QEMU',
      '  pnpm bench --engine auto --engine interpreter      both engines',
      '  pnpm bench --variant small="--memory 64M"          other flags of casmotion record',
      '  pnpm bench --kernel Image --initrd initrd.cpio.gz --append console=ttyS0',
      '  pnpm bench --json base.json; pnpm bench --compare base.json',
      '',
      'Exit codes: 0 all was measured, 1 bad usage or a workload of ours failed, 2 --compare found',
      'something slower, 130 ended by Ctrl-C.',
    ].join('\n'),
  },
  parameters: { flags: FLAGS },
  async func(flags) {
    const abort = new AbortController();
    const end = (): void => abort.abort();
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    try {
      this.process.exitCode = await bench(flags, {
        stdout: process.stdout,
        stderr: process.stderr,
        command: ['pnpm bench', ...process.argv.slice(2)].join(' '),
        signal: abort.signal,
      });
    } catch (error) {
      if (!(error instanceof VmError)) throw error;
      process.stderr.write(`error: ${formatVmError(error)}\n`);
      this.process.exitCode = 1;
    } finally {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
    }
  },
});

const application = buildApplication(command, {
  name: 'pnpm bench',
  scanner: { caseStyle: 'allow-kebab-for-camel' },
  documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: (error) => {
        const what =
          error instanceof ArgumentScannerError
            ? formatMessageForArgumentScannerError(error, {
                ArgumentParseError: ({ exception }) => describe(exception),
              })
            : describe(error);
        return `error: ${what}\n  next      pnpm bench --help`;
      },
    },
  },
});

function describe(error: unknown): string {
  if (error instanceof VmError) return formatVmError(error);
  return error instanceof Error ? error.message : String(error);
}

// Whoever reads may stop, as `head` does: files are written all the same.
process.stdout.on('error', () => undefined);
await run(application, process.argv.slice(2), { process } as Parameters<typeof run<Context>>[2]);
// stricli has codes of its own below 0 for arguments that it does not understand.
if (Number(process.exitCode ?? 0) < 0 || Number(process.exitCode) > 130) process.exitCode = 1;
