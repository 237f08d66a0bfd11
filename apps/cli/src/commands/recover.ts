/** `casmotion recover`: a lab after a crash, brought to a consistent cut. */
import type { EngineChoice } from '@casmotion/host-node';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { ENGINE_FLAG, IMAGE_DIR_FLAG, OUTPUT_FLAGS } from '../flags.ts';
import { finish } from '../result.ts';
import { type LabFlags, rerunLab } from './run-lab.ts';

interface Flags extends Pick<LabFlags, 'json' | 'quiet' | 'imageDir'> {
  readonly engine: EngineChoice;
  readonly output: string;
}

export const recoverCommand = buildCommand<Flags, [string], CliContext>({
  docs: {
    brief: 'Bring the logs of a lab to a consistent cut after a crash',
    fullDescription: [
      'Where a crash cut the log of a domain, others may have heard of what is lost. This finds',
      'the longest part of each log that depends on nothing lost (by the vector clocks in the',
      'logs), replays each domain that far, and writes new logs that end there, to a new folder.',
      'The old ones stay. To record on from there: casmotion record --resume DIR -o NEWDIR.',
      '',
      'Examples:',
      '  casmotion recover lab-1 -o lab-1-cut',
      '  casmotion recover lab-1 -o lab-1-cut --json',
      '',
      'Exit codes: 0 done, 1 bad usage or files.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, placeholder: 'NEWDIR', brief: 'A new folder' },
      imageDir: IMAGE_DIR_FLAG,
      engine: ENGINE_FLAG,
      ...OUTPUT_FLAGS,
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A recorded lab', parse: String, placeholder: 'DIR' }],
    },
  },
  func(flags, from) {
    return finish(this, flags, () =>
      rerunLab(this, flags, { from, folder: flags.output, goesOn: false }),
    );
  },
});
