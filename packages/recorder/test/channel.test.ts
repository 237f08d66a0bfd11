/// <reference types="node" />
/**
 * Goal: what comes over event channels and shared pages is recorded and comes back to the bit, on
 * either engine, alone and from several domains that each replay by themselves; and where one event
 * differs, the replay says so. Method: the guest `channel-test` on real machines; recordings
 * replayed crosswise over the engines; logs written anew with one event changed.
 */
import { readFileSync } from 'node:fs';
import { decodeUtf8, defined, encodeUtf8, toHex } from '@casmotion/base';
import type { MachineEvent, MachineOutputs } from '@casmotion/events';
import {
  createMachine,
  describeImage,
  type Engine,
  type Machine,
  type MachineConfig,
} from '@casmotion/machine';
import {
  bufferSource,
  createLogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { describe, expect, test } from 'vitest';
import {
  formatDivergence,
  type LiveInputs,
  Recorder,
  type RecordResult,
  Replayer,
  type ReplayResult,
  scriptedInputs,
} from '../src/index.ts';
import { HEADER, rewriteLog } from './session.ts';
import { TinyLab } from './tiny-lab.ts';

const tools = await createLogTools();
const ELF = new URL('../../guests/embedded/channel-test.elf', import.meta.url);
const kernel = new Uint8Array(readFileSync(ELF));
const ENGINES: readonly Engine[] = ['interpreter', 'translator'];

interface Recorded {
  readonly bytes: Uint8Array;
  readonly result: RecordResult;
  readonly text: string;
}

async function createGuest(
  append: string,
  engine: Engine,
  domain: MachineConfig['domain'],
): Promise<Machine> {
  const config: MachineConfig = {
    ramSizeBytes: 8 * 2 ** 20,
    harts: 1,
    bios: 'sbi',
    append,
    kernel: describeImage('channel-test.elf', kernel, tools.hashes),
    initrd: undefined,
    firmware: undefined,
    disks: [],
    virtio: 'modern',
    rng: { kind: 'none' },
    net: 'none',
    hasVirtioConsole: false,
    clock: 'virtual',
    rtcBaseNanoseconds: '1700000000000000000',
    rngSeedHex: '00'.repeat(32),
    ...(domain === undefined ? {} : { domain }),
  };
  const options = { hashes: tools.hashes, engine, hotJumps: 50 };
  return createMachine(config, { kernel }, options);
}

async function record(
  machine: Machine,
  live: LiveInputs,
  outputs: MachineOutputs = { consoleOutput: () => undefined, netPacket: () => undefined },
): Promise<Recorded> {
  const sink = new MemorySink();
  const log = { writer: new LogWriter(sink, tools, HEADER), hashes: tools.hashes };
  let text = '';
  const tee: MachineOutputs = {
    ...outputs,
    consoleOutput: (console, bytes) => void (console === 0 && (text += decodeUtf8(bytes) ?? '?')),
  };
  const limits = { sliceSteps: 20_000, landmarkSteps: 100_000, maxSteps: 50_000_000 };
  const result = await new Recorder({ machine, live, log, outputs: tee, ...limits }).run();
  return { bytes: sink.toBytes(), result, text };
}

async function replay(machine: Machine, bytes: Uint8Array): Promise<ReplayResult> {
  const log = openLog(bufferSource(bytes), tools);
  return new Replayer({ machine, log, hashes: tools.hashes, isVerify: true }).run();
}

function expectMatch(replayed: ReplayResult, { result }: Recorded): void {
  expect(replayed.kind === 'divergence' ? formatDivergence(replayed.report) : 'matched').toBe(
    'matched',
  );
  if (replayed.kind !== 'matched') return;
  expect(toHex(replayed.stateDigest)).toBe(toHex(defined(result.recorded, 'log').stateDigest));
  expect(replayed.outputDigest).toEqual(defined(result.recorded, 'log').outputDigest);
}

describe('one domain, and events from the host', () => {
  const at = (step: number, event: MachineEvent) => ({ step, event });
  const key = (text: string): MachineEvent => ({
    kind: 'console-input',
    console: 1,
    bytes: encodeUtf8(text),
  });
  // The guest listens long before the first.
  const SCRIPT = [
    at(100_000, { kind: 'clock-line', jumpTicks: 0, slope: 30_000_000 }),
    at(120_000, { kind: 'port-raised', port: 1 }),
    at(140_000, key('some keys')),
    at(140_001, { kind: 'virq-raised', virq: 1, vcpu: 0 }),
    at(160_000, key('x'.repeat(1500))),
    at(180_000, { kind: 'port-raised', port: 1 }),
    at(200_000, key('q')),
  ];

  test.each(ENGINES)('recorded on the %s, replayed on both', async (engine) => {
    const machine = await createGuest('listen', engine, undefined);
    const recorded = await record(machine, scriptedInputs(SCRIPT));
    expect(recorded.text).toMatch(/^listening\nraised\ndebug\nraised\nchecksum \d+\n$/);
    expect(recorded.result.events).toMatchObject({ 'port-raised': 2, 'virq-raised': 1 });
    for (const other of ENGINES) {
      const again = await createGuest('listen', other, undefined);
      expectMatch(await replay(again, recorded.bytes), recorded);
    }
  });

  test('what happens within a domain costs no event', async () => {
    const machine = await createGuest('local', 'translator', undefined);
    const recorded = await record(machine, scriptedInputs([]));
    expect(recorded.text).toMatch(/ok grants\n/);
    expect(recorded.result.events).toEqual({});
    const again = await createGuest('local', 'interpreter', undefined);
    expectMatch(await replay(again, recorded.bytes), recorded);
  });

  test('where no other domain is there, calls fail as in Xen, and are logged', async () => {
    const domain = { id: 3, peers: 'host' } as const;
    const machine = await createGuest('local', 'translator', domain);
    const recorded = await record(machine, scriptedInputs([]));
    expect(recorded.text).toMatch(/ok refusals\n/);
    expect(recorded.result.events).toEqual({ 'hypercall-result': 3 });
    const again = await createGuest('local', 'interpreter', domain);
    expectMatch(await replay(again, recorded.bytes), recorded);
  });

  test.each<[string, (event: MachineEvent) => MachineEvent]>([
    ['another port', (event) => (event.kind === 'port-raised' ? { ...event, port: 2 } : event)],
    ['another key', (event) => (event.kind === 'console-input' ? key('some kegs') : event)],
    ['another vCPU', (event) => (event.kind === 'virq-raised' ? { ...event, vcpu: 1 } : event)],
  ])('%s is caught', async (_, change) => {
    const machine = await createGuest('listen', 'translator', undefined);
    const { bytes } = await record(machine, scriptedInputs(SCRIPT));
    const bad = rewriteLog(tools, bytes, ({ events }) => {
      for (const [index, event] of events.entries()) {
        events[index] = { ...event, event: change(event.event) };
      }
    });
    const again = await createGuest('listen', 'translator', undefined);
    const replayed = await replay(again, bad);
    expect(replayed.kind).toBe('divergence');
  });
});

/** Two domains of these engines, recorded together. */
async function recordPair(engines: readonly [Engine, Engine]): Promise<[Recorded, Recorded]> {
  const lab = new TinyLab();
  const members = [lab.join(1), lab.join(2)] as const;
  const run = async (index: 0 | 1, append: string): Promise<Recorded> => {
    const machine = await createGuest(append, engines[index], domainOf(index));
    const recorded = await record(machine, members[index].live, members[index].outputs);
    lab.leave(index + 1);
    return recorded;
  };
  return Promise.all([run(0, APPENDS[0]), run(1, APPENDS[1])]);
}

function domainOf(index: number): { id: number; peers: 'host' } {
  return { id: index + 1, peers: 'host' };
}

const APPENDS = ['serve 2 20', 'call 1 20'] as const;

describe('two domains', () => {
  test('share a page; each replays alone, on either engine', async () => {
    const pair = await recordPair(['translator', 'interpreter']);
    const sums = pair.map(({ text }) => /^(served|called) checksum (\d+)\n$/.exec(text)?.[2]);
    expect(sums[0], pair.map(({ text }) => text).join()).toMatch(/\d/);
    expect(sums[1]).toBe(sums[0]);
    const [server, caller] = pair.map(({ result }) => result.events);
    expect(server).toMatchObject({ 'port-raised': 20, 'shared-page-write': 20 });
    expect(caller).toMatchObject({ 'port-raised': 20, 'shared-page-write': 20 });
    expect(server?.['peer-request']).toBeGreaterThanOrEqual(4);
    expect(caller?.['hypercall-result']).toBeGreaterThanOrEqual(2);
    for (const [index, recorded] of pair.entries()) {
      for (const engine of ENGINES) {
        const again = await createGuest(APPENDS[index] ?? '', engine, domainOf(index));
        expectMatch(await replay(again, recorded.bytes), recorded);
      }
    }
  });

  test.each<[string, number, (event: MachineEvent) => MachineEvent | undefined]>([
    ['a byte written by the other domain', 0, flipByte],
    ['an answer', 1, (event) => (event.kind === 'hypercall-result' ? worse(event) : event)],
    ['a page that was mapped', 1, flipAnswer],
    ['a request', 0, (event) => (event.kind === 'peer-request' ? noRequest(event) : event)],
  ])('%s that differs is caught', async (_, index, change) => {
    const recorded = defined((await recordPair(['translator', 'translator']))[index], 'log');
    let changed = 0;
    const bad = rewriteLog(tools, recorded.bytes, ({ events }) => {
      for (const [place, event] of events.entries()) {
        const other = change(event.event) ?? event.event;
        if (other !== event.event && changed++ === 0) events[place] = { ...event, event: other };
      }
    });
    expect(changed).toBeGreaterThan(0);
    const again = await createGuest(APPENDS[index] ?? '', 'translator', domainOf(index));
    expect((await replay(again, bad)).kind).toBe('divergence');
  });

  test('a lost answer is told as such', async () => {
    const [, recorded] = await recordPair(['translator', 'translator']);
    const bad = rewriteLog(tools, recorded.bytes, ({ events, landmarks }) => {
      const index = events.findIndex(({ event }) => event.kind === 'hypercall-result');
      events.splice(index, 1);
      for (const [place, mark] of landmarks.entries()) {
        const eventsBefore = mark.eventsBefore - (mark.eventsBefore > index ? 1 : 0);
        landmarks[place] = { ...mark, eventsBefore };
      }
    });
    const again = await createGuest(APPENDS[1], 'translator', domainOf(1));
    const replayed = await replay(again, bad);
    expect(replayed.kind === 'divergence' && formatDivergence(replayed.report)).toMatch(
      /the machine +expected .*found waits for another domain's answer/,
    );
  });
});

function flipByte(event: MachineEvent): MachineEvent {
  if (event.kind !== 'shared-page-write') return event;
  const [first, ...rest] = event.runs;
  const run = defined(first, 'a run');
  const bytes = run.bytes.slice();
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return { ...event, runs: [{ ...run, bytes }, ...rest] };
}

function flipAnswer(event: MachineEvent): MachineEvent {
  if (event.kind !== 'hypercall-result' || event.bytes.length < 4096) return event;
  const bytes = event.bytes.slice();
  bytes[4000] = 1;
  return { ...event, bytes };
}

function worse(event: MachineEvent): MachineEvent {
  const isGood = event.kind === 'hypercall-result' && event.result === 0;
  return isGood ? { ...event, result: -22 } : event;
}

function noRequest(event: MachineEvent): MachineEvent {
  return event.kind === 'peer-request' ? { ...event, request: { kind: 'probe' } } : event;
}
