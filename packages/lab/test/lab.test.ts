/**
 * Goal: domains that share pages, ports and a switch are recorded each by itself, and replay alone
 * and together, on either engine; two recordings differ; what is altered in one log is caught.
 * Method: the guest `lab` on real machines in one process; logs written anew with one change.
 */
import { toHex } from '@casmotion/base';
import type { Engine } from '@casmotion/machine';
import { formatDivergence, type ReplayResult } from '@casmotion/recorder';
import { describe, expect, test } from 'vitest';
import { LocalLab, type Part, type Recorded, replayAlone, replayTogether } from './local-lab.ts';

const ENGINES: readonly Engine[] = ['interpreter', 'translator'];

export function patternDisk(blocks: number): Uint8Array {
  return Uint8Array.from({ length: blocks * 4096 }, (_, at) => (at * 31 + (at >> 12) * 7) & 0xff);
}

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

describe('a front end and a back end', () => {
  test('blocks go over the ring; each log replays alone and both together', async () => {
    const recorded = await new LocalLab(BLOCKS, { seed: 1 }).record();
    const sums = recorded.map(({ text }) => /checksum (\d+)\n$/.exec(text)?.[1]);
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
});
