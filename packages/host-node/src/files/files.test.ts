/**
 * Goal: files of a recording are whole or honestly partial, and no file of a user is lost. Method:
 * real files in a temporary folder, and a disk that fills up at a chosen byte.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryImage } from '@casmotion/devices';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkCommitTarget, commitDisk } from './commit-disk.ts';
import { FileImage, readInputFile } from './input-file.ts';
import { type LogFileCalls, LogFileSink, LogFileSource } from './log-file.ts';

let folder: string;
const file = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-files-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a log', () => {
  test('gets its name only when it is whole', () => {
    const sink = new LogFileSink(file('a.cmr'));
    sink.write(Uint8Array.of(1, 2));
    sink.write(Uint8Array.of(3));
    sink.sync();
    expect(readdirSync(folder)).toEqual(['a.cmr.partial']);
    sink.commit();
    expect(readdirSync(folder)).toEqual(['a.cmr']);
    expect([...readFileSync(file('a.cmr'))]).toEqual([1, 2, 3]);
  });

  test('takes the place of an older one at its end, and not before', () => {
    writeFileSync(file('a.cmr'), 'old');
    const sink = new LogFileSink(file('a.cmr'));
    sink.write(Uint8Array.of(1));
    expect(readFileSync(file('a.cmr'), 'utf8')).toBe('old');
    sink.commit();
    expect([...readFileSync(file('a.cmr'))]).toEqual([1]);
  });

  test('never takes the place of a partial', () => {
    writeFileSync(file('a.cmr.partial'), 'precious');
    expect(() => new LogFileSink(file('a.cmr'))).toThrow(/under way, or was cut short/);
    expect(readFileSync(file('a.cmr.partial'), 'utf8')).toBe('precious');
  });

  test.each([
    { what: 'a folder that is not there', path: 'no/a.cmr', message: /cannot be written/ },
    { what: 'a name that ends like a folder', path: 'a.cmr/', message: /cannot be written there/ },
    { what: 'a folder', path: 'dir', message: /cannot be written there/ },
  ])('$what is refused', ({ path, message }) => {
    mkdirSync(file('dir'));
    expect(() => new LogFileSink(file(path))).toThrow(message);
    expect(readdirSync(folder)).toEqual(['dir']);
  });

  test('without a name is refused', () => {
    expect(() => new LogFileSink('')).toThrow(/cannot be written there/);
  });

  test.each([0, 1, 9, 10, 11, 25])('a disk that is full after %d bytes', (capacity) => {
    const calls: LogFileCalls = {
      // A real disk writes what fits, and only then fails.
      write: (descriptor, bytes, at) => {
        const fits = Math.min(bytes.length, capacity - at);
        if (fits <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        return writeSync(descriptor, bytes, 0, fits, at);
      },
      sync: () => undefined,
    };
    const sink = new LogFileSink(file('a.cmr'), calls);
    const chunks = [1, 2, 3].map((value) => new Uint8Array(10).fill(value));
    expect(() => chunks.forEach((chunk) => sink.write(chunk))).toThrow(/log cannot be written/);
    const whole = Math.floor(capacity / 10) * 10;
    expect(readFileSync(file('a.cmr.partial'))).toHaveLength(whole);
    expect(sink.failure?.details).toMatchObject({
      where: file('a.cmr.partial'),
      found: 'no space left on the device',
      next: expect.stringContaining(whole === 0 ? 'make room' : `${whole} bytes are kept`),
    });
    // Nothing comes after a hole.
    expect(() => sink.write(Uint8Array.of(1))).toThrow(sink.failure);
    expect(() => sink.sync()).toThrow(sink.failure);
    sink.close();
    sink.close();
  });

  test('a device that fails at fsync ends the recording', () => {
    const sync = (): void => {
      throw Object.assign(new Error('io'), { code: 'EIO' });
    };
    const write: LogFileCalls['write'] = (descriptor, bytes, at) =>
      writeSync(descriptor, bytes, 0, bytes.length, at);
    const sink = new LogFileSink(file('a.cmr'), { write, sync });
    sink.write(Uint8Array.of(1));
    expect(() => sink.sync()).toThrow(/recording ended/);
    sink.close();
  });

  test('is read where it is', () => {
    writeFileSync(
      file('a.cmr'),
      Uint8Array.from({ length: 100 }, (_, index) => index),
    );
    const source = new LogFileSource(file('a.cmr'));
    expect(source.sizeBytes).toBe(100);
    expect([...source.read(97, 3)]).toEqual([97, 98, 99]);
    truncateSync(file('a.cmr'), 98);
    expect(() => source.read(97, 3)).toThrow(/became shorter/);
    source.close();
  });

  test('that is absent but for its partial says so', () => {
    writeFileSync(file('a.cmr.partial'), '');
    let found: unknown;
    try {
      found = new LogFileSource(file('a.cmr'));
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({
      details: { next: expect.stringContaining('replay') as string, where: file('a.cmr') },
    });
    expect(() => new LogFileSource(folder)).toThrow(/cannot be read/);
  });
});

describe('a disk image', () => {
  test('is read in place', () => {
    writeFileSync(
      file('disk'),
      Uint8Array.from({ length: 2000 }, (_, index) => index & 0xff),
    );
    const image = new FileImage(file('disk'));
    const bytes = new Uint8Array(4);
    image.read(1996, bytes);
    expect([image.sizeBytes, ...bytes]).toEqual([2000, 0xcc, 0xcd, 0xce, 0xcf]);
    truncateSync(file('disk'), 1000);
    expect(() => image.read(1996, bytes)).toThrow(/was changed while the machine used it/);
    image.close();
  });

  test.each(['none', 'empty', 'dir'])('%s is refused', (name) => {
    writeFileSync(file('empty'), '');
    mkdirSync(file('dir'));
    expect(() => new FileImage(file(name))).toThrow(/image/);
    expect(() => readInputFile(file('dir'), 'kernel')).toThrow(/the kernel cannot be read/);
  });
});

describe('a committed disk', () => {
  const bytes = Uint8Array.from({ length: 3_000_001 }, (_, index) => index % 251);

  test('is written whole', () => {
    checkCommitTarget(file('new.img'));
    commitDisk(file('new.img'), new MemoryImage(bytes));
    expect(readFileSync(file('new.img')).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['new.img']);
  });

  test('never replaces a file, whenever that came', () => {
    writeFileSync(file('new.img'), 'mine');
    expect(() => checkCommitTarget(file('new.img'))).toThrow(/new file only/);
    expect(() => commitDisk(file('new.img'), new MemoryImage(bytes))).toThrow(/new file only/);
    expect(readFileSync(file('new.img'), 'utf8')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['new.img']);
  });

  test('needs its folder', () => {
    expect(() => checkCommitTarget(file('no/new.img'))).toThrow(/cannot be written/);
    expect(existsSync(file('no'))).toBe(false);
  });

  test('leaves nothing where the image fails in the middle', () => {
    const broken = {
      sizeBytes: 3_000_000,
      read: (offset: number): void => {
        if (offset > 0) throw new Error('broken');
      },
    };
    expect(() => commitDisk(file('new.img'), broken)).toThrow(/cannot be written/);
    expect(readdirSync(folder)).toEqual([]);
  });
});
