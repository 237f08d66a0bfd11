/**
 * Stops a run exactly at a key, on a target whose counter interrupts late (skid): run fast to a
 * margin before the place, then creep by breakpoint or single step, compare, deliver. A pure state
 * machine: {@link Matcher.next} is told what the target shows and says what to do; {@link
 * matchTimePoint} does it.
 *
 *   1. seen = key                      -> deliver, if the check agrees
 *   2. seen.count > key.count          -> overshoot; name the first part that never agreed
 *   3. key.count - seen.count > margin -> arm the counter at key.count - margin; run
 *   4. the key has a pc                -> breakpoint there, counter armed at key.count + 1 as a
 * guard; run
 *      (there with another register: single step, for the instruction repeats in place)
 *   5. else                            -> single step
 *
 * Invariants: the target never runs unarmed; every action makes at least one step, so the matcher
 * ends; nothing is delivered whose key or check differs.
 */
import { assert } from '@casmotion/base';
import type { KeyPart, TimePointKey } from './key.ts';

/** What a target shows where it stands. */
export interface Observation {
  readonly count: number;
  readonly pc: bigint;
  readonly register: bigint;
  /** A digest of the registers, if the target can give one. */
  readonly check?: bigint;
}

/** What a matcher wants done next. */
export type MatcherAction =
  /** Let the counter interrupt at `count` or (skid) later, and run. */
  | { readonly do: 'run-to-count'; readonly count: number }
  /**
   * Stop before the instruction at `pc`, or when the counter interrupts at `guardCount` or later;
   * run.
   */
  | { readonly do: 'run-to-breakpoint'; readonly pc: bigint; readonly guardCount: number }
  | { readonly do: 'step' }
  | { readonly do: 'end'; readonly outcome: MatchOutcome };

export type MatchOutcome =
  /** The target stands at the key and its check agrees. */
  | { readonly kind: 'delivered'; readonly seen: Observation; readonly skid: number | undefined }
  /** The target stands behind the key: `differs` never agreed. */
  | MissedOutcome<'overshoot'>
  /** The target ended before the key. */
  | MissedOutcome<'undershoot'>
  /** The key agrees and the check does not: this is another place, or another run. */
  | MissedOutcome<'mismatch'>;

export interface MissedOutcome<K extends string> {
  readonly kind: K;
  readonly differs: KeyPart;
  /** Where the target stands now. */
  readonly seen: Observation;
  /** The place that agreed in most parts, if any agreed in the count. */
  readonly nearest: Observation | undefined;
  /** How late the counter interrupted, if it was used. */
  readonly skid: number | undefined;
  /** True if the counter's lateness alone can explain it: rewind, raise the margin, try again. */
  readonly isSkid: boolean;
}

export class Matcher {
  readonly key: TimePointKey;
  readonly #margin: number;
  readonly #check: bigint | undefined;
  #armedAt: number | undefined;
  #skid: number | undefined;
  #landedAt: number | undefined;
  #nearest: Observation | undefined;
  #hasCrept = false;

  /**
   * `margin` in counts: 0 where the counter is exact. It covers a skid in steps if it is as large,
   * and a skid in counts only if it is larger (proof/Matcher.v, `EqualMargin`). `check` is compared
   * at the key.
   */
  constructor(key: TimePointKey, margin: number, check?: bigint) {
    assert(Number.isSafeInteger(margin) && margin >= 0, `margin ${margin}`);
    this.key = key;
    this.#margin = margin;
    this.#check = check;
  }

  /** Given where the target stands and whether it ended there, what to do. Until it says `end`. */
  next(seen: Observation, isEnded = false): MatcherAction {
    const { key } = this;
    this.#noteSkid(seen);
    if (seen.count > key.count) return this.#miss('overshoot', seen);
    if (seen.count === key.count) return this.#compare(seen, isEnded);
    if (isEnded) return this.#miss('undershoot', seen);
    const far = key.count - this.#margin;
    if (seen.count < far) {
      this.#armedAt = far;
      return { do: 'run-to-count', count: far };
    }
    return this.#creep();
  }

  #compare(seen: Observation, isEnded: boolean): MatcherAction {
    const { pc, register } = this.key;
    if (pc !== undefined && seen.pc !== pc) {
      this.#nearest ??= seen;
      return isEnded ? this.#miss('undershoot', seen) : this.#creep();
    }
    this.#nearest = seen;
    if (register !== undefined && seen.register !== register) {
      return isEnded ? this.#miss('undershoot', seen) : { do: 'step' };
    }
    if (this.#check !== undefined && seen.check !== this.#check)
      return this.#miss('mismatch', seen);
    return { do: 'end', outcome: { kind: 'delivered', seen, skid: this.#skid } };
  }

  #creep(): MatcherAction {
    const { pc, count } = this.key;
    this.#hasCrept = true;
    if (pc === undefined) return { do: 'step' };
    // From that very pc too: a run makes a step before it stops there again.
    return { do: 'run-to-breakpoint', pc, guardCount: count + 1 };
  }

  /** After a run to a count: how late did the interrupt come? */
  #noteSkid(seen: Observation): void {
    if (this.#armedAt === undefined) return;
    const late = Math.max(0, seen.count - this.#armedAt);
    this.#skid = Math.max(this.#skid ?? 0, late);
    this.#landedAt = seen.count;
    this.#armedAt = undefined;
  }

  #miss(kind: 'overshoot' | 'undershoot' | 'mismatch', seen: Observation): MatcherAction {
    const nearest = this.#nearest;
    const { count } = this.key;
    const differs = kind === 'mismatch' ? 'check' : this.#firstDifference(seen);
    // Landed in the key's own interval or behind it: the place may have been passed while skidding.
    const isSkid = kind !== 'mismatch' && this.#landedAt !== undefined && this.#landedAt >= count;
    const outcome = { kind, differs, seen, nearest, skid: this.#skid, isSkid } as const;
    return { do: 'end', outcome };
  }

  /**
   * A counter goes up by ones, so creeping past the count means that its whole interval was gone
   * through.
   */
  #firstDifference(seen: Observation): KeyPart {
    const { pc, count } = this.key;
    const wasInInterval = this.#nearest !== undefined || (this.#hasCrept && seen.count > count);
    if (!wasInInterval) return 'count';
    const hasPc = this.#nearest !== undefined && (pc === undefined || this.#nearest.pc === pc);
    return hasPc ? 'register' : 'pc';
  }
}

/** What can be done to a processor whose time points are matched. Nothing else is needed. */
export interface MatchTarget {
  /** Lets the counter interrupt a run at `count` or later; undefined: not at all. */
  arm(count: number | undefined): void;
  /** Lets a run stop before the instruction at `pc`; undefined: nowhere. */
  setBreakpoint(pc: bigint | undefined): void;
  /**
   * At least one step, until the breakpoint or the counter stops it, or before: it is then asked
   * for the same again. False: the target has ended.
   */
  run(): boolean;
  /**
   * One step; an instruction that repeats in place makes one repetition. False: the target has
   * ended.
   */
  step(): boolean;
  read(): Observation;
}

/** Brings `target` to `key`. Leaves it where the outcome says, with counter and breakpoint off. */
export function matchTimePoint(
  target: MatchTarget,
  key: TimePointKey,
  options: MatchOptions,
): MatchOutcome {
  return finish(matching(target, key, options));
}

/** As {@link matchTimePoint}, a piece of the way at a time: whoever drives it may pause between. */
export function* matching(
  target: MatchTarget,
  key: TimePointKey,
  options: MatchOptions,
): Generator<void, MatchOutcome, void> {
  const matcher = new Matcher(key, options.margin, options.check);
  let action = matcher.next(target.read());
  while (action.do !== 'end') {
    const isAlive = act(target, action);
    yield;
    action = matcher.next(target.read(), !isAlive);
  }
  return action.outcome;
}

export interface MatchOptions {
  /** Counts before the key at which the counter is armed. */
  readonly margin: number;
  /** Compared at the key, if it is there. */
  readonly check?: bigint;
}

function finish<T>(generator: Generator<void, T, void>): T {
  for (;;) {
    const next = generator.next();
    if (next.done === true) return next.value;
  }
}

function act(target: MatchTarget, action: Exclude<MatcherAction, { do: 'end' }>): boolean {
  if (action.do === 'step') return target.step();
  const isCreeping = action.do === 'run-to-breakpoint';
  target.arm(isCreeping ? action.guardCount : action.count);
  target.setBreakpoint(isCreeping ? action.pc : undefined);
  const isAlive = target.run();
  target.arm(undefined);
  target.setBreakpoint(undefined);
  return isAlive;
}

/**
 * A margin that grows with the skid it meets: at least twice the worst seen. Too small costs a
 * rewind, too large costs creeping. (The authors' earlier patch has a fixed margin of 512
 * branches.)
 */
export class AdaptiveMargin {
  #value: number;
  readonly #most: number;

  constructor(initial = 64, most = 2 ** 20) {
    assert(initial >= 0 && initial <= most, `margin ${initial} of at most ${most}`);
    this.#value = initial;
    this.#most = most;
  }

  /** Counts before the target at which the counter is armed. */
  get value(): number {
    return this.#value;
  }

  /** Takes note of a skid that was met. */
  note(skid: number | undefined): void {
    if (skid !== undefined) this.#value = Math.min(this.#most, Math.max(this.#value, skid * 2));
  }

  /** After an overshoot by skid. False: it is at its greatest already. */
  raise(): boolean {
    if (this.#value >= this.#most) return false;
    this.#value = Math.min(this.#most, Math.max(1, this.#value * 2));
    return true;
  }
}

/**
 * Matches, and after an overshoot that skid explains goes back by `rewind` and tries with a larger
 * margin.
 */
export function matchWithRewind(
  target: MatchTarget,
  key: TimePointKey,
  options: RewindOptions,
): RewindOutcome {
  return finish(matchingWithRewind(target, key, options));
}

export interface RewindOptions {
  readonly margin: AdaptiveMargin;
  readonly check?: bigint;
  /** Puts the target back where the attempt began. */
  readonly rewind: () => void;
}

export interface RewindOutcome {
  readonly outcome: MatchOutcome;
  readonly rewinds: number;
}

/** As {@link matchWithRewind}, a piece of the way at a time. */
export function* matchingWithRewind(
  target: MatchTarget,
  key: TimePointKey,
  { margin, check, rewind }: RewindOptions,
): Generator<void, RewindOutcome, void> {
  for (let rewinds = 0; ; rewinds++) {
    const checked = check === undefined ? {} : { check };
    const outcome = yield* matching(target, key, { margin: margin.value, ...checked });
    margin.note(outcome.skid);
    const isLate = outcome.kind !== 'delivered' && outcome.isSkid;
    if (!isLate || !margin.raise()) return { outcome, rewinds };
    rewind();
  }
}
