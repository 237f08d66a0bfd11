/**
 * Goal: every request type with its status, at its latency, in order; modern and legacy; bad
 * requests refused. Method: the test driver over a small disk; a table of requests.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ascii, FakeClock, FakeLine, FakeMemory, ramp } from '../../test/support/board.ts';
import { VirtioDriver, type Buffer } from '../../test/support/virtio-driver.ts';
import {
  DEVICE_FEATURES,
  DEVICE_FEATURES_SEL,
  DEVICE_NEEDS_RESET,
  STATUS,
} from '../virtio/registers.ts';
import { VirtioMmio } from '../virtio/virtio-mmio.ts';
import { MemoryImage, OverlayStore } from './block-store.ts';
import * as reg from './registers.ts';
import { BLK_BYTES_PER_TICK, BLK_LATENCY_TICKS, VirtioBlk } from './virtio-blk.ts';

const SECTORS = 64;
const ONES = 0xffff_ffff;
const BYTES = SECTORS * reg.SECTOR_BYTES;

let clock: FakeClock;
let line: FakeLine;
let store: OverlayStore;
let device: VirtioMmio;
let driver: VirtioDriver;

function create(options: { isLegacy?: boolean; isReadOnly?: boolean } = {}): void {
  clock = new FakeClock();
  line = new FakeLine();
  const memory = new FakeMemory(0x40_0000);
  store = new OverlayStore(new MemoryImage(ramp(BYTES + 100)));
  const model = new VirtioBlk({
    clock,
    store,
    id: 'casmotion-disk-0',
    isReadOnly: options.isReadOnly ?? false,
  });
  const isLegacy = options.isLegacy ?? false;
  device = new VirtioMmio({ name: 'blk', model, line, dma: memory, isLegacy });
  driver = new VirtioDriver({ device, memory, queueCount: 1, isLegacy });
  driver.start();
}

beforeEach(() => create());

function header(type: number, sector = 0, sectorHigh = 0): Buffer {
  const out = new Uint8Array(reg.HEADER_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(0, type, true);
  view.setUint32(8, sector, true);
  view.setUint32(12, sectorHigh, true);
  return { out };
}

function range(sector: number, count: number, flags = 0): Buffer {
  const out = new Uint8Array(reg.RANGE_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(0, sector, true);
  view.setUint32(8, count, true);
  view.setUint32(12, flags, true);
  return { out };
}

/** Sends a request, lets it complete, and gives its status and data. */
function request(...buffers: Buffer[]): { status: number; data: Uint8Array; written: number } {
  driver.send(0, [...buffers, { inBytes: 1 }]);
  clock.advance(device, 1_000_000);
  const [used] = driver.collect(0);
  if (used === undefined) throw new Error('the request did not complete');
  const { input } = used;
  const data = input.subarray(0, -1);
  return { status: input.at(-1) ?? 255, data, written: used.writtenBytes };
}

test.each([
  { what: 'capacity: whole sectors', at: 0, size: 4, value: SECTORS },
  { what: 'seg_max', at: 12, size: 4, value: 126 },
  { what: 'blk_size', at: 20, size: 4, value: 512 },
  { what: 'num_queues', at: 34, size: 2, value: 1 },
  { what: 'max_discard_seg', at: 40, size: 4, value: 1 },
  { what: 'max_write_zeroes_sectors', at: 48, size: 4, value: 32_768 },
] as const)('configuration: $what', ({ at, size, value }) => {
  expect(device.read(0x100 + at, size)).toBe(value);
});

describe.each([{ isLegacy: false }, { isLegacy: true }])('isLegacy $isLegacy', ({ isLegacy }) => {
  beforeEach(() => create({ isLegacy }));

  test('reads what the image holds, over several buffers', () => {
    const parts = [{ inBytes: 100 }, { inBytes: 924 }];
    const { status, data, written } = request(header(reg.VIRTIO_BLK_T_IN, 3), ...parts);
    expect([status, written]).toEqual([0, 1025]);
    expect(data).toEqual(ramp(1024, 3 * 512));
  });

  test('writes, then reads back', () => {
    const bytes = new Uint8Array(1536).fill(0xab);
    expect(request(header(reg.VIRTIO_BLK_T_OUT, 10), { out: bytes }).status).toBe(0);
    expect(request(header(reg.VIRTIO_BLK_T_IN, 10), { inBytes: 1536 }).data).toEqual(bytes);
    const next = request(header(reg.VIRTIO_BLK_T_IN, 13), { inBytes: 512 });
    expect(next.data).toEqual(ramp(512, 13 * 512));
  });
});

test('a header split over descriptors is read all the same (VIRTIO_F_ANY_LAYOUT)', () => {
  const { out } = header(reg.VIRTIO_BLK_T_IN, 1) as { out: Uint8Array };
  const split = [{ out: out.subarray(0, 5) }, { out: out.subarray(5) }];
  expect(request(...split, { inBytes: 512 }).data).toEqual(ramp(512, 512));
});

test('an indirect request', () => {
  create();
  const memory = new FakeMemory(0x40_0000);
  const model = new VirtioBlk({ clock, store, id: '' });
  device = new VirtioMmio({ name: 'blk', model, line, dma: memory });
  driver = new VirtioDriver({ device, memory, queueCount: 1, features: [28, 29] });
  driver.start();
  driver.sendIndirect(0, [header(reg.VIRTIO_BLK_T_IN, 2), { inBytes: 512 }, { inBytes: 1 }]);
  clock.advance(device, 1000);
  expect(driver.collect(0)[0]?.input.subarray(0, 512)).toEqual(ramp(512, 1024));
  expect(line.isHigh).toBe(true);
});

test('GET_ID and FLUSH', () => {
  const { data, status } = request(header(reg.VIRTIO_BLK_T_GET_ID), { inBytes: 20 });
  expect([status, data]).toEqual([0, Uint8Array.of(...ascii('casmotion-disk-0'), 0, 0, 0, 0)]);
  expect(request(header(reg.VIRTIO_BLK_T_FLUSH)).status).toBe(0);
});

test('write zeroes clears its sectors; discard keeps them', () => {
  expect(request(header(reg.VIRTIO_BLK_T_WRITE_ZEROES), range(4, 2, 1)).status).toBe(0);
  expect(request(header(reg.VIRTIO_BLK_T_DISCARD), range(6, 2)).status).toBe(0);
  const { data } = request(header(reg.VIRTIO_BLK_T_IN, 4), { inBytes: 2048 });
  expect(data.subarray(0, 1024)).toEqual(new Uint8Array(1024));
  expect(data.subarray(1024)).toEqual(ramp(1024, 6 * 512));
});

const { VIRTIO_BLK_S_IOERR: IOERR, VIRTIO_BLK_S_UNSUPP: UNSUPP } = reg;
test.each<{ what: string; buffers: Buffer[]; status: number }>([
  { what: 'unknown type', buffers: [header(99)], status: UNSUPP },
  { what: 'a read past the end', buffers: [header(0, 64), { inBytes: 512 }], status: IOERR },
  { what: 'a read over the end', buffers: [header(0, 63), { inBytes: 1024 }], status: IOERR },
  { what: 'a sector of 2^64', buffers: [header(0, ONES, ONES), { inBytes: 512 }], status: IOERR },
  { what: 'half a sector', buffers: [header(0, 0), { inBytes: 256 }], status: IOERR },
  { what: 'a write over the end', buffers: [header(1, 63), { out: ramp(1024) }], status: IOERR },
  { what: 'GET_ID into 19 bytes', buffers: [header(8), { inBytes: 19 }], status: IOERR },
  { what: 'zeroes past the end', buffers: [header(13), range(63, 2)], status: IOERR },
  { what: 'too many zeroes', buffers: [header(13), range(0, 0xffff_ffff)], status: IOERR },
  { what: 'zeroes with a reserved flag', buffers: [header(13), range(0, 1, 2)], status: UNSUPP },
  { what: 'discard with a flag', buffers: [header(11), range(0, 1, 1)], status: UNSUPP },
  { what: 'two ranges', buffers: [header(13), range(0, 1), range(1, 1)], status: UNSUPP },
])('refused: $what', ({ buffers, status }) => {
  expect(request(...buffers).status).toBe(status);
  expect(store.pages.size).toBe(0);
});

test('a read-only disk says so and refuses writes', () => {
  create({ isReadOnly: true });
  device.write(DEVICE_FEATURES_SEL, 4, 0);
  expect(device.read(DEVICE_FEATURES, 4) & (1 << reg.VIRTIO_BLK_F_RO)).not.toBe(0);
  expect(request(header(reg.VIRTIO_BLK_T_OUT), { out: ramp(512) }).status).toBe(IOERR);
  expect(request(header(13), range(0, 1)).status).toBe(IOERR);
});

test.each<{ what: string; buffers: Buffer[] }>([
  { what: 'no header', buffers: [{ inBytes: 1 }] },
  { what: 'a short header', buffers: [{ out: ramp(15) }, { inBytes: 1 }] },
  { what: 'no room for the status', buffers: [header(0)] },
])('$what breaks the queue', ({ buffers }) => {
  driver.send(0, buffers);
  clock.advance(device, 1000);
  expect(driver.read(STATUS) & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
});

test('requests complete in order, each after its own latency', () => {
  const heads = [4096, 512].map((inBytes) =>
    driver.send(0, [header(reg.VIRTIO_BLK_T_IN), { inBytes }, { inBytes: 1 }]),
  );
  const first = BLK_LATENCY_TICKS + 4096 / BLK_BYTES_PER_TICK;
  const second = BLK_LATENCY_TICKS + 512 / BLK_BYTES_PER_TICK;
  clock.advance(device, first - 1);
  expect(driver.collect(0)).toEqual([]);
  clock.advance(device, 1);
  expect(driver.collect(0).map((used) => used.head)).toEqual([heads[0]]);
  clock.advance(device, second - 1);
  expect(driver.collect(0)).toEqual([]);
  clock.advance(device, 1);
  expect(driver.collect(0).map((used) => used.head)).toEqual([heads[1]]);
  expect(line.rises).toBe(1); // not acknowledged in between
});

test('a reset by the driver forgets the request in flight and keeps the disk', () => {
  request(header(reg.VIRTIO_BLK_T_OUT, 0), { out: ramp(512, 9) });
  driver.send(0, [header(reg.VIRTIO_BLK_T_IN), { inBytes: 512 }, { inBytes: 1 }]);
  driver.write(STATUS, 0);
  expect(clock.alarmTicks).toBeUndefined();
  const bytes = new Uint8Array(512);
  store.read(0, bytes);
  expect(bytes).toEqual(ramp(512, 9));
  device.reset();
  store.read(0, bytes);
  expect(bytes).toEqual(ramp(512));
});
