/**
 * Traps on the host's clocks, randomness and use of resources: who asks for them while a machine is
 * at work in a replay is a device that is no function of its state (premises C2, C5). The host
 * itself may ask, between the machine's calls and inside of them where it says so.
 *
 * Invariants: what is asked for is answered as ever; functions are as they were after `remove`, in
 * whatever order traps are installed and removed; `begin` and `end` allocate nothing.
 */
import type { HostWatch } from '@casmotion/recorder';

export class HostTraps implements HostWatch {
  #isWatching = false;
  #asked: string | undefined;
  readonly #restores: (() => void)[] = [];

  /** Installs them. Remove them after use. */
  constructor() {
    for (const [name, holder, key] of TRAPPED) this.#trapFunction(name, holder, key);
    this.#trapDate();
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
    for (const restore of this.#restores.splice(0).toReversed()) restore();
  }

  #note(name: string): void {
    if (this.#isWatching) this.#asked ??= name;
  }

  #trapFunction(name: string, holder: object, key: string): void {
    const original: unknown = Reflect.get(holder, key);
    if (typeof original !== 'function') return; // This version of Node has none.
    const trap = new Proxy(original as () => unknown, {
      apply: (target, self, args) => {
        this.#note(name);
        return Reflect.apply(target, self, args) as unknown;
      },
    });
    this.#replace(holder, key, trap);
  }

  /** `new Date()` and `Date()` read the clock; `new Date(0)` does not. */
  #trapDate(): void {
    const trap = new Proxy(Date, {
      construct: (target, args, newTarget) => {
        if (args.length === 0) this.#note('new Date()');
        return Reflect.construct(target, args, newTarget) as object;
      },
      apply: (target, self, args) => {
        this.#note('Date()');
        return Reflect.apply(target, self, args) as unknown;
      },
    });
    this.#replace(globalThis, 'Date', trap);
  }

  /** Puts back the property as it was, or as if it had not been there. */
  #replace(holder: object, key: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(holder, key);
    const isDone = Reflect.defineProperty(holder, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: before?.enumerable ?? false,
    });
    if (!isDone) return;
    this.#restores.push(() => {
      if (Reflect.get(holder, key) !== value) return; // Somebody else's by now.
      if (before === undefined) Reflect.deleteProperty(holder, key);
      else Reflect.defineProperty(holder, key, before);
    });
  }
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
