/** `verify`'s certificate: made of an outcome, told, and written to a file if asked for. */
import { closeSync, writeSync } from 'node:fs';
import {
  digestLog,
  HostFileError,
  hostVersions,
  type OpenedLog,
  type ReplayOutcome,
} from '@casmotion/host-node';
import {
  type Certificate,
  createCertificate,
  formatCertificate,
  type MonitorLevel,
} from '@casmotion/recorder';
import type { LogTools } from '@casmotion/replay-log';
import { VERSION } from './context.ts';
import { openForOutput } from './output-file.ts';
import type { CommandResult } from './result.ts';

/** The file of `-o`, open from before the replay. */
export class CertificateFile {
  readonly #path: string;
  readonly #descriptor: number;

  /** Throws `VmError`s: it cannot be made, or is one of the files in use. */
  constructor(path: string, inUse: readonly string[]) {
    this.#path = path;
    this.#descriptor = openForOutput(path, inUse, WORDS);
  }

  write(certificate: Certificate): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(certificate, null, 2)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (cause) {
      throw new HostFileError(this.#path, `${WORDS.what} cannot be written`, cause, WORDS.next);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

export async function certify(
  outcome: ReplayOutcome,
  log: OpenedLog,
  level: MonitorLevel,
  tools: LogTools,
): Promise<Certificate> {
  const { result, counts, engines } = outcome;
  return createCertificate({
    result,
    log: log.reader,
    logDigestHex: await digestLog(log, tools.hashes),
    config: log.config,
    counts,
    level,
    engines,
    versions: { casmotion: VERSION, ...hostVersions() },
  });
}

export function addCertificate(result: CommandResult, certificate: Certificate): CommandResult {
  return {
    json: { ...result.json, certificate },
    lines: [...result.lines, ...formatCertificate(certificate)],
  };
}

const WORDS = { what: 'the certificate', next: 'name another file with -o' } as const;
