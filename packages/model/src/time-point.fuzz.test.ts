/// <reference types="node" />
/**
 * Goal: keys are unique exactly where proof/TimePoint.v says, and then make C6 true. Method: every
 * trace of a few places, by exhaustive choice; random longer ones by fast-check. Repeat:
 * `FUZZ_SEED=<seed> npx vitest run --project model`.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  branchBefore,
  branches,
  type BranchKey,
  checkClaim,
  countsAllButFallThrough,
  type CountedTrace,
  everyWay,
  everyWayBackIsCounted,
  fallsThroughOrRepeats,
  honestWorld,
  iterations,
  ownSteps,
  repeatsWithFallingRegister,
  type Run,
  sameNames,
} from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** Every trace of four places over three addresses and two values of the register. */
function everyTrace(): Generator<CountedTrace, void> {
  return everyWay((choose) => ({
    places: Array.from({ length: 4 }, () => ({ pc: choose(3), register: choose(2) })),
    counted: Array.from({ length: 3 }, () => choose(2) === 1),
  }));
}

const longTrace: fc.Arbitrary<CountedTrace> = fc
  .array(fc.record({ pc: fc.nat(9), register: fc.nat(3), isCounted: fc.boolean() }), {
    minLength: 2,
    maxLength: 40,
  })
  .map((steps) => ({ places: steps, counted: steps.slice(1).map(({ isCounted }) => isCounted) }));

describe.each([
  ['every short trace', (check: (trace: CountedTrace) => void) => [...everyTrace()].forEach(check)],
  [
    'long traces',
    (check: (trace: CountedTrace) => void) => {
      fc.assert(fc.property(longTrace, check), { seed: SEED, numRuns: 1500 });
    },
  ],
])('uniqueness, %s', (_, forTraces) => {
  test('branch_key_unique, falling_through_passes_branches, repetition_is_ambiguous', () => {
    let [unique, ambiguous] = [0, 0];
    forTraces((trace) => {
      const counts = branches(trace);
      const same = sameNames(trace.places.map(({ pc }, i) => [counts[i] ?? 0, pc]));
      if (everyWayBackIsCounted(trace)) unique++;
      // If and only if: an uncounted way back gives two places one name.
      expect(same === undefined).toBe(everyWayBackIsCounted(trace));
      if (countsAllButFallThrough(trace)) expect(everyWayBackIsCounted(trace)).toBe(true);
      const repeats = trace.counted.some((is, i) => {
        return !is && trace.places[i]?.pc === trace.places[i + 1]?.pc;
      });
      if (!repeats) return;
      ambiguous++;
      expect(same).toBeDefined();
    });
    expect(Math.min(unique, ambiguous)).toBeGreaterThan(100);
  });

  test('register_key_unique, iteration_key_unique: the cures', () => {
    let [byRegister, byIteration, cured] = [0, 0, 0];
    forTraces((trace) => {
      const counts = branches(trace);
      const passes = iterations(trace);
      const name = (i: number, more: number): number[] => [
        counts[i] ?? 0,
        trace.places[i]?.pc ?? 0,
        more,
      ];
      if (repeatsWithFallingRegister(trace)) {
        byRegister++;
        const names = trace.places.map(({ register }, i) => name(i, register));
        expect(sameNames(names)).toBe(undefined);
        if (!everyWayBackIsCounted(trace)) cured++;
        // ... and in the order of the run.
        const keys = names as unknown as BranchKey[];
        for (const [i, key] of keys.slice(1).entries()) {
          expect(branchBefore(keys[i] ?? key, key)).toBe(true);
        }
      }
      if (!fallsThroughOrRepeats(trace)) return;
      byIteration++;
      expect(sameNames(trace.places.map((_, i) => name(i, passes[i] ?? 0)))).toBe(undefined);
    });
    expect(Math.min(byRegister, byIteration, cured)).toBeGreaterThan(20);
  });
});

describe('orders of keys', () => {
  test('branch_before is irreflexive and transitive, and the register falls', () => {
    const key = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));
    let ordered = 0;
    const property = fc.property(key, key, key, (a, b, c) => {
      expect(branchBefore(a, a)).toBe(false);
      if (!branchBefore(a, b) || !branchBefore(b, c)) return;
      ordered++;
      expect(branchBefore(a, c)).toBe(true);
    });
    fc.assert(property, { seed: SEED, numRuns: 1500 });
    expect(ordered).toBeGreaterThan(100);
    expect(branchBefore([1, 4, 3], [1, 4, 2])).toBe(true);
  });

  test('hart_key_unique; without the hart two places have one name', () => {
    const turns = fc.array(fc.nat(2), { minLength: 2, maxLength: 30 });
    let ambiguous = 0;
    const property = fc.property(turns, (order) => {
      const own = ownSteps(order);
      expect(sameNames(order.map((hart, i) => [hart, own[i] ?? 0]))).toBe(undefined);
      if (sameNames(own.map((count) => [count])) !== undefined) ambiguous++;
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
    expect(ambiguous).toBeGreaterThan(500);
  });

  test('step_keys_satisfy_C6, branch_keys_satisfy_C6, repetition_breaks_C6', () => {
    let [good, bad] = [0, 0];
    const property = fc.property(longTrace, (trace) => {
      // State i is place i of the trace; every step goes on by one.
      const counts = branches(trace);
      const moves = trace.places.slice(1).map((_, i) => {
        return { label: { kind: 'ran', hart: 0, input: undefined } as const, to: i + 1 };
      });
      const made: Run = { start: 0, moves };
      const m = {
        delta: (s: number) => ({ hart: 0, instruction: { kind: 'computes', to: s + 1 } }) as const,
        alpha: (_: number, s: number) => s,
      };
      expect(
        checkClaim(
          'C6.order',
          honestWorld(m, (s) => s, made, 0),
        ),
      ).toBe(undefined);
      // A number for each name.
      const numbers = new Map<string, number>();
      const numberOf = (parts: readonly number[]): number => {
        const name = parts.join();
        numbers.set(name, numbers.get(name) ?? numbers.size);
        return numbers.get(name) ?? 0;
      };
      const full = (s: number): number => {
        const { pc = 0, register = 0 } = trace.places[s] ?? {};
        return numberOf([counts[s] ?? 0, pc, register]);
      };
      const blind = (s: number): number => numberOf([counts[s] ?? 0, trace.places[s]?.pc ?? 0, -1]);
      if (repeatsWithFallingRegister(trace)) {
        good++;
        expect(checkClaim('C6.order', honestWorld(m, full, made, 0))).toBe(undefined);
      }
      const repeats = moves.some((_, i) => blind(i) === blind(i + 1));
      if (!repeats) return;
      bad++;
      expect(checkClaim('C6.order', honestWorld(m, blind, made, 0))).toBeDefined();
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
    expect(Math.min(good, bad)).toBeGreaterThan(50);
  });
});
