/**
 * The log's events, landmarks and output digests as one sequence in time, each looked at before it
 * is taken.
 *
 * Invariants: `event` and `landmark` are the next ones, not yet taken; `eventsTaken` counts the
 * events before.
 */
import type { LoggedEvent, LoggedLandmark, LoggedOutput, LogReader } from '@casmotion/replay-log';

export class LogCursor {
  readonly #log: LogReader;
  readonly #events: Iterator<LoggedEvent, void>;
  readonly #landmarks: Iterator<LoggedLandmark, void>;
  readonly #outputs: Iterator<LoggedOutput, void>;
  event: LoggedEvent | undefined;
  landmark: LoggedLandmark | undefined;
  eventsTaken = 0;
  #output: LoggedOutput | undefined;

  constructor(log: LogReader) {
    this.#log = log;
    this.#events = log.events();
    this.#landmarks = log.landmarks();
    this.#outputs = log.outputs();
    this.event = next(this.#events);
    this.landmark = next(this.#landmarks);
    this.#output = next(this.#outputs);
  }

  /**
   * The step of the nearest event, landmark or end; undefined: a log cut short has nothing more.
   */
  get nextStep(): number | undefined {
    const steps = [this.event?.at.step, this.landmark?.at.step, this.#log.footer?.steps];
    const known = steps.filter((step) => step !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  takeEvent(): void {
    this.event = next(this.#events);
    this.eventsTaken++;
  }

  /** Takes the landmark; gives the output digest that belongs to it, if the log has one. */
  takeLandmark(): LoggedOutput | undefined {
    const number = this.landmark?.number ?? -1;
    this.landmark = next(this.#landmarks);
    if (this.#output?.landmark !== number) return undefined;
    const output = this.#output;
    this.#output = next(this.#outputs);
    return output;
  }
}

function next<T>(iterator: Iterator<T, void>): T | undefined {
  const result = iterator.next();
  return result.done === true ? undefined : result.value;
}
