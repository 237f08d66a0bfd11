/**
 * What a domain knows of every domain's progress, as the fault-tolerant vector clock of Damani and
 * Garg ("How to Recover Efficiently and Asynchronously when Optimism Fails", ICDCS 1996): an entry
 * a domain, with its incarnation and how far it had come. How far is counted in events of its own
 * log (Strom and Yemini's state intervals, 1985): between two of them a machine is a function of
 * its state, so an interval whose events are there can be made again whole.
 *
 * Invariants: the own entry is always there and counts the events noted; entries never fall.
 */
import type { ClockEntry } from '@casmotion/replay-log';

export class VectorClock {
  readonly domain: number;
  readonly #known = new Map<number, ClockEntry>();
  #entries: readonly ClockEntry[] | undefined;

  constructor(domain: number) {
    this.domain = domain;
    this.#set({ domain, incarnation: 0, events: 0 });
  }

  /** Events of the own log until now. */
  get events(): number {
    return this.#own.events;
  }

  /** The domain goes on from a cut. */
  begin(incarnation: number): void {
    this.#set({ ...this.#own, incarnation });
  }

  /** The next event of the own log; `received`: the clock of the message that it is. */
  note(received: readonly ClockEntry[] = []): void {
    this.#set({ ...this.#own, events: this.#own.events + 1 });
    for (const entry of received) {
      const known = this.#known.get(entry.domain);
      const isNews = known === undefined || compareEntries(known, entry) < 0;
      if (entry.domain !== this.domain && isNews) this.#set(entry);
    }
  }

  /** All entries, domains ascending. What was given out does not change. */
  entries(): readonly ClockEntry[] {
    this.#entries ??= [...this.#known.values()].toSorted((a, b) => a.domain - b.domain);
    return this.#entries;
  }

  get #own(): ClockEntry {
    return this.#known.get(this.domain) ?? { domain: this.domain, incarnation: 0, events: 0 };
  }

  #set(entry: ClockEntry): void {
    this.#known.set(entry.domain, entry);
    this.#entries = undefined;
  }
}

/** Order in the life of one domain. */
export function compareEntries(a: ClockEntry, b: ClockEntry): number {
  return a.incarnation - b.incarnation || a.events - b.events;
}

export type CausalOrder = 'equal' | 'before' | 'after' | 'concurrent';

/** How two clocks lie to each other: `before` if `a` happened before `b`. */
export function compareClocks(a: readonly ClockEntry[], b: readonly ClockEntry[]): CausalOrder {
  const isBelow = isWithin(a, b);
  const isAbove = isWithin(b, a);
  if (isBelow) return isAbove ? 'equal' : 'before';
  return isAbove ? 'after' : 'concurrent';
}

/** `3:17 4:2`, with incarnations above 0 as `3:17'1`. */
export function formatClock(entries: readonly ClockEntry[]): string {
  return entries
    .map(({ domain, incarnation, events }) => {
      const later = incarnation === 0 ? '' : `'${incarnation}`;
      return `${domain}:${events}${later}`;
    })
    .join(' ');
}

function isWithin(a: readonly ClockEntry[], b: readonly ClockEntry[]): boolean {
  return a.every((entry) => {
    const other = b.find(({ domain }) => domain === entry.domain);
    return other !== undefined && compareEntries(entry, other) <= 0;
  });
}
