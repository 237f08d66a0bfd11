/**
 * The monitor's checks, one row each: which premise (docs/architecture.md §1) it looks at, how,
 * when, at which level, and at what cost. docs/monitor.md is made from this table, and a
 * certificate tells how often each was made.
 */

/** C1 to C8 of docs/architecture.md §1. */
export type Premise = 'C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8';

/** `fast`: what every replay checks. `full`: all there is. */
export type MonitorLevel = 'fast' | 'full';

export interface Check {
  /** Those that it finds broken; which of them it was is told by what it finds. */
  readonly premises: readonly Premise[];
  /** What is compared. */
  readonly checks: string;
  readonly when: string;
  /** The lowest level at which it is made. */
  readonly level: MonitorLevel;
  readonly cost: string;
}

export const CHECKS = {
  'image-digests': {
    premises: ['C1'],
    checks: 'BLAKE3 of each image against the header',
    when: 'before the machine is made',
    level: 'fast',
    cost: 'reads each image once',
  },
  'start-state': {
    premises: ['C1'],
    checks: 'pc, registers and digest of the whole state',
    when: 'landmark 0, before the first step',
    level: 'fast',
    cost: 'hashes memory in use once',
  },
  'landmark-state': {
    premises: ['C2', 'C3', 'C4', 'C5'],
    checks: 'pc, registers and digest of the whole state, pages by dirty tracking',
    when: 'each landmark, and the end',
    level: 'fast',
    cost: 'hashes pages written since the last one, some 1 us a page',
  },
  outputs: {
    premises: ['C2', 'C3', 'C4', 'C5'],
    checks: 'size and digest of all that was let out',
    when: 'each landmark, and the end',
    level: 'fast',
    cost: 'hashes each byte let out once',
  },
  'log-order': {
    premises: ['C3', 'C6', 'C7'],
    checks: 'events are met one after the other, none before a landmark that follows it',
    when: 'each event',
    level: 'fast',
    cost: 'some comparisons',
  },
  'event-registers': {
    premises: ['C2', 'C3', 'C4', 'C5', 'C6', 'C7'],
    checks: 'pc and digest of the registers',
    when: 'each event, before it is applied',
    level: 'fast',
    cost: 'hashes 0.9 kB, some 2 us',
  },
  'event-key': {
    premises: ['C6'],
    checks: 'step and wakes, or count of branches, pc and sp, are those of the log',
    when: 'each event and landmark',
    level: 'fast',
    cost: 'some comparisons; by branches, the creeping',
  },
  'event-sequence': {
    premises: ['C3', 'C6', 'C7'],
    checks: 'what the recorder applied against what the log gives: contents, order, places',
    when: 'each landmark after an event, and the end',
    level: 'fast',
    cost: 'three short hashes an event, some 5 us; 25 bytes of log a record',
  },
  'log-chain': {
    premises: ['C8'],
    checks: 'two checksums, each with all that comes before it, and that the footer is there',
    when: 'each chunk, before anything is used',
    level: 'fast',
    cost: 'reads the log once more',
  },
  'all-pages': {
    premises: ['C4'],
    checks: 'all of memory hashed again, whatever dirty tracking says',
    when: 'each landmark, and the end',
    level: 'full',
    cost: 'reads all of memory, hashes what is not zero',
  },
  'at-rest': {
    premises: ['C4'],
    checks: 'the state is as each machine left it; while creeping, its step, pc and registers',
    when: 'before each slice, event and wake',
    level: 'full',
    cost: 'two digests of the state, pages by dirty tracking',
  },
  'engines-slice': {
    premises: ['C2', 'C4'],
    checks: 'why and where both engines stopped, and their states; while creeping their registers',
    when: 'after each slice and wake',
    level: 'full',
    cost: 'the run once more, on the other engine',
  },
  'engines-event': {
    premises: ['C5'],
    checks: 'state of both engines',
    when: 'before and after each event',
    level: 'full',
    cost: 'four digests of the state, pages by dirty tracking',
  },
  'engines-state': {
    premises: ['C2', 'C4', 'C5'],
    checks: 'state of both engines, all pages, and what they let out',
    when: 'each landmark, and the end',
    level: 'full',
    cost: 'all of memory hashed, as all-pages',
  },
  'host-access': {
    premises: ['C2', 'C5'],
    checks: 'nothing in the machine asks the host: clocks, randomness, use of resources',
    when: 'during each slice, event and wake',
    level: 'full',
    cost: 'a flag set and cleared',
  },
  'tlb-subset': {
    premises: ['C2', 'C4'],
    checks: 'fast TLB entries follow from architectural ones; on both engines',
    when: 'each landmark, and the end',
    level: 'full',
    cost: '12,288 entries of each engine looked at',
  },
} as const satisfies Readonly<Record<string, Check>>;

export type CheckName = keyof typeof CHECKS;

export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

/** What a premise says, in a few words. */
export const PREMISES: Readonly<Record<Premise, string>> = {
  C1: 'same initial state',
  C2: 'a step is a function of the state',
  C3: 'every value from outside is logged',
  C4: 'nothing else writes the state',
  C5: 'an event has the same effect again',
  C6: 'a time point is unique and ordered',
  C7: 'events at one time point keep their order',
  C8: 'the log is whole',
};

/** How often each check was made. */
export class CheckCounts {
  readonly #counts = new Map<CheckName, number>();

  note(name: CheckName, times = 1): void {
    this.#counts.set(name, this.of(name) + times);
  }

  of(name: CheckName): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All that were made, in the order of the table. */
  toJson(): Readonly<Partial<Record<CheckName, number>>> {
    return Object.fromEntries(
      CHECK_NAMES.flatMap((name) => (this.of(name) === 0 ? [] : [[name, this.of(name)]])),
    );
  }
}
