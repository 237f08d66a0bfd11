/**
 * Random worlds for fast-check: a toy machine with a step counter, what the outside does, and
 * faults of each premise put into recording, log or replaying system.
 */
import * as fc from 'fast-check';
import {
  type Claim,
  counterOf,
  entriesOf,
  type Entry,
  honestWorld,
  type Log,
  type Machine,
  type Run,
  runOfScript,
  type Script,
  type State,
  type System,
  tableMachine,
  type Tables,
  type World,
  withCounter,
} from '../src/index.ts';

export const STATES = 3;
export const INPUTS = 2;
export const EVENTS = 2;
const HARTS = 2;

const state = fc.nat(STATES - 1);

export const tables: fc.Arbitrary<Tables> = fc.record({
  steps: fc.array(
    fc.record({
      hart: fc.nat(HARTS - 1),
      instruction: fc.oneof(
        fc.record({ kind: fc.constant('computes' as const), to: state }),
        fc.record({
          kind: fc.constant('fetches' as const),
          to: fc.array(state, { minLength: INPUTS, maxLength: INPUTS }),
        }),
      ),
    }),
    { minLength: STATES, maxLength: STATES },
  ),
  effects: fc.array(fc.array(state, { minLength: STATES, maxLength: STATES }), {
    minLength: EVENTS,
    maxLength: EVENTS,
  }),
});

export const script: fc.Arbitrary<Script> = fc.array(
  fc.oneof(fc.record({ input: fc.nat(INPUTS - 1) }), fc.record({ event: fc.nat(EVENTS - 1) })),
  { maxLength: 8 },
);

/** A machine whose places have keys, and a run of it. */
export const honest = fc.record({ tables, script, start: state }).map((made) => {
  const m = withCounter(tableMachine(made.tables), STATES);
  const run = runOfScript(m, made.start, made.script);
  return { m, run, world: honestWorld(m, named, run, INPUTS) };
});

export function named(s: State): number {
  return counterOf(s, STATES);
}

export interface Fault {
  readonly claim: Claim;
  /** Which of the places that it could be at, and what it does there: any numbers. */
  readonly at: number;
  readonly value: number;
}

const CLAIM_NAMES: readonly Claim[] = [
  ...(['C1', 'C2', 'C3.log', 'C3.read', 'C4'] as const),
  ...(['C5', 'C6.order', 'C6.shown', 'C7', 'C8'] as const),
];

export const fault: fc.Arbitrary<Fault> = fc.record({
  claim: fc.constantFrom(...CLAIM_NAMES),
  at: fc.nat(1000),
  value: fc.nat(1000),
});

/** An honest world with up to two faults. A fault need not do anything. */
export const damaged: fc.Arbitrary<World> = fc
  .tuple(honest, fc.array(fault, { maxLength: 2 }))
  .map(([{ m, world }, faults]) => faults.reduce((w, f) => damage(m, w, f), world));

/** The world with one more fault. */
export function damage(m: Machine, world: World, { claim, at, value }: Fault): World {
  const { recording, system, read } = world;
  const { made } = recording;
  const s = pick([made.start, ...made.moves.map(({ to }) => to)], at);
  const other = s - (s % STATES) + (value % STATES);
  const changed = (part: Partial<System>): World => {
    return { recording, read, system: { ...copyOf(system), ...part } };
  };
  switch (claim) {
    case 'C1':
      return changed({ starts: () => (value % 2 === 0 ? [other] : [made.start, other]) });
    case 'C2': {
      const hart = value % HARTS;
      const rows = at % 2 === 0 ? [] : system.step(s);
      const more = { hart, input: value % 3 === 0 ? 0 : undefined, to: other + STATES };
      return changed({ step: (from) => (from === s ? [...rows, more] : system.step(from)) });
    }
    case 'C3.read': {
      const reader = value % 2 === 0 ? 'host' : 'again';
      return changed({ reader: (from) => (from === s ? reader : system.reader(from)) });
    }
    case 'C4':
      if (value % 4 === 0) return rerecorded(world, strayRun(m, made, at, value));
      return changed({ stray: (from) => (from === s ? [other] : system.stray(from)) });
    case 'C5': {
      const effects = value % 2 === 0 ? [other] : [other, s];
      return changed({ effect: (e, from) => (from === s ? effects : system.effect(e, from)) });
    }
    case 'C6.shown':
      return changed({ key: (from) => (from === s ? value % 8 : system.key(from)) });
    case 'C6.order': {
      const half = (from: State): number => Math.floor(named(from) / 2);
      const written = entriesOf(half, made);
      const shown = { ...copyOf(system), key: half };
      return { recording: { made, stamp: half, written }, read: written, system: shown };
    }
    case 'C3.log':
      return rewritten(world, changeLog(recording.written, at, value));
    case 'C7':
      return rewritten(world, swapNeighbours(recording.written, at));
    case 'C8':
      return { ...world, read: value % 2 === 0 ? read.slice(0, at % (read.length + 1)) : [] };
  }
}

function copyOf(p: System): System {
  const { starts, step, effect, stray, reader, key, inputs } = p;
  return { starts, step, effect, stray, reader, key, inputs };
}

function rewritten({ recording, system }: World, written: Log): World {
  const { made } = recording;
  const stamp = (s: State): number => recording.stamp(s);
  return { recording: { made, stamp, written }, system, read: written };
}

function rerecorded({ recording, system }: World, made: Run): World {
  const stamp = (s: State): number => recording.stamp(s);
  const written = entriesOf(stamp, made);
  return { recording: { made, stamp, written }, system, read: written };
}

/** The run up to a place, a stray write there, and the same inputs and events from there on. */
function strayRun(m: Machine, { start, moves }: Run, at: number, value: number): Run {
  const count = at % (moves.length + 1);
  const before = moves.slice(0, count);
  const s = before.at(-1)?.to ?? start;
  const to = s - (s % STATES) + (value % STATES);
  const rest = moves.slice(count).map(({ label }): Script[number] => {
    return label.kind === 'applied' ? { event: label.event } : { input: inputOf(label) };
  });
  const after = runOfScript(m, to, rest).moves;
  return { start, moves: [...before, { label: { kind: 'stray' }, to }, ...after] };
}

function inputOf(label: Run['moves'][number]['label']): number {
  return label.kind === 'ran' ? (label.input ?? 0) : 0;
}

/** One entry less, changed, or more. */
function changeLog(log: Log, at: number, value: number): Log {
  const i = at % (log.length + 1);
  const entry = log[i];
  if (value % 3 === 0) return log.filter((_, index) => index !== i);
  const key = value % 8;
  const made: Entry = { key, kind: value % 2 === 0 ? 'fetched' : 'happened', value: value % 2 };
  if (value % 3 === 1 || entry === undefined) return [...log.slice(0, i), made, ...log.slice(i)];
  return log.map((each, index) => (index === i ? { ...each, value: 1 - each.value } : each));
}

function swapNeighbours(log: Log, at: number): Log {
  const places = log.flatMap(({ key }, i) => (log[i + 1]?.key === key ? [i] : []));
  if (places.length === 0) return log;
  const i = pick(places, at);
  return log.map((entry, index) => {
    return log[index === i ? i + 1 : index === i + 1 ? i : index] ?? entry;
  });
}

export function pick<T>(items: readonly T[], at: number): T {
  return items[at % items.length] as T;
}
