/**
 * Goal: whatever asks the host while a machine works is named, what asks at other times is not, and
 * afterwards nothing is changed. Method: each trapped function called in and out of a watch.
 */
import { afterEach, expect, test } from 'vitest';
import { HostTraps, TRAPPED_NAMES } from './host-traps.ts';

const CALLS: readonly (readonly [string, () => unknown])[] = [
  ['Date.now', () => Date.now()],
  ['Math.random', () => Math.random()],
  ['performance.now', () => performance.now()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(4))],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['process.hrtime.bigint', () => process.hrtime.bigint()],
  ['process.hrtime', () => process.hrtime()],
  ['process.uptime', () => process.uptime()],
  ['process.cpuUsage', () => process.cpuUsage()],
  ['process.memoryUsage', () => process.memoryUsage()],
  ['process.resourceUsage', () => process.resourceUsage()],
  ['Date()', () => Date()],
  ['new Date()', () => new Date()],
];

let traps: HostTraps | undefined;
afterEach(() => traps?.remove());

test('every name has a call here', () => {
  expect(CALLS.map(([name]) => name).toSorted()).toEqual([...TRAPPED_NAMES].toSorted());
});

test.each(CALLS)('%s', (name, call) => {
  traps = new HostTraps();
  call();
  traps.begin();
  expect(traps.end()).toBeUndefined();
  traps.begin();
  const answer = call();
  expect(answer).toBeDefined();
  expect(traps.end()).toBe(name);
  call();
  traps.begin();
  expect(traps.end()).toBeUndefined();
});

test('the first of several is named, a date from a number is none, and dates are dates', () => {
  traps = new HostTraps();
  traps.begin();
  const epoch = new Date(0);
  expect(epoch.toISOString()).toBe('1970-01-01T00:00:00.000Z');
  expect(traps.end()).toBeUndefined();
  traps.begin();
  Math.random();
  Date.now();
  expect(traps.end()).toBe('Math.random');
  expect(new Date()).toBeInstanceOf(Date);
});

test.each([
  [0, 1],
  [1, 0],
])('two at once each see what is asked; removed as %i, %i, all is as before', (one, other) => {
  const before = [Date, Date.now, Math.random, performance.now, process.hrtime.bigint];
  const watches = [new HostTraps(), new HostTraps()];
  for (const watch of watches) watch.begin();
  Math.random();
  watches[one]?.remove();
  Date.now();
  expect(watches[other]?.end()).toBe('Math.random');
  watches[other]?.begin();
  Date.now();
  expect(watches[other]?.end()).toBe('Date.now');
  watches[other]?.remove();
  watches[other]?.remove();
  expect([Date, Date.now, Math.random, performance.now, process.hrtime.bigint]).toEqual(before);
  expect(Object.hasOwn(performance, 'now')).toBe(false);
});
