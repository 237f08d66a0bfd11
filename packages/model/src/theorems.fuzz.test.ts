/// <reference types="node" />
/**
 * Goal: the theorems of proof/ hold of the model, so that it is the model that was proved. Method:
 * fast-check makes toy machines, scripts and faults of every premise; each theorem named in
 * proof/README.md is a property. Repeat: `FUZZ_SEED=<seed> npx vitest run --project model`.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  damage,
  damaged,
  EVENTS,
  fault,
  honest,
  INPUTS,
  named,
  script,
  STATES,
  tables,
} from '../test/worlds.ts';
import {
  agrees,
  checkClaim,
  conforms,
  counterOf,
  endState,
  entriesOf,
  firstDifference,
  firstViolation,
  fit,
  type Harts,
  honestWorld,
  isInterleaving,
  isReplay,
  isReplayAtEvents,
  isRightVerdict,
  isRunOfMachine,
  type Machine,
  movesOfCutLog,
  pairOf,
  part,
  type Piece,
  prefix,
  replayings,
  replayMoves,
  restored,
  type Run,
  runOfScript,
  scheduled,
  type State,
  statesOf,
  suffix,
  tableMachine,
  transitionsOf,
  whyItFails,
  whyNoSuccess,
  withoutSwitches,
  withSwitches,
} from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const PARAMETERS = { seed: SEED, numRuns: 600 };

describe('sufficiency', () => {
  test('honest_premises: functions, an advancing key, an honest recorder and replayer', () => {
    const property = fc.property(honest, ({ m, run, world }) => {
      expect(isRunOfMachine(m, run)).toBe(true);
      expect(firstViolation(world)).toBe(undefined);
    });
    fc.assert(property, PARAMETERS);
  });

  test('sufficiency, only_the_recorded_moves, the_log; every_failure_has_a_verdict', () => {
    const seen = { good: 0, failed: 0, violated: new Set<string>(), verdicts: new Set<string>() };
    const property = fc.property(damaged, (world) => {
      const { recording, system, read } = world;
      const { made } = recording;
      const isLogged = (['C3.log', 'C6.order', 'C7'] as const).every((c) => !checkClaim(c, world));
      if (isLogged) expect(recording.written).toEqual(entriesOf((s) => recording.stamp(s), made));
      const violation = firstViolation(world);
      if (violation === undefined) {
        seen.good++;
        expect(whyNoSuccess(system, read, made)).toBe(undefined);
        for (const { run } of replayings(system, read, made.moves.length)) {
          expect(run).toEqual(prefix(run.moves.length, made));
        }
      } else seen.violated.add(violation.claim);
      // difference_breaks_a_premise, first_difference, differing_start.
      const failure = whyItFails(system, read, made);
      if (failure === undefined) return;
      seen.failed++;
      expect(violation).toBeDefined();
      const difference = firstDifference(made, failure.run);
      expect(difference).toBeDefined();
      if (difference === undefined) return;
      seen.verdicts.add(difference.verdict);
      expect(isRightVerdict(difference.verdict, world)).toBe(true);
    });
    fc.assert(property, { ...PARAMETERS, numRuns: 2500 });
    expect(Math.min(seen.good, seen.failed)).toBeGreaterThan(400);
    expect([seen.violated.size, seen.verdicts.size]).toEqual([10, 5]);
  });

  test('no fault is harmless: each alone can make a replay fail', () => {
    const failed = new Set<string>();
    const property = fc.property(honest, fault, ({ m, world }, what) => {
      const { recording, system, read } = damage(m, world, what);
      if (whyItFails(system, read, recording.made) !== undefined) failed.add(what.claim);
    });
    fc.assert(property, { ...PARAMETERS, numRuns: 2000 });
    expect(failed.size).toBe(10);
  });
});

describe('corollaries', () => {
  test('prefix_replays', () => {
    const property = fc.property(honest, fc.nat(), ({ world }, at) => {
      const { recording, system } = world;
      const start = prefix(at % (recording.made.moves.length + 1), recording.made);
      const log = entriesOf(named, start);
      expect(whyNoSuccess(system, log, start)).toBe(undefined);
    });
    fc.assert(property, PARAMETERS);
  });

  test('cut_recording_replays: the longest prefix that needs nothing of what is lost', () => {
    let cut = 0;
    const property = fc.property(honest, fc.nat(), ({ world }, at) => {
      const { recording, system, read } = world;
      const entries = at % (read.length + 1);
      const moves = movesOfCutLog(recording, entries);
      const log = read.slice(0, entries);
      expect(whyNoSuccess(system, log, prefix(moves, recording.made))).toBe(undefined);
      const isWhole = moves === recording.made.moves.length;
      const next = entriesOf(named, prefix(moves + 1, recording.made)).length;
      expect(isWhole || next === entries + 1).toBe(true);
      if (!isWhole) cut++;
    });
    fc.assert(property, PARAMETERS);
    expect(cut).toBeGreaterThan(100);
  });

  test('restart_replays: a machine put into a recorded state, with the rest of the log', () => {
    const property = fc.property(honest, fc.nat(), ({ world }, at) => {
      const { recording, system, read } = world;
      const moves = at % (recording.made.moves.length + 1);
      const used = entriesOf(named, prefix(moves, recording.made)).length;
      const rest = suffix(moves, recording.made);
      const again = restored(rest.start, system);
      expect(whyNoSuccess(again, read.slice(used), rest)).toBe(undefined);
      const own = { recording: part(recording, rest), system: again, read: read.slice(used) };
      expect(firstViolation(own)).toBe(undefined);
      if (rest.moves.length === 0) return;
      // C1 again: another checkpoint is another run.
      const wrong = restored(rest.start + 1, system);
      expect(whyItFails(wrong, read.slice(used), rest)).toBeDefined();
    });
    fc.assert(property, PARAMETERS);
  });

  test('pieces_make_one_replay, replays_compose', () => {
    const property = fc.property(honest, fc.nat(), fc.nat(), ({ world }, a, b) => {
      const { recording, system, read } = world;
      const { made } = recording;
      const length = made.moves.length;
      const cuts = [0, a % (length + 1), b % (length + 1), length].toSorted((x, y) => x - y);
      const pieces = cuts.slice(0, -1).map((from, i): Piece => {
        const used = entriesOf(named, prefix(from, made)).length;
        const start = endState(prefix(from, made));
        const log = read.slice(used);
        const moves = walkOn(system, { s: start, log }, (cuts[i + 1] ?? 0) - from);
        return { from: { s: start, log }, moves };
      });
      expect(fit(system, { s: made.start, log: read }, pieces)).toEqual({
        s: endState(made),
        log: [],
      });
      const whole: Run = { start: made.start, moves: pieces.flatMap(({ moves }) => moves) };
      expect(isReplay(whole, made)).toBe(true);
      // A checkpoint that is wrong by one state does not fit.
      const last = pieces.at(-1);
      if (last === undefined) return;
      const wrong = { ...last, from: { ...last.from, s: last.from.s + 1 } };
      const moved = [...pieces.slice(0, -1), wrong];
      expect(fit(system, { s: made.start, log: read }, moved)).toBe(undefined);
    });
    fc.assert(property, PARAMETERS);
  });
});

/** So many moves, of a system that can do one thing only. */
function walkOn(
  p: Parameters<typeof replayMoves>[0],
  from: Parameters<typeof replayMoves>[1],
  count: number,
): Run['moves'] {
  const moves: Run['moves'][number][] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const [{ label, to, log }] = replayMoves(p, at) as [ReturnType<typeof replayMoves>[number]];
    moves.push({ label, to });
    at = { s: to, log };
  }
  return moves;
}

describe('the two forms of replay', () => {
  test('strong_implies_weak', () => {
    const seen = { strong: 0, weakOnly: 0 };
    const states = fc.array(fc.nat(STATES - 1), { minLength: 9, maxLength: 9 });
    const property = fc.property(honest, states, fc.nat(9), ({ run }, other, same) => {
      // The run with states changed here and there; labels stay.
      const moves = run.moves.map(({ label, to }, i) => {
        return { label, to: i < same ? to : (other[i] ?? 0) + to - (to % STATES) };
      });
      const changed = { start: run.start, moves };
      if (isReplay(changed, run)) {
        seen.strong++;
        expect(isReplayAtEvents(changed, run)).toBe(true);
        expect(statesOf(changed)).toEqual(statesOf(run));
      } else if (isReplayAtEvents(changed, run)) seen.weakOnly++;
      expect(isReplay(changed, run)).toBe(agrees(changed, run));
    });
    fc.assert(property, PARAMETERS);
    expect(Math.min(seen.strong, seen.weakOnly)).toBeGreaterThan(20);
  });

  test('WeakIsWeaker.weak_does_not_imply_strong', () => {
    const step = { kind: 'ran', hart: 0, input: undefined } as const;
    const event = { kind: 'applied', event: 0 } as const;
    const through = (middle: State): Run => ({
      start: 0,
      moves: [
        { label: step, to: middle },
        { label: step, to: 2 },
        { label: event, to: 3 },
      ],
    });
    expect(isReplayAtEvents(through(9), through(1))).toBe(true);
    expect(isReplay(through(9), through(1))).toBe(false);
  });
});

describe('several harts', () => {
  test('any_interleaving_is_scheduled, interleaving_replays', () => {
    const seen = { switches: 0 };
    const turns = fc.array(fc.nat(1), { minLength: 8, maxLength: 8 });
    const property = fc.property(tables, tables, script, turns, (a, b, what, order) => {
      const harts = sideBySide([tableMachine(a), tableMachine(b)]);
      const run = interleave(harts, what, order);
      expect(isInterleaving(harts, run)).toBe(true);
      const m = scheduled(harts);
      const made = withSwitches(harts, run, 0);
      expect(isRunOfMachine(m, made)).toBe(true);
      expect(withoutSwitches(harts, made)).toEqual(run);
      seen.switches += made.moves.length - run.moves.length;
      const key = (sh: State): number => counterOf(Math.floor(sh / harts.harts), STATES);
      const world = honestWorld(m, key, made, INPUTS);
      expect(firstViolation(world)).toBe(undefined);
      expect(whyNoSuccess(world.system, world.read, made)).toBe(undefined);
      expect(made.start).toBe(pairOf(harts, run.start, 0));
    });
    fc.assert(property, PARAMETERS);
    expect(seen.switches).toBeGreaterThan(400);
  });

  test('small_machine_premises, small_machine_replays: two harts in turns (Example.v)', () => {
    // steps, turn, cell, registers; numbers are taken modulo 16.
    const pack = (steps: number, turn: number, cell: number, r0: number, r1: number): State =>
      (((steps * 2 + turn) * 16 + (cell % 16)) * 16 + (r0 % 16)) * 16 + (r1 % 16);
    const unpack = (s: State): [number, number, number, number, number] => {
      const [r1, r0, cell] = [s % 16, Math.floor(s / 16) % 16, Math.floor(s / 256) % 16];
      return [Math.floor(s / 8192), Math.floor(s / 4096) % 2, cell, r0, r1];
    };
    const small: Machine = {
      delta: (s) => {
        const [steps, turn, cell, r0, r1] = unpack(s);
        if (turn === 1) {
          const to = pack(steps + 1, 0, cell, r0, 2 * cell);
          return { hart: 1, instruction: { kind: 'computes', to } };
        }
        const to = [0, 1, 2, 3].map((x) => pack(steps + 1, 1, cell + x, x, r1));
        return { hart: 0, instruction: { kind: 'fetches', to } };
      },
      alpha: (e, s) => {
        const [steps, turn, , r0, r1] = unpack(s);
        return pack(steps, turn, e, r0, r1);
      },
    };
    const steps = (s: State): number => unpack(s)[0];
    const property = fc.property(script, (what) => {
      const made = runOfScript(small, pack(0, 0, 1, 0, 0), what);
      const world = honestWorld(small, steps, made, 4);
      expect(firstViolation(world)).toBe(undefined);
      expect(whyNoSuccess(world.system, world.read, made)).toBe(undefined);
      for (const { from, label, to } of transitionsOf(made)) {
        if (label.kind !== 'ran') continue;
        expect(conforms(small.delta(from), label.hart, label.input, to)).toBe(true);
      }
    });
    fc.assert(property, { ...PARAMETERS, numRuns: 500 });
  });
});

/** Harts with an instruction each, over one state with a counter. */
function sideBySide(machines: readonly [Machine, Machine]): Harts {
  const after = (cs: State, s: State): State => cs - (cs % STATES) + STATES + s;
  return {
    harts: 2,
    instruction: (h, cs) => {
      const { instruction } = machines[h === 0 ? 0 : 1].delta(cs % STATES);
      if (instruction.kind === 'computes') {
        return { kind: 'computes', to: after(cs, instruction.to) };
      }
      return { kind: 'fetches', to: instruction.to.map((s) => after(cs, s)) };
    },
    outside: (e, cs) => cs - (cs % STATES) + machines[0].alpha(e % EVENTS, cs % STATES),
  };
}

function interleave(
  harts: Harts,
  what: Parameters<typeof runOfScript>[2],
  order: readonly number[],
): Run {
  const moves: Run['moves'][number][] = [];
  let s = 0;
  for (const [i, { input, event }] of what.entries()) {
    const hart = order[i] ?? 0;
    const fixed: Machine = {
      delta: (from) => ({ hart, instruction: harts.instruction(hart, from) }),
      alpha: (e, from) => harts.outside(e, from),
    };
    const one = event === undefined ? { input } : { event };
    moves.push(...runOfScript(fixed, s, [one]).moves);
    s = moves.at(-1)?.to ?? s;
  }
  return { start: 0, moves };
}
