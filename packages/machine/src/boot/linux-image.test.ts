/**
 * Goal: whole Images are taken, cut and foreign ones are refused with the reason.
 * Method: a built Image; one fault at a time.
 */
import { describe, expect, it } from 'vitest';
import { buildImage } from '../../test/support/build-image.ts';
import { describeWrapper, isLinuxImage, LinuxImageError, parseLinuxImage } from './linux-image.ts';

describe('parseLinuxImage', () => {
  it('reads load offset and size in memory', () => {
    const bytes = buildImage();
    expect(isLinuxImage(bytes)).toBe(true);
    expect(parseLinuxImage('Image', bytes)).toEqual({
      name: 'Image',
      textOffset: 0x20_0000,
      imageSizeBytes: 0x4000,
      bytes,
    });
  });

  it('takes the file size where the header knows none', () => {
    expect(parseLinuxImage('Image', buildImage({ imageSizeBytes: 0n })).imageSizeBytes).toBe(0x400);
  });

  it('takes an Image without a PE header', () => {
    const bytes = buildImage();
    bytes.set([0x13, 0], 0);
    expect(parseLinuxImage('Image', bytes).textOffset).toBe(0x20_0000);
  });

  it.each<[string, Uint8Array, string, number]>([
    ['an empty file', new Uint8Array(0), 'is truncated: it ends inside the header', 0],
    ['a cut header', buildImage().slice(0, 63), 'is truncated: it ends inside the header', 0],
    ['a file cut by one byte', buildImage().slice(0, -1), 'is truncated: a section', 88],
    ['a cut section table', buildImage().slice(0, 100), 'is truncated: a section', 88],
    ['zeros', new Uint8Array(100), 'is not a Linux Image for RISC-V', 56],
    ['an odd load offset', buildImage({ textOffset: 4096n }), 'has an odd load offset', 8],
    ['an impossible size', buildImage({ imageSizeBytes: 1n << 60n }), 'has an impossible size', 16],
    ['a big-endian kernel', withByte(24, 1), 'is a big-endian kernel', 24],
  ])('refuses %s', (_, bytes, words, fileOffset) => {
    const parse = () => parseLinuxImage('Image', bytes);
    expect(parse).toThrow(LinuxImageError);
    expect(parse).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(words),
        details: expect.objectContaining({ where: `Image, byte ${fileOffset}` }),
      }),
    );
  });

  it.each([
    [[0x1f, 0x8b, 8], 'gzip'],
    [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
    [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], 'xz'],
    [[0x4d, 0x5a, 0, 0, 0x7a, 0x69, 0x6d, 0x67], 'EFI zboot (CONFIG_EFI_ZBOOT)'],
    [[0x4d, 0x5a], undefined],
    [[], undefined],
  ])('names the wrapper of %j: %s', (bytes, wrapper) => {
    expect(describeWrapper(Uint8Array.from(bytes))).toBe(wrapper);
  });
});

function withByte(offset: number, value: number): Uint8Array {
  const bytes = buildImage();
  bytes[offset] = value;
  return bytes;
}
