/**
 * Goal: rounds are interleaved, and nothing is replayed before it is recorded. Method: small plans
 * compared whole; the filter's words in a table.
 */
import { expect, test } from 'vitest';
import { matchesFilter, planLanes, planRounds } from './plan.ts';

const names = (lanes: ReturnType<typeof planLanes>): string[] =>
  lanes.map(({ subject, mode, variant }) => `${subject} ${mode} ${variant}`);

test('a round has every lane once, ours by engine, then the peer', () => {
  const lanes = planLanes({
    modes: ['replay', 'run'],
    variants: ['auto', 'interpreter'],
    qemuModes: ['rr-replay'],
  });
  expect(names(lanes)).toEqual([
    'casmotion run auto',
    'casmotion record auto',
    'casmotion replay auto',
    'casmotion run interpreter',
    'casmotion record interpreter',
    'casmotion replay interpreter',
    'qemu rr-record tcg',
    'qemu rr-replay tcg',
  ]);
});

test('warm-ups come first and have no number', () => {
  const lanes = planLanes({ modes: ['run'], variants: ['auto'], qemuModes: ['plain'] });
  const rounds = planRounds(lanes, 2, 1);
  expect(rounds.map(({ index }) => index)).toEqual([undefined, 0, 1]);
  for (const round of rounds) expect(round.lanes).toBe(lanes);
});

test.each([
  [undefined, true],
  ['irq-1ms', true],
  ['irq', false],
  ['irq*', true],
  ['interrupts', true],
  ['sieve, interrupts', true],
  ['sieve,float', false],
  ['', false],
])('filter %j and irq-1ms of interrupts: %s', (filter, expected) => {
  expect(matchesFilter(filter, 'irq-1ms', 'interrupts')).toBe(expected);
});
