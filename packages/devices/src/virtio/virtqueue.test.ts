/**
 * Goal: chains are walked, given back and signalled as Virtio 1.2 §2.7 says, and what no driver may
 * do breaks the queue instead of the host. Method: rings written by hand into plain memory; a table
 * of good and bad descriptor tables.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeMemory, RAM_BASE, ramp } from '../../test/support/board.ts';
import { SegmentCursor } from './chain.ts';
import * as reg from './registers.ts';
import { Virtqueue } from './virtqueue.ts';

const DESC = RAM_BASE;
const AVAIL = RAM_BASE + 0x1000;
const USED = RAM_BASE + 0x2000;
const DATA = RAM_BASE + 0x3000;
const SIZE = 8;
const ONES = 0xffff_ffff;
const { VIRTQ_DESC_F_NEXT: NEXT, VIRTQ_DESC_F_WRITE: WRITE, VIRTQ_DESC_F_INDIRECT: INDIRECT } = reg;

let memory: FakeMemory;
let features: Set<number>;
let brokenCount: number;
let queue: Virtqueue;

beforeEach(() => {
  memory = new FakeMemory(0x10_0000);
  features = new Set([reg.VIRTIO_F_INDIRECT_DESC]);
  brokenCount = 0;
  queue = new Virtqueue({
    dma: memory,
    maxSize: 256,
    maxChainBytes: 0x8000,
    hasFeature: (bit) => features.has(bit),
    onBroken: () => void brokenCount++,
  });
  queue.size = SIZE;
  queue.setAddressWord('desc', 0, DESC);
  queue.setAddressWord('driver', 0, AVAIL);
  queue.setAddressWord('device', 0, USED);
  queue.start();
});

interface Descriptor {
  readonly address?: number;
  readonly high?: number;
  readonly sizeBytes?: number;
  readonly flags?: number;
  readonly next?: number;
}

function writeTable(table: number, descriptors: readonly Descriptor[]): void {
  descriptors.forEach((descriptor, index) => {
    const at = table - RAM_BASE + 16 * index;
    memory.view.setUint32(at, descriptor.address ?? DATA, true);
    memory.view.setUint32(at + 4, descriptor.high ?? 0, true);
    memory.view.setUint32(at + 8, descriptor.sizeBytes ?? 16, true);
    memory.view.setUint16(at + 12, descriptor.flags ?? 0, true);
    memory.view.setUint16(at + 14, descriptor.next ?? 0, true);
  });
}

function makeAvailable(heads: readonly number[], index = heads.length): void {
  heads.forEach((head, slot) => memory.view.setUint16(0x1004 + 2 * (slot % SIZE), head, true));
  memory.view.setUint16(0x1002, index, true);
}

describe('walking', () => {
  test.each<{ what: string; table: Descriptor[]; shape: [number, number] | undefined }>([
    { what: 'one to read', table: [{}], shape: [16, 0] },
    { what: 'one to write', table: [{ flags: WRITE }], shape: [0, 16] },
    { what: 'read, write', table: [{ flags: NEXT, next: 1 }, { flags: WRITE }], shape: [16, 16] },
    { what: 'one empty', table: [{ sizeBytes: 0, flags: NEXT, next: 1 }, {}], shape: [16, 0] },
    { what: 'write before read', table: [{ flags: WRITE | NEXT, next: 1 }, {}], shape: undefined },
    { what: 'a loop of one', table: [{ sizeBytes: 0, flags: NEXT, next: 0 }], shape: undefined },
    {
      what: 'a loop of two',
      table: [{ flags: NEXT, next: 1 }, { flags: NEXT, next: 0 }],
      shape: undefined,
    },
    { what: 'next out of the table', table: [{ flags: NEXT, next: SIZE }], shape: undefined },
    { what: 'next is 65535', table: [{ flags: NEXT, next: 0xffff }], shape: undefined },
    { what: 'below RAM', table: [{ address: RAM_BASE - 1 }], shape: undefined },
    { what: 'over the end of RAM', table: [{ address: RAM_BASE + 0xf_fff8 }], shape: undefined },
    { what: 'at 2^63', table: [{ high: 0x8000_0000 }], shape: undefined },
    { what: 'at 2^64 - 1', table: [{ address: ONES, high: ONES }], shape: undefined },
    { what: '4 GiB long', table: [{ sizeBytes: 0xffff_ffff }], shape: undefined },
    { what: 'too long together', table: [{ sizeBytes: 0x8001 }], shape: undefined },
    { what: 'just not too long', table: [{ sizeBytes: 0x8000 }], shape: [0x8000, 0] },
    { what: 'indirect and next', table: [{ flags: INDIRECT | NEXT }, {}], shape: undefined },
    { what: 'indirect, odd length', table: [{ sizeBytes: 17, flags: INDIRECT }], shape: undefined },
    { what: 'indirect, empty', table: [{ sizeBytes: 0, flags: INDIRECT }], shape: undefined },
    { what: 'indirect in itself', table: [{ address: DESC, flags: INDIRECT }], shape: undefined },
    {
      what: 'indirect outside RAM',
      table: [{ address: 0x1000, sizeBytes: 32, flags: INDIRECT }],
      shape: undefined,
    },
  ])('$what', ({ table, shape }) => {
    writeTable(DESC, table);
    const chain = queue.walk(0);
    expect(chain && [chain.readableBytes, chain.writableBytes]).toEqual(shape);
    expect([queue.isBroken, brokenCount]).toEqual(shape === undefined ? [true, 1] : [false, 0]);
    expect(memory.accesses).toBeLessThan(3000);
  });

  // 128 is what a driver sends that believes the disk's seg_max of 126.
  test.each([20, 128, 129])('an indirect table of %d, longer than the queue', (count) => {
    const table = Array.from({ length: count }, (_, index) => ({
      sizeBytes: 4,
      flags: index < count - 10 ? NEXT : WRITE | (index < count - 1 ? NEXT : 0),
      next: index + 1,
    }));
    writeTable(DATA, table);
    // The write flag of the descriptor that refers to the table is ignored (§2.7.5.3.2).
    writeTable(DESC, [{ address: DATA, sizeBytes: 16 * count, flags: INDIRECT | WRITE }]);
    const chain = queue.walk(0);
    const shape = chain && [chain.readable.length, chain.writable.length];
    expect(shape).toEqual(count > 128 ? undefined : [count - 10, 10]);
  });

  test('an indirect table that was not negotiated breaks the queue', () => {
    features.clear();
    writeTable(DATA, [{}]);
    writeTable(DESC, [{ address: DATA, flags: INDIRECT }]);
    expect(queue.walk(0)).toBeUndefined();
    expect(queue.isBroken).toBe(true);
  });
});

describe('taking', () => {
  test('in order, over the end of the ring and of 16 bits', () => {
    writeTable(DESC, Array.from({ length: SIZE }, () => ({})));
    const taken: (number | undefined)[] = [];
    for (let index = 0; index < 65_540; index++) {
      memory.view.setUint16(0x1004 + 2 * (index % SIZE), (index * 3) % SIZE, true);
      memory.view.setUint16(0x1002, (index + 1) & 0xffff, true);
      const head = queue.take();
      if (index >= 65_530) taken.push(head);
      queue.push(head ?? 0, index);
    }
    expect(taken).toEqual([2, 5, 0, 3, 6, 1, 4, 7, 2, 5].map((_, i) => ((65_530 + i) * 3) % SIZE));
    expect(memory.view.getUint16(0x2002, true)).toBe(4);
    expect(queue.take()).toBeUndefined();
    expect(queue.isBroken).toBe(false);
  });

  test.each([
    { what: 'a head out of the ring', heads: [SIZE], index: 1 },
    { what: 'an index that jumped further than the ring', heads: [], index: SIZE + 1 },
    { what: 'an index that went back', heads: [], index: 0xffff },
  ])('$what breaks the queue', ({ heads, index }) => {
    makeAvailable(heads, index);
    expect(queue.take()).toBeUndefined();
    expect([queue.isBroken, brokenCount]).toEqual([true, 1]);
    makeAvailable([0]);
    expect([queue.take(), queue.countAvailable()]).toEqual([undefined, 0]);
  });

  test.each([0, 3, 6, 512, 0xffff_ffff])('a queue of size %i does not start', (size) => {
    queue.stop();
    queue.size = size;
    queue.start();
    expect([queue.isReady, queue.isBroken]).toEqual([true, true]);
  });

  test.each(['desc', 'driver', 'device'] as const)('the %s area outside RAM', (area) => {
    writeTable(DESC, [{}]);
    makeAvailable([0]);
    queue.setAddressWord(area, 1, 1);
    const head = queue.take();
    if (head !== undefined) queue.walk(head);
    queue.push(0, 0);
    expect(queue.isBroken).toBe(true);
  });
});

describe('interrupts', () => {
  test('wanted once for what was pushed, unless the driver asks for none', () => {
    expect(queue.takeInterrupt()).toBe(false);
    queue.push(0, 1);
    queue.push(1, 1);
    expect([queue.takeInterrupt(), queue.takeInterrupt()]).toEqual([true, false]);
    memory.view.setUint16(0x1000, reg.VIRTQ_AVAIL_F_NO_INTERRUPT, true);
    queue.push(2, 1);
    expect(queue.takeInterrupt()).toBe(false);
  });

  test('with event index: exactly when used_event is crossed', () => {
    features.add(reg.VIRTIO_F_EVENT_IDX);
    memory.view.setUint16(0x1004 + 2 * SIZE, 2, true);
    const wanted = [0, 1, 2, 3].map((head) => {
      queue.push(head, 0);
      return queue.takeInterrupt();
    });
    expect(wanted).toEqual([false, false, true, false]);
  });

  test('with event index: avail_event follows what is taken; an untake asks for more', () => {
    features.add(reg.VIRTIO_F_EVENT_IDX);
    const availEvent = (): number => memory.view.getUint16(0x2004 + 8 * SIZE, true);
    makeAvailable([0, 1, 2]);
    queue.take();
    expect(availEvent()).toBe(1);
    queue.take();
    queue.untake(2);
    expect(availEvent()).toBe(3);
    expect(queue.take()).toBe(0);
  });
});

test('a cursor goes over segments by pieces', () => {
  memory.bytes.set(ramp(64), 0x3000);
  const sizes = [10, 1, 5];
  const segments = sizes.map((sizeBytes, index) => ({ address: DATA + 16 * index, sizeBytes }));
  const reader = new SegmentCursor(memory, segments);
  expect([...reader.read(4)]).toEqual([0, 1, 2, 3]);
  expect(reader.view(100).length).toBe(6);
  reader.skip(2);
  expect([...reader.read(100)]).toEqual([33, 34, 35, 36]);
  expect([reader.position, reader.view(1).length]).toEqual([16, 0]);
  const writer = new SegmentCursor(memory, segments);
  expect(writer.write(new Uint8Array(20).fill(0xee))).toBe(16);
  expect(memory.bytes[0x300a]).toBe(10);
});
