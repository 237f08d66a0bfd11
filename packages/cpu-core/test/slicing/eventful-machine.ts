/**
 * As much of a machine as shows whether slicing shows: a timer (Sstc over a time line of a tick a
 * step), a device that raises interrupts later, at once, or while it refuses an access, and sleep
 * in WFI that skips to the next event. Its behaviour is a function of its state alone. Test
 * support.
 *
 *   DEVICE + 0   write n: MEIP rises n steps after
 *   DEVICE + 4   write: MEIP and MSIP fall
 *   DEVICE + 8   read: steps made so far
 *   DEVICE + 16  write: MSIP rises. DEVICE + 20 does not exist: 8 bytes written do this and fault
 *   DEVICE + 24  write: asks `run` to return
 *   DEVICE + 32  write v: the device writes it to RAM, 4 bytes where DEVICE + 36 said, an offset
 *   FINISHER     write: asks `run` to return; the timer compare registers of an ACLINT are there
 */
import { ByteWriter } from '@casmotion/base';
import type { CoreInterface, Watch } from '../../src/core-interface.ts';
import { MTIMECMP } from '../differential/monitor.ts';
import {
  captureState,
  type CoreState,
  FINISHER,
  makeCore,
  poke,
  RAM_START,
  restoreState,
  type TestCoreOptions,
} from '../support/make-core.ts';

export const DEVICE = 0x1000_0000;

export interface EventfulState extends CoreState {
  readonly armedAt: number | undefined;
  /** Where the device copies to. */
  readonly copyTo: number;
}

export class EventfulMachine {
  readonly core: CoreInterface;
  /** The step at which MEIP rises. */
  #armedAt: number | undefined;
  #copyTo = RAM_START;

  constructor(image: Uint8Array, options: TestCoreOptions = {}) {
    this.core = makeCore({
      ...options,
      ramSizeBytes: image.length,
      bus: {
        read: (address) => (address === DEVICE + 8 ? this.core.step % 2 ** 32 : undefined),
        write: (address, _size, value) => this.#write(address, value),
      },
    });
    poke(this.core, RAM_START, image);
    this.core.timeLine = { originStep: 0, originTicks: 0, slope: 2 ** 32 };
  }

  /** `watch`: also until it stands there, on a core that counts transfers. */
  runTo(untilStep: number, watch?: Watch): void {
    const { core } = this;
    const first = core.step;
    for (;;) {
      this.#deliver();
      if (core.step >= untilStep) return;
      const isHere = watch !== undefined && isAt(core, watch);
      if (isHere && (watch.isHereToo || core.step > first)) return;
      const until = Math.min(untilStep, this.#nextEvent());
      const exit = watch === undefined ? core.run(until) : runWatched(core, until, watch, first);
      if (exit !== 'wfi') continue;
      this.#deliver();
      if (!core.hasWakeUp) this.#skipToNextEvent();
    }
  }

  capture(): EventfulState {
    return { ...captureState(this.core), ...this.device };
  }

  /** The state of the device alone. */
  get device(): Pick<EventfulState, 'armedAt' | 'copyTo'> {
    return { armedAt: this.#armedAt, copyTo: this.#copyTo };
  }

  restore(state: EventfulState): void {
    restoreState(this.core, state);
    this.#armedAt = state.armedAt;
    this.#copyTo = state.copyTo;
  }

  #write(address: number, value: number): boolean {
    const { core } = this;
    if (address === MTIMECMP || address === MTIMECMP + 4) return true;
    const register = address === FINISHER ? 24 : address - DEVICE;
    if (register === 0) {
      this.#armedAt = core.step + value;
      core.requestExit();
    } else if (register === 4) {
      core.setInterrupt('MEIP', false);
      core.setInterrupt('MSIP', false);
    } else if (register === 16) core.setInterrupt('MSIP', true);
    else if (register === 24) core.requestExit();
    else if (register === 32) poke(core, this.#copyTo, new ByteWriter().u32(value).toBytes());
    else if (register === 36) this.#copyTo = RAM_START + (value % (core.ram.length - 4));
    else return false;
    return true;
  }

  #deliver(): void {
    if (this.#armedAt !== undefined && this.core.step >= this.#armedAt) {
      this.core.setInterrupt('MEIP', true);
      this.#armedAt = undefined;
    }
    this.core.refreshTimerInterrupt();
  }

  #nextEvent(): number {
    const ticks = this.core.stimecmpTicks;
    const due = ticks === undefined ? Infinity : this.core.stepWhen(ticks);
    return Math.min(this.#armedAt ?? Infinity, due > this.core.step ? due : Infinity);
  }

  /** Sleep costs no step: time jumps. */
  #skipToNextEvent(): void {
    const { core } = this;
    const ticks = core.stimecmpTicks ?? Infinity;
    if (this.#armedAt === undefined && ticks < 2 ** 40) {
      const originTicks = Math.max(ticks, core.ticksAt(core.step));
      core.timeLine = { originStep: core.step, originTicks, slope: 2 ** 32 };
      core.refreshTimerInterrupt();
      return;
    }
    this.#armedAt = undefined;
    core.setInterrupt('MEIP', true);
  }
}

function runWatched(core: CoreInterface, until: number, watch: Watch, first: number) {
  return core.runWatched(until, { ...watch, isHereToo: watch.isHereToo || core.step > first });
}

function isAt({ transfers, hart }: CoreInterface, watch: Watch): boolean {
  return (transfers ?? 0) >= watch.transfers || hart.pc === watch.pc;
}
