/**
 * A small log with every kind of event, and random ones: what the tests of this package read back.
 */
import { Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import {
  type EventCheck,
  type LogFooter,
  type LogHeader,
  type LoggedEvent,
  type LoggedLandmark,
  type LogTools,
  LogWriter,
  MemorySink,
} from '../src/index.ts';

export const SAMPLE_HEADER: LogHeader = {
  creator: 'sample 1',
  machine: { harts: 1, kernel: null },
  digests: { dtb: '00ff' },
};

/** One event of each of the first kinds, in the order of their numbers. */
export const SAMPLE_EVENTS: readonly MachineEvent[] = [
  { kind: 'clock-line', jumpTicks: 7, slope: 42_949_672 },
  { kind: 'idle-advance', ticks: 40_000 },
  { kind: 'port-raised', port: 3 },
  { kind: 'console-input', console: 0, bytes: Uint8Array.of(0x6c, 0x73, 0x0d) },
  { kind: 'net-packet', nic: 1, bytes: new Uint8Array(14).fill(0xee) },
  { kind: 'entropy', bytes: Uint8Array.of(1, 2, 3, 4) },
  { kind: 'marker', text: 'before the crash: \u00e9' },
  { kind: 'power', cause: 'interrupted' },
];

/** Long ones, so that their chunks are worth packing. */
export const LONG_EVENTS: readonly MachineEvent[] = [
  { kind: 'console-input', console: 0, bytes: new Uint8Array(300).fill(0x61) },
  { kind: 'marker', text: 'a long way '.repeat(30) },
  { kind: 'entropy', bytes: Uint8Array.from({ length: 40 }, (_, i) => i * 37) },
  { kind: 'net-packet', nic: 0, bytes: new Uint8Array(400).fill(0x55) },
];

/** A header that is worth packing, though writers leave it. */
export const LONG_HEADER: LogHeader = {
  creator: 'sample 1',
  machine: { kernel: 'kernel '.repeat(50) },
  digests: {},
};

/** Those of event channels and shared pages: each kind, and each kind of request. */
export const CHANNEL_EVENTS: readonly MachineEvent[] = [
  { kind: 'hypercall-result', result: 0, bytes: Uint8Array.of(1, 2, 3) },
  { kind: 'hypercall-result', result: -22, bytes: new Uint8Array(0) },
  { kind: 'peer-request', domain: 2, request: { kind: 'bind', port: 4, remotePort: 9 } },
  { kind: 'peer-request', domain: 2, request: { kind: 'close', port: 4, remotePort: 9 } },
  { kind: 'peer-request', domain: 0, request: { kind: 'map', ref: 8, isReadOnly: true } },
  { kind: 'peer-request', domain: 0, request: { kind: 'unmap', ref: 8, isReadOnly: false } },
  {
    kind: 'peer-request',
    domain: 3,
    request: { kind: 'copy-from', ref: 511, offset: 4000, sizeBytes: 96 },
  },
  {
    kind: 'peer-request',
    domain: 3,
    request: { kind: 'copy-to', ref: 0, offset: 1, bytes: Uint8Array.of(7) },
  },
  { kind: 'peer-request', domain: 0x7fef, request: { kind: 'probe' } },
  { kind: 'peer-request', domain: 2, request: { kind: 'gone' } },
  {
    kind: 'shared-page-write',
    domain: 2,
    ref: 8,
    isOwn: true,
    runs: [
      { offset: 0, bytes: Uint8Array.of(1) },
      { offset: 2, bytes: Uint8Array.of(2, 3) },
      { offset: 4095, bytes: Uint8Array.of(4) },
    ],
  },
  { kind: 'virq-raised', virq: 1, vcpu: 0 },
];

export interface Written {
  readonly bytes: Uint8Array;
  readonly events: LoggedEvent[];
  readonly landmarks: LoggedLandmark[];
  readonly footer: LogFooter | undefined;
}

/**
 * Events 100 steps apart, a landmark after every third, an output digest at each
 * landmark.
 */
export function writeSample(
  tools: LogTools,
  sampleEvents: readonly MachineEvent[] = SAMPLE_EVENTS,
  header = SAMPLE_HEADER,
): Written {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, header);
  const events: LoggedEvent[] = [];
  const landmarks: LoggedLandmark[] = [];
  for (const [index, event] of sampleEvents.entries()) {
    const step = 1000 + index * 100;
    if (index % 3 === 0) {
      const landmark = sampleLandmark(step, index);
      const number = writer.landmark(landmark);
      landmarks.push({ ...landmark, number, eventsBefore: index });
      writer.output(index * 11, new Uint8Array(16).fill(index));
      writer.flush();
    }
    const check = index % 2 === 0 ? sampleCheck(index) : undefined;
    const wakes = index === 4 ? 2 : 0;
    const number = writer.event(step, event, check, wakes);
    events.push({ number, at: { step }, event, check, wakes });
  }
  const digest = new Uint8Array(16).fill(0xaa);
  const footer = writer.finish({
    end: { by: 'host', cause: 'interrupted' },
    steps: 900 + 100 * sampleEvents.length,
    outputBytes: 66,
    stateDigest: digest,
    outputDigest: digest,
  });
  return { bytes: sink.toBytes(), events, landmarks, footer };
}

/** A log of random events, landmarks and flushes. */
export function writeRandom(tools: LogTools, seed: number): Written {
  const random = new Prng(seed);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, SAMPLE_HEADER);
  const events: LoggedEvent[] = [];
  const landmarks: LoggedLandmark[] = [];
  let step = 0;
  for (let left = random.below(200); left > 0; left--) {
    step += random.below(random.pick([2, 300, 1e6, 2 ** 31]));
    if (random.chance(4)) {
      const landmark = sampleLandmark(step, random.u32());
      const eventsBefore = events.length;
      landmarks.push({ ...landmark, number: writer.landmark(landmark), eventsBefore });
    }
    const check = random.chance(3) ? undefined : sampleCheck(random.u32());
    const wakes = random.chance(10) ? 1 + random.below(300) : 0;
    const event = randomEvent(random);
    events.push({
      number: writer.event(step, event, check, wakes),
      at: { step },
      event,
      check,
      wakes,
    });
    if (random.chance(15)) writer.flush();
  }
  const digest = new Uint8Array(16);
  random.fill(digest);
  const end = { by: 'guest', cause: 'failure', code: random.below(65536) } as const;
  const isFinished = !random.chance(5);
  const footer = isFinished
    ? writer.finish({ end, steps: step, outputBytes: 5, stateDigest: digest, outputDigest: digest })
    : undefined;
  if (!isFinished) writer.flush();
  return { bytes: sink.toBytes(), events, landmarks, footer };
}

export function randomEvent(random: Prng): MachineEvent {
  const bytes = new Uint8Array(14 + random.below(random.pick([2, 60, 1500])));
  random.fill(bytes);
  const events: readonly MachineEvent[] = [
    { kind: 'clock-line', jumpTicks: random.below(2 ** 20), slope: 1 + random.u32() },
    { kind: 'idle-advance', ticks: random.u32() * random.pick([1, 2 ** 20]) },
    { kind: 'port-raised', port: 1 + random.below(4095) },
    { kind: 'console-input', console: random.below(16), bytes },
    { kind: 'net-packet', nic: random.below(8), bytes },
    { kind: 'entropy', bytes },
    { kind: 'marker', text: 'm'.repeat(random.below(50)) },
    { kind: 'hypercall-result', result: 0 - random.below(50), bytes },
    {
      kind: 'peer-request',
      domain: random.below(0x1_0000),
      request: { kind: 'copy-to', ref: random.u32(), offset: random.below(2000), bytes },
    },
    {
      kind: 'shared-page-write',
      domain: random.below(4),
      ref: random.below(512),
      isOwn: random.chance(2),
      runs: [
        { offset: random.below(1000), bytes },
        { offset: 3000, bytes: bytes.slice(0, 1 + random.below(14)) },
      ],
    },
    { kind: 'virq-raised', virq: random.below(24), vcpu: random.below(32) },
    random.pick(CHANNEL_EVENTS),
    { kind: 'power', cause: random.pick(['interrupted', 'timeout', 'step-limit', 'host-error']) },
  ];
  return random.pick(events);
}

function sampleCheck(seed: number): EventCheck {
  const random = new Prng(seed);
  const registerDigest = new Uint8Array(4);
  random.fill(registerDigest);
  return { pc: random.chance(2) ? random.u64() : 0xffff_ffff_8000_1000n, registerDigest };
}

function sampleLandmark(
  step: number,
  seed: number,
): Omit<LoggedLandmark, 'number' | 'eventsBefore'> {
  const random = new Prng(seed);
  const [registerDigest, stateDigest] = [new Uint8Array(8), new Uint8Array(16)];
  random.fill(registerDigest);
  random.fill(stateDigest);
  return { at: { step }, pc: random.u64(), registerDigest, stateDigest };
}
