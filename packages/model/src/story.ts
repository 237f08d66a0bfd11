/** A counterexample as a short story in plain words, its runs drawn as in docs/model.md. */
import { premiseOf, type Violation } from './premises.ts';
import type { Counterexample } from './search.ts';
import { firstOtherState } from './replay.ts';
import { type Entry, type Label, type Log, type Run, statesOf } from './run.ts';

/** Several lines, no trailing newline. */
export function tellStory({ world, failure, violations }: Counterexample): string {
  const { recording, read } = world;
  const { made, written } = recording;
  const { run } = failure;
  const at = firstOtherState(run, made);
  const broken = [...new Set(violations.map(({ claim }) => premiseOf(claim)))].join(' and ');
  const lines = [
    `${broken} broken, all others kept: the replay fails ${after(at ?? run.moves.length)}.`,
    '',
    ...drawRun('recorded', made),
    `  keys      ${drawKeys(made, (s) => recording.stamp(s))}`.trimEnd(),
    `  log       ${logText(written)}`,
    ...(violations.some(({ claim }) => claim === 'C8') ? [`  read      ${logText(read)}`] : []),
    ...drawRun('replayed', run),
    '',
    ...run.moves.map(({ label, to }, i) => `  ${tell(label, i, run, to)}`),
    `  ${ending(at, made, run, failure.kind)}`,
    ...violations.map((violation) => `  ${sentence(violation)}`),
  ];
  return lines.join('\n');
}

/** `s0 ---------> s1`, an event with an arrow of dashes, and under each arrow what was done. */
export function drawRun(title: string, run: Run): string[] {
  const states = statesOf(run).map((s) => `s${s}`);
  let line = `  ${title.padEnd(9)} ${states[0]}`;
  let below = ' '.repeat(line.length);
  for (const [i, { label }] of run.moves.entries()) {
    const [arrow, name] = drawLabel(label);
    line += ` ${arrow} ${states[i + 1]}`;
    below += ` ${name}`.padEnd(arrow.length + 2 + (states[i + 1]?.length ?? 0));
  }
  return run.moves.length === 0 ? [line] : [line, below.trimEnd()];
}

function drawLabel(label: Label): [string, string] {
  if (label.kind === 'stray') return ['~~~~~~~~~~~~~~~~>', ' a stray write'];
  if (label.kind === 'applied') return ['- - - - - - - - >', ` event ${label.event}`];
  const fetched = label.input === undefined ? '' : ` fetches ${label.input}`;
  return ['---------------->', ` step${label.hart > 0 ? ` of hart ${label.hart}` : ''}${fetched}`];
}

/** Under each state of {@link drawRun} its key. */
function drawKeys(run: Run, stamp: (s: number) => number): string {
  const states = statesOf(run);
  return states.map((s) => `${stamp(s)}`.padEnd(`s${s}`.length + ARROW_COLUMNS)).join('');
}

function logText(log: Log): string {
  return log.length === 0 ? 'empty' : log.map(entryText).join(', ');
}

function entryText({ key, kind, value }: Entry): string {
  return `(${key}, ${kind === 'fetched' ? 'value' : 'event'} ${value})`;
}

function after(moves: number): string {
  if (moves === 0) return 'before any move';
  return moves === 1 ? 'after one move' : `after ${moves} moves`;
}

function tell(label: Label, i: number, run: Run, to: number): string {
  const from = `in s${statesOf(run)[i] ?? 0}`;
  const then = `${i === 0 ? 'The replay' : 'Then it'}, ${from},`;
  if (label.kind === 'stray') return `${then} is written to from somewhere else: s${to}.`;
  if (label.kind === 'applied') return `${then} is due event ${label.event}: s${to}.`;
  const hart = label.hart > 0 ? ` of hart ${label.hart}` : '';
  const fetched = label.input === undefined ? '' : ` that fetches ${label.input}`;
  return `${then} makes a step${hart}${fetched}: s${to}.`;
}

function ending(at: number | undefined, made: Run, run: Run, kind: string): string {
  if (at === undefined) return kind === 'stuck' ? 'There it is stuck.' : 'It cannot start.';
  const [recorded, found] = [statesOf(made)[at] ?? 0, statesOf(run)[at] ?? 0];
  if (at === 0) return `The replay starts in s${found}, and the recording started in s${recorded}.`;
  return `The recorded state is s${recorded} there, not s${found}.`;
}

function sentence({ claim, what }: Violation): string {
  return `${premiseOf(claim)}: ${what}.`;
}

/** What stands between two states of {@link drawRun}. */
const ARROW_COLUMNS = 19;
