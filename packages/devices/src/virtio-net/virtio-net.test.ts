/**
 * Goal: frames out and in, headers by version and features, merged buffers, waiting and loss, both
 * backends. Method: the test driver with buffers of chosen sizes.
 */
import { expect, test } from 'vitest';
import { FakeClock, FakeLine, FakeMemory, ramp } from '../../test/support/board.ts';
import { VirtioDriver } from '../../test/support/virtio-driver.ts';
import { STATUS, VIRTIO_F_EVENT_IDX } from '../virtio/registers.ts';
import { VirtioMmio } from '../virtio/virtio-mmio.ts';
import {
  ExternalBackend,
  LOOPBACK_LATENCY_TICKS,
  LoopbackBackend,
  type NetBackend,
} from './backend.ts';
import * as reg from './registers.ts';
import { VirtioNet } from './virtio-net.ts';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);

function create(options: { isLegacy?: boolean; features?: number[]; backend?: NetBackend } = {}) {
  const sent: Uint8Array[] = [];
  const backend = options.backend ?? new ExternalBackend((frame) => void sent.push(frame.slice()));
  const memory = new FakeMemory(0x80_0000);
  const net = new VirtioNet({ mac: MAC, backend });
  const line = new FakeLine();
  const isLegacy = options.isLegacy ?? false;
  const device = new VirtioMmio({ name: 'net', model: net, line, dma: memory, isLegacy });
  const features = options.features ?? [];
  const driver = new VirtioDriver({ device, memory, queueCount: 2, isLegacy, features });
  driver.start();
  return { sent, net, line, device, driver };
}

const variants = [
  { isLegacy: false, features: [], headerBytes: 12, isCounted: true },
  { isLegacy: false, features: [reg.VIRTIO_NET_F_MRG_RXBUF], headerBytes: 12, isCounted: true },
  { isLegacy: true, features: [], headerBytes: 10, isCounted: false },
  { isLegacy: true, features: [reg.VIRTIO_NET_F_MRG_RXBUF], headerBytes: 12, isCounted: true },
];

test('the configuration: MAC, link up, one pair', () => {
  const { device } = create();
  expect([0, 1, 2, 3, 4, 5].map((at) => device.read(0x100 + at, 1))).toEqual([...MAC]);
  expect([device.read(0x106, 2), device.read(0x108, 2)]).toEqual([1, 1]);
});

test.each(variants)('out and in: $isLegacy $features', ({ headerBytes, isCounted, ...options }) => {
  const { sent, net, driver, line } = create(options);
  driver.send(reg.TX_QUEUE, [{ out: new Uint8Array(headerBytes) }, { out: ramp(60) }]);
  expect(sent).toEqual([ramp(60)]);
  expect(driver.collect(reg.TX_QUEUE).length).toBe(1);
  driver.acknowledge();
  driver.send(reg.RX_QUEUE, [{ inBytes: 1600 }]);
  expect(net.receive(ramp(100, 7))).toBe(true);
  const [used] = driver.collect(reg.RX_QUEUE);
  expect(used?.writtenBytes).toBe(headerBytes + 100);
  expect(used?.input.subarray(headerBytes, headerBytes + 100)).toEqual(ramp(100, 7));
  expect(used?.input.subarray(0, 10)).toEqual(new Uint8Array(10));
  if (isCounted) expect([...(used?.input.subarray(10, 12) ?? [])]).toEqual([1, 0]);
  expect(line.isHigh).toBe(true);
});

test('a header and frame in one descriptor, cut anywhere', () => {
  const { sent, driver } = create();
  const message = new Uint8Array(12 + 60);
  message.set(ramp(60), 12);
  for (const cut of [5, 12, 30]) {
    driver.send(reg.TX_QUEUE, [{ out: message.subarray(0, cut) }, { out: message.subarray(cut) }]);
  }
  expect(sent).toEqual([ramp(60), ramp(60), ramp(60)]);
});

test.each([0, 5, 12, 12 + 13, 12 + 65_551])('%i bytes to send are no frame', (sizeBytes) => {
  const { sent, driver } = create();
  driver.send(reg.TX_QUEUE, [{ out: new Uint8Array(sizeBytes) }]);
  expect(sent).toEqual([]);
  expect(driver.collect(reg.TX_QUEUE).length).toBe(1);
});

test.each([0, 13, 65_551])('a frame of %i bytes from outside is lost', (sizeBytes) => {
  expect(create().net.receive(new Uint8Array(sizeBytes))).toBe(false);
});

test('frames wait for buffers, in order; beyond 256 or 1 MiB they are lost', () => {
  const { net, driver } = create();
  for (let index = 0; index < 256; index++) expect(net.receive(ramp(20, index))).toBe(true);
  expect(net.receive(ramp(20))).toBe(false);
  for (let index = 0; index < 3; index++) driver.send(reg.RX_QUEUE, [{ inBytes: 64 }]);
  const got = driver.collect(reg.RX_QUEUE).map((used) => used.input[12]);
  expect(got).toEqual([0, 1, 2]);
  const large = create().net;
  const taken = Array.from({ length: 20 }, () => large.receive(new Uint8Array(65_550)));
  expect(taken.filter(Boolean).length).toBe(15);
});

test('without merging a frame too large for its buffer is lost, and the buffer kept', () => {
  const { net, driver } = create();
  driver.send(reg.RX_QUEUE, [{ inBytes: 64 }]);
  expect(net.receive(ramp(100))).toBe(true);
  expect(driver.collect(reg.RX_QUEUE)).toEqual([]);
  net.receive(ramp(50));
  expect(driver.collect(reg.RX_QUEUE)[0]?.writtenBytes).toBe(62);
});

test('merging: a frame goes over several buffers, and waits until there are enough', () => {
  const { net, driver, line } = create({
    features: [reg.VIRTIO_NET_F_MRG_RXBUF, VIRTIO_F_EVENT_IDX],
  });
  driver.send(reg.RX_QUEUE, [{ inBytes: 64 }]);
  net.receive(ramp(150));
  expect([driver.collect(reg.RX_QUEUE), line.isHigh]).toEqual([[], false]);
  driver.send(reg.RX_QUEUE, [{ inBytes: 64 }]);
  driver.send(reg.RX_QUEUE, [{ inBytes: 64 }]);
  const used = driver.collect(reg.RX_QUEUE);
  expect(used.map((chain) => chain.writtenBytes)).toEqual([64, 64, 34]);
  expect(used[0]?.input[10]).toBe(3);
  const bytes = used.flatMap((chain) => [...chain.input.subarray(0, chain.writtenBytes)]);
  expect(bytes.slice(12)).toEqual([...ramp(150)]);
});

test('merging: a frame that all of a full ring cannot hold is lost', () => {
  const { net, driver } = create({ features: [reg.VIRTIO_NET_F_MRG_RXBUF] });
  for (let index = 0; index < 8; index++) driver.send(reg.RX_QUEUE, [{ inBytes: 16 }]);
  net.receive(ramp(1000));
  net.receive(ramp(20));
  expect(driver.collect(reg.RX_QUEUE).map((used) => used.writtenBytes)).toEqual([16, 16]);
});

test('frames before the driver is ready are lost; a reset forgets those that wait', () => {
  const { net, driver } = create();
  net.receive(ramp(20));
  driver.write(STATUS, 0);
  expect(net.receive(ramp(20))).toBe(false);
});

test('loopback: a frame comes back after the latency', () => {
  const clock = new FakeClock();
  const { driver, device } = create({ backend: new LoopbackBackend({ clock }) });
  driver.send(reg.RX_QUEUE, [{ inBytes: 200 }]);
  driver.send(reg.TX_QUEUE, [{ out: new Uint8Array(12) }, { out: ramp(60) }]);
  clock.advance(device, LOOPBACK_LATENCY_TICKS - 1);
  expect(driver.collect(reg.RX_QUEUE)).toEqual([]);
  clock.advance(device, 1);
  expect(driver.collect(reg.RX_QUEUE)[0]?.input.subarray(12, 72)).toEqual(ramp(60));
});
