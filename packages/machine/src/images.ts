/**
 * Images by content: a configuration names each by its digest, and nothing else will do (premise
 * C1).
 */
import { type Hashes, toHex, VmError } from '@casmotion/base';
import type { BlockImage } from '@casmotion/devices';
import type { BootImages } from './boot/boot-plan.ts';
import type { ImageRef, MachineConfig } from './machine-config.ts';

/** What a machine is made from besides its configuration. */
export interface MachineImages extends BootImages {
  /** In the order of the configuration. Read-only: writes go to overlays in the machine. */
  readonly disks?: readonly BlockImage[];
}

/** The reference to an image held in memory. `name` is its file's. */
export function describeImage(name: string, bytes: Uint8Array, hashes: Hashes): ImageRef {
  return { name, sizeBytes: bytes.length, digestHex: toHex(hashes.blake3(bytes)) };
}

/** The reference to a disk image, read piece by piece. */
export async function describeDisk(
  name: string,
  image: BlockImage,
  hashes: Hashes,
): Promise<ImageRef> {
  const stream = await hashes.blake3Stream();
  const piece = new Uint8Array(PIECE_BYTES);
  for (let offset = 0; offset < image.sizeBytes; offset += PIECE_BYTES) {
    const part = piece.subarray(0, Math.min(PIECE_BYTES, image.sizeBytes - offset));
    image.read(offset, part);
    stream.update(part);
  }
  return { name, sizeBytes: image.sizeBytes, digestHex: stream.digestHex() };
}

/** Are these the images that the configuration names? Throws {@link ImageMismatchError}. */
export async function checkImages(
  config: MachineConfig,
  images: MachineImages,
  hashes: Hashes,
): Promise<void> {
  for (const role of ['kernel', 'initrd', 'firmware'] as const) {
    const [ref, bytes] = [config[role], images[role]];
    if (ref === undefined) continue;
    if (bytes === undefined) throw new ImageMismatchError(ref, `${role} is missing`);
    checkImage(role, ref, describeImage(ref.name, bytes, hashes));
  }
  const disks = images.disks ?? [];
  for (const [index, ref] of config.disks.entries()) {
    const disk = disks[index];
    if (disk === undefined) throw new ImageMismatchError(ref, `disk ${index} is missing`);
    checkImage(`disk ${index}`, ref, await describeDisk(ref.name, disk, hashes));
  }
}

function checkImage(role: string, expected: ImageRef, found: ImageRef): void {
  if (expected.sizeBytes === found.sizeBytes && expected.digestHex === found.digestHex) return;
  throw new ImageMismatchError(expected, `${role} is not the image it was`, found);
}

const PIECE_BYTES = 0x10_0000;

/** An image is absent or has changed. */
export class ImageMismatchError extends VmError {
  override readonly name = 'ImageMismatchError';
  constructor(expected: ImageRef, message: string, found?: ImageRef) {
    super(message, {
      where: expected.name,
      expected: describe(expected),
      ...(found === undefined ? {} : { found: describe(found) }),
      next: 'put the image back as it was, or name its folder with --image-dir',
    });
  }
}

function describe({ sizeBytes, digestHex }: ImageRef): string {
  return `${sizeBytes} bytes, BLAKE3 ${digestHex}`;
}
