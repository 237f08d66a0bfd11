/**
 * Goal: keys order as they should, and the matcher names each way to miss.
 * Method: tables, and hand-made observations fed to the pure state machine.
 */
import { expect, test } from 'vitest';
import { allPlaces, type Instruction, ToyTarget } from '../test/toy.ts';
import {
  AdaptiveMargin,
  branchKey,
  compareTimePoints,
  Matcher,
  matchTimePoint,
  orderOfKeys,
  stepKey,
  timePoint,
} from './index.ts';

test.each([
  [stepKey(5), stepKey(5), 'same'],
  [stepKey(5), stepKey(6), 'before'],
  [branchKey(5, 8n), branchKey(5, 4n), 'after'],
  [branchKey(4, 8n), branchKey(5, 4n), 'before'],
  [branchKey(5, 4n, 3n), branchKey(5, 4n, 2n), 'unordered'],
  [branchKey(5, 4n, 3n), branchKey(5, 4n, 3n), 'same'],
  [stepKey(5), branchKey(5, 0n), 'unordered'],
] as const)('%o against %o is %s', (a, b, order) => {
  expect(orderOfKeys(a, b)).toBe(order);
});

test.each([-1, 0.5, NaN, 2 ** 53])('%d is no count and no step', (bad) => {
  expect(() => stepKey(bad)).toThrow();
  expect(() => branchKey(bad, 0n)).toThrow();
  expect(() => timePoint(bad)).toThrow();
});

test('time points compare by step', () => {
  const points = [timePoint(9), timePoint(0), timePoint(2 ** 53 - 1)].toSorted(compareTimePoints);
  expect(points.map(({ step }) => step)).toEqual([0, 9, 2 ** 53 - 1]);
});

const at = (count: number, pc = 0n, register = 0n, check = 0n) => ({ count, pc, register, check });

test('runs to the margin, creeps by breakpoint, steps through a repetition, delivers', () => {
  const matcher = new Matcher(branchKey(1000, 0x40n, 2n), 64);
  expect(matcher.next(at(0))).toEqual({ do: 'run-to-count', count: 936 });
  expect(matcher.next(at(950))).toEqual({ do: 'run-to-breakpoint', pc: 0x40n, guardCount: 1001 });
  expect(matcher.next(at(950, 0x40n))).toEqual({
    do: 'run-to-breakpoint',
    pc: 0x40n,
    guardCount: 1001,
  });
  expect(matcher.next(at(1000, 0x40n, 3n))).toEqual({ do: 'step' });
  expect(matcher.next(at(1000, 0x40n, 2n))).toMatchObject({
    do: 'end',
    outcome: { kind: 'delivered', skid: 14 },
  });
});

test('a step key needs no breakpoint', () => {
  const matcher = new Matcher(stepKey(10), 3);
  expect(matcher.next(at(0))).toEqual({ do: 'run-to-count', count: 7 });
  expect(matcher.next(at(8))).toEqual({ do: 'step' });
  expect(matcher.next(at(9))).toEqual({ do: 'step' });
  expect(matcher.next(at(10))).toMatchObject({ outcome: { kind: 'delivered' } });
});

test.each([
  ['behind it from the start', [at(11)], 'overshoot', 'count', false],
  ['skid over the whole margin', [at(0), at(11)], 'overshoot', 'count', true],
  ['skid into its interval', [at(0), at(10, 8n), at(11)], 'overshoot', 'pc', true],
  ['its pc never comes', [at(9, 8n), at(10, 8n), at(11)], 'overshoot', 'pc', false],
  ['its register never comes', [at(9), at(10, 4n, 5n), at(11)], 'overshoot', 'register', false],
  ['another state there', [at(9), at(10, 4n, 1n, 99n)], 'mismatch', 'check', false],
  ['the run ends early', [at(8), at(9)], 'undershoot', 'count', false],
  ['the run ends in its interval', [at(9), at(10, 8n)], 'undershoot', 'pc', false],
  ['the run ends while skidding', [at(0), at(10, 8n)], 'undershoot', 'pc', true],
] as const)('%s: named', (_, seen, kind, differs, isSkid) => {
  const matcher = new Matcher(branchKey(10, 4n, 1n), 2, 7n);
  const actions = seen.map((observation, index) => {
    return matcher.next(observation, kind === 'undershoot' && index === seen.length - 1);
  });
  expect(actions.slice(0, -1).every((action) => action.do !== 'end')).toBe(true);
  expect(actions.at(-1)).toMatchObject({ do: 'end', outcome: { kind, differs, isSkid } });
});

test('a margin grows to twice the worst skid, and no further than its bound', () => {
  const margin = new AdaptiveMargin(10, 100);
  margin.note(undefined);
  margin.note(4);
  expect(margin.value).toBe(10);
  margin.note(30);
  expect(margin.value).toBe(60);
  expect([margin.raise(), margin.value]).toEqual([true, 100]);
  expect(margin.raise()).toBe(false);
});

test('without its register a repetition is ambiguous, and only the check shows it', () => {
  const program: Instruction[] = [{ op: 'set', to: 0, value: 5 }, { op: 'repeat' }, { op: 'halt' }];
  const places = allPlaces(program, 'branches');
  const third = places[3];
  expect(third?.pc).toBe(places[2]?.pc);
  const toy = () =>
    new ToyTarget(program, { counts: 'branches', skidMax: 0, overcountOneIn: 0, seed: 1 });
  const blind = matchTimePoint(toy(), branchKey(0, 4n), { margin: 0, check: third?.check ?? 0n });
  expect(blind).toMatchObject({ kind: 'mismatch', differs: 'check' });
  const target = toy();
  const seeing = matchTimePoint(target, branchKey(0, 4n, 3n), {
    margin: 0,
    check: third?.check ?? 0n,
  });
  expect([seeing.kind, target.steps]).toEqual(['delivered', 3]);
});
