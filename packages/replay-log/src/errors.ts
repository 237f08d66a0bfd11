/**
 * What can be wrong with a log. Each error names the file offset, the chunk and what was expected.
 */
import { VmError } from '@casmotion/base';

/** The file is empty or starts like no log. */
export class NotALogError extends VmError {
  override readonly name = 'NotALogError';
  constructor(expected: string, found: string) {
    super('this is not a CASMotion log', {
      where: 'byte 0',
      expected,
      found,
      next: 'give a file written by: casmotion record -o FILE',
    });
  }
}

/** The log was cut before its header was whole. */
export class HeaderCutError extends VmError {
  override readonly name = 'HeaderCutError';
  constructor(fileOffset: number, sizeBytes: number) {
    super('the log was cut short within its header: there is nothing to replay', {
      where: `byte ${fileOffset} (chunk 0)`,
      expected: 'a whole header',
      found: `${sizeBytes} bytes in all`,
      next: 'record again: casmotion record -o FILE',
    });
  }
}

/** The log was written by a format version that this reader does not know. */
export class LogVersionError extends VmError {
  override readonly name = 'LogVersionError';
  constructor(version: number, newest: number) {
    super('the log has a format version that this program cannot read', {
      where: 'byte 8',
      expected: `format version 1 to ${newest}`,
      found: `format version ${version}`,
      next: 'replay it with a newer casmotion',
    });
  }
}

/**
 * Bytes are not the ones that were written: a checksum differs. The chain of checksums makes a
 * chunk that was removed, repeated or moved look the same as an altered one: the chunk standing
 * here is not the one written here.
 */
export class LogDamagedError extends VmError {
  override readonly name = 'LogDamagedError';
  /**
   * Number of the first chunk that cannot be believed, from 0; -1 for the file's first 16 bytes.
   */
  readonly chunk: number;
  /** File offset at which that chunk starts. */
  readonly fileOffset: number;
  constructor(what: string, place: DamagePlace, expected: string, found: string) {
    const name = place.chunk < 0 ? 'preamble' : `chunk ${place.chunk}`;
    super(`the log is damaged: ${what}`, {
      where: `byte ${place.fileOffset} (${name})`,
      expected,
      found,
      next: 'restore the file, or replay what comes before: casmotion replay --salvage FILE',
    });
    this.chunk = place.chunk;
    this.fileOffset = place.fileOffset;
  }
}

export interface DamagePlace {
  readonly chunk: number;
  readonly fileOffset: number;
}

/** A whole chunk that this reader must understand, and does not. */
export class UnknownChunkError extends VmError {
  override readonly name = 'UnknownChunkError';
  constructor(what: string, place: DamagePlace) {
    super(`the log needs a newer reader: ${what}`, {
      where: `byte ${place.fileOffset} (chunk ${place.chunk})`,
      next: 'replay it with a newer casmotion',
    });
  }
}

/** The checksums are right and the content is not what a writer makes. */
export class LogContentError extends VmError {
  override readonly name = 'LogContentError';
  constructor(what: string, place: DamagePlace, cause?: unknown) {
    super(`the log holds what no writer makes: ${what}`, {
      where: `byte ${place.fileOffset} (chunk ${place.chunk})`,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The log names its places by branches, and what was asked needs steps. */
export class KeyedLogError extends VmError {
  override readonly name = 'KeyedLogError';
  constructor() {
    super('the log names its places by branches, not by steps', {
      expected: 'a log recorded with --time-point step',
      next: 'record again without --time-point, or ask for something else of this log',
    });
  }
}
