/** `casmotion record`: a machine, recorded. */
import { VmError } from '@casmotion/base';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import {
  IMAGE_DIR_FLAG,
  LAB_CONFIG_FLAG,
  MACHINE_FLAGS,
  OUTPUT_FLAGS,
  type RunFlags,
  TIME_POINT_FLAGS,
  type TimePointFlags,
} from '../flags.ts';
import { INSPECT_FLAGS, INSPECT_HELP } from '../inspect.ts';
import { refuseFlags } from '../refuse-flags.ts';
import { finish } from '../result.ts';
import { ONE_MACHINE_FLAGS, rerunLab, runLabOf } from './run-lab.ts';
import { runMachine } from './run-machine.ts';

interface Flags extends RunFlags, TimePointFlags {
  readonly config?: string;
  readonly resume?: string;
  readonly imageDir?: string;
  readonly output: string;
  readonly embed: boolean;
  readonly commit?: string;
}

export const recordCommand = buildCommand<Flags, [], CliContext>({
  docs: {
    brief: 'Run a machine and record it',
    fullDescription: [
      'Runs a machine and records to FILE what the host decided: the rest is computed again.',
      'While it runs the log is FILE.partial; it gets its name when it is whole, in place of an',
      'older FILE. After a crash, or on a full disk, FILE.partial replays as far as it goes.',
      'Ctrl-C, SIGTERM, SIGHUP and, at a terminal, Ctrl-A x end the machine and close the log.',
      '',
      "Under --clock virtual the RTC starts at 2012-06-01, the device tree's rng-seed is fixed and",
      'the random device is seeded: equal commands make equal logs, byte by byte.',
      '',
      'A time point names the place where an event comes: by the step; or, as on processors, by a',
      'performance counter of branches and pc, with or without sp. That counter is emulated: --pmu',
      'says by how much its interrupt may come late (skid, to N branches, drawn from seed S) and',
      'whether it counts one too many now and then (overcount, at one in K entries of the guest),',
      'which a replay then shows as a divergence.',
      '',
      'Examples:',
      "  casmotion record -o demo.cmr                        the embedded guest's demonstration",
      '  casmotion record -o shell.cmr --append ""           its shell',
      '  casmotion record -o boot.cmr --kernel Image --initrd initrd.cpio.gz --embed',
      '  casmotion record -o ci.cmr --kernel Image --clock virtual --timeout 60 --json',
      '  casmotion record -o ci.cmr --kernel Image --profile',
      '  casmotion record -o demo.cmr --time-point branches --pmu skid=500,seed=7',
      '  casmotion record -o lab-1 --config lab.json         several domains, a log each',
      '  casmotion record -o lab-2 --resume lab-1            on from where they all are consistent',
      '',
      ...INSPECT_HELP,
      '',
      EXIT_CODES_HELP,
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        placeholder: 'FILE',
        brief: 'The log; of a lab, a new folder',
      },
      config: LAB_CONFIG_FLAG,
      resume: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'DIR',
        brief: 'A recorded lab, to be brought to a consistent cut and recorded on',
      },
      imageDir: IMAGE_DIR_FLAG,
      ...MACHINE_FLAGS,
      ...TIME_POINT_FLAGS,
      embed: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Store the images in the log, so that it replays anywhere',
      },
      commit: { kind: 'parsed', parse: String, optional: true, hidden: true, brief: 'Refused' },
      ...INSPECT_FLAGS,
      ...OUTPUT_FLAGS,
    },
    aliases: { o: 'output' },
  },
  func(flags) {
    return finish(this, flags, async () => {
      if (flags.commit !== undefined) throw new CommitRefusedError();
      const { config, resume, output: folder } = flags;
      if (config !== undefined) {
        const because = 'no flag of one machine with --config: write it into the file';
        const refused = { resume: {}, imageDir: {}, ...ONE_MACHINE_FLAGS };
        refuseFlags(flags, refused, { because, command: 'record' });
        return runLabOf(this, flags, { config, folder });
      }
      if (resume !== undefined) {
        const because = 'no flag of a machine with --resume: it is in the logs';
        refuseFlags(flags, ONE_MACHINE_FLAGS, { because, command: 'record' });
        return rerunLab(this, flags, { from: resume, folder, goesOn: true });
      }
      const target = { logPath: flags.output, isEmbedding: flags.embed, commitPath: undefined };
      return runMachine(this, flags, target);
    });
  },
});

/** A recording leaves its disk as it was, or it could not be replayed from it. */
class CommitRefusedError extends VmError {
  override readonly name = 'CommitRefusedError';
  constructor() {
    super('a recording does not write its disk', {
      where: '--commit',
      expected: 'no --commit with record',
      next: 'write the disk of an unrecorded run: casmotion run --commit NEWFILE',
    });
  }
}
