/**
 * The images that a log names, looked for where they may be: in the folder that the user names, in
 * the log itself, at the recorded path, beside the log. Only the content counts (premise C1).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Hashes, VmError } from '@casmotion/base';
import { type BlockImage, MemoryImage } from '@casmotion/devices';
import {
  describeDisk,
  describeImage,
  ImageMismatchError,
  type ImageRef,
  type MachineConfig,
} from '@casmotion/machine';
import type { LogReader } from '@casmotion/replay-log';
import { builtinImage } from './builtin-images.ts';
import type { MachineFiles } from './machine-files.ts';
import { FileImage, readInputFile } from '../files/input-file.ts';

export interface ImageSearch {
  readonly log: LogReader;
  readonly logPath: string;
  /** A folder that the user names. */
  readonly imageDir: string | undefined;
  readonly hashes: Hashes;
}

/** Throws `ImageMismatchError` that names the file that has changed, or {@link NoImageError}. */
export async function findImages(
  config: MachineConfig,
  search: ImageSearch,
): Promise<MachineFiles> {
  const opened: FileImage[] = [];
  const close = (): void => opened.forEach((image) => image.close());
  try {
    const disks: BlockImage[] = [];
    for (const [index, ref] of config.disks.entries()) {
      const disk = await findDisk(`disk ${index}`, ref, search);
      if (disk instanceof FileImage) opened.push(disk);
      disks.push(disk);
    }
    const find = (what: string, ref: ImageRef | undefined): Uint8Array | undefined =>
      ref === undefined ? undefined : findBytes(what, ref, search);
    const images = {
      kernel: find('kernel', config.kernel),
      initrd: find('initrd', config.initrd),
      firmware: find('firmware', config.firmware),
      disks,
    };
    return { config, images, close };
  } catch (error) {
    close();
    throw error;
  }
}

function findBytes(what: string, ref: ImageRef, search: ImageSearch): Uint8Array {
  const stored = search.log.readImage(ref.digestHex);
  if (stored !== undefined) return stored;
  const builtin = builtinImage(ref.name);
  if (builtin !== undefined) return checkBuiltin(ref, builtin, search.hashes);
  let changed: ImageMismatchError | undefined;
  for (const path of candidates(ref, search)) {
    const bytes = readInputFile(path, what);
    const found = describeImage(path, bytes, search.hashes);
    if (found.digestHex === ref.digestHex) return bytes;
    changed ??= mismatch(what, ref, found);
  }
  throw changed ?? new NoImageError(what, ref, search);
}

async function findDisk(what: string, ref: ImageRef, search: ImageSearch): Promise<BlockImage> {
  const stored = search.log.imageSource(ref.digestHex);
  if (stored !== undefined) {
    const found = await describeDisk(ref.name, stored, search.hashes);
    if (found.digestHex === ref.digestHex) return stored;
    throw mismatch(`${what}, stored in the log,`, ref, found);
  }
  const builtin = builtinImage(ref.name);
  if (builtin !== undefined) return new MemoryImage(checkBuiltin(ref, builtin, search.hashes));
  let changed: ImageMismatchError | undefined;
  for (const path of candidates(ref, search)) {
    const image = new FileImage(path);
    const found = await describeDisk(path, image, search.hashes);
    if (found.digestHex === ref.digestHex) return image;
    image.close();
    changed ??= mismatch(what, ref, found);
  }
  throw changed ?? new NoImageError(what, ref, search);
}

/** Existing files, in the order in which they are tried. */
function candidates({ name }: ImageRef, { imageDir, logPath }: ImageSearch): string[] {
  const file = basename(name);
  const named = imageDir === undefined ? [] : [join(imageDir, file)];
  return [...named, name, join(dirname(logPath), file)].filter((path) => existsSync(path));
}

function checkBuiltin<T extends Uint8Array>(ref: ImageRef, bytes: T, hashes: Hashes): T {
  const found = describeImage(ref.name, bytes, hashes);
  if (found.digestHex === ref.digestHex) return bytes;
  throw new VmError('the log was recorded with another version of this built-in image', {
    where: ref.name,
    expected: `BLAKE3 ${ref.digestHex}`,
    found: `BLAKE3 ${found.digestHex}`,
    next: 'replay it with the version that recorded it; record with --embed to be independent',
  });
}

/** Names the file that was found, not the one that was recorded. */
function mismatch(what: string, ref: ImageRef, found: ImageRef): ImageMismatchError {
  const expected = { ...ref, name: found.name };
  return new ImageMismatchError(expected, `${what} is not the image it was`, found);
}

/** An image of the log is nowhere. */
export class NoImageError extends VmError {
  override readonly name = 'NoImageError';
  constructor(what: string, ref: ImageRef, { imageDir, logPath }: ImageSearch) {
    const places = [imageDir, 'in the log', dirname(ref.name), dirname(logPath)];
    super(`the log's ${what} is not to be found`, {
      where: ref.name,
      expected: `${ref.sizeBytes} bytes, BLAKE3 ${ref.digestHex}`,
      found: `nothing: looked ${places.filter((place) => place !== undefined).join(', ')}`,
      next: 'name the folder where it is with --image-dir DIR',
    });
  }
}
