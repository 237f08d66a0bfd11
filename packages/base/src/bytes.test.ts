/**
 * Goal: every encoding has the bytes it promises, every limit holds, and bad input is an operating
 * error that names its place. Method: tables of values with their exact bytes, good and bad.
 */
import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  ByteReader,
  ByteWriter,
  decodeUtf8,
  encodeUtf8,
  formatVmError,
  fromHex,
  MalformedError,
  toHex,
  TruncatedError,
  VmError,
} from './index.ts';

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

describe('fixed sizes', () => {
  const rows: readonly (readonly [keyof ByteWriter & keyof ByteReader, number, string])[] = [
    ['u8', 0, '00'],
    ['u8', 0xff, 'ff'],
    ['u16', 0x1234, '3412'],
    ['u16', 0xffff, 'ffff'],
    ['u32', 0x1234_5678, '78563412'],
    ['u32', 0xffff_ffff, 'ffffffff'],
    ['u64', 0, '0000000000000000'],
    ['u64', 2 ** 32, '0000000001000000'],
    ['u64', MAX_SAFE, 'ffffffffffff1f00'],
  ];
  it.each(rows)('%s of %d is %s', (kind, value, hex) => {
    const bytes = writeOne(kind, value);
    expect(toHex(bytes)).toBe(hex);
    const reader = new ByteReader(bytes);
    expect((reader[kind] as () => number).call(reader)).toBe(value);
    expect(reader.remaining).toBe(0);
  });

  it.each([
    ['u8', 0x100],
    ['u16', 0x1_0000],
    ['u32', 2 ** 32],
    ['u64', 2 ** 53],
    ['uvarint', 2 ** 53],
    ['svarint', 2 ** 52],
    ['svarint', -(2 ** 52)],
    ['u8', -1],
    ['u32', 1.5],
    ['uvarint', -1],
    ['uvarint', Number.NaN],
    ['svarint', 0.5],
  ] as const)('%s refuses %d: a bug of the caller', (kind, value) => {
    expect(() => writeOne(kind, value)).toThrow(AssertionError);
  });

  it('keeps all 64 bits of a bigint and takes it modulo 2^64', () => {
    const bytes = new ByteWriter().bigU64(0xfedc_ba98_7654_3210n).bigU64(-1n).toBytes();
    expect(toHex(bytes)).toBe(`1032547698badcfe${'ff'.repeat(8)}`);
    const reader = new ByteReader(bytes);
    expect(reader.bigU64()).toBe(0xfedc_ba98_7654_3210n);
    expect(reader.bigU64()).toBe(2n ** 64n - 1n);
  });

  it('refuses a u64 that a number cannot hold, naming its byte', () => {
    const bytes = new ByteWriter().bigU64(2n ** 53n).toBytes();
    expect(() => new ByteReader(bytes, 100).u64()).toThrow(MalformedError);
    expect(whereOf(() => new ByteReader(bytes, 100).u64())).toBe('byte 100');
  });
});

describe('varints', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [0x7f, '7f'],
    [0x80, '8001'],
    [0x3fff, 'ff7f'],
    [0x4000, '808001'],
    [2 ** 32, '8080808010'],
    [MAX_SAFE, 'ffffffffffffff0f'],
  ])('uvarint of %d is %s', (value, hex) => {
    expect(toHex(new ByteWriter().uvarint(value).toBytes())).toBe(hex);
    expect(new ByteReader(bytesOf(hex)).uvarint()).toBe(value);
  });

  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-64, '7f'],
    [64, '8001'],
    [2 ** 52 - 1, 'feffffffffffff0f'],
    [-(2 ** 52) + 1, 'fdffffffffffff0f'],
  ])('svarint of %d is %s', (value, hex) => {
    expect(toHex(new ByteWriter().svarint(value).toBytes())).toBe(hex);
    expect(new ByteReader(bytesOf(hex)).svarint()).toBe(value);
  });

  it.each([
    ['not minimal', '8000'],
    ['not minimal, all padding', '80808000'],
    ['2^53', '8080808080808010'],
    ['2^56 - 1', 'ffffffffffffff7f'],
    ['nine bytes', '808080808080808001'],
  ])('refuses a varint that is %s', (_name, hex) => {
    expect(() => new ByteReader(bytesOf(hex)).uvarint()).toThrow(MalformedError);
  });

  it.each(['', '80', 'ffffff'])('a varint cut off (%s) is truncated', (hex) => {
    expect(() => new ByteReader(bytesOf(hex)).uvarint()).toThrow(TruncatedError);
  });
});

describe('blobs and strings', () => {
  it('round trip, and stop at the limit they are given', () => {
    const bytes = new ByteWriter().blob(Uint8Array.of(1, 2, 3)).string('Ωmega').toBytes();
    expect(toHex(bytes)).toBe('0301020306cea96d656761');
    const reader = new ByteReader(bytes);
    expect([...reader.blob(3)]).toEqual([1, 2, 3]);
    expect(reader.string(6)).toBe('Ωmega');
    expect(() => new ByteReader(bytes).blob(2)).toThrow(MalformedError);
  });

  it('a length beyond the input is truncated, not believed', () => {
    expect(() => new ByteReader(bytesOf('0aff')).blob(100)).toThrow(TruncatedError);
  });

  it('text that is not UTF-8 is refused at the byte where its length stands', () => {
    const bytes = bytesOf('0002c328');
    const read = (): unknown => {
      const reader = new ByteReader(bytes, 16);
      reader.u8();
      return reader.string(10);
    };
    expect(read).toThrow(MalformedError);
    expect(whereOf(read)).toBe('byte 17');
  });
});

describe('ByteWriter', () => {
  it.each([0, 1, 2, 3, 7])('grows from a capacity of %d at every kind of value', (capacity) => {
    const writer = new ByteWriter(capacity);
    writer.u8(1).u16(2).u32(3).u64(4).bigU64(5n).uvarint(300).bytes(new Uint8Array(40).fill(7));
    const reader = new ByteReader(writer.toBytes());
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([1, 2, 3, 4]);
    expect([reader.bigU64(), reader.uvarint()]).toEqual([5n, 300]);
    expect([...reader.bytes(40)]).toEqual(Array(40).fill(7));
    expect(reader.remaining).toBe(0);
  });

  it('gives a copy, and forgets on clear', () => {
    const writer = new ByteWriter().u8(1);
    const first = writer.toBytes();
    writer.clear();
    expect(writer.size).toBe(0);
    writer.u8(9);
    expect([...first]).toEqual([1]);
    expect([...writer.toBytes()]).toEqual([9]);
  });
});

describe('ByteReader', () => {
  it('reads a slice of a larger buffer and names offsets of its file', () => {
    const whole = Uint8Array.of(0xaa, 1, 0, 2, 0xbb);
    const reader = new ByteReader(whole.subarray(1, 4), 1001);
    expect(reader.u16()).toBe(1);
    expect(reader.fileOffset).toBe(1003);
    expect(reader.u8()).toBe(2);
    const error = thrownBy(() => reader.u16());
    expect(error).toBeInstanceOf(TruncatedError);
    expect(formatVmError(error)).toBe(
      'byte 1004: input ends too early\n  expected  2 more bytes\n  found     0',
    );
  });

  it('does not move when it throws', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    reader.u8();
    expect(() => reader.u32()).toThrow(TruncatedError);
    expect(reader.offset).toBe(1);
    expect(reader.u16()).toBe(0x0302);
  });

  it.each([-1, 0.5, Number.NaN])('taking %d bytes is a bug', (count) => {
    expect(() => new ByteReader(new Uint8Array(4)).bytes(count)).toThrow(AssertionError);
  });
});

describe('UTF-8', () => {
  it.each([
    ['', ''],
    ['a\u007f', '617f'],
    ['\u0080\u07ff', 'c280dfbf'],
    ['\u0800\uffff', 'e0a080efbfbf'],
    ['\u{10000}\u{10ffff}', 'f0908080f48fbfbf'],
    ['\ufeff', 'efbbbf'],
  ])('%j is %s', (text, hex) => {
    expect(toHex(encodeUtf8(text))).toBe(hex);
    expect(decodeUtf8(bytesOf(hex))).toBe(text);
  });

  it('writes a lone surrogate as U+FFFD', () => {
    expect(toHex(encodeUtf8('a\ud800b\udfff'))).toBe('61efbfbd62efbfbd');
  });

  it.each([
    ['continuation first', '80'],
    ['cut off', 'e282'],
    ['bad continuation', 'c328'],
    ['overlong /', 'c0af'],
    ['overlong in 3', 'e0809f'],
    ['overlong in 4', 'f08fbfbf'],
    ['surrogate', 'eda080'],
    ['above U+10FFFF', 'f4908080'],
    ['0xfe', 'fe'],
    ['0xff', 'ff'],
  ])('refuses %s', (_name, hex) => {
    expect(decodeUtf8(bytesOf(hex))).toBeUndefined();
  });
});

describe('hexadecimal', () => {
  it('reads either case and writes lower case', () => {
    expect(toHex(bytesOf('00AbfF'))).toBe('00abff');
    expect(toHex(bytesOf(''))).toBe('');
  });
  it.each(['0', 'abc', '0x10', 'zz', ' 00', '0g'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });
});

function writeOne(kind: string, value: number): Uint8Array {
  const writer = new ByteWriter();
  (writer as unknown as Record<string, (v: number) => void>)[kind]?.(value);
  return writer.toBytes();
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error(`bad test: ${hex}`);
  return bytes;
}

function thrownBy(run: () => unknown): VmError {
  try {
    run();
  } catch (error) {
    if (error instanceof VmError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function whereOf(run: () => unknown): string | undefined {
  return thrownBy(run).details.where;
}
