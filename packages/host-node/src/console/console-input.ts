/**
 * What is typed or piped in for the guest's console, kept until the machine asks for it.
 *
 * Invariants: bytes keep their order; the stream is paused while more than {@link PENDING_MAX}
 * bytes wait; after `close` the terminal is as it was found.
 */
import { EscapeParser, ESCAPE_HELP } from './escape-parser.ts';

/** A source of console bytes, as the live inputs see it. */
export interface ConsoleSource {
  /** True if `take` would give something. */
  readonly hasInput: boolean;
  /** No more can ever come, and nothing waits. */
  readonly isEnded: boolean;
  /** At most `maxBytes` of what waits; undefined if nothing does. */
  take(maxBytes: number): Uint8Array | undefined;
}

export interface ConsoleInputOptions {
  /** Called whenever bytes have come or the stream has ended. */
  readonly onChange: () => void;
  /** Ctrl-A x at a raw terminal. */
  readonly onQuit: () => void;
  /** Where help is written: the terminal. */
  readonly showHelp: (text: string) => void;
  /** Puts a terminal into raw mode with the escape; anything else is passed through. */
  readonly isRaw: boolean;
}

/** The part of `process.stdin` that is used. */
export interface InputStream {
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'end' | 'close' | 'error', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  unref?(): unknown;
  setRawMode?(isRaw: boolean): unknown;
}

export class ConsoleInput implements ConsoleSource {
  readonly #stream: InputStream;
  readonly #options: ConsoleInputOptions;
  readonly #parser: EscapeParser | undefined;
  readonly #restore = (): void => void this.#stream.setRawMode?.(false);
  #parts: Uint8Array[] = [];
  #pendingBytes = 0;
  #hasEnded = false;
  #isClosed = false;

  constructor(stream: InputStream, options: ConsoleInputOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#parser = options.isRaw ? new EscapeParser() : undefined;
    if (options.isRaw) {
      stream.setRawMode?.(true);
      // Also after an uncaught error: a shell in raw mode is of no use to anybody.
      process.once('exit', this.#restore);
    }
    stream.on('data', (bytes) => this.#receive(bytes));
    for (const event of ['end', 'close', 'error'] as const) stream.on(event, () => this.#end());
    stream.resume();
  }

  get hasInput(): boolean {
    return this.#pendingBytes > 0;
  }

  get isEnded(): boolean {
    return this.#hasEnded && !this.hasInput;
  }

  take(maxBytes: number): Uint8Array | undefined {
    if (this.#pendingBytes === 0) return undefined;
    const whole = new Uint8Array(Buffer.concat(this.#parts));
    const taken = whole.slice(0, maxBytes);
    const rest = whole.subarray(taken.length);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#pendingBytes = rest.length;
    if (rest.length <= PENDING_MAX && !this.#isClosed) this.#stream.resume();
    return taken;
  }

  /** Stops listening and restores the terminal. Again: nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.pause();
    this.#stream.unref?.();
    if (!this.#options.isRaw) return;
    this.#restore();
    process.removeListener('exit', this.#restore);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const typed = this.#parser?.push(bytes) ?? { bytes, commands: [] };
    if (typed.bytes.length > 0) {
      this.#parts.push(typed.bytes);
      this.#pendingBytes += typed.bytes.length;
    }
    for (const command of typed.commands) {
      if (command === 'quit') this.#options.onQuit();
      else this.#options.showHelp(`\r\n${ESCAPE_HELP.join('\r\n')}\r\n`);
    }
    if (this.#pendingBytes > PENDING_MAX) this.#stream.pause();
    this.#options.onChange();
  }

  #end(): void {
    this.#hasEnded = true;
    if (!this.#isClosed) this.#options.onChange();
  }
}

/** A guest that does not read must not make us hold all of a long pipe. */
const PENDING_MAX = 65_536;
