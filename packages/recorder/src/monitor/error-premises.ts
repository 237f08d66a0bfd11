/** Which premise an error speaks of that ends a replay before it could differ. */
import { VmError } from '@casmotion/base';
import type { Premise } from './checks.ts';

/**
 * Of the premises at least one is broken; none: the error is about something else, such as a file
 * that cannot be read. By the names of errors, for those of the host stand above this package.
 */
export function premisesOfError(error: unknown): readonly Premise[] {
  if (!(error instanceof VmError)) return [];
  return ERROR_PREMISES[error.name] ?? premisesOfError(error.details.cause);
}

const ERROR_PREMISES: Readonly<Record<string, readonly Premise[] | undefined>> = {
  ImageMismatchError: ['C1'],
  ShortImageError: ['C1'],
  HeaderCutError: ['C8'],
  LogDamagedError: ['C8'],
  NotALogError: ['C8'],
  // The checksums are right: what they are of is no recording.
  LogContentError: ['C3', 'C6', 'C7', 'C8'],
  TimeOverflowError: ['C3', 'C6', 'C7', 'C8'],
  PlacesMismatchError: ['C6'],
};
