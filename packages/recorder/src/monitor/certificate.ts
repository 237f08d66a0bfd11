/**
 * A certificate: what a replay has checked, how and how often, so that somebody else can trust the
 * recording, or make the same checks and compare. It states facts of one replay; it is not signed.
 */
import { toHex } from '@casmotion/base';
import type { ImageRef, MachineConfig } from '@casmotion/machine';
import type { EndReason, LogReader } from '@casmotion/replay-log';
import type { ReplayResult } from '../replayer.ts';
import {
  CHECK_NAMES,
  type CheckCounts,
  type CheckName,
  CHECKS,
  type MonitorLevel,
  type Premise,
  PREMISES,
} from './checks.ts';

export interface CertificateInput {
  readonly result: ReplayResult;
  readonly log: LogReader;
  /** BLAKE3-256 of the file, hexadecimal. */
  readonly logDigestHex: string;
  readonly config: MachineConfig;
  readonly counts: CheckCounts;
  readonly level: MonitorLevel;
  /** The one that replayed first; with full monitoring the other beside it. */
  readonly engines: readonly string[];
  /** By name: those of the program and of what it runs on. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Plain data, for JSON. Digests are hexadecimal. */
export interface Certificate {
  readonly verdict: Verdict;
  readonly level: MonitorLevel;
  readonly versions: Readonly<Record<string, string>>;
  readonly engines: readonly string[];
  readonly log: {
    readonly blake3: string;
    readonly sizeBytes: number;
    readonly formatVersion: number;
    readonly creator: string;
    readonly chunks: number;
    /** Bytes of a log cut short that were not used. */
    readonly lostBytes: number;
  };
  readonly machine: MachineConfig;
  readonly images: readonly (ImageRef & { readonly role: string })[];
  readonly steps: number;
  readonly events: number;
  readonly landmarks: number;
  readonly end: EndReason | null;
  readonly stateDigest: string | null;
  readonly outputBytes: number;
  readonly outputDigest: string;
  readonly premises: readonly CertifiedPremise[];
}

/** `prefix`: all that is left of a log cut short agreed. */
export type Verdict = 'holds' | 'prefix' | 'broken';

export interface CertifiedPremise {
  readonly premise: Premise;
  readonly says: string;
  /** `unchecked`: no check of it was due, as without events; `open`: this one or another. */
  readonly verdict: 'holds' | 'broken' | 'open' | 'unchecked';
  /** How often each check of it was made. */
  readonly checks: readonly { readonly name: CheckName; readonly times: number }[];
}

export function createCertificate(input: CertificateInput): Certificate {
  const { result, log, logDigestHex, config, level, engines, versions } = input;
  return {
    verdict: verdictOf(result),
    level,
    versions,
    engines,
    log: {
      blake3: logDigestHex,
      sizeBytes: log.sizeBytes,
      formatVersion: log.version,
      creator: log.header.creator,
      chunks: log.chunkCount,
      lostBytes: log.cut?.lostBytes ?? 0,
    },
    machine: config,
    images: imagesOf(config),
    steps: result.steps,
    events: result.events,
    landmarks: result.landmarks,
    end: (result.kind === 'matched' ? result.end : undefined) ?? null,
    stateDigest: result.kind === 'matched' ? toHex(result.stateDigest) : null,
    outputBytes: result.outputBytes,
    outputDigest: toHex(result.outputDigest),
    premises: premisesOf(input),
  };
}

/** For a person: several lines. */
export function formatCertificate(certificate: Certificate): string[] {
  const { verdict, level, versions, engines, log, images, premises } = certificate;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const digest = certificate.stateDigest ?? 'none: it did not get to its end';
  return [
    `certificate: ${VERDICTS[verdict]}`,
    `  log       BLAKE3 ${log.blake3}`,
    `            ${log.sizeBytes} bytes in ${log.chunks} chunks, format ${log.formatVersion},` +
      ` by ${log.creator}`,
    ...images.map(({ role, digestHex }) => `  ${role.padEnd(8)}  BLAKE3 ${digestHex}`),
    `  checked   ${level}, on ${engines.join(' and ')}; ${names.join(', ')}`,
    `  replayed  ${certificate.steps} steps, ${certificate.events} events,` +
      ` ${certificate.landmarks} landmarks`,
    `  state     ${digest}`,
    `  output    ${certificate.outputDigest}, ${certificate.outputBytes} bytes`,
    ...premises.map(premiseLine),
  ];
}

function premiseLine({ premise, says, verdict, checks }: CertifiedPremise): string {
  const made = checks.map(({ name, times }) => `${name} ${times}`).join(', ');
  return `  ${premise} ${verdict.padEnd(9)} ${says}${made === '' ? '' : `: ${made}`}`;
}

function verdictOf(result: ReplayResult): Verdict {
  if (result.kind === 'divergence') return 'broken';
  return result.cut === undefined ? 'holds' : 'prefix';
}

function premisesOf({ result, counts, log }: CertificateInput): CertifiedPremise[] {
  const suspects = result.kind === 'divergence' ? result.report.premises : [];
  const certified = (isSuspect: boolean, isChecked: boolean): CertifiedPremise['verdict'] => {
    if (isSuspect) return suspects.length === 1 ? 'broken' : 'open';
    return isChecked ? 'holds' : 'unchecked';
  };
  return PREMISE_NAMES.map((premise) => {
    const checks = CHECK_NAMES.filter((name) => hasPremise(name, premise))
      .map((name) => ({ name, times: counts.of(name) }))
      .filter(({ times }) => times > 0);
    // What is left of a log cut short may be right or not; whole it is not, in either case.
    const isCut = premise === 'C8' && log.cut !== undefined;
    const verdict = isCut ? 'broken' : certified(suspects.includes(premise), checks.length > 0);
    return { premise, says: PREMISES[premise], verdict, checks };
  });
}

function hasPremise(name: CheckName, premise: Premise): boolean {
  return (CHECKS[name].premises as readonly Premise[]).includes(premise);
}

function imagesOf({ kernel, initrd, firmware, disks }: MachineConfig): Certificate['images'] {
  const named = { kernel, initrd, firmware };
  const single = Object.entries(named).flatMap(([role, ref]) =>
    ref === undefined ? [] : [{ role, ...ref }],
  );
  return [...single, ...disks.map((ref, index) => ({ role: `disk ${index}`, ...ref }))];
}

const PREMISE_NAMES = Object.keys(PREMISES) as readonly Premise[];

const VERDICTS: Readonly<Record<Verdict, string>> = {
  holds: 'the replay is the recorded run, as far as was checked',
  prefix: 'all that is left of the log is the recorded run, as far as was checked',
  broken: 'the replay is not the recorded run',
};
