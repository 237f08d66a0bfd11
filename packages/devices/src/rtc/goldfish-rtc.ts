/**
 * Goldfish RTC: nanoseconds since 1970, and an alarm. See registers.ts for its documents.
 *
 * Its time is `base + offset + 100 ns * mtime` modulo 2^64: the base is configuration (premise C1),
 * the offset state that the guest moves by setting the time. Deadlines stand in ticks, rounded up.
 * Invariants, after each call: the line is high exactly if pending and enabled; the clock's alarm
 * is the armed deadline, or none.
 *
 * 64-bit arithmetic is BigInt here: a guest reads its RTC a few times at boot, not in a hot path.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, InterruptLine, MachineClock } from '../device.ts';
import { readFlag, readOptional, writeOptional } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import * as reg from './registers.ts';

export class GoldfishRtc implements Device {
  readonly name = 'goldfish-rtc';
  readonly #line: InterruptLine;
  readonly #clock: MachineClock;
  readonly #baseNanoseconds: bigint;
  #offsetNanoseconds = 0n;
  #timeHigh = 0;
  #alarmNanoseconds = 0n;
  #deadlineTicks: number | undefined;
  #isEnabled = false;
  #isPending = false;

  /** `baseNanoseconds`: since 1970, at mtime 0; a bigint or its decimal digits. */
  constructor(options: {
    line: InterruptLine;
    clock: MachineClock;
    baseNanoseconds: bigint | string;
  }) {
    this.#line = options.line;
    this.#clock = options.clock;
    this.#baseNanoseconds = BigInt(options.baseNanoseconds);
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (!isWordAccess(offset, sizeBytes)) return 0;
    switch (offset) {
      case reg.TIME_LOW: {
        const now = this.#nowNanoseconds;
        this.#timeHigh = highWord(now);
        return lowWord(now);
      }
      case reg.TIME_HIGH:
        return this.#timeHigh;
      case reg.ALARM_LOW:
        return lowWord(this.#alarmNanoseconds);
      case reg.ALARM_HIGH:
        return highWord(this.#alarmNanoseconds);
      case reg.IRQ_ENABLED:
        return this.#isEnabled ? 1 : 0;
      case reg.ALARM_STATUS:
        return this.#deadlineTicks === undefined ? 0 : 1;
      default:
        return 0;
    }
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (!isWordAccess(offset, sizeBytes)) return;
    switch (offset) {
      case reg.TIME_LOW:
        return this.#setTime(withLowWord(this.#nowNanoseconds, value));
      case reg.TIME_HIGH:
        return this.#setTime(withHighWord(this.#nowNanoseconds, value));
      case reg.ALARM_LOW:
        this.#alarmNanoseconds = withLowWord(this.#alarmNanoseconds, value);
        return this.#arm();
      case reg.ALARM_HIGH:
        this.#alarmNanoseconds = withHighWord(this.#alarmNanoseconds, value);
        return;
      case reg.IRQ_ENABLED:
        this.#isEnabled = (value & 1) === 1;
        return this.#drive();
      case reg.CLEAR_ALARM:
        this.#deadlineTicks = undefined;
        return this.#drive();
      case reg.CLEAR_INTERRUPT:
        this.#isPending = false;
        return this.#drive();
      default:
        return;
    }
  }

  /** The armed deadline has come. */
  alarm(): void {
    if (this.#deadlineTicks !== undefined && this.#clock.nowTicks >= this.#deadlineTicks) {
      this.#deadlineTicks = undefined;
      this.#isPending = true;
    }
    this.#drive();
  }

  snapshot(writer: ByteWriter): void {
    writer.bigU64(this.#offsetNanoseconds).u32(this.#timeHigh).bigU64(this.#alarmNanoseconds);
    writeOptional(writer, this.#deadlineTicks);
    writer.u8(this.#isEnabled ? 1 : 0).u8(this.#isPending ? 1 : 0);
  }

  restore(reader: ByteReader): void {
    this.#offsetNanoseconds = reader.bigU64();
    this.#timeHigh = reader.u32();
    this.#alarmNanoseconds = reader.bigU64();
    this.#deadlineTicks = readOptional(reader);
    this.#isEnabled = readFlag(reader);
    this.#isPending = readFlag(reader);
    this.#drive();
  }

  reset(): void {
    this.#offsetNanoseconds = 0n;
    this.#timeHigh = 0;
    this.#alarmNanoseconds = 0n;
    this.#deadlineTicks = undefined;
    this.#isEnabled = false;
    this.#isPending = false;
    this.#drive();
  }

  get #nowNanoseconds(): bigint {
    const machine = BigInt(this.#clock.nowTicks) * NANOSECONDS_PER_TICK;
    return BigInt.asUintN(64, this.#baseNanoseconds + this.#offsetNanoseconds + machine);
  }

  /** An armed alarm keeps its deadline, as in QEMU. */
  #setTime(nanoseconds: bigint): void {
    const moved = this.#offsetNanoseconds + nanoseconds - this.#nowNanoseconds;
    this.#offsetNanoseconds = BigInt.asUintN(64, moved);
  }

  #arm(): void {
    const ahead = this.#alarmNanoseconds - this.#nowNanoseconds;
    if (ahead <= 0n) {
      this.#deadlineTicks = undefined;
      this.#isPending = true;
    } else {
      const ticks = (ahead + NANOSECONDS_PER_TICK - 1n) / NANOSECONDS_PER_TICK;
      // mtime never gets to 2^53: such an alarm stays armed for ever.
      this.#deadlineTicks = Math.min(this.#clock.nowTicks + Number(ticks), Number.MAX_SAFE_INTEGER);
    }
    this.#drive();
  }

  #drive(): void {
    this.#line.set(this.#isPending && this.#isEnabled);
    this.#clock.setAlarm(this.#deadlineTicks);
  }
}

function lowWord(value: bigint): number {
  return Number(value & LOW_MASK);
}

function highWord(value: bigint): number {
  return Number(value >> 32n);
}

function withLowWord(value: bigint, low: number): bigint {
  return (value & HIGH_MASK) | BigInt(low);
}

function withHighWord(value: bigint, high: number): bigint {
  return (value & LOW_MASK) | (BigInt(high) << 32n);
}

const NANOSECONDS_PER_TICK = 100n;
const LOW_MASK = 0xffff_ffffn;
const HIGH_MASK = 0xffff_ffff_0000_0000n;
