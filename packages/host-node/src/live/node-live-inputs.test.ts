/**
 * Goal: what the host decides becomes the right events in the right order. Method: a host whose
 * clock, console and sleep are the test's.
 */
import type { MachineEvent } from '@casmotion/events';
import { ClockKeeper } from '@casmotion/recorder';
import { describe, expect, test } from 'vitest';
import type { ConsoleSource } from '../console/console-input.ts';
import { Wake } from './host-clock.ts';
import { type LiveOptions, NodeLiveInputs, type PeerSource } from './node-live-inputs.ts';

const MS = 1e6;
const TICKS_PER_MS = 10_000;

/** Time passes only while the machine sleeps; what comes at a time wakes it. */
class FakeHost {
  now = 0;
  typed: Uint8Array[] = [];
  hasEnded = false;
  readonly script: { at: number; act: () => void }[] = [];
  readonly slept: number[] = [];
  readonly console: ConsoleSource;
  readonly wake: Wake;

  constructor() {
    const hasTyped = (): boolean => this.typed.length > 0;
    const isEnded = (): boolean => this.hasEnded && !hasTyped();
    this.console = {
      get hasInput() {
        return hasTyped();
      },
      get isEnded() {
        return isEnded();
      },
      take: () => this.typed.shift(),
    };
    const sleep = (maxNanoseconds: number): void => this.#sleep(maxNanoseconds);
    this.wake = new (class extends Wake {
      override async sleep(maxNanoseconds: number): Promise<void> {
        sleep(maxNanoseconds);
      }
    })();
  }

  live(options: Partial<LiveOptions> = {}): NodeLiveInputs {
    return new NodeLiveInputs({
      clock: new ClockKeeper(),
      elapsed: () => this.now,
      console: this.console,
      consoleNumber: 0,
      entropy: (sizeBytes) => new Uint8Array(sizeBytes).fill(7),
      timeoutSeconds: undefined,
      wake: this.wake,
      ...options,
    });
  }

  #sleep(maxNanoseconds: number): void {
    this.slept.push(maxNanoseconds);
    const until = this.now + maxNanoseconds;
    const next = this.script[0];
    if (next !== undefined && next.at <= until) {
      this.script.shift();
      this.now = next.at;
      next.act();
    } else if (Number.isFinite(until)) this.now = until;
    else throw new Error('sleeps for ever');
  }
}

const status = (ticks: number, wantedEntropyBytes = 0) => ({ step: 5, ticks, wantedEntropyBytes });
const typed = (text: string) => ({
  kind: 'console-input',
  console: 0,
  bytes: new Uint8Array(Buffer.from(text)),
});

describe('idle under the host clock', () => {
  test('sleeps until the deadline', async () => {
    const host = new FakeHost();
    expect(await host.live().idle(status(0), 30 * TICKS_PER_MS)).toBe('deadline');
    expect(host.slept).toEqual([30 * MS]);
  });

  test('a deadline that is past is due at once', async () => {
    const host = new FakeHost();
    host.now = 50 * MS;
    expect(await host.live().idle(status(0), 30 * TICKS_PER_MS)).toBe('deadline');
    expect(host.slept).toEqual([]);
  });

  test('a key in between moves time to where the host is', async () => {
    const host = new FakeHost();
    host.script.push({ at: 12 * MS, act: () => host.typed.push(new Uint8Array(Buffer.from('x'))) });
    expect(await host.live().idle(status(2 * TICKS_PER_MS), 30 * TICKS_PER_MS)).toEqual([
      { kind: 'idle-advance', ticks: 10 * TICKS_PER_MS },
      typed('x'),
    ]);
  });

  test('a key that comes with a deadline comes after it', async () => {
    const host = new FakeHost();
    host.now = 31 * MS;
    host.typed.push(new Uint8Array(Buffer.from('x')));
    const live = host.live();
    expect(await live.idle(status(0), 30 * TICKS_PER_MS)).toBe('deadline');
    expect(await live.poll(status(30 * TICKS_PER_MS))).toEqual([typed('x')]);
  });

  test('after a suspended host one advance passes over the deadlines', async () => {
    const host = new FakeHost();
    host.now = 900 * MS;
    const advance = { kind: 'idle-advance', ticks: 900 * TICKS_PER_MS };
    expect(await host.live().idle(status(0), 30 * TICKS_PER_MS)).toEqual([advance]);
  });

  test('nor back where the guest is ahead', async () => {
    const host = new FakeHost();
    host.typed.push(new Uint8Array(Buffer.from('x')));
    expect(await host.live().idle(status(5 * TICKS_PER_MS), undefined)).toEqual([typed('x')]);
  });

  test('the time-out comes while the guest sleeps', async () => {
    const host = new FakeHost();
    const live = host.live({ timeoutSeconds: 2 });
    expect(await live.idle(status(0), undefined)).toEqual([]); // The recorder has a look.
    expect(host.now).toBe(1e9);
    expect(await live.idle(status(0), undefined)).toEqual([{ kind: 'power', cause: 'timeout' }]);
    expect(host.now).toBe(2e9);
  });

  test('a request to end comes while the guest sleeps', async () => {
    const host = new FakeHost();
    const live = host.live();
    host.script.push({ at: MS, act: () => live.requestPower('interrupted') });
    const power = [{ kind: 'power', cause: 'interrupted' }];
    expect(await live.idle(status(0), undefined)).toEqual(power);
  });

  test('without deadline and input it is for ever', async () => {
    const host = new FakeHost();
    host.script.push({ at: MS, act: () => (host.hasEnded = true) });
    expect(await host.live().idle(status(0), undefined)).toBe('never');
    expect(await host.live({ console: undefined }).idle(status(0), undefined)).toBe('never');
  });
});

describe('idle under the virtual clock', () => {
  test('every deadline is due, and no time passes', async () => {
    const host = new FakeHost();
    const live = host.live({ clock: undefined });
    expect(await live.idle(status(0), 30 * TICKS_PER_MS)).toBe('deadline');
    expect(host.slept).toEqual([]);
  });

  test('what is typed comes without any advance, also before a deadline', async () => {
    const host = new FakeHost();
    host.typed.push(new Uint8Array(Buffer.from('x')));
    const live = host.live({ clock: undefined });
    expect(await live.idle(status(0), 30 * TICKS_PER_MS)).toEqual([typed('x')]);
  });
});

describe('poll', () => {
  test('console, entropy, clock, in this order', async () => {
    const host = new FakeHost();
    host.typed.push(new Uint8Array(Buffer.from('x')));
    const clock = new ClockKeeper();
    clock.sample({ step: 0, ticks: 0 }, 0);
    host.now = 60 * MS;
    expect(await host.live({ clock }).poll({ ...status(0, 3), step: 1e6 })).toEqual([
      typed('x'),
      { kind: 'entropy', bytes: Uint8Array.of(7, 7, 7) },
      { kind: 'clock-line', jumpTicks: 60 * TICKS_PER_MS, slope: expect.any(Number) as number },
    ]);
  });

  test('entropy is given only where it is wanted', async () => {
    const host = new FakeHost();
    let asked = 0;
    const live = host.live({ entropy: (sizeBytes) => new Uint8Array((asked += sizeBytes)) });
    expect(await live.poll(status(0))).toEqual([]);
    expect(asked).toBe(0);
    await live.poll(status(0, 100_000));
    expect(asked).toBe(65_536);
  });

  test('the first request to end counts, alone', async () => {
    const host = new FakeHost();
    const live = host.live();
    host.typed.push(new Uint8Array(1));
    live.requestPower('interrupted');
    live.requestPower('timeout');
    expect(await live.poll(status(0, 8))).toEqual([{ kind: 'power', cause: 'interrupted' }]);
  });

  test('recordings are made safe once a second', () => {
    const host = new FakeHost();
    const live = host.live();
    const due = [0, 0.5, 1, 1.5, 2.1, 2.2].map((seconds) => {
      host.now = seconds * 1e9;
      return live.isSyncDue();
    });
    expect(due).toEqual([false, false, true, false, true, false]);
  });
});

test('the slower the guest, the sooner it is looked at again, if it follows a clock', async () => {
  const host = new FakeHost();
  const live = host.live();
  expect(live.stepsMax).toBe(Infinity);
  await live.poll({ ...status(0), step: 0 });
  host.now += 30 * MS;
  await live.poll({ ...status(0), step: 1_000_000 });
  expect(live.stepsMax).toBeGreaterThan(100_000);
  expect(live.stepsMax).toBeLessThan(300_000);
  expect(new FakeHost().live({ clock: undefined }).stepsMax).toBe(Infinity);
});

describe('a domain in a lab', () => {
  const call = { domain: 2, request: { kind: 'probe' } } as const;
  const answer = { kind: 'hypercall-result', result: -1, bytes: new Uint8Array(0) } as const;

  /** Gives what the test puts in. */
  class FakePeers implements PeerSource {
    inbox: MachineEvent[] = [];
    isEnded = false;
    isHeld = false;
    calls = 0;

    get hasInput(): boolean {
      return this.inbox.length > 0;
    }

    take(): MachineEvent[] {
      return this.inbox.splice(0);
    }

    note(): undefined {
      return undefined;
    }

    noteCall(): void {
      this.calls++;
    }
  }

  test('what others sent comes at the next look, and wakes an idle machine', async () => {
    const [host, peers] = [new FakeHost(), new FakePeers()];
    const live = host.live({ peers });
    peers.inbox.push({ kind: 'port-raised', port: 3 });
    expect(await live.poll(status(0))).toEqual([{ kind: 'port-raised', port: 3 }]);
    host.script.push({ at: 12 * MS, act: () => peers.inbox.push(answer) });
    expect(await live.idle(status(2 * TICKS_PER_MS), 30 * TICKS_PER_MS)).toEqual([
      { kind: 'idle-advance', ticks: 10 * TICKS_PER_MS },
      answer,
    ]);
  });

  test('it waits for others while there are any, and for ever when there are none', async () => {
    const [host, peers] = [new FakeHost(), new FakePeers()];
    const live = host.live({ peers, console: undefined, clock: undefined });
    expect(await live.idle(status(0), undefined)).toEqual([]); // The recorder has a look.
    peers.isEnded = true;
    expect(await live.idle(status(0), undefined)).toBe('never');
  });

  test('a call lets others through, and an end; it is looked at once a second', async () => {
    const [host, peers] = [new FakeHost(), new FakePeers()];
    const live = host.live({ peers });
    const request = { kind: 'peer-request', domain: 2, request: { kind: 'probe' } } as const;
    host.script.push({ at: MS, act: () => peers.inbox.push(request) });
    expect(await live.answer(status(0), call)).toEqual([request]);
    expect(await live.answer(status(0), call)).toEqual([]);
    expect(host.now).toBe(MS + 1e9);
    host.script.push({ at: host.now + MS, act: () => peers.inbox.push(answer) });
    expect(await live.answer(status(0), call)).toEqual([answer]);
    expect(peers.calls).toBe(3);
    live.requestPower('interrupted');
    expect(await live.answer(status(0), call)).toEqual([{ kind: 'power', cause: 'interrupted' }]);
  });

  test('alone, a call fails as to a domain that there is not', async () => {
    expect(await new FakeHost().live().answer(status(0), call)).toMatchObject([
      { kind: 'hypercall-result' },
    ]);
  });

  test('one that is held waits before each step', async () => {
    const [host, peers] = [new FakeHost(), new FakePeers()];
    const live = host.live({ peers });
    expect(live.stepsMax).toBeGreaterThan(1);
    peers.isHeld = true;
    expect(live.stepsMax).toBe(1);
    await live.poll(status(0));
    expect(host.now).toBe(10 * MS);
    peers.inbox.push(answer);
    expect(await live.poll(status(100_000))).toContainEqual(answer);
    expect(host.now).toBe(10 * MS);
  });
});
