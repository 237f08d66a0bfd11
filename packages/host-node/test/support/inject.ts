/**
 * Injects faults in shuffled order and reports, without a look at what was injected: from the log's
 * bytes, the images and the replay's own certificate. Test support, and of scripts/injections.ts.
 */
import { createHashes, Prng, toHex } from '@casmotion/base';
import { MemoryImage } from '@casmotion/devices';
import { createMachine } from '@casmotion/machine';
import {
  createCertificate,
  formatDivergence,
  type MonitorLevel,
  noOutputs,
  type Premise,
  PREMISES,
  premisesOfError,
} from '@casmotion/recorder';
import { bufferSource, createLogTools, openLog } from '@casmotion/replay-log';
import { parseMachineConfig } from '../../src/images/config-json.ts';
import { replayFiles } from '../../src/session/replay-session.ts';
import { drawInjection, type Injection } from './injections.ts';
import { images, recordSeed, type SeededRecording } from './seeded-recording.ts';

const hashes = await createHashes();
const tools = await createLogTools();

/** What was said, and nothing of why. */
export interface Report {
  /** At least one of these is broken; none: everything agreed. */
  readonly premises: readonly Premise[];
  /** Of the end, where there was one. */
  readonly stateDigest: string | null;
  readonly text: string;
}

export interface Judged {
  readonly injection: Injection;
  readonly seed: number;
  readonly report: Report;
  readonly verdict: 'named' | 'open' | 'wrong' | 'without effect' | 'unnoticed';
}

export interface Row {
  readonly premise: Premise;
  named: number;
  open: number;
  wrong: number;
  /** Everything agreed, to the last digest of all memory: the fault had no effect on the run. */
  withoutEffect: number;
  unnoticed: number;
}

/** So many faults of each premise, in an order drawn by `seed`; none that did not strike counts. */
export async function* injectAll(
  seed: number,
  count: number,
  level: MonitorLevel = 'full',
): AsyncGenerator<Judged, void> {
  const random = new Prng(seed);
  const left = Object.keys(PREMISES).flatMap((premise) =>
    Array.from({ length: count }, () => premise as Premise),
  );
  const recordings = new Map<string, SeededRecording>();
  while (left.length > 0) {
    const index = random.below(left.length);
    const [premise] = left.splice(index, 1);
    if (premise === undefined) return;
    for (;;) {
      const [host, timePoint] = [random.pick(HOSTS), random.pick(TIME_POINTS)];
      const name = `${host} ${timePoint?.kind ?? 'steps'}`;
      const recording = recordings.get(name) ?? (await recordSeed(host, timePoint));
      recordings.set(name, recording);
      const injection = drawInjection(premise, random, recording);
      if (injection === undefined) continue;
      const report = await reportOn(injection, recording, level);
      if (!injection.hasStruck()) continue;
      yield { injection, seed: host, report, verdict: judge(injection, report, recording) };
      break;
    }
  }
}

export function addToRows(rows: Map<Premise, Row>, { injection, verdict }: Judged): void {
  const { premise } = injection;
  const none = { named: 0, open: 0, wrong: 0, withoutEffect: 0, unnoticed: 0 };
  const row = rows.get(premise) ?? { premise, ...none };
  rows.set(premise, row);
  if (verdict === 'without effect') row.withoutEffect++;
  else row[verdict]++;
}

function judge(
  { premise, record }: Injection,
  { premises, stateDigest }: Report,
  { result }: SeededRecording,
): Judged['verdict'] {
  if (premises.length === 0) {
    // Of a recording whose machine was broken the log's own digests have agreed; what a writer did
    // not write, or elsewhere, is broken whatever came of it.
    const isOfMachine = record !== undefined && ['C2', 'C4', 'C5'].includes(premise);
    const isSame = stateDigest === toHex(result.recorded?.stateDigest ?? new Uint8Array());
    const isExcused = isOfMachine || (isSame && record === undefined);
    return isExcused ? 'without effect' : 'unnoticed';
  }
  if (!premises.includes(premise)) return 'wrong';
  return premises.length === 1 ? 'named' : 'open';
}

/** All that it is given of the injection are the places where it strikes. */
export async function reportOn(
  { record, bytes, kernel, disk, replay, onProgress }: Injection,
  recording: SeededRecording,
  level: MonitorLevel,
): Promise<Report> {
  const recorded =
    record === undefined
      ? recording
      : await recordSeed(recording.seed, recording.timePoint, 'translator', record);
  const file = bytes?.(recorded.bytes) ?? recorded.bytes;
  try {
    const source = bufferSource(file);
    const reader = openLog(source, tools);
    const config = parseMachineConfig(reader.header.machine);
    const right = images();
    const content = new Uint8Array(2 ** 20);
    const given = { ...right, kernel: right.kernel && (kernel?.(right.kernel) ?? right.kernel) };
    await createMachine(config, given, { hashes }); // Checks them.
    disk?.(content);
    const files = {
      config,
      images: { ...given, disks: [new MemoryImage(content)] },
      close: () => undefined,
    };
    const outcome = await replayFiles(
      {
        log: { path: 'log', reader, config, source, close: () => undefined },
        tools,
        imageDir: undefined,
        outputs: noOutputs,
        monitor: level,
        nextCommand: 'none',
        ...(onProgress === undefined ? {} : { onProgress }),
      },
      files,
      replay ?? {},
    );
    const { result, counts, engines } = outcome;
    const certificate = createCertificate({
      ...{ result, counts, engines, level, config, log: reader },
      ...{ logDigestHex: toHex(hashes.blake3(file)), versions: {} },
    });
    const premises = certificate.premises
      .filter(({ verdict }) => verdict === 'broken' || verdict === 'open')
      .map(({ premise }) => premise);
    const text = result.kind === 'divergence' ? formatDivergence(result.report) : 'matched';
    return { premises, stateDigest: certificate.stateDigest, text };
  } catch (error) {
    const premises = premisesOfError(error);
    if (premises.length === 0) throw error;
    return { premises, stateDigest: null, text: String(error) };
  }
}

/** Hosts whose recordings have many events, some at one step. */
const HOSTS = [1, 2, 5, 6] as const;

/** As many by steps as by branches. */
const PMU = { skid: 100, seed: 1, overcount: 0 } as const;
const TIME_POINTS = [
  undefined,
  undefined,
  { kind: 'branches', ...PMU },
  { kind: 'branches+register', ...PMU },
] as const;
