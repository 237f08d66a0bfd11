/**
 * A machine as its driver sees it: it runs until a time point, takes events between two steps, and
 * lets outputs out. The recorder and the replayer use nothing else.
 */
import type { PageScope, Watch } from '@casmotion/cpu-core';
import type { MachineEvent, MachineOutputs, PeerCall } from '@casmotion/events';
import type { TimePoint } from '@casmotion/time-point';

/** Why `run` returned. */
export type Stop =
  /** The machine stands at `until`. */
  | { readonly kind: 'time-point' }
  /**
   * Every hart waits in WFI. `deadlineTicks` is where the machine's own next alarm lies, if it has
   * one. The driver either calls `wakeAtDeadline` (at once, or after sleeping) or applies events;
   * then it runs on.
   */
  | { readonly kind: 'idle'; readonly deadlineTicks: number | undefined }
  /**
   * A device waits for the host (`wantedEntropyBytes` > 0). Just a hint to look at host inputs now.
   */
  | { readonly kind: 'wants-host' }
  /**
   * The guest has called another domain and stands still, with the calling instruction complete: no
   * step is made before the `hypercall-result` is applied. Other events may come first.
   */
  | { readonly kind: 'awaits-answer'; readonly call: PeerCall }
  /** The guest ended the machine. It does not run again. */
  | { readonly kind: 'halted'; readonly result: HaltResult };

/** How the guest ended the machine. */
export type HaltResult =
  | { readonly cause: 'power-off' }
  /** A reset request also ends the run; the reason is shown. */
  | { readonly cause: 'reset' }
  /** The test finisher's FAIL or an SBI shutdown for a system failure. */
  | { readonly cause: 'failure'; readonly code: number };

/**
 * What a landmark holds: enough to see at once that a replayed machine stands where the recorded
 * one did.
 */
export interface Landmark {
  readonly at: TimePoint;
  readonly pc: bigint;
  /** 8 bytes over pc, privilege, integer and float registers and CSRs of every hart. */
  readonly registerDigest: Uint8Array;
  /** 16 bytes over the whole canonical state. */
  readonly stateDigest: Uint8Array;
}

export interface MachineInterface {
  readonly at: TimePoint;
  readonly pc: bigint;
  /** Guest time, in ticks of 100 ns since power-on. A function of the state. */
  readonly ticks: number;
  /** Bytes that the oldest waiting entropy request wants; 0 if none waits. */
  readonly wantedEntropyBytes: number;
  /** The call to another domain that the machine stands still for. State. */
  readonly awaitedCall: PeerCall | undefined;
  /** Where outputs go; set once before the first run. */
  outputs: MachineOutputs;

  /** Runs until the machine stands at `until` or stops before. Runs cut anywhere equal one run. */
  run(until: TimePoint): Stop;
  /** Changes the state by an event, here and now: a function of state and event (premise C5). */
  apply(event: MachineEvent): void;
  /**
   * While idle: moves time to the next deadline and does what is due. Not logged: it is recomputed.
   */
  wakeAtDeadline(): void;

  /** 8 bytes over the registers: cheap, checked at each event. */
  registerDigest(): Uint8Array;
  /**
   * Starts dirty tracking; afterwards `landmark` costs only the pages written since the last one.
   */
  enableLandmarks(): void;
  /** Pages written since the last landmark. */
  readonly pagesSinceLandmark: number;
  /** Hashes the pages written since the last landmark. Needs `enableLandmarks`. */
  landmark(): Landmark;
  /**
   * The same digest, each page hashed again; `all` if not told otherwise, and then also those that
   * nobody is known to have written.
   */
  fullLandmark(scope?: PageScope): Landmark;

  /** The whole state as plain data. */
  snapshot(): MachineSnapshot;
  restore(snapshot: MachineSnapshot): void;
}

/** A machine that counts transfers of control; its state has the count. */
export interface CountingMachine extends MachineInterface {
  /** Taken branches, jumps, traps, interrupts and returns from traps so far. */
  readonly transfers: number;
  /** x2: the register of a key. */
  readonly sp: bigint;
  /**
   * As `run`, and stops also, as at a time point, where the watch says.
   * Slow: meant for the last few thousand steps before a place.
   */
  runWatched(until: TimePoint, watch: Watch): Stop;
}

/** The whole state: RAM and the disks' overlays as pages, all else as bytes. */
export interface MachineSnapshot {
  readonly state: Uint8Array;
  /**
   * Page number -> 4 KiB. RAM's pages count from 0, absent ones are zero; page p of disk d's
   * overlay stands at (d + 1) * {@link DISK_PAGES_START} + p, absent ones are as in the disk's
   * image.
   */
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

/** Above every page of RAM; see {@link MachineSnapshot}. */
export const DISK_PAGES_START = 2 ** 40;

/** Where a page of a disk's overlay stands among a snapshot's pages. */
export function diskPageNumber(disk: number, page: number): number {
  return DISK_PAGES_START * (disk + 1) + page;
}
