/**
 * Goal: time, setting it, and the alarm, as the Linux driver for goldfish RTCs uses them.
 * Method: scenarios on a clock moved by hand.
 */
import { beforeEach, expect, test } from 'vitest';
import { FakeClock, FakeLine } from '../../test/support/board.ts';
import { GoldfishRtc } from './goldfish-rtc.ts';
import * as reg from './registers.ts';

const BASE = 1_700_000_000_123_456_789n;

let clock: FakeClock;
let line: FakeLine;
let rtc: GoldfishRtc;

beforeEach(() => {
  clock = new FakeClock();
  line = new FakeLine();
  rtc = new GoldfishRtc({ line, clock, baseNanoseconds: BASE.toString() });
});

const read64 = (low: number): bigint => {
  const lowWord = BigInt(rtc.read(low, 4));
  return (BigInt(rtc.read(low + 4, 4)) << 32n) | lowWord;
};
const write64 = (low: number, value: bigint): void => {
  rtc.write(low + 4, 4, Number(value >> 32n));
  rtc.write(low, 4, Number(value & 0xffff_ffffn));
};

test('time is the base and 100 ns a tick; reading low latches high', () => {
  expect(read64(reg.TIME_LOW)).toBe(BASE);
  clock.nowTicks = 12_345_678_901;
  const low = rtc.read(reg.TIME_LOW, 4);
  clock.nowTicks += 2 ** 40;
  const time = (BigInt(rtc.read(reg.TIME_HIGH, 4)) << 32n) | BigInt(low);
  expect(time).toBe(BASE + 1_234_567_890_100n);
});

test('the guest sets the time, and it goes on from there', () => {
  write64(reg.TIME_LOW, 5_000_000_000n);
  expect(read64(reg.TIME_LOW)).toBe(5_000_000_000n);
  clock.nowTicks = 10;
  expect(read64(reg.TIME_LOW)).toBe(5_000_001_000n);
});

test('the alarm goes off at its nanosecond, rounded up to a tick', () => {
  rtc.write(reg.IRQ_ENABLED, 4, 1);
  write64(reg.ALARM_LOW, BASE + 1001n);
  expect(rtc.read(reg.ALARM_STATUS, 4)).toBe(1);
  expect(read64(reg.ALARM_LOW)).toBe(BASE + 1001n);
  clock.advance(rtc, 10);
  expect(line.isHigh).toBe(false);
  clock.advance(rtc, 1);
  expect(line.isHigh).toBe(true);
  expect(rtc.read(reg.ALARM_STATUS, 4)).toBe(0);
  rtc.write(reg.CLEAR_INTERRUPT, 4, 1);
  expect(line.isHigh).toBe(false);
});

test('an alarm in the past is pending at once, and heard when enabled', () => {
  write64(reg.ALARM_LOW, BASE);
  expect(line.isHigh).toBe(false);
  rtc.write(reg.IRQ_ENABLED, 4, 1);
  expect(line.isHigh).toBe(true);
});

test('a cleared alarm does not go off; one 500 years ahead is armed and harmless', () => {
  rtc.write(reg.IRQ_ENABLED, 4, 1);
  write64(reg.ALARM_LOW, BASE + 1000n);
  rtc.write(reg.CLEAR_ALARM, 4, 0);
  clock.advance(rtc, 1000);
  expect([line.isHigh, clock.fired]).toEqual([false, 0]);
  write64(reg.ALARM_LOW, 0xffff_ffff_ffff_ffffn);
  expect(rtc.read(reg.ALARM_STATUS, 4)).toBe(1);
  expect(clock.alarmTicks).toBeGreaterThan(2 ** 50);
});

test.each([0x20, 0x24, 0xffc])('no register at %i', (at) => {
  rtc.write(at, 4, 0xffff_ffff);
  expect(rtc.read(at, 4)).toBe(0);
});
