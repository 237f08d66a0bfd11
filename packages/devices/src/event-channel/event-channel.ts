/**
 * Event channel, first form: how another domain, the host or the guest itself notifies a guest. The
 * two-level scheme of Xen (xen/common/event_2l.c; public/xen.h, `shared_info`), laid out as device
 * registers.
 *
 * | offset        | name           | access | meaning                                    |
 * |---------------|----------------|--------|--------------------------------------------|
 * | 0x000         | MAGIC          | RO     | 0x43545645                                 |
 * | 0x004         | VERSION        | RO     | 1                                          |
 * | 0x008         | PORTS          | RO     | 4096; ports are 1 to 4095, 0 is reserved   |
 * | 0x010         | UPCALL_PENDING | RW     | 1: an upcall is due; writing 0 clears it   |
 * | 0x014         | UPCALL_MASK    | RW     | 1 holds the interrupt line low; 0 at reset |
 * | 0x018, 0x01c  | SELECTOR       | RW1C   | bit n: look at ports 64 n to 64 n + 63     |
 * | 0x020         | SEND           | WO     | write a port: raises it here (loopback)    |
 * | 0x024         | UNMASK         | WO     | write a port: clears its mask bit, and     |
 * |               |                |        | makes the upcall again if it is pending    |
 * | 0x1000-0x11ff | PENDING        | RW1C   | port p: bit p mod 32 of word p / 32        |
 * | 0x1200-0x13ff | MASK           | RW     | likewise; all ones at reset; clearing a    |
 * |               |                |        | bit here raises nothing: use UNMASK        |
 *
 * Raising a port: if it is pending already, nothing. Else it becomes pending; and if it is not
 * masked and the selector bit of its 64 ports was clear, that bit and UPCALL_PENDING are set.
 *
 * The guest's handler: write 0 to UPCALL_PENDING; read SELECTOR and write back what was read; for
 * each bit, read the two words of PENDING, drop masked ports, write each port's bit back, then
 * serve it. In this order nothing is lost: what comes later raises UPCALL_PENDING again.
 *
 * The device tree calls it `casmotion,event-channel`; its place is 0x1020_0000, interrupt 12.
 *
 * Invariants, after each call: the line is high exactly if UPCALL_PENDING and not UPCALL_MASK; port
 * 0 is never pending. (Not invariant: a selector bit without a pending port; guests clear the two
 * separately.)
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, InterruptLine } from '../device.ts';
import { readFlag } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import * as reg from './registers.ts';

export class EventChannel implements Device {
  readonly name = 'event-channel';
  readonly #line: InterruptLine;
  readonly #pending = new Uint32Array(PORT_WORDS);
  readonly #mask = new Uint32Array(PORT_WORDS).fill(ALL_ONES);
  readonly #selector = new Uint32Array(2);
  #isUpcallPending = false;
  #isUpcallMasked = false;

  constructor(options: { line: InterruptLine }) {
    this.#line = options.line;
  }

  /** Makes `port` pending, from a port-raised event. Port 0 and ports from 4096 on are ignored. */
  raise(port: number): void {
    if (!isPort(port)) return;
    const [word, bit] = [port >> 5, 1 << (port & 31)];
    const pending = this.#pending[word] ?? 0;
    if ((pending & bit) !== 0) return;
    this.#pending[word] = pending | bit;
    if (((this.#mask[word] ?? 0) & bit) === 0) this.#select(port);
    this.#drive();
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (!isWordAccess(offset, sizeBytes)) return 0;
    if (offset >= reg.MASK_END) return 0;
    if (offset >= reg.MASK_BASE) return this.#mask[(offset - reg.MASK_BASE) / 4] ?? 0;
    if (offset >= reg.PENDING_BASE) return this.#pending[(offset - reg.PENDING_BASE) / 4] ?? 0;
    switch (offset) {
      case reg.MAGIC:
        return reg.EVENT_CHANNEL_MAGIC;
      case reg.VERSION:
        return reg.EVENT_CHANNEL_VERSION;
      case reg.PORTS:
        return reg.EVENT_CHANNEL_PORTS;
      case reg.UPCALL_PENDING:
        return this.#isUpcallPending ? 1 : 0;
      case reg.UPCALL_MASK:
        return this.#isUpcallMasked ? 1 : 0;
      case reg.SELECTOR_LOW:
        return this.#selector[0] ?? 0;
      case reg.SELECTOR_HIGH:
        return this.#selector[1] ?? 0;
      default:
        return 0;
    }
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (!isWordAccess(offset, sizeBytes) || offset >= reg.MASK_END) return;
    if (offset >= reg.MASK_BASE) this.#mask[(offset - reg.MASK_BASE) / 4] = value;
    else if (offset >= reg.PENDING_BASE) {
      clearBits(this.#pending, (offset - reg.PENDING_BASE) / 4, value);
    } else this.#writeControl(offset, value);
    this.#drive();
  }

  snapshot(writer: ByteWriter): void {
    for (const words of [this.#pending, this.#mask, this.#selector]) {
      for (const word of words) writer.u32(word);
    }
    writer.u8(this.#isUpcallPending ? 1 : 0).u8(this.#isUpcallMasked ? 1 : 0);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    for (const words of [this.#pending, this.#mask, this.#selector]) {
      for (let word = 0; word < words.length; word++) words[word] = reader.u32();
    }
    if (((this.#pending[0] ?? 0) & 1) !== 0) throw new MalformedError('port 0 is pending', start);
    this.#isUpcallPending = readFlag(reader);
    this.#isUpcallMasked = readFlag(reader);
    this.#drive();
  }

  reset(): void {
    this.#pending.fill(0);
    this.#mask.fill(ALL_ONES);
    this.#selector.fill(0);
    this.#isUpcallPending = false;
    this.#isUpcallMasked = false;
    this.#drive();
  }

  /** Asserts that port 0 is not pending; tests call it after every step. */
  checkInvariants(): void {
    assert(((this.#pending[0] ?? 0) & 1) === 0, 'event channel: port 0 is pending');
  }

  #writeControl(offset: number, value: number): void {
    switch (offset) {
      case reg.UPCALL_PENDING:
        if (value === 0) this.#isUpcallPending = false;
        return;
      case reg.UPCALL_MASK:
        this.#isUpcallMasked = (value & 1) === 1;
        return;
      case reg.SELECTOR_LOW:
        return clearBits(this.#selector, 0, value);
      case reg.SELECTOR_HIGH:
        return clearBits(this.#selector, 1, value);
      case reg.SEND:
        return this.raise(value);
      case reg.UNMASK:
        return this.#unmask(value);
      default:
        return;
    }
  }

  #unmask(port: number): void {
    if (!isPort(port)) return;
    const [word, bit] = [port >> 5, 1 << (port & 31)];
    const mask = this.#mask[word] ?? 0;
    if ((mask & bit) === 0) return; // Was not masked: nothing waited for this.
    this.#mask[word] = mask & ~bit;
    if (((this.#pending[word] ?? 0) & bit) !== 0) this.#select(port);
  }

  /** Sets the selector bit of `port`; only its change from 0 to 1 makes an upcall. */
  #select(port: number): void {
    const group = port >> 6;
    const [word, bit] = [group >> 5, 1 << (group & 31)];
    const selector = this.#selector[word] ?? 0;
    if ((selector & bit) !== 0) return;
    this.#selector[word] = selector | bit;
    this.#isUpcallPending = true;
  }

  #drive(): void {
    this.#line.set(this.#isUpcallPending && !this.#isUpcallMasked);
  }
}

function isPort(port: number): boolean {
  return port >= 1 && port < reg.EVENT_CHANNEL_PORTS;
}

function clearBits(words: Uint32Array, index: number, bits: number): void {
  words[index] = (words[index] ?? 0) & ~bits;
}

const PORT_WORDS = reg.EVENT_CHANNEL_PORTS / 32;
const ALL_ONES = 0xffff_ffff;
