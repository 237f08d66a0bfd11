/**
 * A single-shot timer a vCPU, VCPUOP_set_singleshot_timer of Xen (xen/common/domain.c): at an
 * absolute system time its VIRQ_TIMER is raised. Its step is the inverse of the line of guest time,
 * as every alarm's, so it is computed and not logged.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { MachineClock } from '../device.ts';
import { readOptional, writeOptional } from '../support/state.ts';
import { ETIME } from './registers.ts';

export class SingleshotTimers {
  readonly #clock: MachineClock;
  readonly #raise: (vcpu: number) => void;
  /** By vCPU, ticks of 100 ns. */
  readonly #deadlines: (number | undefined)[];

  constructor(options: {
    clock: MachineClock;
    vcpuCount: number;
    raise: (vcpu: number) => void;
  }) {
    this.#clock = options.clock;
    this.#raise = options.raise;
    this.#deadlines = Array.from({ length: options.vcpuCount });
  }

  /**
   * `nanoseconds` of system time. What has passed is raised at once, or, where `isFuture` says that
   * the guest wants to be told, refused with ETIME (public/vcpu.h allows both).
   */
  set(vcpu: number, nanoseconds: number, isFuture: boolean): number {
    const now = this.#clock.nowTicks;
    const ticks = Math.min(Math.ceil(nanoseconds / NANOSECONDS_PER_TICK), Number.MAX_SAFE_INTEGER);
    const isPast = ticks < now;
    if (isPast && isFuture) return ETIME;
    this.#deadlines[vcpu] = ticks <= now ? undefined : ticks;
    this.#arm();
    if (ticks <= now) this.#raise(vcpu);
    return 0;
  }

  stop(vcpu: number): void {
    this.#deadlines[vcpu] = undefined;
    this.#arm();
  }

  /** The clock has reached the earliest deadline. */
  alarm(): void {
    for (let vcpu = 0; vcpu < this.#deadlines.length; vcpu++) {
      const deadline = this.#deadlines[vcpu];
      if (deadline === undefined || deadline > this.#clock.nowTicks) continue;
      this.#deadlines[vcpu] = undefined;
      this.#raise(vcpu);
    }
    this.#arm();
  }

  reset(): void {
    this.#deadlines.fill(undefined);
    this.#arm();
  }

  snapshot(writer: ByteWriter): void {
    for (const deadline of this.#deadlines) writeOptional(writer, deadline);
  }

  restore(reader: ByteReader): void {
    for (let vcpu = 0; vcpu < this.#deadlines.length; vcpu++) {
      this.#deadlines[vcpu] = readOptional(reader);
    }
    this.#arm();
  }

  #arm(): void {
    const set = this.#deadlines.filter((deadline) => deadline !== undefined);
    this.#clock.setAlarm(set.length === 0 ? undefined : Math.min(...set));
  }
}

const NANOSECONDS_PER_TICK = 100;
