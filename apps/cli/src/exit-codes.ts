/** How the program exits, the same for every command. */
import type { EndReason } from '@casmotion/replay-log';

export const EXIT = {
  /** The guest ended well, or the user ended it; for other commands: done. */
  ok: 0,
  /** A bad flag, file or log. */
  usage: 1,
  /** A replay differs from its recording. */
  divergence: 2,
  /** The guest failed, or waits for what can never come. */
  guestFailed: 3,
  /** `--timeout` or `--max-instructions` ended it. */
  timeout: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of a machine that ended so, recorded or replayed. */
export function exitCodeOf(end: EndReason | undefined): ExitCode {
  if (end === undefined) return EXIT.ok;
  if (end.by === 'nobody') return EXIT.guestFailed;
  if (end.by === 'guest') return end.cause === 'failure' ? EXIT.guestFailed : EXIT.ok;
  switch (end.cause) {
    case 'interrupted':
      return EXIT.ok;
    case 'timeout':
    case 'step-limit':
      return EXIT.timeout;
    case 'host-error':
      return EXIT.usage;
  }
}

/** How a machine ended, in words: `the guest powered off`. */
export function describeEnd(end: EndReason): string {
  if (end.by === 'nobody') return 'the guest waits for ever: no timer is set, no input can come';
  if (end.by === 'guest') {
    if (end.cause === 'failure') return `the guest failed with code ${end.code}`;
    return end.cause === 'reset' ? 'the guest asked for a reset' : 'the guest powered off';
  }
  return HOST_ENDS[end.cause];
}

const HOST_ENDS = {
  interrupted: 'ended by the user',
  timeout: 'the time-out ended it',
  'step-limit': 'the instruction limit ended it',
  'host-error': 'an error of this host ended it',
} as const;

export const EXIT_CODES_HELP = [
  'Exit codes: 0 the guest ended well or you ended it, 1 bad usage or file, 2 divergence,',
  '3 the guest failed, 4 time-out or instruction limit.',
].join('\n');
