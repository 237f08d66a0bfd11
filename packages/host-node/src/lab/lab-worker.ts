/**
 * A domain of a lab in a thread of its own: links to other domains' threads, and a session like any
 * other. No schedule is common to two of them.
 */
import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from 'node:worker_threads';
import { assert, VmError } from '@casmotion/base';
import type { MachineOutputs, PowerEvent } from '@casmotion/events';
import { LabMember } from '@casmotion/lab';
import { createLogTools, type LogTools } from '@casmotion/replay-log';
import { findImages } from '../images/find-images.ts';
import { type MachineFiles, openMachineFiles } from '../images/machine-files.ts';
import { type OpenedLog, openLogFile } from '../session/replay-session.ts';
import { runSession } from '../session/run-session.ts';
import {
  LAB_WORKER,
  type LabWorkerData,
  type LinkMessage,
  type WorkerOrder,
  type WorkerReport,
} from './lab-protocol.ts';

/** Is this thread a domain of a lab? Then {@link runLabWorker} is what it does. */
export function isLabWorker(): boolean {
  const data = workerData as { readonly kind?: unknown } | null;
  return !isMainThread && data?.kind === LAB_WORKER;
}

/** Runs the domain to its end and reports; never throws. */
export async function runLabWorker(): Promise<void> {
  const session = parentPort;
  assert(session !== null, 'a worker has a parent');
  const data = workerData as LabWorkerData;
  const report = (message: WorkerReport): void => session.postMessage(message);
  let isEnding = false;
  let end: ((cause: PowerEvent['cause']) => void) | undefined;
  let early: PowerEvent['cause'] | undefined;
  session.on('message', (order: WorkerOrder) => {
    if (order.kind === 'close') {
      closeAll(data, session);
      return;
    }
    isEnding = true;
    if (end === undefined) early = order.cause;
    else end(order.cause);
  });
  try {
    const outcome = await runDomain(
      data,
      report,
      (how) => {
        end = how;
        if (early !== undefined) how(early);
      },
      () => isEnding,
    );
    report({ kind: 'ended', outcome });
  } catch (error) {
    const isOurs = error instanceof VmError;
    const message = error instanceof Error ? error.message : String(error);
    const details = isOurs ? plainDetails(error) : {};
    const name = isOurs ? error.name : 'Error';
    const stack = error instanceof Error ? error.stack : undefined;
    report({ kind: 'failed', name, message: isOurs ? message : (stack ?? message), details });
  }
}

async function runDomain(
  data: LabWorkerData,
  report: (message: WorkerReport) => void,
  onStart: (end: (cause: PowerEvent['cause']) => void) => void,
  isEnding: () => boolean,
): Promise<Awaited<ReturnType<typeof runSession>>> {
  const tools = await createLogTools();
  const member = createMember(data);
  const { log, files } = await openStart(data, tools);
  const { name, start } = data;
  const rerun =
    'rerun' in start && log !== undefined
      ? { log: log.reader, cut: start.rerun.cut, goesOn: start.rerun.goesOn }
      : undefined;
  try {
    const outcome = await runSession({
      files,
      tools,
      engine: data.engine,
      logPath: data.logPath,
      isEmbedding: data.isEmbedding,
      creator: data.creator,
      outputs: consoleOutputs(report),
      input: undefined,
      timeoutSeconds: undefined,
      maxInstructions: data.maxInstructions,
      wantsDigests: false,
      commitPath: undefined,
      onProgress: throttled(report),
      onStart,
      seat: { name, member, rerun },
    });
    // One that is ended with the lab may go on some day; one that ended by itself is gone.
    const isLeft = !isEnding() && (rerun?.goesOn ?? true);
    if (isLeft || outcome.end.by !== 'host') member.leave();
    return outcome;
  } finally {
    files.close();
    log?.close();
  }
}

interface Started {
  readonly log: OpenedLog | undefined;
  readonly files: MachineFiles;
}

async function openStart({ start }: LabWorkerData, tools: LogTools): Promise<Started> {
  const { hashes } = tools;
  if ('machine' in start) {
    return { log: undefined, files: await openMachineFiles(start.machine, hashes) };
  }
  const { logPath, imageDir } = start.rerun;
  const log = openLogFile(logPath, tools);
  const search = { log: log.reader, logPath, imageDir, hashes };
  return { log, files: await findImages(log.config, search) };
}

/** Its parcels go by ports; what has come is taken from them whenever the member looks. */
function createMember(data: LabWorkerData): LabMember {
  const { domain, links, switchPort, others, ports, start } = data;
  const post = (to: number, message: LinkMessage): void => links.get(to)?.postMessage(message);
  const member = new LabMember({
    domain,
    reach: { domains: others, ports },
    ...('rerun' in start ? { delivered: start.rerun.delivered } : {}),
    carrier: {
      send: (to, parcel) => post(to, { parcel }),
      frame: (parcel) => {
        const message: LinkMessage = { frame: parcel };
        switchPort?.postMessage(message);
      },
      taken: (from, count) => post(from, { taken: count }),
    },
  });
  const take = (from: number, message: LinkMessage): void => {
    if ('taken' in message) {
      if (from === SWITCH) member.frameTaken(message.taken);
      else member.acknowledge(from, message.taken);
    } else member.deliver('parcel' in message ? message.parcel : message.frame);
  };
  const all: [number, MessagePort][] = [...links];
  if (switchPort !== undefined) all.push([SWITCH, switchPort]);
  for (const [from, port] of all) port.on('message', (message: LinkMessage) => take(from, message));
  member.pump = () => {
    for (const [from, port] of all) {
      for (let got = receiveMessageOnPort(port); got !== undefined; ) {
        take(from, got.message as LinkMessage);
        got = receiveMessageOnPort(port);
      }
    }
  };
  return member;
}

function consoleOutputs(report: (message: WorkerReport) => void): MachineOutputs {
  return {
    consoleOutput: (_, bytes) => report({ kind: 'console', bytes: bytes.slice() }),
    netPacket: () => undefined,
  };
}

function throttled(
  report: (message: WorkerReport) => void,
): (progress: { step: number; events: number; logBytes: number }) => void {
  let reported = 0;
  return (progress) => {
    if (progress.step - reported < PROGRESS_STEPS) return;
    reported = progress.step;
    report({ kind: 'progress', ...progress });
  };
}

function closeAll({ links, switchPort }: LabWorkerData, session: MessagePort): void {
  for (const port of links.values()) port.close();
  switchPort?.close();
  session.close();
}

/** Without the cause, which need not be such that it crosses threads. */
function plainDetails({ details }: VmError): VmError['details'] {
  const { where, expected, found, next } = details;
  return {
    ...(where === undefined ? {} : { where }),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(next === undefined ? {} : { next }),
  };
}

/** Among links; no domain of a lab has it. */
const SWITCH = 0;
const PROGRESS_STEPS = 2_000_000;
