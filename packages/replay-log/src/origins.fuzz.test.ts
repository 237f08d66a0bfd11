/// <reference types="node" />
/**
 * Goal: origins come back as they were written, stand before their events in a log that was cut,
 * and nothing that is not one is taken for one. Method: random records round trip; a log cut at
 * every byte; bytes changed and cut under right checksums.
 */
import { readFileSync } from 'node:fs';
import { ByteReader, ByteWriter, Prng, VmError } from '@casmotion/base';
import { expect, test } from 'vitest';
import { ORIGINS, writeOrigins } from '../test/origins-sample.ts';
import { bufferSource, createLogTools, openLog, type OriginRecord } from './index.ts';
import { decodeOrigins, encodeOrigins } from './origins.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const tools = await createLogTools();

function randomRecords(prng: Prng): OriginRecord[] {
  let event = 0;
  return Array.from({ length: 1 + prng.below(20) }, () => {
    event += prng.below(5) * 10 ** prng.below(9);
    if (prng.chance(8)) return { kind: 'incarnation', event, incarnation: prng.below(100) };
    const number = prng.below(2 ** 31);
    let domain = 0;
    const clock = Array.from({ length: prng.below(5) }, () => {
      domain += 1 + prng.below(300);
      return { domain, incarnation: prng.below(3), events: prng.below(2 ** 32) };
    });
    const origin = {
      lane: prng.chance(2) ? ('peer' as const) : ('frame' as const),
      domain: 1 + prng.below(0x7fef),
      number,
      through: number + prng.below(3),
      sentStep: prng.below(2 ** 32) * 2 ** 15,
      clock,
    };
    return { kind: 'received', event, origin };
  });
}

test('random records come back', () => {
  for (let seed = SEED; seed < SEED + 300; seed++) {
    const records = randomRecords(new Prng(seed));
    const decoded = [...decodeOrigins(new ByteReader(encodeOrigins(records)))];
    expect(decoded, `seed ${seed}`).toEqual(records);
  }
});

test('changed and cut bytes give other records or an error, never a bug', () => {
  let [refused, other] = [0, 0];
  for (let seed = SEED; seed < SEED + 2000; seed++) {
    const prng = new Prng(seed);
    const whole = encodeOrigins(randomRecords(prng));
    const bytes = prng.chance(2) ? whole.slice(0, prng.below(whole.length)) : whole.slice();
    for (let flips = prng.below(4); flips > 0 && bytes.length > 0; flips--) {
      bytes[prng.below(bytes.length)] = prng.below(256);
    }
    try {
      for (const record of decodeOrigins(new ByteReader(bytes))) {
        if (record.kind === 'received') expect(record.origin.clock.length).toBeLessThanOrEqual(64);
      }
      other++;
    } catch (error) {
      expect(error, `seed ${seed}`).toBeInstanceOf(VmError);
      refused++;
    }
  }
  expect(Math.min(refused, other)).toBeGreaterThan(100);
});

test.each<[string, (writer: ByteWriter) => void]>([
  ['a kind that there is not', (writer) => writer.uvarint(1).uvarint(0).u8(3)],
  ['more records than bytes', (writer) => writer.uvarint(1e6).uvarint(0).u8(0)],
  ['domain 0', (writer) => writer.uvarint(1).uvarint(0).u8(1).uvarint(0).uvarint(0).uvarint(0)],
  [
    'a clock of too many domains',
    (writer) => {
      writer.uvarint(1).uvarint(0).u8(1).uvarint(1).uvarint(0).uvarint(0).uvarint(0).uvarint(65);
    },
  ],
  [
    'a clock whose domains fall',
    (writer) => {
      writer.uvarint(1).uvarint(0).u8(1).uvarint(1).uvarint(0).uvarint(0).uvarint(0).uvarint(2);
      writer.uvarint(3).uvarint(0).uvarint(0).uvarint(3).uvarint(0).uvarint(0);
    },
  ],
  ['bytes behind', (writer) => writer.uvarint(1).uvarint(0).u8(0).uvarint(1).u8(0)],
])('%s is refused', (_, write) => {
  const writer = new ByteWriter();
  write(writer);
  expect(() => [...decodeOrigins(new ByteReader(writer.toBytes()))]).toThrow(VmError);
});

test('a log cut at any byte has the origin of every event that it has', () => {
  const bytes = writeOrigins(tools);
  const [, second] = openLog(bufferSource(bytes), tools).chunks;
  let most = 0;
  for (let size = second?.fileOffset ?? 0; size <= bytes.length; size++) {
    const log = openLog(bufferSource(bytes.slice(0, size)), tools);
    const events = [...log.events()].length;
    const origins = [...log.origins()].filter(({ event }) => event < events);
    expect(origins, `size ${size}`).toEqual(ORIGINS.filter(({ event }) => event < events));
    most = Math.max(most, events);
  }
  expect(most).toBe(4);
});

test('the frozen log of a lab is read', () => {
  const bytes = readFileSync(`${import.meta.dirname}/../test/frozen/v1-lab.cmr`);
  const log = openLog(bufferSource(new Uint8Array(bytes)), tools);
  expect([...log.origins()]).toEqual(ORIGINS);
  expect([...log.events()]).toHaveLength(4);
});
