/**
 * Goal: a machine is made from the images its configuration names, or not at all, and the error
 * names the file. Method: references made from good images; images changed, missing, cut.
 */
import { createHashes, formatVmError, VmError } from '@casmotion/base';
import { MemoryImage } from '@casmotion/devices';
import { describe, expect, it } from 'vitest';
import { testConfig } from '../test/support/test-config.ts';
import { checkImages, describeDisk, describeImage } from './images.ts';

const hashes = await createHashes();
const KERNEL = Uint8Array.of(1, 2, 3);
const DISK = new Uint8Array(3 * 2 ** 20 + 512).fill(9);

const config = testConfig({
  kernel: describeImage('dir/kernel', KERNEL, hashes),
  disks: [await describeDisk('disk.img', new MemoryImage(DISK), hashes)],
});

describe('images', () => {
  it('are named by BLAKE3 of their content', () => {
    // The digest of the empty input, from the BLAKE3 test vectors.
    expect(describeImage('empty', new Uint8Array(0), hashes).digestHex).toBe(
      'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    );
    expect(config.disks[0]).toEqual(describeImage('disk.img', DISK, hashes));
  });

  it('are taken if they are the ones', async () => {
    const images = { kernel: KERNEL, disks: [new MemoryImage(DISK)] };
    await expect(checkImages(config, images, hashes)).resolves.toBeUndefined();
  });

  it.each([
    [
      'a changed kernel',
      { kernel: Uint8Array.of(1, 2, 4) },
      'dir/kernel: kernel is not the image it was',
    ],
    ['a cut kernel', { kernel: Uint8Array.of(1, 2) }, 'dir/kernel: kernel is not the image it was'],
    ['no kernel', {}, 'dir/kernel: kernel is missing'],
    ['no disk', { kernel: KERNEL }, 'disk.img: disk 0 is missing'],
    [
      'a changed disk',
      { kernel: KERNEL, disks: [new MemoryImage(DISK.slice(1))] },
      'disk.img: disk 0 is not',
    ],
  ])('refuses %s', async (_, images, words) => {
    const error = await checkImages(config, images, hashes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(VmError);
    expect(formatVmError(error as VmError)).toContain(words);
    expect(formatVmError(error as VmError)).toContain('--image-dir');
  });
});
