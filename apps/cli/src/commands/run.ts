/** `casmotion run`: a machine, unrecorded. */
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import { LAB_CONFIG_FLAG, MACHINE_FLAGS, OUTPUT_FLAGS, type RunFlags } from '../flags.ts';
import { INSPECT_FLAGS, INSPECT_HELP } from '../inspect.ts';
import { refuseFlags } from '../refuse-flags.ts';
import { finish } from '../result.ts';
import { ONE_MACHINE_FLAGS, runLabOf } from './run-lab.ts';
import { runMachine } from './run-machine.ts';

interface Flags extends RunFlags {
  readonly config?: string;
  readonly commit?: string;
}

export const runCommand = buildCommand<Flags, [], CliContext>({
  docs: {
    brief: 'Run a machine without recording it',
    fullDescription: [
      "Runs a machine without recording it. At a terminal the keyboard is the guest's:",
      'Ctrl-A x ends the machine, Ctrl-A h is help, Ctrl-A Ctrl-A sends Ctrl-A.',
      '',
      "Under --clock virtual the RTC starts at 2012-06-01, the device tree's rng-seed is fixed and",
      'the random device is seeded: equal commands make equal runs.',
      '',
      'Examples:',
      "  casmotion run                                       the embedded guest's demonstration",
      '  casmotion run --append ""                           its shell',
      '  casmotion run --kernel Image --initrd initrd.cpio.gz --append console=ttyS0',
      '  casmotion run --kernel Image --disk root.img --commit new.img',
      '  casmotion run --kernel Image --profile              where its instructions went',
      '  casmotion run --append "compute 300" --dump-regions regions',
      '  casmotion run --config lab.json                     several domains',
      '',
      ...INSPECT_HELP,
      '',
      EXIT_CODES_HELP,
    ].join('\n'),
  },
  parameters: {
    flags: {
      config: LAB_CONFIG_FLAG,
      ...MACHINE_FLAGS,
      commit: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'NEWFILE',
        brief: 'Write the disk as the guest left it to a new file, if the guest ends well',
      },
      ...INSPECT_FLAGS,
      ...OUTPUT_FLAGS,
    },
  },
  func(flags) {
    return finish(this, flags, () => {
      const { config, commit: commitPath } = flags;
      if (config !== undefined) {
        const because = 'no flag of one machine with --config: write it into the file';
        refuseFlags(flags, ONE_MACHINE_FLAGS, { because, command: 'run' });
        return runLabOf(this, flags, { config, folder: undefined });
      }
      return runMachine(this, flags, { logPath: undefined, isEmbedding: false, commitPath });
    });
  },
});
