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
  /** 0: the UART; 1 + n: the nth virtio console; after those, the event channel's ring. */
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
 * The host raised a virtual interrupt, as `xl debug-keys q` raises VIRQ_DEBUG in Xen. Nothing if
 * the guest has bound none.
 */
export interface VirqRaised {
  readonly kind: 'virq-raised';
  /** Xen's number, public/xen.h: 0 VIRQ_TIMER, 1 VIRQ_DEBUG; below 24. */
  readonly virq: number;
  /** Below 32. */
  readonly vcpu: number;
}

/**
 * The answer to the guest's call to another domain. The machine has stood still since the call; it
 * ignores an answer that it does not wait for.
 */
export interface HypercallResult {
  readonly kind: 'hypercall-result';
  /** 0 or a negative number: Xen's errno for event channels, GNTST_ codes for grants. */
  readonly result: number;
  /** What a `map` or `copy-from` gives, up to 4096 bytes; else empty. */
  readonly bytes: Uint8Array;
}

/** Another domain asks something of this one, or tells it. */
export interface PeerRequested {
  readonly kind: 'peer-request';
  /** Who asks. */
  readonly domain: number;
  readonly request: PeerRequest;
}

/**
 * What a domain asks of another. `port` and `ref` are numbers of the one asked; `remotePort` is of
 * the one that asks. Each but `close`, `unmap` and `gone` is answered at once.
 */
export type PeerRequest =
  /** EVTCHNOP_bind_interdomain: connects `remotePort` to the unbound `port`. */
  | { readonly kind: 'bind'; readonly port: number; readonly remotePort: number }
  /** The peer closed its end. */
  | { readonly kind: 'close'; readonly port: number; readonly remotePort: number }
  /** GNTTABOP_map_grant_ref: answered with the page, 4096 bytes. */
  | { readonly kind: 'map'; readonly ref: number; readonly isReadOnly: boolean }
  | { readonly kind: 'unmap'; readonly ref: number; readonly isReadOnly: boolean }
  /** GNTTABOP_copy out of the page granted: answered with the bytes. */
  | {
      readonly kind: 'copy-from';
      readonly ref: number;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  /** GNTTABOP_copy into the page granted. */
  | {
      readonly kind: 'copy-to';
      readonly ref: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** Something only a privileged domain may do: answered EPERM, which shows that it is there. */
  | { readonly kind: 'probe' }
  /** The peer ended: its ports are closed, what it mapped is unmapped. */
  | { readonly kind: 'gone' };

/** Another domain's writes to a page that it shares with this one, made visible here and now. */
export interface SharedPageWrite {
  readonly kind: 'shared-page-write';
  /** Who wrote. */
  readonly domain: number;
  readonly ref: number;
  /** True: a page of this domain, by its own grant reference; false: one mapped from `domain`. */
  readonly isOwn: boolean;
  /** 1 to 2048, ascending, apart. */
  readonly runs: readonly PageRun[];
}

/** Neighbouring bytes of a page. */
export interface PageRun {
  /** From the start of the page; offset + length <= 4096. */
  readonly offset: number;
  /** At least one. */
  readonly bytes: Uint8Array;
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
  | VirqRaised
  | HypercallResult
  | PeerRequested
  | SharedPageWrite
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
  /**
   * Something for another domain, to be delivered there in this order. What it holds is the
   * receiver's. Absent where a machine is alone.
   */
  peerMessage?(message: PeerMessage): void;
}

/**
 * From a domain to the domain `domain`. Each becomes an event there: `send` a {@link PortRaised},
 * `page-write` a {@link SharedPageWrite}, `request` a {@link PeerRequested}, `answer` a {@link
 * HypercallResult}.
 */
export type PeerMessage =
  | { readonly kind: 'send'; readonly domain: number; readonly port: number }
  | {
      readonly kind: 'page-write';
      readonly domain: number;
      readonly ref: number;
      /** As the receiver sees it. */
      readonly isOwn: boolean;
      readonly runs: readonly PageRun[];
    }
  /** Only what needs no answer: `close` and `unmap`. */
  | { readonly kind: 'request'; readonly domain: number; readonly request: PeerRequest }
  | {
      readonly kind: 'answer';
      readonly domain: number;
      readonly result: number;
      readonly bytes: Uint8Array;
    };

/** The guest's call to another domain, for which its machine stands still. */
export interface PeerCall {
  readonly domain: number;
  readonly request: PeerRequest;
}

/**
 * The one door: where the driver of a machine gets its events. Live while recording, the log while
 * replaying; the machine cannot tell which.
 */
export interface HostInputs {
  /** The next event due at or before `now`, or undefined; called until it gives undefined. */
  next(now: TimePoint): MachineEvent | undefined;
}
