/**
 * The eight premises: proof/Premises.v. Each is a question to four things: a recorded run with the
 * stamp that named its places, the log that was written, the system that is to replay it, and the
 * log that it reads. The answer is undefined, or where it does not hold.
 *
 * C3 and C6 are two claims each; they can be asked one by one.
 */
import { conforms, type Hart, type Instruction, type Key, type State } from './machine.ts';
import type { StepRow, System } from './replay.ts';
import {
  entriesOf,
  type Entry,
  isSameEntry,
  isSameLog,
  type Log,
  type Run,
  type Transition,
  transitionsOf,
} from './run.ts';

/** Premises.v, `Recording`: the run, how its places were named, and what was written. */
export interface Recording {
  readonly made: Run;
  stamp(s: State): Key;
  readonly written: Log;
}

export interface World {
  readonly recording: Recording;
  readonly system: System;
  readonly read: Log;
}

export type Premise = 'C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8';
/** `C3.log` and `C6.order` are of the recording alone; `C3.read` and `C6.shown` of the system. */
export type Claim = Exclude<Premise, 'C3' | 'C6'> | 'C3.log' | 'C3.read' | 'C6.order' | 'C6.shown';

export interface Violation {
  readonly claim: Claim;
  /** The move of the recorded run, from 0, at which it shows; undefined: none of them. */
  readonly move?: number;
  /** In words. */
  readonly what: string;
}

/** What is asked first rejects most, and touches least of a system. */
export const CLAIMS: readonly Claim[] = [
  'C6.order',
  'C3.log',
  'C7',
  'C8',
  'C1',
  'C4',
  'C2',
  'C5',
  'C6.shown',
  'C3.read',
];

export function premiseOf(claim: Claim): Premise {
  return claim.slice(0, 2) as Premise;
}

/** Does a claim hold? Undefined: it does. */
export function checkClaim(claim: Claim, world: World): Violation | undefined {
  return CHECKS[claim](world);
}

/** Premises.v, `premises`: the first that does not hold, of all eight or of those in `kept`. */
export function firstViolation(
  world: World,
  kept: readonly Claim[] = CLAIMS,
): Violation | undefined {
  for (const claim of kept) {
    const violation = checkClaim(claim, world);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

/** C1: the initial state is the same. */
function c1({ recording, system }: World): Violation | undefined {
  const { start } = recording.made;
  const starts = system.starts();
  if (starts.length === 1 && starts[0] === start) return undefined;
  return { claim: 'C1', what: `it was recorded from s${start} and starts in ${names(starts)}` };
}

/**
 * C2: there is one function of the state for both machines. In each state in which the recorded one
 * made a step, what the system may do must be one instruction, whole, and the step one of its.
 */
function c2({ recording, system }: World): Violation | undefined {
  for (const [move, { from, label, to }] of transitionsOf(recording.made).entries()) {
    if (label.kind !== 'ran') continue;
    const own = instructionOf(system.step(from), system.inputs);
    if (own === undefined) {
      return { claim: 'C2', move, what: `a step in s${from} is no function of the state` };
    }
    if (!conforms(own, label.hart, label.input, to)) {
      return { claim: 'C2', move, what: `the step in s${from} is another in the replay` };
    }
  }
  return undefined;
}

/** The instruction of which these rows are all that it can do; undefined: there is none. */
function instructionOf(
  rows: readonly StepRow[],
  inputs: number,
): { hart: Hart; instruction: Instruction } | undefined {
  const [first] = rows;
  if (first === undefined || rows.some(({ hart }) => hart !== first.hart)) return undefined;
  const { hart } = first;
  if (first.input === undefined) {
    return rows.length === 1
      ? { hart, instruction: { kind: 'computes', to: first.to } }
      : undefined;
  }
  const to: State[] = [];
  for (const row of rows) {
    if (row.input === undefined || to[row.input] !== undefined) return undefined;
    to[row.input] = row.to;
  }
  return rows.length === inputs ? { hart, instruction: { kind: 'fetches', to } } : undefined;
}

/** C3, first half: what is written is what came from outside, in whatever order. */
function c3Log({ recording }: World): Violation | undefined {
  const left = [...recording.written];
  for (const entry of entriesOf((s) => recording.stamp(s), recording.made)) {
    const index = left.findIndex((other) => isSameEntry(entry, other));
    if (index < 0) return { claim: 'C3.log', what: `${entryName(entry)} is not in the log` };
    left.splice(index, 1);
  }
  const [more] = left;
  if (more === undefined) return undefined;
  return { claim: 'C3.log', what: `${entryName(more)} is in the log and never came` };
}

/** C3, second half: a step that fetches is given the log's next value, and takes it off. */
function c3Read({ recording, system }: World): Violation | undefined {
  for (const [move, { from, label }] of transitionsOf(recording.made).entries()) {
    if (label.kind !== 'ran' || label.input === undefined) continue;
    const reader = system.reader(from);
    if (reader === 'log') continue;
    const how = reader === 'host' ? 'from the host, not from the log' : 'and leaves it in the log';
    return { claim: 'C3.read', move, what: `the step in s${from} gets its value ${how}` };
  }
  return undefined;
}

/** C4: nothing else writes the state, neither in the recorded machine nor in the replaying. */
function c4({ recording, system }: World): Violation | undefined {
  const moves = transitionsOf(recording.made);
  const move = moves.findIndex(({ label }) => label.kind === 'stray');
  if (move >= 0) return { claim: 'C4', move, what: 'something else wrote the recorded state' };
  for (const [index, { from }] of moves.entries()) {
    const written = system.stray(from);
    if (written.length === 0) continue;
    const what = `something else may turn s${from} into ${names(written)}`;
    return { claim: 'C4', move: index, what };
  }
  return undefined;
}

/** C5: an event has the same effect again: one function of event and state for both machines. */
function c5({ recording, system }: World): Violation | undefined {
  for (const [move, { from, label, to }] of transitionsOf(recording.made).entries()) {
    if (label.kind !== 'applied') continue;
    const effects = system.effect(label.event, from);
    if (effects.length === 1 && effects[0] === to) continue;
    const what = `event ${label.event} turned s${from} into s${to}, and may give ${names(effects)}`;
    return { claim: 'C5', move, what };
  }
  return undefined;
}

/**
 * C6, first half: there is an order of keys in which every step of the recorded run goes up, no
 * event goes down, and the log is written. There is, if what must come before what has no circle.
 */
function c6Order({ recording }: World): Violation | undefined {
  const after = new Map<Key, Set<Key>>();
  const add = (a: Key, b: Key): void => {
    const keys = after.get(a);
    if (keys === undefined) after.set(a, new Set([b]));
    else keys.add(b);
  };
  for (const [move, transition] of transitionsOf(recording.made).entries()) {
    const [from, to] = [recording.stamp(transition.from), recording.stamp(transition.to)];
    if (from !== to) add(from, to);
    else if (transition.label.kind === 'ran') return sameName(move, transition, from);
  }
  for (const [i, { key }] of recording.written.entries()) {
    const next = recording.written[i + 1]?.key ?? key;
    if (key !== next) add(key, next);
  }
  if (!hasCircle(after)) return undefined;
  return { claim: 'C6.order', what: 'no order of keys is that of the run and of the log' };
}

function sameName(move: number, { from, to }: Transition, key: Key): Violation {
  const what = `the places before and after a step, in s${from} and s${to}, are both named ${key}`;
  return { claim: 'C6.order', move, what };
}

function hasCircle(after: ReadonlyMap<Key, ReadonlySet<Key>>): boolean {
  const done = new Map<Key, 'open' | 'closed'>();
  const leadsBack = (key: Key): boolean => {
    const mark = done.get(key);
    if (mark !== undefined) return mark === 'open';
    done.set(key, 'open');
    for (const next of after.get(key) ?? []) if (leadsBack(next)) return true;
    done.set(key, 'closed');
    return false;
  };
  return [...after.keys()].some(leadsBack);
}

/** C6, second half: the replaying machine shows the same key in the same state. */
function c6Shown({ recording, system }: World): Violation | undefined {
  for (const [move, { from }] of transitionsOf(recording.made).entries()) {
    const [named, shown] = [recording.stamp(from), system.key(from)];
    if (named === shown) continue;
    return { claim: 'C6.shown', move, what: `s${from} was named ${named} and shows ${shown}` };
  }
  return undefined;
}

/** C7: what stands at one time point stands there in the order in which it came. */
function c7({ recording }: World): Violation | undefined {
  const came = entriesOf((s) => recording.stamp(s), recording.made);
  for (const key of new Set(recording.written.map((entry) => entry.key))) {
    const [small, large] = [atKey(key, recording.written), atKey(key, came)];
    if (isSubsequence(small, large)) continue;
    return { claim: 'C7', what: `at key ${key} the log has not the order in which things came` };
  }
  return undefined;
}

/** Premises.v, `at_key`. */
function atKey(key: Key, log: Log): Log {
  return log.filter((entry) => entry.key === key);
}

/** Premises.v, `Subseq`. */
function isSubsequence(small: Log, large: Log): boolean {
  let taken = 0;
  for (const entry of large) {
    const next = small[taken];
    if (next !== undefined && isSameEntry(next, entry)) taken++;
  }
  return taken === small.length;
}

/** C8: the log is whole: what is read is what was written. */
function c8({ recording, read }: World): Violation | undefined {
  if (isSameLog(read, recording.written)) return undefined;
  return { claim: 'C8', what: 'the log that is read is not the log that was written' };
}

function names(states: readonly State[]): string {
  if (states.length === 0) return 'nothing';
  return states.map((s) => `s${s}`).join(' or ');
}

function entryName({ key, kind, value }: Entry): string {
  return `${kind === 'fetched' ? 'value' : 'event'} ${value} at key ${key}`;
}

const CHECKS: { readonly [C in Claim]: (world: World) => Violation | undefined } = {
  C1: c1,
  C2: c2,
  'C3.log': c3Log,
  'C3.read': c3Read,
  C4: c4,
  C5: c5,
  'C6.order': c6Order,
  'C6.shown': c6Shown,
  C7: c7,
  C8: c8,
};
