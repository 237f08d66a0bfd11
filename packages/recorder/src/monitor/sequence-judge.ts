/**
 * Compares the events that the log gives with what the recorder said that it applied, and tells
 * what became of them: others (C3), elsewhere (C6), in another order (C7).
 *
 * Invariant: events are noted in the log's order, each once, from the first.
 */
import { type Hashes, VmError } from '@casmotion/base';
import type { LoggedSequence, LogReader } from '@casmotion/replay-log';
import { EventSequence } from '../event-sequence.ts';
import type { LogCursor, PlacedEvent } from '../log-cursor.ts';
import type { CheckCounts, Premise } from './checks.ts';

export type SequenceVerdict =
  /** An older log, or one that cannot be read to its end. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'agrees' }
  | { readonly kind: 'differs'; readonly premises: readonly Premise[]; readonly what: string };

export class SequenceJudge {
  readonly #log: LogReader;
  readonly #counts: CheckCounts;
  readonly #sequence: EventSequence;
  readonly #iterator: Iterator<LoggedSequence, void>;
  #next: LoggedSequence | undefined;
  /** Events that the last record reached speaks of. */
  #said: number | undefined;
  /** What differed at the last record that was reached. */
  #last: Difference | undefined;

  constructor(log: LogReader, hashes: Hashes, counts: CheckCounts) {
    this.#log = log;
    this.#counts = counts;
    this.#sequence = new EventSequence(hashes);
    this.#iterator = log.sequences();
    this.#next = this.#read();
  }

  /** The log gave this event. Throws `VmError`s for a log whose content is not sound. */
  note({ place, wakes, event }: Pick<PlacedEvent, 'place' | 'wakes' | 'event'>): void {
    this.#sequence.note(place, wakes, event);
    while (this.#next !== undefined && this.#next.events <= this.#sequence.events) {
      this.#compare(this.#next);
      this.#next = this.#read();
    }
  }

  /** Reads the events that the cursor has left, and judges all of them. */
  judge(cursor: LogCursor): SequenceVerdict {
    try {
      for (; cursor.event !== undefined; cursor.takeEvent()) this.note(cursor.event);
    } catch (error) {
      if (error instanceof VmError) return { kind: 'unknown' };
      throw error;
    }
    const { events } = this.#sequence;
    const said = this.#next?.events ?? this.#said;
    if (said === undefined) return { kind: events === 0 ? 'agrees' : 'unknown' };
    const isWhole = this.#log.footer !== undefined;
    if (said !== events && (isWhole || said > events)) {
      const what = `${said} events were applied, and ${events} are in the log`;
      return { kind: 'differs', premises: ['C3'], what };
    }
    return this.#last === undefined ? { kind: 'agrees' } : verdictOf(this.#last, isWhole);
  }

  #compare(record: LoggedSequence): void {
    this.#counts.note('event-sequence');
    this.#said = record.events;
    const found = this.#sequence.digests();
    const isSame = (name: 'contents' | 'order' | 'places'): boolean =>
      found[name].every((byte, at) => byte === record[name][at]);
    const [contents, order, places] = [isSame('contents'), isSame('order'), isSame('places')];
    if (contents && order && places) this.#last = undefined;
    else this.#last = { events: record.events, contents, order, places };
  }

  #read(): LoggedSequence | undefined {
    const result = this.#iterator.next();
    return result.done === true ? undefined : result.value;
  }
}

/** What is the same in the first `events` events. */
interface Difference {
  readonly events: number;
  readonly contents: boolean;
  readonly order: boolean;
  readonly places: boolean;
}

function verdictOf(same: Difference, isWhole: boolean): SequenceVerdict {
  const among = `among the first ${same.events} events`;
  if (!same.contents) {
    // Where the log goes on, one that is missed here may stand there: only the end tells.
    const premises: Premise[] = isWhole ? ['C3'] : ['C3', 'C6', 'C7'];
    const what = `an event was lost, added or changed ${among}`;
    return { kind: 'differs', premises, what };
  }
  if (same.places) {
    const what = `events changed places with each other ${among}`;
    return { kind: 'differs', premises: ['C7'], what };
  }
  const premises: Premise[] = same.order ? ['C6'] : ['C6', 'C7'];
  return { kind: 'differs', premises, what: `an event stands where it was not ${among}` };
}
