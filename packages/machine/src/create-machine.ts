/**
 * Makes a machine: checks its images, lays out memory, wires the board, and sets the hart at its
 * start.
 */
import { assert, createHashes, type Hashes, VmError } from '@casmotion/base';
import {
  type CoreInterface,
  type CoreOptions,
  createCore,
  type TimeLine,
  type Engine,
} from '@casmotion/cpu-core';
import { Board } from './board/board.ts';
import { RAM_BASE, VIRTIO_SLOTS } from './board/memory-map.ts';
import { type BootPlan, planBoot } from './boot/boot-plan.ts';
import { StateDigest } from './digest/state-digest.ts';
import { checkImages, type MachineImages } from './images.ts';
import { ALONE, type MachineConfig } from './machine-config.ts';
import { Machine } from './machine.ts';
import { OutputBuffer } from './output-buffer.ts';
import { startSupervisor } from './sbi/start-supervisor.ts';

export interface MachineOptions {
  /** Compiles a module; `compileModule` if not given. */
  readonly compile?: CoreOptions['compile'];
  /** Hash functions that are there already; made if not given. */
  readonly hashes?: Hashes;
  /** How instructions are executed; nothing that a guest can see depends on it. */
  readonly engine?: Engine;
  /** See `CoreOptions`. */
  readonly hotJumps?: number | undefined;
  readonly observer?: CoreOptions['observer'];
  readonly profiler?: CoreOptions['profiler'];
  /** Makes the core; that of cpu-core if not given. */
  readonly createCore?: (options: CoreOptions) => CoreInterface;
  /**
   * The caller has made the configuration's references from these very images: do not hash them
   * again.
   */
  readonly areImagesChecked?: boolean;
}

/** Compiles a module of a core, synchronously. */
export const compileModule: CoreOptions['compile'] = (bytes) => new WebAssembly.Module(bytes);

/**
 * A machine that stands before its first step: a function of configuration and images alone.
 * Throws `VmError` subclasses that name the file: wrong image, nothing to boot, too large for
 * memory.
 */
export async function createMachine(
  config: MachineConfig,
  images: MachineImages,
  options: MachineOptions = {},
): Promise<Machine> {
  checkConfig(config);
  const hashes = options.hashes ?? (await createHashes());
  if (options.areImagesChecked !== true) await checkImages(config, images, hashes);
  const plan = planBoot(config, images);

  const output = new OutputBuffer();
  const made: { core?: CoreInterface; machine?: Machine } = {};
  const core = (): CoreInterface => {
    assert(made.core !== undefined, 'a device used the core before it was made');
    return made.core;
  };
  const board = new Board(config, (images.disks ?? []).slice(0, config.disks.length), {
    core,
    consoleOutput: (console, bytes) => output.console(console, bytes),
    netPacket: (nic, bytes) => output.netPacket(nic, bytes),
    peerMessage: (message) => output.peerMessage(message),
    finish: (result) => made.machine?.finish(result),
    alarmSet: (ticks) => made.machine?.alarmSet(ticks),
  });
  const engine = (options.createCore ?? createCore)({
    ramSizeBytes: config.ramSizeBytes,
    rom: plan.rom,
    bus: {
      read: (address, sizeBytes) => board.bus.read(address, sizeBytes),
      write: (address, sizeBytes, value) => {
        const isMapped = board.bus.write(address, sizeBytes, value);
        made.machine?.busWritten();
        return isMapped;
      },
    },
    hasBuiltInSbi: config.bios === 'sbi',
    compile: options.compile ?? compileModule,
    engine: options.engine,
    hotJumps: options.hotJumps,
    observer: options.observer,
    profiler: options.profiler,
    isCountingTransfers: config.timePoint !== undefined,
  });
  made.core = engine;
  loadAndStart(engine, plan);
  board.reset();
  const digest = new StateDigest(hashes, engine, board.disks);
  const machine = new Machine({ core: engine, board, digest, output });
  made.machine = machine;
  return machine;
}

function loadAndStart(core: CoreInterface, plan: BootPlan): void {
  core.timeLine = VIRTUAL_TIME_LINE;
  for (const { address, bytes } of plan.loads) {
    core.ram.set(bytes, address - RAM_BASE);
    core.noteRamWrite(address, bytes.length);
  }
  if (plan.start === 'supervisor') startSupervisor(core.hart, plan.kernelEntry, plan.dtbAddress);
}

function checkConfig(config: MachineConfig): void {
  const { id } = config.domain ?? ALONE;
  if (!Number.isInteger(id) || id < 1 || id >= DOMIDS_RESERVED) {
    throw new VmError('a machine cannot be this domain', {
      where: 'domain.id',
      expected: '1 to 32751; 0 is the host',
      found: `${id}`,
    });
  }
  const slots =
    config.disks.length +
    (config.net === 'none' ? 0 : 1) +
    (config.rng.kind === 'none' ? 0 : 1) +
    (config.hasVirtioConsole ? 1 : 0);
  if (slots > VIRTIO_SLOTS) {
    throw new VmError('more devices than the board has virtio slots', {
      where: '--disk',
      expected: `at most ${VIRTIO_SLOTS} of disk, net, rng and console together`,
      found: `${slots}`,
    });
  }
}

/** DOMID_SELF and what follows it mean something else: Xen's public/xen.h. */
const DOMIDS_RESERVED = 0x7ff0;

/**
 * Ticks a step of the virtual clock, and of any clock until its first clock-line event: one
 * nanosecond a step is a hundredth of a tick, 2^32 / 100 = 42,949,672.96 in 32 fraction bits. It is
 * rounded up, to be exactly this: guest time runs fast by 0.93 ns a second.
 */
export const VIRTUAL_CLOCK_SLOPE = 42_949_673;

const VIRTUAL_TIME_LINE: TimeLine = { originStep: 0, originTicks: 0, slope: VIRTUAL_CLOCK_SLOPE };
