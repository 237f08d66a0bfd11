/**
 * Goal: gateways, priorities, thresholds, claim and completion as the PLIC specification says.
 * Method: tables of registers; scenarios with sources raised and lowered by hand.
 */
import { ByteReader, ByteWriter } from '@casmotion/base';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeLine } from '../../test/support/board.ts';
import { Plic } from './plic.ts';

const CLAIM_M = 0x20_0004;
const CLAIM_S = 0x20_1004;
const THRESHOLD_S = 0x20_1000;
const ENABLE_S = 0x2080;

let meip: FakeLine;
let seip: FakeLine;
let plic: Plic;

beforeEach(() => {
  meip = new FakeLine();
  seip = new FakeLine();
  plic = new Plic({ contexts: [meip, seip] });
});

/** Gives `source` a priority and enables it for context S. */
function enable(source: number, priority: number): void {
  plic.write(4 * source, 4, priority);
  const at = ENABLE_S + 4 * (source >> 5);
  plic.write(at, 4, (plic.read(at, 4) | (1 << (source & 31))) >>> 0);
}

test.each([
  { what: 'priority of source 0 does not exist', at: 0, value: 7, found: 0 },
  { what: 'priority is 3 bits', at: 4, value: 0xff, found: 7 },
  { what: 'priority of the last source', at: 4 * 95, value: 3, found: 3 },
  { what: 'priority past the last source', at: 4 * 96, value: 3, found: 0 },
  { what: 'pending is read-only', at: 0x1000, value: 0xffff_ffff, found: 0 },
  { what: 'enable bit 0 is tied to 0', at: 0x2000, value: 0xffff_ffff, found: 0xffff_fffe },
  { what: 'enable, last word', at: 0x2008, value: 0xffff_ffff, found: 0xffff_ffff },
  { what: 'enable past the last source', at: 0x200c, value: 1, found: 0 },
  { what: 'enable of context 1', at: 0x2080, value: 6, found: 6 },
  { what: 'enable of a context that is not there', at: 0x2100, value: 6, found: 0 },
  { what: 'threshold is 3 bits', at: 0x20_0000, value: 0x1f, found: 7 },
  { what: 'threshold of context 1', at: 0x20_1000, value: 5, found: 5 },
  { what: 'a context that is not there', at: 0x20_2000, value: 5, found: 0 },
  { what: 'reserved in a context', at: 0x20_0008, value: 5, found: 0 },
])('register: $what', ({ at, value, found }) => {
  plic.write(at, 4, value);
  expect(plic.read(at, 4)).toBe(found);
  expect(plic.read(at, 1)).toBe(0);
});

describe('one source', () => {
  test('raised, claimed, completed', () => {
    enable(10, 1);
    const line = plic.line(10);
    line.set(true);
    expect([seip.isHigh, meip.isHigh]).toEqual([true, false]);
    expect(plic.read(0x1000, 4)).toBe(1 << 10);
    expect(plic.read(CLAIM_S, 4)).toBe(10);
    expect(seip.isHigh).toBe(false);
    expect(plic.read(CLAIM_S, 4)).toBe(0);
    line.set(false);
    plic.write(CLAIM_S, 4, 10);
    expect(seip.isHigh).toBe(false);
  });

  test('a line that merely stays high asks for nothing after completion', () => {
    enable(10, 1);
    plic.line(10).set(true);
    plic.read(CLAIM_S, 4);
    plic.write(CLAIM_S, 4, 10);
    expect(plic.read(0x1000, 4)).toBe(0);
    expect(seip.rises).toBe(1);
  });

  test('a line driven high again while claimed interrupts after completion, not before', () => {
    enable(10, 1);
    plic.line(10).set(true);
    plic.read(CLAIM_S, 4);
    plic.line(10).set(true);
    expect(plic.read(0x1000, 4)).toBe(1 << 10);
    expect(seip.isHigh).toBe(false);
    expect(plic.read(CLAIM_S, 4)).toBe(0);
    plic.write(CLAIM_S, 4, 10);
    expect(seip.rises).toBe(2);
    expect(plic.read(CLAIM_S, 4)).toBe(10);
  });

  test('a level that falls before the claim is not retracted', () => {
    enable(3, 1);
    plic.line(3).set(true);
    plic.line(3).set(false);
    expect(plic.read(CLAIM_S, 4)).toBe(3);
  });

  test('completing what is not enabled, not claimed or no source does nothing', () => {
    enable(10, 1);
    plic.line(10).set(true);
    plic.read(CLAIM_S, 4);
    plic.line(10).set(true);
    plic.write(CLAIM_M, 4, 10); // not enabled for M
    for (const source of [0, 9, 96, 0xffff_ffff]) plic.write(CLAIM_S, 4, source);
    expect(seip.isHigh).toBe(false);
    plic.write(CLAIM_S, 4, 10);
    expect(seip.isHigh).toBe(true);
  });

  test('priority 0 never interrupts, and cannot be claimed', () => {
    enable(10, 0);
    plic.line(10).set(true);
    expect(seip.isHigh).toBe(false);
    expect(plic.read(CLAIM_S, 4)).toBe(0);
  });
});

test('the highest priority first; among equals the lowest number', () => {
  for (const [source, priority] of [[40, 2], [33, 2], [7, 1], [95, 3]] as const) {
    enable(source, priority);
    plic.line(source).set(true);
  }
  const order = [0, 1, 2, 3, 4].map(() => plic.read(CLAIM_S, 4));
  expect(order).toEqual([95, 33, 40, 7, 0]);
});

test('the threshold masks the line and not the claim', () => {
  enable(10, 2);
  plic.write(THRESHOLD_S, 4, 2);
  plic.line(10).set(true);
  expect(seip.isHigh).toBe(false);
  plic.write(THRESHOLD_S, 4, 1);
  expect(seip.isHigh).toBe(true);
  plic.write(THRESHOLD_S, 4, 7);
  expect(plic.read(CLAIM_S, 4)).toBe(10);
});

test('reset drops requests', () => {
  enable(10, 1);
  plic.line(10).set(true);
  plic.reset();
  expect(plic.read(0x1000, 4)).toBe(0);
  expect(seip.isHigh).toBe(false);
  expect(plic.read(ENABLE_S, 4)).toBe(0);
});

test('a source out of range is our own bug', () => {
  expect(() => plic.line(0)).toThrow('PLIC source 0');
  expect(() => plic.line(96)).toThrow('PLIC source 96');
});

test('snapshots that contradict themselves are refused', () => {
  plic.line(5).set(true);
  const writer = new ByteWriter();
  plic.snapshot(writer);
  const good = writer.toBytes();
  const [priority0, pending] = [0, 96];
  for (const [at, value, message] of [
    [priority0, 1, 'above 0'],
    [priority0 + 1, 8, 'above 7'],
    [pending, 1, 'source 0'],
  ] as const) {
    const bytes = good.slice();
    bytes[at] = value;
    expect(() => plic.restore(new ByteReader(bytes))).toThrow(message);
  }
  plic.restore(new ByteReader(good));
  expect(plic.read(0x1000, 4)).toBe(1 << 5);
});
