/**
 * Goal: domains that share pages, ports and a switch are recorded each by itself, and replay alone
 * and together, on either engine; two recordings differ; what is altered in one log is caught.
 * Method: the guest `lab` on real machines in one process; logs written anew with one change.
 */
import { toHex } from '@casmotion/base';
import type { Engine } from '@casmotion/machine';
import { formatDivergence, type ReplayResult } from '@casmotion/recorder';
import { describe, expect, test } from 'vitest';
import type { LoggedEvent, OriginRecord } from '@casmotion/replay-log';
import { CausalityError, WINDOW_PARCELS } from '../src/index.ts';
import { LocalLab, type Part, type Recorded, replayAlone, replayTogether } from './local-lab.ts';
import { patternDisk } from './pattern-disk.ts';
import { rewrite } from './rewrite.ts';

const ENGINES: readonly Engine[] = ['interpreter', 'translator'];

const BLOCKS: readonly Part[] = [
  { name: 'front', id: 1, append: 'front 2 40' },
  { name: 'back', id: 2, append: 'back 1', disk: patternDisk(40) },
];

function expectMatch(replayed: ReplayResult | undefined, { result }: Recorded): void {
  const found =
    replayed?.kind === 'divergence' ? formatDivergence(replayed.report) : replayed?.kind;
  expect(found).toBe('matched');
  if (replayed?.kind !== 'matched') return;
  expect(toHex(replayed.stateDigest)).toBe(
    toHex(result.recorded?.stateDigest ?? new Uint8Array(0)),
  );
}

function checksums(recorded: readonly Recorded[]): (string | undefined)[] {
  return recorded.map(({ text }) => /checksum (\d+)\n$/.exec(text)?.[1]);
}

describe('a front end and a back end', () => {
  test('blocks go over the ring; each log replays alone, and both together', async () => {
    const recorded = await new LocalLab(BLOCKS, { seed: 1 }).record();
    const sums = checksums(recorded);
    expect(sums[0], recorded.map(({ text }) => text).join()).toMatch(/\d/);
    expect(sums[1]).toBe(sums[0]);
    for (const one of recorded) {
      for (const engine of ENGINES) expectMatch(await replayAlone(one, engine), one);
    }
    for (const engine of ENGINES) {
      const { results, messages } = await replayTogether(recorded, engine);
      expect(messages).toBeGreaterThan(80);
      for (const [index, one] of recorded.entries()) expectMatch(results[index], one);
    }
  });

  test('without a common schedule two recordings differ, their results do not', async () => {
    const [one, other] = [
      await new LocalLab(BLOCKS, { seed: 1 }).record(),
      await new LocalLab(BLOCKS, { seed: 2 }).record(),
    ];
    expect(checksums(one)).toEqual(checksums(other));
    expect(toHex(one[0]?.bytes ?? EMPTY)).not.toBe(toHex(other[0]?.bytes ?? EMPTY));
    expect(toHex(one[1]?.bytes ?? EMPTY)).not.toBe(toHex(other[1]?.bytes ?? EMPTY));
  });
});

const EMPTY = new Uint8Array(0);

describe('a log that was altered, with right checksums', () => {
  const recorded = new LocalLab(BLOCKS, { seed: 3 }).record();

  /** Replays them together with the log of one changed. */
  async function altered(
    index: number,
    change: (events: LoggedEvent[], origins: OriginRecord[]) => void,
  ): Promise<unknown> {
    const logs = (await recorded).map((one, at) =>
      at === index ? { ...one, bytes: rewrite(one.bytes, change) } : one,
    );
    try {
      const { results } = await replayTogether(logs);
      return results.find(({ kind }) => kind === 'divergence')?.kind;
    } catch (error) {
      return error;
    }
  }

  test('nothing altered: nothing found', async () => {
    expect(await altered(0, () => undefined)).toBeUndefined();
  });

  test('a byte of a message', async () => {
    const error = await altered(0, (events) => {
      const at = events.findIndex(({ event }) => event.kind === 'shared-page-write');
      const event = events[at]?.event;
      if (event?.kind !== 'shared-page-write') throw new Error('no write');
      event.runs[0]?.bytes.set([0xee]);
    });
    expect(error).toBeInstanceOf(CausalityError);
    expect(String((error as CausalityError).details.where)).toMatch(/^front, event \d+ at step/);
  });

  test.each<[string, (origin: Origin) => Partial<Origin>, RegExp]>([
    [
      'a number',
      ({ number, through }) => ({ number: number + 1, through: through + 1 }),
      /message/,
    ],
    ['a step', ({ sentStep }) => ({ sentStep: sentStep - 1 }), /^sent of back by step/],
    ['a clock', ({ clock }) => ({ clock: clock.slice(1) }), /^vector clock/],
    ['a sender', () => ({ domain: 7 }), /the log of domain 7/],
    ['a merged send', ({ through }) => ({ through: through + 1 }), /./],
  ])('%s', async (_, change, expected) => {
    const error = await altered(0, (_events, origins) => {
      const at = origins.findIndex(({ event }) => event > 10);
      const record = origins[at];
      if (record?.kind !== 'received') throw new Error('no origin');
      origins[at] = { ...record, origin: { ...record.origin, ...change(record.origin) } };
    });
    expect(error).toBeInstanceOf(CausalityError);
    expect((error as CausalityError).details.expected).toMatch(expected);
  });

  test('a message without its origin', async () => {
    const error = await altered(0, (events, origins) => {
      const number = events.findIndex(({ event }) => event.kind === 'shared-page-write');
      origins.splice(
        origins.findIndex(({ event }) => event === number),
        1,
      );
    });
    expect(error).toBeInstanceOf(CausalityError);
    expect((error as CausalityError).details.found).toBe('nothing of that in the log');
  });

  test('two messages swapped, with their origins', async () => {
    const result = await altered(1, (events, origins) => {
      const at = origins.findIndex(
        ({ event }) =>
          events[event]?.event.kind === 'shared-page-write' &&
          events[event + 1]?.event.kind === 'port-raised',
      );
      const number = origins[at]?.event ?? -1;
      const [one, two] = [events[number], events[number + 1]];
      const [first, second] = [origins[at], origins[at + 1]];
      if (!one || !two) throw new Error('no events');
      if (first?.kind !== 'received' || second?.kind !== 'received') throw new Error('no pair');
      [events[number], events[number + 1]] = [
        { ...one, event: two.event },
        { ...two, event: one.event },
      ];
      [origins[at], origins[at + 1]] = [
        { ...first, origin: second.origin },
        { ...second, origin: first.origin },
      ];
    });
    expect(result).toBeInstanceOf(CausalityError);
  });

  test('a message left out', async () => {
    const result = await altered(1, (events, origins) => {
      const number = events.findIndex(({ event }) => event.kind === 'shared-page-write');
      events.splice(number, 1);
      origins.splice(
        origins.findIndex(({ event }) => event === number),
        1,
      );
      for (const [at, record] of origins.entries()) {
        if (record.event > number) origins[at] = { ...record, event: record.event - 1 };
      }
    });
    expect(result).toBeInstanceOf(CausalityError);
  });
});

type Origin = Extract<OriginRecord, { kind: 'received' }>['origin'];

describe('three domains on the switch', () => {
  const FRAMES: readonly Part[] = [
    { name: 'ping', id: 1, append: 'ping 3 30' },
    { name: 'other', id: 2, append: 'ping 3 20', engine: 'interpreter' },
    { name: 'echo', id: 3, append: 'echo 30' },
  ];

  test('frames come back, and are replayed', async () => {
    const parts = [FRAMES[0], FRAMES[2]].filter((part) => part !== undefined);
    const recorded = await new LocalLab(parts, { seed: 4 }).record();
    const sums = checksums(recorded);
    expect(sums[0], recorded.map(({ text }) => text).join()).toMatch(/\d/);
    expect(sums[1]).toBe(sums[0]);
    expect(recorded[0]?.result.events['net-packet']).toBeGreaterThanOrEqual(30);
    for (const one of recorded) expectMatch(await replayAlone(one, 'interpreter'), one);
    const { results, messages } = await replayTogether(recorded);
    expect(messages).toBeGreaterThan(60);
    for (const [index, one] of recorded.entries()) expectMatch(results[index], one);
  });

  test('two that ask one: each replays, and all together', async () => {
    const recorded = await new LocalLab(FRAMES, { seed: 5 }).record();
    expect(recorded[0]?.text).toMatch(/^ping: frames 30\nping: checksum \d+\n$/);
    for (const one of recorded) expectMatch(await replayAlone(one, 'translator'), one);
    const { results } = await replayTogether(recorded, 'interpreter');
    for (const [index, one] of recorded.entries()) expectMatch(results[index], one);
  });
});

describe('a hostile domain', () => {
  const PARTS: readonly Part[] = [
    { name: 'victim', id: 1, append: 'victim 2 50' },
    { name: 'flood', id: 2, append: 'flood 1' },
    { name: 'front', id: 3, append: 'front 4 10' },
    { name: 'back', id: 4, append: 'back 3', disk: patternDisk(10) },
  ];

  test('floods every port: memory and logs are bounded, the others work on', async () => {
    const lab = new LocalLab(PARTS, { seed: 6, maxSteps: 3_000_000 });
    const recorded = await lab.record();
    const [victim, flood] = recorded;
    expect(victim?.text).toMatch(/^victim: rounds 50\nvictim: checksum \d+\n$/);
    expect(recorded[2]?.text).toMatch(/^front: blocks 10\n/);
    expect(flood?.result.end).toEqual({ by: 'host', cause: 'step-limit' });
    // It was held: no inbox had much more than a window, and a slice of sends.
    expect(lab.inboxMax).toBeGreaterThan(WINDOW_PARCELS / 2);
    expect(lab.inboxMax).toBeLessThan(WINDOW_PARCELS + 50_000 / 10);
    const raised = victim?.result.events['port-raised'] ?? 0;
    expect(raised).toBeGreaterThan(64);
    expect(raised).toBeLessThan((lab.sent.get(2) ?? 0) / 2);
    for (const one of recorded) expectMatch(await replayAlone(one, 'translator'), one);
    const { results } = await replayTogether(recorded);
    for (const [index, one] of recorded.entries()) expectMatch(results[index], one);
  });
});

describe('bad neighbours', () => {
  test('two domains that bind the same port: one is refused, nobody is harmed', async () => {
    const recorded = await new LocalLab(
      [
        { name: 'front', id: 1, append: 'front 2 8' },
        { name: 'back', id: 2, append: 'back 1', disk: patternDisk(8) },
        { name: 'thief', id: 3, append: 'back 1', disk: patternDisk(8) },
      ],
      { seed: 7, maxSteps: 8_000_000 },
    ).record();
    expect(recorded[0]?.text).toMatch(/^front: blocks 8\n/);
    // The port was for another: EINVAL until the front end is gone, then ESRCH; it tries for ever.
    expect(recorded[2]?.text).toBe('');
    expect(recorded[2]?.result.end).toEqual({ by: 'host', cause: 'step-limit' });
    expect(recorded[2]?.result.events['hypercall-result']).toBeGreaterThan(3);
    for (const one of recorded) expectMatch(await replayAlone(one, 'translator'), one);
    const { results } = await replayTogether(recorded);
    for (const [index, one] of recorded.entries()) expectMatch(results[index], one);
  });

  test('a log without its peer replays alone; together, the missing one is named', async () => {
    const recorded = await new LocalLab(BLOCKS, { seed: 8 }).record();
    await expect(replayTogether(recorded.slice(0, 1))).rejects.toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ expected: 'the log of domain 2' }) as unknown,
      }) as Error,
    );
  });
});
