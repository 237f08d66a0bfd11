/** Files that a user names: read whole, or as the read-only image of a disk. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { assert, VmError } from '@casmotion/base';
import type { BlockImage } from '@casmotion/devices';
import { HostFileError } from '../errors.ts';

/** All bytes of a file. `what` names its role: `kernel`. Throws {@link HostFileError}. */
export function readInputFile(path: string, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new HostFileError(path, `the ${what} cannot be read`, cause, 'check the path');
  }
}

/**
 * A disk's image: opened once, read on demand, never written. What others do to the file
 * meanwhile is seen as a host error where it can be (the file became shorter), and else is the
 * user's promise not to do.
 */
export class FileImage implements BlockImage {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;

  /** Throws {@link HostFileError}, or a `VmError` where it is no regular file or empty. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'r');
    } catch (cause) {
      throw new HostFileError(path, 'the disk image cannot be read', cause, 'check the path');
    }
    const stat = fstatSync(this.#descriptor);
    this.sizeBytes = stat.size;
    const found = stat.isFile()
      ? stat.size === 0
        ? 'an empty file'
        : undefined
      : 'no regular file';
    if (found === undefined) return;
    this.close();
    throw new VmError('this is no disk image', {
      where: path,
      expected: 'a file of at least one byte',
      found,
      next: 'name another with --disk, or make one: truncate -s 64M disk.img',
    });
  }

  read(offset: number, into: Uint8Array): void {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, `disk bytes at ${offset}`);
    let at = 0;
    while (at < into.length) {
      const count = this.#readSome(offset + at, into.subarray(at));
      if (count === 0) throw new ShortImageError(this.path, this.sizeBytes, offset + at);
      at += count;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readSome(offset: number, into: Uint8Array): number {
    try {
      return readSync(this.#descriptor, into, 0, into.length, offset);
    } catch (cause) {
      throw new HostFileError(this.path, 'the disk image cannot be read any more', cause);
    }
  }
}

/** A disk's image became shorter while it was in use. */
export class ShortImageError extends VmError {
  override readonly name = 'ShortImageError';
  constructor(path: string, expectedBytes: number, foundBytes: number) {
    super('the disk image was changed while the machine used it', {
      where: path,
      expected: `${expectedBytes} bytes`,
      found: `${foundBytes} bytes`,
      next: 'leave a disk image alone while a machine runs from it',
    });
  }
}
