/** Writes a disk as the guest left it to a new file: whole, or not at all. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { BlockImage } from '@casmotion/devices';
import { errnoOf, HostFileError } from '../errors.ts';
import { syncFolder } from './log-file.ts';

/** Before the run: would {@link commitDisk} find the name taken? Throws {@link HostFileError}. */
export function checkCommitTarget(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw isTaken(path);
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() === true) return;
  const cause = Object.assign(new Error('no such folder'), { code: 'ENOENT' });
  throw new HostFileError(path, 'the disk cannot be written there', cause, 'make its folder first');
}

/** Throws {@link HostFileError}; nothing of the file is then left. Never replaces a file. */
export function commitDisk(path: string, disk: BlockImage): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeAll(temporary, disk);
    // Unlike a rename, a link does not replace what came there meanwhile.
    linkSync(temporary, path);
    unlinkSync(temporary);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    if (errnoOf(cause) === 'EEXIST') throw isTaken(path);
    throw new HostFileError(path, 'the disk cannot be written', cause, 'run it again with room');
  }
}

function writeAll(path: string, disk: BlockImage): void {
  const descriptor = openSync(path, 'wx');
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let offset = 0; offset < disk.sizeBytes; offset += PIECE_BYTES) {
      const part = piece.subarray(0, Math.min(PIECE_BYTES, disk.sizeBytes - offset));
      disk.read(offset, part);
      for (let at = 0; at < part.length; ) {
        at += writeSync(descriptor, part, at, part.length - at, offset + at);
      }
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function isTaken(path: string): HostFileError {
  const cause = Object.assign(new Error('taken'), { code: 'EEXIST' });
  return new HostFileError(path, 'the disk is written to a new file only', cause, 'name another');
}

const PIECE_BYTES = 2 ** 20;
