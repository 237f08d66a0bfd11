/** `verify`'s certificate: made of an outcome, told, and written to a file if asked for. */
import { digestLog, hostVersions, type OpenedLog, type ReplayOutcome } from '@casmotion/host-node';
import {
  type Certificate,
  createCertificate,
  formatCertificate,
  type MonitorLevel,
} from '@casmotion/recorder';
import type { LogTools } from '@casmotion/replay-log';
import { VERSION } from './context.ts';
import { WholeFile } from './output-file.ts';
import type { CommandResult } from './result.ts';

/** The file of `-o`, made before the replay and written after it. */
export class CertificateFile extends WholeFile {
  constructor(path: string, inUse: readonly string[]) {
    super(path, inUse, { what: 'the certificate', next: 'name another file with -o' });
  }

  writeJson(certificate: Certificate): void {
    this.write(new TextEncoder().encode(`${JSON.stringify(certificate, null, 2)}\n`));
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
