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
 */
import type { CoreInterface } from '../../src/core-interface.ts';
import {
  captureState,
  type CoreState,
  makeCore,
  poke,
  RAM_START,
  restoreState,
  type TestCoreOptions,
} from '../support/make-core.ts';

export const DEVICE = 0x1000_0000;

export interface EventfulState extends CoreState {
  readonly armedAt: number | undefined;
}

export class EventfulMachine {
  readonly core: CoreInterface;
  /** The step at which MEIP rises. */
  #armedAt: number | undefined;

  constructor(image: Uint8Array, options: TestCoreOptions = {}) {
    this.core = makeCore({
      ...options,
      ramSizeBytes: image.length,
      bus: {
        read: (address) => (address === DEVICE + 8 ? this.core.step % 2 ** 32 : undefined),
        write: (address, _size, value) => this.#write(address - DEVICE, value),
      },
    });
    poke(this.core, RAM_START, image);
    this.core.timeLine = { originStep: 0, originTicks: 0, slope: 2 ** 32 };
  }

  runTo(untilStep: number): void {
    const { core } = this;
    for (;;) {
      this.#deliver();
      if (core.step >= untilStep) return;
      const exit = core.run(Math.min(untilStep, this.#nextEvent()));
      if (exit !== 'wfi') continue;
      this.#deliver();
      if (!core.hasWakeUp) this.#skipToNextEvent();
    }
  }

  capture(): EventfulState {
    return { ...captureState(this.core), armedAt: this.#armedAt };
  }

  restore(state: EventfulState): void {
    restoreState(this.core, state);
    this.#armedAt = state.armedAt;
  }

  #write(register: number, value: number): boolean {
    const { core } = this;
    if (register === 0) {
      this.#armedAt = core.step + value;
      core.requestExit();
    } else if (register === 4) {
      core.setInterrupt('MEIP', false);
      core.setInterrupt('MSIP', false);
    } else if (register === 16) core.setInterrupt('MSIP', true);
    else if (register === 24) core.requestExit();
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
