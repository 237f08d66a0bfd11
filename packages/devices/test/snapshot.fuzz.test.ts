/**
 * Goal: a device's snapshot is its whole state. A device restored from it behaves, to the last bit,
 * as the one that went on (premises C1 and C4), and equal states give equal bytes. Method: the same
 * seeded traffic to two devices. One runs straight through; the other is, after every operation,
 * thrown away and restored into a fresh one. Reads, lines, alarms, outputs, memory and snapshots
 * are compared. A failure prints its seed; `npx vitest run test/snapshot` repeats it.
 */
import {
  ByteReader,
  ByteWriter,
  MalformedError,
  Prng,
  toHex,
  TruncatedError,
} from '@casmotion/base';
import { expect, test } from 'vitest';
import { FakeMemory } from './support/board.ts';
import { play, RIG_RAM_BYTES, rigKinds, type Rig, type RigKind } from './support/rigs.ts';

const seeds = [1, 2, 3];
const ROUNDS = 300;
const TRIALS = 300;

function snapshotOf(rig: Rig): Uint8Array {
  const writer = new ByteWriter();
  rig.device.snapshot(writer);
  return writer.toBytes();
}

/** A fresh device with the state of `rig`, in its place. */
function reincarnate(kind: RigKind, rig: Rig): Rig {
  const fresh = kind.create(rig.memory, rig.outputs);
  fresh.clock.nowTicks = rig.clock.nowTicks;
  const reader = new ByteReader(snapshotOf(rig));
  fresh.device.restore(reader);
  expect(reader.remaining).toBe(0);
  return fresh;
}

/** What can be seen of a device from outside. */
function look(rig: Rig, shown: number): string {
  const lines = rig.lines.map((line) => (line.isHigh ? 1 : 0)).join('');
  const alarm = rig.clock.alarmTicks ?? 'none';
  return `shown ${shown} lines ${lines} alarm ${alarm} outputs ${rig.outputs.length}`;
}

test.each(rigKinds)('$name: restored after every operation', (kind) => {
  let reads = 0;
  let stateChanges = 0;
  for (const seed of seeds) {
    const straight = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
    let restored = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
    straight.device.reset();
    restored.device.reset();
    const next = kind.traffic(new Prng(seed), 30);
    let last = '';
    for (let round = 0; round < ROUNDS; round++) {
      for (const operation of next(round === 0)) {
        const where = `seed ${seed} round ${round} ${JSON.stringify(operation)}`;
        const shown = play(straight, operation);
        expect(play(restored, operation), where).toBe(shown);
        restored = reincarnate(kind, restored);
        if (look(straight, shown) !== look(restored, shown)) {
          expect(look(restored, shown), where).toBe(look(straight, shown));
        }
        const state = toHex(snapshotOf(straight));
        if (toHex(snapshotOf(restored)) !== state) {
          expect(toHex(snapshotOf(restored)), where).toBe(state);
        }
        straight.device.checkInvariants?.();
        if (operation.kind === 'read') reads++;
        if (state !== last) stateChanges++;
        last = state;
      }
    }
    expect(restored.outputs, `seed ${seed}`).toEqual(straight.outputs);
    expect(toHex(restored.memory.bytes), `seed ${seed}`).toBe(toHex(straight.memory.bytes));
  }
  expect(reads).toBeGreaterThan(50);
  if (kind.name !== 'test-finisher') expect(stateChanges).toBeGreaterThan(100);
});

test.each(rigKinds)('$name: reset is power-on, whatever came before', (kind) => {
  const fresh = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
  fresh.device.reset();
  const used = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
  const next = kind.traffic(new Prng(9), 1000);
  for (let round = 0; round < 200; round++) {
    for (const operation of next(round === 0)) play(used, operation);
  }
  if (kind.name === 'plic') for (const first of [0, 4, 8]) used.input(lowLines(first));
  used.device.reset();
  expect(toHex(snapshotOf(used))).toBe(toHex(snapshotOf(fresh)));
  expect(used.lines.map((line) => line.isHigh)).toEqual(fresh.lines.map(() => false));
  expect(used.clock.alarmTicks).toBeUndefined();
});

/**
 * Input for the PLIC's rig that lowers four of its sources: their levels are the devices', not its
 * own.
 */
function lowLines(first: number): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? first + i / 2 : 0));
}

test.each(rigKinds)('$name: a damaged snapshot is refused or some state, never a crash', (kind) => {
  const seed = 11;
  const prng = new Prng(seed);
  const rig = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
  const next = kind.traffic(prng, 1000);
  for (let round = 0; round < 60; round++) {
    for (const operation of next(round === 0)) play(rig, operation);
  }
  const good = snapshotOf(rig);
  let refused = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const bytes = good.slice(0, prng.chance(3) ? prng.below(good.length + 1) : good.length);
    if (bytes.length > 0) bytes[prng.below(bytes.length)] = prng.below(256);
    const victim = kind.create(new FakeMemory(RIG_RAM_BYTES), []);
    try {
      victim.device.restore(new ByteReader(bytes));
    } catch (error) {
      const isExpected = error instanceof MalformedError || error instanceof TruncatedError;
      expect(isExpected, `seed ${seed} trial ${trial}: ${String(error)}`).toBe(true);
      refused++;
      continue;
    }
    for (const operation of next(false)) play(victim, operation);
  }
  if (good.length > 0) expect(refused).toBeGreaterThan(0);
});
