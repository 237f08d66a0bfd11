/**
 * Goal: the transport's registers and status handshake, modern and legacy, and what a broken queue
 * does. Method: a model that notes what it is told; register tables; the test driver.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeLine, FakeMemory, ramp } from '../../test/support/board.ts';
import { VirtioDriver } from '../../test/support/virtio-driver.ts';
import type { VirtioHost, VirtioModel } from './model.ts';
import * as reg from './registers.ts';
import { VirtioMmio } from './virtio-mmio.ts';

/** Gives every chain back at once. */
class EchoModel implements VirtioModel {
  readonly deviceId = 42;
  readonly queueMaxSizes = [16, 8];
  readonly maxChainBytes = 4096;
  readonly features = [3];
  readonly config = ramp(6, 1);
  readonly notes: string[] = [];
  #host: VirtioHost | undefined;

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  notify(queueIndex: number): void {
    this.notes.push(`notify ${queueIndex}`);
    const queue = this.#host?.queue(queueIndex);
    const head = queue?.take();
    const chain = head === undefined ? undefined : queue?.walk(head);
    if (chain !== undefined) queue?.push(chain.head, 0);
    this.#host?.interrupt(queueIndex);
  }

  stopRequests(): void {
    this.notes.push('stop');
  }

  snapshot(): void {}

  restore(): void {}

  reset(): void {
    this.notes.push('reset');
  }
}

let memory: FakeMemory;
let line: FakeLine;
let model: EchoModel;

beforeEach(() => {
  memory = new FakeMemory(0x10_0000);
  line = new FakeLine();
  model = new EchoModel();
});

function create(isLegacy: boolean): { device: VirtioMmio; driver: VirtioDriver } {
  const device = new VirtioMmio({ name: 'echo', model, line, dma: memory, isLegacy });
  return { device, driver: new VirtioDriver({ device, memory, queueCount: 2, isLegacy }) };
}

test.each([
  { what: 'magic', at: reg.MAGIC_VALUE, modern: 0x7472_6976, legacy: 0x7472_6976 },
  { what: 'version', at: reg.VERSION, modern: 2, legacy: 1 },
  { what: 'device', at: reg.DEVICE_ID, modern: 42, legacy: 42 },
  { what: 'vendor', at: reg.VENDOR_ID, modern: 0x554d_4551, legacy: 0x554d_4551 },
  { what: 'features', at: reg.DEVICE_FEATURES, modern: 0x3000_0008, legacy: 0x3800_0008 },
  { what: 'queue size', at: reg.QUEUE_NUM_MAX, modern: 16, legacy: 16 },
  { what: 'queue ready', at: reg.QUEUE_READY, modern: 0, legacy: 0 },
  { what: 'status', at: reg.STATUS, modern: 0, legacy: 0 },
  { what: 'no shared memory', at: reg.SHM_LEN_LOW, modern: 2 ** 32 - 1, legacy: 2 ** 32 - 1 },
  { what: 'configuration', at: reg.CONFIG, modern: 0x0403_0201, legacy: 0x0403_0201 },
  { what: 'past the configuration', at: reg.CONFIG + 4, modern: 0x0605, legacy: 0x0605 },
  { what: 'write-only', at: reg.QUEUE_NOTIFY, modern: 0, legacy: 0 },
])('register: $what', ({ at, modern, legacy }) => {
  expect(create(false).device.read(at, 4)).toBe(modern);
  expect(create(true).device.read(at, 4)).toBe(legacy);
});

test('the configuration is read by any size, registers by words only', () => {
  const { device } = create(false);
  expect([device.read(0x101, 1), device.read(0x102, 2)]).toEqual([2, 0x403]);
  expect(device.read(0xffc, 4)).toBe(0);
  expect([device.read(0, 1), device.read(0, 2)]).toEqual([0, 0]);
  device.write(reg.STATUS, 1, 1);
  expect(device.read(reg.STATUS, 4)).toBe(0);
});

describe('modern', () => {
  test('VERSION_1 is offered in the second word, and a driver may leave it (as xv6 does)', () => {
    const { device } = create(false);
    device.write(reg.DEVICE_FEATURES_SEL, 4, 1);
    expect(device.read(reg.DEVICE_FEATURES, 4)).toBe(1);
    device.write(reg.DEVICE_FEATURES_SEL, 4, 2);
    expect(device.read(reg.DEVICE_FEATURES, 4)).toBe(0);
    device.write(reg.STATUS, 4, reg.ACKNOWLEDGE | reg.DRIVER | reg.FEATURES_OK);
    expect(device.read(reg.STATUS, 4)).toBe(reg.ACKNOWLEDGE | reg.DRIVER | reg.FEATURES_OK);
  });

  test('a feature that was not offered is refused', () => {
    const { device } = create(false);
    device.write(reg.DRIVER_FEATURES_SEL, 4, 1);
    device.write(reg.DRIVER_FEATURES, 4, 1);
    device.write(reg.DRIVER_FEATURES_SEL, 4, 0);
    device.write(reg.DRIVER_FEATURES, 4, 1 << 4);
    device.write(reg.STATUS, 4, reg.FEATURES_OK);
    expect(device.read(reg.STATUS, 4)).toBe(0);
    device.write(reg.DRIVER_FEATURES, 4, 1 << 3);
    device.write(reg.STATUS, 4, reg.FEATURES_OK);
    expect(device.read(reg.STATUS, 4)).toBe(reg.FEATURES_OK);
    expect(device.hasFeature(3)).toBe(true);
    device.write(reg.DRIVER_FEATURES, 4, 0); // too late
    expect(device.hasFeature(3)).toBe(true);
  });

  test('a ready queue is not moved; stopping it tells the model', () => {
    const { device, driver } = create(false);
    driver.start();
    driver.write(reg.QUEUE_SEL, 0);
    driver.write(reg.QUEUE_NUM, 3);
    driver.write(reg.QUEUE_DESC_HIGH, 7);
    expect(device.queue(0).size).toBe(8);
    expect(device.queue(0).addressWord('desc', 1)).toBe(0);
    model.notes.length = 0;
    driver.write(reg.QUEUE_READY, 0);
    expect([driver.read(reg.QUEUE_READY), model.notes]).toEqual([0, ['stop']]);
  });
});

describe.each([{ isLegacy: false }, { isLegacy: true }])('isLegacy $isLegacy', ({ isLegacy }) => {
  test('a chain goes round and interrupts until it is acknowledged', () => {
    const { driver } = create(isLegacy);
    driver.start();
    const head = driver.send(1, [{ out: ramp(4) }]);
    expect(line.isHigh).toBe(true);
    expect(driver.collect(1).map((used) => used.head)).toEqual([head]);
    expect(driver.acknowledge()).toBe(reg.INTERRUPT_USED_RING);
    expect(line.isHigh).toBe(false);
  });

  test('a notification before DRIVER_OK is seen at DRIVER_OK, not before', () => {
    const { device, driver } = create(isLegacy);
    driver.start();
    driver.write(reg.STATUS, 0);
    driver.notify(0);
    expect(model.notes.filter((note) => note.startsWith('notify'))).toEqual([
      'notify 0', // both at the first DRIVER_OK
      'notify 1',
    ]);
    expect(device.isRunning).toBe(false);
  });

  test('a broken queue: NEEDS_RESET, a configuration interrupt, silence; a reset mends it', () => {
    const { device, driver } = create(isLegacy);
    driver.start();
    memory.view.setUint16(driver.places(0).avail + 2 - 0x8000_0000, 100, true);
    driver.notify(0);
    expect(driver.read(reg.STATUS) & reg.DEVICE_NEEDS_RESET).toBe(reg.DEVICE_NEEDS_RESET);
    expect([line.isHigh, driver.acknowledge()]).toEqual([true, reg.INTERRUPT_CONFIG]);
    driver.send(1, [{ out: ramp(4) }]);
    expect(driver.collect(1)).toEqual([]);
    device.checkInvariants();
    driver.write(reg.STATUS, 0);
    expect(driver.read(reg.STATUS)).toBe(0);
    expect([device.queue(0).isReady, device.queue(0).isBroken]).toEqual([false, false]);
  });

  test('queues and notifications that do not exist do nothing', () => {
    const { device, driver } = create(isLegacy);
    driver.start();
    model.notes.length = 0;
    for (const index of [2, 0xffff_ffff]) {
      driver.notify(index);
      driver.write(reg.QUEUE_SEL, index);
      for (const at of [reg.QUEUE_NUM, reg.QUEUE_READY, reg.QUEUE_PFN, reg.QUEUE_DESC_LOW]) {
        driver.write(at, 1);
      }
      expect(device.read(reg.QUEUE_NUM_MAX, 4)).toBe(0);
    }
    expect(model.notes).toEqual([]);
  });
});

test('legacy: the page number is read back, and 0 stops the queue', () => {
  const { device, driver } = create(true);
  driver.start();
  driver.write(reg.QUEUE_SEL, 1);
  expect(driver.read(reg.QUEUE_PFN)).toBe(driver.places(1).desc / 4096);
  driver.write(reg.QUEUE_PFN, 0);
  expect([driver.read(reg.QUEUE_PFN), device.queue(1).isReady]).toEqual([0, false]);
});
