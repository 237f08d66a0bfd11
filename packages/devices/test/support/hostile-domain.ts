/**
 * A guest, and its peers, that use the event channel in every way they can think of: seeded, as
 * plain data, so that the same traffic can be played to several devices. Ports, grants and pages
 * are few, so that operations meet.
 */
import type { Prng } from '@casmotion/base';
import type { PageRun, PeerMessage, PeerRequest } from '@casmotion/events';
import type { DmaMemory, InterruptLine, MachineClock } from '../../src/device.ts';
import { EventChannel } from '../../src/event-channel/event-channel.ts';
import * as op from '../../src/event-channel/operations.ts';
import * as reg from '../../src/event-channel/registers.ts';
import { RAM_BASE } from './board.ts';
import { randomAccess, randomBytes, type Operation } from './hostile-driver.ts';

/** This domain is 5; the pages with a meaning are the first few of RAM. */
export const OWN_DOMAIN = 5;
const FRAME = RAM_BASE / 4096;

export function createChannel(parts: {
  clock: MachineClock;
  lines: readonly InterruptLine[];
  memory: DmaMemory;
  hasPeers: boolean;
  output: (what: string, bytes?: Uint8Array) => void;
}): EventChannel {
  const { clock, lines, memory, hasPeers, output } = parts;
  return new EventChannel({
    lines,
    memory,
    clock,
    time: {
      get ticks() {
        return clock.nowTicks;
      },
      slope: 42_949_673,
      cycle: (vcpu) => BigInt(clock.nowTicks) * 100n + BigInt(vcpu),
    },
    wallNanoseconds: 1_700_000_000_123_456_789n,
    domain: { id: OWN_DOMAIN, hasPeers },
    consoleOutput: (bytes) => output('ring', bytes),
    peerMessage: (message) => output(messageText(message)),
  });
}

/** Something from outside, made of a few bytes. */
export function playInput(channel: EventChannel, bytes: Uint8Array): void {
  const [kind = 0, a = 0, b = 0, c = 0] = bytes;
  switch (kind % 8) {
    case 0:
      return channel.raise(a % 20);
    case 1:
      return channel.raiseVirq(a % 26, b % 4);
    case 2:
      return channel.receiveConsole(bytes);
    case 3:
      return channel.timeLineChanged();
    case 4:
      return channel.receivePage(peer(a), b % 10, c % 2 === 0, runsOf(bytes));
    case 5:
    case 6:
      return channel.receiveRequest(peer(a), requestOf(bytes));
    default: {
      const isGood = a % 3 > 0;
      const page = new Uint8Array([4096, b * 16, 0][c % 3] ?? 0).fill(a);
      channel.answer({
        kind: 'hypercall-result',
        result: isGood ? 0 : -(b % 40),
        bytes: page,
      });
    }
  }
}

export class HostileDomain {
  readonly #prng: Prng;
  readonly #hasPeers: boolean;

  constructor(prng: Prng, hasPeers: boolean) {
    this.#prng = prng;
    this.#hasPeers = hasPeers;
  }

  /** The next few operations. The first ones give the pages their places. */
  next(isFirst: boolean): Operation[] {
    const prng = this.#prng;
    if (isFirst || prng.chance(80)) return this.#setUp();
    switch (prng.below(10)) {
      case 0:
        return [{ kind: 'advance', ticks: prng.below(2000) }];
      case 1:
      case 2:
        return [{ kind: 'input', bytes: randomBytes(prng, 4 + prng.below(30)) }];
      case 3:
        return [{ kind: 'poke', address: this.#address(), bytes: randomBytes(prng, 8) }];
      case 4:
        return [this.#grant()];
      case 5:
        return [randomAccess(prng, 0x4000)];
      case 6:
        return [{ kind: 'read', offset: this.#frame() + prng.pick([0x38, 0x3c, 0]), sizeBytes: 4 }];
      default:
        return this.#operation();
    }
  }

  #setUp(): Operation[] {
    const cleared: Operation = {
      kind: 'poke',
      address: RAM_BASE,
      bytes: new Uint8Array(2 * 4096),
    };
    return [
      cleared,
      ...operate(0, op.OP_ADD_TO_PHYSMAP, [0, 0, FRAME]),
      ...operate(0, op.OP_ADD_TO_PHYSMAP, [1, 0, FRAME + 1]),
      ...operate(0, op.OP_SET_PARAM, [17, FRAME + 2]),
      { kind: 'poke', address: RAM_BASE + 1, bytes: Uint8Array.of(0) },
    ];
  }

  #operation(): Operation[] {
    const prng = this.#prng;
    const small = () => prng.below(12);
    const domain = () => prng.pick([reg.DOMID_SELF, OWN_DOMAIN, 2, 3, 0, 0x7ff4]);
    const page = () => prng.pick([FRAME, FRAME + 1, FRAME + prng.below(12), 3, 2 ** 50, 0x90000]);
    const calls: readonly (readonly [number, readonly number[]])[] = [
      [op.OP_ALLOC_UNBOUND, [reg.DOMID_SELF, domain()]],
      [op.OP_ALLOC_UNBOUND, [domain(), domain()]],
      [op.OP_BIND_INTERDOMAIN, [domain(), small()]],
      [op.OP_BIND_INTERDOMAIN, [reg.DOMID_SELF, small()]],
      [op.OP_BIND_VIRQ, [prng.below(26), prng.below(4)]],
      [op.OP_BIND_VIRQ, [0, prng.below(2)]],
      [op.OP_BIND_IPI, [prng.below(4)]],
      [op.OP_BIND_VCPU, [small(), prng.below(4)]],
      [op.OP_CLOSE, [small()]],
      [op.OP_SEND, [small()]],
      [op.OP_SEND, [small()]],
      [op.OP_UNMASK, [small()]],
      [op.OP_STATUS, [domain(), prng.below(4100)]],
      [op.OP_SET_SINGLESHOT_TIMER, [prng.below(400_000), prng.below(3)]],
      [op.OP_SET_SINGLESHOT_TIMER, [2 ** 63, 0]],
      [op.OP_STOP_SINGLESHOT_TIMER, []],
      [op.OP_ADD_TO_PHYSMAP, [prng.below(3), prng.below(5) === 0 ? 1 : 0, page()]],
      [op.OP_REMOVE_FROM_PHYSMAP, [page()]],
      [op.OP_SET_PARAM, [prng.below(20), page()]],
      [op.OP_GET_PARAM, [prng.pick([17, 18, 3])]],
      [op.OP_MAP_GRANT_REF, [prng.pick([2, 6, 0]), prng.below(10), domain() % 0x7ff0, page()]],
      [op.OP_MAP_GRANT_REF, [prng.pick([2, 6]), prng.below(8), OWN_DOMAIN, FRAME + 8]],
      [op.OP_UNMAP_GRANT_REF, [prng.pick([0, 1, 2, 64, 2 ** 60])]],
      [op.OP_GRANT_COPY, [prng.below(4), prng.below(9), domain(), small(), RAM_BASE + small(), 64]],
      [op.OP_GRANT_COPY, [1, prng.u32(), domain(), prng.u32(), prng.u32(), prng.u32()]],
      [prng.pick([op.OP_VERSION, op.OP_GRANT_QUERY_SIZE, op.OP_BIND_PIRQ, prng.u32()]), []],
      [op.OP_RESET, [prng.chance(4) ? domain() : 9]],
    ];
    const [operation, args] = prng.pick(calls);
    const vcpu = this.#hasPeers ? prng.below(3) : 0;
    return operate(vcpu, operation, args);
  }

  /** An entry of the table of grants. */
  #grant(): Operation {
    const prng = this.#prng;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, prng.pick([1, 1, 1, 5, 0, 2, prng.u32() & 0xffff]), true);
    view.setUint16(2, prng.pick([OWN_DOMAIN, OWN_DOMAIN, 2, 3, 0]), true);
    view.setUint32(4, prng.pick([FRAME + 4, FRAME + 5, FRAME + 6, prng.u32()]), true);
    return { kind: 'poke', address: RAM_BASE + 4096 + 8 * prng.below(10), bytes };
  }

  /** In the pages with a meaning: bits, indexes, shared bytes. */
  #address(): number {
    const prng = this.#prng;
    const places = [prng.below(40), 0x800 + prng.below(4), 0xa00 + prng.below(4), prng.below(4088)];
    const rings = [0x2c00 + prng.below(16), 0x2c00 + prng.below(16)];
    return RAM_BASE + prng.pick([...places, ...rings, 0x4000 + prng.below(0x7ff8)]);
  }

  #frame(): number {
    return reg.FRAME_BASE + reg.FRAME_STRIDE * this.#prng.below(4);
  }
}

/** The register writes of an operation. */
export function operate(vcpu: number, operation: number, args: readonly number[]): Operation[] {
  const frame = reg.FRAME_BASE + vcpu * reg.FRAME_STRIDE;
  const word = (at: number, value: number): Operation => ({
    kind: 'write',
    offset: frame + at,
    sizeBytes: 4,
    value,
  });
  const words = args.flatMap((argument, index) => [
    word(8 * index, argument % 2 ** 32),
    word(8 * index + 4, Math.floor(argument / 2 ** 32)),
  ]);
  return [...words, word(reg.OPERATION, operation)];
}

/** 0 to 3, now and then this domain itself. */
function peer(byte: number): number {
  return byte > 250 ? OWN_DOMAIN : byte % 4;
}

function requestOf(bytes: Uint8Array): PeerRequest {
  const [, , kind = 0, a = 0, b = 0, c = 0] = bytes;
  const [port, remotePort, ref] = [a % 14, 1 + (b % 14), a % 10];
  const requests: readonly PeerRequest[] = [
    { kind: 'bind', port, remotePort },
    { kind: 'bind', port: a % 10, remotePort },
    { kind: 'close', port, remotePort },
    { kind: 'map', ref, isReadOnly: b % 2 === 0 },
    { kind: 'map', ref, isReadOnly: b % 2 === 0 },
    { kind: 'unmap', ref, isReadOnly: b % 2 === 0 },
    { kind: 'copy-from', ref, offset: b, sizeBytes: c },
    { kind: 'copy-to', ref, offset: b, bytes: bytes.slice(6) },
    { kind: 'probe' },
    { kind: 'gone' },
  ];
  return requests[kind % requests.length] ?? { kind: 'probe' };
}

function runsOf(bytes: Uint8Array): PageRun[] {
  return [
    { offset: bytes[3] ?? 0, bytes: bytes.slice(0, 4) },
    { offset: 4096 - bytes.length, bytes },
  ];
}

function messageText(message: PeerMessage): string {
  return JSON.stringify(message, (_, value: unknown) =>
    value instanceof Uint8Array ? value.join(' ') : value,
  );
}
