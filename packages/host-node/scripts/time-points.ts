/**
 * Records the embedded guest under hosts made of seeds, each by steps, by (branches, pc) and by
 * (branches, pc, sp), the counter's skid drawn from 0 to 500, and replays every recording. Prints
 * what came of it; exits with 1 at the first divergence, with the command that repeats it.
 *
 *   node --conditions=casmotion-source --import tsx scripts/time-points.ts
 *        [--seed N] [--count N] [--skid-max N] [--margin N]
 */
import { parseArgs } from 'node:util';
import { Prng } from '@casmotion/base';
import type { PmuConfig } from '@casmotion/machine';
import { formatDivergence, type MatchStatistics } from '@casmotion/recorder';
import { recordSeed, replaySeed } from '../test/support/seeded-recording.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    'skid-max': { type: 'string', default: '500' },
    margin: { type: 'string' },
  },
});
const [first, count, skidMax] = [values.seed, values.count, values['skid-max']].map(Number);
const margin = values.margin === undefined ? {} : { margin: Number(values.margin) };

interface Totals {
  recordings: number;
  steps: number;
  places: number;
  logBytes: number;
  creptSteps: number;
  arms: number;
  rewinds: number;
  worstSkid: number;
}

const KINDS = ['step', 'branches', 'branches+register'] as const;
const totals = new Map<string, Totals>();

process.exitCode = await main();

async function main(): Promise<number> {
  if (![first, count, skidMax].every((value = -1) => Number.isSafeInteger(value) && value >= 0)) {
    console.error('--seed, --count and --skid-max take whole numbers');
    return 1;
  }
  for (let seed = first ?? 1; seed < (first ?? 1) + (count ?? 0); seed++) {
    const skid = new Prng(seed).below((skidMax ?? 0) + 1);
    for (const kind of KINDS) {
      const timePoint = kind === 'step' ? undefined : { kind, skid, seed, overcount: 0 };
      if (!(await isReplayed(seed, timePoint))) return 1;
    }
  }
  for (const [kind, sums] of totals) {
    const { recordings, steps, places, logBytes, creptSteps, arms, rewinds, worstSkid } = sums;
    console.log(
      `${kind}: ${recordings} recordings of ${steps} instructions, ${places} events, ` +
        `${logBytes} log bytes: 0 divergences` +
        (kind === 'step'
          ? ''
          : `; ${Math.round(creptSteps / places)} instructions crept an event, ${arms} arms, ` +
            `${rewinds} rewinds, worst skid ${worstSkid}`),
    );
  }
  return 0;
}

async function isReplayed(seed: number, timePoint: PmuConfig | undefined): Promise<boolean> {
  const kind = timePoint?.kind ?? 'step';
  const recording = await recordSeed(seed, timePoint);
  const { result, console: printed } = await replaySeed(recording.bytes, margin);
  if (result.kind === 'divergence' || String(printed) !== String(recording.console)) {
    if (result.kind === 'divergence') console.error(formatDivergence(result.report));
    console.error(`kind ${kind}: scripts/time-points.ts --seed ${seed} --count 1`);
    return false;
  }
  add(kind, recording.bytes.length, result.steps, result.events, result.matching);
  return true;
}

function add(
  kind: string,
  logBytes: number,
  steps: number,
  events: number,
  matching: MatchStatistics | undefined,
): void {
  const sums = totals.get(kind) ?? {
    ...{ recordings: 0, steps: 0, places: 0, logBytes: 0 },
    ...{ creptSteps: 0, arms: 0, rewinds: 0, worstSkid: 0 },
  };
  totals.set(kind, sums);
  sums.recordings++;
  sums.steps += steps;
  sums.places += events;
  sums.logBytes += logBytes;
  if (matching === undefined) return;
  sums.creptSteps += matching.creptSteps;
  sums.arms += matching.arms;
  sums.rewinds += matching.rewinds;
  sums.worstSkid = Math.max(sums.worstSkid, matching.worstSkid);
}
