/** From flags to what is measured: workloads, lanes, numbers of rounds. Pure. */
import { VmError } from '@casmotion/base';
import type { Flags, Variant } from './flags.ts';
import { MONITOR_VARIANTS } from './monitors.ts';
import { matchesFilter, planLanes } from './plan.ts';
import { type Lane, QEMU_MODES } from './results.ts';
import { TIME_POINT_VARIANTS } from './time-points.ts';
import { VIRTUAL_CLOCK, type Workload, WORKLOADS } from './workloads.ts';

export interface Selection {
  readonly workloads: readonly Workload[];
  readonly lanes: readonly Lane[];
  readonly runs: number;
  readonly warmUps: number;
}

export function selectWork(flags: Flags): Selection {
  const own = ownVariants(flags);
  const engines = own.length > 0 ? own.map(({ name }) => name) : flags.engine;
  const variants = [...engines, ...(flags.variant ?? []).map(({ name }) => name)];
  const twice = variants.find((name, index) => variants.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new VmError('this engine or variant is there twice', {
      where: '--engine, --variant',
      found: twice,
      next: 'give it another name',
    });
  }
  const qemuModes = flags.peer === 'qemu' ? QEMU_MODES : [];
  const runs = flags.runs ?? (flags.quick ? 2 : 5);
  return {
    workloads: selectWorkloads(flags),
    lanes: planLanes({ modes: flags.modes, variants, qemuModes }),
    runs,
    warmUps: flags.warmUps ?? (flags.quick || runs === 1 ? 0 : 1),
  };
}

/** What is measured in place of engines, if a flag asks for it. */
export function ownVariants({ timePoints, monitors }: Flags): readonly Variant[] {
  if (timePoints && monitors) {
    throw new VmError('one thing in place of engines at a time', {
      where: '--time-points, --monitors',
      next: 'measure them one after the other',
    });
  }
  if (timePoints) return TIME_POINT_VARIANTS;
  return monitors ? MONITOR_VARIANTS : [];
}

function selectWorkloads(flags: Flags): Workload[] {
  const { kernel, initrd, append, disk, bios, memory, filter } = flags;
  const { maxInstructions, comparesAfter } = flags;
  if (kernel !== undefined) return [ownWorkload({ ...flags, kernel })];
  const stray = Object.entries({
    ...{ initrd, append, disk, bios, memory },
    'max-instructions': maxInstructions,
    'compares-after': comparesAfter,
  }).find(([, value]) => value !== undefined);
  if (stray !== undefined) {
    throw new VmError('this flag belongs to your own guest', {
      where: `--${stray[0]}`,
      expected: '--kernel FILE with it',
      next: 'pnpm bench --help',
    });
  }
  const named = WORKLOADS.filter(({ name, set, isInQuick }) =>
    filter === undefined ? !flags.quick || isInQuick === true : matchesFilter(filter, name, set),
  );
  const chosen = named.filter((workload) => isMeasurable(workload, flags));
  if (chosen.length > 0) return chosen;
  const found = JSON.stringify(filter);
  if (named.length > 0) {
    throw new VmError('these workloads cannot be measured so', {
      where: '--filter',
      expected: 'no labs with --variant, --time-points and --monitors: they have flags in a file',
      found,
      next: 'leave these flags out, or name other workloads',
    });
  }
  const next = 'pnpm bench --list';
  throw new VmError('no workload has such a name or set', { where: '--filter', found, next });
}

/** Can it be compared with itself under these flags? */
function isMeasurable({ image, isClockBound }: Workload, flags: Flags): boolean {
  const isHostTimed = flags.timePoints || flags.monitors;
  const isLab = typeof image === 'object' && 'lab' in image;
  if (isLab) return !isHostTimed && (flags.variant ?? []).length === 0;
  return !isHostTimed || isClockBound !== true;
}

/** The user's own guest: measured as ours are; against QEMU its whole console is compared. */
function ownWorkload(flags: Flags & { readonly kernel: string }): Workload {
  const { kernel, initrd, append = '', disk, bios, memory } = flags;
  const { maxInstructions, comparesAfter } = flags;
  const firmware = bios === undefined || bios === 'sbi' ? 'default' : bios;
  return {
    name: 'own',
    set: 'own',
    about: 'your own guest',
    image: { kernel, initrd },
    append,
    console: comparesAfter === undefined ? {} : { startsAfter: comparesAfter },
    ...(disk === undefined ? {} : { disk }),
    ...(bios === undefined ? {} : { bios }),
    ...(memory === undefined ? {} : { memory }),
    ...(maxInstructions === undefined ? {} : { maxInstructions, exitCodes: [0, 4] }),
    qemu:
      maxInstructions === undefined
        ? { firmware, counting: VIRTUAL_CLOCK }
        : { absent: 'it is ended after a number of instructions, which QEMU does not do' },
  };
}
