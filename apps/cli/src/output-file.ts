/** Files that a command writes: opened before the work is done, and never over one in use. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { VmError } from '@casmotion/base';
import { HostFileError } from '@casmotion/host-node';

export interface OutputFileWords {
  /** `the certificate`. */
  readonly what: string;
  /** `name another file with -o`. */
  readonly next: string;
}

/**
 * Makes the file, or empties an older one, but never one of those that the machine is made of:
 * `inUse`. Gives its descriptor. Throws `HostFileError` or `VmError`.
 */
export function openForOutput(
  path: string,
  inUse: readonly string[],
  words: OutputFileWords,
): number {
  refuseInUse(path, inUse, words);
  return open(path, words);
}

/**
 * A file that is written at the end of the work, all of it: until then it is FILE.partial, and an
 * older FILE is kept. Close it.
 */
export class WholeFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #words: OutputFileWords;
  readonly #descriptor: number;
  #isWritten = false;

  /** Throws `VmError`s: it cannot be made, or is one of the files in use. */
  constructor(path: string, inUse: readonly string[], words: OutputFileWords) {
    this.#path = path;
    this.#partial = `${path}.partial`;
    this.#words = words;
    refuseInUse(path, inUse, words);
    refuseInUse(this.#partial, inUse, words);
    this.#descriptor = open(this.#partial, words);
  }

  /** Throws `HostFileError`. */
  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
      renameSync(this.#partial, this.#path);
      this.#isWritten = true;
    } catch (cause) {
      const { what, next } = this.#words;
      throw new HostFileError(this.#path, `${what} cannot be written`, cause, next);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
    if (!this.#isWritten) rmSync(this.#partial, { force: true });
  }
}

function open(path: string, { what, next }: OutputFileWords): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new HostFileError(path, `${what} cannot be written`, cause, next);
  }
}

function refuseInUse(
  path: string,
  inUse: readonly string[],
  { what, next }: OutputFileWords,
): void {
  const other = inUse.find((name) => isSameFile(name, path));
  if (other === undefined) return;
  throw new VmError(`${what} would overwrite a file in use`, {
    where: path,
    expected: 'a file of its own',
    found: other === path ? 'the log, or an image of the machine' : other,
    next,
  });
}

/** By whatever names, links included; also of files that are not there yet. */
function isSameFile(one: string, other: string): boolean {
  if (resolve(one) === resolve(other)) return true;
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && a.isFile() && a.ino === b?.ino && a.dev === b.dev;
}
