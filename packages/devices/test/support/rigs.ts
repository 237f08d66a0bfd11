/** Every device of the package on a bare board, ready for the same seeded traffic. */
import type { Prng } from '@casmotion/base';
import { Aclint } from '../../src/aclint/aclint.ts';
import type { Device } from '../../src/device.ts';
import { Plic } from '../../src/plic/plic.ts';
import { GoldfishRtc } from '../../src/rtc/goldfish-rtc.ts';
import { TestFinisher } from '../../src/test-finisher/test-finisher.ts';
import { Uart } from '../../src/uart/uart.ts';
import { MemoryImage, OverlayStore } from '../../src/virtio-blk/block-store.ts';
import { VirtioBlk } from '../../src/virtio-blk/virtio-blk.ts';
import { VirtioConsole } from '../../src/virtio-console/virtio-console.ts';
import { ExternalBackend, LoopbackBackend } from '../../src/virtio-net/backend.ts';
import { VirtioNet } from '../../src/virtio-net/virtio-net.ts';
import { VirtioRng } from '../../src/virtio-rng/virtio-rng.ts';
import type { VirtioModel } from '../../src/virtio/model.ts';
import { VirtioMmio } from '../../src/virtio/virtio-mmio.ts';
import { FakeClock, FakeLine, ramp, type FakeMemory } from './board.ts';
import { createChannel, HostileDomain, playInput } from './hostile-domain.ts';
import { HostileDriver, randomAccess, randomBytes, type Operation } from './hostile-driver.ts';

/** One device and all that it touches. */
export interface Rig {
  readonly device: Device & { checkInvariants?(): void };
  readonly clock: FakeClock;
  readonly lines: readonly FakeLine[];
  readonly memory: FakeMemory;
  /** What came out: texts, in order. */
  readonly outputs: string[];
  /** Something from outside, such as typed bytes. */
  readonly input: (bytes: Uint8Array) => void;
}

export interface RigKind {
  readonly name: string;
  /**
   * A device as after power-on; memory and outputs are given where another one goes on with them.
   */
  readonly create: (memory: FakeMemory, outputs: string[]) => Rig;
  /** A source of traffic. */
  readonly traffic: (prng: Prng, mischief: number) => (isFirst: boolean) => Operation[];
  readonly isVirtio: boolean;
}

export const RIG_RAM_BYTES = 0x4_0000;

/** Plays one operation and gives what it showed. */
export function play(rig: Rig, operation: Operation): number {
  switch (operation.kind) {
    case 'read':
      return rig.device.read(operation.offset, operation.sizeBytes);
    case 'write':
      rig.device.write(operation.offset, operation.sizeBytes, operation.value);
      return 0;
    case 'poke':
      rig.memory.write(operation.address, operation.bytes);
      return 0;
    case 'advance':
      rig.clock.advance(rig.device, operation.ticks);
      return rig.clock.nowTicks;
    case 'input':
      rig.input(operation.bytes);
      return 0;
  }
}

const simpleKinds: RigKind[] = [
  simple('aclint', [0, 4, 0x4000, 0x4004, 0x4008, 0x400c, 0xbff8, 0xbffc], ({ clock, line }) => {
    const harts = [1, 2].map(() => ({ software: line(), timer: line() }));
    return { device: new Aclint({ clock, harts }) };
  }),
  simple('plic', plicOffsets(), ({ line }) => {
    const plic = new Plic({ contexts: [line(), line()] });
    const input = (bytes: Uint8Array): void => {
      for (let i = 0; i + 1 < bytes.length && i < 8; i += 2) {
        plic.line(1 + ((bytes[i] ?? 0) % 12)).set(((bytes[i + 1] ?? 0) & 1) === 1);
      }
    };
    return { device: plic, input };
  }),
  simple('uart', [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], ({ line, output }) => {
    const uart = new Uart({ line: line(), output: (bytes) => output('out', bytes) });
    return { device: uart, input: (bytes) => output(`took ${uart.receive(bytes)}`) };
  }),
  simple('goldfish-rtc', [0, 4, 8, 12, 16, 20, 24, 28, 32], ({ clock, line }) => ({
    device: new GoldfishRtc({ clock, line: line(), baseNanoseconds: 1n << 60n }),
  })),
  simple('test-finisher', [0, 4], ({ output }) => ({
    device: new TestFinisher({ finish: (finish) => output(finish.cause) }),
  })),
];

/** What a device is made of, on a rig. */
interface Parts {
  readonly clock: FakeClock;
  readonly line: () => FakeLine;
  readonly output: (what: string, bytes?: Uint8Array) => void;
}

interface Made {
  readonly device: Device;
  readonly input?: (bytes: Uint8Array) => void;
}

function createRig(memory: FakeMemory, outputs: string[], make: (parts: Parts) => Made): Rig {
  const clock = new FakeClock();
  const lines: FakeLine[] = [];
  const made = make({
    clock,
    line: () => {
      const line = new FakeLine();
      lines.push(line);
      return line;
    },
    output: (what, bytes) => {
      outputs.push(bytes === undefined ? what : `${what} ${bytes.join(' ')}`);
    },
  });
  return { device: made.device, clock, lines, memory, outputs, input: made.input ?? (() => {}) };
}

/** A device driven by accesses to `offsets`, with values that mean something now and then. */
function simple(name: string, offsets: readonly number[], make: (parts: Parts) => Made): RigKind {
  return {
    name,
    isVirtio: false,
    create: (memory, outputs) => createRig(memory, outputs, make),
    traffic: (prng) => () => {
      if (prng.chance(5)) return [{ kind: 'advance', ticks: prng.below(3000) }];
      if (prng.chance(5)) return [{ kind: 'input', bytes: randomBytes(prng, prng.below(40)) }];
      if (prng.chance(40)) return [randomAccess(prng, 0x4000)];
      const offset = prng.pick(offsets);
      const sizeBytes = prng.chance(8) ? prng.pick([1, 2] as const) : 4;
      if (prng.chance(2)) return [{ kind: 'read', offset, sizeBytes }];
      const value = prng.pick([0, 1, prng.below(16), prng.below(3000), 0x5555, 0x3333, prng.u32()]);
      return [{ kind: 'write', offset, sizeBytes, value: value % 2 ** (8 * sizeBytes) }];
    },
  };
}

/** Virtio device `kind`, driven by the hostile driver. */
function virtio(
  kind: string,
  isLegacy: boolean,
  make: (parts: Parts) => { model: VirtioModel; input?: (bytes: Uint8Array) => void },
): RigKind {
  const name = `virtio-${kind}${isLegacy ? ' legacy' : ''}`;
  let queueCount = 0;
  const create = (memory: FakeMemory, outputs: string[]): Rig =>
    createRig(memory, outputs, (parts) => {
      const { model, input } = make(parts);
      queueCount = model.queueMaxSizes.length;
      const device = new VirtioMmio({ name, model, line: parts.line(), dma: memory, isLegacy });
      return input === undefined ? { device } : { device, input };
    });
  const traffic: RigKind['traffic'] = (prng, mischief) => {
    const options = { prng, queueCount, isLegacy, mischief, ramBytes: RIG_RAM_BYTES };
    const driver = new HostileDriver(options);
    return (isFirst) => driver.next(isFirst);
  };
  return { name, isVirtio: true, create, traffic };
}

const virtioKinds = [false, true].flatMap((isLegacy) => [
  virtio('blk', isLegacy, ({ clock }) => {
    const store = new OverlayStore(new MemoryImage(ramp(0x5000)));
    return { model: new VirtioBlk({ clock, store, id: 'disk' }) };
  }),
  virtio('net loopback', isLegacy, ({ clock }) => {
    const net = new VirtioNet({ mac: ramp(6), backend: new LoopbackBackend({ clock }) });
    return { model: net, input: (bytes) => void net.receive(bytes) };
  }),
  virtio('net external', isLegacy, ({ output }) => {
    const backend = new ExternalBackend((frame) => output('frame', frame));
    const net = new VirtioNet({ mac: ramp(6), backend });
    return { model: net, input: (bytes) => void net.receive(bytes) };
  }),
  virtio('rng host', isLegacy, ({ output }) => {
    const rng = new VirtioRng({ kind: 'host' });
    const input = (bytes: Uint8Array): void => {
      output(`wanted ${rng.wantedBytes}`);
      rng.provide(bytes);
    };
    return { model: rng, input };
  }),
  virtio('rng seed', isLegacy, ({ clock }) => ({
    model: new VirtioRng({ kind: 'seed', seed: 3, clock }),
  })),
  virtio('console', isLegacy, ({ output }) => {
    const terminal = new VirtioConsole({ output: (bytes) => output('out', bytes) });
    return { model: terminal, input: (bytes) => void terminal.receive(bytes) };
  }),
]);

/** Alone, with one vCPU; and with others and three. */
const channelKinds = [false, true].map((hasPeers): RigKind => ({
  name: hasPeers ? 'event-channel with peers' : 'event-channel',
  isVirtio: false,
  create: (memory, outputs) =>
    createRig(memory, outputs, ({ clock, line, output }) => {
      const lines = hasPeers ? [line(), line(), line()] : [line()];
      const device = createChannel({ clock, lines, memory, hasPeers, output });
      return { device, input: (bytes) => playInput(device, bytes) };
    }),
  traffic: (prng) => {
    const domain = new HostileDomain(prng, hasPeers);
    return (isFirst) => domain.next(isFirst);
  },
}));

export const rigKinds: readonly RigKind[] = [...simpleKinds, ...channelKinds, ...virtioKinds];

function plicOffsets(): number[] {
  const priorities = Array.from({ length: 12 }, (_, index) => 4 * index);
  const contexts = [0x20_0000, 0x20_1000, 0x20_0004, 0x20_1004, 0x20_1004];
  return [...priorities, 0x1000, 0x2000, 0x2080, ...contexts];
}
