/**
 * What a live host gives a recorder. Implemented outside (host-node, host-web, tests): this is the
 * impure side.
 */
import type { MachineEvent, PeerCall } from '@casmotion/events';
import type { EventOrigin } from '@casmotion/replay-log';

/** Where the machine stands when the host is asked. */
export interface LiveStatus {
  /** Steps made. */
  readonly step: number;
  /** Guest time, ticks of 100 ns since power-on. */
  readonly ticks: number;
  /** Bytes that the oldest waiting entropy request wants; 0 if none waits. */
  readonly wantedEntropyBytes: number;
}

export interface LiveInputs {
  /**
   * Between two slices: events to apply here, in order; usually none. May be a promise, so that a
   * host can look at its own event loop now and then; the machine stands still until it is kept.
   */
  poll(status: LiveStatus): readonly MachineEvent[] | Promise<readonly MachineEvent[]>;
  /**
   * Every hart waits. Comes back when there is something to do:
   * - `deadline`: guest time should move to `deadlineTicks` (at once, or after sleeping until
   * then);
   * - events: something came before. Where time passed, the first is an `idle-advance`. An empty
   * list: asked again. A host that records gives one now and then, or nothing is made safe while
   * the machine sleeps;
   * - `never`: there is no deadline, and no event can come any more. The recording ends.
   */
  idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer>;
  /**
   * The guest has called another domain and stands still. Gives events to apply here, in order; the
   * machine goes on after a `hypercall-result`, and is asked for again until there is one. Requests
   * of other domains must be let through meanwhile, or two that call each other wait for ever.
   * Absent: no other domain is there, and the call fails as Xen lets it.
   */
  answer?(status: LiveStatus, call: PeerCall): Promise<readonly MachineEvent[]>;
  /**
   * Told of each event just before it is logged and applied, in order; gives where it came from if
   * another domain sent it, which is logged beside it. See docs/adr/0018.
   */
  noteEvent?(event: MachineEvent): EventOrigin | undefined;
  /**
   * True if a while has passed on the host since it was last true, a second or so: what was
   * recorded is then made safe.
   */
  isSyncDue?(): boolean;
  /** After so many steps it is to be asked again at the latest; undefined: after a whole slice. */
  readonly stepsMax?: number;
  /**
   * True: guest time follows the host's. Else two equal runs without events make equal logs, byte
   * by byte: what is written when then depends on steps alone.
   */
  readonly hasHostTime?: boolean;
}

export type IdleAnswer = 'deadline' | 'never' | readonly MachineEvent[];

/** Events from a script, for tests and unattended runs: no host time, idle is skipped. */
export function scriptedInputs(
  script: readonly { readonly step: number; readonly event: MachineEvent }[],
): LiveInputs {
  let next = 0;
  const due = (step: number): MachineEvent[] => {
    const events: MachineEvent[] = [];
    for (let item = script[next]; item !== undefined && item.step <= step; item = script[++next]) {
      events.push(item.event);
    }
    return events;
  };
  return {
    poll: ({ step }) => due(step),
    idle: async ({ step }, deadlineTicks) => {
      const events = due(step);
      if (events.length > 0) return events;
      if (deadlineTicks !== undefined) return 'deadline';
      // The machine waits for input: what comes next comes now.
      return next < script.length ? due(script[next]?.step ?? step) : 'never';
    },
  };
}
