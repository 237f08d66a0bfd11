/** A guest's view of an event channel on a bare board: operations by registers, bits in memory. */
import type { HypercallResult, PeerMessage } from '@casmotion/events';
import { EventChannel } from '../../src/event-channel/event-channel.ts';
import * as op from '../../src/event-channel/operations.ts';
import * as reg from '../../src/event-channel/registers.ts';
import { FakeClock, FakeLine, FakeMemory, RAM_BASE } from './board.ts';

export const INFO = RAM_BASE;
export const TABLE = RAM_BASE + 0x1000;
export const RING = RAM_BASE + 0x2000;
export const PAGE_A = RAM_BASE + 0x3000;
export const PAGE_B = RAM_BASE + 0x4000;
export const SELF = reg.DOMID_SELF;

export interface ChannelGuestOptions {
  readonly vcpuCount?: number;
  readonly domain?: number;
  readonly hasPeers?: boolean;
}

export class ChannelGuest {
  readonly memory = new FakeMemory(0x8000);
  readonly clock = new FakeClock();
  readonly lines: readonly FakeLine[];
  readonly device: EventChannel;
  readonly messages: PeerMessage[] = [];
  /** The line of guest time: ticks a step with 32 fraction bits, and the cycle CSR. */
  readonly line = { slope: 42_949_673, cycle: 0n };
  printed = '';

  constructor({ vcpuCount = 1, domain = 5, hasPeers = false }: ChannelGuestOptions = {}) {
    this.lines = Array.from({ length: vcpuCount }, () => new FakeLine());
    const { clock, line } = this;
    this.device = new EventChannel({
      lines: this.lines,
      memory: this.memory,
      clock: this.clock,
      time: {
        get ticks() {
          return clock.nowTicks;
        },
        get slope() {
          return line.slope;
        },
        cycle: () => line.cycle,
      },
      wallNanoseconds: 1_700_000_000_123_456_789n,
      domain: { id: domain, hasPeers },
      consoleOutput: (bytes) => void (this.printed += String.fromCharCode(...bytes)),
      peerMessage: (message) => void this.messages.push(message),
    });
  }

  /** shared_info and the table of grants have their places; upcalls are let through. */
  place(): this {
    this.op(op.OP_ADD_TO_PHYSMAP, op.XENMAPSPACE_shared_info, 0, INFO / 4096);
    this.op(op.OP_ADD_TO_PHYSMAP, op.XENMAPSPACE_grant_table, 0, TABLE / 4096);
    this.lines.forEach((_, vcpu) => this.poke(INFO + 64 * vcpu + 1, 0));
    return this;
  }

  /** An operation of vCPU 0, and its result. */
  op(operation: number, ...args: readonly number[]): number {
    return this.opOf(0, operation, ...args);
  }

  opOf(vcpu: number, operation: number, ...args: readonly number[]): number {
    const frame = reg.FRAME_BASE + reg.FRAME_STRIDE * vcpu;
    args.forEach((argument, index) => {
      this.device.write(frame + 8 * index, 4, argument % 2 ** 32);
      this.device.write(frame + 8 * index + 4, 4, Math.floor(argument / 2 ** 32));
    });
    this.device.write(frame + reg.OPERATION, 4, operation);
    return this.result(vcpu);
  }

  result(vcpu = 0): number {
    const frame = reg.FRAME_BASE + reg.FRAME_STRIDE * vcpu;
    const low = this.device.read(frame + reg.RESULT, 4);
    return low + (this.device.read(frame + reg.RESULT + 4, 4) | 0) * 2 ** 32;
  }

  answer(result: number, bytes: Uint8Array = new Uint8Array(0)): HypercallResult {
    const event: HypercallResult = { kind: 'hypercall-result', result, bytes };
    this.device.answer(event);
    return event;
  }

  byte(address: number): number {
    return this.memory.bytes[address - RAM_BASE] ?? 0;
  }

  word(address: number): number {
    return this.memory.view.getUint32(address - RAM_BASE, true);
  }

  double(address: number): bigint {
    return this.memory.view.getBigUint64(address - RAM_BASE, true);
  }

  poke(address: number, ...bytes: readonly number[]): void {
    this.memory.bytes.set(bytes, address - RAM_BASE);
  }

  pokeWord(address: number, value: number): void {
    this.memory.view.setUint32(address - RAM_BASE, value, true);
  }

  /** An entry of the table of grants. */
  grant(ref: number, flags: number, domain: number, address: number): void {
    const at = TABLE + 8 * ref;
    this.poke(at, flags, 0, domain & 0xff, domain >> 8);
    this.pokeWord(at + 4, address / 4096);
  }

  isPending(port: number): boolean {
    return ((this.byte(INFO + 0x800 + (port >> 3)) >> (port & 7)) & 1) === 1;
  }

  isMasked(port: number): boolean {
    return ((this.byte(INFO + 0xa00 + (port >> 3)) >> (port & 7)) & 1) === 1;
  }

  setMask(port: number, isMasked: boolean): void {
    const at = INFO + 0xa00 + (port >> 3);
    const bit = 1 << (port & 7);
    this.poke(at, isMasked ? this.byte(at) | bit : this.byte(at) & ~bit);
  }

  /** What an interrupt handler does; gives the ports that were pending and not masked. */
  handle(vcpu = 0): number[] {
    const info = INFO + 64 * vcpu;
    this.poke(info, 0);
    const selector = this.double(info + 8);
    this.poke(info + 8, 0, 0, 0, 0, 0, 0, 0, 0);
    const ports: number[] = [];
    for (let port = 0; port < 4096; port++) {
      if (((selector >> BigInt(port >> 6)) & 1n) === 0n) continue;
      if (!this.isPending(port) || this.isMasked(port)) continue;
      const at = INFO + 0x800 + (port >> 3);
      this.poke(at, this.byte(at) & ~(1 << (port & 7)));
      ports.push(port);
    }
    return ports;
  }
}
