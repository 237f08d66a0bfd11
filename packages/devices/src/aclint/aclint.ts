/**
 * ACLINT: software interrupts (MSWI) and the machine timer (MTIMER). RISC-V ACLINT 1.0-draft.
 *
 * State of each hart: MSIP and the level of MTIP (one bit each) and mtimecmp (64 bits). mtime is
 * the machine's clock and not kept here. Invariants, after each call: the MSIP line is MSIP; the
 * MTIP line is (mtime >= mtimecmp) as of the last write or alarm; the alarm is the least mtimecmp
 * of a hart whose MTIP is low, if mtime can get there.
 *
 * Deviation: the specification lets software write mtime. Here a write is ignored, because mtime,
 * the `time` CSR and stimecmp are one line over the step counter (design: "Time"), which no guest
 * may bend.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, InterruptLine, MachineClock } from '../device.ts';
import { readFlag } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import { MSIP_BASE, MTIME_HIGH, MTIME_LOW, MTIMECMP_BASE } from './registers.ts';

/** The interrupt lines of one hart, straight into its mip. */
export interface AclintHart {
  /** mip.MSIP */
  readonly software: InterruptLine;
  /** mip.MTIP */
  readonly timer: InterruptLine;
}

export class Aclint implements Device {
  readonly name = 'aclint';
  readonly #clock: MachineClock;
  readonly #harts: readonly HartState[];

  /** `harts[n]` is hart n: 1 to 4095 of them. */
  constructor(options: { clock: MachineClock; harts: readonly AclintHart[] }) {
    this.#clock = options.clock;
    this.#harts = options.harts.map((lines) => ({ lines, ...RESET }));
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (!isWordAccess(offset, sizeBytes)) return 0;
    if (offset === MTIME_LOW) return this.#clock.nowTicks % 2 ** 32;
    if (offset === MTIME_HIGH) return Math.floor(this.#clock.nowTicks / 2 ** 32);
    if (offset < MTIMECMP_BASE) {
      return this.#harts[(offset - MSIP_BASE) / 4]?.isSoftware === true ? 1 : 0;
    }
    const hart = this.#harts[Math.floor((offset - MTIMECMP_BASE) / 8)];
    if (hart === undefined) return 0;
    return offset % 8 === 0 ? hart.compareLow : hart.compareHigh;
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (!isWordAccess(offset, sizeBytes) || offset >= MTIME_LOW) return;
    if (offset < MTIMECMP_BASE) {
      const hart = this.#harts[(offset - MSIP_BASE) / 4];
      if (hart === undefined) return;
      hart.isSoftware = (value & 1) === 1; // "upper 31 bits are tied to zero"
      hart.lines.software.set(hart.isSoftware);
      return;
    }
    const hart = this.#harts[Math.floor((offset - MTIMECMP_BASE) / 8)];
    if (hart === undefined) return;
    if (offset % 8 === 0) hart.compareLow = value;
    else hart.compareHigh = value;
    this.#refresh();
  }

  /** A deadline has come: raises what is due and asks for the next. */
  alarm(): void {
    this.#refresh();
  }

  snapshot(writer: ByteWriter): void {
    for (const hart of this.#harts) {
      writer.u8(hart.isSoftware ? 1 : 0).u8(hart.isTimer ? 1 : 0);
      writer.u32(hart.compareLow).u32(hart.compareHigh);
    }
  }

  restore(reader: ByteReader): void {
    for (const hart of this.#harts) {
      hart.isSoftware = readFlag(reader);
      hart.isTimer = readFlag(reader);
      hart.compareLow = reader.u32();
      hart.compareHigh = reader.u32();
    }
    this.#drive();
  }

  reset(): void {
    for (const hart of this.#harts) Object.assign(hart, RESET);
    this.#drive();
  }

  #refresh(): void {
    const now = this.#clock.nowTicks;
    for (const hart of this.#harts) hart.isTimer = now >= deadlineOf(hart);
    this.#drive();
  }

  #drive(): void {
    let next = Infinity;
    for (const hart of this.#harts) {
      hart.lines.software.set(hart.isSoftware);
      hart.lines.timer.set(hart.isTimer);
      if (!hart.isTimer) next = Math.min(next, deadlineOf(hart));
    }
    // mtime never gets past 2^53, so a later deadline never falls due.
    this.#clock.setAlarm(Number.isSafeInteger(next) ? next : undefined);
  }
}

interface HartState {
  readonly lines: AclintHart;
  /** MSIP */
  isSoftware: boolean;
  /** MTIP */
  isTimer: boolean;
  /** mtimecmp */
  compareLow: number;
  compareHigh: number;
}

function deadlineOf(hart: HartState): number {
  return hart.compareHigh * 2 ** 32 + hart.compareLow;
}

/** mtimecmp after reset: the specification leaves it unknown; all ones never falls due. */
const RESET = {
  isSoftware: false,
  isTimer: false,
  compareLow: 0xffff_ffff,
  compareHigh: 0xffff_ffff,
};
