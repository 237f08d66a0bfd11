/** `casmotion info` and `casmotion log`: what is in a log, without replaying it. */
import { VmError } from '@casmotion/base';
import type { EventKind } from '@casmotion/events';
import {
  type DescribedLog,
  describeLogFile,
  isLabFolder,
  labLogPath,
  openLogFile,
  readLabFolder,
  startHostClock,
} from '@casmotion/host-node';
import type { PmuConfig } from '@casmotion/machine';
import { describeEvent } from '@casmotion/recorder';
import {
  createLogTools,
  EVENT_CODECS,
  type LogFacts,
  type KeyedEvent,
  type LoggedEvent,
  type LogReader,
} from '@casmotion/replay-log';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { describeEnd, EXIT } from '../exit-codes.ts';
import { OUTPUT_FLAGS, SALVAGE_FLAG } from '../flags.ts';
import { formatBytes, formatCount, formatDensity } from '../format.ts';
import { type CommandResult, finish, type JsonResult, type OutputFlags } from '../result.ts';
import { countByKind, describeCut, describeCutJson, lastKnownStep } from './replay-log.ts';
import { hexOrNull } from './run-machine.ts';

interface InfoFlags extends OutputFlags {
  readonly salvage: boolean;
}

interface LogFlags extends InfoFlags {
  readonly kind?: readonly EventKind[];
}

const NO_EVENT = 'no event: the host decided nothing, all is computed again';

const LOG_ARGUMENT = {
  kind: 'tuple',
  parameters: [{ brief: 'A log, whole or .partial', parse: String, placeholder: 'FILE' }],
} as const;

export const infoCommand = buildCommand<InfoFlags, [string], CliContext>({
  docs: {
    brief: 'Tell what is in a log',
    fullDescription: [
      'Tells the machine of a log, its images, its events and its end: by its index, however long',
      'it is, and by all of a log that was cut short. casmotion verify checks every byte.',
      '',
      'Examples:',
      '  casmotion info demo.cmr',
      '  casmotion info demo.cmr --json',
      '  casmotion info lab-1                the logs of a lab, one after the other',
    ].join('\n'),
  },
  parameters: { flags: { salvage: SALVAGE_FLAG, ...OUTPUT_FLAGS }, positional: LOG_ARGUMENT },
  func(flags, path) {
    return finish(this, flags, async () => {
      const result = isLabFolder(path)
        ? await describeLab(path, flags)
        : await describeLog(path, flags);
      if (!flags.json) this.process.stdout.write(`${result.lines.join('\n')}\n`);
      return { ...result, lines: [] };
    });
  },
});

export const logCommand = buildCommand<LogFlags, [string], CliContext>({
  docs: {
    brief: 'List the events of a log',
    fullDescription: [
      'Lists the events of a log with their time points: number, step or branches, pc, kind.',
      '',
      'Examples:',
      '  casmotion log demo.cmr',
      '  casmotion log demo.cmr --kind console-input --kind entropy',
      '  casmotion log demo.cmr --json',
    ].join('\n'),
  },
  parameters: {
    flags: {
      kind: {
        kind: 'parsed',
        parse: parseKind,
        optional: true,
        variadic: true,
        placeholder: 'KIND',
        brief: `Only these: ${Object.values(EVENT_CODECS)
          .map(({ name }) => name)
          .join(', ')}`,
      },
      salvage: SALVAGE_FLAG,
      ...OUTPUT_FLAGS,
    },
    positional: LOG_ARGUMENT,
  },
  func(flags, path) {
    return finish(this, flags, async () => {
      const elapsed = startHostClock();
      const log = openLogFile(path, await createLogTools(), flags.salvage);
      try {
        const isWanted = ({ event }: LoggedEvent | KeyedEvent): boolean =>
          flags.kind === undefined || flags.kind.includes(event.kind);
        const list: object[] = [];
        let listed = 0;
        let isReaderGone = false;
        this.process.stdout.on?.('error', () => (isReaderGone = true));
        const { reader } = log;
        for (const logged of reader.isKeyed ? reader.keyedEvents() : reader.events()) {
          if (isReaderGone) break;
          if (!isWanted(logged)) continue;
          listed += 1;
          if (flags.json) list.push(eventJson(logged));
          else this.process.stdout.write(`${eventLine(logged)}\n`);
        }
        const json = {
          ...logJson(path, log.reader, log.reader),
          list,
          wallSeconds: elapsed() / 1e9,
        };
        const none = flags.kind === undefined ? NO_EVENT : 'no such event';
        return { json, lines: [...(listed === 0 ? [none] : []), ...describeCut(log.reader)] };
      } finally {
        log.close();
      }
    });
  },
});

/** Of a lab: what joins it, and each log. */
async function describeLab(folder: string, flags: InfoFlags): Promise<CommandResult> {
  const shape = readLabFolder(folder);
  const logs: { readonly name: string; readonly result: CommandResult }[] = [];
  for (const { name } of shape.domains) {
    logs.push({ name, result: await describeLog(labLogPath(folder, name), flags) });
  }
  const names = shape.domains.map(({ name, id }) => `${name} (domain ${id})`);
  const channels = shape.channels?.map(
    ({ server, port, client }) => `port ${port} of ${server} for ${client}`,
  );
  const lines = [
    `lab       ${folder}: ${names.join(', ')}`,
    `channels  ${channels?.join(', ') ?? 'any'}`,
    `switch    ${shape.switch.join(', ') || 'none'}`,
    ...logs.flatMap(({ name, result }) => ['', `${name}:`, ...result.lines]),
  ];
  const domains = logs.map(({ name, result }) => ({ name, ...result.json }));
  return { json: { exit: EXIT.ok, path: folder, ...shape, domains }, lines };
}

async function describeLog(path: string, flags: InfoFlags): Promise<CommandResult> {
  const elapsed = startHostClock();
  const tools = await createLogTools();
  return describeLogFile(path, tools, flags.salvage, (log) => {
    const { facts, config, reader } = log;
    const json = {
      ...logJson(path, facts, reader),
      creator: facts.header.creator,
      formatVersion: facts.version,
      machine: config,
      embedded: facts.images,
      chunks: facts.chunkCount,
      isChecked: reader !== undefined,
      wallSeconds: elapsed() / 1e9,
    };
    return { json, lines: infoLines(path, log, json) };
  });
}

function infoLines(
  path: string,
  { facts, config, reader }: DescribedLog,
  json: ReturnType<typeof logJson>,
): string[] {
  const { footer } = facts;
  const images = [config.kernel, config.initrd, config.firmware, ...config.disks];
  const rng = config.rng.kind === 'seed' ? `seed ${config.rng.seed}` : config.rng.kind;
  return [
    `${path}: ${formatBytes(facts.sizeBytes)} in ${facts.chunkCount} chunks,` +
      ` format version ${facts.version}, by ${facts.header.creator}`,
    `machine   ${formatBytes(config.ramSizeBytes)}, bios ${config.bios}, clock ${config.clock},` +
      ` rng ${rng}, net ${config.net}, virtio ${config.virtio}`,
    `append    ${JSON.stringify(config.append)}`,
    `places    ${placesText(config.timePoint)}`,
    ...images.flatMap((image) => (image === undefined ? [] : [imageLine(image, facts)])),
    `run       ${formatCount(json.steps)} instructions,` +
      ` ${formatDensity(facts.sizeBytes, json.steps)}`,
    `end       ${footer === undefined ? 'not known' : describeEnd(footer.end)}`,
    ...Object.entries(json.events).map(([kind, count]) => `events    ${kind} ${count}`),
    ...(footer === undefined
      ? []
      : [
          `landmarks ${footer.landmarks}`,
          `output    ${formatBytes(footer.outputBytes)}, digest ${json.outputDigest}`,
          `state     digest ${json.stateDigest}`,
        ]),
    ...(reader === undefined ? ['by its index; every byte is checked by: casmotion verify'] : []),
    ...describeCut(facts),
  ];
}

/** What `info` and `log` say alike. `reader` is needed where there is no footer. */
function logJson(
  path: string,
  facts: LogFacts,
  reader: LogReader | undefined,
): JsonResult & Required<Pick<JsonResult, 'events' | 'steps'>> {
  const { footer } = facts;
  return {
    exit: EXIT.ok,
    path,
    steps: footer?.steps ?? (reader === undefined ? 0 : lastKnownStep(reader)),
    logBytes: facts.sizeBytes,
    events: footer?.events ?? (reader === undefined ? {} : countByKind(reader)),
    outputDigest: hexOrNull(footer?.outputDigest),
    stateDigest: hexOrNull(footer?.stateDigest),
    end: footer?.end ?? null,
    cut: describeCutJson(facts),
  };
}

function placesText(timePoint: PmuConfig | undefined): string {
  if (timePoint === undefined) return 'by steps';
  const { kind, skid, seed, overcount } = timePoint;
  const more = overcount === 0 ? '' : `, overcount ${overcount}`;
  return `by ${KEYS[kind]}; performance counter: skid ${skid}, seed ${seed}${more}`;
}

const KEYS: Readonly<Record<PmuConfig['kind'], string>> = {
  branches: 'branches and pc',
  'branches+register': 'branches, pc and sp',
};

function imageLine(
  image: { readonly name: string; readonly sizeBytes: number; readonly digestHex: string },
  { images }: LogFacts,
): string {
  const isStored = images.some(({ digestHex }) => digestHex === image.digestHex);
  const digest = `BLAKE3 ${image.digestHex.slice(0, 16)}...`;
  const place = isStored ? ', in the log' : '';
  return `image     ${image.name}, ${formatBytes(image.sizeBytes)}, ${digest}${place}`;
}

function eventLine(logged: LoggedEvent | KeyedEvent): string {
  const { number, wakes, event } = logged;
  const { text, pc, sp } = placeOf(logged);
  const wake = wakes === 0 ? '' : ` wake ${wakes}`;
  const registers = [pc === null ? '' : `pc ${hex(pc)}`, sp === undefined ? '' : ` sp ${hex(sp)}`];
  const place = `${String(number).padStart(6)}  ${text}${wake} ${registers.join('')}`;
  return `${place}  ${describeEvent(event)}`;
}

function eventJson(logged: LoggedEvent | KeyedEvent): object {
  const { number, wakes, event } = logged;
  const { text: _, ...place } = placeOf(logged);
  return { number, ...place, wakes, ...event };
}

/** A step and pc, or the parts of a key. */
function placeOf(logged: LoggedEvent | KeyedEvent): {
  readonly text: string;
  readonly step?: number;
  readonly branches?: number;
  readonly pc: bigint | null;
  readonly sp?: bigint;
} {
  if ('at' in logged) {
    const { step } = logged.at;
    return { text: `step ${String(step).padEnd(12)}`, step, pc: logged.check?.pc ?? null };
  }
  const { count: branches, pc = null, register } = logged.key;
  const text = `branches ${String(branches).padEnd(12)}`;
  return { text, branches, pc, ...(register === undefined ? {} : { sp: register }) };
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function parseKind(text: string): EventKind {
  const known = Object.values(EVENT_CODECS).map(({ name }) => name);
  const kind = known.find((name) => name === text);
  if (kind !== undefined) return kind;
  throw new VmError('there is no such kind of event', {
    where: '--kind',
    expected: known.join(', '),
    found: JSON.stringify(text),
  });
}
