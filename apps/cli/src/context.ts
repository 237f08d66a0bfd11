/** What a command sees of the process: passed in, so that tests can look. */
import type { CommandContext } from '@stricli/core';
import type { InputStream } from '@casmotion/host-node';

export interface CliContext extends CommandContext {
  readonly process: CliProcess;
}

export interface CliProcess {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly stdin: InputStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command comes to; left alone, 0. */
  exitCode?: number | undefined;
}

/** A standard stream. */
export interface CliStream {
  write(data: string | Uint8Array): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Version of the program, in the header of every log. */
export const VERSION = '0.1.0';
export const CREATOR = `casmotion ${VERSION}`;
