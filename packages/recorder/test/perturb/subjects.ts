/**
 * Good logs to perturb, each of a seed: guests of packages/guests under seeded hosts, alone and as
 * two domains, with landmarks so often that the next one is near.
 */
import { readFileSync } from 'node:fs';
import { defined } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import {
  createMachine,
  describeImage,
  type MachineConfig,
  type MachineImages,
} from '@casmotion/machine';
import { type LogTools, LogWriter, MemorySink } from '@casmotion/replay-log';
import { type LiveInputs, noOutputs, Recorder } from '../../src/index.ts';
import { TinyLab } from '../tiny-lab.ts';
import type { Subject } from './judge.ts';
import { SeededHost, type SeededHostOptions, type SpontaneousKind } from './seeded-host.ts';

export const SUBJECTS = ['provoke', 'kernel', 'listen', 'local', 'pair'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** A recording or, of two domains, two. The same seed gives the same. */
export async function recordSubjects(
  tools: LogTools,
  name: SubjectName,
  seed: number,
): Promise<readonly Subject[]> {
  if (name === 'pair') return recordPair(tools, seed);
  const { changes, host } = SCENARIOS[name](seed);
  const live = new SeededHost({ ...HOST, seed, ...host });
  return [await recordOne(tools, `${name} ${seed}`, configOf(tools, changes), live)];
}

async function recordPair(tools: LogTools, seed: number): Promise<readonly Subject[]> {
  const lab = new TinyLab();
  const rounds = 3 + (seed % 9);
  const run = async (id: number, append: string): Promise<Subject> => {
    const { live, outputs } = lab.join(id);
    const config = configOf(tools, { append, domain: { id, peers: 'host' } });
    const kinds = ['clock-line', 'marker'] as const;
    const host = { ...HOST, seed: seed * 2 + id, kinds, powerAt: 20_000_000, oneIn: 8 };
    const member = new SeededHost({ ...host, inner: live });
    const name = `${append.split(' ', 1)[0] ?? ''} ${seed}`;
    const subject = await recordOne(tools, name, config, member, outputs);
    lab.leave(id);
    return subject;
  };
  return Promise.all([run(1, `serve 2 ${rounds}`), run(2, `call 1 ${rounds}`)]);
}

async function recordOne(
  tools: LogTools,
  name: string,
  config: MachineConfig,
  live: LiveInputs,
  outputs: MachineOutputs = noOutputs,
): Promise<Subject> {
  const { hashes } = tools;
  const create: Subject['create'] = (engine, pmu) =>
    createMachine(
      { ...config, ...(pmu === undefined ? {} : { timePoint: pmu }) },
      imagesOf(config),
      { hashes, engine, hotJumps: 200 },
    );
  const machine = await create('translator', undefined);
  const sink = new MemorySink();
  const header = { creator: 'perturb', machine: { name }, digests: {} };
  const log = { writer: new LogWriter(sink, tools, header), hashes };
  const limits = { landmarkSteps: 20_000, landmarkPages: 200 };
  await new Recorder({ machine, live, log, outputs, ...limits }).run();
  return { name, bytes: sink.toBytes(), create };
}

interface Scenario {
  readonly changes: Partial<MachineConfig>;
  readonly host: Partial<SeededHostOptions>;
}

const SCENARIOS: { readonly [N in Exclude<SubjectName, 'pair'>]: (seed: number) => Scenario } = {
  provoke: (seed) => ({
    changes: {
      append: 'provoke 2',
      domain: { id: 1, peers: 'host' },
      rng: { kind: 'host' },
      net: 'scripted',
      hasVirtioConsole: true,
      clock: 'host',
    },
    host: {
      kinds: PROVOKED,
      consoles: 3,
      powerAt: 300_000 + (seed % 7) * 50_000,
      ...(seed % 3 === 0 ? {} : { lastKeys: 'q' }),
    },
  }),
  kernel: (seed) => ({
    changes: {
      append: SCRIPTS[seed % SCRIPTS.length] ?? '',
      rng: { kind: 'host' },
      clock: 'host',
      kernel: KERNEL,
    },
    host: {
      kinds: ['console-input', 'console-input', 'port-raised', 'marker', 'clock-line'],
      typed: ['rand\r', 'date\r', 'x', 'ps\r', '\x7f', 'evtchn 1\r'],
      powerAt: 600_000 + (seed % 5) * 100_000,
    },
  }),
  listen: (seed) => ({
    changes: { append: 'listen' },
    host: {
      kinds: ['console-input', 'console-input', 'port-raised', 'virq-raised', 'clock-line'],
      consoles: 2,
      powerAt: 200_000 + (seed % 5) * 20_000,
    },
  }),
  local: () => ({
    changes: { append: 'local', domain: { id: 3, peers: 'host' } },
    host: { kinds: ['clock-line', 'marker'], powerAt: 5_000_000, oneIn: 12 },
  }),
};

const PROVOKED: readonly SpontaneousKind[] = [
  'console-input',
  'net-packet',
  'clock-line',
  'port-raised',
  'virq-raised',
  'peer-request',
  'peer-request',
  'shared-page-write',
  'shared-page-write',
  'marker',
];

/** What the embedded guest does. */
const SCRIPTS = [
  '',
  'rand; journal format; journal write hello; journal check; evtchn 3; sleep 2',
  'date; rand; sleep 1; ps; race 1',
] as const;

const HOST: Omit<SeededHostOptions, 'seed'> = {
  kinds: [],
  powerAt: 1_000_000,
  typed: ['a', 'bc', 'some more keys', '\r'],
  consoles: 1,
  oneIn: 3,
};

const elf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../guests/embedded/${name}`, import.meta.url)));
const ELFS = new Map(
  ['channel-test.elf', 'casmotion-guest.elf'].map((name) => [name, elf(name)] as const),
);
const KERNEL = { name: 'casmotion-guest.elf', sizeBytes: 0, digestHex: '' };
const DISK = new Uint8Array(2 ** 20);
const BLANK = {
  sizeBytes: DISK.length,
  read: (offset: number, into: Uint8Array) => into.set(DISK.subarray(offset, offset + into.length)),
};

function configOf(tools: LogTools, changes: Partial<MachineConfig>): MachineConfig {
  const name = changes.kernel?.name ?? 'channel-test.elf';
  const hasDisk = changes.kernel !== undefined;
  return {
    ramSizeBytes: (hasDisk ? 16 : 8) * 2 ** 20,
    harts: 1,
    bios: 'sbi',
    append: '',
    initrd: undefined,
    firmware: undefined,
    disks: hasDisk ? [describeImage('disk', DISK, tools.hashes)] : [],
    virtio: 'modern',
    rng: { kind: 'none' },
    net: 'none',
    hasVirtioConsole: false,
    clock: 'virtual',
    rtcBaseNanoseconds: '1700000000000000000',
    rngSeedHex: '00'.repeat(32),
    ...changes,
    kernel: describeImage(name, defined(ELFS.get(name), name), tools.hashes),
  };
}

function imagesOf({ kernel, disks }: MachineConfig): MachineImages {
  const name = kernel?.name ?? '';
  return { kernel: defined(ELFS.get(name), name), disks: disks.map(() => BLANK) };
}
