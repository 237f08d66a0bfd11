/**
 * A log on disk. It is written as `F.partial` and gets its name when it is whole, so that a file
 * named F is always a complete recording; what a crash or a full disk leaves is replayable up to
 * its last whole chunk.
 *
 * Invariants: the partial ends with what `write` returned for, or (while it runs) a part of one
 * more piece; nobody else writes to it; the name F never holds half a log.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { assert, VmError } from '@casmotion/base';
import type { LogSink, LogSource } from '@casmotion/replay-log';
import { errnoOf, HostFileError } from '../errors.ts';

/** What of the file system a log needs; passed in by tests. */
export interface LogFileCalls {
  readonly write: (descriptor: number, bytes: Uint8Array, at: number) => number;
  readonly sync: (descriptor: number) => void;
}

export class LogFileSink implements LogSink {
  /** The name of the finished log. */
  readonly path: string;
  /** The name until then. */
  readonly partialPath: string;
  readonly #calls: LogFileCalls;
  readonly #descriptor: number;
  #sizeBytes = 0;
  #syncedBytes = 0;
  #isOpen = true;
  #failure: VmError | undefined;

  /** Makes the partial. Throws {@link HostFileError} or {@link PartialInTheWayError}. */
  constructor(path: string, calls: LogFileCalls = NODE_CALLS) {
    this.path = path;
    this.partialPath = `${path}${PARTIAL_SUFFIX}`;
    this.#calls = calls;
    refuseOddTarget(path);
    try {
      this.#descriptor = openSync(this.partialPath, 'wx');
    } catch (cause) {
      if (errnoOf(cause) === 'EEXIST') throw new PartialInTheWayError(path, this.partialPath);
      throw new HostFileError(
        path,
        'the log cannot be written',
        cause,
        'name another file with -o',
      );
    }
  }

  /** Bytes that are in the file. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What made writing fail; the recording ends with it. */
  get failure(): VmError | undefined {
    return this.#failure;
  }

  write(bytes: Uint8Array): void {
    assert(this.#isOpen, 'a write to a closed log');
    if (this.#failure !== undefined) throw this.#failure;
    try {
      for (let at = 0; at < bytes.length; ) {
        at += this.#calls.write(this.#descriptor, bytes.subarray(at), this.#sizeBytes + at);
      }
      this.#sizeBytes += bytes.length;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  sync(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#syncedBytes === this.#sizeBytes) return;
    try {
      this.#calls.sync(this.#descriptor);
    } catch (cause) {
      throw this.#fail(cause);
    }
    this.#syncedBytes = this.#sizeBytes;
  }

  /** The log is whole: gives it its name, in place of what had it, safe from a crash. */
  commit(): void {
    this.sync();
    this.close();
    try {
      renameSync(this.partialPath, this.path);
    } catch (cause) {
      throw new HostFileError(this.path, 'the log cannot get its name', cause, this.#kept());
    }
    syncFolder(dirname(this.path));
  }

  /** Leaves the partial where it is. Again: nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }

  /** Takes the partial away: there is nothing in it worth keeping. */
  discard(): void {
    this.close();
    unlinkSync(this.partialPath);
  }

  /** Cuts off the piece that was half written, if the host lets us, and keeps the rest. */
  #fail(cause: unknown): VmError {
    try {
      ftruncateSync(this.#descriptor, this.#sizeBytes);
      fsyncSync(this.#descriptor);
    } catch {
      // A reader stops at the last whole chunk anyway.
    }
    this.#failure = new HostFileError(
      this.partialPath,
      'the recording ended: the log cannot be written any more',
      cause,
      this.#kept(),
    );
    return this.#failure;
  }

  #kept(): string {
    if (this.#sizeBytes === 0) return 'make room, or name another file with -o';
    return `${this.#sizeBytes} bytes are kept; replay them: casmotion replay ${this.partialPath}`;
  }
}

export const PARTIAL_SUFFIX = '.partial';

/** A log file, read where it is. Close it when the replay is over. */
export class LogFileSource implements LogSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;

  /** Throws {@link HostFileError}. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'r');
      const stat = fstatSync(this.#descriptor);
      if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'a folder' : 'no regular file');
      this.sizeBytes = stat.size;
    } catch (cause) {
      throw new HostFileError(path, 'the log cannot be read', cause, nextForLog(path, cause));
    }
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const count = this.#readSome(bytes, at, offset);
      if (count === 0)
        throw new HostFileError(this.path, 'the log became shorter', new Error('end'));
      at += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readSome(bytes: Uint8Array, at: number, offset: number): number {
    try {
      return readSync(this.#descriptor, bytes, at, bytes.length - at, offset + at);
    } catch (cause) {
      throw new HostFileError(this.path, 'the log cannot be read', cause);
    }
  }
}

const NODE_CALLS: LogFileCalls = {
  write: (descriptor, bytes, at) => writeSync(descriptor, bytes, 0, bytes.length, at),
  sync: fsyncSync,
};

/** A log takes the place of a file, never of a device, a pipe or a folder. */
function refuseOddTarget(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  const isNamed = path !== '' && !path.endsWith('/');
  if (isNamed && (stat === undefined || stat.isFile())) return;
  throw new VmError('the log cannot be written there', {
    where: path === '' ? '-o' : path,
    expected: 'the name of a file, new or to be replaced',
    found: stat === undefined ? 'no name' : stat.isDirectory() ? 'a folder' : 'a device or a pipe',
    next: 'name another file with -o',
  });
}

function nextForLog(path: string, cause: unknown): string {
  const hasPartial =
    errnoOf(cause) === 'ENOENT' &&
    statSync(`${path}${PARTIAL_SUFFIX}`, { throwIfNoEntry: false }) !== undefined;
  return hasPartial
    ? `the recording was cut short: casmotion replay ${path}${PARTIAL_SUFFIX}`
    : 'give a file written by: casmotion record -o FILE';
}

/** Makes a rename in the folder safe. Where the file system refuses, it is not needed. */
export function syncFolder(path: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
  } catch {
    // Nothing more can be done, and the file itself is safe.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Somebody records to this file now, or did until a crash. */
export class PartialInTheWayError extends VmError {
  override readonly name = 'PartialInTheWayError';
  constructor(path: string, partialPath: string) {
    super('another recording to this file is under way, or was cut short', {
      where: path,
      found: partialPath,
      next: `replay what it holds (casmotion replay ${partialPath}), then move or delete it`,
    });
  }
}
