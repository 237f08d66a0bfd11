/**
 * Goal: the cut has no orphan, and nothing is taken back in vain; over several incarnations too.
 * Method: random histories of events and messages, logs that lose random ends; the greatest
 * consistent cut found by what happened before what, without clocks.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project lab`.
 */
import { defined, Prng } from '@casmotion/base';
import type { OriginRecord } from '@casmotion/replay-log';
import { expect, test } from 'vitest';
import {
  consistentCut,
  describeOrphan,
  type LoggedDomain,
  MissingPeerError,
} from './consistent-cut.ts';
import { VectorClock } from './vector-clock.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** A domain's log, and for each event the events of others that it came from: (domain, count). */
class History {
  readonly domain: number;
  readonly clock: VectorClock;
  readonly records: OriginRecord[] = [];
  /** By event: how many events of each sender were there when its message left. */
  readonly needs: (readonly (readonly [number, number])[])[] = [];
  readonly steps: number[] = [];
  step = 0;

  constructor(domain: number) {
    this.domain = domain;
    this.clock = new VectorClock(domain);
  }

  /** An event; `from`: a message that this domain sent just now. */
  event(from: History | undefined, incarnation?: number): void {
    const event = this.needs.length;
    if (incarnation !== undefined) {
      this.records.push({ kind: 'incarnation', event, incarnation });
      this.clock.begin(incarnation);
    }
    this.step += 10;
    this.steps.push(this.step);
    if (from === undefined) {
      this.needs.push([]);
      this.clock.note();
      return;
    }
    const clock = from.clock.entries();
    const sentStep = (from.step += 3);
    const origin = {
      lane: 'peer',
      domain: from.domain,
      number: 0,
      through: 0,
      sentStep,
      clock,
    } as const;
    this.records.push({ kind: 'received', event, origin });
    this.needs.push([[from.domain, from.needs.length]]);
    this.clock.note(clock);
  }

  log(events: number): LoggedDomain {
    return {
      name: `d${this.domain}`,
      domain: this.domain,
      events,
      lastStep: (kept) => this.steps[kept - 1] ?? 0,
      records: this.records,
    };
  }
}

function randomHistories(prng: Prng): History[] {
  const histories = Array.from({ length: 2 + prng.below(4) }, (_, index) => new History(index + 1));
  for (let count = 20 + prng.below(80); count > 0; count--) {
    const [to, from] = [prng.pick(histories), prng.pick(histories)];
    to.event(from === to || prng.chance(3) ? undefined : from);
  }
  return histories;
}

/** By definition: take back what needs something that is not kept, until nothing does. */
function greatestCut(histories: readonly History[], kept: readonly number[]): number[] {
  const cut = [...kept];
  for (let isStable = false; !isStable; ) {
    isStable = true;
    for (const [index, { needs }] of histories.entries()) {
      const orphan = needs
        .slice(0, cut[index])
        .findIndex((need) => need.some(([domain, events]) => events > (cut[domain - 1] ?? 0)));
      if (orphan < 0) continue;
      cut[index] = orphan;
      isStable = false;
    }
  }
  return cut;
}

test('it is the greatest that there is, by whole clocks and by senders alone', () => {
  let [takenBack, whole] = [0, 0];
  for (let seed = SEED; seed < SEED + 400; seed++) {
    const prng = new Prng(seed);
    const histories = randomHistories(prng);
    const kept = histories.map(({ needs }) =>
      prng.chance(2) ? needs.length : prng.below(needs.length + 1),
    );
    const logs = histories.map((history, index) => history.log(kept[index] ?? 0));
    const expected = greatestCut(histories, kept);
    for (const look of ['all', 'sender'] as const) {
      const cuts = consistentCut(logs, look);
      expect(
        cuts.map(({ events }) => events),
        `seed ${seed}, ${look}`,
      ).toEqual(expected);
      for (const [index, { orphan }] of cuts.entries()) {
        expect(orphan !== undefined, `seed ${seed}`).toBe(expected[index] !== kept[index]);
      }
    }
    if (expected.some((events, index) => events !== kept[index])) takenBack++;
    else whole++;
  }
  expect(Math.min(takenBack, whole)).toBeGreaterThan(20);
});

test('each runs as far as others have heard of it', () => {
  let further = 0;
  for (let seed = SEED; seed < SEED + 100; seed++) {
    const histories = randomHistories(new Prng(seed));
    const cuts = consistentCut(histories.map((history) => history.log(history.needs.length)));
    for (const { domain, events, untilStep } of cuts) {
      const last = defined(histories[domain - 1], 'history').steps[events - 1] ?? 0;
      const heard = histories.flatMap(({ records }) =>
        records.flatMap((record) =>
          record.kind === 'received' && record.origin.domain === domain
            ? [record.origin.sentStep]
            : [],
        ),
      );
      expect(untilStep, `seed ${seed}`).toBe(Math.max(last, ...heard));
      if (untilStep > last) further++;
    }
  }
  expect(further).toBeGreaterThan(50);
});

test('what an older incarnation sent after its end is an orphan, what it sent before not', () => {
  const [a, b] = [new History(1), new History(2)];
  a.event(undefined);
  b.event(a); // Of incarnation 0, when a had one event.
  a.event(undefined);
  const lost = a.clock.entries(); // Two events, incarnation 0: the second is taken back.
  const again = new History(1);
  again.event(undefined);
  again.event(undefined, 1);
  again.event(undefined);
  const ofOld: OriginRecord = {
    kind: 'received',
    event: 1,
    origin: { lane: 'peer', domain: 1, number: 1, through: 1, sentStep: 5, clock: lost },
  };
  const whole = { ...b.log(2), records: [...b.records, ofOld] };
  const [kept, cut] = consistentCut([again.log(3), whole]);
  expect(kept?.events).toBe(3);
  expect(kept?.incarnation).toBe(1);
  expect(cut?.events).toBe(1);
  expect(cut?.orphan && describeOrphan(cut.orphan, (id) => `d${id}`)).toBe(
    'event 1 came from d1 (clock 1:2) after its event 1, which is lost',
  );
});

test('a domain whose log is not there is named', () => {
  const [a, b] = [new History(1), new History(2)];
  a.event(undefined);
  b.event(a);
  expect(() => consistentCut([b.log(1)])).toThrow(MissingPeerError);
});
