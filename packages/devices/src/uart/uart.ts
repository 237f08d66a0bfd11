/**
 * UART 16550A, the console. PC16550D data sheet, §8; QEMU's `virt`: 8-bit registers, one byte
 * apart.
 *
 * A byte written to THR is out at once: the transmitter is always empty, and no receiver can hold
 * it up. Typed bytes wait in a console queue of 64 KiB behind the receive FIFO, which is refilled
 * from it at once; so no typed byte is ever overrun, and the line-status interrupt comes only from
 * loopback.
 *
 * Invariants, after each call:
 *   1. the FIFO holds at most 16 bytes, 1 while FIFOs are disabled;
 *   2. the queue is empty or the FIFO is full, unless MCR.LOOP cuts the wire;
 *   3. the interrupt line is high exactly if IIR names an interrupt.
 *
 * Deviation: the character time-out (data sheet §8.4.4: four character times without a read) falls
 * due at once, when fewer bytes than the trigger level wait and nothing is behind them. No clock,
 * same drivers.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, InterruptLine } from '../device.ts';
import { ByteQueue } from '../support/byte-queue.ts';
import { readAtMost, readFlag } from '../support/state.ts';
import * as reg from './registers.ts';

/** Takes console bytes, valid during the call only. */
export type ByteOutput = (bytes: Uint8Array) => void;

export class Uart implements Device {
  readonly name = 'uart';
  readonly #line: InterruptLine;
  readonly #output: ByteOutput;
  readonly #outgoing = new Uint8Array(1);
  readonly #fifo = new ByteQueue(FIFO_BYTES);
  readonly #queue = new ByteQueue(CONSOLE_QUEUE_BYTES);
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scr = 0;
  #divisor = DIVISOR_RESET;
  #isOverrun = false;
  /** The THR-empty interrupt is asked for: cleared by reading IIR or writing THR. */
  #isThrPending = false;
  /** MSR bits 0 to 3: changes of the modem lines since the last read. */
  #modemDelta = 0;

  constructor(options: { line: InterruptLine; output: ByteOutput }) {
    this.#line = options.line;
    this.#output = options.output;
  }

  /** Bytes of console input that {@link receive} would take now. */
  get freeInputBytes(): number {
    return this.#queue.free;
  }

  /**
   * Console input, from an event. Gives the count taken; what is above 64 KiB waiting is dropped.
   */
  receive(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.length && this.#hasRoom && !this.#isLoop && this.#queue.size === 0) {
      this.#fifo.pushByte(bytes[taken++] ?? 0);
    }
    taken += this.#queue.push(bytes.subarray(taken));
    this.#update();
    return taken;
  }

  read(offset: number, _sizeBytes: AccessSize): number {
    const isOverrun = this.#isOverrun;
    const value = this.#readRegister(offset);
    // A look at the status is no reason for another interrupt: xv6 looks at it in each.
    if (offset !== reg.LSR || isOverrun) this.#update();
    return value;
  }

  write(offset: number, _sizeBytes: AccessSize, value: number): void {
    this.#writeRegister(offset, value & 0xff);
    this.#update();
  }

  snapshot(writer: ByteWriter): void {
    for (const register of [this.#ier, this.#fcr, this.#lcr, this.#mcr, this.#scr]) {
      writer.u8(register);
    }
    writer.u16(this.#divisor).u8(this.#modemDelta);
    writer.u8(this.#isOverrun ? 1 : 0).u8(this.#isThrPending ? 1 : 0);
    this.#fifo.snapshot(writer);
    this.#queue.snapshot(writer);
  }

  restore(reader: ByteReader): void {
    this.#ier = readAtMost(reader, IER_MASK, () => reader.u8());
    this.#fcr = reader.u8();
    this.#lcr = reader.u8();
    this.#mcr = readAtMost(reader, MCR_MASK, () => reader.u8());
    this.#scr = reader.u8();
    this.#divisor = reader.u16();
    this.#modemDelta = readAtMost(reader, reg.MSR_DELTA, () => reader.u8());
    this.#isOverrun = readFlag(reader);
    this.#isThrPending = readFlag(reader);
    const start = reader.fileOffset;
    this.#fifo.restore(reader);
    this.#queue.restore(reader);
    if (!this.#isConsistent) throw new MalformedError('UART FIFO contradicts its registers', start);
    this.#update();
  }

  reset(): void {
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#scr = 0;
    this.#divisor = DIVISOR_RESET;
    this.#isOverrun = false;
    this.#isThrPending = false;
    this.#modemDelta = 0;
    this.#fifo.clear();
    this.#queue.clear();
    this.#update();
  }

  /** Asserts invariants 1 and 2; tests call it after every step. */
  checkInvariants(): void {
    assert(this.#isConsistent, 'UART invariants 1 and 2');
  }

  #readRegister(offset: number): number {
    switch (offset) {
      case reg.RBR_THR_DLL:
        if (this.#hasDlab) return this.#divisor & 0xff;
        return this.#fifo.shift() ?? 0;
      case reg.IER_DLM:
        return this.#hasDlab ? this.#divisor >> 8 : this.#ier;
      case reg.IIR_FCR: {
        const cause = this.#interruptCause();
        // §8.5: reading IIR clears the THR-empty interrupt, if that is what it names.
        if (cause === reg.IIR_THR_EMPTY) this.#isThrPending = false;
        return cause | (this.#hasFifos ? reg.IIR_FIFOS_ENABLED : 0);
      }
      case reg.LCR:
        return this.#lcr;
      case reg.MCR:
        return this.#mcr;
      case reg.LSR: {
        const status = this.#lineStatus();
        this.#isOverrun = false;
        return status;
      }
      case reg.MSR: {
        const status = modemLines(this.#mcr) | this.#modemDelta;
        this.#modemDelta = 0;
        return status;
      }
      case reg.SCR:
        return this.#scr;
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case reg.RBR_THR_DLL:
        if (this.#hasDlab) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#transmit(value);
        return;
      case reg.IER_DLM:
        if (this.#hasDlab) this.#divisor = (this.#divisor & 0x00ff) | (value << 8);
        else this.#writeIer(value & IER_MASK);
        return;
      case reg.IIR_FCR:
        this.#writeFcr(value);
        return;
      case reg.LCR:
        this.#lcr = value;
        return;
      case reg.MCR:
        this.#writeMcr(value & MCR_MASK);
        return;
      case reg.SCR:
        this.#scr = value;
        return;
      default: // LSR and MSR are for factory tests when written; no driver does.
        return;
    }
  }

  #transmit(byte: number): void {
    if (!this.#isLoop) {
      this.#outgoing[0] = byte;
      this.#output(this.#outgoing);
    } else if (this.#hasRoom) this.#fifo.pushByte(byte);
    else this.#isOverrun = true;
    // Empty again before the guest can look: the interrupt is asked for anew.
    this.#isThrPending = true;
  }

  #writeIer(value: number): void {
    const isNewlyEnabled = (value & ~this.#ier & reg.IER_THR_EMPTY) !== 0;
    this.#ier = value;
    // Enabling it while THR is empty asserts it; Linux's 8250 driver probes for that
    // (UART_BUG_TXEN).
    if (isNewlyEnabled) this.#isThrPending = true;
  }

  #writeFcr(value: number): void {
    const isToggled = ((value ^ this.#fcr) & reg.FCR_ENABLE) !== 0;
    // §8.3: "FIFO data is not cleared automatically" but changing the mode clears it; bit 1 does
    // too.
    if (isToggled || (value & reg.FCR_CLEAR_RX) !== 0) this.#fifo.clear();
    // Other bits are only programmed while bit 0 is 1.
    const isEnabled = (value & reg.FCR_ENABLE) !== 0;
    this.#fcr = isEnabled ? value & (reg.FCR_ENABLE | reg.FCR_TRIGGER) : 0;
  }

  #writeMcr(value: number): void {
    const [before, after] = [modemLines(this.#mcr), modemLines(value)];
    const changed = before ^ after;
    // §8.8: deltas of CTS, DSR and DCD; RI counts only where it ends.
    const counted = (changed & ~reg.MSR_RI) | (changed & before & reg.MSR_RI);
    this.#modemDelta |= counted >> 4;
    this.#mcr = value;
  }

  /** Table IV: the priorities of interrupts. */
  #interruptCause(): number {
    if ((this.#ier & reg.IER_LINE_STATUS) !== 0 && this.#isOverrun) return reg.IIR_LINE_STATUS;
    if ((this.#ier & reg.IER_RECEIVED) !== 0 && this.#fifo.size > 0) {
      const isFull = !this.#hasFifos || this.#fifo.size >= this.#triggerBytes;
      return isFull ? reg.IIR_RECEIVED : reg.IIR_CHARACTER_TIMEOUT;
    }
    if ((this.#ier & reg.IER_THR_EMPTY) !== 0 && this.#isThrPending) return reg.IIR_THR_EMPTY;
    if ((this.#ier & reg.IER_MODEM_STATUS) !== 0 && this.#modemDelta !== 0) {
      return reg.IIR_MODEM_STATUS;
    }
    return reg.IIR_NONE;
  }

  #lineStatus(): number {
    const ready = this.#fifo.size > 0 ? reg.LSR_DATA_READY : 0;
    const overrun = this.#isOverrun ? reg.LSR_OVERRUN : 0;
    return reg.LSR_THR_EMPTY | reg.LSR_TRANSMITTER_EMPTY | ready | overrun;
  }

  /** Refills the FIFO and drives the line: the last act of every call. */
  #update(): void {
    while (this.#hasRoom && !this.#isLoop && this.#queue.size > 0) {
      this.#fifo.pushByte(this.#queue.shift() ?? 0);
    }
    this.#line.set(this.#interruptCause() !== reg.IIR_NONE);
  }

  get #hasDlab(): boolean {
    return (this.#lcr & reg.LCR_DLAB) !== 0;
  }

  get #hasFifos(): boolean {
    return (this.#fcr & reg.FCR_ENABLE) !== 0;
  }

  get #isLoop(): boolean {
    return (this.#mcr & reg.MCR_LOOP) !== 0;
  }

  get #hasRoom(): boolean {
    return this.#fifo.size < (this.#hasFifos ? FIFO_BYTES : 1);
  }

  get #triggerBytes(): number {
    return [1, 4, 8, 14][this.#fcr >> 6] ?? 1;
  }

  get #isConsistent(): boolean {
    if (this.#fifo.size > (this.#hasFifos ? FIFO_BYTES : 1)) return false;
    return this.#queue.size === 0 || !this.#hasRoom || this.#isLoop;
  }
}

/**
 * MSR bits 4 to 7. Looped back they follow MCR (§8.6); else a modem is there, ready, and never
 * rings.
 */
function modemLines(mcr: number): number {
  if ((mcr & reg.MCR_LOOP) === 0) return reg.MSR_CTS | reg.MSR_DSR | reg.MSR_DCD;
  return (
    ((mcr & reg.MCR_RTS) !== 0 ? reg.MSR_CTS : 0) |
    ((mcr & reg.MCR_DTR) !== 0 ? reg.MSR_DSR : 0) |
    ((mcr & reg.MCR_OUT1) !== 0 ? reg.MSR_RI : 0) |
    ((mcr & reg.MCR_OUT2) !== 0 ? reg.MSR_DCD : 0)
  );
}

const FIFO_BYTES = 16;
const CONSOLE_QUEUE_BYTES = 64 * 1024;
/** Bits that exist; drivers tell a 16550A from its successors by those that read 0. */
const IER_MASK = 0x0f;
const MCR_MASK = 0x1f;
/** 9600 baud at 1.8432 MHz, the customary value; the data sheet has none. */
const DIVISOR_RESET = 12;
