/**
 * One codec an event kind: its frozen number, its bytes, its bounds. What a codec decodes is always
 * inside the bounds that packages/events states; what is outside is refused with its byte offset.
 */
import { type ByteReader, type ByteWriter, encodeUtf8, unreachable } from '@casmotion/base';
import type {
  ClockLine,
  ConsoleInput,
  Entropy,
  EventKind,
  HypercallResult,
  IdleAdvance,
  MachineEvent,
  Marker,
  NetPacket,
  PageRun,
  PeerMessage,
  PeerRequested,
  PortRaised,
  PowerEvent,
  SharedPageWrite,
  VirqRaised,
} from '@casmotion/events';
import {
  EVENT_LIMITS,
  EventValueError,
  inBounds,
  readBytes,
  readNumber,
} from './event-values.ts';
import { readPeerRequest, writePeerRequest } from './peer-request-codec.ts';

/**
 * How one kind of event is written. `encode` asserts the bounds, `decode` throws {@link
 * EventValueError}.
 */
export interface EventCodec<E extends MachineEvent> {
  readonly name: E['kind'];
  /** 0x01 to 0x3f. Frozen: kinds are never reused, see docs/format.md "Evolution". */
  readonly kind: number;
  encode(writer: ByteWriter, event: E): void;
  decode(reader: ByteReader): E;
}

/**
 * `clock-line`: a new line of guest time.
 *   jumpTicks  uvarint  0 <= jumpTicks <= 2^52, ticks of 100 ns
 *   slope      uvarint  1 <= slope < 2^48, ticks a step with 32 fraction bits
 */
export const clockLine: EventCodec<ClockLine> = {
  name: 'clock-line',
  kind: 0x01,
  encode: (writer, { jumpTicks, slope }) => {
    writer.uvarint(inBounds('jumpTicks', jumpTicks, 0, EVENT_LIMITS.ticks));
    writer.uvarint(inBounds('slope', slope, 1, EVENT_LIMITS.slope));
  },
  decode: (reader) => ({
    kind: 'clock-line',
    jumpTicks: readNumber(reader, 'jumpTicks', 0, EVENT_LIMITS.ticks),
    slope: readNumber(reader, 'slope', 1, EVENT_LIMITS.slope),
  }),
};

/**
 * `idle-advance`: time passed while every hart waited.
 *   ticks  uvarint  0 <= ticks <= 2^52
 */
export const idleAdvance: EventCodec<IdleAdvance> = {
  name: 'idle-advance',
  kind: 0x02,
  encode: (writer, { ticks }) => {
    writer.uvarint(inBounds('ticks', ticks, 0, EVENT_LIMITS.ticks));
  },
  decode: (reader) => ({
    kind: 'idle-advance',
    ticks: readNumber(reader, 'ticks', 0, EVENT_LIMITS.ticks),
  }),
};

/**
 * `port-raised`: another domain or the host made an event-channel port pending.
 *   port  uvarint  1 <= port < 4096; port 0 is reserved and never pending
 */
export const portRaised: EventCodec<PortRaised> = {
  name: 'port-raised',
  kind: 0x03,
  encode: (writer, { port }) => {
    writer.uvarint(inBounds('port', port, 1, EVENT_LIMITS.ports - 1));
  },
  decode: (reader) => ({
    kind: 'port-raised',
    port: readNumber(reader, 'port', 1, EVENT_LIMITS.ports - 1),
  }),
};

/**
 * `console-input`: bytes typed at a console.
 *   console  uvarint  0: the UART; 1 + n: virtio console n; below 16
 *   bytes    blob     1 to 65,536 bytes
 */
export const consoleInput: EventCodec<ConsoleInput> = {
  name: 'console-input',
  kind: 0x04,
  encode: (writer, { console, bytes }) => {
    writer.uvarint(inBounds('console', console, 0, EVENT_LIMITS.consoles - 1));
    inBounds('bytes', bytes.length, 1, EVENT_LIMITS.consoleBytes);
    writer.blob(bytes);
  },
  decode: (reader) => ({
    kind: 'console-input',
    console: readNumber(reader, 'console', 0, EVENT_LIMITS.consoles - 1),
    bytes: readBytes(reader, 1, EVENT_LIMITS.consoleBytes),
  }),
};

/**
 * `net-packet`: a frame arrived.
 *   nic    uvarint  below 8
 *   bytes  blob     14 to 65,550 bytes
 */
export const netPacket: EventCodec<NetPacket> = {
  name: 'net-packet',
  kind: 0x05,
  encode: (writer, { nic, bytes }) => {
    writer.uvarint(inBounds('nic', nic, 0, EVENT_LIMITS.nics - 1));
    inBounds('bytes', bytes.length, EVENT_LIMITS.packetBytesMin, EVENT_LIMITS.packetBytesMax);
    writer.blob(bytes);
  },
  decode: (reader) => ({
    kind: 'net-packet',
    nic: readNumber(reader, 'nic', 0, EVENT_LIMITS.nics - 1),
    bytes: readBytes(reader, EVENT_LIMITS.packetBytesMin, EVENT_LIMITS.packetBytesMax),
  }),
};

/**
 * `entropy`: random bytes from the host.
 *   bytes  blob  1 to 65,536 bytes
 */
export const entropy: EventCodec<Entropy> = {
  name: 'entropy',
  kind: 0x06,
  encode: (writer, { bytes }) => {
    inBounds('bytes', bytes.length, 1, EVENT_LIMITS.entropyBytes);
    writer.blob(bytes);
  },
  decode: (reader) => ({ kind: 'entropy', bytes: readBytes(reader, 1, EVENT_LIMITS.entropyBytes) }),
};

/**
 * `power`: the host ends the machine.
 *   cause  uvarint  index into {@link POWER_CAUSES}
 */
export const power: EventCodec<PowerEvent> = {
  name: 'power',
  kind: 0x07,
  encode: (writer, { cause }) => {
    writer.uvarint(inBounds('cause', POWER_CAUSES.indexOf(cause), 0, POWER_CAUSES.length - 1));
  },
  decode: (reader) => {
    const index = readNumber(reader, 'cause', 0, POWER_CAUSES.length - 1);
    return { kind: 'power', cause: POWER_CAUSES[index] ?? 'interrupted' };
  },
};

/**
 * `marker`: a note without effect.
 *   text  string  at most 4096 bytes of UTF-8
 */
export const marker: EventCodec<Marker> = {
  name: 'marker',
  kind: 0x08,
  encode: (writer, { text }) => {
    const bytes = encodeUtf8(text);
    inBounds('text', bytes.length, 0, EVENT_LIMITS.markerBytes);
    writer.blob(bytes);
  },
  decode: (reader) => ({ kind: 'marker', text: reader.string(EVENT_LIMITS.markerBytes) }),
};

/**
 * `hypercall-result`: the answer to the guest's call to another domain.
 *   result  uvarint  0 <= -result <= 2^31
 *   bytes   blob     at most 4096 bytes
 */
export const hypercallResult: EventCodec<HypercallResult> = {
  name: 'hypercall-result',
  kind: 0x09,
  encode: (writer, { result, bytes }) => {
    writer.uvarint(inBounds('result', 0 - result, 0, EVENT_LIMITS.result));
    inBounds('bytes', bytes.length, 0, EVENT_LIMITS.pageBytes);
    writer.blob(bytes);
  },
  decode: (reader) => ({
    kind: 'hypercall-result',
    result: 0 - readNumber(reader, 'result', 0, EVENT_LIMITS.result),
    bytes: readBytes(reader, 0, EVENT_LIMITS.pageBytes),
  }),
};

/**
 * `peer-request`: another domain asks or tells; peer-request-codec.ts has the requests.
 *   domain   uvarint  below 65,536
 *   request  uvarint  its kind, then its fields
 */
export const peerRequested: EventCodec<PeerRequested> = {
  name: 'peer-request',
  kind: 0x0a,
  encode: (writer, { domain, request }) => {
    writer.uvarint(inBounds('domain', domain, 0, EVENT_LIMITS.domain));
    writePeerRequest(writer, request);
  },
  decode: (reader) => ({
    kind: 'peer-request',
    domain: readNumber(reader, 'domain', 0, EVENT_LIMITS.domain),
    request: readPeerRequest(reader),
  }),
};

/**
 * `shared-page-write`: another domain's writes to a shared page.
 *   domain  uvarint  below 65,536
 *   ref     uvarint  grant reference, below 2^32
 *   isOwn   uvarint  1: a page of the receiver; 0: one that it mapped
 *   count   uvarint  1 to 2048 runs, each:
 *     gap    uvarint  from the end of the run before (0); at least 1 but for the first
 *     bytes  blob     1 to 4096 bytes; the last run ends within 4096
 */
export const sharedPageWrite: EventCodec<SharedPageWrite> = {
  name: 'shared-page-write',
  kind: 0x0b,
  encode: (writer, { domain, ref, isOwn, runs }) => {
    writer.uvarint(inBounds('domain', domain, 0, EVENT_LIMITS.domain));
    writer.uvarint(inBounds('ref', ref, 0, EVENT_LIMITS.ref)).uvarint(isOwn ? 1 : 0);
    writer.uvarint(inBounds('runs', runs.length, 1, EVENT_LIMITS.pageRuns));
    let end = 0;
    for (const [index, { offset, bytes }] of runs.entries()) {
      writer.uvarint(inBounds('offset', offset - end, index === 0 ? 0 : 1, EVENT_LIMITS.pageBytes));
      end = inBounds('offset', offset + bytes.length, offset + 1, EVENT_LIMITS.pageBytes);
      writer.blob(bytes);
    }
  },
  decode: (reader) => ({
    kind: 'shared-page-write',
    domain: readNumber(reader, 'domain', 0, EVENT_LIMITS.domain),
    ref: readNumber(reader, 'ref', 0, EVENT_LIMITS.ref),
    isOwn: readNumber(reader, 'isOwn', 0, 1) === 1,
    runs: readRuns(reader),
  }),
};

/**
 * `virq-raised`: the host raised a virtual interrupt.
 *   virq  uvarint  below 24
 *   vcpu  uvarint  below 32
 */
export const virqRaised: EventCodec<VirqRaised> = {
  name: 'virq-raised',
  kind: 0x0c,
  encode: (writer, { virq, vcpu }) => {
    writer.uvarint(inBounds('virq', virq, 0, EVENT_LIMITS.virqs - 1));
    writer.uvarint(inBounds('vcpu', vcpu, 0, EVENT_LIMITS.vcpus - 1));
  },
  decode: (reader) => ({
    kind: 'virq-raised',
    virq: readNumber(reader, 'virq', 0, EVENT_LIMITS.virqs - 1),
    vcpu: readNumber(reader, 'vcpu', 0, EVENT_LIMITS.vcpus - 1),
  }),
};

/**
 * Writes a message to another domain, for digests of outputs: docs/format.md, "outputs". It has the
 * form of the event that it becomes there.
 */
export function encodePeerMessage(writer: ByteWriter, message: PeerMessage): void {
  const { kind, domain } = message;
  switch (kind) {
    case 'send':
      writer.u8(0).uvarint(domain).uvarint(message.port);
      return;
    case 'page-write':
      sharedPageWrite.encode(writer.u8(1), { ...message, kind: 'shared-page-write' });
      return;
    case 'request':
      peerRequested.encode(writer.u8(2), { ...message, kind: 'peer-request' });
      return;
    case 'answer':
      writer.u8(3).uvarint(domain);
      hypercallResult.encode(writer, { ...message, kind: 'hypercall-result' });
      return;
    default:
      unreachable(kind);
  }
}

function readRuns(reader: ByteReader): PageRun[] {
  const count = readNumber(reader, 'runs', 1, EVENT_LIMITS.pageRuns);
  const runs: PageRun[] = [];
  let end = 0;
  while (runs.length < count) {
    const least = runs.length === 0 ? 0 : 1;
    const offset = end + readNumber(reader, 'offset', least, EVENT_LIMITS.pageBytes - 1 - end);
    const bytes = readBytes(reader, 1, EVENT_LIMITS.pageBytes - offset);
    runs.push({ offset, bytes });
    end = offset + bytes.length;
  }
  return runs;
}

/**
 * Every kind, by frozen number. The compiler refuses a kind of packages/events that has no codec
 * here.
 */
export const EVENT_CODECS = {
  'clock-line': clockLine,
  'idle-advance': idleAdvance,
  'port-raised': portRaised,
  'console-input': consoleInput,
  'net-packet': netPacket,
  entropy,
  power,
  marker,
  'hypercall-result': hypercallResult,
  'peer-request': peerRequested,
  'shared-page-write': sharedPageWrite,
  'virq-raised': virqRaised,
} satisfies { readonly [K in EventKind]: EventCodec<Extract<MachineEvent, { kind: K }>> };

/** Causes of a power event, by frozen number. */
export const POWER_CAUSES = ['interrupted', 'timeout', 'step-limit', 'host-error'] as const;

const BY_NUMBER = new Map<number, EventCodec<MachineEvent>>(
  Object.values(EVENT_CODECS).map((codec) => [
    codec.kind,
    codec as unknown as EventCodec<MachineEvent>,
  ]),
);

/** The codec of an event. */
export function codecOf(event: MachineEvent): EventCodec<MachineEvent> {
  return EVENT_CODECS[event.kind];
}

/** The codec of a number read from a log. Throws {@link EventValueError} with the byte offset. */
export function codecOfNumber(kind: number, fileOffset: number): EventCodec<MachineEvent> {
  const codec = BY_NUMBER.get(kind);
  if (codec === undefined) {
    throw new EventValueError(
      'kind',
      `a kind of event from 1 to ${BY_NUMBER.size}`,
      kind,
      fileOffset,
    );
  }
  return codec;
}
