/** Flags that commands share, as data. */
import { VmError } from '@casmotion/base';
import type { EngineChoice, MachineRequest } from '@casmotion/host-node';
import type { PmuConfig } from '@casmotion/machine';
import type { CliContext } from './context.ts';
import {
  parseHarts,
  parseInstructions,
  parseMargin,
  parseMemory,
  parsePmu,
  parseRng,
  parseTimeout,
  parseTimePoint,
  type PmuRequest,
} from './parse-values.ts';
import type { InspectFlags } from './inspect.ts';
import type { OutputFlags } from './result.ts';

/** Flags that make a machine. */
export interface MachineFlags {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly bios?: string;
  readonly append?: string;
  readonly disk?: readonly string[];
  readonly memory: number;
  readonly harts: number;
  readonly engine: EngineChoice;
  readonly virtio: 'modern' | 'legacy';
  readonly virtioConsole: boolean;
  readonly ringConsole: boolean;
  readonly rng?: MachineRequest['rng'] & {};
  readonly net: 'none' | 'loopback';
  readonly clock?: 'host' | 'virtual';
  readonly console?: string;
  readonly maxInstructions?: number;
  readonly timeout?: number;
}

const text = (value: string): string => value;

export const OUTPUT_FLAGS = {
  json: {
    kind: 'boolean',
    brief: "One JSON object on standard output; the guest's console then goes to standard error",
    default: false,
    withNegated: false,
  },
  quiet: {
    kind: 'boolean',
    brief: 'No summary and no progress',
    default: false,
    withNegated: false,
  },
} as const;

export const CONSOLE_FLAG = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'FILE',
  brief: "Write the guest's console to FILE",
} as const;

export const TIMEOUT_FLAG = {
  kind: 'parsed',
  parse: parseTimeout,
  optional: true,
  placeholder: 'SECONDS',
  brief: 'End after so many seconds on the host (exit code 4)',
} as const;

export const IMAGE_DIR_FLAG = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'DIR',
  brief: 'Look for kernel, initrd, firmware and disk images here first',
} as const;

export const LAB_CONFIG_FLAG = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'FILE',
  brief: 'A lab of several domains (docs/lab.md) in place of one machine',
} as const;

export const ENGINE_FLAG = {
  kind: 'enum',
  values: ['auto', 'interpreter', 'translator'],
  default: 'auto',
  brief: 'How instructions are executed; a guest cannot tell. auto is the fastest that there is',
} as const;

export const SALVAGE_FLAG = {
  kind: 'boolean',
  brief: 'Use a damaged log up to the damage',
  default: false,
  withNegated: false,
} as const;

export const MACHINE_FLAGS = {
  kernel: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'FILE',
    brief: 'ELF or Linux Image; without it the embedded guest runs, with an empty 1 MiB disk',
  },
  initrd: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'FILE',
    brief: 'Initial RAM disk',
  },
  bios: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'sbi|none|FILE',
    brief: 'Built-in SBI, start in M-mode, or firmware such as OpenSBI; by the kernel if not given',
  },
  append: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'TEXT',
    brief: "Kernel command line; the embedded guest's is a list of commands, by default: demo",
  },
  disk: {
    kind: 'parsed',
    parse: text,
    optional: true,
    variadic: true,
    placeholder: 'FILE',
    brief: 'Disk image, repeatable; never written: changes live in memory',
  },
  memory: {
    kind: 'parsed',
    parse: parseMemory,
    default: '256M',
    placeholder: 'SIZE',
    brief: 'RAM, such as 256M or 1G',
  },
  harts: { kind: 'parsed', parse: parseHarts, default: '1', placeholder: 'N', brief: 'Processors' },
  engine: ENGINE_FLAG,
  virtio: {
    kind: 'enum',
    values: ['modern', 'legacy'],
    default: 'modern',
    brief: 'Version of the virtio-mmio interface',
  },
  virtioConsole: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: 'Add a virtio console (Linux: hvc0); what is typed goes there',
  },
  ringConsole: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: "What is typed goes to the event channel's console ring, as a Xen domain's",
  },
  rng: {
    kind: 'parsed',
    parse: parseRng,
    optional: true,
    placeholder: 'host|SEED|none',
    brief: 'Source of virtio-rng; default host, and seed 0 under the virtual clock',
  },
  net: {
    kind: 'enum',
    values: ['none', 'loopback'],
    default: 'none',
    brief: 'A network device that hears itself, or none',
  },
  clock: {
    kind: 'enum',
    values: ['host', 'virtual'],
    optional: true,
    brief: 'host: as on the wall; virtual: a nanosecond a step. Default host on a terminal',
  },
  console: CONSOLE_FLAG,
  maxInstructions: {
    kind: 'parsed',
    parse: parseInstructions,
    optional: true,
    placeholder: 'N',
    brief: 'End after N instructions, such as 50M (exit code 4)',
  },
  timeout: TIMEOUT_FLAG,
} as const;

/** The machine that the flags ask for. */
export function machineRequest(
  flags: MachineFlags & TimePointFlags,
  context: CliContext,
): MachineRequest {
  return {
    kernel: flags.kernel,
    initrd: flags.initrd,
    bios: flags.bios,
    append: flags.append,
    disks: flags.disk ?? [],
    ramSizeBytes: flags.memory,
    virtio: flags.virtio,
    rng: flags.rng,
    net: flags.net,
    hasVirtioConsole: flags.virtioConsole,
    clock: flags.clock ?? (isInteractive(context) ? 'host' : 'virtual'),
    timePoint: timePointRequest(flags),
  };
}

/** Flags of `record` alone. */
export interface TimePointFlags {
  readonly timePoint?: 'step' | PmuConfig['kind'];
  readonly pmu?: PmuRequest;
}

export const TIME_POINT_FLAGS = {
  timePoint: {
    kind: 'parsed',
    parse: parseTimePoint,
    optional: true,
    placeholder: 'step|branches|branches+register',
    brief: 'How the log names places; default step',
  },
  pmu: {
    kind: 'parsed',
    parse: parsePmu,
    optional: true,
    placeholder: 'skid=N,seed=S,overcount=K',
    brief: 'The performance counter of time points by branches; default 0 for each',
  },
} as const;

export const MARGIN_FLAG = {
  kind: 'parsed',
  parse: parseMargin,
  optional: true,
  placeholder: 'N',
  brief: 'Time points by branches: stop N before a place, and learn; goes back where N was too few',
} as const;

/** Throws {@link PmuWithoutBranchesError}. */
function timePointRequest({ timePoint = 'step', pmu }: TimePointFlags): PmuConfig | undefined {
  if (timePoint !== 'step') return { kind: timePoint, skid: 0, seed: 0, overcount: 0, ...pmu };
  if (pmu !== undefined) throw new PmuWithoutBranchesError();
  return undefined;
}

/** Steps are counted exactly, without a performance counter. */
class PmuWithoutBranchesError extends VmError {
  override readonly name = 'PmuWithoutBranchesError';
  constructor() {
    super('only time points by branches have a performance counter', {
      where: '--pmu',
      expected: '--time-point branches or branches+register with it',
      found: '--time-point step',
      next: 'add --time-point branches, or leave out --pmu',
    });
  }
}

/** A person sits there: standard input and output are a terminal. */
export function isInteractive({ process }: CliContext): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Flags of `run` and `record`. */
export type RunFlags = MachineFlags & InspectFlags & OutputFlags;
