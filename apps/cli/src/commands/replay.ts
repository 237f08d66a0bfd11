/** `casmotion replay` and `casmotion verify`: the recorded session again, compared as it goes. */
import { buildCommand } from '@stricli/core';
import { noOutputs } from '@casmotion/recorder';
import type { CliContext } from '../context.ts';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import {
  CONSOLE_FLAG,
  ENGINE_FLAG,
  IMAGE_DIR_FLAG,
  MARGIN_FLAG,
  OUTPUT_FLAGS,
  SALVAGE_FLAG,
  TIMEOUT_FLAG,
} from '../flags.ts';
import { GuestOutput } from '../guest-output.ts';
import { INSPECT_FLAGS, INSPECT_HELP } from '../inspect.ts';
import { finish } from '../result.ts';
import { type ReplayFlags, replayLog, replayProgress } from './replay-log.ts';

interface Flags extends ReplayFlags {
  readonly console?: string;
  readonly unchecked: boolean;
}

const LOG_ARGUMENT = {
  kind: 'tuple',
  parameters: [{ brief: 'A log, whole or .partial', parse: String, placeholder: 'FILE' }],
} as const;

const REPLAY_FLAGS = {
  imageDir: IMAGE_DIR_FLAG,
  timeout: TIMEOUT_FLAG,
  engine: ENGINE_FLAG,
  salvage: SALVAGE_FLAG,
  margin: MARGIN_FLAG,
  ...INSPECT_FLAGS,
  ...OUTPUT_FLAGS,
} as const;

/** For the bench, which measures what checks cost by a replay without them. */
const UNCHECKED_FLAG = {
  kind: 'boolean',
  default: false,
  withNegated: false,
  hidden: true,
  brief: 'Compare nothing but places; proves nothing',
} as const;

const MONITOR_VALUES = ['fast', 'full'] as const;
const MONITOR_BRIEF = 'What is checked: fast, with little cost; full, twice, on both engines';

export const replayCommand = buildCommand<Flags, [string], CliContext>({
  docs: {
    brief: 'Replay a recording on a fresh machine',
    fullDescription: [
      'Replays a recording on a fresh machine: the guest does again exactly what it did, and every',
      'event, landmark and output is compared. Idle time is skipped. Images are looked for in',
      '--image-dir, in the log (record --embed), at the recorded path, and beside the log; only',
      'their content counts. A log cut short replays up to its last whole chunk.',
      '',
      'Examples:',
      '  casmotion replay demo.cmr',
      '  casmotion replay demo.cmr.partial --console out.txt',
      '  casmotion replay boot.cmr --image-dir images --json',
      '  casmotion replay boot.cmr --profile',
      '  casmotion replay boot.cmr --monitor full      both engines side by side, all of memory',
      '  casmotion replay branches.cmr --margin 16     the matcher learns how late interrupts come',
      '',
      ...INSPECT_HELP,
      '',
      'The exit code is that of the recorded guest, or 2 where the replay diverges.',
      EXIT_CODES_HELP,
    ].join('\n'),
  },
  parameters: {
    flags: {
      console: CONSOLE_FLAG,
      monitor: { kind: 'enum', values: MONITOR_VALUES, default: 'fast', brief: MONITOR_BRIEF },
      unchecked: UNCHECKED_FLAG,
      ...REPLAY_FLAGS,
    },
    positional: LOG_ARGUMENT,
  },
  func(flags, path) {
    return finish(this, flags, async () => {
      const output = new GuestOutput(this, { console: flags.console, json: flags.json });
      const progress = replayProgress(this, path, flags);
      if (output.isTerminal) output.onWrite = () => progress.hide();
      try {
        const result = await replayLog(flags, {
          path,
          isVerify: false,
          isUnchecked: flags.unchecked,
          onOpen: (inUse) => output.open(inUse),
          outputs: output,
          progress,
          canShowProgress: () => !output.isTerminal || output.isAtLineStart,
          isAbandoned: () => output.hasFailed,
        });
        output.throwFailure();
        return result;
      } finally {
        output.close();
      }
    });
  },
});

interface VerifyFlags extends ReplayFlags {
  readonly output?: string;
}

export const verifyCommand = buildCommand<VerifyFlags, [string], CliContext>({
  docs: {
    brief: 'Replay without output, check all there is, and certify it',
    fullDescription: [
      'Replays a recording without showing its output, and says what was checked: a certificate',
      'with the premises of an exact replay, how each was checked and how often, digests of the',
      'log, its images, the end state and the output, and versions. Somebody else who verifies the',
      'same log gets the same digests.',
      '',
      '--monitor full replays on both engines side by side, hashes all of memory at each landmark,',
      'and watches devices for looks at the host. --monitor fast makes the checks of `replay`, and',
      'hashes all of memory at each landmark.',
      '',
      'Examples:',
      '  casmotion verify demo.cmr',
      '  casmotion verify demo.cmr -o demo.certificate.json',
      '  casmotion verify boot.cmr --monitor fast --json',
      '',
      'Exit codes: 0 everything agrees (however the guest ended), 1 bad usage or file,',
      '2 divergence, 4 time-out.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'FILE',
        brief: 'Write the certificate to FILE, as JSON',
      },
      monitor: { kind: 'enum', values: MONITOR_VALUES, default: 'full', brief: MONITOR_BRIEF },
      ...REPLAY_FLAGS,
    },
    positional: LOG_ARGUMENT,
    aliases: { o: 'output' },
  },
  func(flags, path) {
    return finish(this, flags, () =>
      replayLog(flags, {
        path,
        isVerify: true,
        certificatePath: flags.output,
        outputs: noOutputs,
        progress: replayProgress(this, path, flags),
        canShowProgress: () => true,
        isAbandoned: () => false,
      }),
    );
  },
});
