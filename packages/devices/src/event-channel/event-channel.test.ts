/**
 * Goal: the two-level scheme of Xen, exactly: what raises an upcall, what does not, and that none
 * is lost. Method: a table of registers, scenarios, and a guest's handler against seeded random
 * raising.
 */
import { Prng } from '@casmotion/base';
import { beforeEach, expect, test } from 'vitest';
import { FakeLine } from '../../test/support/board.ts';
import { EventChannel } from './event-channel.ts';
import * as reg from './registers.ts';

let line: FakeLine;
let channel: EventChannel;

beforeEach(() => {
  line = new FakeLine();
  channel = new EventChannel({ line });
});

const read = (offset: number): number => channel.read(offset, 4);
const write = (offset: number, value: number): void => channel.write(offset, 4, value >>> 0);

test.each([
  { what: 'magic', at: reg.MAGIC, value: 0, found: 0x4354_5645 },
  { what: 'version', at: reg.VERSION, value: 0, found: 1 },
  { what: 'ports', at: reg.PORTS, value: 0, found: 4096 },
  { what: 'upcall pending is not set by the guest', at: reg.UPCALL_PENDING, value: 1, found: 0 },
  { what: 'upcall mask', at: reg.UPCALL_MASK, value: 1, found: 1 },
  { what: 'selector is not set by the guest', at: reg.SELECTOR_LOW, value: 0xff, found: 0 },
  { what: 'send reads 0', at: reg.SEND, value: 0, found: 0 },
  { what: 'pending is not set by the guest', at: 0x11fc, value: 0xffff_ffff, found: 0 },
  { what: 'mask, first word', at: 0x1200, value: 0x1234, found: 0x1234 },
  { what: 'mask, last word', at: 0x13fc, value: 0x5678, found: 0x5678 },
  { what: 'past the bitmaps', at: 0x1400, value: 1, found: 0 },
])('register: $what', ({ at, value, found }) => {
  write(at, value);
  expect(read(at)).toBe(found);
});

test('all ports are masked at reset, and port 0 cannot be raised', () => {
  expect(read(0x1200)).toBe(0xffff_ffff);
  write(reg.UNMASK, 0);
  for (const port of [0, 4096, 0xffff_ffff]) {
    channel.raise(port);
    write(reg.SEND, port);
  }
  expect([read(0x1000), read(reg.UPCALL_PENDING), line.isHigh]).toEqual([0, 0, false]);
});

test('an unmasked port raised: pending, selector, upcall, line', () => {
  write(reg.UNMASK, 2100);
  channel.raise(2100);
  expect(read(0x1000 + 4 * (2100 >> 5))).toBe(1 << (2100 & 31));
  expect([read(reg.SELECTOR_LOW), read(reg.SELECTOR_HIGH)]).toEqual([0, 1]);
  expect([read(reg.UPCALL_PENDING), line.isHigh]).toEqual([1, true]);
  write(reg.UPCALL_MASK, 1);
  expect(line.isHigh).toBe(false);
  write(reg.UPCALL_MASK, 0);
  write(reg.UPCALL_PENDING, 1);
  expect(line.isHigh).toBe(true);
  write(reg.UPCALL_PENDING, 0);
  expect(line.isHigh).toBe(false);
});

test('a masked port waits; UNMASK makes the upcall, a write to MASK does not', () => {
  write(reg.SEND, 5);
  expect([read(0x1000), read(reg.SELECTOR_LOW), line.isHigh]).toEqual([32, 0, false]);
  write(0x1200, 0xffff_ffdf);
  expect(line.isHigh).toBe(false);
  write(reg.UNMASK, 5); // not masked any more: nothing, as in Xen
  expect(line.isHigh).toBe(false);
  write(0x1200, 0xffff_ffff);
  write(reg.UNMASK, 5);
  expect([read(reg.SELECTOR_LOW), line.isHigh]).toEqual([1, true]);
});

test('a port raised twice makes one upcall; so does a second port of the same 64', () => {
  for (const port of [1, 2, 64]) write(reg.UNMASK, port);
  channel.raise(1);
  write(reg.UPCALL_PENDING, 0);
  channel.raise(1);
  channel.raise(2); // its selector bit is still set
  expect(read(reg.UPCALL_PENDING)).toBe(0);
  channel.raise(64);
  expect([read(reg.UPCALL_PENDING), read(reg.SELECTOR_LOW)]).toEqual([1, 3]);
});

/** What a guest's interrupt handler does; gives the ports it served. */
function handle(): number[] {
  const served: number[] = [];
  write(reg.UPCALL_PENDING, 0);
  for (const half of [0, 1]) {
    const selector = read(reg.SELECTOR_LOW + 4 * half);
    write(reg.SELECTOR_LOW + 4 * half, selector);
    for (let group = 0; group < 32; group++) {
      if ((selector & (1 << group)) === 0) continue;
      for (const word of [2 * (32 * half + group), 2 * (32 * half + group) + 1]) {
        const bits = read(0x1000 + 4 * word) & ~read(0x1200 + 4 * word);
        write(0x1000 + 4 * word, bits);
        for (let bit = 0; bit < 32; bit++) {
          if ((bits & (1 << bit)) !== 0) served.push(32 * word + bit);
        }
      }
    }
  }
  return served;
}

test('nothing is lost: every port raised is served once after its last raising', () => {
  const seed = 20_261;
  const prng = new Prng(seed);
  const owed = new Set<number>();
  let servedCount = 0;
  for (let step = 0; step < 20_000; step++) {
    const port = prng.pick([1, 2, 31, 32, 63, 64, 65, 2047, 2048, 4095]);
    switch (prng.below(5)) {
      case 0:
      case 1:
        channel.raise(port);
        owed.add(port);
        break;
      case 2:
        write(reg.UNMASK, port);
        break;
      case 3: {
        const at = 0x1200 + 4 * (port >> 5);
        write(at, read(at) | (1 << (port & 31)));
        break;
      }
      default:
        if (line.isHigh) for (const served of handle()) servedCount += owed.delete(served) ? 1 : 0;
    }
    channel.checkInvariants();
  }
  for (let port = 1; port < 4096; port++) write(reg.UNMASK, port);
  while (line.isHigh) for (const served of handle()) servedCount += owed.delete(served) ? 1 : 0;
  expect([...owed], `seed ${seed}`).toEqual([]);
  expect(servedCount).toBeGreaterThan(1000);
});
