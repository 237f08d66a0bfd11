/**
 * Where the guest's console goes. It never mixes with `--json`: then it is standard error, or the
 * file of `--console`. What cannot be written is remembered and ends the run; the guest does not
 * notice.
 */
import { closeSync, writeSync } from 'node:fs';
import type { VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import { errnoOf, HostFileError } from '@casmotion/host-node';
import type { CliContext, CliStream } from './context.ts';
import { openForOutput } from './output-file.ts';

export class GuestOutput implements MachineOutputs {
  /** Called before something is written to a terminal. */
  onWrite: (() => void) | undefined;
  /** Called once when nothing more can be written. */
  onFailure: (() => void) | undefined;
  /** What went wrong; undefined also where the reader just went away (a closed pipe). */
  failure: VmError | undefined;
  readonly stream: CliStream | undefined;
  readonly #path: string | undefined;
  #descriptor: number | undefined;
  #hasFailed = false;
  #lastByte = NEWLINE;

  /** With `--console FILE` it is of use after `open`. */
  constructor(context: CliContext, flags: { readonly console: string | undefined; json: boolean }) {
    const { stdout, stderr } = context.process;
    this.#path = flags.console;
    if (this.#path !== undefined) return;
    this.stream = flags.json ? stderr : stdout;
    this.stream.on?.('error', (error) => this.#fail(error));
  }

  /**
   * Makes the file, or empties an older one, but never one of those that the machine is made of:
   * `inUse`. Throws `HostFileError` or `VmError`.
   */
  open(inUse: readonly string[]): void {
    if (this.#path !== undefined) this.#descriptor = openForOutput(this.#path, inUse, WORDS);
  }

  /** Is it a person who sees the guest's console? */
  get isTerminal(): boolean {
    return this.stream?.isTTY === true;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Does the console stand at the start of a line? */
  get isAtLineStart(): boolean {
    return this.#lastByte === NEWLINE;
  }

  consoleOutput(_console: number, bytes: Uint8Array): void {
    if (this.#hasFailed) return;
    this.onWrite?.();
    this.#lastByte = bytes.at(-1) ?? this.#lastByte;
    if (this.#descriptor === undefined) {
      // The stream may keep what it is given; the machine uses its buffer again.
      this.stream?.write(bytes.slice());
      return;
    }
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      this.#fail(error);
    }
  }

  netPacket(): void {
    // The network has no other side yet.
  }

  /** Ends an unfinished line on a terminal, so that what follows starts on its own. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    if (this.isTerminal && !this.isAtLineStart) this.stream?.write('\r\n');
  }

  /** Throws what went wrong, now that the machine has ended. */
  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #fail(cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    if (errnoOf(cause) !== 'EPIPE') {
      const path = this.#path ?? 'standard output';
      this.failure = new HostFileError(path, CANNOT_WRITE, cause, NAME_ANOTHER);
    }
    this.onFailure?.();
  }
}

const NEWLINE = 0x0a;

const NAME_ANOTHER = 'name another file with --console';
const WORDS = { what: "the guest's console", next: NAME_ANOTHER } as const;
const CANNOT_WRITE = `${WORDS.what} cannot be written`;
