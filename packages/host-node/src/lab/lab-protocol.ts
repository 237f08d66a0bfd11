/** What crosses threads: between a lab's session and its workers, and from worker to worker. */
import type { MessagePort } from 'node:worker_threads';
import type { VmErrorDetails } from '@casmotion/base';
import type { PowerEvent } from '@casmotion/events';
import type { DomainCut, Parcel } from '@casmotion/lab';
import type { MachineRequest } from '../images/machine-files.ts';
import type { EngineChoice } from '../session/engine.ts';
import type { RunOutcome } from '../session/run-session.ts';

/** How a worker is told what it is; {@link LAB_WORKER} tells it from others. */
export interface LabWorkerData {
  readonly kind: typeof LAB_WORKER;
  readonly name: string;
  readonly domain: number;
  readonly others: readonly number[];
  /** Ports that may be bound, by domain; undefined: any. */
  readonly ports: ReadonlyMap<number, readonly number[]> | undefined;
  /** A new machine, or one that goes on. */
  readonly start: { readonly machine: MachineRequest } | { readonly rerun: RerunStart };
  readonly engine: EngineChoice;
  /** Where to record; undefined: run unrecorded. */
  readonly logPath: string | undefined;
  readonly isEmbedding: boolean;
  readonly creator: string;
  readonly maxInstructions: number | undefined;
  /** To each other domain's worker. */
  readonly links: ReadonlyMap<number, MessagePort>;
  /** To the switch; undefined: not plugged in. */
  readonly switchPort: MessagePort | undefined;
}

export interface RerunStart {
  /** The log that it goes on from. */
  readonly logPath: string;
  readonly imageDir: string | undefined;
  readonly cut: Pick<DomainCut, 'events' | 'untilStep' | 'incarnation'>;
  readonly delivered: ReadonlyMap<number, number>;
  readonly goesOn: boolean;
}

export const LAB_WORKER = 'casmotion-lab-worker';

/** From worker to worker. */
export type LinkMessage =
  | { readonly parcel: Parcel }
  | { readonly taken: number }
  | { readonly frame: Parcel };

/** From a worker to the session. */
export type WorkerReport =
  | { readonly kind: 'console'; readonly bytes: Uint8Array }
  | { readonly kind: 'progress'; readonly step: number; readonly events: number; logBytes: number }
  | { readonly kind: 'ended'; readonly outcome: RunOutcome }
  | { readonly kind: 'failed'; readonly name: string; message: string; details: VmErrorDetails };

/** From the session to a worker: `end` ends the machine; `close` comes when all have ended. */
export type WorkerOrder =
  | { readonly kind: 'end'; readonly cause: PowerEvent['cause'] }
  | { readonly kind: 'close' };
