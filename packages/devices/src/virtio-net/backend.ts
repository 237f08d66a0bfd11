/**
 * Where a network device's frames go, and where they come from. A backend's state is the device's.
 */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { MachineClock } from '../device.ts';
import { FRAME_MAX_BYTES } from './registers.ts';

/**
 * The other end of the wire, made for one device. It asks for alarms on a clock of its own, if at
 * all.
 */
export interface NetBackend {
  /** Called once, with where frames for the guest go. */
  connect(deliver: (frame: Uint8Array) => void): void;
  /** A frame from the guest, 14 to 65,550 bytes, valid during the call only. Never waits. */
  transmit(frame: Uint8Array): void;
  /** As a device's: the clock has reached the alarm asked for. */
  alarm(): void;
  snapshot(writer: ByteWriter): void;
  restore(reader: ByteReader): void;
  reset(): void;
}

/**
 * Frames leave by a callback and come in by {@link VirtioNet.receive}, called for an event: a
 * script, a tap, a peer. No state.
 */
export class ExternalBackend implements NetBackend {
  readonly #output: (frame: Uint8Array) => void;

  constructor(output: (frame: Uint8Array) => void) {
    this.#output = output;
  }

  connect(_deliver: (frame: Uint8Array) => void): void {}

  transmit(frame: Uint8Array): void {
    this.#output(frame);
  }

  alarm(): void {}

  snapshot(_writer: ByteWriter): void {}

  restore(_reader: ByteReader): void {}

  reset(): void {}
}

/**
 * A plug that hands each frame back after a latency, in order. Frames beyond 64 on the wire are
 * lost.
 *
 * Invariant, after each call: deadlines do not fall from one frame to the next, and the clock's
 * alarm is the first one.
 */
export class LoopbackBackend implements NetBackend {
  readonly #clock: MachineClock;
  readonly #latencyTicks: number;
  #deliver: (frame: Uint8Array) => void = () => {};
  #wire: { readonly dueTicks: number; readonly frame: Uint8Array }[] = [];

  constructor(options: { clock: MachineClock; latencyTicks?: number }) {
    this.#clock = options.clock;
    this.#latencyTicks = options.latencyTicks ?? LOOPBACK_LATENCY_TICKS;
  }

  connect(deliver: (frame: Uint8Array) => void): void {
    this.#deliver = deliver;
  }

  transmit(frame: Uint8Array): void {
    if (this.#wire.length >= WIRE_MAX_FRAMES) return;
    const dueTicks = this.#clock.nowTicks + this.#latencyTicks;
    this.#wire.push({ dueTicks, frame: frame.slice() });
    this.#askAlarm();
  }

  alarm(): void {
    const now = this.#clock.nowTicks;
    while ((this.#wire[0]?.dueTicks ?? Infinity) <= now) {
      const first = this.#wire.shift();
      if (first !== undefined) this.#deliver(first.frame);
    }
    this.#askAlarm();
  }

  snapshot(writer: ByteWriter): void {
    writer.uvarint(this.#wire.length);
    for (const { dueTicks, frame } of this.#wire) writer.u64(dueTicks).blob(frame);
  }

  restore(reader: ByteReader): void {
    const start = reader.fileOffset;
    const count = reader.uvarint();
    if (count > WIRE_MAX_FRAMES) throw new MalformedError(`${count} frames on the wire`, start);
    this.#wire = [];
    for (let i = 0; i < count; i++) {
      this.#wire.push({ dueTicks: reader.u64(), frame: reader.blob(FRAME_MAX_BYTES).slice() });
    }
    this.#askAlarm();
  }

  reset(): void {
    this.#wire = [];
    this.#askAlarm();
  }

  #askAlarm(): void {
    this.#clock.setAlarm(this.#wire[0]?.dueTicks);
  }
}

/** 10 µs there and back. */
export const LOOPBACK_LATENCY_TICKS = 100;
const WIRE_MAX_FRAMES = 64;
