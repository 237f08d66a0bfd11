/**
 * @casmotion/events: what a host may do to a machine, and what a machine lets out. Types and no
 * behaviour.
 *
 * Everything nondeterministic enters a machine as one of these events, between two steps (premise
 * C3); what the machine can compute again (timer interrupts, disk completions from a local image,
 * ring updates) is no event.
 */
import type { TimePoint } from '@casmotion/time-point';

/**
 * A new line of guest time: from the step where it is applied on, mtime advances by `slope / 2^32`
 * ticks a step, starting at the mtime of that place plus `jumpTicks`. Continuous but for the jump,
 * and never backwards.
 */
export interface ClockLine {
  readonly kind: 'clock-line';
  /** 0 <= jumpTicks, in ticks of the timebase (100 ns). */
  readonly jumpTicks: number;
  /** Ticks a step as a fixed-point number with 32 fraction bits; 0 < slope < 2^48. */
  readonly slope: number;
}

/**
 * While every hart waits in WFI, time passed on the host: mtime moves `ticks` on, and each deadline
 * in between falls due in order. Logged only if a host event cut the sleep short; a sleep that ends
 * at the machine's own next deadline is recomputed.
 */
export interface IdleAdvance {
  readonly kind: 'idle-advance';
  /** 0 <= ticks of the timebase. */
  readonly ticks: number;
}

/**
 * Bytes typed at a console. They wait in the machine's console queue if the device's own is full.
 */
export interface ConsoleInput {
  readonly kind: 'console-input';
  /** 0: the UART; 1 + n: the nth virtio console. */
  readonly console: number;
  readonly bytes: Uint8Array;
}

/** A frame arrived at network device `nic`. */
export interface NetPacket {
  readonly kind: 'net-packet';
  readonly nic: number;
  /** An Ethernet frame, 14 to 65,550 bytes. */
  readonly bytes: Uint8Array;
}

/** Entropy from the host for the oldest waiting request of a virtio-rng device. */
export interface Entropy {
  readonly kind: 'entropy';
  /** 1 to the length asked for. */
  readonly bytes: Uint8Array;
}

/** Another domain or the host made an event-channel port pending. */
export interface PortRaised {
  readonly kind: 'port-raised';
  /** 1 <= port < 4096; port 0 is reserved. */
  readonly port: number;
}

/**
 * The host ends the machine: Ctrl-C, a time-out, a limit. The state does not change; the run ends
 * here.
 */
export interface PowerEvent {
  readonly kind: 'power';
  readonly cause: 'interrupted' | 'timeout' | 'step-limit' | 'host-error';
}

/** A note in the log without effect on the state. */
export interface Marker {
  readonly kind: 'marker';
  readonly text: string;
}

export type MachineEvent =
  | ClockLine
  | IdleAdvance
  | ConsoleInput
  | NetPacket
  | Entropy
  | PortRaised
  | PowerEvent
  | Marker;

export type EventKind = MachineEvent['kind'];

/** An event with the place where it is applied. */
export interface TimedEvent {
  readonly at: TimePoint;
  readonly event: MachineEvent;
}

/**
 * What a machine lets out, in order. Nothing waits for the receiver: docs/architecture.md §3,
 * `outputs`.
 */
export interface MachineOutputs {
  /** Bytes for a console, numbered as in {@link ConsoleInput}. Valid during the call only. */
  consoleOutput(console: number, bytes: Uint8Array): void;
  /** A frame sent by network device `nic`. Valid during the call only. */
  netPacket(nic: number, bytes: Uint8Array): void;
}

/**
 * The one door: where the driver of a machine gets its events. Live while recording, the log while
 * replaying; the machine cannot tell which.
 */
export interface HostInputs {
  /** The next event due at or before `now`, or undefined; called until it gives undefined. */
  next(now: TimePoint): MachineEvent | undefined;
}
