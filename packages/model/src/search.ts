/**
 * Exhaustive search over all small worlds: recorded runs, names of places, logs, replaying systems.
 * With some of the claims of {@link CLAIMS} kept and the others dropped: is there a replay that
 * fails? proof/Sufficiency.v says no if all are kept, proof/Necessity.v yes if one is dropped; here
 * both are tried out, and a counterexample found is a shortest one.
 *
 * All worlds are tried, up to two things that nothing can see: names (states, events, inputs, harts
 * and keys are numbered in the order in which the run first has them), and parts of a system that
 * neither a claim nor the replay asks for (see {@link everyWay}).
 */
import { type Choose, everyWay } from './choices.ts';
import type { Key, State } from './machine.ts';
import {
  checkClaim,
  type Claim,
  CLAIMS,
  premiseOf,
  type Premise,
  type Recording,
  type Violation,
  type World,
} from './premises.ts';
import {
  type Failure,
  READERS,
  type Reader,
  type StepRow,
  type System,
  whyItFails,
  whyNoSuccess,
} from './replay.ts';
import { entriesOf, type Entry, type Label, type Log, type Move, type Run } from './run.ts';

/** Every one at least 1, `events` and `inputs` at least 0. */
export interface Bounds {
  readonly states: number;
  readonly inputs: number;
  readonly events: number;
  readonly harts: number;
}

/** What was tried, with recorded runs of a number of moves. */
export interface Tally {
  readonly moves: number;
  /** Ways to answer all questions; each stands for all worlds that differ in what was not asked. */
  ways: number;
  /** Of those, in which all kept claims hold. */
  kept: number;
}

export interface Counterexample {
  readonly dropped: readonly Claim[];
  readonly world: World;
  /** Every claim that does not hold; all are among the dropped. */
  readonly violations: readonly Violation[];
  readonly failure: Failure;
  /** What was asked of the system, and what it answered. */
  readonly asked: readonly string[];
}

export interface SearchOptions {
  readonly bounds: Bounds;
  /** The claims that need not hold. */
  readonly dropped: readonly Claim[];
  /** Recorded runs of exactly so many moves. */
  readonly moves: number;
  /**
   * True: each system is chosen whole before anything is asked of it. The same answer, much later:
   * for tests of the search itself.
   */
  readonly isEager?: boolean;
  /** Called now and then. */
  readonly onProgress?: (tally: Tally) => void;
}

export interface Found {
  readonly tally: Tally;
  /** Undefined: there is none of this length. */
  readonly counterexample: Counterexample | undefined;
}

/**
 * The first counterexample among worlds with a run of this length. Where every claim is kept, a
 * replay that gets stuck counts too: the theorem says that none does.
 */
export function search(options: SearchOptions): Found {
  const { moves, onProgress } = options;
  const tally: Tally = { moves, ways: 0, kept: 0 };
  for (const result of everyWay((choose) => tryWorld(choose, options))) {
    tally.ways++;
    if (result !== 'rejected') tally.kept++;
    if (typeof result === 'object') return { tally, counterexample: result };
    if (tally.ways % PROGRESS_WAYS === 0) onProgress?.(tally);
  }
  return { tally, counterexample: undefined };
}

/** Both claims of C3 and of C6; of the others the one. */
export function claimsOf(premise: Premise): Claim[] {
  return CLAIMS.filter((claim) => premiseOf(claim) === premise);
}

function tryWorld(
  choose: Choose,
  { bounds, dropped, moves, isEager }: SearchOptions,
): 'rejected' | 'replays' | Counterexample {
  const isKept = (claim: Claim): boolean => !dropped.includes(claim);
  const made = chooseRun(choose, bounds, moves);
  const stamps = chooseStamps(choose, bounds, made);
  const stamp = (s: State): Key => stamps[s] ?? 0;
  const came = entriesOf(stamp, made);
  // What C3 and C8 say of logs is said by which logs are tried.
  const written = isKept('C3.log')
    ? anyOrder(choose, came)
    : chooseLog(choose, bounds, came.length);
  const recording: Recording = { made, stamp, written };
  const read = isKept('C8') ? written : chooseLog(choose, bounds, written.length);
  const system = new ChosenSystem(choose, bounds);
  if (isEager === true) system.askAll();
  const world = { recording, system, read };
  if (CLAIMS.some((claim) => isKept(claim) && checkClaim(claim, world) !== undefined)) {
    return 'rejected';
  }
  const failure = (dropped.length === 0 ? whyNoSuccess : whyItFails)(system, read, made);
  if (failure === undefined) return 'replays';
  const asked = system.asked();
  const violations = CLAIMS.map((claim) => checkClaim(claim, world)).filter((v) => v !== undefined);
  return { dropped, world, violations, failure, asked };
}

/** Any run, names in the order of their first use. */
function chooseRun(choose: Choose, { states, inputs, events, harts }: Bounds, length: number): Run {
  const [state, input, event, hart] = [states, inputs, events, harts].map((count) =>
    named(choose, count),
  ) as [Named, Named, Named, Named];
  const start = state();
  const moves: Move[] = [];
  for (let i = 0; i < length; i++) {
    moves.push({ label: chooseLabel(), to: state() });
  }
  return { start, moves };

  function chooseLabel(): Label {
    const kinds = [
      ...(events > 0 ? ['applied'] : []),
      'computes',
      ...(inputs > 0 ? ['fetches'] : []),
    ];
    const kind = kinds[choose(kinds.length + 1)] ?? 'stray';
    if (kind === 'stray') return { kind };
    if (kind === 'applied') return { kind, event: event() };
    return { kind: 'ran', hart: hart(), input: kind === 'fetches' ? input() : undefined };
  }
}

type Named = () => number;

/** A number that was there before, or the next new one. */
function named(choose: Choose, most: number): Named {
  let used = 0;
  return () => {
    const chosen = choose(Math.min(used + 1, most));
    used = Math.max(used, chosen + 1);
    return chosen;
  };
}

/** A key for each state that the run goes through. */
function chooseStamps(choose: Choose, { states }: Bounds, { start, moves }: Run): Key[] {
  const key = named(choose, states);
  const last = moves.reduce((most, { to }) => Math.max(most, to), start);
  return Array.from({ length: last + 1 }, key);
}

function anyOrder(choose: Choose, entries: Log): Log {
  const left = [...entries];
  const log: Entry[] = [];
  while (left.length > 0) log.push(...left.splice(choose(left.length), 1));
  return log;
}

/** Any log, up to one entry longer than it should be. */
function chooseLog(choose: Choose, { states, inputs, events }: Bounds, length: number): Log {
  const log: Entry[] = [];
  for (let left = choose(length + 2); left > 0; left--) {
    const value = choose(events + inputs);
    const key = choose(states);
    log.push(
      value < events
        ? { key, kind: 'happened', value }
        : { key, kind: 'fetched', value: value - events },
    );
  }
  return log;
}

/** A system of which each part is chosen when it is first asked for; small relations first. */
class ChosenSystem implements System {
  readonly inputs: number;
  readonly #choose: Choose;
  readonly #bounds: Bounds;
  readonly #rows: readonly (readonly StepRow[])[];
  readonly #sets: readonly (readonly State[])[];
  readonly #answers = new Map<string, unknown>();

  constructor(choose: Choose, bounds: Bounds) {
    this.inputs = bounds.inputs;
    this.#choose = choose;
    this.#bounds = bounds;
    [this.#rows, this.#sets] = relationsOf(bounds);
  }

  starts(): readonly State[] {
    return this.#one('starts', this.#sets);
  }

  step(s: State): readonly StepRow[] {
    return this.#one(`step s${s}`, this.#rows);
  }

  effect(e: number, s: State): readonly State[] {
    return this.#one(`effect e${e} s${s}`, this.#sets);
  }

  stray(s: State): readonly State[] {
    return this.#one(`stray s${s}`, this.#sets);
  }

  reader(s: State): Reader {
    return this.#one(`reader s${s}`, READERS);
  }

  key(s: State): Key {
    return this.#one(`key s${s}`, keysOf(this.#bounds));
  }

  askAll(): void {
    this.starts();
    for (const s of keysOf(this.#bounds)) {
      for (let e = 0; e < this.#bounds.events; e++) this.effect(e, s);
      this.step(s);
      this.stray(s);
      if (this.inputs > 0) this.reader(s);
      this.key(s);
    }
  }

  /** In words. */
  asked(): string[] {
    return [...this.#answers].map(([question, answer]) => `${question}: ${JSON.stringify(answer)}`);
  }

  #one<T>(question: string, among: readonly T[]): T {
    if (!this.#answers.has(question)) {
      this.#answers.set(question, among[this.#choose(among.length)]);
    }
    return this.#answers.get(question) as T;
  }
}

/** All relations of steps from a state, and all sets of states; the smaller, the earlier. */
function relationsOf(bounds: Bounds): Relations {
  const { states, inputs, harts } = bounds;
  const name = [states, inputs, harts].join();
  const known = RELATIONS.get(name);
  if (known !== undefined) return known;
  const rows: StepRow[] = [];
  for (let hart = 0; hart < harts; hart++) {
    for (let x = -1; x < inputs; x++) {
      for (let to = 0; to < states; to++) {
        rows.push({ hart, input: x < 0 ? undefined : x, to });
      }
    }
  }
  const made: Relations = [subsets(rows), subsets(keysOf(bounds))];
  RELATIONS.set(name, made);
  return made;
}

type Relations = readonly [readonly (readonly StepRow[])[], readonly (readonly State[])[]];

/** Derived from bounds, and the same for each world: made once. */
const RELATIONS = new Map<string, Relations>();

function keysOf({ states }: Bounds): number[] {
  return Array.from({ length: states }, (_, i) => i);
}

function subsets<T>(items: readonly T[]): T[][] {
  if (items.length > SUBSETS_OF_MAX) {
    throw new RangeError(`2^${items.length} relations of a step; take smaller bounds`);
  }
  let all: T[][] = [[]];
  for (const item of items) all = all.concat(all.map((some) => [...some, item]));
  return all.toSorted((a, b) => a.length - b.length);
}

/** states * harts * (inputs + 1); 2^20 arrays are what memory is fine with. */
const SUBSETS_OF_MAX = 20;

const PROGRESS_WAYS = 1 << 18;
