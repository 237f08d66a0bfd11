/**
 * What is measured. Sizes are such that a machine of a thousand million instructions a second needs
 * seconds for compute, so that starting the process weighs little in them, and less for the rest;
 * `quick` ones a tenth to a fifth of that. None makes 2^31 instructions without an event: there
 * QEMU 7.2's recording aborts, which counts them in an int.
 */
import type { ConsoleRule } from './console-text.ts';

export type GuestImage = 'bench' | 'embedded' | 'channel-test' | 'debian';

/**
 * A lab: what its lab.json has, but for the kernel, which is the program's own. `N` in a command
 * line stands for the workload's `append`.
 */
export interface LabImage {
  readonly domains: Readonly<Record<string, LabDomain>>;
  readonly switch: readonly string[];
}

interface LabDomain {
  readonly id: number;
  readonly append: string;
  readonly disks?: readonly string[];
}

export interface Workload {
  readonly name: string;
  /** Means are over sets. */
  readonly set: string;
  readonly about: string;
  readonly image:
    | GuestImage
    | { readonly kernel: string; readonly initrd: string | undefined }
    | { readonly lab: LabImage };
  readonly append: string;
  readonly quickAppend?: string;
  /** Part of `--quick`. */
  readonly isInQuick?: boolean;
  readonly bios?: string;
  readonly memory?: string;
  /** Where casmotion ends it. */
  readonly maxInstructions?: string;
  /** Mebibytes of an empty disk, or the user's own. */
  readonly disk?: number | string;
  readonly console: ConsoleRule;
  /** How `casmotion` may exit; 0 alone if not given. */
  readonly exitCodes?: readonly number[];
  readonly qemu: QemuSetup | { readonly absent: string };
  /** It prints something else in each run under the host's clock. */
  readonly isClockBound?: boolean;
}

/** How QEMU does the same work. */
export interface QemuSetup {
  readonly firmware: 'none' | 'default' | string;
  /** How -icount counts, in all modes but `plain`. */
  readonly counting: string;
}

/** A nanosecond an instruction, idle time skipped: as casmotion's virtual clock. */
export const VIRTUAL_CLOCK = 'shift=0,sleep=off';
/** Under a virtual clock QEMU 7.2's recording never completes a disk request. */
const ADAPTIVE_CLOCK = 'shift=auto';
const BARE: QemuSetup = { firmware: 'none', counting: VIRTUAL_CLOCK };

function bench(
  name: string,
  set: string,
  append: string,
  quickAppend: string,
  about: string,
  more: Partial<Workload> = {},
): Workload {
  const common = { image: 'bench', console: {}, qemu: BARE } as const;
  return { name, set, about, append, quickAppend, ...common, ...more };
}

const QUICK = { isInQuick: true } as const;

export const WORKLOADS: readonly Workload[] = [
  bench('sieve', 'compute', 'sieve 130', 'sieve 20', 'primes below a million, bytes', QUICK),
  bench('crc32', 'compute', 'crc32 2500', 'crc32 360', 'CRC-32 by table', QUICK),
  bench('matmul', 'compute', 'matmul 120', 'matmul 18', 'integer matrix product, 128 by 128'),
  bench('fib', 'compute', 'fib 38', 'fib 34', 'recursive calls', QUICK),
  bench('vm', 'compute', 'vm 4200', 'vm 640', "an interpreter's loop: indirect jumps", QUICK),
  bench('copy', 'compute', 'copy 1000', 'copy 100', '4 MiB copied by words'),
  bench('chase', 'compute', 'chase 30', 'chase 6', 'pointers through 32 MiB'),
  bench('cm', 'compute', 'cm 500', 'cm 80', 'lists, small matrix, state machine, CRC-16'),
  bench('nbody', 'float', 'nbody 250', 'nbody 25', 'planets in double, fused multiply-add', QUICK),
  bench('mandel', 'float', 'mandel 120', 'mandel 12', 'Mandelbrot set in double'),
  bench('irq-1ms', 'interrupts', 'irq 1000 100', 'irq 1000 10', 'sieve, a timer interrupt each ms'),
  bench('irq-100us', 'interrupts', 'irq 100 100', 'irq 100 10', 'the same each 100 us', QUICK),
  bench('irq-10us', 'interrupts', 'irq 10 100', 'irq 10 10', 'the same each 10 us'),
  bench('syscall', 'kernel', 'syscall 400', 'syscall 80', 'ecall from U-mode to S-mode', QUICK),
  bench('fault', 'kernel', 'fault 300', 'fault 60', 'page faults, Sv39 demand mapping', QUICK),
  bench('switch', 'kernel', 'switch 100', 'switch 20', 'two address spaces in turn'),
  bench('console', 'devices', 'console 60', 'console 12', '6,000 lines of 64 characters'),
  bench('uart', 'devices', 'uart 100', 'uart 20', "registers of the UART, without output"),
  bench('disk', 'devices', 'disk 25', 'disk 5', 'virtio-blk, 1 MiB written and read', {
    disk: 8,
    qemu: { firmware: 'none', counting: ADAPTIVE_CLOCK },
  }),
  {
    name: 'embedded-compute',
    set: 'embedded',
    about: 'the embedded guest: kernel, threads, timer',
    image: 'embedded',
    append: 'compute 300',
    quickAppend: 'compute 60',
    console: { startsAfter: 'devices:', leaveOut: /instructions in/ },
    qemu: { firmware: 'default', counting: VIRTUAL_CLOCK },
  },
  {
    name: 'embedded-demo',
    set: 'embedded',
    about: 'the embedded guest: all it can do, with disk and entropy',
    image: 'embedded',
    append: 'demo',
    isInQuick: true,
    disk: 1,
    console: {},
    isClockBound: true,
    exitCodes: [0, 3], // Its race is lost or not, by the code of the guest: both are runs.
    qemu: { absent: 'it prints random numbers and the date' },
  },
  {
    name: 'channel',
    set: 'channels',
    about: 'event channel: notifications, masks, shared page, console ring',
    image: 'channel-test',
    append: 'churn 20000',
    quickAppend: 'churn 4000',
    isInQuick: true,
    console: {},
    qemu: { absent: 'it has no event channel' },
  },
  {
    name: 'lab-blocks',
    set: 'channels',
    about: 'two domains: blocks of 4 KiB through a shared ring',
    image: {
      lab: {
        domains: {
          front: { id: 1, append: 'front 2 200 N' },
          back: { id: 2, append: 'back 1', disks: ['builtin:pattern-disk'] },
        },
        switch: [],
      },
    },
    append: '40',
    quickAppend: '5',
    console: { isUnordered: true },
    qemu: { absent: 'it has no domains' },
  },
  {
    name: 'lab-frames',
    set: 'channels',
    about: 'two domains: frames through the switch and back',
    image: {
      lab: {
        domains: {
          ping: { id: 1, append: 'ping 2 N' },
          echo: { id: 2, append: 'echo N' },
        },
        switch: ['ping', 'echo'],
      },
    },
    append: '2000',
    quickAppend: '300',
    console: { isUnordered: true },
    qemu: { absent: 'it has no domains' },
  },
  {
    name: 'debian',
    set: 'debian',
    about: "Debian's kernel boots; sha256sum, sort, awk, shell and fork loops",
    image: 'debian',
    append: 'console=ttyS0 no4lvl',
    console: { startsAfter: '== begin' },
    qemu: { firmware: 'default', counting: VIRTUAL_CLOCK },
  },
];
