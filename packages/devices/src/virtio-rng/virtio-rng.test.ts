/**
 * Goal: requests wait for the host's bytes in order, or are filled by a seed; never both.
 * Method: the test driver, entropy given by hand.
 */
import { describe, expect, test } from 'vitest';
import { FakeClock, FakeLine, FakeMemory, ramp } from '../../test/support/board.ts';
import { VirtioDriver } from '../../test/support/virtio-driver.ts';
import { STATUS } from '../virtio/registers.ts';
import { VirtioMmio } from '../virtio/virtio-mmio.ts';
import { RNG_LATENCY_TICKS, VirtioRng, type EntropySource } from './virtio-rng.ts';

function create(source: EntropySource) {
  const memory = new FakeMemory(0x10_0000);
  const line = new FakeLine();
  const rng = new VirtioRng(source);
  const device = new VirtioMmio({ name: 'rng', model: rng, line, dma: memory });
  const driver = new VirtioDriver({ device, memory, queueCount: 1 });
  driver.start();
  return { rng, line, device, driver };
}

describe('host', () => {
  test('the oldest request waits, is filled, and the next waits', () => {
    const { rng, driver, line } = create({ kind: 'host' });
    expect(rng.wantedBytes).toBe(0);
    driver.send(0, [{ inBytes: 8 }]);
    driver.send(0, [{ inBytes: 3 }, { inBytes: 4 }]);
    expect([rng.wantedBytes, line.isHigh]).toEqual([8, false]);
    rng.provide(ramp(5));
    const [first] = driver.collect(0);
    expect([first?.writtenBytes, first?.input.subarray(0, 5)]).toEqual([5, ramp(5)]);
    expect([rng.wantedBytes, line.isHigh]).toEqual([7, true]);
    rng.provide(ramp(100));
    expect(driver.collect(0)[0]?.input).toEqual(ramp(7));
    expect(rng.wantedBytes).toBe(0);
    rng.provide(ramp(5)); // nobody asked
    expect(driver.collect(0)).toEqual([]);
  });

  test('a request without room is given back empty; one beyond 4096 gets 4096', () => {
    const { rng, driver } = create({ kind: 'host' });
    driver.send(0, [{ out: ramp(4) }]);
    expect(driver.collect(0)[0]?.writtenBytes).toBe(0);
    driver.send(0, [{ inBytes: 5000 }]);
    expect(rng.wantedBytes).toBe(4096);
  });

  test('a reset by the driver forgets requests', () => {
    const { rng, driver } = create({ kind: 'host' });
    driver.send(0, [{ inBytes: 8 }]);
    driver.write(STATUS, 0);
    expect(rng.wantedBytes).toBe(0);
  });
});

test('seed: filled after a latency, the same on every run, going on between requests', () => {
  const run = (seed: number): number[] => {
    const clock = new FakeClock();
    const { rng, driver, device } = create({ kind: 'seed', seed, clock });
    const bytes: number[] = [];
    for (let index = 0; index < 2; index++) {
      driver.send(0, [{ inBytes: 8 }]);
      expect(rng.wantedBytes).toBe(0);
      clock.advance(device, RNG_LATENCY_TICKS - 1);
      expect(driver.collect(0)).toEqual([]);
      clock.advance(device, 1);
      bytes.push(...(driver.collect(0)[0]?.input ?? []));
    }
    return bytes;
  };
  const bytes = run(5);
  expect(bytes.length).toBe(16);
  expect(run(5)).toEqual(bytes);
  expect(run(6)).not.toEqual(bytes);
  expect(bytes.slice(0, 8)).not.toEqual(bytes.slice(8));
});
