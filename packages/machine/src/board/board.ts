/**
 * The devices of the board, wired: windows on the bus, lines into the PLIC and the hart, clocks,
 * ways out.
 *
 * The order in which devices are made is part of the machine's meaning: it numbers the alarms that
 * fall due at the same tick, and orders the devices in snapshots. Virtio slots are filled from 0:
 * disks in the order of the configuration, then net, rng, console.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { CoreInterface, InterruptName } from '@casmotion/cpu-core';
import type { PeerMessage } from '@casmotion/events';
import {
  Aclint,
  type BlockImage,
  type Device,
  type DmaMemory,
  EventChannel,
  ExternalBackend,
  GoldfishRtc,
  type InterruptLine,
  LoopbackBackend,
  type MachineClock,
  OverlayStore,
  Plic,
  TestFinisher,
  Uart,
  VirtioBlk,
  VirtioConsole,
  VirtioMmio,
  type VirtioModel,
  VirtioNet,
  VirtioRng,
} from '@casmotion/devices';
import { ALONE, type MachineConfig } from '../machine-config.ts';
import type { HaltResult } from '../machine-interface.ts';
import { AlarmQueue } from './alarm-queue.ts';
import { Bus, type BusWindow } from './bus.ts';
import { EmptyVirtioSlot } from './empty-virtio-slot.ts';
import { regionNamed, type RegionName, VIRTIO_SLOTS } from './memory-map.ts';
import { createRamDma } from './ram-dma.ts';

/** What devices need of the machine they are in. */
export interface BoardHost {
  /** Asked for at each use: the core is made after the board. */
  core(): CoreInterface;
  consoleOutput(console: number, bytes: Uint8Array): void;
  netPacket(nic: number, bytes: Uint8Array): void;
  peerMessage(message: PeerMessage): void;
  finish(result: HaltResult): void;
  /** An alarm was set. */
  alarmSet(ticks: number): void;
}

export class Board {
  readonly bus: Bus;
  readonly alarms: AlarmQueue;
  readonly memory: DmaMemory;
  readonly uart: Uart;
  readonly eventChannel: EventChannel;
  /** By number: disks as in the configuration, the nth virtio console, the nth network device. */
  readonly disks: readonly OverlayStore[];
  readonly consoles: readonly VirtioConsole[];
  readonly nics: readonly VirtioNet[];
  readonly rng: VirtioRng | undefined;
  readonly #devices: readonly Device[];

  constructor(config: MachineConfig, diskImages: readonly BlockImage[], host: BoardHost) {
    this.alarms = new AlarmQueue(
      () => host.core().ticksAt(host.core().step),
      (ticks) => host.alarmSet(ticks),
    );
    this.memory = createRamDma(() => host.core());
    const hartLine = (name: InterruptName): InterruptLine => ({
      set: (isHigh) => host.core().setInterrupt(name, isHigh),
    });
    const plic = new Plic({ contexts: [hartLine('MEIP'), hartLine('SEIP')] });
    const lineOf = (name: RegionName) => plic.line(regionNamed(name).irq ?? 0);

    const aclint: Aclint = new Aclint({
      clock: this.alarms.addClock(() => aclint),
      harts: [{ software: hartLine('MSIP'), timer: hartLine('MTIP') }],
    });
    const rtc: GoldfishRtc = new GoldfishRtc({
      clock: this.alarms.addClock(() => rtc),
      line: lineOf('rtc'),
      baseNanoseconds: config.rtcBaseNanoseconds,
    });
    this.uart = new Uart({ line: lineOf('uart'), output: (bytes) => host.consoleOutput(0, bytes) });
    this.eventChannel = createEventChannel(config, this.alarms, host, this.memory, lineOf);
    const finisher = new TestFinisher({ finish: (result) => host.finish(result) });

    const virtio = new VirtioSlots(config, this.alarms, this.memory, lineOf);
    this.disks = diskImages.map((image) => virtio.addDisk(image));
    this.nics = config.net === 'none' ? [] : [virtio.addNet((bytes) => host.netPacket(0, bytes))];
    this.rng = virtio.addRng();
    this.consoles = config.hasVirtioConsole
      ? [virtio.addConsole((bytes) => host.consoleOutput(1, bytes))]
      : [];

    const windows: BusWindow[] = [
      { region: regionNamed('aclint'), device: aclint },
      { region: regionNamed('rtc'), device: rtc },
      { region: regionNamed('uart'), device: this.uart },
      { region: regionNamed('event-channel'), device: this.eventChannel },
      { region: regionNamed('finisher'), device: finisher },
      ...virtio.fill(),
      { region: regionNamed('plic'), device: plic },
    ];
    this.bus = new Bus(windows);
    this.#devices = windows.map(({ device }) => device);
  }

  /** All devices as after power-on, their lines driven. */
  reset(): void {
    for (const device of this.#devices) device.reset();
  }

  /** The state of all devices but the disks' overlays. */
  snapshot(writer: ByteWriter): void {
    for (const device of this.#devices) device.snapshot(writer);
  }

  /** The PLIC last: to drive a line is to ask for an interrupt, and a restore asks for none. */
  restore(reader: ByteReader): void {
    this.alarms.clear();
    for (const device of this.#devices) device.restore(reader);
  }
}

function createEventChannel(
  config: MachineConfig,
  alarms: AlarmQueue,
  host: BoardHost,
  memory: DmaMemory,
  lineOf: (name: RegionName) => InterruptLine,
): EventChannel {
  const { id, peers } = config.domain ?? ALONE;
  const channel: EventChannel = new EventChannel({
    lines: [lineOf('event-channel')],
    memory,
    clock: alarms.addClock(() => channel),
    time: {
      get ticks() {
        return host.core().ticksAt(host.core().step);
      },
      get slope() {
        return host.core().timeLine.slope;
      },
      cycle: () => host.core().hart.getCsr(CSR_MCYCLE) ?? 0n,
    },
    wallNanoseconds: BigInt(config.rtcBaseNanoseconds),
    domain: { id, hasPeers: peers === 'host' },
    consoleOutput: (bytes) => host.consoleOutput(ringConsoleOf(config), bytes),
    peerMessage: (message) => host.peerMessage(message),
  });
  return channel;
}

/** The number of the console that is a ring of the event channel: after the virtio consoles. */
export function ringConsoleOf(config: MachineConfig): number {
  return config.hasVirtioConsole ? 2 : 1;
}

/** Fills the virtio-mmio slots in order. */
class VirtioSlots {
  readonly #config: MachineConfig;
  readonly #alarms: AlarmQueue;
  readonly #memory: DmaMemory;
  readonly #lineOf: (name: RegionName) => InterruptLine;
  readonly #windows: BusWindow[] = [];
  #diskCount = 0;

  constructor(
    config: MachineConfig,
    alarms: AlarmQueue,
    memory: DmaMemory,
    lineOf: (name: RegionName) => InterruptLine,
  ) {
    this.#config = config;
    this.#alarms = alarms;
    this.#memory = memory;
    this.#lineOf = lineOf;
  }

  addDisk(image: BlockImage): OverlayStore {
    const store = new OverlayStore(image);
    const id = `casmotion-disk${this.#diskCount++}`;
    this.#add('blk', (clock) => new VirtioBlk({ clock, store, id, isStoreInSnapshot: false }));
    return store;
  }

  addNet(output: (bytes: Uint8Array) => void): VirtioNet {
    return this.#add('net', (clock) => {
      const backend =
        this.#config.net === 'loopback'
          ? new LoopbackBackend({ clock })
          : new ExternalBackend(output);
      return new VirtioNet({ mac: macAddress(this.#config), backend });
    });
  }

  addRng(): VirtioRng | undefined {
    const { rng } = this.#config;
    if (rng.kind === 'none') return undefined;
    return this.#add(
      'rng',
      (clock) =>
        new VirtioRng(
          rng.kind === 'seed' ? { kind: 'seed', seed: rng.seed, clock } : { kind: 'host' },
        ),
    );
  }

  addConsole(output: (bytes: Uint8Array) => void): VirtioConsole {
    return this.#add('console', () => new VirtioConsole({ output }));
  }

  /** All windows, the empty slots' too. */
  fill(): readonly BusWindow[] {
    while (this.#windows.length < VIRTIO_SLOTS) {
      const region = regionNamed(`virtio${this.#windows.length}`);
      const device = new EmptyVirtioSlot(slotName('empty', region.baseAddress), this.#isLegacy);
      this.#windows.push({ region, device });
    }
    return this.#windows;
  }

  #add<Model extends VirtioModel>(
    kind: string,
    createModel: (clock: MachineClock) => Model,
  ): Model {
    const region = regionNamed(`virtio${this.#windows.length}`);
    const model = createModel(this.#alarms.addClock(() => device));
    const device: VirtioMmio = new VirtioMmio({
      name: slotName(kind, region.baseAddress),
      model,
      line: this.#lineOf(region.name),
      dma: this.#memory,
      isLegacy: this.#isLegacy,
    });
    this.#windows.push({ region, device });
    return model;
  }

  get #isLegacy(): boolean {
    return this.#config.virtio === 'legacy';
  }
}

function slotName(kind: string, baseAddress: number): string {
  return `virtio-${kind}@${baseAddress.toString(16)}`;
}

const CSR_MCYCLE = 0xb00;

/** Locally administered; the last two bytes are the domain, so that no two of a lab are alike. */
function macAddress({ domain = ALONE }: MachineConfig): Uint8Array {
  return Uint8Array.of(0x02, 0x43, 0x41, 0x53, domain.id >> 8, domain.id & 0xff);
}
