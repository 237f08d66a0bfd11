/** A log of a domain in a lab: what its frozen log holds. */
import type { MachineEvent } from '@casmotion/events';
import { type LogTools, LogWriter, MemorySink, type OriginRecord } from '../src/index.ts';
import { SAMPLE_HEADER } from './sample.ts';

const clock = [
  { domain: 1, incarnation: 0, events: 3 },
  { domain: 2, incarnation: 1, events: 2 ** 40 },
  { domain: 0x7fef, incarnation: 0, events: 0 },
];

/** Every kind of record. */
export const ORIGINS: readonly OriginRecord[] = [
  {
    kind: 'received',
    event: 0,
    origin: { lane: 'peer', domain: 2, number: 0, through: 0, sentStep: 90_000, clock: [] },
  },
  { kind: 'incarnation', event: 2, incarnation: 1 },
  {
    kind: 'received',
    event: 2,
    origin: { lane: 'peer', domain: 2, number: 1, through: 9, sentStep: 90_001, clock },
  },
  {
    kind: 'received',
    event: 3,
    origin: { lane: 'frame', domain: 0x7fef, number: 7, through: 7, sentStep: 0, clock },
  },
];

const EVENTS: readonly MachineEvent[] = [
  { kind: 'port-raised', port: 3 },
  { kind: 'marker', text: 'of the host' },
  { kind: 'port-raised', port: 4 },
  { kind: 'net-packet', nic: 0, bytes: new Uint8Array(14).fill(2) },
];

/** Cut: it has no footer. */
export function writeOrigins(
  tools: LogTools,
  records: readonly OriginRecord[] = ORIGINS,
): Uint8Array {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, SAMPLE_HEADER);
  for (const [number, event] of EVENTS.entries()) {
    for (const record of records) if (record.event === number) writer.origin(record);
    writer.event(1000 + number, event, undefined);
    if (number === 1) writer.flush();
  }
  writer.flush();
  return sink.toBytes();
}
