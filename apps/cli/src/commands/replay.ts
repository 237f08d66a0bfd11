/** `casmotion replay` and `casmotion verify`: the recorded session again, compared as it goes. */
import { buildCommand } from '@stricli/core';
import { isLabFolder } from '@casmotion/host-node';
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
import { aloneLogPath, replayLabFolder } from './replay-lab.ts';
import { type ReplayFlags, replayLog, replayProgress } from './replay-log.ts';

interface VerifyFlags extends ReplayFlags {
  readonly alone?: string;
}

interface Flags extends VerifyFlags {
  readonly console?: string;
}

const LOG_ARGUMENT = {
  kind: 'tuple',
  parameters: [
    {
      brief: 'A log, whole or .partial, or the folder of a lab',
      parse: String,
      placeholder: 'FILE',
    },
  ],
} as const;

const REPLAY_FLAGS = {
  imageDir: IMAGE_DIR_FLAG,
  timeout: TIMEOUT_FLAG,
  engine: ENGINE_FLAG,
  alone: {
    kind: 'parsed',
    parse: String,
    optional: true,
    placeholder: 'NAME',
    brief: 'Of a lab, this domain by itself',
  },
  salvage: SALVAGE_FLAG,
  margin: MARGIN_FLAG,
  ...INSPECT_FLAGS,
  ...OUTPUT_FLAGS,
} as const;

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
      '  casmotion replay branches.cmr --margin 16     the matcher learns how late interrupts come',
      '  casmotion replay lab-1                     all domains of a lab, in causal order',
      '  casmotion replay lab-1 --alone front       one of them, from its own log',
      '',
      ...INSPECT_HELP,
      '',
      'The exit code is that of the recorded guest, or 2 where the replay diverges.',
      EXIT_CODES_HELP,
    ].join('\n'),
  },
  parameters: { flags: { console: CONSOLE_FLAG, ...REPLAY_FLAGS }, positional: LOG_ARGUMENT },
  func(flags, named) {
    return finish(this, flags, async () => {
      if (isTogether(named, flags)) {
        return replayLabFolder(this, flags, { folder: named, isVerify: false });
      }
      const path = flags.alone === undefined ? named : aloneLogPath(named, flags.alone);
      const output = new GuestOutput(this, { console: flags.console, json: flags.json });
      const progress = replayProgress(this, path, flags);
      if (output.isTerminal) output.onWrite = () => progress.hide();
      try {
        const result = await replayLog(flags, {
          path,
          isVerify: false,
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

export const verifyCommand = buildCommand<VerifyFlags, [string], CliContext>({
  docs: {
    brief: 'Replay without output and compare the whole state at every landmark',
    fullDescription: [
      'Replays a recording without showing its output, and at every landmark compares a digest of',
      'the whole memory, not only of the pages written since the last one.',
      '',
      'Examples:',
      '  casmotion verify demo.cmr',
      '  casmotion verify boot.cmr --json',
      '',
      'Exit codes: 0 everything agrees (however the guest ended), 1 bad usage or file,',
      '2 divergence, 4 time-out.',
    ].join('\n'),
  },
  parameters: { flags: REPLAY_FLAGS, positional: LOG_ARGUMENT },
  func(flags, named) {
    return finish(this, flags, async () => {
      if (isTogether(named, flags)) {
        return replayLabFolder(this, flags, { folder: named, isVerify: true });
      }
      const path = flags.alone === undefined ? named : aloneLogPath(named, flags.alone);
      return replayLog(flags, {
        path,
        isVerify: true,
        outputs: noOutputs,
        progress: replayProgress(this, path, flags),
        canShowProgress: () => true,
        isAbandoned: () => false,
      });
    });
  },
});

/** A lab, and not one domain of it. */
function isTogether(path: string, { alone }: VerifyFlags): boolean {
  return alone === undefined && isLabFolder(path);
}
