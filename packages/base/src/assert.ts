/** Our own bugs: always on, never for bad input (that is {@link VmError}). */

/**
 * Throws an {@link AssertionError} unless `condition` holds.
 * A failure is a bug in this program, never in the guest, the log or the user's files.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Narrows away `undefined`, for indexes that the code has already proved to be in range. */
export function defined<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new AssertionError(message);
  return value;
}

/** An exhaustiveness check: the compiler refuses a call that can be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value: ${String(value)}`);
}

/** A broken invariant of this program. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
