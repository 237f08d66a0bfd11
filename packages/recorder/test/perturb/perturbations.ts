/**
 * Ways to change one event of a script, or one landmark: each gives a script that a log can hold,
 * or nothing where there is none. Pure functions of the script, the item and a seeded generator.
 */
import { defined, type Prng } from '@casmotion/base';
import { alterEvent } from './alter-event.ts';
import type { Script, ScriptItem } from './script.ts';

export const CHANGES = ['drop', 'duplicate', 'swap', 'earlier', 'later', 'alter'] as const;
export type Change = (typeof CHANGES)[number];

export interface Perturbed {
  readonly script: Script;
  /**
   * Where in the new script everything that was changed lies before. The landmark there, or the one
   * after it, or else the end, is where the difference must have shown.
   */
  readonly dueFrom: number;
  /** What was done, for a report. */
  readonly what: string;
}

/** Undefined where the change has no meaning, or none that a log can hold. */
export function perturb(
  script: Script,
  index: number,
  change: Change,
  random: Prng,
): Perturbed | undefined {
  const item = defined(script.items[index], 'an item');
  switch (change) {
    case 'drop':
      return of(script, drop(script.items, index), index, 'dropped');
    case 'duplicate':
      return of(script, script.items.toSpliced(index, 0, item), index + 2, 'repeated');
    case 'swap':
      return swap(script, index);
    case 'earlier':
      return item.step === 0 ? undefined : move(script, index, -1);
    case 'later':
      return move(script, index, 1);
    case 'alter':
      return alter(script, index, random);
  }
}

/** What had been let out at a landmark is then told by the next. */
function drop(items: readonly ScriptItem[], index: number): ScriptItem[] {
  const [dropped, rest] = [items[index], items.toSpliced(index, 1)];
  if (dropped?.kind !== 'landmark') return rest;
  const next = rest.findIndex((item, at) => at >= index && item.kind === 'landmark');
  const heir = rest[next];
  if (heir?.kind !== 'landmark') return rest;
  return rest.with(next, { ...heir, output: heir.output ?? dropped.output });
}

/** With the next event, which keeps the place of this one; landmarks stay where they are. */
function swap(script: Script, index: number): Perturbed | undefined {
  const { items } = script;
  const next = items.findIndex((item, at) => at > index && item.kind === 'event');
  const [first, second] = [items[index], items[next]];
  if (first?.kind !== 'event' || second?.kind !== 'event') return undefined;
  const changed = items
    .with(index, { ...first, event: second.event })
    .with(next, { ...second, event: first.event });
  return of(script, changed, next + 1, `swapped with the next, ${second.event.kind}`);
}

/** By a step. It comes after what is at an earlier step, and a landmark before all events there. */
function move(script: Script, index: number, by: 1 | -1): Perturbed | undefined {
  const item = defined(script.items[index], 'an item');
  const step = item.step + by;
  const moved: ScriptItem =
    item.kind === 'event' ? { ...item, step, wakes: 0 } : { ...item, step };
  const rest = script.items.toSpliced(index, 1);
  const isBefore = (other: ScriptItem): boolean => {
    if (other.step !== step) return other.step < step;
    // Going back it comes last of its new step, going on first; landmarks come before events.
    if (item.kind === 'landmark') return other.kind === 'landmark';
    return other.kind === 'landmark' || by < 0;
  };
  const at = rest.filter(isBefore).length;
  const dueFrom = item.kind === 'landmark' ? at : Math.max(index, at) + 1;
  const what = by < 0 ? 'a step earlier' : 'a step later';
  return of(script, rest.toSpliced(at, 0, moved), dueFrom, what);
}

function alter(script: Script, index: number, random: Prng): Perturbed | undefined {
  const item = defined(script.items[index], 'an item');
  if (item.kind === 'event') {
    const altered = alterEvent(item.event, random);
    if (altered === undefined) return undefined;
    const items = script.items.with(index, { ...item, event: altered.event });
    return of(script, items, index + 1, `altered: ${altered.what}`);
  }
  const field = random.pick(['registerDigest', 'stateDigest'] as const);
  const digest = item.mark[field].slice();
  const at = random.below(digest.length);
  digest[at] = (digest[at] ?? 0) ^ (1 << random.below(8));
  const changed = { ...item, mark: { ...item.mark, [field]: digest } };
  return of(script, script.items.with(index, changed), index, `altered: a bit of its ${field}`);
}

function of(
  script: Script,
  items: readonly ScriptItem[],
  dueFrom: number,
  what: string,
): Perturbed {
  return { script: { ...script, items }, dueFrom, what };
}
