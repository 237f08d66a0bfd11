/**
 * Traps on the host's clocks, randomness and use of resources: who asks for them while a machine is
 * at work in a replay is a device that is no function of its state (premises C2, C5). The host
 * itself may ask, between the machine's calls and inside of them where it says so.
 *
 * Invariants: what is asked for is answered as ever; functions are as they were when the last of
 * several watches is removed, in whatever order; `begin` and `end` allocate nothing.
 */
import type { HostWatch } from '@casmotion/recorder';

export class HostTraps implements HostWatch {
  #isWatching = false;
  #asked: string | undefined;

  /** Installs them. Remove them after use. */
  constructor() {
    if (watches.size === 0) installTraps();
    watches.add(this);
  }

  begin(): void {
    this.#asked = undefined;
    this.#isWatching = true;
  }

  end(): string | undefined {
    this.#isWatching = false;
    return this.#asked;
  }

  remove(): void {
    if (!watches.delete(this) || watches.size > 0) return;
    for (const restore of restores.splice(0).toReversed()) restore();
  }

  /** Somebody asks for `name`. */
  note(name: string): void {
    if (this.#isWatching) this.#asked ??= name;
  }
}

/** The traps are there while anybody watches. */
const watches = new Set<HostTraps>();
const restores: (() => void)[] = [];

function noteAll(name: string): void {
  for (const watch of watches) watch.note(name);
}

function installTraps(): void {
  for (const [name, holder, key] of TRAPPED) trapFunction(name, holder, key);
  trapDate();
}

function trapFunction(name: string, holder: object, key: string): void {
  const original: unknown = Reflect.get(holder, key);
  if (typeof original !== 'function') return; // This version of Node has none.
  const trap = new Proxy(original as () => unknown, {
    apply: (target, self, args) => {
      noteAll(name);
      return Reflect.apply(target, self, args) as unknown;
    },
  });
  replace(holder, key, trap);
}

/** `new Date()` and `Date()` read the clock; `new Date(0)` does not. */
function trapDate(): void {
  const trap = new Proxy(Date, {
    construct: (target, args, newTarget) => {
      if (args.length === 0) noteAll('new Date()');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: (target, self, args) => {
      noteAll('Date()');
      return Reflect.apply(target, self, args) as unknown;
    },
  });
  replace(globalThis, 'Date', trap);
}

/** Restored, the property is as it was, or as if it had not been there. */
function replace(holder: object, key: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(holder, key);
  const isDone = Reflect.defineProperty(holder, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  if (!isDone) return;
  restores.push(() => {
    if (Reflect.get(holder, key) !== value) return; // Somebody else's by now.
    if (before === undefined) Reflect.deleteProperty(holder, key);
    else Reflect.defineProperty(holder, key, before);
  });
}

/** What is watched: name, where it stands, its key there. */
const TRAPPED: readonly (readonly [name: string, holder: object, key: string])[] = [
  ['Date.now', Date, 'now'],
  ['Math.random', Math, 'random'],
  ['performance.now', performance, 'now'],
  ['crypto.getRandomValues', crypto, 'getRandomValues'],
  ['crypto.randomUUID', crypto, 'randomUUID'],
  ['process.hrtime.bigint', process.hrtime, 'bigint'],
  ['process.hrtime', process, 'hrtime'],
  ['process.uptime', process, 'uptime'],
  ['process.cpuUsage', process, 'cpuUsage'],
  ['process.memoryUsage', process, 'memoryUsage'],
  ['process.resourceUsage', process, 'resourceUsage'],
];

/** Names of all that is watched. */
export const TRAPPED_NAMES: readonly string[] = [
  ...TRAPPED.map(([name]) => name),
  'Date()',
  'new Date()',
];
