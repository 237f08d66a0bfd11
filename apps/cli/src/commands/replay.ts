/** `casmotion replay` and `casmotion verify`: the recorded session again, compared as it goes. */
import { buildCommand } from '@stricli/core';
import { VmError } from '@casmotion/base';
import { isLabFolder } from '@casmotion/host-node';
import { type MonitorLevel, noOutputs } from '@casmotion/recorder';
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
import { refuseFlags } from '../refuse-flags.ts';
import { finish } from '../result.ts';
import { aloneLogPath, replayLabFolder } from './replay-lab.ts';
import { type ReplayFlags, replayLog, replayProgress } from './replay-log.ts';

interface DomainFlags extends Omit<ReplayFlags, 'monitor'> {
  readonly alone?: string;
  readonly monitor?: MonitorLevel;
}

interface Flags extends DomainFlags {
  readonly console?: string;
  readonly unchecked: boolean;
}

interface VerifyFlags extends DomainFlags {
  readonly output?: string;
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

/** For the bench, which measures what checks cost by a replay without them. */
const UNCHECKED_FLAG = {
  kind: 'boolean',
  default: false,
  withNegated: false,
  hidden: true,
  brief: 'Compare nothing but places; proves nothing',
} as const;

function monitorFlag(byDefault: MonitorLevel) {
  const brief = `What is checked: fast, at little cost; full, on both engines. Else ${byDefault}`;
  return { kind: 'enum', values: ['fast', 'full'], optional: true, brief } as const;
}

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
      '  casmotion replay lab-1                     all domains of a lab, in causal order',
      '  casmotion replay lab-1 --alone front       one of them, from its own log',
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
      monitor: monitorFlag('fast'),
      unchecked: UNCHECKED_FLAG,
      ...REPLAY_FLAGS,
    },
    positional: LOG_ARGUMENT,
  },
  func(flags, named) {
    return finish(this, flags, async () => {
      if (isTogether(named, flags)) {
        refuseForLab(flags, 'replay');
        return replayLabFolder(this, flags, { folder: named, isVerify: false });
      }
      if (flags.unchecked && flags.monitor !== undefined) {
        const because = 'either a monitor or no checks at all';
        refuseFlags(flags, { unchecked: UNCHECKED_FLAG }, { because, command: 'replay' });
      }
      const path = flags.alone === undefined ? named : aloneLogPath(named, flags.alone);
      const output = new GuestOutput(this, { console: flags.console, json: flags.json });
      const progress = replayProgress(this, path, flags);
      if (output.isTerminal) output.onWrite = () => progress.hide();
      try {
        const result = await replayLog({ ...flags, monitor: flags.monitor ?? 'fast' }, {
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
      'hashes all of memory at each landmark; so it is of a whole lab, which gets no certificate.',
      '',
      'Examples:',
      '  casmotion verify demo.cmr',
      '  casmotion verify demo.cmr -o demo.certificate.json',
      '  casmotion verify boot.cmr --monitor fast --json',
      '  casmotion verify lab-1 --alone front -o front.certificate.json',
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
      monitor: monitorFlag('full'),
      ...REPLAY_FLAGS,
    },
    positional: LOG_ARGUMENT,
    aliases: { o: 'output' },
  },
  func(flags, named) {
    return finish(this, flags, async () => {
      if (isTogether(named, flags)) {
        refuseForLab(flags, 'verify');
        return replayLabFolder(this, flags, { folder: named, isVerify: true });
      }
      const path = flags.alone === undefined ? named : aloneLogPath(named, flags.alone);
      return replayLog({ ...flags, monitor: flags.monitor ?? 'full' }, {
        path,
        isVerify: true,
        certificatePath: flags.output,
        outputs: noOutputs,
        progress: replayProgress(this, path, flags),
        canShowProgress: () => true,
        isAbandoned: () => false,
      });
    });
  },
});

/** Of no effect on a lab. */
const ONE_LOG_FLAGS = {
  console: CONSOLE_FLAG,
  margin: MARGIN_FLAG,
  unchecked: UNCHECKED_FLAG,
  ...INSPECT_FLAGS,
} as const;

/** A lab, and not one domain of it. */
function isTogether(path: string, { alone }: DomainFlags): boolean {
  return alone === undefined && isLabFolder(path);
}

/** Domains together wait for each other: a second machine beside each has no place there yet. */
function refuseForLab(flags: VerifyFlags, command: string): void {
  const because = 'one domain of the lab with it: --alone NAME';
  refuseFlags(flags, ONE_LOG_FLAGS, { because, command });
  const { monitor, output } = flags;
  const flag = monitor === 'full' ? '--monitor full' : output === undefined ? undefined : '-o';
  if (flag === undefined) return;
  throw new VmError('full monitoring and certificates are of one log, and this is a lab', {
    where: flag,
    next: 'take one domain of it: --alone NAME',
  });
}
