/**
 * What a replay is: proof/Replay.v. Two things are kept apart. *Being a replay* is a relation of
 * two runs, on states alone. A *replaying system* is a processor with a reader of logs, which may
 * be broken in every way that the premises speak of: all it does is a relation.
 */
import type { Event, Hart, Input, Key, State } from './machine.ts';
import { type Label, type Log, type Move, type Run, stateAt, transitionsOf } from './run.ts';

/** Replay.v, `is_replay`, the strong form: the same state after every move of the recorded run. */
export function isReplay(run: Run, recorded: Run): boolean {
  return run.moves.length >= recorded.moves.length && agrees(run, recorded);
}

/** Replay.v, `is_replay_at_events`, the weak form: before and after every event, no more. */
export function isReplayAtEvents(run: Run, recorded: Run): boolean {
  return transitionsOf(recorded).every(({ from, label, to }, i) => {
    if (label.kind !== 'applied') return true;
    return stateAt(run, i) === from && stateAt(run, i + 1) === to;
  });
}

/** Replay.v, `agrees`: where both runs have a state, it is the same one. */
export function agrees(run: Run, recorded: Run): boolean {
  return firstOtherState(run, recorded) === undefined;
}

/** The moves made before the first state in which two runs differ; undefined: in none. */
export function firstOtherState(run: Run, recorded: Run): number | undefined {
  const last = Math.min(run.moves.length, recorded.moves.length);
  for (let i = 0; i <= last; i++) if (stateAt(run, i) !== stateAt(recorded, i)) return i;
  return undefined;
}

/** Replay.v, `System`. A relation is what may come out: nothing, one thing, or several. */
export interface System {
  /** States in which it may be switched on. */
  starts(): readonly State[];
  step(s: State): readonly StepRow[];
  effect(e: Event, s: State): readonly State[];
  /** What something that is neither step nor event may turn the state into. */
  stray(s: State): readonly State[];
  /** How a step that fetches gets its value: Replay.v, `fetch`. */
  reader(s: State): Reader;
  /** What its counters show. */
  key(s: State): Key;
  /** Inputs are 0 .. inputs-1. */
  readonly inputs: number;
}

/** A step that may be made: whose, with which value, and where it leads. */
export interface StepRow {
  readonly hart: Hart;
  readonly input: Input | undefined;
  readonly to: State;
}

/**
 * `log`: the log's next value, if it stands at this key. `host`: any value, and the log is left as
 * it is. `again`: as `log`, but the value stays in the log.
 */
export type Reader = (typeof READERS)[number];
export const READERS = ['log', 'host', 'again'] as const;

/** Replay.v, `Config`: where a replay stands: its state, and the log that is not used yet. */
export interface Config {
  readonly s: State;
  readonly log: Log;
}

/** Replay.v, `due`: the log's next entry is an event of this place. */
export function isDue(p: System, { s, log }: Config): boolean {
  const [next] = log;
  return next?.kind === 'happened' && next.key === p.key(s);
}

/** Replay.v, `replay_move`: an event that is due is applied; else the processor makes a step. */
export function replayMoves(p: System, config: Config): (Move & { readonly log: Log })[] {
  const { s, log } = config;
  const moves: (Move & { readonly log: Log })[] = [];
  const [next] = log;
  if (next !== undefined && isDue(p, config)) {
    const label: Label = { kind: 'applied', event: next.value };
    for (const to of p.effect(next.value, s)) moves.push({ label, to, log: log.slice(1) });
  } else {
    for (const { hart, input, to } of p.step(s)) {
      const label: Label = { kind: 'ran', hart, input };
      const rest = input === undefined ? log : fetch(p, config, input);
      if (rest !== undefined) moves.push({ label, to, log: rest });
    }
  }
  for (const to of p.stray(s)) moves.push({ label: { kind: 'stray' }, to, log });
  return moves;
}

/** Replay.v, `fetch`: the log after a step was given `input`; undefined: it is not given that. */
function fetch(p: System, { s, log }: Config, input: Input): Log | undefined {
  const reader = p.reader(s);
  if (reader === 'host') return input < p.inputs ? log : undefined;
  const [next] = log;
  const isNext = next?.kind === 'fetched' && next.key === p.key(s) && next.value === input;
  if (!isNext) return undefined;
  return reader === 'again' ? log : log.slice(1);
}

/** A replay that went wrong. */
export interface Failure {
  /** Another state than the recorded one; no move is left; or there is no state to start in. */
  readonly kind: 'differs' | 'stuck' | 'no-start';
  /** What the system did. */
  readonly run: Run;
  /** What is left of the log. */
  readonly log: Log;
}

/**
 * Replay.v, `succeeds`: whatever the system does with the log, it goes through the recorded states,
 * and can always go on. Undefined: so it is; else the first failure found. All paths as long as the
 * recorded run are walked, and longer ones have nothing to differ from.
 */
export function whyNoSuccess(p: System, log: Log, recorded: Run): Failure | undefined {
  return walk(p, log, recorded, true);
}

/** Replay.v, `fails`: the system may come to a state that is not the recorded one. */
export function whyItFails(p: System, log: Log, recorded: Run): Failure | undefined {
  return walk(p, log, recorded, false);
}

function walk(p: System, log: Log, recorded: Run, mustGoOn: boolean): Failure | undefined {
  const moves: Move[] = [];
  const from = (start: State, config: Config): Failure | undefined => {
    const failure = (kind: Failure['kind']): Failure => {
      return { kind, run: { start, moves: [...moves] }, log: config.log };
    };
    if (config.s !== stateAt(recorded, moves.length)) return failure('differs');
    if (moves.length === recorded.moves.length) return undefined;
    const ways = replayMoves(p, config);
    if (ways.length === 0 && mustGoOn) return failure('stuck');
    for (const { label, to, log: rest } of ways) {
      moves.push({ label, to });
      const found = from(start, { s: to, log: rest });
      if (found !== undefined) return found;
      moves.pop();
    }
    return undefined;
  };
  for (const start of p.starts()) {
    const found = from(start, { s: start, log });
    if (found !== undefined) return found;
  }
  if (!mustGoOn || p.starts().length > 0) return undefined;
  return { kind: 'no-start', run: { start: recorded.start, moves: [] }, log };
}

/** Every run of at most `length` moves that the system may make: Replay.v, `replaying`. */
export function* replayings(
  p: System,
  log: Log,
  length: number,
): Generator<{ readonly run: Run; readonly log: Log }, void> {
  for (const start of p.starts()) yield* paths(p, { s: start, log }, start, [], length);
}

function* paths(
  p: System,
  config: Config,
  start: State,
  moves: readonly Move[],
  length: number,
): Generator<{ readonly run: Run; readonly log: Log }, void> {
  yield { run: { start, moves }, log: config.log };
  if (moves.length === length) return;
  for (const { label, to, log } of replayMoves(p, config)) {
    yield* paths(p, { s: to, log }, start, [...moves, { label, to }], length);
  }
}
