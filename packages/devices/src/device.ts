/**
 * What a device is: registers on the bus, plain-data state, and four narrow ways out, all passed
 * in. A device knows no clock but the machine's, no host, and not whether it is being recorded
 * (premise C4).
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';

/** A memory-mapped device. Offsets are bytes from the start of its window and inside it. */
export interface Device {
  /** Name for error messages, logs and the device tree, such as `virtio-mmio@10001000`. */
  readonly name: string;
  /**
   * Reads 1, 2 or 4 bytes as an unsigned number. The bus splits an 8-byte access into two, low half
   * first. A register that does not exist reads 0; a guest can never make this throw.
   */
  read(offset: number, sizeBytes: AccessSize): number;
  /** Writes 1, 2 or 4 bytes; `value` is unsigned. Unknown registers ignore it. */
  write(offset: number, sizeBytes: AccessSize, value: number): void;
  /**
   * Writes the whole state; what `restore` reads. Equal states give equal bytes: they are digested.
   */
  snapshot(writer: ByteWriter): void;
  /**
   * Reads what `snapshot` wrote, drives the device's lines and asks for its alarm again. Throws
   * `MalformedError` on bytes no snapshot makes; the device is then good for `reset` only.
   */
  restore(reader: ByteReader): void;
  /** The state after power-on. */
  reset(): void;
  /**
   * Called once when the clock has reached the alarm asked for; absent where a device never asks.
   */
  alarm?(): void;
}

export type AccessSize = 1 | 2 | 4;

/**
 * An interrupt line. A device drives it anew whenever what the line depends on may have changed;
 * into the PLIC, each drive to high is a request.
 */
export interface InterruptLine {
  set(isHigh: boolean): void;
}

/**
 * Guest memory as a device sees it. Addresses are guest-physical; a range not wholly in RAM is
 * refused: `read` gives undefined, `write` false, and nothing is changed.
 */
export interface DmaMemory {
  /** A view valid until the next call that runs the guest; never kept. */
  read(address: number, sizeBytes: number): Uint8Array | undefined;
  /** Copies bytes in and tells the core (dirty pages, decoded code). */
  write(address: number, bytes: Uint8Array): boolean;
}

/**
 * The machine's clock and its alarms, in ticks of the timebase (10 MHz, 100 ns), a function of the
 * state.
 */
export interface MachineClock {
  /** mtime at the current step. A safe integer. */
  readonly nowTicks: number;
  /**
   * Asks for one call of the device's alarm at `ticks` (at once, before the next step, if that is
   * past); replaces the alarm set before; undefined takes it back. Not saved here: a device
   * restores its own.
   */
  setAlarm(ticks: number | undefined): void;
}
