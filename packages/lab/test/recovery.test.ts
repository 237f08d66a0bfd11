/**
 * Goal: a lab of which one domain lost the end of its log goes on from the greatest consistent cut,
 * with no orphan, and comes to the right end; the new logs replay alone and together, and begin as
 * the old ones. Method: labs that crash at random places, logs cut at random bytes; the cut found
 * with vector clocks against the one found by senders alone.
 */
import { defined, Prng, toHex } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import type { LiveInputs } from '@casmotion/recorder';
import { describe, expect, test } from 'vitest';
import {
  consistentCut,
  type DomainCut,
  loggedDomain,
  OriginCursor,
  RerunInputs,
} from '../src/index.ts';
import { patternDisk } from './pattern-disk.ts';
import {
  LocalLab,
  type LabOptions,
  openBytes,
  type Part,
  type Recorded,
  replayAlone,
  replayTogether,
} from './local-lab.ts';

const PARTS: readonly Part[] = [
  { name: 'front', id: 1, append: 'front 2 30' },
  { name: 'back', id: 2, append: 'back 1', disk: patternDisk(30) },
  { name: 'ping', id: 3, append: 'ping 4 10' },
  { name: 'echo', id: 4, append: 'echo 10' },
];

/** A lab that stops in the middle; the log of one is cut at some byte, as a crash leaves it. */
async function crash(seed: number): Promise<Recorded[]> {
  const prng = new Prng(seed);
  const id = 1 + prng.below(2);
  const step = 200_000 + prng.below(1_500_000);
  const recorded = await new LocalLab(PARTS, { seed, crash: { id, step } }).record();
  return recorded.map((one) => {
    if (one.part.id !== id) return one;
    const { chunks } = openBytes(one.bytes);
    const first = defined(chunks[1 + prng.below(chunks.length - 1)], 'a chunk').fileOffset;
    return { ...one, bytes: one.bytes.slice(0, first + prng.below(20)) };
  });
}

function cutOf(recorded: readonly Recorded[], look?: 'all' | 'sender'): readonly DomainCut[] {
  const logs = recorded.map(({ part, bytes }) =>
    loggedDomain(part.name, part.id, openBytes(bytes)),
  );
  return consistentCut(logs, look);
}

/** Records them again up to the cut, and with `goesOn` to their end. */
async function rerun(
  recorded: readonly Recorded[],
  cuts: readonly DomainCut[],
  goesOn: boolean,
): Promise<Recorded[]> {
  const delivered = new Map(
    cuts.map(({ domain }) => {
      const counts = cuts.map((to) => [to.domain, to.received.get(domain) ?? 0] as const);
      return [domain, new Map(counts)] as const;
    }),
  );
  const inputs: LabOptions['inputs'] = ({ part, machine, member, writer, live }) => {
    const cut = defined(
      cuts.find(({ domain }) => domain === part.id),
      'cut',
    );
    const old = openBytes(
      defined(
        recorded.find((one) => one.part.id === part.id),
        'log',
      ).bytes,
    );
    const begin = (incarnation: number): void =>
      writer.origin({ kind: 'incarnation', event: writer.eventCount, incarnation });
    return new RerunInputs({
      name: part.name,
      machine,
      member,
      events: old.events(),
      origins: new OriginCursor(old.origins()),
      keep: cut.events,
      untilStep: cut.untilStep,
      onIncarnation: begin,
      thenLive: () => {
        if (!goesOn) return ending(member);
        begin(cut.incarnation + 1);
        member.goLive(cut.incarnation + 1);
        return live;
      },
    });
  };
  return new LocalLab(PARTS, { seed: 99, inputs, delivered }).record();
}

function ending(member: { note(event: MachineEvent): undefined | object }): LiveInputs {
  const power: MachineEvent[] = [{ kind: 'power', cause: 'host-error' }];
  return {
    poll: () => power,
    idle: async () => power,
    answer: async () => power,
    noteEvent: (event) => {
      member.note(event);
      return undefined;
    },
  };
}

async function expectReplays(recorded: readonly Recorded[]): Promise<void> {
  for (const one of recorded) {
    const replayed = await replayAlone(one, 'interpreter');
    expect(replayed.kind).toBe('matched');
  }
  const { results } = await replayTogether(recorded);
  expect(results.map(({ kind }) => kind)).toEqual(recorded.map(() => 'matched'));
}

/** Each records and replays four machines several times. */
const SCENARIO_MS = 300_000;

describe('after a crash', { timeout: SCENARIO_MS }, () => {
  let rolledBack = 0;

  test.each([1, 2, 3, 5])('seed %i: to the cut, and on to the end', async (seed) => {
    const recorded = await crash(seed);
    const cuts = cutOf(recorded);
    expect(cutOf(recorded, 'sender').map(({ events }) => events)).toEqual(
      cuts.map(({ events }) => events),
    );
    const orphans = cuts.filter(({ orphan }) => orphan !== undefined);
    rolledBack += orphans.length;

    const stopped = await rerun(recorded, cuts, false);
    await expectReplays(stopped);
    for (const [index, { bytes }] of stopped.entries()) {
      const [old, made] = [recorded[index], openBytes(bytes)].map((log) =>
        log === undefined ? [] : [...('bytes' in log ? openBytes(log.bytes) : log).events()],
      );
      const kept = cuts[index]?.events ?? 0;
      expect(made?.slice(0, kept)).toEqual(old?.slice(0, kept));
    }
    // What was brought to the cut is consistent, and nothing more is lost.
    expect(cutOf(stopped).map(({ events }) => events)).toEqual(cuts.map(({ events }) => events));

    const finished = await rerun(recorded, cuts, true);
    const sums = finished.map(({ text }) => /checksum (\d+)\n$/.exec(text)?.[1]);
    expect(sums[0], finished.map(({ text }) => text).join()).toMatch(/\d/);
    expect(sums[1]).toBe(sums[0]);
    expect(sums[3]).toBe(sums[2]);
    await expectReplays(finished);
  });

  test('orphans were among them', () => {
    expect(rolledBack).toBeGreaterThan(0);
  });

  test('a set that crashed again goes on again', async () => {
    const once = await crash(2);
    const cuts = cutOf(once);
    const again = await rerun(once, cuts, true);
    // The log of the back end loses its end once more.
    const logs = again.map((one) => {
      if (one.part.id !== 2) return one;
      const { chunks } = openBytes(one.bytes);
      const place = defined(chunks[chunks.length - 4], 'a chunk').fileOffset;
      return { ...one, bytes: one.bytes.slice(0, place) };
    });
    const second = cutOf(logs);
    expect(second.map(({ incarnation }) => incarnation)).toContain(1);
    const finished = await rerun(logs, second, true);
    expect(finished[0]?.text).toBe(again[0]?.text);
    await expectReplays(finished);
    expect(toHex(finished[1]?.result.recorded?.outputDigest ?? new Uint8Array(0))).toMatch(/./);
  });
});
