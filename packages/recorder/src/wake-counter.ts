/**
 * Counts the wakes at the machine's own deadlines that happened at one step. Such wakes are not
 * logged; where an event follows at the very same step, their number is what orders them (premise
 * C7).
 */
import type { MachineInterface } from '@casmotion/machine';

export class WakeCounter {
  #step = -1;
  #count = 0;

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
}
