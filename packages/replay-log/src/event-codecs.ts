/**
 * One codec an event kind: its frozen number, its bytes, its bounds. What a codec decodes is always
 * inside the bounds that packages/events states; what is outside is refused with its byte offset.
 */
import { assert, type ByteReader, type ByteWriter, encodeUtf8, VmError } from '@casmotion/base';
import type {
  ClockLine,
  ConsoleInput,
  Entropy,
  EventKind,
  IdleAdvance,
  MachineEvent,
  Marker,
  NetPacket,
  PortRaised,
  PowerEvent,
} from '@casmotion/events';

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

/** Bounds on what one event may hold; a host splits what is longer. */
export const EVENT_LIMITS = {
  slope: 2 ** 48 - 1,
  ticks: 2 ** 52,
  consoles: 16,
  consoleBytes: 65_536,
  nics: 8,
  packetBytesMin: 14,
  packetBytesMax: 65_550,
  entropyBytes: 65_536,
  ports: 4096,
  markerBytes: 4096,
} as const;

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

function readNumber(reader: ByteReader, name: string, least: number, most: number): number {
  const at = reader.fileOffset;
  const value = reader.uvarint();
  if (value < least || value > most)
    throw new EventValueError(name, `${least} to ${most}`, value, at);
  return value;
}

/** A copy: the chunk it came from may be dropped. */
function readBytes(reader: ByteReader, least: number, most: number): Uint8Array {
  const at = reader.fileOffset;
  const bytes = reader.blob(most);
  if (bytes.length < least)
    throw new EventValueError('bytes', `${least} to ${most}`, bytes.length, at);
  return bytes.slice();
}

function inBounds(name: string, value: number, least: number, most: number): number {
  assert(
    Number.isSafeInteger(value) && value >= least && value <= most,
    `event's ${name}: ${value}`,
  );
  return value;
}

/** An event holds a value outside its bounds. */
export class EventValueError extends VmError {
  override readonly name = 'EventValueError';
  constructor(field: string, expected: string, found: number, fileOffset: number) {
    super(`event field '${field}' is out of bounds`, {
      where: `byte ${fileOffset}`,
      expected,
      found: `${found}`,
    });
  }
}
