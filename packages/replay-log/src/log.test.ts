/**
 * Goal: what is written is read back; bad logs are refused by name; a log stays small.
 * Method: tables of good and bad values against the writer, the reader and single codecs.
 */
import { ByteReader, ByteWriter, defined, Prng, VmError } from '@casmotion/base';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  CHANNEL_EVENTS,
  randomEvent,
  SAMPLE_EVENTS,
  SAMPLE_HEADER,
  writeSample,
} from '../test/sample.ts';
import { encodeChunk, encodePreamble } from './chunk.ts';
import {
  bufferSource,
  CHUNK_TYPES,
  codecOf,
  createLogTools,
  EVENT_CODECS,
  EventValueError,
  LogContentError,
  LogDamagedError,
  LogVersionError,
  type LogTools,
  LogWriter,
  MemorySink,
  NotALogError,
  openLog,
  UnknownChunkError,
} from './index.ts';

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

const open = (bytes: Uint8Array, isSalvage = false) =>
  openLog(bufferSource(bytes), tools, { isSalvage });

describe('batches', () => {
  test.each(Object.values(EVENT_CODECS).map(({ name }) => name))(
    'of many %s events are bounded',
    (name) => {
      const random = new Prng(1);
      const sink = new MemorySink();
      const writer = new LogWriter(sink, uncompressed(), SAMPLE_HEADER);
      for (let left = 4000; left > 0; ) {
        const event = randomEvent(random);
        if (event.kind !== name) continue;
        left--;
        writer.event(0, event, undefined);
      }
      writer.flush();
      const { chunks } = openLog(bufferSource(sink.toBytes()), uncompressed());
      for (const { payloadBytes } of chunks) expect(payloadBytes).toBeLessThan(100_000);
    },
  );
});

describe('round trip', () => {
  test('everything written comes back', () => {
    const written = writeSample(tools);
    const log = open(written.bytes);
    expect(log.header).toEqual(SAMPLE_HEADER);
    expect([...log.events()]).toEqual(written.events);
    expect([...log.landmarks()]).toEqual(written.landmarks);
    expect([...log.outputs()].map(({ landmark, totalBytes }) => [landmark, totalBytes])).toEqual([
      [0, 0],
      [1, 33],
      [2, 66],
    ]);
    expect(log.footer).toEqual(written.footer);
    expect(log.footer?.events).toMatchObject({ power: 1, 'port-raised': 1 });
    expect([log.isComplete, log.cut]).toEqual([true, undefined]);
  });

  test('images come back, in pieces, and are compressed', () => {
    const sink = new MemorySink();
    const writer = new LogWriter(sink, tools, SAMPLE_HEADER);
    const image = new Uint8Array(2_500_000).map((_, at) => (at >> 8) & 0xff);
    const digestHex = Array.from(tools.hashes.blake3(image), (b) =>
      b.toString(16).padStart(2, '0'),
    ).join('');
    writer.image(
      { digestHex, sizeBytes: image.length },
      {
        sizeBytes: image.length,
        read: (at, into) => into.set(image.subarray(at, at + into.length)),
      },
    );
    writer.flush();
    const log = open(sink.toBytes());
    expect(log.images).toEqual([{ digestHex, sizeBytes: image.length }]);
    expect(log.chunks.filter(({ type }) => type === CHUNK_TYPES.image)).toHaveLength(3);
    const read = defined(log.readImage(digestHex), 'image');
    expect(read.length === image.length && read.every((byte, at) => byte === image[at])).toBe(true);
    const source = defined(log.imageSource(digestHex), 'image');
    const part = new Uint8Array(1_200_000);
    for (const at of [0, 1_048_575, 1_048_576, 1_300_000]) {
      source.read(at, part);
      expect(part.every((byte, place) => byte === image[at + place])).toBe(true);
    }
    expect(log.imageSource('00'.repeat(32))).toBeUndefined();
    expect(log.readImage('00'.repeat(32))).toBeUndefined();
    expect(log.sizeBytes).toBeLessThan(100_000);
  });

  test('forty landmarks and no event stay far under 8 kB', () => {
    const sink = new MemorySink();
    const machine = {
      ramSizeBytes: 2 ** 28,
      append: 'console=ttyS0',
      disks: [],
      note: 'x'.repeat(900),
    };
    const writer = new LogWriter(sink, tools, { creator: 'casmotion 0.1.0', machine, digests: {} });
    for (let number = 0; number < 40; number++) {
      const noise = tools.hashes.xxh128(Uint8Array.of(number));
      const at = { step: number * 256e6 };
      const pc = 0xffff_ffff_8000_0000n + BigInt(number * 7919);
      writer.landmark({ at, pc, registerDigest: noise.slice(0, 8), stateDigest: noise });
      writer.output(number * 1000, noise);
      writer.sync();
    }
    const digest = new Uint8Array(16);
    writer.finish({
      end: { by: 'guest', cause: 'power-off', code: 0 },
      steps: 1e10,
      outputBytes: 40_000,
      stateDigest: digest,
      outputDigest: digest,
    });
    expect(sink.toBytes().length).toBeLessThan(5000);
  });
});

const ONE = Uint8Array.of(1);

describe('event codecs', () => {
  test('numbers are frozen', () => {
    const numbers = Object.values(EVENT_CODECS).map(({ name, kind }) => [name, kind]);
    expect(numbers).toEqual([
      ['clock-line', 1],
      ['idle-advance', 2],
      ['port-raised', 3],
      ['console-input', 4],
      ['net-packet', 5],
      ['entropy', 6],
      ['power', 7],
      ['marker', 8],
      ['hypercall-result', 9],
      ['peer-request', 10],
      ['shared-page-write', 11],
      ['virq-raised', 12],
    ]);
    const samples = new Set([...SAMPLE_EVENTS, ...CHANNEL_EVENTS].map(({ kind }) => kind));
    expect([...samples].toSorted()).toEqual(
      Object.keys(EVENT_CODECS).toSorted(),
    );
  });

  test.each([
    ['port 0', 'port-raised', (w: ByteWriter) => w.uvarint(0)],
    ['port 4096', 'port-raised', (w: ByteWriter) => w.uvarint(4096)],
    ['slope 0', 'clock-line', (w: ByteWriter) => w.uvarint(0).uvarint(0)],
    ['slope 2^48', 'clock-line', (w: ByteWriter) => w.uvarint(0).uvarint(2 ** 48)],
    ['no bytes typed', 'console-input', (w: ByteWriter) => w.uvarint(0).uvarint(0)],
    ['console 16', 'console-input', (w: ByteWriter) => w.uvarint(16).uvarint(1).u8(0)],
    ['13-byte frame', 'net-packet', (w: ByteWriter) => w.uvarint(0).blob(new Uint8Array(13))],
    ['cause 4', 'power', (w: ByteWriter) => w.uvarint(4)],
    ['virq 24', 'virq-raised', (w: ByteWriter) => w.uvarint(24).uvarint(0)],
    ['vcpu 32', 'virq-raised', (w: ByteWriter) => w.uvarint(0).uvarint(32)],
    ['request 8', 'peer-request', (w: ByteWriter) => w.uvarint(0).uvarint(8)],
    ['result 2^31 + 1', 'hypercall-result', (w: ByteWriter) => w.uvarint(2 ** 31 + 1).uvarint(0)],
  ] as const)('refuses %s with its byte offset', (_, kind, write) => {
    const writer = new ByteWriter();
    write(writer);
    const decode = () => EVENT_CODECS[kind].decode(new ByteReader(writer.toBytes(), 500));
    expect(decode).toThrow(EventValueError);
    expect(details(decode).where).toMatch(/^byte 50[01]$/);
  });

  const runs = (w: ByteWriter, count: number) => w.uvarint(2).uvarint(8).uvarint(1).uvarint(count);
  test.each([
    ['no runs', (w: ByteWriter) => runs(w, 0)],
    ['2049 runs', (w: ByteWriter) => runs(w, 2049)],
    ['an empty run', (w: ByteWriter) => runs(w, 1).uvarint(0).uvarint(0)],
    ['runs that touch', (w: ByteWriter) => runs(w, 2).uvarint(0).uvarint(1).u8(1).uvarint(0)],
    ['a run past the page', (w: ByteWriter) => runs(w, 1).uvarint(4095).uvarint(2).u8(1).u8(1)],
    ['a run after the last byte', (w: ByteWriter) => runs(w, 2).uvarint(4095).blob(ONE).uvarint(1)],
  ])('refuses a write to a shared page with %s', (_, write) => {
    const writer = new ByteWriter();
    write(writer);
    const decode = () => EVENT_CODECS['shared-page-write'].decode(new ByteReader(writer.toBytes()));
    expect(decode).toThrow(VmError);
  });

  test.each([
    ['too long', (w: ByteWriter) => w.uvarint(4097)],
    ['not UTF-8', (w: ByteWriter) => w.blob(Uint8Array.of(0xff))],
    ['cut', (w: ByteWriter) => w.uvarint(3).u8(0x61)],
  ])('refuses a marker that is %s', (_, write) => {
    const writer = new ByteWriter();
    write(writer);
    expect(() => EVENT_CODECS.marker.decode(new ByteReader(writer.toBytes()))).toThrow(VmError);
  });

  test('asserts the bounds of what it writes', () => {
    const writer = new ByteWriter();
    const bad = { kind: 'port-raised', port: 0 } as const;
    expect(() => codecOf(bad).encode(writer, bad)).toThrow("event's port: 0");
  });
});

describe('what is no log is refused by name', () => {
  test.each([
    ['an empty file', Uint8Array.of(), /an empty file/],
    ['an ELF', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), /7f 45 4c 46/],
    ['half a preamble', Uint8Array.of(0x89, 0x43, 0x4d, 0x52, 0x0d), /cut in its preamble/],
  ])('%s', (_, bytes, found) => {
    expect(() => open(bytes)).toThrow(NotALogError);
    expect(details(() => open(bytes)).found).toMatch(found);
  });

  test('a future version', () => {
    const bytes = writeSample(tools).bytes;
    bytes[8] = 2;
    new DataView(bytes.buffer).setUint32(12, tools.hashes.crc32c(bytes.subarray(0, 12)), true);
    expect(() => open(bytes)).toThrow(LogVersionError);
    expect(details(() => open(bytes))).toMatchObject({ found: 'format version 2' });
  });

  test('a header that is no header', () => {
    for (const text of ['', '{', '[]', '{"creator":1,"machine":0,"digests":{}}', '"\ud800"']) {
      const payload = new TextBytes(text).bytes;
      expect(() => open(handMade([{ type: 1, flags: 0, payload }])), text).toThrow(LogContentError);
    }
  });
});

describe('chunks', () => {
  test('an unknown optional chunk is skipped, a mandatory one refused', () => {
    const header = { type: 1, flags: 0, payload: headerBytes() };
    const extra = { type: 0x55, flags: 1, payload: Uint8Array.of(1) };
    expect(open(handMade([header, extra])).chunks).toHaveLength(2);
    expect(() => open(handMade([header, { ...extra, flags: 0 }]))).toThrow(UnknownChunkError);
    const future = { type: 2, flags: 0x10, payload: Uint8Array.of(1) };
    expect(() => open(handMade([header, future]))).toThrow(/needs a newer reader: flags 16/);
  });

  test.each([
    ['removed', (chunks: Uint8Array[]) => chunks.toSpliced(3, 1)],
    ['swapped', (chunks: Uint8Array[]) => swap(chunks, 3, 4)],
    ['repeated', (chunks: Uint8Array[]) => chunks.toSpliced(3, 0, defined(chunks[2], 'chunk'))],
  ])('a chunk %s is named', (_, change) => {
    const { bytes } = writeSample(tools);
    const bad = concat(change(splitChunks(bytes)));
    const error = thrown(() => open(bad));
    expect(error).toBeInstanceOf(LogDamagedError);
    // Element 0 is the preamble, so element 3 is chunk 2.
    expect((error as LogDamagedError).chunk).toBe(2);
    const salvaged = open(bad, true);
    expect(salvaged.cut).toMatchObject({
      reason: 'damage',
      atByte: (error as LogDamagedError).fileOffset,
    });
    expect(salvaged.chunks).toHaveLength(2);
  });

  test('chunks do not fit behind the header of another log', () => {
    const one = splitChunks(writeSample(tools).bytes);
    const payload = headerBytes('sample 2');
    const other = splitChunks(handMade([{ type: 1, flags: 0, payload }]));
    expect(() =>
      open(concat([defined(one[0], 'preamble'), ...other.slice(1), ...one.slice(2)])),
    ).toThrow(LogDamagedError);
  });

  test('nothing follows a footer', () => {
    const { bytes } = writeSample(tools);
    expect(() => open(concat([bytes, Uint8Array.of(1, 2, 3)]))).not.toThrow();
    expect(open(concat([bytes, Uint8Array.of(1, 2, 3)])).isComplete).toBe(false);
    expect(() => open(concat([bytes, new Uint8Array(14).fill(9)]))).toThrow(LogDamagedError);
  });

  test('blank bytes after a crash are a cut', () => {
    const { bytes } = writeSample(tools);
    const log = open(concat([...splitChunks(bytes).slice(0, 4), new Uint8Array(70_000)]));
    expect(log.cut).toMatchObject({ reason: 'blank', lostBytes: 70_000 });
  });

  test('a decompression bomb is refused before anything is allocated', () => {
    const frame = defined(tools.zstd, 'zstd').compress(new Uint8Array(3_000_000));
    const lie = (claimed: number) => new ByteWriter().uvarint(claimed).bytes(frame).toBytes();
    for (const claimed of [100, 2_999_999, 2 ** 22 + 1, 2 ** 40]) {
      const bytes = rawChunks([{ type: 1, flags: 2, payload: lie(claimed) }]);
      expect(() => open(bytes), `${claimed}`).toThrow(LogContentError);
    }
  });

  test('counts that the bytes cannot hold are refused', () => {
    const events = new ByteWriter()
      .uvarint(0)
      .uvarint(0)
      .uvarint(2 ** 40)
      .toBytes();
    const log = open(
      handMade([
        { type: 1, flags: 0, payload: headerBytes() },
        { type: 2, flags: 0, payload: events },
      ]),
    );
    expect(() => [...log.events()]).toThrow(/1099511627776 records in 0 bytes at byte \d+/);
  });
});

const uncompressed = (): LogTools => ({ hashes: tools.hashes, zstd: undefined });

function rawChunks(
  chunks: readonly { type: number; flags: number; payload: Uint8Array }[],
): Uint8Array {
  const { bytes, chain } = encodePreamble(tools.hashes);
  const parts: Uint8Array[] = [bytes];
  let link = chain;
  for (const chunk of chunks) {
    const encoded = encodeChunk(uncompressed(), link, chunk);
    parts.push(encoded.bytes);
    link = encoded.chain;
  }
  return concat(parts);
}

const handMade = rawChunks;

function headerBytes(creator = SAMPLE_HEADER.creator): Uint8Array {
  return new TextBytes(JSON.stringify({ ...SAMPLE_HEADER, creator })).bytes;
}

class TextBytes {
  readonly bytes: Uint8Array;
  constructor(text: string) {
    this.bytes = Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
  }
}

function splitChunks(bytes: Uint8Array): Uint8Array[] {
  const log = open(bytes);
  const parts = [bytes.slice(0, 16)];
  for (const { fileOffset, payloadBytes } of log.chunks) {
    parts.push(bytes.slice(fileOffset, fileOffset + payloadBytes + 14));
  }
  return parts;
}

function swap(chunks: Uint8Array[], a: number, b: number): Uint8Array[] {
  return chunks.with(a, defined(chunks[b], 'chunk')).with(b, defined(chunks[a], 'chunk'));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function details(action: () => unknown): VmError['details'] {
  const error = thrown(action);
  if (!(error instanceof VmError)) throw error;
  return error.details;
}
