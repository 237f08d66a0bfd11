/**
 * Where a set of domains can go on after some of them lost the end of their logs: optimistic
 * recovery (Strom and Yemini, ACM TOCS 3(3), 1985; Damani and Garg, ICDCS 1996). A cut is a prefix
 * of each log. It is consistent if no event in it is an orphan: one that depends on an event which
 * some domain has lost. What is sent and not received yet is no harm: it is sent again.
 *
 * A log's prefix stands for a whole interval: the machine's run after its last event, which is a
 * function of the state. So a domain that kept k events still sends all that it sent before event
 * k, and only how far it must run for that is said with the cut.
 */
import { VmError } from '@casmotion/base';
import type { ClockEntry, EventOrigin, OriginRecord } from '@casmotion/replay-log';
import { formatClock } from './vector-clock.ts';

/** What is left of a domain's recording. */
export interface LoggedDomain {
  readonly name: string;
  readonly domain: number;
  /** Events that it can make again. */
  readonly events: number;
  /** The furthest place that its log knows of, for each count of events kept. */
  readonly lastStep: (events: number) => number;
  readonly records: readonly OriginRecord[];
}

export interface DomainCut {
  readonly name: string;
  readonly domain: number;
  /** Events kept. */
  readonly events: number;
  /** It runs on until here: all that others have from it is sent by then. */
  readonly untilStep: number;
  /** The first event that was taken back, and why; undefined: none was. */
  readonly orphan: Orphan | undefined;
  /** By domain: how many messages from it are received in the cut. */
  readonly received: ReadonlyMap<number, number>;
  /** The highest incarnation until the cut. */
  readonly incarnation: number;
}

export interface Orphan {
  readonly event: number;
  readonly origin: EventOrigin;
  /** What it depends on and is lost. */
  readonly lost: ClockEntry;
}

/**
 * The greatest consistent cut: every other one is within it. `look` says what of a clock is looked
 * at: `all` finds the cut at once, `sender` finds the same by going round more often (tests do).
 * Throws {@link MissingPeerError} where a domain of some clock is not in the set.
 */
export function consistentCut(
  domains: readonly LoggedDomain[],
  look: 'all' | 'sender' = 'all',
): readonly DomainCut[] {
  const states = new Map(domains.map((log) => [log.domain, new CutState(log)]));
  for (let isStable = false; !isStable; ) {
    isStable = true;
    for (const state of states.values()) {
      const orphan = findOrphan(state, states, look);
      if (orphan === undefined) continue;
      state.orphan = orphan;
      state.events = orphan.event;
      isStable = false;
    }
  }
  return [...states.values()].map((state) => describeCut(state, states));
}

class CutState {
  readonly log: LoggedDomain;
  /** Events at which incarnation i began; the first is 0. */
  readonly begins: number[] = [0];
  events: number;
  orphan: Orphan | undefined;

  constructor(log: LoggedDomain) {
    this.log = log;
    this.events = log.events;
    for (const record of log.records) {
      if (record.kind === 'incarnation') this.begins[record.incarnation] = record.event;
    }
  }

  /** Is the place that the entry names part of what is kept? */
  keeps({ incarnation, events }: ClockEntry): boolean {
    const begin = this.begins[incarnation];
    if (begin === undefined || begin > this.events) return false;
    const end = this.begins.slice(incarnation + 1).find((next) => next !== undefined) ?? Infinity;
    return events <= Math.min(end, this.events);
  }
}

function findOrphan(
  { log, events }: CutState,
  states: ReadonlyMap<number, CutState>,
  look: 'all' | 'sender',
): Orphan | undefined {
  for (const record of log.records) {
    if (record.event >= events) return undefined;
    if (record.kind !== 'received') continue;
    const { origin } = record;
    for (const entry of origin.clock) {
      if (entry.domain === log.domain) continue;
      if (look === 'sender' && entry.domain !== origin.domain) continue;
      const other = states.get(entry.domain);
      if (other === undefined) throw new MissingPeerError(log.name, record.event, entry.domain);
      if (!other.keeps(entry)) return { event: record.event, origin, lost: entry };
    }
  }
  return undefined;
}

function describeCut(state: CutState, states: ReadonlyMap<number, CutState>): DomainCut {
  const { log, events, orphan } = state;
  let untilStep = log.lastStep(events);
  for (const { log: other, events: kept } of states.values()) {
    for (const { origin } of receivedIn(other.records, kept)) {
      if (origin.domain === log.domain) untilStep = Math.max(untilStep, origin.sentStep);
    }
  }
  const received = new Map<number, number>();
  for (const { origin } of receivedIn(log.records, events)) {
    if (origin.lane === 'peer') received.set(origin.domain, origin.through + 1);
  }
  const incarnation = state.begins.findLastIndex((begin) => begin !== undefined && begin <= events);
  const { name, domain } = log;
  return { name, domain, events, untilStep, orphan, received, incarnation };
}

function* receivedIn(
  records: readonly OriginRecord[],
  events: number,
): Generator<Extract<OriginRecord, { kind: 'received' }>, void> {
  for (const record of records) {
    if (record.event >= events) return;
    if (record.kind === 'received') yield record;
  }
}

/** Why an event was taken back, in words. */
export function describeOrphan(
  { event, origin, lost }: Orphan,
  nameOf: (d: number) => string,
): string {
  const sender = nameOf(origin.domain);
  const whose = lost.domain === origin.domain ? 'its' : `${nameOf(lost.domain)}'s`;
  return (
    `event ${event} came from ${sender} (clock ${formatClock(origin.clock)}) after ${whose} event` +
    ` ${lost.events - 1}, which is lost`
  );
}

/** A log tells of a domain whose log is not there. */
export class MissingPeerError extends VmError {
  override readonly name = 'MissingPeerError';
  constructor(name: string, event: number, domain: number) {
    super(`the log of ${name} depends on a domain whose log is not there`, {
      where: `event ${event}`,
      expected: `the log of domain ${domain}`,
      next: 'bring the logs of the lab together, or replay the domain alone: --alone NAME',
    });
  }
}
