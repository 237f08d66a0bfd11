/**
 * A domain's side of a lab: stamps what its machine sends, and gives its recorder what others sent,
 * as events with their origins. It knows no schedule and no clock of the host; a carrier takes
 * parcels to other members and must keep the order for each pair.
 *
 * Invariants:
 * - messages to a domain are numbered from 0, calls among them, in the order in which the machine
 *   made them: a function of its state and events, so a replay numbers them alike;
 * - a parcel's clock is the domain's as the message left the machine;
 * - what a domain wrote to shared pages is applied at one place with the notification that follows:
 *   pages of which one tells of another are never seen half;
 * - while a call is pending it is sent once, and ends with one `hypercall-result`.
 */
import { assert } from '@casmotion/base';
import type { MachineEvent, MachineOutputs, PeerCall, PeerMessage } from '@casmotion/events';
import type { MachineInterface } from '@casmotion/machine';
import { absentAnswer, peerCallEvent, peerEvent } from '@casmotion/recorder';
import type { ClockEntry, EventOrigin, Lane } from '@casmotion/replay-log';
import { VectorClock } from './vector-clock.ts';

/** A message on its way. Plain data: it may cross threads. */
export interface Parcel {
  readonly lane: Lane;
  readonly from: number;
  readonly number: number;
  readonly sentStep: number;
  readonly clock: readonly ClockEntry[];
  /** What it is at the receiver. */
  readonly event: MachineEvent;
}

/** Takes parcels onward. None of these waits. */
export interface Carrier {
  /** To another domain; every two parcels to one arrive in order. */
  send(to: number, parcel: Parcel): void;
  /** A frame to the switch, which may lose it; `frameTaken` is called when it has it. */
  frame(parcel: Parcel): void;
  /** `count` more parcels from domain `from` left the inbox. */
  taken(from: number, count: number): void;
}

/** Who may reach whom, and where a lab says more: at which ports. */
export interface Reach {
  readonly domains: readonly number[];
  /** Ports that this domain may bind, by the domain whose they are; undefined: any. */
  readonly ports: ReadonlyMap<number, readonly number[]> | undefined;
}

/** What a member sees of its machine. */
export type MemberMachine = Pick<MachineInterface, 'awaitedCall'> & {
  readonly at: { readonly step: number };
};

export interface MemberOptions {
  readonly domain: number;
  readonly reach: Reach;
  readonly carrier: Carrier;
  /** Of a domain that goes on from a cut: how many messages each other domain has had already. */
  readonly delivered?: ReadonlyMap<number, number>;
}

export class LabMember {
  readonly domain: number;
  readonly clock: VectorClock;
  /** Called when something has come. */
  onArrival: (() => void) | undefined;
  /** Called before the inbox is looked at: fetches what has come and is not delivered yet. */
  pump: (() => void) | undefined;
  /** Set before the machine runs. */
  machine: MemberMachine = { at: { step: 0 }, awaitedCall: undefined };
  readonly #options: MemberOptions;
  readonly #sent = new Map<number, number>();
  readonly #unacknowledged = new Map<number, number>();
  readonly #alive: Set<number>;
  readonly #origins = new Map<MachineEvent, EventOrigin>();
  #frames = 0;
  #framesOnWire = 0;
  #inbox: Parcel[] = [];
  /** By sender: what it wrote to shared pages, until the notification that shows it has come. */
  readonly #writes = new Map<number, Parcel[]>();
  #answers: MachineEvent[] = [];
  #call: PeerCall | undefined;
  #isRerun = false;
  /** Of the event to come. */
  #incarnation: number | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.domain = options.domain;
    this.clock = new VectorClock(options.domain);
    this.#alive = new Set(options.reach.domains);
  }

  /** Is there something to take? */
  get hasInput(): boolean {
    this.pump?.();
    return this.#inbox.length > 0 || this.#answers.length > 0;
  }

  /** Nobody is left who could send. */
  get isEnded(): boolean {
    return this.#alive.size === 0 && !this.hasInput;
  }

  /** Somebody has too much of this domain's to take: it should make no step now. */
  get isHeld(): boolean {
    this.pump?.();
    for (const count of this.#unacknowledged.values()) if (count >= WINDOW_PARCELS) return true;
    return false;
  }

  /** The machine's outputs: messages and frames go to the carrier, the rest to `onward`. */
  outputs(onward: MachineOutputs): MachineOutputs {
    return {
      consoleOutput: (console, bytes) => onward.consoleOutput(console, bytes),
      netPacket: (nic, bytes) => {
        onward.netPacket(nic, bytes);
        this.#sendFrame(bytes.slice());
      },
      peerMessage: (message) => {
        onward.peerMessage?.(message);
        this.#sendMessage(message);
      },
    };
  }

  /** Sends the call that the machine stands still for, once. */
  noteCall(): void {
    const call = this.machine.awaitedCall;
    if (call === undefined || this.#call !== undefined) return;
    this.#call = call;
    if (this.#mayReach(call)) this.#post(call.domain, peerCallEvent(this.domain, call), 0);
    else if (!this.#isRerun) this.#answers.push(absentAnswer(call));
  }

  /** A parcel has come. */
  deliver(parcel: Parcel): void {
    const isLate = parcel.lane === 'frame' && this.#inbox.length >= INBOX_FRAMES_MAX;
    if (isLate) return;
    const writes = this.#writes.get(parcel.from) ?? [];
    if (parcel.lane === 'peer') this.#writes.set(parcel.from, writes);
    if (parcel.event.kind === 'shared-page-write') {
      writes.push(parcel);
      return;
    }
    if (parcel.lane === 'peer') this.#inbox.push(...writes.splice(0));
    this.#inbox.push(parcel);
    this.onArrival?.();
  }

  /** Domain `to` has taken `count` more parcels. */
  acknowledge(to: number, count: number): void {
    this.#unacknowledged.set(to, Math.max(0, (this.#unacknowledged.get(to) ?? 0) - count));
    this.onArrival?.();
  }

  /** The switch has `count` more frames of this domain's. */
  frameTaken(count: number): void {
    this.#framesOnWire = Math.max(0, this.#framesOnWire - count);
  }

  /** All that has come, as events to be applied at one place, in this order. */
  take(): MachineEvent[] {
    this.pump?.();
    const batch = new Batch();
    const counts = new Map<number, number>();
    let isAnswered = false;
    for (const parcel of this.#inbox.splice(0)) {
      if (parcel.lane === 'peer') counts.set(parcel.from, (counts.get(parcel.from) ?? 0) + 1);
      batch.add(parcel);
      isAnswered ||= parcel.event.kind === 'hypercall-result';
      if (isGone(parcel.event)) this.#forget(parcel.from, isAnswered);
    }
    for (const { event, origin } of batch.kept) this.#origins.set(event, origin);
    for (const [from, count] of counts) this.#options.carrier.taken(from, count);
    return [...batch.kept.map(({ event }) => event), ...this.#answers.splice(0)];
  }

  /** Each event of the machine, just before it is applied; gives its origin. */
  note(event: MachineEvent, known?: EventOrigin): EventOrigin | undefined {
    // Made before this event, wherever the slice ended.
    this.noteCall();
    const origin = known ?? this.#origins.get(event);
    this.#origins.delete(event);
    if (this.#incarnation !== undefined) this.clock.begin(this.#incarnation);
    this.#incarnation = undefined;
    this.clock.note(origin?.clock);
    if (event.kind === 'hypercall-result') {
      this.#call = undefined;
      this.#answers = [];
    } else if (event.kind === 'peer-request' && isGone(event)) this.#alive.delete(event.domain);
    return origin;
  }

  /** The machine is brought to a cut by its log, which has the answers; until `goLive`. */
  rerun(): void {
    this.#isRerun = true;
  }

  /**
   * It goes on from the cut. The incarnation begins with the next event: until there the machine
   * does what it did before.
   */
  goLive(incarnation: number): void {
    this.#isRerun = false;
    this.#incarnation = incarnation;
    const call = this.#call;
    if (call !== undefined && !this.#mayReach(call)) this.#answers.push(absentAnswer(call));
  }

  /** The domain has ended: the others are told. */
  leave(): void {
    const gone = { kind: 'peer-request', domain: this.domain, request: { kind: 'gone' } } as const;
    for (const other of this.#options.reach.domains) this.#post(other, gone, 0);
  }

  #mayReach({ domain, request }: PeerCall): boolean {
    if (!this.#alive.has(domain)) return false;
    const { ports } = this.#options.reach;
    if (request.kind !== 'bind' || ports === undefined) return true;
    return ports.get(domain)?.includes(request.port) ?? false;
  }

  #sendMessage(message: PeerMessage): void {
    // To nobody, or to one that is no more: as into the air.
    if (!this.#options.reach.domains.includes(message.domain)) return;
    this.#post(message.domain, peerEvent(this.domain, message), 1);
  }

  /** `steps`: of the instruction under way, which sends it. */
  #post(to: number, event: MachineEvent, steps: number): void {
    const number = this.#sent.get(to) ?? 0;
    this.#sent.set(to, number + 1);
    if (number < (this.#options.delivered?.get(to) ?? 0) || !this.#alive.has(to)) return;
    this.#unacknowledged.set(to, (this.#unacknowledged.get(to) ?? 0) + 1);
    this.#options.carrier.send(to, this.#parcel('peer', number, event, steps));
  }

  #sendFrame(bytes: Uint8Array): void {
    const number = this.#frames++;
    // What was on the wire at a cut is lost, as on any wire; so is what finds it full.
    if (this.#isRerun || this.#framesOnWire >= INBOX_FRAMES_MAX) return;
    this.#framesOnWire++;
    const event: MachineEvent = { kind: 'net-packet', nic: 0, bytes };
    this.#options.carrier.frame(this.#parcel('frame', number, event, 1));
  }

  #parcel(lane: Lane, number: number, event: MachineEvent, steps: number): Parcel {
    const clock = this.clock.entries();
    return {
      lane,
      from: this.domain,
      number,
      sentStep: this.machine.at.step + steps,
      clock,
      event,
    };
  }

  /** A domain is no more: a call to it fails, and nothing waits for its room. */
  #forget(domain: number, isAnswered: boolean): void {
    this.#unacknowledged.delete(domain);
    if (this.#call?.domain === domain && !isAnswered) this.#answers.push(absentAnswer(this.#call));
  }
}

interface Kept {
  readonly event: MachineEvent;
  origin: EventOrigin;
}

/**
 * Parcels that are applied at one place. A send to a port that was raised there already changes
 * nothing, and is no event of its own: a domain that floods another costs it an event a look at the
 * inbox, not one a send.
 */
class Batch {
  readonly kept: Kept[] = [];
  readonly #last = new Map<number, Kept>();
  readonly #raised = new Set<number>();

  add(parcel: Parcel): void {
    const { lane, from, number, sentStep, clock, event } = parcel;
    const last = this.#last.get(from);
    if (event.kind === 'port-raised') {
      if (last !== undefined && this.#raised.has(event.port)) {
        assert(number === last.origin.through + 1, 'parcels in order');
        last.origin = { ...last.origin, through: number };
        return;
      }
      this.#raised.add(event.port);
    } else if (event.kind !== 'shared-page-write') this.#raised.clear();
    const origin = { lane, domain: from, number, through: number, sentStep, clock };
    const kept: Kept = { event, origin };
    this.kept.push(kept);
    if (lane === 'peer') this.#last.set(from, kept);
  }
}

function isGone(event: MachineEvent): boolean {
  return event.kind === 'peer-request' && event.request.kind === 'gone';
}

/**
 * Parcels on the way to one domain from which on the sender is held. What a guest can send in one
 * slice comes on top, so memory is bounded by both.
 */
export const WINDOW_PARCELS = 1024;
/** Frames that wait, here or on the way to the switch: what is more is lost, as in a card. */
export const INBOX_FRAMES_MAX = 1024;
/** Steps between looks at the inbox: how late a message may come. */
export const LAB_SLICE_STEPS = 100_000;
