/**
 * A guest that is mostly right: a seeded generator of register accesses, writes to rings, time and
 * input, as plain data, so that the same traffic can be played to several devices. `mischief` is
 * how often, one time in so many, a ring is tampered with.
 */
import type { Prng } from '@casmotion/base';
import type { AccessSize } from '../../src/device.ts';
import * as reg from '../../src/virtio/registers.ts';
import { RAM_BASE } from './board.ts';

export type Operation =
  | { readonly kind: 'read'; readonly offset: number; readonly sizeBytes: AccessSize }
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly sizeBytes: AccessSize;
      readonly value: number;
    }
  /** The guest writes its own memory. */
  | { readonly kind: 'poke'; readonly address: number; readonly bytes: Uint8Array }
  | { readonly kind: 'advance'; readonly ticks: number }
  /** Something from outside; what, is the device's matter. */
  | { readonly kind: 'input'; readonly bytes: Uint8Array };

export interface HostileDriverOptions {
  readonly prng: Prng;
  readonly queueCount: number;
  readonly isLegacy: boolean;
  readonly mischief: number;
  readonly ramBytes: number;
}

export class HostileDriver {
  readonly #options: HostileDriverOptions;
  readonly #availIndexes: number[];

  constructor(options: HostileDriverOptions) {
    this.#options = options;
    this.#availIndexes = Array.from({ length: options.queueCount }, () => 0);
  }

  /** The next few operations. The first ones set the device up. */
  next(isFirst: boolean): Operation[] {
    const { prng } = this.#options;
    if (isFirst || prng.chance(60)) return this.#setUp();
    switch (prng.below(8)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#sendChain();
      case 4:
        return [{ kind: 'advance', ticks: prng.below(600) }];
      case 5:
        return [{ kind: 'input', bytes: randomBytes(prng, prng.below(300)) }];
      case 6:
        return [word(reg.INTERRUPT_ACK, 3), { kind: 'read', offset: reg.STATUS, sizeBytes: 4 }];
      default:
        return prng.chance(this.#options.mischief) ? this.#tamper() : [randomAccess(prng)];
    }
  }

  #setUp(): Operation[] {
    const { prng, isLegacy, queueCount } = this.#options;
    this.#availIndexes.fill(0);
    const low = (prng.u32() & 0x3001_0020) >>> 0; // some of MAC, MRG_RXBUF and the ring features
    const steps = [word(reg.STATUS, 0), word(reg.STATUS, 3), word(reg.DRIVER_FEATURES_SEL, 0)];
    steps.push(word(reg.DRIVER_FEATURES, low));
    if (isLegacy) steps.push(word(reg.GUEST_PAGE_SIZE, 4096));
    else {
      steps.push(word(reg.DRIVER_FEATURES_SEL, 1), word(reg.DRIVER_FEATURES, 1));
      steps.push(word(reg.STATUS, 11));
    }
    for (let index = 0; index < queueCount; index++) {
      const { desc, avail, used } = places(index);
      steps.push({ kind: 'poke', address: desc, bytes: new Uint8Array(0x2000) });
      steps.push(word(reg.QUEUE_SEL, index), word(reg.QUEUE_NUM, QUEUE_SIZE));
      if (isLegacy) steps.push(word(reg.QUEUE_ALIGN, 4096), word(reg.QUEUE_PFN, desc / 4096));
      else {
        steps.push(word(reg.QUEUE_DESC_LOW, desc), word(reg.QUEUE_DESC_HIGH, 0));
        steps.push(word(reg.QUEUE_DRIVER_LOW, avail), word(reg.QUEUE_DEVICE_LOW, used));
        steps.push(word(reg.QUEUE_READY, 1));
      }
    }
    return [...steps, word(reg.STATUS, 15)];
  }

  /** One to four descriptors, one chain, a notification. */
  #sendChain(): Operation[] {
    const { prng, queueCount } = this.#options;
    const index = prng.below(queueCount);
    const { desc, avail } = places(index);
    const count = 1 + prng.below(4);
    const availIndex = this.#availIndexes[index] ?? 0;
    const head = (availIndex * 4) % QUEUE_SIZE;
    const operations: Operation[] = [];
    const firstWritable = prng.below(count + 1);
    for (let i = 0; i < count; i++) {
      const slot = (head + i) % QUEUE_SIZE;
      const isWritable = i >= firstWritable;
      const next = i === count - 1 ? undefined : (slot + 1) % QUEUE_SIZE;
      const bytes = this.#descriptor(isWritable, next);
      operations.push({ kind: 'poke', address: desc + 16 * slot, bytes });
    }
    operations.push(this.#header(index, head));
    const jump = prng.chance(this.#options.mischief) ? prng.below(0x10000) : 1;
    const shownHead = prng.chance(this.#options.mischief) ? prng.below(0x10000) : head;
    this.#availIndexes[index] = (availIndex + jump) & 0xffff;
    const at = avail + 4 + 2 * (availIndex % QUEUE_SIZE);
    operations.push({ kind: 'poke', address: at, bytes: le16(shownHead) });
    operations.push({ kind: 'poke', address: avail + 2, bytes: le16(availIndex + jump) });
    if (!prng.chance(4)) operations.push(word(reg.QUEUE_NOTIFY, index));
    return operations;
  }

  /** Where a first buffer may be, something like a block request's header. */
  #header(queueIndex: number, head: number): Operation {
    const { prng } = this.#options;
    const bytes = new Uint8Array(32);
    bytes[0] = prng.pick([0, 0, 1, 1, 4, 8, 11, 13, 99]);
    bytes[8] = prng.below(40);
    bytes[16] = prng.below(40);
    bytes[24] = prng.below(4);
    return { kind: 'poke', address: bufferAddress(queueIndex * QUEUE_SIZE + head), bytes };
  }

  #descriptor(isWritable: boolean, next: number | undefined): Uint8Array {
    const { prng } = this.#options;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, bufferAddress(prng.below(64)), true);
    view.setUint32(8, prng.pick([1, 16, 16, 20, 64, 512, 512, 1024, 1500]), true);
    const nextFlag = next === undefined ? 0 : reg.VIRTQ_DESC_F_NEXT;
    view.setUint16(12, nextFlag | (isWritable ? reg.VIRTQ_DESC_F_WRITE : 0), true);
    view.setUint16(14, next ?? 0, true);
    if (prng.chance(this.#options.mischief)) this.#spoil(view);
    return bytes;
  }

  #spoil(view: DataView): void {
    const { prng, ramBytes } = this.#options;
    const { desc, avail, used } = places(prng.below(this.#options.queueCount));
    const sizes = [0, ramBytes / 2, ramBytes, 0x8000_0000, 0xffff_ffff];
    switch (prng.below(5)) {
      case 0:
        return view.setUint32(0, prng.pick([desc, avail, used, 0, 0xffff_fff0]), true);
      case 1:
        return view.setUint32(4, prng.u32(), true);
      case 2:
        return view.setUint32(8, prng.pick(sizes), true);
      case 3:
        return view.setUint16(12, prng.below(8), true);
      default:
        return view.setUint16(14, prng.below(0x10000), true);
    }
  }

  /** Random bytes somewhere in the rings, or a queue register changed under way. */
  #tamper(): Operation[] {
    const { prng, queueCount } = this.#options;
    const index = prng.below(queueCount);
    if (prng.chance(2)) {
      const address = places(index).desc + prng.below(0x2000 - 16);
      const bytes = randomBytes(prng, 16);
      return [{ kind: 'poke', address, bytes }, word(reg.QUEUE_NOTIFY, index)];
    }
    const offset = prng.pick(QUEUE_REGISTERS);
    const value = prng.pick([0, 1, 8, 0x8000_0000, prng.u32(), places(index).used]);
    return [word(reg.QUEUE_SEL, index), word(offset, value), word(reg.QUEUE_NOTIFY, index)];
  }
}

/** An access to any register, of any size. */
export function randomAccess(prng: Prng, windowBytes = 0x120): Operation {
  const sizeBytes = prng.pick([1, 2, 4, 4, 4, 4] as const);
  const offset = prng.below(windowBytes / sizeBytes) * sizeBytes;
  if (prng.chance(2)) return { kind: 'read', offset, sizeBytes };
  const value = prng.pick([0, 1, prng.below(256), prng.u32()]) % 2 ** (8 * sizeBytes);
  return { kind: 'write', offset, sizeBytes, value };
}

export function randomBytes(prng: Prng, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  prng.fill(bytes);
  return bytes;
}

function word(offset: number, value: number): Operation {
  return { kind: 'write', offset, sizeBytes: 4, value };
}

function le16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff);
}

/** Modern and legacy alike: a legacy queue of 16 with an alignment of 4096 lies so. */
function places(queueIndex: number): { desc: number; avail: number; used: number } {
  const desc = RAM_BASE + 0x2000 * queueIndex;
  return { desc, avail: desc + 16 * QUEUE_SIZE, used: desc + 0x1000 };
}

function bufferAddress(slot: number): number {
  return RAM_BASE + 0x8000 + 0x600 * slot;
}

const QUEUE_SIZE = 16;
const QUEUE_REGISTERS = [
  reg.QUEUE_NUM,
  reg.QUEUE_ALIGN,
  reg.QUEUE_PFN,
  reg.QUEUE_READY,
  reg.QUEUE_DESC_LOW,
  reg.QUEUE_DRIVER_LOW,
  reg.QUEUE_DRIVER_HIGH,
  reg.QUEUE_DEVICE_LOW,
  reg.GUEST_PAGE_SIZE,
];
