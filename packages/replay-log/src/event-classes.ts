/**
 * The classes of nondeterministic events, and which kind of a log belongs to which: the one table
 * from which docs/events.md is made, and by which the command line filters and counts.
 *
 * The classes are those of a Xen DomU under CASMotion, as reconstructed in docs/architecture.md.
 * What the machine can compute again is in a class too, and costs no event.
 */
import type { EventKind } from '@casmotion/events';
import { EVENT_CODECS } from './event-codecs.ts';
import type { EventCounts } from './footer.ts';

/** A class of events, in words. */
export interface EventClass {
  /** For flags and JSON. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What CASMotion's DomU has in its place. */
  readonly counterpart: string;
  /** What of it this machine has. */
  readonly here: string;
  /** Kinds that a log holds; none where all is computed again. */
  readonly kinds: readonly EventKind[];
  readonly logged: string;
  /** How a replay comes to the same. */
  readonly replay: string;
  /** Of docs/architecture.md §1. */
  readonly premises: readonly ('C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8')[];
}

export const EVENT_CLASSES = [
  {
    name: 'virtual-interrupt',
    title: 'virtual interrupt',
    counterpart: 'bits of event channels, the upcall',
    here: 'event channels: ports bound to a virtual IRQ, to another domain, to a hart',
    kinds: ['port-raised', 'virq-raised'],
    logged: 'the port or the virtual IRQ, at its time point; what comes from within, nothing',
    replay: 'raised again at its time point; those from within are computed',
    premises: ['C3', 'C5', 'C6', 'C7'],
  },
  {
    name: 'time',
    title: 'time',
    counterpart: 'the time block in shared_info, RDTSC',
    here: 'the same time block; `time`, mtime, the RTC, and every timer interrupt',
    kinds: ['clock-line'],
    logged: "the clock's line, when the host's drifted off it; of the virtual clock, nothing",
    replay: 'the line is set again; each reading and each timer interrupt is computed from it',
    premises: ['C2', 'C3', 'C5'],
  },
  {
    name: 'hypercall-result',
    title: 'hypercall result',
    counterpart: 'registers that a hypercall returns',
    here: 'SBI calls, operations of the event channel; another domain answers those that name it',
    kinds: ['hypercall-result'],
    logged: "another domain's answer, with its bytes; answers of this machine, nothing",
    replay: 'the machine stands still at the call until the answer is applied; others are computed',
    premises: ['C3', 'C5'],
  },
  {
    name: 'shared-memory',
    title: 'shared memory, ring, grant',
    counterpart: 'bytes written by the backend',
    here: 'pages granted to and mapped from other domains, made one at notifications; requests',
    kinds: ['shared-page-write', 'peer-request'],
    logged: 'the bytes that changed, at the notification; each request',
    replay: 'written again before the port is raised; requests are served again from the state',
    premises: ['C3', 'C4', 'C5', 'C7'],
  },
  {
    name: 'dma',
    title: 'DMA',
    counterpart: 'backends of disk and network',
    here: 'virtqueues: frames from outside; a disk on a local image, whose completion is computed',
    kinds: ['net-packet'],
    logged: "a frame's bytes; of local disks, nothing",
    replay: 'given to the device again, which fills the queue; disks read their image again',
    premises: ['C1', 'C3', 'C4', 'C5'],
  },
  {
    name: 'input',
    title: 'input',
    counterpart: 'the console',
    here: "UART 16550, virtio console, the event channel's console ring",
    kinds: ['console-input'],
    logged: 'the bytes, at the time point where the machine got them',
    replay: "put into the device's queue again",
    premises: ['C3', 'C5', 'C6'],
  },
  {
    name: 'random',
    title: "random numbers, the machine's identity",
    counterpart: 'CPUID, model-specific registers',
    here: 'virtio-rng; identity CSRs are constants; `rng-seed` and what the RTC starts from',
    kinds: ['entropy'],
    logged: 'bytes from the host; of a seeded device, nothing',
    replay: 'given to the waiting request again; a seeded device draws the same',
    premises: ['C1', 'C3', 'C5'],
  },
  {
    name: 'interrupted-instruction',
    title: 'interrupted instruction',
    counterpart: 'string instructions with REP, the count left in ECX',
    here: 'none in RISC-V: each instruction is done or not; a reservation of LR and SC is state',
    kinds: [],
    logged: 'nothing',
    replay: 'nothing to do',
    premises: ['C2', 'C6'],
  },
  {
    name: 'bookkeeping',
    title: 'bookkeeping',
    counterpart: 'checks, the schedule',
    here: 'sleep that was cut short, the end by the host, notes; landmarks, which are no events',
    kinds: ['idle-advance', 'power', 'marker'],
    logged: 'ticks, the cause, the text; of landmarks, digests',
    replay: 'time is moved on; the run ends there; a note changes nothing; landmarks are compared',
    premises: ['C3', 'C6', 'C7', 'C8'],
  },
] as const satisfies readonly EventClass[];

export type EventClassName = (typeof EVENT_CLASSES)[number]['name'];

/** Which class a kind is of. */
export function classOfKind(kind: EventKind): EventClassName {
  return CLASS_OF[kind];
}

/** Events by class; every class is there, those without events with 0. */
export function countByClass(counts: EventCounts): { readonly [C in EventClassName]: number } {
  const sums = Object.fromEntries(EVENT_CLASSES.map(({ name }) => [name, 0]));
  for (const { name } of Object.values(EVENT_CODECS)) {
    sums[CLASS_OF[name]] = (sums[CLASS_OF[name]] ?? 0) + (counts[name] ?? 0);
  }
  return sums as { [C in EventClassName]: number };
}

/** The compiler refuses a kind of packages/events without a class; a test, one that differs. */
const CLASS_OF = {
  'port-raised': 'virtual-interrupt',
  'virq-raised': 'virtual-interrupt',
  'clock-line': 'time',
  'hypercall-result': 'hypercall-result',
  'shared-page-write': 'shared-memory',
  'peer-request': 'shared-memory',
  'net-packet': 'dma',
  'console-input': 'input',
  entropy: 'random',
  'idle-advance': 'bookkeeping',
  power: 'bookkeeping',
  marker: 'bookkeeping',
} as const satisfies { readonly [K in EventKind]: EventClassName };
