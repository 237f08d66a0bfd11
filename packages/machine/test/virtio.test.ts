/**
 * Goal: virtio devices work inside the machine, and what they hold is in its state: a disk's
 * overlay in snapshots and digests, entropy from a seed or from events.
 * Method: a bare-metal driver of one request; RAM, disk and digests compared.
 */
import { toHex } from '@casmotion/base';
import { MemoryImage } from '@casmotion/devices';
import { timePoint } from '@casmotion/time-point';
import { describe, expect, it } from 'vitest';
import { createMachine, describeDisk, describeImage, diskPageNumber } from '../src/index.ts';
import { type ChainBuffer, virtioProgram } from './support/programs.ts';
import { hashes, runToEnd, startMachine } from './support/run-machine.ts';
import { testConfig } from './support/test-config.ts';

const DATA = 0x8020_0000;
const STATUS = 0x8020_2000;
const RAM = 0x8000_0000;
const [VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT] = [0, 1];

describe('disk', () => {
  const content = Uint8Array.from({ length: 16 * 4096 }, (_, i) => i >> 9);
  const image = new MemoryImage(content.slice());

  const start = async (type: number, sector: number, data: Uint8Array) => {
    const disk = await describeDisk('disk.img', image, hashes);
    return startMachine(diskProgram(type, sector, data), { disks: [disk] }, { disks: [image] });
  };

  it('is read', async () => {
    const { machine } = await start(VIRTIO_BLK_T_IN, 9, new Uint8Array(1024));
    runToEnd(machine);
    expect(machine.ram[STATUS - RAM]).toBe(0);
    const data = machine.ram.subarray(DATA - RAM, DATA - RAM + 1024);
    expect(toHex(data)).toBe(toHex(content.subarray(9 * 512, 11 * 512)));
    expect(machine.snapshot().pages.has(diskPageNumber(0, 1))).toBe(false);
  });

  it('is written to its overlay, which is in snapshots and digests', async () => {
    const written = new Uint8Array(512).fill(0xee);
    const { machine } = await start(VIRTIO_BLK_T_OUT, 9, written);
    machine.enableLandmarks();
    const digests = new Set([toHex(machine.landmark().stateDigest)]);
    runToEnd(machine);
    const end = machine.landmark();
    expect(end).toEqual(machine.fullLandmark());
    digests.add(toHex(end.stateDigest));
    expect(digests.size).toBe(2);

    const sector = new Uint8Array(512);
    machine.disks[0]?.read(9 * 512, sector);
    expect(toHex(sector)).toBe(toHex(written));
    image.read(9 * 512, sector);
    expect(sector[0]).toBe(9);

    const snapshot = machine.snapshot();
    expect(snapshot.pages.get(diskPageNumber(0, 1))?.[512]).toBe(0xee);
    const other = await start(VIRTIO_BLK_T_OUT, 9, written);
    other.machine.restore(snapshot);
    expect(other.machine.fullLandmark()).toEqual(end);
    expect(other.machine.snapshot()).toEqual(snapshot);
    other.machine.disks[0]?.read(9 * 512, sector);
    expect(sector[0]).toBe(0xee);
  });

  it('goes back to its image when a state without an overlay is restored', async () => {
    const { machine } = await start(VIRTIO_BLK_T_OUT, 9, new Uint8Array(512).fill(0xee));
    machine.enableLandmarks();
    const [snapshot, before] = [machine.snapshot(), machine.landmark()];
    runToEnd(machine);
    machine.restore(snapshot);
    expect(machine.landmark()).toEqual(before);
    const sector = new Uint8Array(512);
    machine.disks[0]?.read(9 * 512, sector);
    expect(sector[0]).toBe(9);
  });

  it('digests what was written, not what was there', async () => {
    const digests = await Promise.all(
      [1, 2].map(async (value) => {
        const { machine } = await start(VIRTIO_BLK_T_OUT, 9, new Uint8Array(512).fill(value));
        runToEnd(machine);
        // The same RAM in both: only the disks differ.
        machine.ram.fill(0);
        return toHex(machine.fullLandmark().stateDigest);
      }),
    );
    expect(digests[0]).not.toBe(digests[1]);
  });

  it('cut anywhere gives the same end', async () => {
    const data = new Uint8Array(512).fill(3);
    const ends = [];
    for (const cut of [1, 7, 100_000]) {
      const { machine } = await start(VIRTIO_BLK_T_OUT, 0, data);
      runToEnd(machine, () => cut);
      ends.push(machine.fullLandmark());
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });
});

describe('entropy', () => {
  const program = virtioProgram(0, [
    { address: DATA, bytes: new Uint8Array(16), isWritable: true },
  ]);
  const entropyOf = (ram: Uint8Array) => toHex(ram.slice(DATA - RAM, DATA - RAM + 16));

  it('from a seed is the same each time, and another for another seed', async () => {
    const found: string[] = [];
    for (const seed of [1, 1, 2]) {
      const { machine } = await startMachine(program, { rng: { kind: 'seed', seed } });
      runToEnd(machine);
      found.push(entropyOf(machine.ram));
    }
    expect(found[0]).toBe(found[1]);
    expect(found[0]).not.toBe(found[2]);
    expect(found[0]).not.toBe('00'.repeat(16));
  });

  it('from the host is asked for at once, and once', async () => {
    const { machine } = await startMachine(program, { rng: { kind: 'host' } });
    expect(machine.wantedEntropyBytes).toBe(0);
    expect(machine.run(timePoint(100_000))).toEqual({ kind: 'wants-host' });
    expect(machine.at.step).toBeLessThan(100);
    expect(machine.wantedEntropyBytes).toBe(16);
    expect(machine.run(timePoint(1000))).toEqual({ kind: 'time-point' });
    machine.apply({ kind: 'entropy', bytes: new Uint8Array(16).fill(0x5a) });
    expect(machine.wantedEntropyBytes).toBe(0);
    expect(runToEnd(machine)).toEqual({ cause: 'power-off' });
    expect(entropyOf(machine.ram)).toBe('5a'.repeat(16));
  });
});

it('refuses more devices than there are slots', async () => {
  const kernel = virtioProgram(0, []);
  const disk = new MemoryImage(new Uint8Array(512));
  const config = testConfig({
    kernel: describeImage('k', kernel, hashes),
    disks: await Promise.all(Array.from({ length: 8 }, () => describeDisk('d', disk, hashes))),
    net: 'loopback',
  });
  const images = { kernel, disks: config.disks.map(() => disk) };
  await expect(createMachine(config, images, { hashes })).rejects.toThrow(
    'more devices than the board has virtio slots',
  );
});

/** One request of a block device: header, data, status. Virtio 1.2 §5.2.6. */
function diskProgram(type: number, sector: number, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(16);
  new DataView(header.buffer).setUint32(0, type, true);
  new DataView(header.buffer).setBigUint64(8, BigInt(sector), true);
  const chain: ChainBuffer[] = [
    { address: 0x8020_1000, bytes: header, isWritable: false },
    { address: DATA, bytes: data, isWritable: type === VIRTIO_BLK_T_IN },
    { address: STATUS, bytes: Uint8Array.of(0xff), isWritable: true },
  ];
  return virtioProgram(0, chain);
}
