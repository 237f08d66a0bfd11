/** Goal: clocks count, merge and order as defined. Method: small cases, and random histories. */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { compareClocks, formatClock, VectorClock } from './vector-clock.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const entry = (domain: number, events: number, incarnation = 0) => ({
  domain,
  incarnation,
  events,
});

test('the own entry is there from the start and counts every event', () => {
  const clock = new VectorClock(3);
  expect(clock.entries()).toEqual([entry(3, 0)]);
  const before = clock.entries();
  clock.note();
  clock.note([entry(1, 5), entry(3, 99)]);
  expect(clock.entries()).toEqual([entry(1, 5), entry(3, 2)]);
  expect(clock.events).toBe(2);
  expect(before).toEqual([entry(3, 0)]);
});

test('a later incarnation is later, however few its events', () => {
  const clock = new VectorClock(1);
  clock.note([entry(2, 50)]);
  clock.note([entry(2, 10, 1)]);
  clock.note([entry(2, 60)]);
  expect(formatClock(clock.entries())).toBe("1:3 2:10'1");
  clock.begin(4);
  expect(formatClock(clock.entries())).toBe("1:3'4 2:10'1");
});

describe('order', () => {
  const [a, b, c] = [[entry(1, 1)], [entry(1, 1), entry(2, 1)], [entry(2, 2)]];

  test.each([
    [a, a, 'equal'],
    [a, b, 'before'],
    [b, a, 'after'],
    [a, c, 'concurrent'],
    [b, c, 'concurrent'],
  ] as const)('%j and %j: %s', (left, right, order) => {
    expect(compareClocks(left, right)).toBe(order);
  });
});

test('one happened before another exactly if messages lead from it to the other', () => {
  let [related, unrelated] = [0, 0];
  const wrong: string[] = [];
  for (let seed = SEED; seed < SEED + 40; seed++) {
    const prng = new Prng(seed);
    const clocks = [1, 2, 3].map((domain) => new VectorClock(domain));
    /** Each event with its clock and all that happened before it. */
    const events: { past: Set<number>; clock: ReturnType<VectorClock['entries']> }[] = [];
    const last: (number | undefined)[] = [undefined, undefined, undefined];
    for (let number = 0; number < 40; number++) {
      const at = prng.below(3);
      const from = prng.below(3);
      const sent = from === at || prng.chance(3) ? undefined : last[from];
      clocks[at]?.note(sent === undefined ? [] : events[sent]?.clock);
      const past = new Set([number]);
      for (const source of [last[at], sent]) {
        for (const one of source === undefined ? [] : (events[source]?.past ?? [])) past.add(one);
      }
      events.push({ past, clock: clocks[at]?.entries() ?? [] });
      last[at] = number;
    }
    for (const [one, { clock }] of events.entries()) {
      for (const [other, { past, clock: later }] of events.entries()) {
        if (one === other) continue;
        const isBefore = compareClocks(clock, later) === 'before';
        if (isBefore !== past.has(one)) wrong.push(`seed ${seed}, ${one} and ${other}`);
        if (isBefore) related++;
        else unrelated++;
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(Math.min(related, unrelated)).toBeGreaterThan(1000);
});
