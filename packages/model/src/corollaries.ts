/**
 * What follows from sufficiency: proof/Corollaries.v. Parts of recordings, checkpoints, pieces that
 * fit, logs that were cut, and what the first difference says of the premises.
 */
import type { Key, State } from './machine.ts';
import { type Claim, checkClaim, type Recording, type World } from './premises.ts';
import { type Config, replayMoves, type System } from './replay.ts';
import { entriesOf, isSameLabel, type Label, type Move, prefix, type Run } from './run.ts';

/** Corollaries.v, `part`: the recording of a part of a run holds the entries of that part. */
export function part(recording: Recording, made: Run): Recording {
  const stamp = (s: State): Key => recording.stamp(s);
  return { made, stamp, written: entriesOf(stamp, made) };
}

/** Corollaries.v, `restored`: put into a state instead of being switched on. */
export function restored(start: State, p: System): System {
  return {
    starts: () => [start],
    step: (s) => p.step(s),
    effect: (e, s) => p.effect(e, s),
    stray: (s) => p.stray(s),
    reader: (s) => p.reader(s),
    key: (s) => p.key(s),
    inputs: p.inputs,
  };
}

/**
 * Corollaries.v, `cut_log`: how many moves the first `entries` entries of a run's log determine:
 * all before the first that needs more.
 */
export function movesOfCutLog(recording: Recording, entries: number): number {
  const { made } = recording;
  const stamp = (s: State): Key => recording.stamp(s);
  let moves = 0;
  while (moves < made.moves.length && entriesOf(stamp, prefix(moves + 1, made)).length <= entries) {
    moves++;
  }
  return moves;
}

/**
 * Corollaries.v, `fit`: a piece that was replayed apart, between the places where it started and
 * ended. Pieces fit if each starts in the state and at the place in the log where the one before it
 * ended.
 */
export interface Piece {
  readonly from: Config;
  readonly moves: readonly Move[];
}

/**
 * Where pieces made by `p` lead from `from`; undefined: they do not fit, or `p` did not make one.
 */
export function fit(p: System, from: Config, pieces: readonly Piece[]): Config | undefined {
  let at = from;
  for (const piece of pieces) {
    if (piece.from.s !== at.s || piece.from.log.length !== at.log.length) return undefined;
    for (const { label, to } of piece.moves) {
      const made = replayMoves(p, at).find((m) => m.to === to && isSameLabel(m.label, label));
      if (made === undefined) return undefined;
      at = { s: to, log: made.log };
    }
  }
  return at;
}

/** Corollaries.v, `Verdict`: what the first difference tells. */
export type Verdict =
  | 'another-start'
  | 'another-result'
  | 'a-stray-write'
  | 'another-effect'
  | 'another-log';

/** Corollaries.v, `verdict`: of the first move that differs, in label or in the state after it. */
export function verdict(recorded: Label, replayed: Label): Verdict {
  if (recorded.kind === 'stray' || replayed.kind === 'stray') return 'a-stray-write';
  if (recorded.kind === 'ran' && replayed.kind === 'ran') {
    const bothFetched = recorded.input !== undefined && replayed.input !== undefined;
    const isSameHart = recorded.hart === replayed.hart;
    return isSameHart && bothFetched && recorded.input !== replayed.input
      ? 'another-log'
      : 'another-result';
  }
  if (recorded.kind === 'applied' && replayed.kind === 'applied') {
    return recorded.event === replayed.event ? 'another-effect' : 'another-log';
  }
  return 'another-log';
}

/**
 * Corollaries.v, `differing_start` and `first_difference`, for two runs; undefined where neither
 * differs as far as both go.
 */
export function firstDifference(
  recorded: Run,
  run: Run,
): { readonly move: number | undefined; readonly verdict: Verdict } | undefined {
  if (recorded.start !== run.start) return { move: undefined, verdict: 'another-start' };
  for (const [move, own] of run.moves.entries()) {
    const other = recorded.moves[move];
    if (other === undefined) return undefined;
    if (own.to === other.to && isSameLabel(own.label, other.label)) continue;
    return { move, verdict: verdict(other.label, own.label) };
  }
  return undefined;
}

/** Corollaries.v, `breaks`: the claims of which at least one is broken. */
export const BREAKS: { readonly [V in Verdict]: readonly Claim[] } = {
  'another-start': ['C1'],
  'another-result': ['C2'],
  'a-stray-write': ['C4'],
  'another-effect': ['C5'],
  'another-log': ['C3.log', 'C3.read', 'C6.order', 'C6.shown', 'C7', 'C8'],
};

/** Is a verdict right: is one of the claims that it names broken? */
export function isRightVerdict(found: Verdict, world: World): boolean {
  return BREAKS[found].some((claim) => checkClaim(claim, world) !== undefined);
}
