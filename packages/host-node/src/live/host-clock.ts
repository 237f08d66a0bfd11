/** The host's clocks. */

/** The host's own, whatever traps stand before it for machines. */
const hrtime = process.hrtime.bigint.bind(process.hrtime);

/** Time on the host since the clock was made, in nanoseconds; never goes back. */
export type ElapsedNanoseconds = () => number;

/** Counts from now. Exact to 2^53 ns, 104 days; coarser beyond. */
export function startHostClock(): ElapsedNanoseconds {
  const start = hrtime();
  return () => Number(hrtime() - start);
}

/** Nanoseconds since 1970, decimal, as a machine's configuration holds it. */
export function wallClockNanoseconds(): string {
  return (BigInt(Date.now()) * 1_000_000n).toString();
}

/** What a sleeper waits for besides the time. */
export class Wake {
  #resolve: (() => void) | undefined;
  #isSet = false;

  /** Ends the sleep under way, or the next one at once. */
  set(): void {
    this.#isSet = true;
    this.#resolve?.();
  }

  /** Sleeps until `set` was called since the last sleep, at most `maxNanoseconds`. */
  async sleep(maxNanoseconds: number): Promise<void> {
    if (!this.#isSet) {
      const milliseconds = Math.min(Math.ceil(maxNanoseconds / 1e6), SLEEP_MAX_MS);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = undefined;
    }
    this.#isSet = false;
  }
}

/** Lets the host's event loop turn once: keys, signals and timers are seen. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Longer timers fire at once in Node (2^31 - 1 ms); a minute is long enough to look again. */
const SLEEP_MAX_MS = 60_000;
