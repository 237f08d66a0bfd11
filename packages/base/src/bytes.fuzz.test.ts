/// <reference types="node" />
/**
 * Goal: whatever a writer writes a reader reads back, and no input, however broken, makes a reader
 * do anything but give values or throw an operating error.
 * Method: seeded random programs of writes replayed as reads; the same bytes cut at every place and
 * with bits flipped; UTF-8 compared with the host's TextEncoder and TextDecoder.
 * Repeat one failure: `FUZZ_SEED=<seed> npx vitest run --project base`.
 */
import { expect, it } from 'vitest';
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8, Prng, VmError } from './index.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_250_101);
const LENGTH_MAX = 1000;

interface Kind {
  make(prng: Prng): unknown;
  write(writer: ByteWriter, value: never): void;
  read(reader: ByteReader): unknown;
}

const KINDS: readonly Kind[] = [
  kind((p) => p.below(2 ** 8), (w, v) => w.u8(v), (r) => r.u8()),
  kind((p) => p.below(2 ** 16), (w, v) => w.u16(v), (r) => r.u16()),
  kind((p) => p.u32(), (w, v) => w.u32(v), (r) => r.u32()),
  kind((p) => safeInteger(p), (w, v) => w.u64(v), (r) => r.u64()),
  kind((p) => p.u64(), (w, v) => w.bigU64(v), (r) => r.bigU64()),
  kind((p) => safeInteger(p), (w, v) => w.uvarint(v), (r) => r.uvarint()),
  kind(
    (p) => (p.chance(2) ? -1 : 1) * Math.floor(safeInteger(p) / 2) + 0,
    (w, v) => w.svarint(v),
    (r) => r.svarint(),
  ),
  kind((p) => randomBytes(p), (w, v) => w.blob(v), (r) => r.blob(LENGTH_MAX).slice()),
  kind((p) => randomText(p), (w, v) => w.string(v), (r) => r.string(LENGTH_MAX)),
];

it('reads back what was written, from any starting capacity', () => {
  for (let round = 0; round < 500; round++) {
    const prng = new Prng(SEED + round);
    const writer = new ByteWriter(prng.below(40));
    const { kinds, values } = writeProgram(writer, prng);
    const reader = new ByteReader(writer.toBytes());
    const found = kinds.map((each) => each.read(reader));
    expect(found, `seed ${SEED + round}`).toEqual(values);
    expect(reader.remaining).toBe(0);
  }
});

it('says truncated at every cut, and never reads beyond it', () => {
  const prng = new Prng(SEED);
  const writer = new ByteWriter();
  const { kinds } = writeProgram(writer, prng);
  const bytes = writer.toBytes();
  expect(bytes.length).toBeGreaterThan(50);
  for (let cut = 0; cut < bytes.length; cut++) {
    const reader = new ByteReader(bytes.subarray(0, cut));
    const read = (): void => kinds.forEach((each) => void each.read(reader));
    expect(read, `seed ${SEED}, cut at ${cut}`).toThrow('input ends too early');
    expect(reader.offset).toBeLessThanOrEqual(cut);
  }
});

it('gives values or an operating error for flipped bits', () => {
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const prng = new Prng(SEED + round);
    const writer = new ByteWriter();
    const { kinds } = writeProgram(writer, prng);
    const bytes = writer.toBytes();
    if (bytes.length === 0) continue;
    const at = prng.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8));
    try {
      const reader = new ByteReader(bytes);
      for (const each of kinds) each.read(reader);
    } catch (error) {
      expect(error, `seed ${SEED + round}`).toBeInstanceOf(VmError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});

it('encodes any text as the host does', () => {
  const encoder = new TextEncoder();
  for (let round = 0; round < 2000; round++) {
    const text = randomText(new Prng(SEED + round), true);
    expect([...encodeUtf8(text)], `seed ${SEED + round}`).toEqual([...encoder.encode(text)]);
  }
});

it('decodes any bytes as the host does, and refuses what the host refuses', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const seen = { decoded: 0, refused: 0 };
  for (let round = 0; round < 20_000; round++) {
    const bytes = almostUtf8(new Prng(SEED + round));
    let expected: string | undefined;
    try {
      expected = decoder.decode(bytes);
    } catch {
      expected = undefined;
    }
    seen[expected === undefined ? 'refused' : 'decoded']++;
    expect(decodeUtf8(bytes), `seed ${SEED + round}: ${bytes}`).toBe(expected);
  }
  expect(Math.min(seen.decoded, seen.refused)).toBeGreaterThan(1000);
});

function kind<T>(
  make: (prng: Prng) => T,
  write: (writer: ByteWriter, value: T) => unknown,
  read: (reader: ByteReader) => T,
): Kind {
  return { make, write, read };
}

function writeProgram(writer: ByteWriter, prng: Prng): { kinds: Kind[]; values: unknown[] } {
  const kinds = Array.from({ length: 20 + prng.below(20) }, () => prng.pick(KINDS));
  const values = kinds.map((each) => {
    const value = each.make(prng);
    each.write(writer, value as never);
    return value;
  });
  return { kinds, values };
}

/** All magnitudes alike: as likely below 2^10 as between 2^40 and 2^50. */
function safeInteger(prng: Prng): number {
  const value = prng.u32() * 2 ** 21 + prng.below(2 ** 21);
  return Math.floor(value / 2 ** prng.below(54));
}

function randomBytes(prng: Prng): Uint8Array {
  const bytes = new Uint8Array(prng.below(30));
  prng.fill(bytes);
  return bytes;
}

function randomText(prng: Prng, hasSurrogates = false): string {
  let text = '';
  for (let count = prng.below(20); count > 0; count--) {
    const code = prng.below(prng.pick([0x80, 0x800, 0x1_0000, 0x11_0000]));
    if (hasSurrogates || code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
  }
  return text;
}

/** Valid UTF-8 as a rule, with now and then one byte replaced. */
function almostUtf8(prng: Prng): Uint8Array {
  const bytes = new TextEncoder().encode(randomText(prng));
  if (bytes.length > 0 && prng.chance(2)) bytes[prng.below(bytes.length)] = prng.below(256);
  return bytes;
}
