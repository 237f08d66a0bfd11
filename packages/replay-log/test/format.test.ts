/**
 * Goal: docs/format.md tells the truth, and logs written by every version so far stay readable.
 * Method: the worked dump is decoded and compared with what the writer makes; frozen files are
 * read.
 */
import { readFileSync } from 'node:fs';
import { defined } from '@casmotion/base';
import { beforeAll, expect, test } from 'vitest';
import {
  bufferSource,
  createLogTools,
  EVENT_CODECS,
  FORMAT_VERSION,
  type LogTools,
  openLog,
} from '../src/index.ts';
import { FLAG_ZSTD } from '../src/chunk.ts';
import {
  CHANNEL_EVENTS,
  LONG_EVENTS,
  LONG_HEADER,
  SAMPLE_HEADER,
  writeSample,
} from './sample.ts';
import { writeWorked } from './worked.ts';

const FORMAT = readFileSync(`${import.meta.dirname}/../../../docs/format.md`, 'utf8');

let tools: LogTools;
beforeAll(async () => {
  tools = await createLogTools();
});

test('the worked dump is what the writer writes', () => {
  expect(hex(workedDump())).toBe(hex(writeWorked(tools)));
});

test('the worked dump decodes as its comments say', () => {
  const log = openLog(bufferSource(workedDump()), tools);
  expect(log.header).toEqual({ creator: 'worked', machine: null, digests: {} });
  const [event, ...more] = log.events();
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    number: 0,
    at: { step: 1000 },
    wakes: 0,
    check: { pc: 0x8000_0000n },
  });
  expect(event?.event).toEqual({
    kind: 'console-input',
    console: 0,
    bytes: Uint8Array.of(0x6c, 0x73),
  });
  const places = [...log.landmarks()].map(({ at, eventsBefore, pc }) => [
    at.step,
    eventsBefore,
    pc,
  ]);
  expect(places).toEqual([
    [0, 0, 0x1000n],
    [1200, 1, 0x8000_0040n],
  ]);
  expect(log.footer).toMatchObject({
    steps: 1300,
    end: { by: 'guest', cause: 'power-off' },
    outputBytes: 9,
  });
});

test('the table of kinds in format.md is the one in the code', () => {
  const rows = [...FORMAT.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)];
  const table = rows.map(([, kind, name]) => [name, Number(kind)]);
  expect(table).toEqual(Object.values(EVENT_CODECS).map(({ name, kind }) => [name, kind]));
});

test.each(Array.from({ length: FORMAT_VERSION }, (_, index) => index + 1))(
  'the frozen log of version %i is read',
  (version) => {
    const bytes = readFileSync(`${import.meta.dirname}/frozen/v${version}.cmr`);
    const log = openLog(bufferSource(new Uint8Array(bytes)), tools);
    const sample = writeSample(tools);
    expect(log.version).toBe(version);
    expect(log.header).toEqual(SAMPLE_HEADER);
    expect([...log.events()]).toEqual(sample.events);
    expect([...log.landmarks()]).toEqual(sample.landmarks);
    expect([...log.outputs()]).toHaveLength(3);
    expect(log.footer).toEqual(sample.footer);
  },
);

test('a log whose header is packed is read; now headers are left as they are', () => {
  const bytes = readFileSync(`${import.meta.dirname}/frozen/v1-packed-header.cmr`);
  const sample = writeSample(tools, LONG_EVENTS, LONG_HEADER);
  for (const [each, packed] of [
    [bytes, FLAG_ZSTD],
    [sample.bytes, 0],
  ] as const) {
    const log = openLog(bufferSource(new Uint8Array(each)), tools);
    expect(log.chunks[0]?.flags).toBe(packed);
    expect(log.header).toEqual(LONG_HEADER);
    expect([...log.events()]).toEqual(sample.events);
    expect([...log.landmarks()]).toEqual(sample.landmarks);
    expect(log.footer).toEqual(sample.footer);
  }
});

test('the frozen log of event channels and shared pages is read', () => {
  const bytes = readFileSync(`${import.meta.dirname}/frozen/v1-channel.cmr`);
  const log = openLog(bufferSource(new Uint8Array(bytes)), tools);
  const sample = writeSample(tools, CHANNEL_EVENTS);
  expect([...log.events()]).toEqual(sample.events);
  expect(log.footer).toEqual(sample.footer);
});

/** The bytes of the dump, with each line's offset checked. */
function workedDump(): Uint8Array {
  const block = /```hexdump\n([\s\S]*?)```/.exec(FORMAT)?.[1];
  const bytes: number[] = [];
  for (const line of defined(block, 'a dump in format.md').split('\n')) {
    const match = /^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} )+) *;/.exec(line);
    if (match === null) {
      expect(line).toBe('');
      continue;
    }
    expect(parseInt(defined(match[1], 'offset'), 16), line).toBe(bytes.length);
    const row = defined(match[2], 'bytes').trim().split(' ');
    bytes.push(...row.map((byte) => parseInt(byte, 16)));
  }
  return Uint8Array.from(bytes);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
