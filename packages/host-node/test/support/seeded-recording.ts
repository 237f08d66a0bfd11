/**
 * Recordings of the embedded guest under a host made of a seed, and their replays: the same seed,
 * the same host. Test support, and of scripts/time-points.ts.
 */
import { createHashes, Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { embeddedGuest } from '@casmotion/guests';
import { MemoryImage } from '@casmotion/devices';
import {
  type CoreInterface,
  type CoreOptions,
  createMachine,
  describeImage,
  EmulatedPmu,
  type Engine,
  type Machine,
  type MachineConfig,
  type MachineImages,
  type PmuConfig,
} from '@casmotion/machine';
import {
  type IdleAnswer,
  type LiveInputs,
  type LiveStatus,
  Recorder,
  type RecordResult,
  Replayer,
  type ReplayResult,
} from '@casmotion/recorder';
import {
  bufferSource,
  createLogTools,
  type JsonValue,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { parseMachineConfig } from '../../src/images/config-json.ts';

const hashes = await createHashes();
const tools = await createLogTools();
const kernel = embeddedGuest();
const disk = new Uint8Array(2 ** 20);

/** What the guest does; by seed. */
const SCRIPTS = [
  'demo',
  'rand; journal format; journal write hello; journal check; evtchn 3; sleep 2; race',
  'compute 3; date; rand; sleep 1; ps; compute 2',
  '',
] as const;

export interface SeededRecording {
  readonly seed: number;
  /** By branches, or undefined: by steps. */
  readonly timePoint: PmuConfig | undefined;
  readonly bytes: Uint8Array;
  readonly result: RecordResult;
  readonly console: readonly number[];
}

export interface ReplayedSeed {
  readonly result: ReplayResult;
  readonly console: readonly number[];
}

/** Where tests break a recording: each gets a part of it and gives what stands in its place. */
export interface RecordHooks {
  readonly core?: (options: CoreOptions) => CoreInterface;
  readonly machine?: (machine: Machine) => Machine;
  readonly writer?: (writer: LogWriter) => LogWriter;
}

/** `timePoint` undefined: by steps. */
export async function recordSeed(
  seed: number,
  timePoint: PmuConfig | undefined,
  engine: Engine = 'translator',
  hooks: RecordHooks = {},
): Promise<SeededRecording> {
  const config: MachineConfig = {
    ...configOf(seed),
    ...(timePoint === undefined ? {} : { timePoint }),
  };
  const { core } = hooks;
  const made = await createMachine(config, images(), {
    hashes,
    engine,
    ...(core === undefined ? {} : { createCore: core }),
  });
  const machine = hooks.machine?.(made) ?? made;
  const { outputs, bytes: console } = collected();
  const sink = new MemorySink();
  const header = { creator: 'test', machine: config as unknown as JsonValue, digests: {} };
  const writer = new LogWriter(sink, tools, header);
  const recorder = new Recorder({
    machine,
    live: new SeededHost(seed),
    log: { writer: hooks.writer?.(writer) ?? writer, hashes },
    outputs,
    landmarkSteps: 1_500_000,
    pmu: timePoint && new EmulatedPmu(machine, timePoint),
  });
  const result = await recorder.run();
  return { seed, timePoint, bytes: sink.toBytes(), result, console };
}

/** By the log alone. */
export async function replaySeed(
  bytes: Uint8Array,
  options: { readonly engine?: Engine; readonly margin?: number; readonly isVerify?: boolean } = {},
): Promise<ReplayedSeed> {
  const { engine = 'translator', margin, isVerify = false } = options;
  const log = openLog(bufferSource(bytes), tools);
  const config = parseMachineConfig(log.header.machine);
  const machine: Machine = await createMachine(config, images(), { hashes, engine });
  const { outputs, bytes: console } = collected();
  const keys = config.timePoint && { machine, pmu: config.timePoint, margin };
  const replayer = new Replayer({ machine, log, hashes, outputs, isVerify, keys });
  return { result: await replayer.run(), console };
}

export function openSeed({ bytes }: SeededRecording) {
  return openLog(bufferSource(bytes), tools);
}

/** The images of every seed. */
export function images(): MachineImages {
  return { kernel, disks: [new MemoryImage(disk)] };
}

function configOf(seed: number): MachineConfig {
  return {
    ramSizeBytes: 16 * 2 ** 20,
    harts: 1,
    bios: 'sbi',
    append: SCRIPTS[seed % SCRIPTS.length] as string,
    kernel: describeImage('guest.elf', kernel, hashes),
    initrd: undefined,
    firmware: undefined,
    disks: [describeImage('disk', disk, hashes)],
    virtio: 'modern',
    rng: { kind: 'host' },
    net: 'none',
    hasVirtioConsole: false,
    clock: 'host',
    rtcBaseNanoseconds: '1700000000000000000',
    rngSeedHex: '00'.repeat(32),
  };
}

function collected() {
  const bytes: number[] = [];
  const outputs = {
    consoleOutput: (_console: number, more: Uint8Array) => void bytes.push(...more),
    netPacket: () => undefined,
  };
  return { bytes, outputs };
}

/** Types commands, moves the clock, cuts sleep short, answers the random device; then ends it. */
class SeededHost implements LiveInputs {
  readonly hasHostTime = true;
  readonly #random: Prng;
  readonly #powerAt: number;
  #idles = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#powerAt = 2_000_000 + this.#random.below(3_000_000);
  }

  get stepsMax(): number {
    return 1 + this.#random.below(this.#random.pick([500, 20_000, 20_000, 150_000]));
  }

  isSyncDue(): boolean {
    return this.#random.chance(20);
  }

  poll(status: LiveStatus): readonly MachineEvent[] {
    if (status.step >= this.#powerAt) return [{ kind: 'power', cause: 'interrupted' }];
    const entropy = this.#entropy(status);
    return this.#random.chance(3) ? [...entropy, this.#event()] : entropy;
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    if (status.step >= this.#powerAt || ++this.#idles > IDLES_MAX) {
      return [{ kind: 'power', cause: 'timeout' }];
    }
    if (deadlineTicks !== undefined && !this.#random.chance(4)) return 'deadline';
    const most = Math.min((deadlineTicks ?? Infinity) - status.ticks, 20_000);
    const ticks = this.#random.below(Math.max(0, most) + 1);
    return [{ kind: 'idle-advance', ticks }, ...this.#entropy(status), this.#event()];
  }

  #entropy({ wantedEntropyBytes }: LiveStatus): MachineEvent[] {
    if (wantedEntropyBytes === 0 || this.#random.chance(3)) return [];
    const bytes = new Uint8Array(1 + this.#random.below(wantedEntropyBytes));
    this.#random.fill(bytes);
    return [{ kind: 'entropy', bytes }];
  }

  #event(): MachineEvent {
    const random = this.#random;
    const typed = random.pick(['rand\r', 'date\r', 'x', 'ps\r', '\x7f', 'compute 1\r']);
    return random.pick<MachineEvent>([
      { kind: 'console-input', console: 0, bytes: new TextEncoder().encode(typed) },
      { kind: 'port-raised', port: 1 + random.below(8) },
      { kind: 'marker', text: `note ${random.below(100)}` },
      {
        kind: 'clock-line',
        jumpTicks: random.below(3) * 20,
        slope: 20_000_000 + random.below(60_000_000),
      },
    ]);
  }
}

const IDLES_MAX = 2000;
