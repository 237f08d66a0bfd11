/// <reference types="node" />
/**
 * Goal: no log that was cut, flipped or invented is believed, and none makes the reader fail in any
 * other way. Method: seeded random logs round trip; a small log is cut at every byte and flipped at
 * every bit; random bytes under correct checksums are decoded.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project replay-log`.
 */
import { Prng, toHex, VmError } from '@casmotion/base';
import { beforeAll, expect, test } from 'vitest';
import {
  LONG_EVENTS,
  randomEvent,
  SAMPLE_EVENTS,
  SAMPLE_HEADER,
  type Written,
  writeRandom,
  writeSample,
} from '../test/sample.ts';
import { encodeChunk, encodePreamble, FLAG_ZSTD } from './chunk.ts';
import {
  bufferSource,
  createLogTools,
  HeaderCutError,
  LogDamagedError,
  LogReader,
  type LogFacts,
  type LogTools,
  LogWriter,
  MemorySink,
  NotALogError,
  openLog,
  readLogFacts,
} from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

const open = (bytes: Uint8Array, isSalvage = false) =>
  openLog(bufferSource(bytes), tools, { isSalvage });

test('random logs come back', () => {
  let [complete, cut] = [0, 0];
  for (let seed = SEED; seed < SEED + 150; seed++) {
    const written = writeRandom(tools, seed);
    const log = open(written.bytes);
    expect([...log.events()], `seed ${seed}`).toEqual(written.events);
    expect([...log.landmarks()], `seed ${seed}`).toEqual(written.landmarks);
    expect(log.footer, `seed ${seed}`).toEqual(written.footer);
    if (log.isComplete) complete++;
    else cut++;
  }
  expect(Math.min(complete, cut)).toBeGreaterThan(10);
});

test('a log cut at any byte gives a prefix and says so', () => {
  const { bytes, events, landmarks } = partlyPacked();
  const ends = new Set(
    open(bytes).chunks.map((chunk) => chunk.fileOffset + chunk.payloadBytes + 14),
  );
  let opened = 0;
  for (let size = 0; size < bytes.length; size++) {
    const cut = bytes.slice(0, size);
    if (size < 16) {
      expect(() => open(cut), `size ${size}`).toThrow(NotALogError);
      continue;
    }
    const log = tryOpen(cut);
    if (!(log instanceof LogReader)) {
      // Only a log without its whole header cannot be opened.
      expect(log).toBeInstanceOf(HeaderCutError);
      expect(opened).toBe(0);
      continue;
    }
    opened++;
    expect(log.isComplete).toBe(false);
    const atByte = log.cut?.atByte ?? -1;
    expect(
      ends.has(atByte) && atByte <= size && log.cut?.lostBytes === size - atByte,
      `size ${size}`,
    ).toBe(true);
    expect(log.cut?.reason).toBe(atByte === size ? 'no-footer' : 'half-chunk');
    const [found, marks] = [[...log.events()], [...log.landmarks()]];
    expect(found).toEqual(events.slice(0, found.length));
    expect(marks).toEqual(landmarks.slice(0, marks.length));
  }
  expect(opened).toBeGreaterThan(300);
});

test('any flipped bit is named, and salvage believes only what comes before it', () => {
  const { bytes, events } = partlyPacked();
  const chunks = open(bytes).chunks;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const at = bit >> 3;
    const bad = bytes.slice();
    bad[at] = (bad[at] ?? 0) ^ (1 << (bit & 7));
    const error = tryOpen(bad);
    if (at < 8) {
      expect(error, `bit ${bit}`).toBeInstanceOf(NotALogError);
      continue;
    }
    expect(error, `bit ${bit}`).toBeInstanceOf(LogDamagedError);
    const { chunk, fileOffset } = error as LogDamagedError;
    const hit = chunks.findLast((info) => info.fileOffset <= at);
    expect([chunk, fileOffset], `bit ${bit}`).toEqual([hit?.number ?? -1, hit?.fileOffset ?? 0]);
    if (hit === undefined || hit.number === 0) continue;
    const salvaged = open(bad, true);
    expect(salvaged.cut?.atByte).toBe(hit.fileOffset);
    const found = [...salvaged.events()];
    expect(found).toEqual(events.slice(0, found.length));
  }
});

test('the index tells what the whole log says, or nothing', () => {
  let told = 0;
  for (let seed = SEED; seed < SEED + 60; seed++) {
    const { bytes, footer } = writeRandom(tools, seed);
    const facts = readLogFacts(bufferSource(bytes), tools);
    expect(facts === undefined, `seed ${seed}`).toBe(footer === undefined);
    if (facts === undefined) continue;
    told++;
    expect(facts).toEqual(factsOf(open(bytes)));
  }
  expect(told).toBeGreaterThan(20);
  const { bytes } = partlyPacked();
  for (let size = 0; size < bytes.length; size++) {
    const cut = bufferSource(bytes.slice(0, size));
    expect(readLogFacts(cut, tools), `size ${size}`).toBeUndefined();
  }
});

test('a flipped bit that the index reader meets is not believed', () => {
  const { bytes } = partlyPacked();
  const truth = factsOf(open(bytes));
  let refused = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bad = bytes.slice();
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const facts = readLogFacts(bufferSource(bad), tools);
    if (facts === undefined) refused++;
    else expect(facts, `bit ${bit}`).toEqual(truth);
  }
  expect(refused).toBeGreaterThan(1000);
});

test('a long log with images is described by a few reads', () => {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, SAMPLE_HEADER);
  const random = new Prng(SEED);
  const images = [5_000_000, 1, 2 ** 20].map((sizeBytes) => {
    const bytes = new Uint8Array(sizeBytes);
    random.fill(bytes);
    const key = { digestHex: toHex(tools.hashes.blake3(bytes)), sizeBytes };
    writer.image(key, {
      sizeBytes,
      read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
    });
    return key;
  });
  for (let step = 0; step < 2000; step++) {
    writer.event(step, randomEvent(random), undefined);
    writer.flush();
  }
  const digest = new Uint8Array(16);
  writer.finish({
    end: { by: 'guest', cause: 'power-off', code: 0 },
    steps: 2000,
    outputBytes: 0,
    stateDigest: digest,
    outputDigest: digest,
  });
  const bytes = sink.toBytes();
  let readBytes = 0;
  const source = bufferSource(bytes);
  const counted = {
    sizeBytes: source.sizeBytes,
    read: (at: number, size: number) => {
      readBytes += size;
      return source.read(at, size);
    },
  };
  expect(readLogFacts(counted, tools)).toEqual(factsOf(open(bytes)));
  expect(open(bytes).images).toEqual(images);
  expect(readBytes).toBeLessThan(bytes.length / 2);
});

/** With events of every first kind, and chunks of both sorts. */
function partlyPacked(): Written {
  const written = writeSample(tools, [...LONG_EVENTS, ...SAMPLE_EVENTS]);
  const flags = open(written.bytes).chunks.map((chunk) => chunk.flags & FLAG_ZSTD);
  expect(new Set(flags)).toEqual(new Set([0, FLAG_ZSTD]));
  return written;
}

function factsOf(log: LogReader): LogFacts {
  const { sizeBytes, version, header, chunkCount, images, footer, cut } = log;
  return { sizeBytes, version, header, chunkCount, images, footer, cut };
}

test('random content under right checksums is refused as a VmError or read in bounds', () => {
  let refused = 0;
  for (let seed = SEED; seed < SEED + 3000; seed++) {
    const random = new Prng(seed);
    const log = open(withContent(random, random.pick([2, 3, 5]), random.below(80)));
    try {
      const records = [...log.events(), ...log.landmarks(), ...log.outputs()];
      expect(records.length, `seed ${seed}`).toBeLessThan(100);
    } catch (error) {
      if (!(error instanceof VmError))
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(2000);
});

test('mutated content under right checksums never breaks the reader', () => {
  const { bytes } = writeSample({ hashes: tools.hashes, zstd: undefined });
  const good = open(bytes);
  for (let seed = SEED; seed < SEED + 3000; seed++) {
    const random = new Prng(seed);
    const target = random.below(good.chunks.length);
    const parts = good.chunks.map(({ number, type, flags, fileOffset, payloadBytes }) => {
      const payload = bytes.slice(fileOffset + 10, fileOffset + 10 + payloadBytes);
      if (number === target) mutate(random, payload);
      return { type, flags, payload };
    });
    const log = tryOpen(seal(parts));
    if (!(log instanceof LogReader)) {
      expect(log, `seed ${seed}`).toBeInstanceOf(VmError);
      continue;
    }
    for (const read of [
      () => [...log.events()],
      () => [...log.landmarks()],
      () => [...log.outputs()],
    ]) {
      expect(outcome(read), `seed ${seed}`).toBe('fine');
    }
  }
});

function outcome(read: () => unknown): string {
  try {
    read();
    return 'fine';
  } catch (error) {
    return error instanceof VmError ? 'fine' : String(error);
  }
}

function mutate(random: Prng, payload: Uint8Array): void {
  for (let left = 1 + random.below(3); left > 0 && payload.length > 0; left--) {
    payload[random.below(payload.length)] = random.pick([
      0,
      1,
      0x7f,
      0x80,
      0xff,
      random.below(256),
    ]);
  }
}

/** A log whose second chunk is noise, with a start that is often plausible. */
function withContent(random: Prng, type: number, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  random.fill(payload);
  payload[0] = random.pick([0, payload[0] ?? 0]);
  payload[2] = random.below(4);
  const header = Uint8Array.from('{"creator":"x","machine":0,"digests":{}}', (c) =>
    c.charCodeAt(0),
  );
  return seal([
    { type: 1, flags: 0, payload: header },
    { type, flags: 0, payload },
  ]);
}

function seal(chunks: readonly { type: number; flags: number; payload: Uint8Array }[]): Uint8Array {
  const start = encodePreamble(tools.hashes);
  const parts = [...start.bytes];
  let { chain } = start;
  for (const chunk of chunks) {
    const encoded = encodeChunk({ hashes: tools.hashes, zstd: undefined }, chain, chunk);
    parts.push(...encoded.bytes);
    ({ chain } = encoded);
  }
  return Uint8Array.from(parts);
}

function tryOpen(bytes: Uint8Array): unknown {
  try {
    return open(bytes);
  } catch (error) {
    return error;
  }
}
