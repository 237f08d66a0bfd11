/** The consoles of several domains on one stream: whole lines, each with the name of its domain. */
import type { CliStream } from '../context.ts';

export class TaggedConsole {
  readonly #stream: CliStream;
  readonly #rests = new Map<string, Uint8Array>();

  constructor(stream: CliStream) {
    this.#stream = stream;
    // A reader that went away ends nothing: the recording goes on.
    stream.on?.('error', () => undefined);
  }

  write(name: string, bytes: Uint8Array): void {
    let rest = concat(this.#rests.get(name), bytes);
    for (let at = rest.indexOf(NEWLINE); at >= 0 || rest.length > LINE_MAX_BYTES; ) {
      const end = at >= 0 ? at : LINE_MAX_BYTES;
      this.#line(name, rest.subarray(0, end));
      rest = rest.subarray(at >= 0 ? end + 1 : end);
      at = rest.indexOf(NEWLINE);
    }
    this.#rests.set(name, rest);
  }

  /** Writes lines that were not finished. */
  end(): void {
    for (const [name, rest] of this.#rests) if (rest.length > 0) this.#line(name, rest);
    this.#rests.clear();
  }

  #line(name: string, bytes: Uint8Array): void {
    const isCrLf = bytes.at(-1) === CARRIAGE_RETURN;
    const line = isCrLf ? bytes.subarray(0, -1) : bytes;
    const tag = new TextEncoder().encode(`${name}| `);
    this.#stream.write(concat(concat(tag, line), Uint8Array.of(NEWLINE)));
  }
}

function concat(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array((first?.length ?? 0) + second.length);
  joined.set(first ?? []);
  joined.set(second, first?.length ?? 0);
  return joined;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A guest that writes no line ends does not fill memory. */
const LINE_MAX_BYTES = 4096;
