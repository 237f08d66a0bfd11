/**
 * Names of time points in general. A machine that counts its own steps needs the step alone; a
 * processor that can only count branches needs the program counter beside it, and a register where
 * one instruction repeats without moving on (x86's REP with ECX).
 *
 * After the record/replay work of ReVirt and of the authors' earlier public Xen patch, where a
 * place is (branch counter, eip, ecx). That patch orders by ecx too, which falls during REP; here a
 * register only tells places apart and never orders them. Our reconstruction: the paper's own text
 * was not available to us.
 *
 * A key is unique if the counter counts every transfer of control but fall-through (taken branches,
 * jumps, traps, interrupts, returns): between two counts the program counter only grows, and
 * repeats only where the register differs. With several harts each has a counter and a matcher of
 * its own.
 */
import { assert } from '@casmotion/base';

/** A place in a dynamic instruction stream. */
export interface TimePointKey {
  readonly counter: 'steps' | 'branches';
  /** What the counter shows there. A safe integer. */
  readonly count: number;
  /** 64-bit address of the next instruction; absent where the count alone is unique. */
  readonly pc?: bigint;
  /** What the register of repetition holds there; absent where nothing repeats. */
  readonly register?: bigint;
}

/**
 * The first parts of a key that can differ, in the order in which they are compared; `check` is no
 * key.
 */
export type KeyPart = 'count' | 'pc' | 'register' | 'check';

export function stepKey(step: number): TimePointKey {
  return { counter: 'steps', count: checkedCount(step) };
}

export function branchKey(branches: number, pc: bigint, register?: bigint): TimePointKey {
  const key = { counter: 'branches', count: checkedCount(branches), pc } as const;
  return register === undefined ? key : { ...key, register };
}

/**
 * Which of two places of one run comes first. `unordered` where the parts that differ do not tell:
 * a register, or keys of different counters.
 */
export function orderOfKeys(
  a: TimePointKey,
  b: TimePointKey,
): 'before' | 'same' | 'after' | 'unordered' {
  if (a.counter !== b.counter) return 'unordered';
  if (a.count !== b.count) return a.count < b.count ? 'before' : 'after';
  if (a.pc !== b.pc) {
    if (a.pc === undefined || b.pc === undefined) return 'unordered';
    return a.pc < b.pc ? 'before' : 'after';
  }
  return a.register === b.register ? 'same' : 'unordered';
}

function checkedCount(count: number): number {
  assert(Number.isSafeInteger(count) && count >= 0, `count ${count}`);
  return count;
}
