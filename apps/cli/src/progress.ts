/** Progress of long work on a terminal: one line that comes after a second and goes at the end. */
import { startHostClock } from '@casmotion/host-node';
import cliProgress from 'cli-progress';
import type { CliStream } from './context.ts';

export class Progress {
  readonly #stream: CliStream;
  readonly #title: string;
  readonly #isEnabled: boolean;
  readonly #elapsed = startHostClock();
  /** Not before. */
  #drawAt = QUIET_NANOSECONDS;
  #bar: cliProgress.SingleBar | undefined;

  /** Nothing is ever shown unless `stream` is a terminal and `isWanted`. */
  constructor(stream: CliStream, title: string, isWanted: boolean) {
    this.#stream = stream;
    this.#title = title;
    this.#isEnabled = isWanted && stream.isTTY === true;
  }

  /**
   * `total` undefined: how far it goes is not known. Cheap where nothing is shown: called a
   * thousand times a second by a machine, whose time it is, and `detail` only where it is drawn.
   */
  update(done: number, total: number | undefined, detail: () => string): void {
    if (!this.#isEnabled) return;
    const now = this.#elapsed();
    if (now < this.#drawAt) return;
    this.#drawAt = now + FRAME_NANOSECONDS;
    const payload = { detail: detail() };
    const isKnown = total !== undefined && total > 0;
    this.#bar ??= this.#start(isKnown ? total : 1, isKnown, payload);
    this.#bar.update(isKnown ? Math.min(done, total) : 0, payload);
  }

  /** Takes the line away before something else is written; `update` brings it back. */
  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#drawAt = QUIET_NANOSECONDS;
  }

  #start(total: number, isKnown: boolean, payload: object): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar({
      stream: this.#stream as unknown as NodeJS.WritableStream,
      format: isKnown
        ? `${this.#title} [{bar}] {percentage}%  {detail}`
        : `${this.#title}  {detail}`,
      barsize: 24,
      fps: FRAMES_PER_SECOND,
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
const FRAMES_PER_SECOND = 8;
const FRAME_NANOSECONDS = 1e9 / FRAMES_PER_SECOND;
