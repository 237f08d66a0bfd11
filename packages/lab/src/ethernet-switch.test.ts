/** Goal: frames go where they belong, and nobody can fill the table. Method: frames by hand. */
import { expect, test } from 'vitest';
import { EthernetSwitch, TABLE_MAX } from './ethernet-switch.ts';

const BROADCAST = [255, 255, 255, 255, 255, 255];
const address = (last: number, first = 2): number[] => [first, 0, 0, 0, last >> 8, last & 0xff];
const frame = (to: readonly number[], from: readonly number[]): Uint8Array =>
  Uint8Array.from([...to, ...from, 0x88, 0xb5]);

test('what it does not know goes to all others; what it has heard, to one', () => {
  const ports = new EthernetSwitch([1, 2, 3]);
  expect(ports.forward(1, frame(address(2), address(1)))).toEqual([2, 3]);
  expect(ports.forward(2, frame(address(1), address(2)))).toEqual([1]);
  expect(ports.forward(1, frame(address(2), address(1)))).toEqual([2]);
  expect(ports.forward(3, frame(BROADCAST, address(3)))).toEqual([1, 2]);
  expect(ports.forward(2, frame(address(3), address(2)))).toEqual([3]);
});

test('an address moves to where it was heard last', () => {
  const ports = new EthernetSwitch([1, 2, 3]);
  ports.forward(1, frame(BROADCAST, address(9)));
  expect(ports.forward(3, frame(address(9), address(3)))).toEqual([1]);
  ports.forward(2, frame(BROADCAST, address(9)));
  expect(ports.forward(3, frame(address(9), address(3)))).toEqual([2]);
});

test('a frame for the port that it came from goes nowhere, nor does one of a stranger', () => {
  const ports = new EthernetSwitch([1, 2]);
  ports.forward(1, frame(BROADCAST, address(5)));
  expect(ports.forward(1, frame(address(5), address(6)))).toEqual([]);
  expect(ports.forward(7, frame(BROADCAST, address(7)))).toEqual([]);
  expect(ports.forward(1, new Uint8Array(13))).toEqual([]);
});

test('group addresses are not learned; the table is bounded, the oldest goes', () => {
  const ports = new EthernetSwitch([1, 2, 3]);
  ports.forward(1, frame(BROADCAST, address(1, 3)));
  expect(ports.size).toBe(0);
  for (let host = 0; host < TABLE_MAX + 10; host++)
    ports.forward(1, frame(BROADCAST, address(host)));
  expect(ports.size).toBe(TABLE_MAX);
  expect(ports.forward(2, frame(address(0), address(2)))).toEqual([1, 3]);
  expect(ports.forward(2, frame(address(TABLE_MAX), address(2)))).toEqual([1]);
});
