/**
 * The alarms of the devices: at most one each, in ticks of the timebase. The order in which alarms
 * go off is part of the machine's semantics: by ticks, then by the number of the device, which is
 * the order of `addClock`.
 *
 * Invariant: an alarm goes off once; it is taken out before its device is called, which may set the
 * next.
 */
import { assert } from '@casmotion/base';
import type { MachineClock } from '@casmotion/devices';

/** Not saved in snapshots: a device that is restored sets its alarm again. */
export class AlarmQueue {
  readonly #nowTicks: () => number;
  readonly #onSet: (ticks: number) => void;
  readonly #alarms: Alarm[] = [];

  /**
   * `onSet` is called when an alarm is set: the machine may have to stop earlier than it planned.
   */
  constructor(nowTicks: () => number, onSet: (ticks: number) => void) {
    this.#nowTicks = nowTicks;
    this.#onSet = onSet;
  }

  /**
   * A clock for one more device, whose `alarm` is what `owner` gives when the alarm goes off: a
   * device gets its clock before it exists itself.
   */
  addClock(owner: () => { alarm(): void }): MachineClock {
    const alarm: Alarm = { ticks: Infinity, owner };
    this.#alarms.push(alarm);
    const nowTicks = this.#nowTicks;
    const onSet = this.#onSet;
    return {
      get nowTicks() {
        return nowTicks();
      },
      setAlarm(ticks) {
        assert(ticks === undefined || ticks >= 0, `alarm at ${ticks}`);
        alarm.ticks = ticks ?? Infinity;
        if (ticks !== undefined) onSet(ticks);
      },
    };
  }

  /** The earliest alarm; Infinity if none is set. */
  get nextTicks(): number {
    let next = Infinity;
    for (const { ticks } of this.#alarms) next = Math.min(next, ticks);
    return next;
  }

  /** Calls the device whose alarm is due first, if one is due now. True if one was. */
  fireOne(): boolean {
    const next = this.nextTicks;
    if (next === Infinity || next > this.#nowTicks()) return false;
    const alarm = this.#alarms.find(({ ticks }) => ticks === next);
    assert(alarm !== undefined, 'the earliest alarm is one of the alarms');
    alarm.ticks = Infinity;
    alarm.owner().alarm();
    return true;
  }

  /** Takes every alarm back. */
  clear(): void {
    for (const alarm of this.#alarms) alarm.ticks = Infinity;
  }
}

interface Alarm {
  /** Infinity: not set. */
  ticks: number;
  readonly owner: () => { alarm(): void };
}
