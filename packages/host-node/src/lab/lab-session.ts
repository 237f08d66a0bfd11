/**
 * Runs a lab: a worker a domain, a port between each two, and the switch. It ends when each domain
 * has ended. When one crashes, the others are ended with their logs whole.
 */
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { VmError } from '@casmotion/base';
import type { PowerEvent } from '@casmotion/events';
import { EthernetSwitch, type LabShape, reachOf } from '@casmotion/lab';
import { catchSignals } from '../live/host-signals.ts';
import type { RunOutcome } from '../session/run-session.ts';
import {
  LAB_WORKER,
  type LabWorkerData,
  type LinkMessage,
  type WorkerOrder,
  type WorkerReport,
} from './lab-protocol.ts';

/** What of each worker is its own; the rest follows from the lab. */
export type DomainStart = Pick<
  LabWorkerData,
  'start' | 'engine' | 'logPath' | 'isEmbedding' | 'creator' | 'maxInstructions'
>;

export interface LabRequest {
  readonly shape: LabShape;
  /** By name. */
  readonly starts: ReadonlyMap<string, DomainStart>;
  /** Starts a thread whose program calls `runLabWorker`, with this `workerData` and transfers. */
  readonly startWorker: (data: LabWorkerData, transfer: readonly MessagePort[]) => Worker;
  readonly timeoutSeconds: number | undefined;
  readonly onConsole: (name: string, bytes: Uint8Array) => void;
  readonly onProgress?: (progress: LabProgress) => void;
  /** Called once, with how to end all domains, and for tests: how to kill one. */
  readonly onStart?: (control: LabControl) => void;
  /** Where the logs are, for what is said after a crash; undefined: there are none. */
  readonly folder: string | undefined;
}

export interface LabProgress {
  readonly steps: number;
  readonly events: number;
  readonly logBytes: number;
}

export interface LabControl {
  end(cause: PowerEvent['cause']): void;
  /** As a crash would: at once, wherever it is. */
  kill(name: string): void;
}

export interface LabOutcome {
  /** By name, in the order of the lab. */
  readonly domains: ReadonlyMap<string, RunOutcome>;
  /** Frames that went through the switch. */
  readonly frames: number;
}

/** Throws `VmError`s; a domain that failed or crashed is named, and the other logs are whole. */
export async function runLab(request: LabRequest): Promise<LabOutcome> {
  const lab = new RunningLab(request);
  const release = catchSignals(() => lab.end('interrupted'));
  const { timeoutSeconds } = request;
  const timer =
    timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => lab.end('timeout'), timeoutSeconds * 1000);
  try {
    return await lab.run();
  } finally {
    clearTimeout(timer);
    release();
  }
}

interface Thread {
  readonly name: string;
  readonly worker: Worker;
  outcome: RunOutcome | undefined;
  failure: VmError | undefined;
  progress: LabProgress;
}

class RunningLab implements LabControl {
  readonly #request: LabRequest;
  readonly #threads: Thread[] = [];
  readonly #ports: EthernetSwitch;
  #frames = 0;
  #isEnding = false;

  constructor(request: LabRequest) {
    this.#request = request;
    const { domains, switch: plugged } = request.shape;
    this.#ports = new EthernetSwitch(
      domains.filter(({ name }) => plugged.includes(name)).map(({ id }) => id),
    );
  }

  async run(): Promise<LabOutcome> {
    const started = this.#start();
    this.#request.onStart?.(this);
    await Promise.all(started);
    for (const { worker } of this.#threads) this.#order(worker, { kind: 'close' });
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    const failed = this.#threads.find(({ failure }) => failure !== undefined);
    if (failed?.failure !== undefined) throw failed.failure;
    const outcomes = this.#threads.flatMap(({ name, outcome }) =>
      outcome === undefined ? [] : [[name, outcome] as const],
    );
    return { domains: new Map(outcomes), frames: this.#frames };
  }

  end(cause: PowerEvent['cause']): void {
    this.#isEnding = true;
    for (const { worker } of this.#threads) this.#order(worker, { kind: 'end', cause });
  }

  kill(name: string): void {
    void this.#threads.find((thread) => thread.name === name)?.worker.terminate();
  }

  /** Starts all; each promise is kept when that domain has ended, in whatever way. */
  #start(): Promise<void>[] {
    const { shape, startWorker } = this.#request;
    const links = linkAll(shape.domains.map(({ id }) => id));
    const toSwitch = new Map<number, MessagePort>();
    return shape.domains.map(({ name, id }) => {
      const start = this.#request.starts.get(name);
      if (start === undefined) throw new VmError(`nothing says how ${name} starts`, {});
      const own = links.get(id) ?? new Map<number, MessagePort>();
      const switchPort = shape.switch.includes(name) ? this.#plug(id, toSwitch) : undefined;
      const { domains: others, ports } = reachOf(shape, id);
      const data: LabWorkerData = {
        ...start,
        kind: LAB_WORKER,
        name,
        domain: id,
        others,
        ports,
        links: own,
        switchPort,
      };
      const transfer = [...own.values(), ...(switchPort === undefined ? [] : [switchPort])];
      return this.#watch(name, startWorker(data, transfer));
    });
  }

  /** The switch's side of a domain's wire. */
  #plug(id: number, toSwitch: Map<number, MessagePort>): MessagePort {
    const { port1, port2 } = new MessageChannel();
    toSwitch.set(id, port1);
    port1.on('message', (message: LinkMessage) => {
      if (!('frame' in message) || message.frame.event.kind !== 'net-packet') return;
      this.#frames++;
      const taken: LinkMessage = { taken: 1 };
      port1.postMessage(taken);
      for (const to of this.#ports.forward(id, message.frame.event.bytes)) {
        toSwitch.get(to)?.postMessage(message);
      }
    });
    port1.unref();
    return port2;
  }

  #watch(name: string, worker: Worker): Promise<void> {
    const progress = { steps: 0, events: 0, logBytes: 0 };
    const thread: Thread = { name, worker, outcome: undefined, failure: undefined, progress };
    this.#threads.push(thread);
    return new Promise((resolve) => {
      const finish = (): void => {
        if (thread.failure !== undefined && !this.#isEnding) this.end('host-error');
        resolve();
      };
      worker.on('message', (report: WorkerReport) => {
        this.#take(thread, report);
        if (thread.outcome !== undefined || thread.failure !== undefined) finish();
      });
      worker.on('error', (error) => {
        thread.failure ??= new CrashedDomainError(name, error.message, this.#request.folder);
      });
      worker.on('exit', () => {
        if (thread.outcome !== undefined || thread.failure !== undefined) return finish();
        thread.failure = new CrashedDomainError(name, 'its thread ended', this.#request.folder);
        finish();
      });
    });
  }

  #take(thread: Thread, report: WorkerReport): void {
    switch (report.kind) {
      case 'console':
        this.#request.onConsole(thread.name, report.bytes);
        return;
      case 'progress':
        thread.progress = { ...report, steps: report.step };
        this.#request.onProgress?.(this.#progress());
        return;
      case 'ended':
        thread.outcome = report.outcome;
        return;
      case 'failed':
        thread.failure = new FailedDomainError(thread.name, report);
    }
  }

  #progress(): LabProgress {
    const sum = { steps: 0, events: 0, logBytes: 0 };
    for (const { progress } of this.#threads) {
      sum.steps += progress.steps;
      sum.events += progress.events;
      sum.logBytes += progress.logBytes;
    }
    return sum;
  }

  #order(worker: Worker, order: WorkerOrder): void {
    worker.postMessage(order);
  }
}

/** A port on each side of every two domains. */
function linkAll(ids: readonly number[]): Map<number, Map<number, MessagePort>> {
  const links = new Map(ids.map((id) => [id, new Map<number, MessagePort>()]));
  for (const [index, one] of ids.entries()) {
    for (const other of ids.slice(index + 1)) {
      const { port1, port2 } = new MessageChannel();
      links.get(one)?.set(other, port1);
      links.get(other)?.set(one, port2);
    }
  }
  return links;
}

const NEXT_UNRECORDED = 'record the lab to look into it: casmotion record --config FILE -o DIR';

/** A domain's thread is no more, and its log ends somewhere. */
export class CrashedDomainError extends VmError {
  override readonly name = 'CrashedDomainError';
  constructor(name: string, found: string, folder: string | undefined) {
    const crashed = `domain ${name} crashed; the others were ended`;
    if (folder === undefined) super(crashed, { found, next: NEXT_UNRECORDED });
    else {
      const next = `bring the lab to a consistent cut: casmotion recover ${folder} -o NEWDIR`;
      super(`${crashed}, their logs are whole`, { where: folder, found, next });
    }
  }
}

/** A domain could not start, or not go on. */
export class FailedDomainError extends VmError {
  override readonly name: string;
  constructor(
    domain: string,
    { name, message, details }: Extract<WorkerReport, { kind: 'failed' }>,
  ) {
    super(`domain ${domain}: ${message}`, details);
    this.name = name;
  }
}
