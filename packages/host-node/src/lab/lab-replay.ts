/**
 * Replays a recorded lab: all its domains together, in this thread; or reads what is left of it.
 */
import { VmError } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import {
  consistentCut,
  type DomainCut,
  JointReplay,
  type JointSeat,
  type LabShape,
  loggedDomain,
  OriginCursor,
  reachOf,
} from '@casmotion/lab';
import { createMachine, type Machine } from '@casmotion/machine';
import { Replayer, type ReplayResult } from '@casmotion/recorder';
import type { LogTools } from '@casmotion/replay-log';
import { findImages } from '../images/find-images.ts';
import type { MachineFiles } from '../images/machine-files.ts';
import { breathe } from '../live/host-clock.ts';
import { type EngineRequest, engineOptions } from '../session/engine.ts';
import { inFile, type OpenedLog, openLogFile } from '../session/replay-session.ts';
import { labLogPath } from './lab-folder.ts';

export interface LabReplayRequest extends EngineRequest {
  readonly folder: string;
  readonly shape: LabShape;
  readonly tools: LogTools;
  readonly imageDir: string | undefined;
  readonly isSalvage: boolean;
  readonly isVerify: boolean;
  readonly outputs: (name: string) => MachineOutputs;
  /** An error that it throws ends the replay. */
  readonly onProgress?: (steps: number) => void;
}

export interface LabReplayOutcome {
  readonly domains: ReadonlyMap<string, ReplayResult>;
  /** Messages between domains that were compared. */
  readonly messages: number;
}

/** Throws `VmError`s: what a replay alone throws, or `CausalityError`. */
export async function replayLab(request: LabReplayRequest): Promise<LabReplayOutcome> {
  const opened: { close(): void }[] = [];
  try {
    const joint = new JointReplay();
    const seats: Seated[] = [];
    for (const domain of request.shape.domains) {
      seats.push(await takeSeat(request, domain, joint, opened));
    }
    const domains = await replayAll(request, seats);
    return { domains, messages: joint.messages };
  } finally {
    for (const one of opened) one.close();
  }
}

interface Seated {
  readonly name: string;
  readonly machine: Machine;
  readonly log: OpenedLog;
  readonly seat: JointSeat;
}

async function takeSeat(
  request: LabReplayRequest,
  { name, id }: LabShape['domains'][number],
  joint: JointReplay,
  opened: { close(): void }[],
): Promise<Seated> {
  const { tools, imageDir, shape } = request;
  const log = openLabLog(request, { name, id });
  opened.push(log);
  const search = { log: log.reader, logPath: log.path, imageDir, hashes: tools.hashes };
  const files: MachineFiles = await findImages(log.config, search);
  opened.push(files);
  const engine = engineOptions(request, files.images.kernel);
  const options = { hashes: tools.hashes, ...engine, areImagesChecked: true };
  const machine = await createMachine(files.config, files.images, options);
  const origins = new OriginCursor(log.reader.origins());
  const reach = reachOf(shape, id);
  const seat = joint.join({ name, domain: id, reach, origins, machine });
  return { name, machine, log, seat };
}

/** Throws where the log is another domain's. */
function openLabLog(
  { folder, tools, isSalvage }: Pick<LabReplayRequest, 'folder' | 'tools' | 'isSalvage'>,
  { name, id }: LabShape['domains'][number],
): OpenedLog {
  const log = openLogFile(labLogPath(folder, name), tools, isSalvage);
  if (log.config.domain?.id === id) return log;
  log.close();
  throw new VmError('the log is not of the domain that the lab says', {
    where: log.path,
    expected: `domain ${id}`,
    found:
      log.config.domain === undefined
        ? 'a machine that was alone'
        : `domain ${log.config.domain.id}`,
    next: 'bring the logs of one lab together',
  });
}

async function replayAll(
  request: LabReplayRequest,
  seats: readonly Seated[],
): Promise<ReadonlyMap<string, ReplayResult>> {
  const { tools, isVerify, folder, onProgress } = request;
  const steps = new Map<string, number>();
  let first: { readonly error: unknown } | undefined;
  let hasDiverged = false;
  const results = await Promise.all(
    seats.map(async ({ name, machine, log, seat }) => {
      try {
        const replayer = new Replayer({
          machine,
          log: log.reader,
          hashes: tools.hashes,
          outputs: seat.outputs(request.outputs(name)),
          isVerify,
          gate: seat.gate,
          sliceSteps: SLICE_STEPS,
          nextCommand: `casmotion verify ${folder} --alone ${name}`,
          onProgress: async ({ step }) => {
            if (first !== undefined) throw first.error;
            steps.set(name, step);
            onProgress?.([...steps.values()].reduce((sum, one) => sum + one, 0));
            await breathe();
          },
        });
        const result = await replayer.run();
        hasDiverged ||= result.kind === 'divergence';
        return [name, result] as const;
      } catch (error) {
        // Others may fail for want of this one.
        if (!hasDiverged) first ??= { error: inFile(log.path, error) };
        return undefined;
      } finally {
        seat.end();
      }
    }),
  );
  if (first !== undefined) throw (first as { error: unknown }).error;
  return new Map(results.filter((result) => result !== undefined));
}

/** What each domain keeps after a crash. Throws `VmError`s that name a log. */
export function findCut(
  request: Pick<LabReplayRequest, 'folder' | 'shape' | 'tools' | 'isSalvage'>,
): readonly DomainCut[] {
  const opened: OpenedLog[] = [];
  try {
    const logs = request.shape.domains.map((domain) => {
      const log = openLabLog(request, domain);
      opened.push(log);
      return loggedDomain(domain.name, domain.id, log.reader);
    });
    return consistentCut(logs);
  } finally {
    for (const log of opened) log.close();
  }
}

const SLICE_STEPS = 500_000;
