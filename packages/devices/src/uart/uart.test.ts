/**
 * Goal: the 16550A that Linux's 8250 driver, OpenSBI and xv6 expect. Method: a table of registers;
 * each driver's sequence of accesses, written from what the driver needs to see.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ascii, FakeLine, ramp } from '../../test/support/board.ts';
import * as reg from './registers.ts';
import { Uart } from './uart.ts';

let line: FakeLine;
let sent: number[];
let uart: Uart;

beforeEach(() => {
  line = new FakeLine();
  sent = [];
  uart = new Uart({ line, output: (bytes) => void sent.push(...bytes) });
});

const write = (offset: number, value: number): void => uart.write(offset, 1, value);
const read = (offset: number): number => uart.read(offset, 1);

test.each([
  { what: 'IER has four bits', at: reg.IER_DLM, value: 0xff, found: 0x0f },
  { what: 'LCR', at: reg.LCR, value: 0x1b, found: 0x1b },
  { what: 'MCR has five bits', at: reg.MCR, value: 0xff, found: 0x1f },
  { what: 'LSR is read-only', at: reg.LSR, value: 0xff, found: 0x60 },
  { what: 'MSR: a modem is there', at: reg.MSR, value: 0xff, found: 0xb0 },
  { what: 'scratch', at: reg.SCR, value: 0xa5, found: 0xa5 },
  { what: 'no register', at: 8, value: 0xff, found: 0 },
])('register: $what', ({ at, value, found }) => {
  write(at, value);
  expect(read(at)).toBe(found);
});

test('DLAB opens the divisor latch over RBR and IER', () => {
  write(reg.IER_DLM, 0x05);
  write(reg.LCR, reg.LCR_DLAB | 3);
  expect([read(0), read(1)]).toEqual([12, 0]);
  write(0, 0x34);
  write(1, 0x12);
  expect([read(0), read(1)]).toEqual([0x34, 0x12]);
  write(reg.LCR, 3);
  expect(read(reg.IER_DLM)).toBe(0x05);
  expect(sent).toEqual([]);
});

test('looking at the line status drives no line; reading data does (xv6 counts on it)', () => {
  write(reg.IER_DLM, reg.IER_THR_EMPTY);
  const { drives } = line;
  read(reg.LSR);
  expect(line.drives).toBe(drives);
  read(reg.RBR_THR_DLL);
  expect(line.drives).toBe(drives + 1);
});

describe('transmitting', () => {
  test('a byte is out at once and the transmitter always empty (OpenSBI, xv6 polled)', () => {
    for (const byte of ascii('ok')) {
      expect(read(reg.LSR) & reg.LSR_THR_EMPTY).toBe(reg.LSR_THR_EMPTY);
      write(0, byte);
    }
    expect(sent).toEqual([...ascii('ok')]);
  });

  test('THR-empty interrupt: enabling asserts, IIR clears, writing THR asserts again', () => {
    write(reg.IER_DLM, reg.IER_THR_EMPTY);
    expect(line.isHigh).toBe(true);
    expect(read(reg.IIR_FCR)).toBe(reg.IIR_THR_EMPTY);
    expect(line.isHigh).toBe(false);
    expect(read(reg.IIR_FCR)).toBe(reg.IIR_NONE);
    write(0, 65);
    expect(line.isHigh).toBe(true);
  });

  test('the THRE probe of Linux: off and on again asserts again (UART_BUG_TXEN)', () => {
    write(reg.IER_DLM, reg.IER_THR_EMPTY);
    read(reg.IIR_FCR);
    write(reg.IER_DLM, 0);
    expect(line.isHigh).toBe(false);
    write(reg.IER_DLM, reg.IER_THR_EMPTY);
    expect(read(reg.IIR_FCR)).toBe(reg.IIR_THR_EMPTY);
  });
});

describe('receiving', () => {
  test('without FIFOs one byte at a time, nothing lost', () => {
    uart.receive(ascii('abc'));
    expect([read(0), read(0), read(0)]).toEqual([...ascii('abc')]);
    expect(read(reg.LSR) & (reg.LSR_DATA_READY | reg.LSR_OVERRUN)).toBe(0);
    expect(read(0)).toBe(0);
  });

  test.each([
    { trigger: 0x00, level: 1 },
    { trigger: 0x40, level: 4 },
    { trigger: 0x80, level: 8 },
    { trigger: 0xc0, level: 14 },
  ])('trigger level $level: received at it, time-out below it', ({ trigger, level }) => {
    write(reg.IIR_FCR, reg.FCR_ENABLE | trigger);
    write(reg.IER_DLM, reg.IER_RECEIVED);
    uart.receive(ramp(level));
    expect(read(reg.IIR_FCR)).toBe(reg.IIR_FIFOS_ENABLED | reg.IIR_RECEIVED);
    read(0);
    expect(line.isHigh).toBe(level > 1);
    if (level > 1) expect(read(reg.IIR_FCR) & 0x0f).toBe(reg.IIR_CHARACTER_TIMEOUT);
  });

  test('the line stays high until the console queue behind the FIFO is empty', () => {
    write(reg.IIR_FCR, reg.FCR_ENABLE);
    write(reg.IER_DLM, reg.IER_RECEIVED);
    uart.receive(ramp(100));
    const got: number[] = [];
    while (line.isHigh) got.push(read(0));
    expect(got).toEqual([...ramp(100)]);
    expect(line.rises).toBe(1);
  });

  test('64 KiB wait behind the FIFO; the rest is dropped and said so', () => {
    write(reg.IIR_FCR, reg.FCR_ENABLE);
    expect(uart.receive(new Uint8Array(70_000))).toBe(16 + 65_536);
    expect(uart.freeInputBytes).toBe(0);
    expect(uart.receive(ascii('x'))).toBe(0);
    read(0);
    expect(uart.freeInputBytes).toBe(1);
  });

  test('clearing the FIFO drops its 16 bytes; those behind move up', () => {
    write(reg.IIR_FCR, reg.FCR_ENABLE);
    uart.receive(ramp(20));
    write(reg.IIR_FCR, reg.FCR_ENABLE | reg.FCR_CLEAR_RX);
    expect(read(0)).toBe(16);
  });
});

test('interrupts by priority: line status, received, THR empty, modem', () => {
  write(reg.IIR_FCR, reg.FCR_ENABLE);
  write(reg.MCR, reg.MCR_LOOP);
  for (const byte of ramp(17)) write(0, byte); // the 17th overruns
  write(reg.IER_DLM, 0x0f);
  const cause = (): number => read(reg.IIR_FCR) & 0x0f;
  expect(cause()).toBe(reg.IIR_LINE_STATUS);
  expect(read(reg.LSR) & reg.LSR_OVERRUN).toBe(reg.LSR_OVERRUN);
  expect(cause()).toBe(reg.IIR_RECEIVED);
  while ((read(reg.LSR) & reg.LSR_DATA_READY) !== 0) read(0);
  expect(cause()).toBe(reg.IIR_THR_EMPTY);
  expect(cause()).toBe(reg.IIR_MODEM_STATUS); // the modem went away when the loop closed
  read(reg.MSR);
  expect(cause()).toBe(reg.IIR_NONE);
  expect(sent).toEqual([]);
});

test('input waits while the loop is closed', () => {
  write(reg.MCR, reg.MCR_LOOP);
  uart.receive(ascii('x'));
  expect(read(reg.LSR) & reg.LSR_DATA_READY).toBe(0);
  write(reg.MCR, 0);
  expect(read(0)).toBe(ascii('x')[0]);
});

test("Linux's autoconfig finds a 16550A", () => {
  write(reg.IER_DLM, 0);
  expect(read(reg.IER_DLM)).toBe(0);
  write(reg.IER_DLM, 0x0f);
  expect(read(reg.IER_DLM)).toBe(0x0f);
  write(reg.IER_DLM, 0);
  write(reg.MCR, reg.MCR_LOOP | reg.MCR_OUT2 | reg.MCR_RTS);
  expect(read(reg.MSR) & 0xf0).toBe(reg.MSR_DCD | reg.MSR_CTS);
  write(reg.MCR, 0);
  write(reg.IIR_FCR, reg.FCR_ENABLE);
  expect(read(reg.IIR_FCR) >> 6).toBe(3);
  write(reg.LCR, 0xbf); // enhanced registers: only a 16650 reads 0 here
  expect(read(reg.IIR_FCR)).not.toBe(0);
  write(reg.LCR, 0);
  write(reg.IIR_FCR, reg.FCR_ENABLE | 0x20); // 64-byte FIFO of a 16750
  expect(read(reg.IIR_FCR) & 0xe0).toBe(0xc0);
});

test('MSR deltas: RI counts only where it ends, reading clears', () => {
  write(reg.MCR, reg.MCR_LOOP);
  read(reg.MSR);
  write(reg.MCR, reg.MCR_LOOP | reg.MCR_OUT1);
  expect(read(reg.MSR)).toBe(reg.MSR_RI);
  write(reg.MCR, reg.MCR_LOOP | reg.MCR_DTR);
  expect(read(reg.MSR)).toBe(reg.MSR_DSR | 0x06);
  expect(read(reg.MSR)).toBe(reg.MSR_DSR);
});
