/** What the host's file system refuses, in words, for every errno that a user can act on. */
import { VmError } from '@casmotion/base';

/** A file that cannot be opened, read or written. `where` is its path. */
export class HostFileError extends VmError {
  override readonly name = 'HostFileError';
  /** Such as `ENOSPC`; undefined where the host gave none. */
  readonly code: string | undefined;

  /** `what` is a sentence without its subject: `the log cannot be written`. */
  constructor(path: string, what: string, cause: unknown, next?: string) {
    const code = errnoOf(cause);
    super(what, {
      where: path,
      found: reasonOf(cause),
      ...(next === undefined ? {} : { next }),
      cause,
    });
    this.code = code;
  }
}

/** The errno name of a Node error. */
export function errnoOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** Why, for a person. */
export function reasonOf(cause: unknown): string {
  const known = REASONS.get(errnoOf(cause) ?? '');
  if (known !== undefined) return known;
  return cause instanceof Error ? cause.message : String(cause);
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file or folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EISDIR', 'a folder'],
  ['ENOTDIR', 'a file where its path needs a folder'],
  ['EEXIST', 'a file that is there already'],
  ['ENOSPC', 'no space left on the device'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be larger than allowed'],
  ['EIO', 'an input/output error of the device'],
  ['EROFS', 'a read-only file system'],
  ['EMFILE', 'too many open files'],
  ['ELOOP', 'too many symbolic links'],
  ['ENAMETOOLONG', 'a name that is too long'],
]);
