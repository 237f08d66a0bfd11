/**
 * The ports of a domain: what each is bound to, and the operations on them, with the results that
 * xen/common/event_channel.c gives. Bits are elsewhere (shared-info.ts).
 *
 * Deviation: Xen knows ports up to the last bucket that it has allocated, and calls those above
 * invalid; here all 4096 are known from the start.
 *
 * Invariants: port 0 is reserved; a port that is free has vCPU 0, domain 0 and number 0; the other
 * end of an interdomain port inside this domain is interdomain, with this port as its other end; of
 * each vCPU, a virtual interrupt has one port at most.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import { readAtMost } from '../support/state.ts';
import {
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOSPC,
  EVENT_CHANNEL_PORTS,
  NR_VIRQS,
} from './registers.ts';

/** What the table does to the bits of a port. */
export interface PortBits {
  setPending(port: number, vcpu: number): void;
  clearPending(port: number): void;
  unmask(port: number, vcpu: number): void;
}

/** A port of a domain. */
export interface PortAddress {
  readonly domain: number;
  readonly port: number;
}

/** What EVTCHNOP_status tells of a port. */
export interface PortStatus {
  /** EVTCHNSTAT_. */
  readonly status: number;
  readonly vcpu: number;
  /** Of an unbound or interdomain port: who may bind it, or has. */
  readonly domain: number;
  /** Of an interdomain port its other end, of one bound to a virtual interrupt that. */
  readonly number: number;
}

export class PortTable {
  readonly #domain: number;
  readonly #vcpuCount: number;
  readonly #bits: PortBits;
  readonly #states = new Uint8Array(EVENT_CHANNEL_PORTS);
  readonly #vcpus = new Uint8Array(EVENT_CHANNEL_PORTS);
  readonly #domains = new Uint16Array(EVENT_CHANNEL_PORTS);
  /** The other end's port, or the virtual interrupt. */
  readonly #numbers = new Uint16Array(EVENT_CHANNEL_PORTS);
  /** Derived: by vcpu * NR_VIRQS + virq; 0 for none. */
  readonly #virqPorts: Uint16Array;

  constructor(options: { domain: number; vcpuCount: number; bits: PortBits }) {
    this.#domain = options.domain;
    this.#vcpuCount = options.vcpuCount;
    this.#bits = options.bits;
    this.#virqPorts = new Uint16Array(options.vcpuCount * NR_VIRQS);
  }

  /** The new port, open to a binding from `remoteDomain`. */
  allocUnbound(remoteDomain: number): number {
    return this.#allocate(UNBOUND, 0, remoteDomain, 0);
  }

  /** The lowest free port, not taken yet; ENOSPC. */
  get nextFree(): number {
    const port = this.#states.indexOf(FREE, 1);
    return port < 0 ? ENOSPC : port;
  }

  /** bind_interdomain to a port of this domain. */
  bindLoopback(remotePort: number): number {
    const local = this.nextFree;
    if (local < 0) return local;
    if (!this.#isOpenTo(remotePort, this.#domain)) return EINVAL;
    this.#connect(remotePort, { domain: this.#domain, port: local });
    return this.bindRemote({ domain: this.#domain, port: remotePort });
  }

  /** The other end agreed: a new port, which is pending (bind_interdomain). */
  bindRemote(remote: PortAddress): number {
    const port = this.#allocate(INTERDOMAIN, 0, remote.domain, remote.port);
    if (port > 0) this.#bits.setPending(port, 0);
    return port;
  }

  /** Another domain binds its port `from` to `port` of this one. */
  acceptBind(port: number, from: PortAddress): number {
    if (!this.#isOpenTo(port, from.domain)) return EINVAL;
    this.#connect(port, from);
    return 0;
  }

  bindVirq(virq: number, vcpu: number): number {
    if (virq >= NR_VIRQS) return EINVAL;
    const isPerVcpu = VIRQS_OF_VCPUS.has(virq);
    if (!isPerVcpu && vcpu !== 0) return EINVAL;
    if (vcpu >= this.#vcpuCount) return ENOENT;
    // Global ones belong to the hardware domain, which this is not.
    if (!isPerVcpu && virq !== VIRQ_ARGO) return EBUSY;
    if (this.#virqPorts[vcpu * NR_VIRQS + virq] !== 0) return EEXIST;
    const port = this.#allocate(VIRQ, vcpu, 0, virq);
    if (port > 0) this.#virqPorts[vcpu * NR_VIRQS + virq] = port;
    return port;
  }

  bindIpi(vcpu: number): number {
    return vcpu < this.#vcpuCount ? this.#allocate(IPI, vcpu, 0, 0) : ENOENT;
  }

  bindVcpu(port: number, vcpu: number): number {
    if (vcpu >= this.#vcpuCount) return ENOENT;
    if (!isPort(port)) return EINVAL;
    const state = this.#states[port];
    const isFixed = state === VIRQ && VIRQS_OF_VCPUS.has(this.#numbers[port] ?? 0);
    const isMovable = state === UNBOUND || state === INTERDOMAIN || state === VIRQ;
    if (isFixed || !isMovable) return EINVAL;
    this.#vcpus[port] = vcpu;
    return 0;
  }

  /** An error, or the other end that must be told, if it is in another domain. */
  close(port: number): number | PortAddress {
    if (!this.isUsable(port)) return EINVAL;
    const isInterdomain = this.#states[port] === INTERDOMAIN;
    const remote = { domain: this.#domains[port] ?? 0, port: this.#numbers[port] ?? 0 };
    if (this.#states[port] === VIRQ) {
      this.#virqPorts[this.#virqIndex(port)] = 0;
    }
    this.#bits.clearPending(port);
    for (const array of [this.#states, this.#vcpus, this.#domains, this.#numbers]) array[port] = 0;
    if (!isInterdomain) return 0;
    if (remote.domain !== this.#domain) return remote;
    this.#disconnect(remote.port);
    return 0;
  }

  /** The other end of interdomain `port` was closed. Nothing if that is not its other end. */
  closeRemote(port: number, remote: PortAddress): void {
    if (!isPort(port) || this.#states[port] !== INTERDOMAIN) return;
    const isOther = this.#domains[port] === remote.domain && this.#numbers[port] === remote.port;
    if (isOther) this.#disconnect(port);
  }

  /** All ports connected to `domain` lose their other end. */
  closeAllOf(domain: number): void {
    for (let port = 1; port < EVENT_CHANNEL_PORTS; port++) {
      if (this.#states[port] === INTERDOMAIN && this.#domains[port] === domain) {
        this.#disconnect(port);
      }
    }
  }

  /** An error or 0, or the port of another domain to notify. */
  send(port: number): number | PortAddress {
    if (!isPort(port)) return EINVAL;
    switch (this.#states[port] ?? FREE) {
      case INTERDOMAIN: {
        const remote = { domain: this.#domains[port] ?? 0, port: this.#numbers[port] ?? 0 };
        if (remote.domain !== this.#domain) return remote;
        this.raise(remote.port);
        return 0;
      }
      case IPI:
        this.raise(port);
        return 0;
      case UNBOUND:
        return 0; // Silently dropped.
      default:
        return EINVAL;
    }
  }

  /** Makes a port that is in use pending; nothing for others. */
  raise(port: number): void {
    if (this.isUsable(port)) this.#bits.setPending(port, this.#vcpus[port] ?? 0);
  }

  /** Raises the port bound to a virtual interrupt, if one is. */
  raiseVirq(virq: number, vcpu: number): void {
    if (virq < NR_VIRQS && vcpu < this.#vcpuCount) {
      this.raise(this.#virqPorts[vcpu * NR_VIRQS + virq] ?? 0);
    }
  }

  unmask(port: number): number {
    if (!isPort(port)) return EINVAL;
    if (this.isUsable(port)) this.#bits.unmask(port, this.#vcpus[port] ?? 0);
    return 0;
  }

  /** Undefined for a port out of range. */
  status(port: number): PortStatus | undefined {
    if (!isPort(port) && port !== 0) return undefined;
    const status = EVTCHNSTAT[this.#states[port] ?? 0] ?? 0;
    const [vcpu = 0, domain = 0, number = 0] = [
      this.#vcpus[port],
      this.#domains[port],
      this.#numbers[port],
    ];
    return { status, vcpu, domain, number };
  }

  isUsable(port: number): boolean {
    return isPort(port) && this.#states[port] !== FREE;
  }

  reset(): void {
    for (const array of [this.#states, this.#vcpus, this.#domains, this.#numbers]) array.fill(0);
    this.#virqPorts.fill(0);
  }

  snapshot(writer: ByteWriter): void {
    const used: number[] = [];
    // By what is in use: looking at each of 4096 ports would be most of a landmark's work.
    for (let state = UNBOUND; state <= IPI; state++) {
      let port = this.#states.indexOf(state);
      for (; port >= 0; port = this.#states.indexOf(state, port + 1)) used.push(port);
    }
    used.sort((a, b) => a - b);
    writer.u16(used.length);
    for (const port of used) {
      writer.u16(port).u8(this.#states[port] ?? 0).u8(this.#vcpus[port] ?? 0);
      writer.u16(this.#domains[port] ?? 0).u16(this.#numbers[port] ?? 0);
    }
  }

  restore(reader: ByteReader): void {
    this.reset();
    const start = reader.fileOffset;
    const count = readAtMost(reader, EVENT_CHANNEL_PORTS - 1, () => reader.u16());
    for (let last = 0, index = 0; index < count; index++) {
      const port = readAtMost(reader, EVENT_CHANNEL_PORTS - 1, () => reader.u16());
      this.#states[port] = readAtMost(reader, IPI, () => reader.u8());
      if (port <= last || this.#states[port] === FREE) {
        throw new MalformedError(`port ${port} out of order or free`, start);
      }
      last = port;
      this.#vcpus[port] = readAtMost(reader, this.#vcpuCount - 1, () => reader.u8());
      this.#domains[port] = reader.u16();
      this.#numbers[port] = readAtMost(reader, EVENT_CHANNEL_PORTS - 1, () => reader.u16());
    }
    this.#deriveVirqPorts(start);
    const problem = this.#problem();
    if (problem !== undefined) throw new MalformedError(problem, start);
  }

  /** Asserts the invariants; tests call it after every step. */
  checkInvariants(): void {
    const problem = this.#problem();
    assert(problem === undefined, `event channel: ${problem ?? ''}`);
  }

  #isOpenTo(port: number, domain: number): boolean {
    return isPort(port) && this.#states[port] === UNBOUND && this.#domains[port] === domain;
  }

  #allocate(state: number, vcpu: number, domain: number, number: number): number {
    const port = this.nextFree;
    if (port < 0) return port;
    this.#states[port] = state;
    this.#vcpus[port] = vcpu;
    this.#domains[port] = domain;
    this.#numbers[port] = number;
    return port;
  }

  #connect(port: number, remote: PortAddress): void {
    this.#states[port] = INTERDOMAIN;
    this.#domains[port] = remote.domain;
    this.#numbers[port] = remote.port;
  }

  /** Unbound again, and open to who was there before. */
  #disconnect(port: number): void {
    this.#states[port] = UNBOUND;
    this.#numbers[port] = 0;
  }

  /** Where the port of a virtual interrupt stands in `#virqPorts`; one of the domain at vCPU 0. */
  #virqIndex(port: number): number {
    const virq = this.#numbers[port] ?? 0;
    const vcpu = VIRQS_OF_VCPUS.has(virq) ? (this.#vcpus[port] ?? 0) : 0;
    return vcpu * NR_VIRQS + virq;
  }

  #deriveVirqPorts(fileOffset: number): void {
    for (let port = 1; port < EVENT_CHANNEL_PORTS; port++) {
      if (this.#states[port] !== VIRQ) continue;
      const virq = this.#numbers[port] ?? 0;
      const isPerVcpu = VIRQS_OF_VCPUS.has(virq);
      const at = this.#virqIndex(port);
      if (virq >= NR_VIRQS || (!isPerVcpu && virq !== VIRQ_ARGO) || this.#virqPorts[at] !== 0) {
        throw new MalformedError(`port ${port} has virq ${virq}`, fileOffset);
      }
      this.#virqPorts[at] = port;
    }
  }

  #problem(): string | undefined {
    if (this.#states[0] !== FREE) return 'port 0 is in use';
    for (let port = 1; port < EVENT_CHANNEL_PORTS; port++) {
      const [state, vcpu] = [this.#states[port], this.#vcpus[port]];
      const [domain, number = 0] = [this.#domains[port], this.#numbers[port]];
      const isClean = domain === 0 && number === 0 && vcpu === 0;
      if (state === FREE && !isClean) return `free port ${port} has a binding`;
      if (state !== INTERDOMAIN || domain !== this.#domain) continue;
      const isMutual = this.#states[number] === INTERDOMAIN && this.#numbers[number] === port;
      if (!isMutual) return `port ${port} is connected to ${number}, which is not to it`;
    }
    return undefined;
  }
}

/** Port 0 is reserved: in range, but of no use. */
export function isPort(port: number): boolean {
  return port >= 1 && port < EVENT_CHANNEL_PORTS;
}

const FREE = 0;
const UNBOUND = 1;
const INTERDOMAIN = 2;
const VIRQ = 3;
/** The last of them: snapshots hold those from the first use to this. */
const IPI = 4;
/** EVTCHNSTAT_closed, unbound, interdomain, virq, ipi (3 is a physical interrupt), by state. */
const EVTCHNSTAT = [0, 1, 2, 4, 5];
/** Bound once a vCPU: VIRQ_TIMER, DEBUG, XENOPROF, XENPMU (get_virq_type). */
const VIRQS_OF_VCPUS = new Set([0, 1, 7, 13]);
/** Bound once a domain. */
const VIRQ_ARGO = 11;
