/**
 * The log's events, landmarks and output digests as one sequence in time, each looked at before it
 * is taken, wherever the log names its places by steps or by keys.
 *
 * Invariants: `event` and `landmark` are the next ones, not yet taken; `eventsTaken` counts the
 * events before.
 */
import type {
  EventCheck,
  KeyedEvent,
  KeyedLandmark,
  LoggedEvent,
  LoggedLandmark,
  LoggedOutput,
  LogReader,
} from '@casmotion/replay-log';
import { stepKey, type TimePointKey } from '@casmotion/time-point';

export interface PlacedEvent extends Pick<LoggedEvent, 'number' | 'wakes' | 'event'> {
  readonly place: TimePointKey;
  readonly check: EventCheck | undefined;
}

export interface PlacedLandmark extends Omit<LoggedLandmark, 'at'> {
  readonly place: TimePointKey;
}

export class LogCursor {
  readonly #log: LogReader;
  readonly #events: Iterator<PlacedEvent, void>;
  readonly #landmarks: Iterator<PlacedLandmark, void>;
  readonly #outputs: Iterator<LoggedOutput, void>;
  event: PlacedEvent | undefined;
  landmark: PlacedLandmark | undefined;
  eventsTaken = 0;
  #output: LoggedOutput | undefined;

  constructor(log: LogReader) {
    this.#log = log;
    this.#events = log.isKeyed
      ? map(log.keyedEvents(), placedByKey)
      : map(log.events(), placedByStep);
    this.#landmarks = log.isKeyed
      ? map(log.keyedLandmarks(), landmarkByKey)
      : map(log.landmarks(), landmarkByStep);
    this.#outputs = log.outputs();
    this.event = next(this.#events);
    this.landmark = next(this.#landmarks);
    this.#output = next(this.#outputs);
  }

  /** What comes next in time, of events and landmarks. */
  get next(): PlacedEvent | PlacedLandmark | undefined {
    const { event, landmark } = this;
    const isLandmarkFirst = landmark !== undefined && landmark.eventsBefore <= this.eventsTaken;
    return isLandmarkFirst ? landmark : (event ?? landmark);
  }

  /** A log cut short has nothing more. */
  get isAtCut(): boolean {
    const { event, landmark } = this;
    return event === undefined && landmark === undefined && this.#log.footer === undefined;
  }

  /**
   * The step of the nearest event, landmark or end, as far as the log has steps; a log cut short
   * has none at its end.
   */
  get nextStep(): number | undefined {
    const steps = [this.event, this.landmark]
      .map((item) => (item?.place.counter === 'steps' ? item.place.count : undefined))
      .concat(this.#log.footer?.steps);
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

function placedByStep({ at, ...event }: LoggedEvent): PlacedEvent {
  return { ...event, place: stepKey(at.step) };
}

function placedByKey({ key, registerDigest, ...event }: KeyedEvent): PlacedEvent {
  return { ...event, place: key, check: { pc: key.pc ?? 0n, registerDigest } };
}

function landmarkByStep({ at, ...landmark }: LoggedLandmark): PlacedLandmark {
  return { ...landmark, place: stepKey(at.step) };
}

function landmarkByKey({ key, ...landmark }: KeyedLandmark): PlacedLandmark {
  return { ...landmark, place: key, pc: key.pc ?? 0n };
}

function* map<T, U>(items: Generator<T, void>, change: (item: T) => U): Generator<U, void> {
  for (const item of items) yield change(item);
}

function next<T>(iterator: Iterator<T, void>): T | undefined {
  const result = iterator.next();
  return result.done === true ? undefined : result.value;
}
