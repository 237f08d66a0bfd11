/**
 * Goal: a machine is made of exactly the images that its log names, wherever they are now. Method:
 * small files in temporary folders, moved and changed between recording and replay.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryImage } from '@casmotion/devices';
import type { MachineConfig } from '@casmotion/machine';
import {
  bufferSource,
  createLogTools,
  type JsonValue,
  type LogReader,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EMBEDDED_GUEST, HELLO_GUEST, SCRATCH_DISK } from './builtin-images.ts';
import { parseMachineConfig } from './config-json.ts';
import { findImages } from './find-images.ts';
import {
  checkForEmbedding,
  type MachineFiles,
  type MachineRequest,
  openMachineFiles,
} from './machine-files.ts';

const tools = await createLogTools();
const { hashes } = tools;
let folder: string;
const file = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-images-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function request(changes: Partial<MachineRequest> = {}): MachineRequest {
  return {
    kernel: undefined,
    initrd: undefined,
    bios: undefined,
    append: undefined,
    disks: [],
    ramSizeBytes: 2 ** 26,
    virtio: 'modern',
    rng: undefined,
    net: 'none',
    hasVirtioConsole: false,
    clock: 'virtual',
    ...changes,
  };
}

async function configOf(changes: Partial<MachineRequest> = {}): Promise<MachineConfig> {
  const files = await openMachineFiles(request(changes), hashes);
  files.close();
  return files.config;
}

/** A log that says so and holds nothing but perhaps an image. */
function logOf(config: MachineConfig, stored: readonly Uint8Array[] = []): LogReader {
  const sink = new MemorySink();
  const machine = config as unknown as JsonValue;
  const writer = new LogWriter(sink, tools, { creator: 'test', machine, digests: {} });
  for (const bytes of stored) {
    const digestHex = Buffer.from(hashes.blake3(bytes)).toString('hex');
    writer.image({ digestHex, sizeBytes: bytes.length }, new MemoryImage(bytes));
  }
  return openLog(bufferSource(sink.toBytes()), tools);
}

describe('defaults of a new machine', () => {
  test('the embedded guest with an empty disk', async () => {
    const config = await configOf();
    expect(config).toMatchObject({ bios: 'sbi', append: 'demo', rng: { kind: 'seed', seed: 0 } });
    expect(config.kernel?.name).toBe(EMBEDDED_GUEST);
    expect(config.disks.map(({ name }) => name)).toEqual([SCRATCH_DISK]);
  });

  test('the bare-metal guest with --bios none', async () => {
    const config = await configOf({ bios: 'none' });
    expect(config).toMatchObject({ bios: 'none', append: '', disks: [] });
    expect(config.kernel?.name).toBe(HELLO_GUEST);
  });

  test('the virtual clock makes equal machines, the host clock does not', async () => {
    expect(await configOf()).toEqual(await configOf());
    const [a, b] = [await configOf({ clock: 'host' }), await configOf({ clock: 'host' })];
    expect(a.rng).toEqual({ kind: 'host' });
    expect(a.rngSeedHex).not.toBe(b.rngSeedHex);
    expect(Math.abs(Number(a.rtcBaseNanoseconds) / 1e6 - Date.now())).toBeLessThan(60_000);
  });

  test.each([
    { what: 'kernel', changes: { kernel: 'none' }, message: /kernel cannot be read/ },
    { what: 'initrd', changes: { initrd: 'none' }, message: /initrd cannot be read/ },
    { what: 'firmware', changes: { bios: 'none.bin' }, message: /firmware cannot be read/ },
    { what: 'disk', changes: { disks: ['none'] }, message: /disk image cannot be read/ },
  ])('a missing $what is named', async ({ changes, message }) => {
    await expect(configOf(changes)).rejects.toThrow(message);
  });
});

describe('images at replay', () => {
  const disk = new Uint8Array(5000).fill(1);

  /** A configuration with a disk of the user's, and its log. */
  async function recorded(stored: readonly Uint8Array[] = []) {
    mkdirSync(file('work'), { recursive: true });
    writeFileSync(file('work/disk.img'), disk);
    const config = await configOf({ disks: [file('work/disk.img')] });
    return { config, log: logOf(config, stored) };
  }

  test.each([
    { where: 'the recorded path', to: 'work/disk.img', imageDir: undefined },
    { where: 'beside the log', to: 'logs/disk.img', imageDir: undefined },
    { where: 'the folder named', to: 'images/disk.img', imageDir: 'images' },
  ])('are found: $where', async ({ to, imageDir }) => {
    const { config, log } = await recorded();
    for (const name of ['logs', 'images']) mkdirSync(file(name));
    renameSync(file('work/disk.img'), file(to));
    const search = {
      log,
      logPath: file('logs/a.cmr'),
      imageDir: imageDir === undefined ? undefined : file(imageDir),
      hashes,
    };
    const files = await findImages(config, search);
    const bytes = new Uint8Array(2);
    files.images.disks?.[0]?.read(4998, bytes);
    expect([...bytes]).toEqual([1, 1]);
    files.close();
  });

  test('are found in the log, even where the file has changed', async () => {
    const { config, log } = await recorded([disk]);
    writeFileSync(file('work/disk.img'), new Uint8Array(5000).fill(2));
    const search = { log, logPath: file('a.cmr'), imageDir: undefined, hashes };
    const files = await findImages(config, search);
    const [image] = files.images.disks ?? [];
    const stored = new Uint8Array(image?.sizeBytes ?? 0);
    image?.read(0, stored);
    expect([...stored]).toEqual([...disk]);
    files.close();
  });

  test('that no log can store are refused before anything is written', async () => {
    const { config } = await recorded();
    const files = (sizeBytes: number): MachineFiles => ({
      config: { ...config, disks: [{ name: 'big.img', sizeBytes, digestHex: '00' }] },
      images: {},
      close: () => undefined,
    });
    checkForEmbedding(files(2 ** 36));
    expect(() => checkForEmbedding(files(2 ** 36 + 1))).toThrow(/too large to be stored/);
  });

  test('that have changed are refused by name', async () => {
    const { config, log } = await recorded();
    writeFileSync(file('work/disk.img'), new Uint8Array(5000).fill(2));
    const search = { log, logPath: file('a.cmr'), imageDir: undefined, hashes };
    await expect(findImages(config, search)).rejects.toMatchObject({
      name: 'ImageMismatchError',
      details: { where: file('work/disk.img') },
    });
  });

  test('that are nowhere are asked for', async () => {
    const { config, log } = await recorded();
    rmSync(file('work'), { recursive: true });
    const search = { log, logPath: file('a.cmr'), imageDir: file('none'), hashes };
    await expect(findImages(config, search)).rejects.toMatchObject({
      name: 'NoImageError',
      details: { where: file('work/disk.img'), next: expect.stringContaining('--image-dir') },
    });
  });

  test('a built-in one of another version is refused', async () => {
    const config = await configOf();
    const kernel = { name: EMBEDDED_GUEST, sizeBytes: 1, digestHex: '00'.repeat(32) };
    const search = { log: logOf(config), logPath: file('a.cmr'), imageDir: undefined, hashes };
    await expect(findImages({ ...config, kernel }, search)).rejects.toThrow(/another version/);
  });
});

describe('a configuration from a log', () => {
  test.each([
    {},
    { bios: 'none' },
    { rng: { seed: 7 } },
    { rng: 'none' as const, net: 'loopback' as const },
    { hasVirtioConsole: true, virtio: 'legacy' as const },
  ])('%j comes back as it was', async (changes) => {
    const config = await configOf(changes);
    const json: unknown = JSON.parse(JSON.stringify(config));
    expect(parseMachineConfig(json as JsonValue)).toEqual(config);
  });

  test.each([
    { field: 'harts', value: 2 },
    { field: 'bios', value: 'uefi' },
    { field: 'ramSizeBytes', value: -1 },
    { field: 'ramSizeBytes', value: 1.5 },
    { field: 'append', value: null },
    { field: 'disks', value: [{}] },
    { field: 'disks', value: Array.from({ length: 9 }, () => ({})) },
    { field: 'rng', value: { kind: 'seed' } },
    { field: 'rngSeedHex', value: '00' },
    { field: 'rtcBaseNanoseconds', value: '-1' },
    { field: 'kernel', value: { name: 'k', sizeBytes: 1, digestHex: 'xyz' } },
  ])('$field $value is refused by name', async ({ field, value }) => {
    const json = { ...JSON.parse(JSON.stringify(await configOf())), [field]: value };
    expect(() => parseMachineConfig(json)).toThrow(/cannot make/);
    try {
      parseMachineConfig(json);
    } catch (error) {
      expect(error).toMatchObject({ details: { where: expect.stringContaining(field) } });
    }
  });

  test.each([null, 1, 'x', []])('%j is no configuration', (json) => {
    expect(() => parseMachineConfig(json)).toThrow(/cannot make/);
  });
});
