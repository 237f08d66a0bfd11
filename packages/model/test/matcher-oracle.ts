/**
 * The matcher of packages/time-point against the model: random traces, a counter that is late as an
 * adversary likes. The reference is a scan of the trace, which knows nothing of how a place is
 * found; each action is held against the model's `next` as well.
 */
import { Prng } from '@casmotion/base';
import {
  AdaptiveMargin,
  Matcher,
  type MatcherAction,
  type MatchOutcome,
  type MatchTarget,
  matchTimePoint,
  matchWithRewind,
  type Observation as Seen,
  type TimePointKey,
} from '@casmotion/time-point';
import {
  type Action,
  FRESH,
  type MatchKey,
  type Memory,
  next,
  type Observation,
  type Scan,
  scan,
  showsKey,
  type Target,
} from '../src/index.ts';

export interface MatcherTally {
  cases: number;
  delivered: number;
  mismatch: number;
  overshoot: number;
  undershoot: number;
  /** Missed, and named as skid. */
  skids: number;
  /** Missed by skid with a margin equal to a skid in counts: EqualMargin.overshoots. */
  equalMargins: number;
  rewinds: number;
  earlyStops: number;
}

export function newMatcherTally(): MatcherTally {
  return {
    cases: 0,
    delivered: 0,
    mismatch: 0,
    overshoot: 0,
    undershoot: 0,
    skids: 0,
    equalMargins: 0,
    rewinds: 0,
    earlyStops: 0,
  };
}

/** Matches made for the trace of one seed. */
export const CASES_A_SEED = 50;

/**
 * Makes one trace and matches on it. Throws what differs, in words. `match`: the one under test.
 */
export function compareMatcher(
  seed: number,
  tally: MatcherTally,
  match: typeof matchTimePoint = matchTimePoint,
): void {
  const random = new Prng(seed);
  const trace = randomTrace(random);
  for (let i = 0; i < CASES_A_SEED; i++) {
    const one = randomCase(random, trace);
    const wrong = compareCase(one, tally, match);
    tally.cases++;
    if (wrong !== undefined) {
      const { model, seen: _, ...rest } = one;
      throw new Error(`${wrong}\ntrace ${JSON.stringify(model)}\ncase ${JSON.stringify(rest)}`);
    }
  }
}

interface Trace {
  readonly model: Target;
  /** The same as the matcher sees it. */
  readonly seen: readonly Seen[];
}

interface Case extends Trace {
  readonly from: number;
  readonly key: MatchKey;
  readonly check: number | undefined;
  readonly margin: number;
  readonly skid: number;
  readonly skidIn: 'steps' | 'counts';
  /** A run stops early once in so many places; 0: never. */
  readonly earlyOneIn: number;
  readonly seed: number;
}

/** Half are like programs: what is not counted falls through or repeats. Half are anything. */
function randomTrace(random: Prng): Trace {
  const isProgram = random.chance(2);
  const countedOneIn = random.pick([1, 2, 3, 6, 20]);
  const last = random.below(64);
  const model: Observation[] = [{ count: 0, pc: 0, register: random.below(6), check: 0 }];
  for (let i = 0; i < last; i++) {
    const { count, pc, register } = model[i] as Observation;
    const isCounted = random.chance(countedOneIn);
    const check = random.chance(8) ? 0 : i + 1;
    if (!isProgram || isCounted) {
      const after = count + (isCounted ? 1 : 0);
      model.push({ count: after, pc: random.below(6), register: random.below(6), check });
    } else if (register > 0 && random.chance(3)) {
      model.push({ count, pc, register: register - 1, check });
    } else model.push({ count, pc: pc + 1, register: random.below(6), check });
  }
  return { model, seen: model.map(asSeen) };
}

function asSeen({ count, pc, register, check }: Observation): Seen {
  return { count, pc: BigInt(pc), register: BigInt(register), check: BigInt(check) };
}

function randomCase(random: Prng, trace: Trace): Case {
  const { model } = trace;
  const from = random.chance(4) ? random.below(model.length) : 0;
  const { count, pc, register, check } = random.pick(model);
  const isMoved = random.chance(3);
  const parts = random.below(4);
  const key = {
    count: Math.max(0, isMoved ? count + random.below(5) - 2 : count),
    pc: parts > 0 ? (isMoved && random.chance(2) ? random.below(8) : pc) : undefined,
    register: parts > 1 ? (isMoved && random.chance(2) ? random.below(6) : register) : undefined,
  };
  const skid = random.pick([0, 0, 1, 2, 3, 9, 40]);
  // Less than the skid, equal, one more, much more.
  const margin = Math.max(0, skid + random.pick([-skid, -1, -1, 0, 0, 1, 1, 30]));
  return {
    ...trace,
    from,
    key,
    check: random.pick([undefined, check, check, check + 1]),
    margin,
    skid,
    skidIn: random.chance(2) ? 'steps' : 'counts',
    earlyOneIn: random.pick([0, 0, 2, 10]),
    seed: random.u32(),
  };
}

/** What is wrong, in words; undefined: nothing. */
function compareCase(
  one: Case,
  tally: MatcherTally,
  match: typeof matchTimePoint,
): string | undefined {
  const { model, from, key, check, margin, skid, skidIn } = one;
  const expected = scan(model, from, key, check);
  const target = new TraceTarget(one, tally);
  const options = check === undefined ? { margin } : { margin, check: BigInt(check) };
  const outcome = match(target, asKey(key), options);
  tally[outcome.kind]++;
  const isInTime = skidIn === 'steps' ? margin >= skid : margin > skid;
  const isSkid = 'isSkid' in outcome && outcome.isSkid;
  if (isSkid) tally.skids++;
  if (isSkid && skidIn === 'counts' && margin === skid && skid > 0) tally.equalMargins++;
  const wrong = isInTime
    ? inTimeDifference(expected, outcome, target)
    : lateDifference(one, expected, outcome, target);
  return (
    wrong ??
    lockstepDifference(one, outcome, target.place) ??
    rewindDifference(one, expected, tally)
  );
}

/** delivers_exactly, never_past; and what is missed is named by its first part that differs. */
function inTimeDifference(
  expected: Scan,
  outcome: MatchOutcome,
  target: TraceTarget,
): string | undefined {
  const found = `found ${outcome.kind} at ${target.place}`;
  if (outcome.kind !== expected.kind) return `in time, expected ${expected.kind}, ${found}`;
  if (expected.kind === 'delivered' || expected.kind === 'mismatch') {
    if (target.place !== expected.place) return `expected at ${expected.place}, ${found}`;
    return target.furthest > expected.place ? `stopped past its place, ${found}` : undefined;
  }
  const differs = 'differs' in outcome ? outcome.differs : 'nothing';
  return differs === expected.differs
    ? undefined
    : `${found}: ${expected.differs} differs first, not ${differs}`;
}

/** delivered_only_at_the_key, delivers_or_says_so. */
function lateDifference(
  { model, key, check }: Case,
  expected: Scan,
  outcome: MatchOutcome,
  target: TraceTarget,
): string | undefined {
  const seen = model[target.place] as Observation;
  const found = `late, found ${outcome.kind} at ${target.place}, expected ${expected.kind}`;
  if (outcome.kind === 'delivered' || outcome.kind === 'mismatch') {
    const isChecked = check === undefined || seen.check === check;
    const isRight = showsKey(key, seen) && isChecked === (outcome.kind === 'delivered');
    return isRight ? undefined : found;
  }
  return outcome.isSkid || outcome.kind === expected.kind ? undefined : `${found}, not by skid`;
}

/** With a margin that grows, a key that is unique is found whatever the skid. */
function rewindDifference(one: Case, expected: Scan, tally: MatcherTally): string | undefined {
  const { model, from, key, check } = one;
  if (model.filter((seen, i) => i >= from && showsKey(key, seen)).length > 1) return undefined;
  const target = new TraceTarget(one, tally);
  const checked = check === undefined ? {} : { check: BigInt(check) };
  const { outcome, rewinds } = matchWithRewind(target, asKey(key), {
    margin: new AdaptiveMargin(one.margin),
    ...checked,
    rewind: () => target.reset(),
  });
  tally.rewinds += rewinds;
  const isThere = !('place' in expected) || target.place === expected.place;
  if (outcome.kind === expected.kind && isThere) return undefined;
  return `after ${rewinds} rewinds ${outcome.kind} at ${target.place}, expected ${expected.kind}`;
}

/** Matcher and model told the same, action by action, and the same end as in one go. */
function lockstepDifference(one: Case, once: MatchOutcome, place: number): string | undefined {
  const { model, key, check, margin } = one;
  const matcher = new Matcher(
    asKey(key),
    margin,
    ...(check === undefined ? [] : ([BigInt(check)] as const)),
  );
  const target = new TraceTarget(one, undefined);
  let memory: Memory = FRESH;
  let isEnded = false;
  for (;;) {
    const found = matcher.next(target.read(), isEnded);
    const seen = model[target.place] as Observation;
    const expected = next({ key, margin, check }, memory, seen, isEnded);
    if (expected.outcome !== undefined || found.do === 'end') {
      const { outcome } = expected;
      const isSame =
        outcome !== undefined &&
        found.do === 'end' &&
        outcome.kind === found.outcome.kind &&
        found.outcome.kind === once.kind &&
        target.place === place &&
        (!('isSkid' in outcome) || !('isSkid' in once) || outcome.isSkid === once.isSkid);
      return isSame
        ? undefined
        : `at ${target.place} ${found.do}, the model ${JSON.stringify(outcome)}`;
    }
    if (!isSameAction(found, expected.action)) {
      return `at ${target.place} ${found.do}, the model ${expected.action.do}`;
    }
    isEnded = !target.act(found);
    memory = expected.memory;
  }
}

function isSameAction(found: MatcherAction, expected: Action): boolean {
  if (found.do === 'run-to-count')
    return expected.do === found.do && expected.count === found.count;
  if (found.do !== 'run-to-breakpoint') return found.do === expected.do;
  const isThere = expected.do === found.do && BigInt(expected.pc) === found.pc;
  return isThere && expected.guard === found.guardCount;
}

function asKey({ count, pc, register }: MatchKey): TimePointKey {
  const counter = pc === undefined && register === undefined ? 'steps' : 'branches';
  return {
    counter,
    count,
    ...(pc === undefined ? {} : { pc: BigInt(pc) }),
    ...(register === undefined ? {} : { register: BigInt(register) }),
  };
}

/** A processor that goes through a trace, with a counter that interrupts late. */
class TraceTarget implements MatchTarget {
  place: number;
  /** The last place at which it was stopped. */
  furthest: number;
  readonly #one: Case;
  readonly #tally: MatcherTally | undefined;
  readonly #random: Prng;
  #armed: number | undefined;
  #breakpoint: bigint | undefined;

  constructor(one: Case, tally: MatcherTally | undefined) {
    this.#one = one;
    this.#tally = tally;
    this.#random = new Prng(one.seed);
    this.place = one.from;
    this.furthest = one.from;
  }

  /** Back where it was; the counter's moods go on. */
  reset(): void {
    this.place = this.#one.from;
  }

  arm(count: number | undefined): void {
    this.#armed = count;
  }

  setBreakpoint(pc: bigint | undefined): void {
    this.#breakpoint = pc;
  }

  read(): Seen {
    return this.#one.seen[this.place] as Seen;
  }

  step(): boolean {
    if (this.place + 1 >= this.#one.seen.length) return false;
    this.furthest = Math.max(this.furthest, ++this.place);
    return true;
  }

  run(): boolean {
    const isAlive = this.#run();
    this.furthest = Math.max(this.furthest, this.place);
    return isAlive;
  }

  #run(): boolean {
    const { seen, earlyOneIn } = this.#one;
    const armed = this.#armed ?? 0;
    let interrupt: number | undefined;
    while (this.place + 1 < seen.length) {
      const { count, pc } = seen[++this.place] as Seen;
      if (pc === this.#breakpoint) return true;
      if (count >= armed) interrupt ??= this.#interruptFrom(this.place);
      if (interrupt === this.place) return true;
      if (interrupt === undefined && earlyOneIn > 0 && this.#random.chance(earlyOneIn)) {
        if (this.#tally !== undefined) this.#tally.earlyStops++;
        return true;
      }
    }
    return false;
  }

  act(action: Exclude<MatcherAction, { do: 'end' }>): boolean {
    if (action.do === 'step') return this.step();
    const isCreeping = action.do === 'run-to-breakpoint';
    this.arm(isCreeping ? action.guardCount : action.count);
    this.setBreakpoint(isCreeping ? action.pc : undefined);
    return this.run();
  }

  /** Where the counter interrupts that came to its count at place `q`; maybe after the end. */
  #interruptFrom(q: number): number {
    const { seen, skid, skidIn } = this.#one;
    const isWorst = this.#random.chance(3);
    if (skidIn === 'steps') return q + (isWorst ? skid : this.#random.below(skid + 1));
    const most = (seen[q]?.count ?? 0) + skid;
    let last = q;
    while (last + 1 < seen.length && (seen[last + 1]?.count ?? 0) <= most) last++;
    return isWorst ? last : q + this.#random.below(last - q + 1);
  }
}
