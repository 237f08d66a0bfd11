/**
 * What `run --config`, `record --config`, `record --resume` and `recover` share: a lab, its
 * threads, its result.
 */
import { dirname, resolve } from 'node:path';
import { type MessagePort, Worker } from 'node:worker_threads';
import {
  createLabFolder,
  type DomainStart,
  type EngineChoice,
  findCut,
  type LabOutcome,
  labLogPath,
  type LabWorkerData,
  type MachineRequest,
  newLogPath,
  readInputFile,
  readLabFolder,
  type RunOutcome,
  runLab,
} from '@casmotion/host-node';
import {
  describeOrphan,
  type DomainCut,
  type LabConfig,
  LabConfigError,
  type LabDomain,
  type LabShape,
  parseLabConfig,
} from '@casmotion/lab';
import { countEvents, createLogTools } from '@casmotion/replay-log';
import { type CliContext, CREATOR } from '../context.ts';
import { describeEnd, EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { formatBytes, formatNumber, formatShort } from '../format.ts';
import { MACHINE_FLAGS, TIME_POINT_FLAGS } from '../flags.ts';
import { INSPECT_FLAGS } from '../inspect.ts';
import { parseMemory } from '../parse-values.ts';
import { Progress } from '../progress.ts';
import type { CommandResult, OutputFlags } from '../result.ts';
import { hexOrNull } from './run-machine.ts';
import { TaggedConsole } from './tagged-console.ts';

export interface LabFlags extends OutputFlags {
  readonly timeout?: number;
  readonly maxInstructions?: number;
  readonly embed?: boolean;
  readonly engine?: EngineChoice;
  readonly imageDir?: string;
}

/** Runs the lab of a configuration; with a folder, which is new, it is recorded there. */
export async function runLabOf(
  context: CliContext,
  flags: LabFlags,
  target: { readonly config: string; readonly folder: string | undefined },
): Promise<CommandResult> {
  const text = new TextDecoder().decode(readInputFile(target.config, 'configuration of the lab'));
  const config = parseLabConfig(text, target.config);
  const starts = new Map(
    config.domains.map((domain) => {
      const machine = machineOf(domain, config, target.config);
      return [domain.name, domainStart(target.folder, domain, { machine }, flags)] as const;
    }),
  );
  const { domains, channels, switch: plugged } = config;
  const shape: LabShape = { domains, channels, switch: plugged };
  return run(context, flags, { shape, starts, folder: target.folder });
}

/** Brings a lab to a consistent cut, in a new folder, and with `goesOn` records on from there. */
export async function rerunLab(
  context: CliContext,
  flags: LabFlags,
  target: { readonly from: string; readonly folder: string; readonly goesOn: boolean },
): Promise<CommandResult> {
  const { from, folder, goesOn } = target;
  const shape = readLabFolder(from);
  const tools = await createLogTools();
  const cuts = findCut({ folder: from, shape, tools, isSalvage: false });
  const starts = new Map(
    cuts.map((cut) => {
      const counts = cuts.map((to) => [to.domain, to.received.get(cut.domain) ?? 0] as const);
      const { events, untilStep, incarnation, name } = cut;
      const rerun = {
        logPath: labLogPath(from, name),
        imageDir: flags.imageDir,
        cut: { events, untilStep, incarnation },
        delivered: new Map(counts),
        goesOn,
      };
      return [name, domainStart(folder, { name }, { rerun }, flags)] as const;
    }),
  );
  const result = await run(context, flags, { shape, starts, folder });
  const cutJson = cuts.map((cut) => describeCutJson(cut, shape));
  const json = { ...result.json, from, cut: cutJson };
  if (goesOn) return { json, lines: [...cutLines(cuts, shape), ...result.lines] };
  const next = [
    `next: casmotion replay ${folder}, or go on: casmotion record --resume ${from} -o NEWDIR`,
  ];
  return { json: { ...json, exit: EXIT.ok }, lines: [...cutLines(cuts, shape), ...next] };
}

const {
  engine: _engine,
  timeout: _timeout,
  maxInstructions: _maxInstructions,
  ...ONE_MACHINE
} = MACHINE_FLAGS;

/** Flags that say what one machine is, or look into it: of no effect on a lab. */
export const ONE_MACHINE_FLAGS = {
  ...ONE_MACHINE,
  ...TIME_POINT_FLAGS,
  ...INSPECT_FLAGS,
  commit: {},
} as const;

interface LabRun {
  readonly shape: LabShape;
  readonly starts: ReadonlyMap<string, DomainStart>;
  /** Where logs go; undefined: unrecorded. */
  readonly folder: string | undefined;
}

async function run(
  { process }: CliContext,
  flags: LabFlags,
  { shape, starts, folder }: LabRun,
): Promise<CommandResult> {
  if (folder !== undefined) createLabFolder(folder, shape, CREATOR);
  const console = new TaggedConsole(flags.json ? process.stderr : process.stdout);
  const isTerminal = process.stdout.isTTY === true;
  const progress = new Progress(process.stderr, folder ?? 'lab', !flags.quiet && !isTerminal);
  try {
    const outcome = await runLab({
      shape,
      starts,
      folder,
      startWorker,
      timeoutSeconds: flags.timeout,
      onConsole: (name, bytes) => console.write(name, bytes),
      onProgress: ({ steps, events, logBytes }) => {
        progress.update(0, undefined, () => {
          const logs = folder === undefined ? '' : `, logs ${formatBytes(logBytes)}`;
          return `${formatShort(steps)} instructions, ${formatNumber(events, 'event')}${logs}`;
        });
      },
    });
    return describeLab(outcome, folder);
  } finally {
    progress.hide();
    console.end();
  }
}

/** This very program, as a thread: see main.ts. */
function startWorker(workerData: LabWorkerData, transfer: readonly MessagePort[]): Worker {
  return new Worker(new URL(import.meta.url), { workerData, transferList: [...transfer] });
}

function domainStart(
  folder: string | undefined,
  domain: { readonly name: string; readonly engine?: LabDomain['engine'] },
  start: DomainStart['start'],
  flags: LabFlags,
): DomainStart {
  return {
    start,
    engine: domain.engine ?? flags.engine ?? 'auto',
    logPath: folder === undefined ? undefined : newLogPath(folder, domain.name),
    isEmbedding: flags.embed ?? false,
    creator: CREATOR,
    maxInstructions: flags.maxInstructions,
  };
}

/** Paths are from the folder of the configuration. */
function machineOf(domain: LabDomain, config: LabConfig, file: string): MachineRequest {
  const from = (path: string): string =>
    path.startsWith('builtin:') ? path : resolve(dirname(file), path);
  const isBios = domain.bios === undefined || domain.bios === 'sbi' || domain.bios === 'none';
  return {
    kernel: domain.kernel === undefined ? undefined : from(domain.kernel),
    initrd: domain.initrd === undefined ? undefined : from(domain.initrd),
    bios: isBios ? domain.bios : from(domain.bios ?? ''),
    append: domain.append,
    disks: domain.disks.map(from),
    ramSizeBytes: memoryOf(domain, file),
    virtio: 'modern',
    rng: typeof domain.rng === 'number' ? { seed: domain.rng } : domain.rng,
    net: config.switch.includes(domain.name) ? 'scripted' : 'none',
    hasVirtioConsole: false,
    clock: domain.clock ?? 'host',
    domain: { id: domain.id, peers: 'host' },
  };
}

function memoryOf({ name, memory }: LabDomain, file: string): number {
  try {
    return parseMemory(memory ?? '64M');
  } catch {
    const next = 'write a size such as "64M"';
    throw new LabConfigError(file, `domains.${name}.memory`, JSON.stringify(memory), next);
  }
}

function describeLab(
  { domains, frames }: LabOutcome,
  folder: string | undefined,
): CommandResult {
  const all = [...domains].map(([name, outcome]) => domainJson(folder, name, outcome));
  const lines = [...domains].map(([name, { end, steps, events, logBytes }]) => {
    const ended = `${name}: ${describeEnd(end)} after ${formatShort(steps)} instructions`;
    const count = formatNumber(countEvents(events), 'event');
    return folder === undefined
      ? `${ended}, ${count}`
      : `${ended}; log ${count}, ${formatBytes(logBytes)}`;
  });
  const json = {
    exit: worstExit([...domains.values()].map(({ end }) => exitCodeOf(end))),
    path: folder ?? null,
    steps: sum(domains, ({ steps }) => steps),
    logBytes: sum(domains, ({ logBytes }) => logBytes),
    wallSeconds: Math.max(...[...domains.values()].map(({ wallSeconds }) => wallSeconds)),
    frames,
    domains: all,
  };
  const next = folder === undefined ? [] : [`next: casmotion replay ${folder}`];
  return { json, lines: [...lines, ...next] };
}

function domainJson(folder: string | undefined, name: string, outcome: RunOutcome): object {
  const { end, steps, events, logBytes, landmarks, outputDigest, stateDigest } = outcome;
  return {
    name,
    path: folder === undefined ? null : newLogPath(folder, name),
    end,
    steps,
    events,
    logBytes,
    landmarks,
    outputDigest: hexOrNull(outputDigest),
    stateDigest: hexOrNull(stateDigest),
  };
}

function cutLines(cuts: readonly DomainCut[], shape: LabShape): string[] {
  return cuts.map(({ name, events, untilStep, orphan }) => {
    const kept = `${name}: ${formatNumber(events, 'event')} kept, to step ${untilStep}`;
    if (orphan === undefined) return kept;
    return `${kept}; ${describeOrphan(orphan, nameIn(shape))}`;
  });
}

function describeCutJson({ name, events, untilStep, orphan }: DomainCut, shape: LabShape): object {
  const why = orphan === undefined ? null : describeOrphan(orphan, nameIn(shape));
  return { name, events, untilStep, orphan: why };
}

function nameIn({ domains }: LabShape): (id: number) => string {
  return (id) => domains.find((domain) => domain.id === id)?.name ?? `domain ${id}`;
}

/** One that failed counts before one that was ended. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  const order = [EXIT.usage, EXIT.divergence, EXIT.guestFailed, EXIT.timeout];
  return order.find((code) => codes.includes(code)) ?? EXIT.ok;
}

function sum(
  domains: ReadonlyMap<string, RunOutcome>,
  of: (outcome: RunOutcome) => number,
): number {
  return [...domains.values()].reduce((total, outcome) => total + of(outcome), 0);
}
