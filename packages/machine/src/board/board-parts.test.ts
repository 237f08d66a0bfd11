/**
 * Goal: the board's small parts keep their promises: decoding, alarms in order, memory for devices,
 * output in order. Method: each with fakes around it; tables of edges.
 */
import type { AccessSize, Device } from '@casmotion/devices';
import { describe, expect, it } from 'vitest';
import { OutputBuffer } from '../output-buffer.ts';
import { AlarmQueue } from './alarm-queue.ts';
import { Bus } from './bus.ts';
import { EmptyVirtioSlot } from './empty-virtio-slot.ts';
import { RAM_BASE, regionNamed } from './memory-map.ts';
import { createRamDma } from './ram-dma.ts';

describe('Bus', () => {
  const log: string[] = [];
  const device = (name: string): Device => ({
    name,
    read: (offset, sizeBytes) => {
      log.push(`${name} read ${offset} ${sizeBytes}`);
      return 7;
    },
    write: (offset, sizeBytes, value) =>
      void log.push(`${name} write ${offset} ${sizeBytes} ${value}`),
    snapshot() {},
    restore() {},
    reset() {},
  });
  const bus = new Bus([
    { region: regionNamed('uart'), device: device('uart') },
    { region: regionNamed('finisher'), device: device('finisher') },
    { region: regionNamed('rtc'), device: device('rtc') },
  ]);

  it.each<[number, AccessSize, string | undefined]>([
    [0x1000_0000, 1, 'uart read 0 1'],
    [0x1000_00ff, 1, 'uart read 255 1'],
    [0x1000_00fe, 4, undefined],
    [0x1000_0100, 1, undefined],
    [0x0fff_ffff, 1, undefined],
    [0x10_0ffc, 4, 'finisher read 4092 4'],
    [0x10_0ffe, 4, undefined],
    [0x10_1000, 2, 'rtc read 0 2'],
    [0, 4, undefined],
    [RAM_BASE, 4, undefined],
  ])('reads 0x%s of %i bytes from %s', (address, sizeBytes, entry) => {
    log.length = 0;
    expect(bus.read(address, sizeBytes)).toBe(entry === undefined ? undefined : 7);
    expect(log).toEqual(entry === undefined ? [] : [entry]);
  });

  it('writes where something is', () => {
    log.length = 0;
    expect(bus.write(0x1000_0005, 1, 200)).toBe(true);
    expect(bus.write(0x9_0000, 1, 200)).toBe(false);
    expect(log).toEqual(['uart write 5 1 200']);
  });

  it('refuses windows that overlap', () => {
    const twice = { region: regionNamed('uart'), device: device('uart') };
    expect(() => new Bus([twice, twice])).toThrow('uart overlaps');
  });
});

describe('AlarmQueue', () => {
  it('goes off by ticks, then by number, once each', () => {
    let now = 0;
    const fired: string[] = [];
    const queue = new AlarmQueue(
      () => now,
      () => {},
    );
    const clocks = ['a', 'b', 'c'].map((name) =>
      queue.addClock(() => ({ alarm: () => void fired.push(name) })),
    );
    clocks[2]?.setAlarm(10);
    clocks[1]?.setAlarm(20);
    clocks[0]?.setAlarm(20);
    expect(queue.nextTicks).toBe(10);
    expect(queue.fireOne()).toBe(false);
    now = 30;
    while (queue.fireOne());
    expect(fired).toEqual(['c', 'a', 'b']);
    expect(queue.nextTicks).toBe(Infinity);
  });

  it('lets an alarm set the next and take itself back', () => {
    let now = 5;
    const set: number[] = [];
    const queue = new AlarmQueue(
      () => now,
      (ticks) => void set.push(ticks),
    );
    let count = 0;
    const clock = queue.addClock(() => ({
      alarm: () => (++count < 3 ? clock.setAlarm(now) : undefined),
    }));
    clock.setAlarm(5);
    while (queue.fireOne());
    expect([count, set]).toEqual([3, [5, 5, 5]]);
    clock.setAlarm(9);
    clock.setAlarm(undefined);
    now = 9;
    expect(queue.fireOne()).toBe(false);
    clock.setAlarm(9);
    queue.clear();
    expect(queue.nextTicks).toBe(Infinity);
    expect(clock.nowTicks).toBe(9);
    expect(() => clock.setAlarm(-1)).toThrow('alarm at -1');
  });
});

describe('DMA', () => {
  const ram = new Uint8Array(4096);
  const noted: number[][] = [];
  const dma = createRamDma(() => ({
    ram,
    noteRamWrite: (address, size) => void noted.push([address, size]),
  }));

  it.each<[number, number, boolean]>([
    [RAM_BASE, 4096, true],
    [RAM_BASE + 4095, 1, true],
    [RAM_BASE + 4096, 0, true],
    [RAM_BASE - 1, 1, false],
    [RAM_BASE - 1, 2, false],
    [RAM_BASE, 4097, false],
    [RAM_BASE + 4096, 1, false],
    [2 ** 60, 1, false],
    [NaN, 1, false],
  ])('at 0x%s, %i bytes: %s', (address, sizeBytes, isThere) => {
    noted.length = 0;
    ram.fill(0);
    expect(dma.read(address, sizeBytes)?.length).toBe(isThere ? sizeBytes : undefined);
    expect(dma.write(address, new Uint8Array(sizeBytes).fill(1))).toBe(isThere);
    expect(noted).toEqual(isThere && sizeBytes > 0 ? [[address, sizeBytes]] : []);
    expect(ram.reduce((sum, byte) => sum + byte, 0)).toBe(isThere ? sizeBytes : 0);
  });
});

describe('OutputBuffer', () => {
  it('keeps the order of all outputs and loses nothing', () => {
    const out: string[] = [];
    const buffer = new OutputBuffer();
    buffer.outputs = {
      consoleOutput: (console, bytes) => void out.push(`${console}:${bytes.length}:${bytes[0]}`),
      netPacket: (nic, bytes) => void out.push(`net${nic}:${bytes.length}`),
    };
    buffer.console(0, Uint8Array.of(1));
    buffer.console(0, Uint8Array.of(2));
    buffer.console(1, Uint8Array.of(3));
    buffer.netPacket(0, new Uint8Array(60));
    buffer.console(1, new Uint8Array(5000).fill(4));
    buffer.console(1, new Uint8Array(4000).fill(5));
    buffer.console(1, new Uint8Array(97).fill(6));
    buffer.flush();
    buffer.flush();
    expect(out).toEqual(['0:2:1', '1:1:3', 'net0:60', '1:5000:4', '1:4000:5', '1:97:6']);
  });
});

it('an empty virtio slot says that nothing is there', () => {
  const slot = new EmptyVirtioSlot('virtio-empty@10008000', true);
  expect([slot.read(0, 4), slot.read(4, 4), slot.read(8, 4), slot.read(0, 1)]).toEqual([
    0x74726976, 1, 0, 0,
  ]);
});
