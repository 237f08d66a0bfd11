/** How a recording ended, with its totals: the last chunk of a complete log. */
import { assert, type ByteReader, ByteWriter, MalformedError } from '@casmotion/base';
import type { EventKind, PowerEvent } from '@casmotion/events';
import { codecOfNumber, EVENT_CODECS, POWER_CAUSES } from './event-codecs.ts';
import { OUTPUT_DIGEST_BYTES, STATE_DIGEST_BYTES } from './records.ts';

/** Who ended the run and why. */
export type EndReason =
  /** The guest: `code` is not 0 only for a failure. */
  | { readonly by: 'guest'; readonly cause: (typeof GUEST_CAUSES)[number]; readonly code: number }
  /** The host, by a power event. */
  | { readonly by: 'host'; readonly cause: PowerEvent['cause'] }
  /** Every hart waits for ever: no deadline and no source of events is left. */
  | { readonly by: 'nobody'; readonly cause: 'idle-forever' };

export interface LogFooter {
  readonly end: EndReason;
  /** Steps made in all. */
  readonly steps: number;
  readonly landmarks: number;
  readonly events: EventCounts;
  readonly outputBytes: number;
  /** 16 bytes over the whole state at the end, after everything. */
  readonly stateDigest: Uint8Array;
  /** 16 bytes over all that was let out. */
  readonly outputDigest: Uint8Array;
}

/** Events by kind; absent is 0. */
export type EventCounts = { readonly [K in EventKind]?: number };

/** How the guest may end the machine, by frozen number. */
export const GUEST_CAUSES = ['power-off', 'reset', 'failure'] as const;

export function countEvents(counts: EventCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export function encodeFooter(footer: LogFooter): Uint8Array {
  const writer = new ByteWriter();
  writeEnd(writer, footer.end);
  writer.uvarint(footer.steps).uvarint(footer.landmarks);
  const kinds = Object.values(EVENT_CODECS).filter(({ name }) => (footer.events[name] ?? 0) > 0);
  writer.uvarint(kinds.length);
  for (const { kind, name } of kinds) writer.uvarint(kind).uvarint(footer.events[name] ?? 0);
  assert(footer.stateDigest.length === STATE_DIGEST_BYTES, 'state digest');
  assert(footer.outputDigest.length === OUTPUT_DIGEST_BYTES, 'output digest');
  writer.bytes(footer.stateDigest).uvarint(footer.outputBytes).bytes(footer.outputDigest);
  return writer.toBytes();
}

/** Throws {@link MalformedError}. */
export function decodeFooter(reader: ByteReader): LogFooter {
  const end = readEnd(reader);
  const steps = reader.uvarint();
  const landmarks = reader.uvarint();
  const events: { [K in EventKind]?: number } = {};
  for (let left = reader.uvarint(), last = 0; left > 0; left--) {
    const at = reader.fileOffset;
    const kind = reader.uvarint();
    if (kind <= last) throw new MalformedError('kinds of events out of order', at);
    events[codecOfNumber(kind, at).name] = reader.uvarint();
    last = kind;
  }
  const stateDigest = reader.bytes(STATE_DIGEST_BYTES).slice();
  const outputBytes = reader.uvarint();
  const outputDigest = reader.bytes(OUTPUT_DIGEST_BYTES).slice();
  if (reader.remaining > 0) throw new MalformedError('bytes after the footer', reader.fileOffset);
  return { end, steps, landmarks, events, outputBytes, stateDigest, outputDigest };
}

function writeEnd(writer: ByteWriter, end: EndReason): void {
  if (end.by === 'guest') {
    writer.u8(GUEST_CAUSES.indexOf(end.cause)).uvarint(end.code);
  } else if (end.by === 'host') {
    writer.u8(HOST_BASE + POWER_CAUSES.indexOf(end.cause)).uvarint(0);
  } else {
    writer.u8(IDLE_FOREVER).uvarint(0);
  }
}

function readEnd(reader: ByteReader): EndReason {
  const at = reader.fileOffset;
  const number = reader.u8();
  const code = reader.uvarint();
  const guest = GUEST_CAUSES[number];
  if (guest !== undefined) return { by: 'guest', cause: guest, code };
  const host = POWER_CAUSES[number - HOST_BASE];
  if (host !== undefined) return { by: 'host', cause: host };
  if (number === IDLE_FOREVER) return { by: 'nobody', cause: 'idle-forever' };
  throw new MalformedError(`end reason ${number}`, at);
}

const HOST_BASE = 0x10;
const IDLE_FOREVER = 0x20;
