/**
 * Goal: bytes out at once, bytes in as buffers come. Method: the test driver with small buffers.
 */
import { expect, test } from 'vitest';
import { ascii, FakeLine, FakeMemory, ramp } from '../../test/support/board.ts';
import { VirtioDriver } from '../../test/support/virtio-driver.ts';
import { STATUS } from '../virtio/registers.ts';
import { VirtioMmio } from '../virtio/virtio-mmio.ts';
import * as reg from './registers.ts';
import { VirtioConsole } from './virtio-console.ts';

function create() {
  const sent: number[] = [];
  const memory = new FakeMemory(0x10_0000);
  const line = new FakeLine();
  const terminal = new VirtioConsole({ output: (bytes) => void sent.push(...bytes) });
  const device = new VirtioMmio({ name: 'console', model: terminal, line, dma: memory });
  const driver = new VirtioDriver({ device, memory, queueCount: 2 });
  return { sent, line, terminal, device, driver };
}

test('output is out before the notification returns, over several buffers', () => {
  const { sent, driver, line } = create();
  driver.start();
  driver.send(reg.TX_QUEUE, [{ out: ascii('hello, ') }, { out: ascii('world') }]);
  expect(String.fromCharCode(...sent)).toBe('hello, world');
  expect([driver.collect(reg.TX_QUEUE).length, line.isHigh]).toEqual([1, true]);
});

test('input typed before the driver was there, and in between, comes in order', () => {
  const { terminal, driver } = create();
  expect(terminal.receive(ramp(5))).toBe(5);
  driver.start();
  driver.write(STATUS, 0); // what is typed outlives a reset
  driver.start();
  driver.send(reg.RX_QUEUE, [{ inBytes: 3 }]);
  driver.send(reg.RX_QUEUE, [{ inBytes: 8 }]);
  driver.send(reg.RX_QUEUE, [{ inBytes: 8 }]);
  terminal.receive(ramp(2, 5));
  const used = driver.collect(reg.RX_QUEUE);
  expect(used.map((chain) => chain.writtenBytes)).toEqual([3, 2, 2]);
  const bytes = used.flatMap((chain) => [...chain.input.subarray(0, chain.writtenBytes)]);
  expect(bytes).toEqual([...ramp(7)]);
});

test('64 KiB wait; the rest is dropped and said so', () => {
  const { terminal } = create();
  expect(terminal.receive(new Uint8Array(70_000))).toBe(65_536);
  expect(terminal.freeInputBytes).toBe(0);
});

test('emergency write needs no driver', () => {
  const { sent, device } = create();
  device.write(0x108, 4, 65);
  device.write(0x104, 4, 66);
  expect(sent).toEqual([65]);
});
