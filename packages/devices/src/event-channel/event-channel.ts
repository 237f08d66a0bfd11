/**
 * The event channel: how a guest, other domains and the host notify each other, tell the time and
 * share pages, with the interfaces and the semantics of Xen (64-bit two-level ABI). The guest asks
 * by operations (operations.ts); the machine answers there, and tells by bits and blocks in the
 * shared_info page (shared-info.ts) and one interrupt a vCPU.
 *
 * | offset            | name      | access | meaning                                  |
 * |-------------------|-----------|--------|------------------------------------------|
 * | 0x000             | MAGIC     | RO     | 0x43545645                               |
 * | 0x004             | VERSION   | RO     | 2                                        |
 * | 0x008             | PORTS     | RO     | 4096; ports are 1 to 4095, 0 is reserved |
 * | 0x00c             | VCPUS     | RO     | how many                                 |
 * | 0x010             | DOMAIN    | RO     | this domain's ID                         |
 * | 0x1000 + 0x80 v   |           |        | the frame of vCPU v:                     |
 * | ... + 0x00 - 0x2f | ARGUMENTS | RW     | six of 64 bits, low half first           |
 * | ... + 0x30        | OPERATION | WO     | a number: does the operation             |
 * | ... + 0x38, 0x3c  | RESULT    | RO     | its result, signed, 64 bits              |
 *
 * An operation is done when the write is, with one exception: what another domain has to answer.
 * Then the machine stands still after the instruction (`awaitedCall`) until the answer comes as an
 * event. All else is a function of the state.
 *
 * Shared pages are copies, one in each domain. What a guest wrote is told to the other domain when
 * it sends on a channel to that, before the notification. So:
 * - nothing written is seen without a notification: hints like rsp_event in Xen's ring.h, by which
 *   a notification is spared, must not be relied on, nor locks in shared memory;
 * - where both sides write the same byte before either is notified, each ends with the other's
 *   value: as any race, it is the guests' mistake.
 *
 * Invariants: those of port-table.ts; the console's port, where there is one, is interdomain to the
 * host.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type {
  HypercallResult,
  PageRun,
  PeerCall,
  PeerMessage,
  PeerRequest,
} from '@casmotion/events';
import type { AccessSize, Device, DmaMemory, InterruptLine, MachineClock } from '../device.ts';
import { readFlag } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import {
  absentPeerResult,
  type AwaitedCall,
  peerCallOf,
  readAwaitedCall,
  writeAwaitedCall,
} from './awaited-call.ts';
import { ConsoleRing } from './console-ring.ts';
import { GRANT_ENTRIES } from './granted-pages.ts';
import { GuestTime, type TimeSource } from './guest-time.ts';
import { type OperationArguments, OperationFrames } from './operation-frames.ts';
import * as op from './operations.ts';
import { isRamFrame, PAGE_BYTES } from './placed-page.ts';
import { isPort, type PortStatus, PortTable } from './port-table.ts';
import * as reg from './registers.ts';
import { SharedInfo } from './shared-info.ts';
import { isInPage, SharedPages } from './shared-pages.ts';
import { SingleshotTimers } from './singleshot-timers.ts';

/** What the device needs of its machine. */
export interface EventChannelOptions {
  /** One a vCPU, at most 32: its upcall. */
  readonly lines: readonly InterruptLine[];
  readonly memory: DmaMemory;
  readonly clock: MachineClock;
  readonly time: TimeSource;
  /** Nanoseconds since 1970 at mtime 0. */
  readonly wallNanoseconds: bigint;
  /** This domain's ID, and whether there are others, whose answers come as events. */
  readonly domain: { readonly id: number; readonly hasPeers: boolean };
  /** Bytes that the guest wrote to its console ring. */
  readonly consoleOutput: (bytes: Uint8Array) => void;
  readonly peerMessage: (message: PeerMessage) => void;
}

export class EventChannel implements Device {
  readonly name = 'event-channel';
  readonly #options: EventChannelOptions;
  readonly #frames: OperationFrames;
  readonly #info: SharedInfo;
  readonly #ports: PortTable;
  readonly #time: GuestTime;
  readonly #timers: SingleshotTimers;
  readonly #pages: SharedPages;
  readonly #console: ConsoleRing;
  #awaited: AwaitedCall | undefined;

  constructor(options: EventChannelOptions) {
    const { lines, memory, clock, time, wallNanoseconds, domain } = options;
    const vcpuCount = lines.length;
    assert(vcpuCount >= 1 && vcpuCount <= reg.VCPUS_MAX, `${vcpuCount} vCPUs`);
    this.#options = options;
    this.#frames = new OperationFrames(vcpuCount);
    this.#info = new SharedInfo(memory, lines);
    this.#ports = new PortTable({ domain: domain.id, vcpuCount, bits: this.#info });
    const { page } = this.#info;
    this.#time = new GuestTime({ page, source: time, vcpuCount, wallNanoseconds });
    const raise = (vcpu: number) => this.#ports.raiseVirq(reg.VIRQ_TIMER, vcpu);
    this.#timers = new SingleshotTimers({ clock, vcpuCount, raise });
    this.#pages = new SharedPages({ memory, domain: domain.id, tell: options.peerMessage });
    this.#console = new ConsoleRing({ memory, output: options.consoleOutput });
    this.reset();
  }

  /** The call that another domain has to answer before the guest may go on. */
  get awaitedCall(): PeerCall | undefined {
    return this.#awaited === undefined ? undefined : peerCallOf(this.#awaited);
  }

  /** Is there an {@link awaitedCall}? Asked after each write to a device. */
  get isAwaiting(): boolean {
    return this.#awaited !== undefined;
  }

  /** A port as EVTCHNOP_status tells of it; undefined for one out of range. */
  portStatus(port: number): PortStatus | undefined {
    return this.#ports.status(port);
  }

  /**
   * Does an operation for a vCPU: its result, also in the vCPU's RESULT; undefined if another
   * domain has to answer first. `isSbi` comes back in {@link answer}.
   */
  operate(
    vcpu: number,
    operation: number,
    args: OperationArguments,
    isSbi: boolean,
  ): number | undefined {
    const result =
      this.#awaited === undefined ? this.#operate(vcpu, operation, args, isSbi) : reg.EBUSY;
    if (result !== undefined) this.#frames.setResult(vcpu, result);
    this.#info.makeOwedUpcalls();
    return result;
  }

  /** Makes `port` pending, from a port-raised event; nothing if it is not in use. */
  raise(port: number): void {
    this.#ports.raise(port);
    this.#info.makeOwedUpcalls();
  }

  /** Raises a virtual interrupt, from a virq-raised event. */
  raiseVirq(virq: number, vcpu: number): void {
    this.#ports.raiseVirq(virq, vcpu);
    this.#info.makeOwedUpcalls();
  }

  /** Bytes typed at the ring's console. */
  receiveConsole(bytes: Uint8Array): void {
    this.#console.receive(bytes);
    this.#serviceConsole();
    this.#info.makeOwedUpcalls();
  }

  /** Another domain wrote to a shared page. */
  receivePage(domain: number, ref: number, isOwn: boolean, runs: readonly PageRun[]): void {
    this.#pages.receive(domain, ref, isOwn, runs);
  }

  /** Another domain asks or tells; what is to be answered is answered by a message. */
  receiveRequest(domain: number, request: PeerRequest): void {
    if (domain === this.#options.domain.id) return; // This domain asks itself by operations.
    const answer = this.#serve(domain, request);
    if (!this.#isConsoleSound()) this.#console.detach();
    if (answer === undefined) return;
    const isError = typeof answer === 'number';
    this.#options.peerMessage({
      kind: 'answer',
      domain,
      result: isError ? answer : reg.GNTST_okay,
      bytes: isError ? NO_BYTES : answer,
    });
  }

  /** The answer came. Undefined where none was awaited; nothing is done then. */
  answer(event: HypercallResult): { vcpu: number; isSbi: boolean; result: number } | undefined {
    const awaited = this.#awaited;
    if (awaited === undefined) return undefined;
    this.#awaited = undefined;
    const result = event.result < 0 ? event.result : this.#complete(awaited, event.bytes);
    this.#frames.setResult(awaited.vcpu, result);
    this.#info.makeOwedUpcalls();
    return { vcpu: awaited.vcpu, isSbi: awaited.isSbi, result };
  }

  /** The machine has changed the line of guest time. */
  timeLineChanged(): void {
    this.#time.update();
  }

  alarm(): void {
    this.#timers.alarm();
    this.#info.makeOwedUpcalls();
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (!isWordAccess(offset, sizeBytes)) return 0;
    if (offset >= reg.FRAME_BASE) return this.#frames.read(offset);
    switch (offset) {
      case reg.MAGIC:
        return reg.EVENT_CHANNEL_MAGIC;
      case reg.VERSION:
        return reg.EVENT_CHANNEL_VERSION;
      case reg.PORTS:
        return reg.EVENT_CHANNEL_PORTS;
      case reg.VCPUS:
        return this.#options.lines.length;
      case reg.DOMAIN:
        return this.#options.domain.id;
      default:
        return 0;
    }
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (!isWordAccess(offset, sizeBytes) || offset < reg.FRAME_BASE) return;
    const vcpu = this.#frames.write(offset, value);
    if (vcpu !== undefined) this.operate(vcpu, value, this.#frames.argumentsOf(vcpu), false);
  }

  snapshot(writer: ByteWriter): void {
    this.#frames.snapshot(writer);
    this.#info.snapshot(writer);
    this.#ports.snapshot(writer);
    this.#time.snapshot(writer);
    this.#timers.snapshot(writer);
    this.#pages.snapshot(writer);
    this.#console.snapshot(writer);
    writer.u8(this.#awaited === undefined ? 0 : 1);
    if (this.#awaited !== undefined) writeAwaitedCall(writer, this.#awaited);
  }

  restore(reader: ByteReader): void {
    const at = reader.fileOffset;
    this.#frames.restore(reader);
    this.#info.restore(reader);
    this.#ports.restore(reader);
    this.#time.restore(reader);
    this.#timers.restore(reader);
    this.#pages.restore(reader);
    this.#console.restore(reader);
    this.#awaited = readFlag(reader)
      ? readAwaitedCall(reader, this.#options.lines.length)
      : undefined;
    if (!this.#isConsoleSound()) throw new MalformedError('a console without its port', at);
  }

  reset(): void {
    this.#frames.reset();
    this.#info.reset();
    this.#ports.reset();
    this.#time.reset();
    this.#timers.reset();
    this.#pages.reset();
    this.#console.reset();
    this.#awaited = undefined;
  }

  /** Asserts the invariants; tests call it after every step. */
  checkInvariants(): void {
    this.#ports.checkInvariants();
    assert(this.#isConsoleSound(), 'event channel: a console without its port');
  }

  #operate(
    vcpu: number,
    operation: number,
    args: OperationArguments,
    isSbi: boolean,
  ): number | undefined {
    const named = this.#domainNamedBy(operation, args);
    if (named === undefined || named === this.#options.domain.id) {
      return this.#operateHere(vcpu, operation, args);
    }
    return this.#callPeer({ operation, vcpu, isSbi, args, localPort: 0, bytes: NO_BYTES }, named);
  }

  /** What can be computed here and now. */
  #operateHere(vcpu: number, operation: number, args: OperationArguments): number {
    const [first, second, third] = args;
    switch (operation) {
      case op.OP_VERSION:
        return reg.EVENT_CHANNEL_VERSION;
      case op.OP_SEND:
        return this.#send(first);
      case op.OP_UNMASK:
        return this.#ports.unmask(first);
      case op.OP_ALLOC_UNBOUND:
        return this.#ports.allocUnbound(this.#resolve(second));
      case op.OP_BIND_INTERDOMAIN:
        return this.#ports.bindLoopback(second);
      case op.OP_BIND_VIRQ:
        return this.#ports.bindVirq(first, second);
      case op.OP_BIND_IPI:
        return this.#ports.bindIpi(first);
      case op.OP_BIND_VCPU:
        return this.#ports.bindVcpu(first, second);
      case op.OP_BIND_PIRQ:
        return reg.EOPNOTSUPP;
      case op.OP_CLOSE:
        return this.#close(first);
      case op.OP_STATUS:
        return packStatus(this.#ports.status(second));
      case op.OP_RESET:
        return this.#closeAll();
      case op.OP_SET_SINGLESHOT_TIMER:
        return this.#timers.set(vcpu, first, second % 2 === op.VCPU_SSHOTTMR_future);
      case op.OP_STOP_SINGLESHOT_TIMER:
        this.#timers.stop(vcpu);
        return 0;
      case op.OP_ADD_TO_PHYSMAP:
        return this.#place(first, second, third);
      case op.OP_REMOVE_FROM_PHYSMAP:
        return this.#takeBack(first);
      case op.OP_SET_PARAM:
        return first === op.HVM_PARAM_CONSOLE_PFN ? this.#attachConsole(second) : reg.EINVAL;
      case op.OP_GET_PARAM:
        return this.#consoleParameter(first);
      default:
        return this.#operateGrants(operation, args);
    }
  }

  #operateGrants(operation: number, args: OperationArguments): number {
    switch (operation) {
      case op.OP_MAP_GRANT_REF: {
        const error = this.#mapError(args);
        if (error !== undefined) return error;
        const [flags, ref, , frame] = args;
        return this.#pages.mapOwn(ref, isReadOnlyMap(flags), frame);
      }
      case op.OP_UNMAP_GRANT_REF:
        return this.#pages.unmap(args[0]);
      case op.OP_GRANT_COPY:
        return this.#copyError(args) ?? this.#copyHere(args);
      case op.OP_GRANT_QUERY_SIZE:
        return 1;
      default:
        return reg.ENOSYS;
    }
  }

  /** The domain whose answer an operation needs, as an ID; undefined if it names none. */
  #domainNamedBy(operation: number, args: OperationArguments): number | undefined {
    switch (operation) {
      case op.OP_ALLOC_UNBOUND:
      case op.OP_BIND_INTERDOMAIN:
      case op.OP_STATUS:
      case op.OP_RESET:
        return this.#resolve(args[0]);
      case op.OP_GRANT_COPY:
        return this.#resolve(args[2]);
      case op.OP_MAP_GRANT_REF:
        return args[2] % DOMIDS; // map_grant_ref knows no DOMID_SELF.
      default:
        return undefined;
    }
  }

  /** A domid_t, with DOMID_SELF made an ID. */
  #resolve(domid: number): number {
    const id = domid % DOMIDS;
    return id === reg.DOMID_SELF ? this.#options.domain.id : id;
  }

  /** Asks another domain, if there is one and its answer can be of use. */
  #callPeer(call: AwaitedCall, domain: number): number | undefined {
    const { hasPeers } = this.#options.domain;
    if (!hasPeers || domain >= reg.DOMID_SELF) return absentPeerResult(peerCallOf(call).request);
    const { operation, args } = call;
    if (operation === op.OP_BIND_INTERDOMAIN) {
      const localPort = this.#ports.nextFree;
      if (localPort < 0) return localPort;
      if (!isPort(args[1])) return reg.EINVAL;
      this.#awaited = { ...call, localPort };
      return undefined;
    }
    const error = this.#grantError(operation, args);
    if (error !== undefined) return error;
    const isCopyTo = operation === op.OP_GRANT_COPY && (args[0] & op.GNTCOPY_dest_gref) !== 0;
    const bytes = isCopyTo ? this.#options.memory.read(args[4], args[5])?.slice() : NO_BYTES;
    this.#awaited = { ...call, bytes: bytes ?? NO_BYTES };
    return undefined;
  }

  #grantError(operation: number, args: OperationArguments): number | undefined {
    if (operation === op.OP_MAP_GRANT_REF) return this.#mapError(args);
    return operation === op.OP_GRANT_COPY ? this.#copyError(args) : undefined;
  }

  #mapError([flags, ref, , frame]: OperationArguments): number | undefined {
    if ((flags & op.GNTMAP_host_map) === 0 || ref >= GRANT_ENTRIES) return reg.GNTST_bad_gntref;
    if (!isRamFrame(this.#options.memory, frame)) return reg.GNTST_bad_virt_addr;
    return this.#pages.mapped.nextHandle < 0 ? reg.GNTST_no_device_space : undefined;
  }

  #copyError([flags, ref, , offset, address, sizeBytes]: OperationArguments): number | undefined {
    const direction = flags & (op.GNTCOPY_source_gref | op.GNTCOPY_dest_gref);
    if (direction !== op.GNTCOPY_source_gref && direction !== op.GNTCOPY_dest_gref) {
      return reg.GNTST_bad_copy_arg;
    }
    if (ref >= GRANT_ENTRIES) return reg.GNTST_bad_gntref;
    if (!isInPage(offset, sizeBytes)) return reg.GNTST_bad_copy_arg;
    const isRam = this.#options.memory.read(address, sizeBytes) !== undefined;
    return isRam ? undefined : reg.GNTST_bad_page;
  }

  #copyHere([flags, ref, , offset, address, sizeBytes]: OperationArguments): number {
    const { memory, domain } = this.#options;
    if ((flags & op.GNTCOPY_dest_gref) !== 0) {
      const bytes = memory.read(address, sizeBytes)?.slice() ?? NO_BYTES;
      return this.#pages.copyTo(domain.id, ref, offset, bytes);
    }
    const bytes = this.#pages.copyFrom(domain.id, ref, offset, sizeBytes);
    if (typeof bytes === 'number') return bytes;
    memory.write(address, bytes);
    return reg.GNTST_okay;
  }

  /** The other domain agreed; what it gave is in `bytes`. Gives the operation's result. */
  #complete({ operation, args }: AwaitedCall, bytes: Uint8Array): number {
    switch (operation) {
      case op.OP_BIND_INTERDOMAIN:
        return this.#ports.bindRemote({ domain: args[0] % DOMIDS, port: args[1] });
      case op.OP_MAP_GRANT_REF: {
        const [flags, ref, domain, frame] = args;
        if (bytes.length !== PAGE_BYTES) return reg.GNTST_general_error;
        const isReadOnly = isReadOnlyMap(flags);
        return this.#pages.mapped.add({ domain: domain % DOMIDS, ref, isReadOnly, frame }, bytes);
      }
      case op.OP_GRANT_COPY:
        if ((args[0] & op.GNTCOPY_source_gref) === 0) return reg.GNTST_okay;
        if (bytes.length !== args[5]) return reg.GNTST_general_error;
        this.#options.memory.write(args[4], bytes);
        return reg.GNTST_okay;
      default:
        return reg.EPERM;
    }
  }

  /** What another domain asked: the bytes, or a code; undefined if it wants no answer. */
  #serve(domain: number, request: PeerRequest): number | Uint8Array | undefined {
    switch (request.kind) {
      case 'bind':
        return this.#ports.acceptBind(request.port, { domain, port: request.remotePort });
      case 'close':
        this.#ports.closeRemote(request.port, { domain, port: request.remotePort });
        return undefined;
      case 'map': {
        const result = this.#pages.granted.acquire(domain, request.ref, request.isReadOnly);
        return result === reg.GNTST_okay ? this.#pages.granted.takeAll(request.ref) : result;
      }
      case 'unmap':
        this.#pages.granted.release(domain, request.ref, request.isReadOnly);
        return undefined;
      case 'copy-from':
        return this.#pages.copyFrom(domain, request.ref, request.offset, request.sizeBytes);
      case 'copy-to':
        return this.#pages.copyTo(domain, request.ref, request.offset, request.bytes);
      case 'probe':
        return reg.EPERM;
      case 'gone':
        this.#ports.closeAllOf(domain);
        this.#pages.granted.releaseAllOf(domain);
        return undefined;
    }
  }

  #send(port: number): number {
    const { domain } = this.#options;
    const status = this.#ports.status(port);
    const isToSelf = status?.status === EVTCHNSTAT_interdomain && status.domain === domain.id;
    if (isToSelf) this.#pages.publish(domain.id);
    const sent = this.#ports.send(port);
    if (typeof sent === 'number') return sent;
    if (port === this.#console.port) {
      this.#serviceConsole();
      return 0;
    }
    this.#pages.publish(sent.domain);
    this.#options.peerMessage({ kind: 'send', ...sent });
    return 0;
  }

  #close(port: number): number {
    const isConsole = port === this.#console.port;
    const closed = this.#ports.close(port);
    if (typeof closed === 'number') return closed;
    if (isConsole) this.#console.detach();
    else {
      const request = { kind: 'close', port: closed.port, remotePort: port } as const;
      this.#options.peerMessage({ kind: 'request', domain: closed.domain, request });
    }
    return 0;
  }

  /** EVTCHNOP_reset. */
  #closeAll(): number {
    for (let port = 1; port < reg.EVENT_CHANNEL_PORTS; port++) this.#close(port);
    return 0;
  }

  #place(space: number, index: number, frame: number): number {
    const pages = [this.#info.page, this.#pages.granted.table];
    const page = pages[space];
    if (page === undefined) return reg.ENOSYS;
    if (index !== 0 || !page.place(frame)) return reg.EINVAL;
    if (space === op.XENMAPSPACE_shared_info) this.#time.update();
    return 0;
  }

  #takeBack(frame: number): number {
    const { table } = this.#pages.granted;
    const page = [this.#info.page, table].find((placed) => placed.frame === frame);
    if (page === undefined) return reg.EINVAL;
    page.takeBack();
    return 0;
  }

  /** The rings are to be in that page: the console's channel begins. */
  #attachConsole(frame: number): number {
    if (!this.#console.canAttach(frame)) return reg.EINVAL;
    if (this.#console.port !== undefined) return reg.EBUSY;
    const port = this.#ports.nextFree;
    if (port < 0) return port;
    this.#console.attach(frame, port);
    this.#ports.bindRemote({ domain: reg.DOMID_HOST, port });
    this.#serviceConsole();
    return 0;
  }

  #consoleParameter(index: number): number {
    const { frame, port } = this.#console;
    if (index === op.HVM_PARAM_CONSOLE_PFN) return frame ?? reg.EINVAL;
    return index === op.HVM_PARAM_CONSOLE_EVTCHN ? (port ?? reg.EINVAL) : reg.EINVAL;
  }

  #serviceConsole(): void {
    if (this.#console.service()) this.#ports.raise(this.#console.port ?? 0);
  }

  #isConsoleSound(): boolean {
    const { port } = this.#console;
    if (port === undefined) return true;
    const status = this.#ports.status(port);
    return status?.status === EVTCHNSTAT_interdomain && status.domain === reg.DOMID_HOST;
  }
}

function packStatus(status: PortStatus | undefined): number {
  if (status === undefined) return reg.EINVAL;
  return status.status + status.vcpu * 2 ** 8 + status.domain * 2 ** 16 + status.number * 2 ** 32;
}

function isReadOnlyMap(flags: number): boolean {
  return (flags & op.GNTMAP_readonly) !== 0;
}

/** A domid_t has 16 bits. */
const DOMIDS = 0x1_0000;
const EVTCHNSTAT_interdomain = 2;
const NO_BYTES = new Uint8Array(0);
