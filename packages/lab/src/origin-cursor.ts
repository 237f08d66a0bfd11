/** The origins of a log, event by event. */
import { assert } from '@casmotion/base';
import type { EventOrigin, OriginRecord } from '@casmotion/replay-log';

/** What a log says of one event besides the event. */
export interface Provenance {
  readonly origin: EventOrigin | undefined;
  /** The incarnation that begins with this event. */
  readonly incarnation: number | undefined;
}

export class OriginCursor {
  readonly #records: Iterator<OriginRecord, void>;
  #next: OriginRecord | undefined;

  /** `records` ascend by event, as `LogReader.origins` gives them. */
  constructor(records: Iterator<OriginRecord, void>) {
    this.#records = records;
    this.#advance();
  }

  /** Of event `event`; events are asked for in their order, each once. */
  take(event: number): Provenance {
    let origin: EventOrigin | undefined;
    let incarnation: number | undefined;
    for (let record = this.#next; record?.event === event; record = this.#next) {
      if (record.kind === 'received') ({ origin } = record);
      else ({ incarnation } = record);
      this.#advance();
    }
    assert(this.#next === undefined || this.#next.event > event, 'events in order');
    return { origin, incarnation };
  }

  #advance(): void {
    const next = this.#records.next();
    this.#next = next.done === true ? undefined : next.value;
  }
}
