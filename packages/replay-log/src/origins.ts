/**
 * Where events came from: records beside the events of a domain in a lab, in chunks of type
 * `origins`. A replay of the domain alone does not need them; a joint replay checks them, and
 * recovery finds by them what depends on what (docs/adr/0018).
 *
 * Invariants: records are in the order of their events; the domains of a clock ascend.
 */
import { assert, type ByteReader, ByteWriter, MalformedError } from '@casmotion/base';

/** How far a domain had come: it had applied `events` events of its log. */
export interface ClockEntry {
  readonly domain: number;
  /** 0 for a first recording; one more each time that the lab was resumed from a cut. */
  readonly incarnation: number;
  readonly events: number;
}

/** `peer`: messages from domain to domain, each stream in order; `frame`: through the switch. */
export type Lane = (typeof LANES)[number];

/** The message that an event was, and what its sender had seen. */
export interface EventOrigin {
  readonly lane: Lane;
  /** Who sent it. */
  readonly domain: number;
  /**
   * Of lane `peer`: which message of the sender to this domain, from 0. Of lane `frame`: which
   * frame of the sender, whoever got it.
   */
  readonly number: number;
  /**
   * The last message from the sender that this event stands for: sends to ports that were raised at
   * this very time point change nothing, and are no events of their own. Mostly `number`.
   */
  readonly through: number;
  /** Steps that the sender had made: it is sent when so many have been made. */
  readonly sentStep: number;
  /** The sender's vector clock as it sent. Domains of which it knew nothing are absent. */
  readonly clock: readonly ClockEntry[];
}

/** Of event `event`, from 0 through the log. */
export type OriginRecord =
  | { readonly kind: 'received'; readonly event: number; readonly origin: EventOrigin }
  /** From here on the domain is of that incarnation. */
  | { readonly kind: 'incarnation'; readonly event: number; readonly incarnation: number };

/** Bounds on what comes from a file. */
export const ORIGIN_LIMITS = { domain: 0x7fef, incarnation: 2 ** 32, clockEntries: 64 } as const;

/** Frozen: the number of a lane is its place here plus 1; 0 is an incarnation. */
const LANES = ['peer', 'frame'] as const;
const INCARNATION = 0;

export function encodeOrigins(records: readonly OriginRecord[]): Uint8Array {
  const writer = new ByteWriter().uvarint(records.length);
  let event = 0;
  for (const record of records) {
    writer.uvarint(record.event - event);
    ({ event } = record);
    if (record.kind === 'incarnation') writer.u8(INCARNATION).uvarint(record.incarnation);
    else writeOrigin(writer, record.origin);
  }
  return writer.toBytes();
}

/** Throws {@link MalformedError}. */
export function* decodeOrigins(reader: ByteReader): Generator<OriginRecord, void> {
  const start = reader.fileOffset;
  let count = reader.uvarint();
  if (count * RECORD_MIN_BYTES > reader.remaining) {
    throw new MalformedError(`${count} records in ${reader.remaining} bytes`, start);
  }
  for (let event = 0; count > 0; count--) {
    const at = reader.fileOffset;
    event += reader.uvarint();
    if (!Number.isSafeInteger(event)) throw new MalformedError('a number grows above 2^53', at);
    const tag = reader.u8();
    const lane = LANES[tag - 1];
    if (tag === INCARNATION)
      yield { kind: 'incarnation', event, incarnation: readIncarnation(reader) };
    else if (lane !== undefined)
      yield { kind: 'received', event, origin: readOrigin(reader, lane) };
    else throw new MalformedError(`origin of kind ${tag}`, at);
  }
  if (reader.remaining > 0) {
    throw new MalformedError(`${reader.remaining} bytes after the last record`, reader.fileOffset);
  }
}

function writeOrigin(writer: ByteWriter, origin: EventOrigin): void {
  const { lane, domain, number, through, sentStep, clock } = origin;
  assert(through >= number, `message ${number} through ${through}`);
  assert(clock.length <= ORIGIN_LIMITS.clockEntries, `clock of ${clock.length} entries`);
  writer
    .u8(LANES.indexOf(lane) + 1)
    .uvarint(domain)
    .uvarint(number)
    .uvarint(through - number);
  writer.uvarint(sentStep).uvarint(clock.length);
  for (const entry of clock) {
    writer.uvarint(entry.domain).uvarint(entry.incarnation).uvarint(entry.events);
  }
}

function readOrigin(reader: ByteReader, lane: Lane): EventOrigin {
  const domain = readDomain(reader);
  const at = reader.fileOffset;
  const number = reader.uvarint();
  const through = number + reader.uvarint();
  if (!Number.isSafeInteger(through)) throw new MalformedError('a number grows above 2^53', at);
  const sentStep = reader.uvarint();
  const clock: ClockEntry[] = [];
  const clockAt = reader.fileOffset;
  const count = reader.uvarint();
  if (count > ORIGIN_LIMITS.clockEntries) {
    throw new MalformedError(`a clock of ${count} domains`, clockAt);
  }
  for (let last = 0; clock.length < count; ) {
    const entryAt = reader.fileOffset;
    const entry = readDomain(reader);
    if (entry <= last) throw new MalformedError('domains of a clock out of order', entryAt);
    clock.push({ domain: entry, incarnation: readIncarnation(reader), events: reader.uvarint() });
    last = entry;
  }
  return { lane, domain, number, through, sentStep, clock };
}

function readDomain(reader: ByteReader): number {
  const at = reader.fileOffset;
  const domain = reader.uvarint();
  if (domain >= 1 && domain <= ORIGIN_LIMITS.domain) return domain;
  throw new MalformedError(`domain ${domain}`, at);
}

function readIncarnation(reader: ByteReader): number {
  const at = reader.fileOffset;
  const incarnation = reader.uvarint();
  if (incarnation <= ORIGIN_LIMITS.incarnation) return incarnation;
  throw new MalformedError(`incarnation ${incarnation}`, at);
}

const RECORD_MIN_BYTES = 3;
