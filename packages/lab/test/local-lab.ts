/// <reference types="node" />
/**
 * A lab in one process, for tests: real machines, recorders and members, joined by arrays. Domains
 * take turns by the event loop, at random if asked; parcels to a domain arrive in order.
 */
import { readFileSync } from 'node:fs';
import { decodeUtf8, defined, Prng } from '@casmotion/base';
import { MemoryImage } from '@casmotion/devices';
import type { MachineOutputs } from '@casmotion/events';
import {
  createMachine,
  describeDisk,
  describeImage,
  type Engine,
  type Machine,
  type MachineConfig,
} from '@casmotion/machine';
import {
  type LiveInputs,
  noOutputs,
  Recorder,
  type RecordResult,
  Replayer,
  type ReplayResult,
} from '@casmotion/recorder';
import {
  bufferSource,
  createLogTools,
  type JsonValue,
  type LogReader,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import {
  EthernetSwitch,
  JointReplay,
  LabMember,
  type LabShape,
  OriginCursor,
  type Parcel,
  reachOf,
} from '../src/index.ts';

export const tools = await createLogTools();
const ELF = new URL('../../guests/embedded/lab.elf', import.meta.url);
const kernel = new Uint8Array(readFileSync(ELF));

/** One domain of a test's lab. */
export interface Part {
  readonly name: string;
  readonly id: number;
  readonly append: string;
  readonly engine?: Engine;
  readonly disk?: Uint8Array;
}

export interface Recorded {
  readonly part: Part;
  readonly bytes: Uint8Array;
  readonly result: RecordResult;
  readonly text: string;
}

/** All are on the switch, and may bind what is offered. */
export function shapeOf(parts: readonly Part[]): LabShape {
  const domains = parts.map(({ name, id }) => ({ name, id }));
  return { domains, channels: undefined, switch: parts.map(({ name }) => name) };
}

export async function createPart(part: Part, engine = part.engine): Promise<Machine> {
  const disk = part.disk === undefined ? undefined : new MemoryImage(part.disk);
  const config: MachineConfig = {
    ramSizeBytes: 8 * 2 ** 20,
    harts: 1,
    bios: 'sbi',
    append: part.append,
    kernel: describeImage('lab.elf', kernel, tools.hashes),
    initrd: undefined,
    firmware: undefined,
    disks: disk === undefined ? [] : [await describeDisk('disk', disk, tools.hashes)],
    virtio: 'modern',
    rng: { kind: 'none' },
    net: 'scripted',
    hasVirtioConsole: false,
    clock: 'virtual',
    rtcBaseNanoseconds: '1700000000000000000',
    rngSeedHex: '00'.repeat(32),
    domain: { id: part.id, peers: 'host' },
  };
  const images = { kernel, disks: disk === undefined ? [] : [disk] };
  const { hashes } = tools;
  return createMachine(config, images, { hashes, engine: engine ?? 'translator', hotJumps: 50 });
}

/** What a test may do to a lab while it runs. */
export interface LabOptions {
  readonly seed?: number;
  /** Of each machine. */
  readonly maxSteps?: number;
  /** Ends that domain's log, and all domains, when it has come so far. */
  readonly crash?: { readonly id: number; readonly step: number };
  /** For domains that go on from a cut: made by the test. */
  readonly inputs?: (seat: LiveSeat) => LiveInputs;
  readonly delivered?: ReadonlyMap<number, ReadonlyMap<number, number>>;
}

export interface LiveSeat {
  readonly part: Part;
  readonly machine: Machine;
  readonly member: LabMember;
  readonly writer: LogWriter;
  /** What the lab gives. */
  readonly live: LiveInputs;
}

/** Records all of them, until each has ended. */
export class LocalLab {
  readonly members = new Map<number, LabMember>();
  readonly #ports: EthernetSwitch;
  readonly #parts: readonly Part[];
  readonly #options: LabOptions;
  readonly #prng: Prng;
  /** The most parcels that were taken at once. */
  inboxMax = 0;
  /** Messages sent, by domain. */
  readonly sent = new Map<number, number>();
  isCrashed = false;

  constructor(parts: readonly Part[], options: LabOptions = {}) {
    this.#parts = parts;
    this.#options = options;
    this.#prng = new Prng(options.seed ?? 1);
    this.#ports = new EthernetSwitch(parts.map(({ id }) => id));
  }

  async record(): Promise<Recorded[]> {
    for (const part of this.#parts) this.#join(part);
    return Promise.all(this.#parts.map((part) => this.#record(part)));
  }

  #join({ id }: Part): void {
    const member = new LabMember({
      domain: id,
      reach: reachOf(shapeOf(this.#parts), id),
      delivered: this.#options.delivered?.get(id) ?? new Map(),
      carrier: {
        send: (to, parcel) => {
          this.sent.set(id, (this.sent.get(id) ?? 0) + 1);
          this.members.get(to)?.deliver(copy(parcel));
        },
        frame: (parcel) => {
          member.frameTaken(1);
          if (parcel.event.kind !== 'net-packet') return;
          for (const to of this.#ports.forward(id, parcel.event.bytes)) {
            this.members.get(to)?.deliver(copy(parcel));
          }
        },
        taken: (from, count) => {
          this.inboxMax = Math.max(this.inboxMax, count);
          this.members.get(from)?.acknowledge(id, count);
        },
      },
    });
    this.members.set(id, member);
  }

  async #record(part: Part): Promise<Recorded> {
    const member = defined(this.members.get(part.id), 'member');
    const machine = await createPart(part);
    member.machine = machine;
    const sink = new MemorySink();
    const domain = { id: part.id, peers: 'host' };
    const header = { creator: 'test', machine: { domain } as JsonValue, digests: {} };
    const writer = new LogWriter(sink, tools, header);
    const live = this.#live(member);
    let text = '';
    const outputs: MachineOutputs = {
      ...noOutputs,
      consoleOutput: (_, bytes) => void (text += decodeUtf8(bytes) ?? '?'),
    };
    const { inputs, maxSteps = 200_000_000 } = this.#options;
    const limits = { sliceSteps: 20_000, landmarkSteps: 300_000, maxSteps };
    const result = await new Recorder({
      machine,
      live: inputs?.({ part, machine, member, writer, live }) ?? live,
      log: { writer, hashes: tools.hashes },
      outputs: member.outputs(outputs),
      ...limits,
      onProgress: ({ step }) => {
        const { crash } = this.#options;
        if (crash?.id === part.id && step >= crash.step) this.isCrashed = true;
      },
    }).run();
    if (!this.isCrashed) member.leave();
    return { part, bytes: sink.toBytes(), result, text };
  }

  #live(member: LabMember): LiveInputs {
    const power = [{ kind: 'power', cause: 'host-error' }] as const;
    const wait = async (): Promise<void> => {
      if (member.hasInput || this.isCrashed) return;
      await Promise.race([arrival(member), turn(), turn().then(turn)]);
    };
    return {
      poll: async () => {
        for (let turns = 1 + this.#prng.below(4); turns > 0; turns--) await turn();
        if (this.isCrashed) return power;
        return member.take();
      },
      idle: async (_, deadlineTicks) => {
        await turn();
        if (this.isCrashed) return power;
        if (!member.hasInput && deadlineTicks !== undefined) return 'deadline';
        if (member.isEnded) return 'never';
        await wait();
        return this.isCrashed ? power : member.take();
      },
      answer: async () => {
        member.noteCall();
        await wait();
        return this.isCrashed ? power : member.take();
      },
      noteEvent: (event) => member.note(event),
      isSyncDue: () => this.#prng.chance(3),
      get stepsMax() {
        return member.isHeld ? 1 : 50_000;
      },
    };
  }
}

export function openBytes(bytes: Uint8Array): LogReader {
  return openLog(bufferSource(bytes), tools);
}

export async function replayAlone(
  { part, bytes }: Pick<Recorded, 'part' | 'bytes'>,
  engine: Engine,
): Promise<ReplayResult> {
  const machine = await createPart(part, engine);
  return new Replayer({ machine, log: openBytes(bytes), hashes: tools.hashes }).run();
}

/** All together; throws what the first of them throws. */
export async function replayTogether(
  recorded: readonly Pick<Recorded, 'part' | 'bytes'>[],
  engine?: Engine,
): Promise<{ readonly results: readonly ReplayResult[]; readonly messages: number }> {
  const joint = new JointReplay();
  const shape = shapeOf(recorded.map(({ part }) => part));
  const seats = [];
  for (const { part, bytes } of recorded) {
    const machine = await createPart(part, engine);
    const log = openBytes(bytes);
    const origins = new OriginCursor(log.origins());
    const { name, id } = part;
    const reach = reachOf(shape, id);
    seats.push({ machine, log, seat: joint.join({ name, domain: id, reach, origins, machine }) });
  }
  let first: { error: unknown } | undefined;
  const runs = seats.map(async ({ machine, log, seat }) => {
    try {
      return await new Replayer({
        machine,
        log,
        hashes: tools.hashes,
        outputs: seat.outputs(noOutputs),
        gate: seat.gate,
        sliceSteps: 100_000,
        onProgress: turn,
      }).run();
    } catch (error) {
      first ??= { error };
      throw error;
    } finally {
      seat.end();
    }
  });
  // The first that fails, in time: others may fail for want of it.
  const settled = await Promise.allSettled(runs);
  if (first !== undefined) throw first.error;
  const results = settled.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []));
  return { results, messages: joint.messages };
}

/** As if it had crossed between threads. */
function copy(parcel: Parcel): Parcel {
  return structuredClone(parcel);
}

function arrival(member: LabMember): Promise<void> {
  return new Promise((resolve) => {
    member.onArrival = resolve;
  });
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
