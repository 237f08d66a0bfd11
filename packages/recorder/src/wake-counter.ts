/**
 * Counts the wakes at the machine's own deadlines that happened at one step. Such wakes are not
 * logged; where an event follows at the very same step, their number is what orders them (premise
 * C7).
 */
import type { MachineInterface } from '@casmotion/machine';

export class WakeCounter {
  #step = -1;
  #count = 0;

  /** Plain data, for going back. */
  get state(): readonly [step: number, count: number] {
    return [this.#step, this.#count];
  }
  set state([step, count]: readonly [step: number, count: number]) {
    this.#step = step;
    this.#count = count;
  }

  /** Wakes made at `step` so far. */
  at(step: number): number {
    return step === this.#step ? this.#count : 0;
  }

  /** Wakes the idle machine at its deadline. */
  wake(machine: MachineInterface): void {
    const { step } = machine.at;
    this.#count = this.at(step) + 1;
    this.#step = step;
    machine.wakeAtDeadline();
  }

  /** Wakes it, unless it woke at this step so often that it would go on for ever. */
  wakeIfFew(machine: MachineInterface): boolean {
    if (this.at(machine.at.step) >= WAKES_WITHOUT_STEP_MAX) return false;
    this.wake(machine);
    return true;
  }
}

/**
 * Far above what any guest's alarms do without waking it. A replay must not hang on a machine that
 * does.
 */
const WAKES_WITHOUT_STEP_MAX = 10_000_000;
