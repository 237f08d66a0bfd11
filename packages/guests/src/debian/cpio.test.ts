/**
 * Goal: the archive is what Linux's initramfs unpacker reads, and is the same for the same entries.
 * Method: one header checked byte by byte against the format's description; archives read back by a
 * reader written from the same description; the order of entries and the refusals in tables.
 */
import { AssertionError, decodeUtf8, encodeUtf8 } from '@casmotion/base';
import { describe, expect, it } from 'vitest';
import { type CpioEntry, writeCpio } from './cpio.ts';

interface ReadEntry {
  readonly fields: readonly number[];
  readonly path: string;
  readonly data: Uint8Array;
}

/** Fields are the 13 numbers of a header, in order. */
function readCpio(archive: Uint8Array): ReadEntry[] {
  const text = new TextDecoder('latin1').decode(archive);
  const entries: ReadEntry[] = [];
  for (let offset = 0; ; ) {
    expect(text.slice(offset, offset + 6)).toBe('070701');
    const fields = Array.from({ length: 13 }, (_, i) =>
      Number.parseInt(text.slice(offset + 6 + i * 8, offset + 14 + i * 8), 16),
    );
    const [dataSize, nameSize] = [fields[6] ?? 0, fields[11] ?? 0];
    const path = text.slice(offset + 110, offset + 110 + nameSize - 1);
    expect(text[offset + 110 + nameSize - 1]).toBe('\0');
    const dataStart = (offset + 110 + nameSize + 3) & ~3;
    if (path === 'TRAILER!!!') return entries;
    entries.push({ fields, path, data: archive.slice(dataStart, dataStart + dataSize) });
    offset = (dataStart + dataSize + 3) & ~3;
  }
}

const file = (path: string, text = ''): CpioEntry => ({
  kind: 'file',
  path,
  permissions: 0o644,
  bytes: encodeUtf8(text),
});

describe('writeCpio', () => {
  it('writes a file as the format says', () => {
    const archive = writeCpio([
      { kind: 'file', path: 'ab', permissions: 0o755, bytes: encodeUtf8('xyz') },
    ]);
    expect(decodeUtf8(archive.subarray(0, 120))).toBe(
      '070701' +
        '00000001' + // inode
        '000081ed' + // regular file, 0755
        '0000000000000000' + // owner
        '00000001' + // links
        '00000000' + // time
        '00000003' + // size
        '0000000000000000' + // device that holds it
        '0000000000000000' + // device that it is
        '00000003' + // size of the name
        '00000000' + // checksum
        'ab\0' +
        '\0\0\0' + // up to a multiple of 4
        'xyz\0',
    );
    expect(archive.length % 512).toBe(0);
  });

  it.each([
    ['directory', { kind: 'directory', path: 'd' }, 0o040755, [0, 0], ''],
    ['link', { kind: 'symlink', path: 'l', target: 'bin/x' }, 0o120777, [0, 0], 'bin/x'],
    [
      'device',
      { kind: 'character-device', path: 'c', permissions: 0o600, major: 5, minor: 1 },
      0o020600,
      [5, 1],
      '',
    ],
  ] as const)('writes a %s', (_, entry, mode, device, data) => {
    const [found] = readCpio(writeCpio([entry]));
    expect(found?.fields[1]).toBe(mode);
    expect(found?.fields.slice(9, 11)).toEqual(device);
    expect(decodeUtf8(found?.data ?? new Uint8Array())).toBe(data);
  });

  it('puts a directory before its contents and adds those that are missing', () => {
    const paths = readCpio(writeCpio([file('b/c/d'), file('a'), file('b.x'), file('b/a')])).map(
      (e) => e.path,
    );
    expect(paths).toEqual(['a', 'b', 'b.x', 'b/a', 'b/c', 'b/c/d']);
  });

  it('gives the same bytes whatever the order of the entries', () => {
    const entries = [file('x/1', 'one'), file('x/2', 'two'), file('y')];
    expect(writeCpio([...entries].toReversed())).toEqual(writeCpio(entries));
  });

  it.each([0, 1, 2, 3, 4, 5, 511, 512, 4097])('brings back %i bytes', (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7);
    const entries = readCpio(
      writeCpio([{ kind: 'file', path: 'f', permissions: 0o600, bytes }, file('g', 'end')]),
    );
    expect(entries[0]?.data).toEqual(bytes);
    expect(decodeUtf8(entries[1]?.data ?? new Uint8Array())).toBe('end');
  });

  it.each(['/a', 'a/', 'a//b', ''])('refuses the path %j', (path) => {
    expect(() => writeCpio([file(path)])).toThrow(AssertionError);
  });

  it('refuses a path that comes twice', () => {
    expect(() => writeCpio([file('a'), file('a')])).toThrow('a is twice');
  });
});
