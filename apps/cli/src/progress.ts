/** Progress of long work on a terminal: one line that comes after a second and goes at the end. */
import { startHostClock } from '@casmotion/host-node';
import cliProgress from 'cli-progress';
import type { CliStream } from './context.ts';

export class Progress {
  readonly #stream: CliStream;
  readonly #title: string;
  readonly #isEnabled: boolean;
  readonly #elapsed = startHostClock();
  #bar: cliProgress.SingleBar | undefined;

  /** Nothing is ever shown unless `stream` is a terminal and `isWanted`. */
  constructor(stream: CliStream, title: string, isWanted: boolean) {
    this.#stream = stream;
    this.#title = title;
    this.#isEnabled = isWanted && stream.isTTY === true;
  }

  /** `total` undefined: how far it goes is not known. */
  update(done: number, total: number | undefined, detail: string): void {
    if (!this.#isEnabled || this.#elapsed() < QUIET_NANOSECONDS) return;
    const payload = { detail };
    const isKnown = total !== undefined && total > 0;
    this.#bar ??= this.#start(isKnown ? total : 1, isKnown, payload);
    this.#bar.update(isKnown ? Math.min(done, total) : 0, payload);
  }

  /** Takes the line away before something else is written; `update` brings it back. */
  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(total: number, isKnown: boolean, payload: object): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar({
      stream: this.#stream as unknown as NodeJS.WritableStream,
      format: isKnown
        ? `${this.#title} [{bar}] {percentage}%  {detail}`
        : `${this.#title}  {detail}`,
      barsize: 24,
      fps: 8,
      hideCursor: false,
      clearOnComplete: true,
      gracefulExit: false,
      linewrap: true, // Else Ctrl-C would leave the terminal without it.
    });
    bar.start(total, 0, payload);
    return bar;
  }
}

/** Short work shows nothing. */
const QUIET_NANOSECONDS = 1e9;
