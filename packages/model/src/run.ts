/**
 * Runs and logs: proof/Machine.v. Any sequence of moves is a run: a recorded machine is a thing of
 * the world, and promises nothing before the premises say so.
 */
import type { Event, Hart, Input, Key, State } from './machine.ts';

/** Machine.v, `Label`: a step, an event, or a write that is neither (premise C4 forbids it). */
export type Label =
  | { readonly kind: 'ran'; readonly hart: Hart; readonly input: Input | undefined }
  | { readonly kind: 'applied'; readonly event: Event }
  | { readonly kind: 'stray' };

/** What was done, and the state that it led to. */
export interface Move {
  readonly label: Label;
  readonly to: State;
}

/** Machine.v, `Run`. */
export interface Run {
  readonly start: State;
  readonly moves: readonly Move[];
}

export interface Transition extends Move {
  readonly from: State;
}

/** Machine.v, `Log`: what came from outside, each with the key of the place where it came. */
export type Log = readonly Entry[];

/** Machine.v, `Item`, with its key: a value that was fetched, or an event that happened. */
export interface Entry {
  readonly key: Key;
  readonly kind: 'fetched' | 'happened';
  /** The input, or the event. */
  readonly value: number;
}

/** Machine.v, `states`: by the number of moves made. */
export function statesOf({ start, moves }: Run): State[] {
  return [start, ...moves.map(({ to }) => to)];
}

/** Machine.v, `state_at`: after `i` moves; undefined: the run is not so long. */
export function stateAt({ start, moves }: Run, i: number): State | undefined {
  return i === 0 ? start : moves[i - 1]?.to;
}

/** Machine.v, `transitions_of`. */
export function transitionsOf({ start, moves }: Run): Transition[] {
  let from = start;
  return moves.map(({ label, to }) => {
    const transition = { from, label, to };
    from = to;
    return transition;
  });
}

/** Machine.v, `end_state`. */
export function endState({ start, moves }: Run): State {
  return moves.at(-1)?.to ?? start;
}

/** Machine.v, `entry`: what a move takes from outside, at the key of the state before it. */
export function entryOf(key: Key, label: Label): Entry | undefined {
  if (label.kind === 'applied') return { key, kind: 'happened', value: label.event };
  if (label.kind === 'stray' || label.input === undefined) return undefined;
  return { key, kind: 'fetched', value: label.input };
}

/** Machine.v, `entries_of`: all that came from outside during a run, in the order it came. */
export function entriesOf(stamp: (s: State) => Key, run: Run): Entry[] {
  const entries = transitionsOf(run).map(({ from, label }) => entryOf(stamp(from), label));
  return entries.filter((entry) => entry !== undefined);
}

export function isSameEntry(a: Entry, b: Entry): boolean {
  return a.key === b.key && a.kind === b.kind && a.value === b.value;
}

export function isSameLog(a: Log, b: Log): boolean {
  return a.length === b.length && a.every((entry, i) => isSameEntry(entry, b[i] ?? NO_ENTRY));
}

export function isSameLabel(a: Label, b: Label): boolean {
  if (a.kind === 'ran' && b.kind === 'ran') return a.hart === b.hart && a.input === b.input;
  if (a.kind === 'applied' && b.kind === 'applied') return a.event === b.event;
  return a.kind === b.kind;
}

/** Machine.v, `prefix`: the first `i` moves. */
export function prefix(i: number, { start, moves }: Run): Run {
  return { start, moves: moves.slice(0, i) };
}

/** Machine.v, `suffix`: what comes after the first `i` moves, as a run of its own. */
export function suffix(i: number, run: Run): Run {
  return { start: endState(prefix(i, run)), moves: run.moves.slice(i) };
}

const NO_ENTRY: Entry = { key: -1, kind: 'happened', value: -1 };
