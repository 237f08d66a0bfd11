/**
 * Goal: MSIP, mtimecmp and mtime as the ACLINT specification says, and the line MTIP exactly when
 * due. Method: register tables, and a clock moved by hand over deadlines.
 */
import { ByteReader, ByteWriter } from '@casmotion/base';
import { expect, test } from 'vitest';
import { FakeClock, FakeLine } from '../../test/support/board.ts';
import type { AccessSize } from '../device.ts';
import { Aclint } from './aclint.ts';

function createAclint(hartCount = 1) {
  const clock = new FakeClock();
  const lines = Array.from({ length: hartCount }, () => ({
    software: new FakeLine(),
    timer: new FakeLine(),
  }));
  const aclint = new Aclint({ clock, harts: lines });
  aclint.reset();
  return { clock, lines, aclint };
}

test.each([
  { what: 'MSIP keeps bit 0 only', at: 0, value: 0xffff_ffff, found: 1 },
  { what: 'MSIP of a hart that is not there', at: 4, value: 1, found: 0 },
  { what: 'mtimecmp low', at: 0x4000, value: 0x1234_5678, found: 0x1234_5678 },
  { what: 'mtimecmp high', at: 0x4004, value: 0x9abc_def0, found: 0x9abc_def0 },
  { what: 'mtimecmp of a hart that is not there', at: 0x4008, value: 5, found: 0 },
  { what: 'mtime is not written', at: 0xbff8, value: 99, found: 0 },
  { what: 'past the end', at: 0xc000, value: 1, found: 0 },
])('register: $what', ({ at, value, found }) => {
  const { aclint } = createAclint();
  aclint.write(at, 4, value);
  expect(aclint.read(at, 4)).toBe(found);
});

test.each<{ at: number; size: AccessSize }>([
  { at: 0, size: 1 },
  { at: 0, size: 2 },
  { at: 2, size: 4 },
])('an access of $size at $at is no register', ({ at, size }) => {
  const { aclint, lines } = createAclint();
  aclint.write(at, size, 1);
  expect(lines[0]?.software.isHigh).toBe(false);
  aclint.write(0, 4, 1);
  expect(aclint.read(at, size)).toBe(0);
});

test('mtime is the clock, in two halves', () => {
  const { aclint, clock } = createAclint();
  clock.nowTicks = 0x1_2345_6789;
  expect(aclint.read(0xbff8, 4)).toBe(0x2345_6789);
  expect(aclint.read(0xbffc, 4)).toBe(1);
});

test('MTIP rises at mtimecmp, not a tick before, and falls when it is moved on', () => {
  const { aclint, clock, lines } = createAclint();
  aclint.write(0x4000, 4, 1000);
  aclint.write(0x4004, 4, 0);
  clock.advance(aclint, 999);
  expect(lines[0]?.timer.isHigh).toBe(false);
  clock.advance(aclint, 1);
  expect(lines[0]?.timer.isHigh).toBe(true);
  expect(clock.alarmTicks).toBeUndefined();
  aclint.write(0x4000, 4, 1001);
  expect(lines[0]?.timer.isHigh).toBe(false);
  expect(clock.alarmTicks).toBe(1001);
});

test('a deadline in the past is due at once; one that never comes asks for no alarm', () => {
  const { aclint, clock, lines } = createAclint();
  clock.nowTicks = 50;
  aclint.write(0x4004, 4, 0);
  aclint.write(0x4000, 4, 50);
  expect(lines[0]?.timer.isHigh).toBe(true);
  aclint.write(0x4004, 4, 0xffff_ffff);
  expect(lines[0]?.timer.isHigh).toBe(false);
  expect(clock.alarmTicks).toBeUndefined();
});

test('two harts share one alarm: the earlier deadline', () => {
  const { aclint, clock, lines } = createAclint(2);
  for (const [at, value] of [[0x4000, 30], [0x4004, 0], [0x4008, 20], [0x400c, 0]] as const) {
    aclint.write(at, 4, value);
  }
  expect(clock.alarmTicks).toBe(20);
  clock.advance(aclint, 25);
  expect(lines.map((hart) => hart.timer.isHigh)).toEqual([false, true]);
  expect(clock.alarmTicks).toBe(30);
});

test('a snapshot holding a flag of 2 is refused', () => {
  const { aclint } = createAclint();
  const writer = new ByteWriter();
  aclint.snapshot(writer);
  const bytes = writer.toBytes();
  bytes[0] = 2;
  expect(() => aclint.restore(new ByteReader(bytes))).toThrow('value 2 above 1');
});
