/** Operating errors: what went wrong outside our code, where, and what to try next. */

/** The parts of an operating error, each optional but for the sentence that says what happened. */
export interface VmErrorDetails {
  /** Where: a file with its byte offset, an event number, a time point, a flag. */
  readonly where?: string;
  readonly expected?: string;
  readonly found?: string;
  /** The next command or step to try. */
  readonly next?: string;
  readonly cause?: unknown;
}

/**
 * An error that a user can act on: a bad file, flag, image or log, a lost disk.
 * Printed without a stack by {@link formatVmError}; subclasses are named after what is wrong.
 */
export class VmError extends Error {
  override readonly name: string = 'VmError';
  readonly details: VmErrorDetails;

  constructor(message: string, details: VmErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.details = details;
  }
}

/** The text of an operating error for a person, several lines, no trailing newline. */
export function formatVmError(error: VmError): string {
  const { where, expected, found, next } = error.details;
  const lines = [where === undefined ? error.message : `${where}: ${error.message}`];
  if (expected !== undefined) lines.push(`  expected  ${expected}`);
  if (found !== undefined) lines.push(`  found     ${found}`);
  if (next !== undefined) lines.push(`  next      ${next}`);
  return lines.join('\n');
}
