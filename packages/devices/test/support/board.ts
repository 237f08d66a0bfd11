/**
 * A bare board for device tests: RAM as a plain array, a clock that is set by hand, lines that are
 * seen.
 */
import type { Device, DmaMemory, InterruptLine, MachineClock } from '../../src/device.ts';

export const RAM_BASE = 0x8000_0000;

/**
 * RAM from 0x8000_0000 on. `accesses` counts calls and `bytesTouched` bytes, to bound a device's
 * work.
 */
export class FakeMemory implements DmaMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  accesses = 0;
  bytesTouched = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  read(address: number, sizeBytes: number): Uint8Array | undefined {
    this.accesses++;
    this.bytesTouched += sizeBytes;
    const at = address - RAM_BASE;
    if (at < 0 || at + sizeBytes > this.bytes.length) return undefined;
    return this.bytes.subarray(at, at + sizeBytes);
  }

  write(address: number, bytes: Uint8Array): boolean {
    this.accesses++;
    this.bytesTouched += bytes.length;
    const at = address - RAM_BASE;
    if (at < 0 || at + bytes.length > this.bytes.length) return false;
    this.bytes.set(bytes, at);
    return true;
  }
}

/** The clock of one device. `advance` makes alarms fall due in order, as a machine does. */
export class FakeClock implements MachineClock {
  nowTicks = 0;
  alarmTicks: number | undefined;
  /** Alarms that went off. */
  fired = 0;

  setAlarm(ticks: number | undefined): void {
    this.alarmTicks = ticks;
  }

  /** Moves time on and calls the device at each alarm on the way. */
  advance(device: Device, ticks: number): void {
    const until = this.nowTicks + ticks;
    while (this.alarmTicks !== undefined && this.alarmTicks <= until) {
      this.nowTicks = Math.max(this.nowTicks, this.alarmTicks);
      this.alarmTicks = undefined;
      this.fired++;
      device.alarm?.();
    }
    this.nowTicks = until;
  }
}

/** Sees what a device drives. */
export class FakeLine implements InterruptLine {
  isHigh = false;
  /** Changes from low to high. */
  rises = 0;
  /** Calls, whatever the level: into a PLIC each of them to high is a request. */
  drives = 0;

  set(isHigh: boolean): void {
    this.drives++;
    if (isHigh && !this.isHigh) this.rises++;
    this.isHigh = isHigh;
  }
}

/** `count` bytes: start, start + 1, ... modulo 256. */
export function ramp(count: number, start = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (start + index) & 0xff);
}

/** Bytes of an ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
