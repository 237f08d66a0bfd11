/**
 * Machines that satisfy the premises by how they are built: proof/Honest.v. Any machine whose
 * instructions and events are functions, with a key that advances, a recorder that writes down all
 * that comes from outside and a replayer that gives it back.
 */
import { conforms, type Event, type Input, type Key, type Machine, type State } from './machine.ts';
import type { Recording, World } from './premises.ts';
import type { StepRow, System } from './replay.ts';
import { entriesOf, type Label, type Move, type Run, transitionsOf } from './run.ts';

/** What the outside does: a value in case the next step asks for one, or an event. */
export type Script = readonly (
  | { readonly input: Input; readonly event?: never }
  | { readonly event: Event; readonly input?: never }
)[];

/** Honest.v, `run_of_script`. */
export function runOfScript(m: Machine, start: State, script: Script): Run {
  const moves: Move[] = [];
  let s = start;
  for (const { input, event } of script) {
    const move = event === undefined ? stepOf(m, s, input) : happens(m, s, event);
    moves.push(move);
    s = move.to;
  }
  return { start, moves };
}

function stepOf(m: Machine, s: State, offered: Input): Move {
  const { hart, instruction } = m.delta(s);
  if (instruction.kind === 'computes') {
    return { label: { kind: 'ran', hart, input: undefined }, to: instruction.to };
  }
  const to = instruction.to[offered];
  if (to === undefined) throw new RangeError(`input ${offered} in s${s}`);
  return { label: { kind: 'ran', hart, input: offered }, to };
}

function happens(m: Machine, s: State, event: Event): Move {
  return { label: { kind: 'applied', event }, to: m.alpha(event, s) };
}

/** Honest.v, `made_by`: a move that the machine's functions make. */
export function isMadeBy(m: Machine, s: State, label: Label, to: State): boolean {
  if (label.kind === 'ran') return conforms(m.delta(s), label.hart, label.input, to);
  return label.kind === 'applied' && to === m.alpha(label.event, s);
}

/** Honest.v, `run_of_machine`. */
export function isRunOfMachine(m: Machine, run: Run): boolean {
  return transitionsOf(run).every(({ from, label, to }) => isMadeBy(m, from, label, to));
}

/** Honest.v, `honest_recording`: writes all that comes, as it comes. */
export function honestRecording(named: (s: State) => Key, made: Run): Recording {
  return { made, stamp: named, written: entriesOf(named, made) };
}

/** Honest.v, `honest_replayer`: the same machine, fed from the log. Inputs are 0 .. inputs-1. */
export function honestReplayer(
  m: Machine,
  named: (s: State) => Key,
  start: State,
  inputs: number,
): System {
  return {
    starts: () => [start],
    step: (s) => rowsOf(m, s),
    effect: (e, s) => [m.alpha(e, s)],
    stray: () => [],
    reader: () => 'log',
    key: named,
    inputs,
  };
}

/** Recording and replayer of a run, both honest. */
export function honestWorld(
  m: Machine,
  named: (s: State) => Key,
  made: Run,
  inputs: number,
): World {
  const recording = honestRecording(named, made);
  const system = honestReplayer(m, named, made.start, inputs);
  return { recording, system, read: recording.written };
}

function rowsOf(m: Machine, s: State): StepRow[] {
  const { hart, instruction } = m.delta(s);
  if (instruction.kind === 'computes') return [{ hart, input: undefined, to: instruction.to }];
  return instruction.to.map((to, input) => ({ hart, input, to }));
}
