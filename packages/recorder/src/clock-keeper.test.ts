/**
 * Goal: guest time stays within 20 ms of the host's, never goes back, and an idle minute costs less
 * than 1 kB of log, landmarks included. Method: an hour of a simulated guest on a simulated host,
 * whose speed changes and whose sleeps end late by seed, with every line and advance written to a
 * real log, made safe once a second; tables for single decisions.
 */
import { createHashes, type Hashes, Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { LogWriter, MemorySink } from '@casmotion/replay-log';
import { beforeAll, expect, test } from 'vitest';
import { ClockKeeper } from './clock-keeper.ts';

const TICKS_PER_MS = 10_000;
const MINUTE = 60_000 * TICKS_PER_MS;
const SLICE_STEPS = 1_000_000;

let hashes: Hashes;
beforeAll(async () => {
  hashes = await createHashes();
});

test.each([1, 2, 3, 4])('an hour, idle and busy by turns: seed %i', (seed) => {
  const host = new SimulatedHost(seed, hashes);
  const idleBytes: number[] = [];
  let busyBytes = 0;
  for (let minute = 0; minute < 60; minute++) {
    const before = host.logBytes;
    const isBusy = minute % 6 >= 4;
    if (isBusy) host.beBusy((minute + 1) * MINUTE);
    else host.beIdle((minute + 1) * MINUTE);
    if (isBusy) busyBytes += host.logBytes - before;
    else idleBytes.push(host.logBytes - before);
  }
  expect(host.hostTicks).toBeGreaterThanOrEqual(60 * MINUTE);
  expect(host.wakes).toBeGreaterThan(10_000);
  expect(host.worstTicks / TICKS_PER_MS).toBeLessThan(20);
  expect(host.isMonotonic).toBe(true);
  expect(Math.max(...idleBytes)).toBeLessThan(1000);
  expect(busyBytes / 20).toBeLessThan(20_000);
});

test('a suspended host: a running guest jumps, an idle one advances', () => {
  const running = new ClockKeeper();
  expect(running.sample({ step: 0, ticks: 0 }, 0)).toBeUndefined();
  expect(running.sample({ step: 1e6, ticks: 10_000 }, 10_000)).toBeUndefined();
  const line = running.sample({ step: 2e6, ticks: 20_000 }, 36e9);
  expect(line).toMatchObject({ kind: 'clock-line', jumpTicks: 36e9 - 20_000 });
  const idle = new ClockKeeper();
  const late = idle.wake({ step: 5, ticks: 100 }, 36e9, 40_000, false);
  expect(late).toEqual({ kind: 'idle-advance', ticks: 36e9 - 100 });
});

test.each([
  ['due', 50_000, 50_000, false, 'deadline'],
  ['a little late', 52_000, 50_000, false, 'deadline'],
  ['a hair early', 46_000, 50_000, false, 'deadline'],
  ['too early', 40_000, 50_000, false, undefined],
  ['due, with an input', 52_000, 50_000, true, 'deadline'],
  ['an input before', 40_000, 50_000, true, { kind: 'idle-advance', ticks: 39_000 }],
  ['an input and no deadline', 40_000, undefined, true, { kind: 'idle-advance', ticks: 39_000 }],
  ['an input, guest ahead', 500, 50_000, true, { kind: 'idle-advance', ticks: 0 }],
  ['nothing and no deadline', 40_000, undefined, false, undefined],
] as const)('idle: %s', (_, hostTicks, deadlineTicks, hasInput, answer) => {
  const guest = { step: 7, ticks: 1000 };
  expect(new ClockKeeper().wake(guest, hostTicks, deadlineTicks, hasInput)).toEqual(answer);
});

test('a guest that is ahead waits: its slope falls and stays above 0', () => {
  const keeper = new ClockKeeper();
  keeper.sample({ step: 0, ticks: 0 }, 0);
  keeper.sample({ step: 1e6, ticks: 10_000 }, 10_000);
  const line = keeper.sample({ step: 2e6, ticks: 900_000 }, 20_000);
  expect(line?.jumpTicks).toBe(0);
  expect(line?.slope).toBeGreaterThan(0);
  expect(line?.slope).toBeLessThan(0.01 * 2 ** 32);
});

test('nothing is done before the speed was measured, nor while all agrees', () => {
  const keeper = new ClockKeeper();
  expect(keeper.sample({ step: 0, ticks: 0 }, 1_000_000)).toBeUndefined();
  expect(keeper.wake({ step: 0, ticks: 0 }, 1_000_000, undefined, false)).toBeUndefined();
  expect(keeper.sample({ step: 10, ticks: 0 }, 2_000_000)).toBeUndefined();
  expect(keeper.sample({ step: 1e6, ticks: 2_033_000 }, 2_033_000)).toBeUndefined();
});

/** Steps a host tick: what a machine does in 100 ns. */
const SPEEDS = [
  { what: 'a steady machine', next: () => 30, linesMax: 4 },
  { what: 'one that jitters', next: (random: Prng) => 24 + random.below(13), linesMax: 220 },
  {
    what: 'one that halves now and then',
    next: (_: Prng, slice: number) => (slice % 500 < 250 ? 40 : 20),
    linesMax: 200,
  },
  { what: 'a slow one', next: () => 12, linesMax: 4 },
  {
    // 15 ms on one slice in a hundred: another program had the processor.
    what: 'one on a loaded host',
    next: (random: Prng) => (random.chance(100) ? 6 : 30),
    linesMax: 200,
  },
  {
    // Slices of 0.4 ms, and now and then two in a row of 20 or 50 ms.
    what: 'a fast one that is held up',
    next: (random: Prng, slice: number) =>
      slice % 250 < 2 && slice > 1000 ? random.pick([2, 5]) : 250,
    linesMax: 250,
  },
];

test.each(SPEEDS)('busy, $what: within 20 ms by few lines', ({ next, linesMax }) => {
  for (let seed = 1; seed <= 10; seed++) {
    const { worstMs, lines, isMonotonic } = keepBusy(new Prng(seed), next);
    expect(isMonotonic, `seed ${seed}`).toBe(true);
    expect(worstMs, `seed ${seed}`).toBeLessThan(20);
    expect(lines, `seed ${seed}`).toBeGreaterThan(0);
    expect(lines, `seed ${seed}`).toBeLessThanOrEqual(linesMax);
  }
});

test('a host that lets it run by fits and starts: never far ahead', () => {
  for (let seed = 1; seed <= 20; seed++) {
    // 1 to 6 ms of the processor, then 10 to 300 ms of others'.
    const random = new Prng(seed);
    let left = 0;
    const stall = (ranTicks: number): number => {
      left -= ranTicks;
      if (left > 0) return 0;
      left = TICKS_PER_MS * (1 + random.below(6));
      return TICKS_PER_MS * (10 + random.below(290));
    };
    const speeds = (_: Prng, slice: number): number => (slice % 1000 < 200 ? 2 : 25);
    const { aheadMs, isMonotonic, lines } = keepBusy(new Prng(seed), speeds, stall);
    expect(isMonotonic, `seed ${seed}`).toBe(true);
    expect(aheadMs, `seed ${seed}`).toBeLessThan(20);
    expect(lines, `seed ${seed}`).toBeGreaterThan(100);
  }
});

/** 5000 slices without a pause. The first 100 ms, while the speed is learnt, are not judged. */
function keepBusy(
  random: Prng,
  next: (random: Prng, slice: number) => number,
  stall: (ranTicks: number) => number = () => 0,
): { worstMs: number; aheadMs: number; lines: number; isMonotonic: boolean } {
  const keeper = new ClockKeeper();
  let [step, host, origin, originStep, slope] = [0, 0, 0, 0, 42_949_673];
  let [worst, ahead, lines, isMonotonic, before] = [0, 0, 0, true, 0];
  for (let slice = 0; slice < 5_000; slice++) {
    const hostBefore = host;
    const steps = Math.min(SLICE_STEPS, keeper.stepsMax);
    step += steps;
    const ran = Math.round(steps / next(random, slice));
    host += ran + stall(ran);
    const ticks = origin + Math.floor(((step - originStep) * slope) / 2 ** 32);
    isMonotonic &&= ticks >= before;
    before = ticks;
    const line = keeper.sample({ step, ticks }, host);
    // While it was held up itself it did not look; what it sees next counts.
    const isHeldUp = host - hostBefore > 17 * TICKS_PER_MS;
    const seen = isHeldUp ? ticks + (line?.jumpTicks ?? 0) : ticks;
    if (host > 100 * TICKS_PER_MS) worst = Math.max(worst, Math.abs(host - seen));
    if (host > 100 * TICKS_PER_MS) ahead = Math.max(ahead, ticks - host);
    if (line === undefined) continue;
    lines++;
    isMonotonic &&= line.jumpTicks >= 0 && line.slope > 0;
    [origin, originStep, slope] = [ticks + line.jumpTicks, step, line.slope];
  }
  const worstMs = worst / TICKS_PER_MS;
  return { worstMs, aheadMs: ahead / TICKS_PER_MS, lines, isMonotonic };
}

/** A host and its guest's clock: no instructions, only steps, lines, deadlines and sleeps. */
class SimulatedHost {
  hostTicks = 0;
  worstTicks = 0;
  isMonotonic = true;
  wakes = 0;
  readonly #random: Prng;
  readonly #keeper = new ClockKeeper();
  readonly #sink = new MemorySink();
  readonly #writer: LogWriter;
  #step = 0;
  #origin = { step: 0, ticks: 0, slope: 42_949_673 };
  #lastTicks = 0;
  #syncedAt = 0;
  #syncedEvents = 0;
  #quietSyncs = 0;
  /** Steps a tick: 100 to 400 million a second, wandering. */
  #speed = 30;

  constructor(seed: number, hashes: Hashes) {
    this.#random = new Prng(seed);
    const header = { creator: 'test', machine: null, digests: {} };
    this.#writer = new LogWriter(this.#sink, { hashes, zstd: undefined }, header);
  }

  get logBytes(): number {
    this.#writer.flush();
    return this.#writer.sizeBytes;
  }

  /** Runs without a pause until the host's clock shows `until`. */
  beBusy(until: number): void {
    while (this.hostTicks < until) {
      this.#run(Math.min(SLICE_STEPS, this.#keeper.stepsMax));
      const line = this.#keeper.sample(this.#guest(), this.hostTicks);
      if (line !== undefined) this.#apply(line);
    }
  }

  /** Wakes at deadlines 1 to 250 ms apart and runs shortly; now and then for a while. */
  beIdle(until: number): void {
    while (this.hostTicks < until) {
      const burst = this.#random.chance(50) ? 12 : 0;
      for (let slice = 0; slice < burst; slice++) {
        this.#run(Math.min(SLICE_STEPS, this.#keeper.stepsMax));
        const line = this.#keeper.sample(this.#guest(), this.hostTicks);
        if (line !== undefined) this.#apply(line);
      }
      this.#run(2_000 + this.#random.below(60_000));
      this.#sleep(this.#guest().ticks + TICKS_PER_MS * (1 + this.#random.below(250)));
    }
  }

  /** Until the deadline, or an input once in a while: then the time that passed is logged. */
  #sleep(deadlineTicks: number): void {
    const isInput = this.#random.chance(400);
    let answer = this.#keeper.wake(this.#guest(), this.hostTicks, deadlineTicks, false);
    if (answer === undefined) {
      const wanted = Math.max(0, deadlineTicks - this.hostTicks);
      const late = this.#random.below(3 * TICKS_PER_MS);
      this.hostTicks += isInput ? this.#random.below(Math.ceil(wanted) + 1) : wanted + late;
      answer = this.#keeper.wake(this.#guest(), this.hostTicks, deadlineTicks, isInput);
    }
    if (answer === 'deadline') this.#moveTo(deadlineTicks);
    else if (answer !== undefined) this.#apply(answer);
    this.wakes++;
    this.#look();
  }

  #run(steps: number): void {
    if (this.#random.chance(300)) this.#speed = 10 + this.#random.below(31);
    const jitter = 0.9 + this.#random.below(200) / 1000;
    this.#step += steps;
    this.hostTicks += Math.round(steps / (this.#speed * jitter));
    this.#look();
  }

  #apply(event: MachineEvent): void {
    const check = { pc: 0xffff_ffff_8000_0000n, registerDigest: new Uint8Array(4) };
    this.#writer.event(this.#step, event, check);
    const { ticks } = this.#guest();
    if (event.kind === 'idle-advance') this.#moveTo(ticks + event.ticks);
    if (event.kind !== 'clock-line') return;
    this.#origin = { step: this.#step, ticks: ticks + event.jumpTicks, slope: event.slope };
  }

  #moveTo(ticks: number): void {
    this.#origin = { step: this.#step, ticks, slope: this.#origin.slope };
  }

  #guest(): { step: number; ticks: number } {
    const { step, ticks, slope } = this.#origin;
    const run = Math.floor((this.#step - step) * (slope / 2 ** 32));
    return { step: this.#step, ticks: ticks + run };
  }

  #look(): void {
    const { ticks } = this.#guest();
    this.isMonotonic &&= ticks >= this.#lastTicks;
    this.#lastTicks = ticks;
    this.worstTicks = Math.max(this.worstTicks, Math.abs(this.hostTicks - ticks));
    if (this.hostTicks - this.#syncedAt < 1000 * TICKS_PER_MS) return;
    this.#syncedAt = this.hostTicks;
    this.#sync();
  }

  /** As a recorder does it: what is new goes to the file, and a quiet machine gets a landmark. */
  #sync(): void {
    this.#quietSyncs = this.#writer.eventCount === this.#syncedEvents ? this.#quietSyncs + 1 : 0;
    this.#syncedEvents = this.#writer.eventCount;
    if (this.#quietSyncs === 5 || this.#quietSyncs % 16 === 15) {
      const [registerDigest, stateDigest] = [new Uint8Array(8), new Uint8Array(16)];
      this.#random.fill(registerDigest);
      this.#random.fill(stateDigest);
      const pc = 0xffff_ffff_8000_0000n;
      this.#writer.landmark({ at: { step: this.#step }, pc, registerDigest, stateDigest });
    }
    this.#writer.flush();
  }
}
