/**
 * Goal: no guest crashes or hangs the host through a virtqueue, and a device that a guest has
 * broken works again after a reset. Method: seeded traffic from a driver that tampers with its own
 * rings; each operation's work is counted in memory accesses and bytes and must stay under a bound;
 * afterwards a correct driver is served.
 */
import { assert, Prng } from '@casmotion/base';
import { expect, test } from 'vitest';
import * as reg from '../src/virtio/registers.ts';
import { FakeMemory, ramp } from './support/board.ts';
import { play, RIG_RAM_BYTES, rigKinds, type Rig } from './support/rigs.ts';
import { VirtioDriver } from './support/virtio-driver.ts';

const seeds = Array.from({ length: 24 }, (_, index) => index + 1);
const ROUNDS = 1000;
/** A pass: 256 chains of 256 descriptors, each read twice, and their data in as many pieces. */
const MAX_ACCESSES = 256 * 256 * 4;
/** The same with data: no chain is longer than 64 MiB, and no test chain than 128 times RAM. */
const MAX_BYTES = 1024 * 1024 * 1024;

/** Is the device broken, asked without changing anything? */
function isBroken(rig: Rig): boolean {
  return (rig.device.read(reg.STATUS, 4) & reg.DEVICE_NEEDS_RESET) !== 0;
}

/** A correct driver on a device that was reset: one chain goes round. */
function serve(rig: Rig, queueCount: number, isLegacy: boolean): number {
  const { device, memory } = rig;
  memory.bytes.fill(0);
  const driver = new VirtioDriver({ device, memory, queueCount, isLegacy });
  driver.start();
  const queueIndex = queueCount - 1; // the transmit queue, where there are two
  const request = [{ out: new Uint8Array(16) }, { inBytes: 512 }, { inBytes: 1 }];
  driver.send(queueIndex, queueIndex === 0 ? request : [{ out: ramp(100) }]);
  rig.input(ramp(64));
  rig.clock.advance(device, 10_000);
  return driver.collect(queueIndex).length;
}

test.each(rigKinds.filter((kind) => kind.isVirtio))('$name survives its guest', (kind) => {
  const isLegacy = kind.name.endsWith('legacy');
  let brokenCount = 0;
  let interruptCount = 0;
  for (const seed of seeds) {
    const memory = new FakeMemory(RIG_RAM_BYTES);
    const rig = kind.create(memory, []);
    const next = kind.traffic(new Prng(seed), 12);
    let wasBroken = false;
    for (let round = 0; round < ROUNDS; round++) {
      for (const operation of next(round === 0)) {
        [memory.accesses, memory.bytesTouched] = [0, 0];
        play(rig, operation);
        const where = `seed ${seed} round ${round} ${operation.kind}`;
        if (memory.accesses > MAX_ACCESSES) expect(memory.accesses, where).toBe(MAX_ACCESSES);
        if (memory.bytesTouched > MAX_BYTES) expect(memory.bytesTouched, where).toBe(MAX_BYTES);
        rig.device.checkInvariants?.();
        if (isBroken(rig) && !wasBroken) brokenCount++;
        wasBroken = isBroken(rig);
      }
    }
    interruptCount += rig.lines[0]?.rises ?? 0;
    const queueCount = kind.name.includes('net') || kind.name.includes('console') ? 2 : 1;
    expect(serve(rig, queueCount, isLegacy), `seed ${seed}: after a reset`).toBe(1);
  }
  expect(brokenCount).toBeGreaterThan(10);
  expect(interruptCount).toBeGreaterThan(10);
});

test('a used ring laid over the available ring feeds no endless loop', () => {
  const kind = rigKinds.find(({ name }) => name === 'virtio-console');
  assert(kind !== undefined, 'there is a console');
  const memory = new FakeMemory(RIG_RAM_BYTES);
  const rig = kind.create(memory, []);
  const driver = new VirtioDriver({ device: rig.device, memory, queueCount: 2, queueSize: 64 });
  driver.start();
  driver.write(reg.QUEUE_SEL, 1);
  driver.write(reg.QUEUE_READY, 0);
  // Each used element pushed moves used.idx, which is now avail.idx: there is always one more
  // chain.
  driver.write(reg.QUEUE_DEVICE_LOW, driver.places(1).avail);
  driver.write(reg.QUEUE_READY, 1);
  memory.accesses = 0;
  driver.send(1, [{ out: ramp(8) }]);
  expect(rig.outputs.length).toBeGreaterThan(0);
  expect(memory.accesses).toBeLessThan(MAX_ACCESSES);
});
