/// <reference types="node" />
/**
 * Goal: a log with keys comes back as it was written, is frozen, holds no step of an event, and is
 * refused where its content is not sound or asked for steps. Method: seeded random logs round trip;
 * a small one is cut at every byte; its batches are mutated under right checksums; the frozen file
 * is read.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project replay-log keyed`.
 */
import { readFileSync } from 'node:fs';
import { ByteReader, MalformedError, Prng, VmError } from '@casmotion/base';
import { branchKey } from '@casmotion/time-point';
import { beforeAll, describe, expect, test } from 'vitest';
import { type KeyedWritten, writeKeyedSample, writeRandomKeyed } from '../test/keyed-sample.ts';
import { SAMPLE_HEADER, writeSample } from '../test/sample.ts';
import { encodeChunk, encodePreamble } from './chunk.ts';
import { encodeHeader } from './header.ts';
import {
  bufferSource,
  CHUNK_TYPES,
  createLogTools,
  KeyedLogError,
  LogContentError,
  type LogReader,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
  readLogFacts,
} from './index.ts';
import {
  decodeKeyedEvents,
  decodeKeyedLandmarks,
  encodeKeyedEvents,
  encodeKeyedLandmarks,
} from './keyed-records.ts';
import { encodeEvents } from './records.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

const open = (bytes: Uint8Array): LogReader => openLog(bufferSource(bytes), tools);

function expectSame(log: LogReader, written: KeyedWritten, note: string): void {
  expect([...log.keyedEvents()], note).toEqual(written.events);
  expect([...log.keyedLandmarks()], note).toEqual(written.landmarks);
  expect(log.footer, note).toEqual(written.footer);
}

test('random logs come back', () => {
  let [complete, empty] = [0, 0];
  for (let seed = SEED; seed < SEED + 120; seed++) {
    const written = writeRandomKeyed(tools, seed);
    const log = open(written.bytes);
    const isEmpty = written.events.length + written.landmarks.length === 0;
    expect(log.isKeyed, `seed ${seed}`).toBe(!isEmpty);
    expectSame(log, written, `seed ${seed}`);
    if (isEmpty) empty++;
    if (log.isComplete) complete++;
  }
  expect(complete).toBeGreaterThan(50);
  expect(empty).toBeLessThan(20);
});

test('the frozen log with keys is read', () => {
  const bytes = readFileSync(`${import.meta.dirname}/../test/frozen/v1-keyed.cmr`);
  const log = open(new Uint8Array(bytes));
  expect(log.header).toEqual(SAMPLE_HEADER);
  expect(log.isKeyed).toBe(true);
  expectSame(log, writeKeyedSample(tools), 'frozen');
  expect([...log.outputs()]).toHaveLength(3);
});

test('a log cut at any byte gives a prefix', () => {
  const { bytes, events, landmarks } = writeKeyedSample(tools);
  const header = open(bytes).chunks[1]?.fileOffset ?? 0;
  for (let size = header; size < bytes.length; size++) {
    const log = open(bytes.slice(0, size));
    const [found, marks] = [[...log.keyedEvents()], [...log.keyedLandmarks()]];
    expect(found, `size ${size}`).toEqual(events.slice(0, found.length));
    expect(marks, `size ${size}`).toEqual(landmarks.slice(0, marks.length));
  }
});

describe('a log with keys', () => {
  test('has no steps to give, and says so', () => {
    const log = open(writeKeyedSample(tools).bytes);
    expect(() => [...log.events()]).toThrow(KeyedLogError);
    expect(() => [...log.landmarks()]).toThrow(KeyedLogError);
    expect(log.chunks.map(({ type }) => type)).not.toContain(CHUNK_TYPES.events);
    expect(log.chunks.map(({ type }) => type)).not.toContain(CHUNK_TYPES.landmarks);
  });

  test('is described by its index', () => {
    const { bytes, footer } = writeKeyedSample(tools);
    expect(readLogFacts(bufferSource(bytes), tools)?.footer).toEqual(footer);
  });

  test('of steps has no keys to give', () => {
    const log = open(writeSample(tools).bytes);
    expect(log.isKeyed).toBe(false);
    expect([...log.keyedEvents(), ...log.keyedLandmarks()]).toEqual([]);
  });

  test('and steps is neither written nor read', () => {
    const { events } = writeKeyedSample(tools);
    const writer = new LogWriter(new MemorySink(), tools, SAMPLE_HEADER);
    writer.event(5, { kind: 'marker', text: '' }, undefined);
    const [event] = events;
    if (event === undefined) throw new Error('an event');
    expect(() => writer.keyedEvent(event)).toThrow(/steps and keys/);
    const byStep = writeSample(tools).events.slice(0, 1);
    const both = logOf([
      [CHUNK_TYPES.keyedEvents, encodeKeyedEvents([event])],
      [CHUNK_TYPES.events, encodeEvents(byStep)],
    ]);
    expect(() => open(both)).toThrow(LogContentError);
    expect(() => open(both)).toThrow(/steps and keys in one log/);
  });
});

describe('a batch', () => {
  const key = branchKey(7, 0x8000_0000n);
  const registerDigest = new Uint8Array(4);
  const event = { kind: 'marker', text: '' } as const;
  const batch = (): Uint8Array =>
    encodeKeyedEvents([{ number: 0, key, wakes: 0, registerDigest, event }]);

  test.each([
    ['parts that nobody knows', 3, 2, /parts 2/],
    ['a tag with the bit of a check', 4, 0x88, /tag 136/],
    ['another number', 0, 1, /record number 1 where 0/],
    ['more records than bytes', 2, 99, /99 records in/],
  ])('with %s is refused', (_, at, value, message) => {
    const bytes = batch();
    bytes[at] = value;
    const decode = () => [...decodeKeyedEvents(new ByteReader(bytes), 0)];
    expect(decode).toThrow(MalformedError);
    expect(decode).toThrow(message);
  });

  test('cannot have keys of different parts', () => {
    const other = { number: 1, key: branchKey(8, 0n, 1n), wakes: 0, registerDigest, event };
    const first = { ...other, number: 0, key };
    expect(() => encodeKeyedEvents([first, other])).toThrow(/same parts/);
  });

  test('mutated under right checksums is refused as a VmError or read in bounds', () => {
    const { events, landmarks } = writeKeyedSample(tools);
    const batches = [
      [encodeKeyedEvents(events), decodeKeyedEvents],
      [encodeKeyedLandmarks(landmarks), decodeKeyedLandmarks],
    ] as const;
    let [refused, read] = [0, 0];
    for (let seed = SEED; seed < SEED + 4000; seed++) {
      const random = new Prng(seed);
      const [bytes, decode] = random.pick(batches);
      const wrong = bytes.slice(0, random.chance(3) ? random.below(bytes.length) : bytes.length);
      if (wrong.length > 0) wrong[random.below(wrong.length)] = random.below(256);
      try {
        for (const record of decode(new ByteReader(wrong), 0)) {
          expect(Number.isSafeInteger(record.key.count)).toBe(true);
          expect(record.key.pc).toBeLessThan(2n ** 64n);
        }
        read++;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(VmError);
        refused++;
      }
    }
    expect(Math.min(refused, read)).toBeGreaterThan(500);
  });
});

/** Chunks under a header, chained. */
function logOf(chunks: readonly (readonly [type: number, payload: Uint8Array])[]): Uint8Array {
  const { bytes, chain } = encodePreamble(tools.hashes);
  const pieces = [bytes];
  let link = chain;
  const all = [[CHUNK_TYPES.header, encodeHeader(SAMPLE_HEADER)] as const, ...chunks];
  for (const [type, payload] of all) {
    const chunk = encodeChunk(tools, link, { type, flags: 0, payload });
    pieces.push(chunk.bytes);
    link = chunk.chain;
  }
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}
