/** Files that a command writes: opened before the work is done, and never over one in use. */
import { openSync, statSync } from 'node:fs';
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
  { what, next }: OutputFileWords,
): number {
  const other = inUse.find((name) => isSameFile(name, path));
  if (other !== undefined) {
    throw new VmError(`${what} would overwrite a file in use`, {
      where: path,
      expected: 'a file of its own',
      found: other === path ? 'the log, or an image of the machine' : other,
      next,
    });
  }
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new HostFileError(path, `${what} cannot be written`, cause, next);
  }
}

/** By whatever names, links included; also of files that are not there yet. */
function isSameFile(one: string, other: string): boolean {
  if (resolve(one) === resolve(other)) return true;
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && a.isFile() && a.ino === b?.ino && a.dev === b.dev;
}
