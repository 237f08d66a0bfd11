/**
 * Goal: guest time follows the host's within 20 ms, never goes back, and needs few lines. Method: a
 * simulated machine whose speed changes by seed runs under the lines that the follower gives.
 */
import { Prng } from '@casmotion/base';
import { expect, test } from 'vitest';
import { ClockFollower } from './clock-follower.ts';

const SLICE_STEPS = 1_000_000;
const TICKS_PER_MS = 10_000;

/** Steps a host tick: what a machine does in 100 ns. */
interface Speed {
  readonly what: string;
  readonly next: (prng: Prng, slice: number) => number;
  readonly linesMax: number;
}

const SPEEDS: readonly Speed[] = [
  { what: 'a steady machine', next: () => 30, linesMax: 3 },
  { what: 'one that jitters by 20 %', next: (prng) => 24 + prng.below(13), linesMax: 200 },
  {
    what: 'one that halves now and then',
    next: (_, slice) => (slice % 500 < 250 ? 40 : 20),
    linesMax: 200,
  },
  { what: 'a slow one', next: () => 12, linesMax: 3 },
];

test.each(SPEEDS)('$what', ({ next, linesMax }) => {
  for (let seed = 1; seed <= 10; seed++) {
    const { worstMs, lines, isMonotonic } = simulate(new Prng(seed), next);
    expect(isMonotonic, `seed ${seed}`).toBe(true);
    expect(worstMs, `seed ${seed}`).toBeLessThan(20);
    expect(lines, `seed ${seed}`).toBeGreaterThan(0);
    expect(lines, `seed ${seed}`).toBeLessThanOrEqual(linesMax);
  }
});

test('a host that stands still for a second is caught up with by one jump', () => {
  const follower = new ClockFollower();
  expect(follower.sample({ step: 0, ticks: 0 }, 0)).toBeUndefined();
  expect(follower.sample({ step: SLICE_STEPS, ticks: 10_000 }, 10_000)).toBeUndefined();
  const line = follower.sample({ step: 2 * SLICE_STEPS, ticks: 20_000 }, 10_020_000);
  expect(line?.jumpTicks).toBe(10_000_000);
  expect(line?.slope).toBeGreaterThan(0);
});

test('no line is given before the speed was measured, nor while all agrees', () => {
  const follower = new ClockFollower();
  expect(follower.sample({ step: 0, ticks: 0 }, 1_000_000)).toBeUndefined();
  follower.interrupt();
  expect(follower.sample({ step: 10, ticks: 0 }, 2_000_000)).toBeUndefined();
  expect(follower.sample({ step: SLICE_STEPS + 10, ticks: 2_033_000 }, 2_033_000)).toBeUndefined();
});

/** 20 s of guest, give or take; the first 100 ms, while the speed is learnt, are not judged. */
function simulate(
  prng: Prng,
  next: Speed['next'],
): { worstMs: number; lines: number; isMonotonic: boolean } {
  const follower = new ClockFollower();
  let [step, host, origin, originStep, slope] = [0, 0, 0, 0, 42_949_673];
  let [worst, lines, isMonotonic, before] = [0, 0, true, 0];
  for (let slice = 0; slice < 5_000; slice++) {
    step += SLICE_STEPS;
    host += Math.round(SLICE_STEPS / next(prng, slice));
    const ticks = origin + Math.floor(((step - originStep) * slope) / 2 ** 32);
    isMonotonic &&= ticks >= before;
    before = ticks;
    if (host > 100 * TICKS_PER_MS) worst = Math.max(worst, Math.abs(host - ticks));
    const line = follower.sample({ step, ticks }, host);
    if (line === undefined) continue;
    lines++;
    isMonotonic &&= line.jumpTicks >= 0 && line.slope > 0;
    [origin, originStep, slope] = [ticks + line.jumpTicks, step, line.slope];
  }
  return { worstMs: worst / TICKS_PER_MS, lines, isMonotonic };
}
