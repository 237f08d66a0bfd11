/** The flags of `pnpm bench`, their values checked. */
import { VmError } from '@casmotion/base';
import { CASMOTION_MODES, type CasmotionMode } from './results.ts';

export interface Flags {
  readonly list: boolean;
  readonly quick: boolean;
  readonly filter?: string;
  readonly modes: readonly CasmotionMode[];
  readonly engine: readonly string[];
  readonly variant?: readonly Variant[];
  readonly timePoints: boolean;
  readonly monitors: boolean;
  readonly peer?: 'qemu';
  readonly runs?: number;
  readonly warmUps?: number;
  readonly core?: number;
  readonly timeout: number;
  readonly output?: string;
  readonly json?: string;
  readonly compare?: string;
  readonly with?: string;
  readonly casmotion?: string;
  readonly guest?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly disk?: string;
  readonly bios?: string;
  readonly memory?: string;
  readonly maxInstructions?: string;
  readonly comparesAfter?: string;
}

/** Flags of casmotion's under a name of the user's. */
export interface Variant {
  readonly name: string;
  readonly flags: readonly string[];
  /** Of `record` alone. */
  readonly recordFlags?: readonly string[];
  /** Of `replay` alone. */
  readonly replayFlags?: readonly string[];
}

function text(placeholder: string, brief: string) {
  return { kind: 'parsed', parse: String, optional: true, placeholder, brief } as const;
}

function toggle(brief: string) {
  return { kind: 'boolean', default: false, withNegated: false, brief } as const;
}

export const FLAGS = {
  list: toggle('Show the workloads and end'),
  quick: toggle('A handful of workloads in small sizes: minutes in place of an hour'),
  filter: text('NAMES', 'Only these: names or sets separated by commas, or irq* for a beginning'),
  modes: {
    kind: 'parsed',
    parse: parseModes,
    default: 'run,record,replay',
    placeholder: 'MODES',
    brief: 'Of run, record, replay; separated by commas',
  },
  engine: {
    kind: 'parsed',
    parse: String,
    variadic: true,
    default: ['auto'],
    placeholder: 'NAME',
    brief: 'Engine of casmotion; repeatable. The first is the one that targets and charts show',
  },
  variant: {
    kind: 'parsed',
    parse: parseVariant,
    variadic: true,
    optional: true,
    placeholder: 'NAME=FLAGS',
    brief: 'More flags for run and record, measured as an engine is; repeatable',
  },
  timePoints: toggle("In place of engines: the kinds of time points, under the host's clock"),
  monitors: toggle('In place of engines: replays without checks, and by levels of the monitor'),
  peer: {
    kind: 'enum',
    values: ['qemu'],
    optional: true,
    brief: 'Run the same in qemu-system-riscv64: plain, icount, rr=record, rr=replay',
  },
  runs: {
    kind: 'parsed',
    parse: (value: string) => parseCount('--runs', value, 1),
    optional: true,
    placeholder: 'N',
    brief: 'Measured rounds; 5, and 2 with --quick',
  },
  warmUps: {
    kind: 'parsed',
    parse: (value: string) => parseCount('--warm-ups', value, 0),
    optional: true,
    placeholder: 'N',
    brief: 'Rounds before them that do not count; 1, and 0 with --quick or --runs 1',
  },
  core: {
    kind: 'parsed',
    parse: (value: string) => parseCount('--core', value, 0),
    optional: true,
    placeholder: 'N',
    brief: 'Core that all processes are pinned to; the last one if not given',
  },
  timeout: {
    kind: 'parsed',
    parse: (value: string) => parseCount('--timeout', value, 1),
    default: '300',
    placeholder: 'SECONDS',
    brief: 'What takes longer is ended, and gets no figure',
  },
  output: text('DIR', 'Write results.json, results.md and the charts here'),
  json: text('FILE', 'Write the results as JSON'),
  compare: text('BASE.json', 'Say what is slower than in these results; exit code 2 if any is'),
  with: text('NEW.json', 'With --compare: take these results, measure nothing'),
  casmotion: text('FILE', 'The built command line; apps/cli/dist/casmotion.js if not given'),
  guest: text('DIR', "A Debian guest fetched before with the bench's script"),
  kernel: text('FILE', 'Your own guest, in place of the workloads'),
  initrd: text('FILE', 'Its initial RAM disk'),
  append: text('TEXT', 'Its command line'),
  disk: text('FILE', 'Its disk, which is not written'),
  bios: text('sbi|none|FILE', 'Its boot mode'),
  memory: text('SIZE', 'Its RAM, such as 512M'),
  maxInstructions: text('N', 'Where it is ended, such as 5G, if it does not power off'),
  comparesAfter: text('TEXT', 'Consoles are compared after the first line with TEXT'),
} as const;

function parseModes(value: string): CasmotionMode[] {
  return value.split(',').map((word) => {
    const mode = CASMOTION_MODES.find((known) => known === word.trim());
    if (mode !== undefined) return mode;
    throw new BenchFlagError('--modes', CASMOTION_MODES.join(', '), word);
  });
}

/** `small="--memory 64M"`: a name and flags, which are cut at spaces. */
export function parseVariant(value: string): Variant {
  const match = /^([\w.-]+)=\s*(--\S.*)$/.exec(value);
  const [, name, flags] = match ?? [];
  if (name === undefined || flags === undefined) {
    throw new BenchFlagError('--variant', 'NAME=--flag value', value);
  }
  return { name, flags: flags.trim().split(/\s+/) };
}

function parseCount(flag: string, value: string, least: number): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= least && count <= COUNT_MAX) return count;
  throw new BenchFlagError(flag, `a whole number from ${least} to ${COUNT_MAX}`, value);
}

const COUNT_MAX = 100_000;

/** A flag's value that means nothing. */
export class BenchFlagError extends VmError {
  override readonly name = 'BenchFlagError';
  constructor(flag: string, expected: string, found: string) {
    super('the value makes no sense', { where: flag, expected, found: JSON.stringify(found) });
  }
}
