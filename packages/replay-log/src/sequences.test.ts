/**
 * Goal: sequence digests come back as they were written, readers that do not know them skip them,
 * and content that cannot be is refused with its place. Method: logs written and read, single bytes
 * of a batch changed.
 */
import { ByteReader, MalformedError, Prng } from '@casmotion/base';
import { beforeAll, expect, test } from 'vitest';
import { CHUNK_TYPES, FLAG_OPTIONAL } from './chunk.ts';
import {
  bufferSource,
  createLogTools,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
} from './index.ts';
import { decodeSequences, encodeSequences, type LoggedSequence } from './sequences.ts';

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

function sequenceOf(events: number, random: Prng): LoggedSequence {
  const digest = (): Uint8Array => {
    const bytes = new Uint8Array(8);
    random.fill(bytes);
    return bytes;
  };
  return { events, contents: digest(), order: digest(), places: digest() };
}

test('they come back through a log, over several chunks, each of them optional', () => {
  const random = new Prng(1);
  const sequences = [1, 2, 2, 300, 70_000].map((events) => sequenceOf(events, random));
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, { creator: 'test', machine: null, digests: {} });
  for (const [index, sequence] of sequences.entries()) {
    writer.sequence(sequence);
    if (index % 2 === 1) writer.flush();
  }
  writer.flush();
  const log = openLog(bufferSource(sink.toBytes()), tools);
  expect([...log.sequences()]).toEqual(sequences);
  const chunks = log.chunks.filter(({ type }) => type === CHUNK_TYPES.sequences);
  expect(chunks).toHaveLength(3);
  expect(chunks.every(({ flags }) => (flags & FLAG_OPTIONAL) !== 0)).toBe(true);
});

test('a log without them has none', () => {
  const sink = new MemorySink();
  new LogWriter(sink, tools, { creator: 'test', machine: null, digests: {} }).flush();
  expect([...openLog(bufferSource(sink.toBytes()), tools).sequences()]).toEqual([]);
});

test('counts that the bytes cannot hold, rests and sums beyond 2^53 are refused', () => {
  const random = new Prng(2);
  const good = encodeSequences([sequenceOf(3, random), sequenceOf(9, random)]);
  const decode = (bytes: Uint8Array) => [...decodeSequences(new ByteReader(bytes))];
  expect(decode(good).map(({ events }) => events)).toEqual([3, 9]);
  const more = good.slice();
  more[0] = 3;
  expect(() => decode(more)).toThrow(MalformedError);
  expect(() => decode(good.slice(0, -1))).toThrow(MalformedError);
  expect(() => decode(Uint8Array.from([...good, 0]))).toThrow('1 bytes after the last record');
  const largest = encodeSequences([sequenceOf(Number.MAX_SAFE_INTEGER, random)]);
  const twice = Uint8Array.from([2, ...largest.subarray(1), ...good.subarray(1, 26)]);
  expect(() => decode(twice)).toThrow('a number grows above 2^53');
});

test('a digest of fewer events than the one before is refused', () => {
  const random = new Prng(3);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, { creator: 'test', machine: null, digests: {} });
  for (const events of [5, 4]) {
    writer.sequence(sequenceOf(events, random));
    writer.flush();
  }
  const log = openLog(bufferSource(sink.toBytes()), tools);
  expect(() => [...log.sequences()]).toThrow('a sequence digest before the one before');
});
