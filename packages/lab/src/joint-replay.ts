/**
 * Joins the replays of a lab's domains in causal order: no message is applied before its sender's
 * replay has sent it, and each must be the one that the sender's replay sends: the same number,
 * bytes, step and vector clock. Each replay is also compared with its own log, as if it were alone.
 *
 * Invariants: a replay waits only for a message that its log names; when all wait, or the one
 * waited for has ended, the logs do not belong together, and the error says which message is
 * missing.
 */
import { ByteWriter, VmError } from '@casmotion/base';
import type { MachineEvent, MachineOutputs } from '@casmotion/events';
import { absentAnswer, describeEvent, type DueEvent, type ReplayGate } from '@casmotion/recorder';
import { codecOf, type EventOrigin } from '@casmotion/replay-log';
import { LabMember, type MemberMachine, type Parcel, type Reach } from './lab-member.ts';
import type { OriginCursor } from './origin-cursor.ts';
import { formatClock } from './vector-clock.ts';

export interface JointDomain {
  readonly name: string;
  readonly domain: number;
  readonly reach: Reach;
  readonly origins: OriginCursor;
  readonly machine: MemberMachine;
}

/** Makes the gates of all replays, which then run at the same time. */
export class JointReplay {
  readonly #seats = new Map<number, Seat>();
  #asleep = 0;
  #running = 0;
  #isStuck = false;
  /** Messages that were applied and are those that were sent. */
  messages = 0;

  /** All domains join before any is replayed. */
  join(domain: JointDomain): JointSeat {
    const seat = new Seat(domain, this);
    this.#seats.set(domain.domain, seat);
    this.#running++;
    return seat;
  }

  seat(domain: number): Seat | undefined {
    return this.#seats.get(domain);
  }

  get seats(): Iterable<Seat> {
    return this.#seats.values();
  }

  /** All were waiting: what they wait for does not come. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  fellAsleep(): void {
    this.#asleep++;
    this.#look();
  }

  woke(): void {
    this.#asleep--;
  }

  /** The replay of a seat has ended: nothing more comes from it. */
  ended(): void {
    this.#running--;
    for (const seat of this.#seats.values()) seat.wake();
    this.#look();
  }

  #look(): void {
    if (this.#running === 0 || this.#asleep < this.#running) return;
    this.#isStuck = true;
    for (const seat of this.#seats.values()) seat.wake();
  }
}

/** A domain's place in a joint replay. */
export interface JointSeat {
  readonly gate: ReplayGate;
  outputs(onward: MachineOutputs): MachineOutputs;
  /** Its replay is over, well or not. */
  end(): void;
}

class Seat implements JointSeat, ReplayGate {
  readonly domain: JointDomain;
  readonly member: LabMember;
  /** What was sent to this domain and is not applied yet, by sender and lane. */
  readonly queues = new Map<string, Parcel[]>();
  isEnded = false;
  readonly #joint: JointReplay;
  #resume: (() => void) | undefined;
  #provenance: { event: number; origin: EventOrigin | undefined } | undefined;
  #raised = { step: -1, ports: new Set<number>() };

  constructor(domain: JointDomain, joint: JointReplay) {
    this.domain = domain;
    this.#joint = joint;
    const push = (to: number, parcel: Parcel): void => joint.seat(to)?.queue(parcel);
    this.member = new LabMember({
      domain: domain.domain,
      reach: domain.reach,
      carrier: {
        send: push,
        frame: (parcel) => {
          this.member.frameTaken(1);
          for (const { domain: other } of joint.seats) push(other.domain, parcel);
        },
        taken: () => undefined,
      },
    });
    this.member.machine = domain.machine;
  }

  get gate(): ReplayGate {
    return this;
  }

  outputs(onward: MachineOutputs): MachineOutputs {
    return this.member.outputs(onward);
  }

  end(): void {
    this.member.noteCall();
    this.isEnded = true;
    this.member.leave();
    this.#joint.ended();
  }

  queue(parcel: Parcel): void {
    if (parcel.from === this.domain.domain || this.isEnded) return;
    const key = keyOf(parcel);
    const queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, [parcel]);
    else queue.push(parcel);
    this.wake();
  }

  pass(logged: DueEvent): boolean {
    this.member.noteCall();
    const origin = this.#originOf(logged);
    if (origin === undefined) this.#checkOwn(logged);
    else {
      const found = this.#find(logged, origin);
      if (found === undefined) return false;
      this.#compare(logged, origin, found);
      this.#noteRaised(logged);
      this.#joint.messages++;
    }
    this.#provenance = undefined;
    this.member.note(logged.event, origin);
    return true;
  }

  async wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      this.#joint.fellAsleep();
    });
  }

  /** There may be what it waits for. */
  wake(): void {
    const resume = this.#resume;
    if (resume === undefined) return;
    this.#resume = undefined;
    this.#joint.woke();
    resume();
  }

  #originOf({ number }: DueEvent): EventOrigin | undefined {
    if (this.#provenance?.event !== number) {
      const { origin, incarnation } = this.domain.origins.take(number);
      if (incarnation !== undefined) this.member.clock.begin(incarnation);
      this.#provenance = { event: number, origin };
    }
    return this.#provenance.origin;
  }

  /** What no other domain sent: the host's, or an answer to a call that nobody could take. */
  #checkOwn(logged: DueEvent): void {
    const { event } = logged;
    const isFromPeers = event.kind === 'peer-request' || event.kind === 'shared-page-write';
    const isAnswer = event.kind === 'hypercall-result';
    const call = this.domain.machine.awaitedCall;
    const isAbsent = isAnswer && call !== undefined && isSameEvent(event, absentAnswer(call));
    if (!isFromPeers && (!isAnswer || isAbsent)) return;
    throw this.#error(logged, 'to be told which domain sent it', 'nothing of that in the log');
  }

  /** The message, with those taken off that the origin says nothing of. Undefined: not sent yet. */
  #find(logged: DueEvent, origin: EventOrigin): Parcel | undefined {
    const sender = this.#joint.seat(origin.domain);
    if (sender === undefined) {
      throw this.#error(logged, `the log of domain ${origin.domain}`, 'no such log');
    }
    const queue = this.queues.get(keyOf({ lane: origin.lane, from: origin.domain })) ?? [];
    const isFrame = origin.lane === 'frame';
    // The switch may send a frame elsewhere, or lose it.
    if (isFrame) while ((queue[0]?.number ?? Infinity) < origin.number) queue.shift();
    const [first] = queue;
    const isWhole = queue.length > origin.through - origin.number;
    if (first !== undefined && (isWhole || first.number !== origin.number)) return first;
    if (!sender.isEnded && !this.#joint.isStuck) return undefined;
    const whose = `message ${origin.number} of ${sender.domain.name}`;
    const found = sender.isEnded ? 'its replay ended without it' : 'all replays wait';
    throw this.#error(logged, `${whose} (clock ${formatClock(origin.clock)})`, found);
  }

  #compare(logged: DueEvent, origin: EventOrigin, parcel: Parcel): void {
    const sent = `of ${this.#joint.seat(origin.domain)?.domain.name ?? ''}`;
    if (parcel.number !== origin.number) {
      throw this.#error(
        logged,
        `message ${origin.number} ${sent}`,
        `message ${parcel.number} is due`,
      );
    }
    if (!isSameEvent(parcel.event, logged.event)) {
      const expected = `what the replay ${sent} sends: ${describeEvent(parcel.event)}`;
      throw this.#error(logged, expected, describeEvent(logged.event));
    }
    if (formatClock(parcel.clock) !== formatClock(origin.clock)) {
      const expected = `vector clock ${formatClock(parcel.clock)} ${sent}`;
      throw this.#error(logged, expected, formatClock(origin.clock));
    }
    if (parcel.sentStep !== origin.sentStep) {
      throw this.#error(logged, `sent ${sent} by step ${parcel.sentStep}`, `${origin.sentStep}`);
    }
    const queue = this.queues.get(keyOf(parcel)) ?? [];
    const merged = queue.splice(0, 1 + origin.through - origin.number).slice(1);
    for (const { event } of merged) this.#checkMerged(logged, event);
  }

  /** Sends that were left out must be to ports that were raised at this very place. */
  #checkMerged(logged: DueEvent, event: MachineEvent): void {
    const { ports } = this.#raisedAt(logged);
    const own = logged.event.kind === 'port-raised' ? logged.event.port : -1;
    if (event.kind === 'port-raised' && (event.port === own || ports.has(event.port))) return;
    throw this.#error(logged, `an event for ${describeEvent(event)}`, 'none');
  }

  #noteRaised(logged: DueEvent): void {
    const { event } = logged;
    const raised = this.#raisedAt(logged);
    if (event.kind === 'port-raised') raised.ports.add(event.port);
    else if (event.kind !== 'shared-page-write') raised.ports.clear();
  }

  #raisedAt({ at }: DueEvent): { ports: Set<number> } {
    if (this.#raised.step !== at.step) this.#raised = { step: at.step, ports: new Set() };
    return this.#raised;
  }

  #error({ number, at, event }: DueEvent, expected: string, found: string): CausalityError {
    const place = `event ${number} at step ${at.step} (${describeEvent(event)})`;
    const where = `${this.domain.name}, ${place}`;
    return new CausalityError(where, expected, found);
  }
}

function keyOf({ lane, from }: Pick<Parcel, 'lane' | 'from'>): string {
  return `${lane} ${from}`;
}

function isSameEvent(a: MachineEvent, b: MachineEvent): boolean {
  if (a.kind !== b.kind) return false;
  const [left, right] = [encoded(a), encoded(b)];
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function encoded(event: MachineEvent): Uint8Array {
  const writer = new ByteWriter();
  codecOf(event).encode(writer, event);
  return writer.toBytes();
}

/** The logs of a lab contradict each other. */
export class CausalityError extends VmError {
  override readonly name = 'CausalityError';
  constructor(where: string, expected: string, found: string) {
    super('the logs of the lab do not fit together', {
      where,
      expected,
      found,
      next: 'each domain may still replay alone: casmotion verify DIR --alone NAME',
    });
  }
}
