/**
 * The shared_info page: what a domain and its machine tell each other in memory. Xen's layout for a
 * 64-bit domain, public/xen.h `struct shared_info` with XEN_HAVE_PV_UPCALL_MASK:
 *
 * | offset      | field                                                                    |
 * |-------------|--------------------------------------------------------------------------|
 * | 64 v        | vcpu_info[v], v < 32                                                     |
 * | 64 v +  0   | evtchn_upcall_pending, 1 byte: set by the machine, cleared by the guest  |
 * | 64 v +  1   | evtchn_upcall_mask, 1 byte: the guest's                                  |
 * | 64 v +  8   | evtchn_pending_sel, 8 bytes: bit n, look at ports 64 n to 64 n + 63      |
 * | 64 v + 16   | arch, 16 bytes: 0 here                                                   |
 * | 64 v + 32   | time, 32 bytes: vcpu_time_info                                           |
 * | 0x800       | evtchn_pending, 512 bytes: port p is bit p mod 8 of byte p / 8           |
 * | 0xa00       | evtchn_mask, likewise                                                    |
 * | 0xc00       | wc_version, wc_sec, wc_nsec, wc_sec_hi, 4 bytes each                     |
 *
 * The page is the truth: the machine keeps no copy of a bit in it, and a guest that scribbles over
 * it harms itself alone. Bits of ports change here as in xen/common/event_2l.c; the upcall is made
 * as in vcpu_mark_events_pending (xen/arch/arm/domain.c): where evtchn_upcall_pending goes from 0
 * to 1, the interrupt is requested once.
 *
 * evtchn_upcall_mask is plain memory, so clearing it is not seen. An upcall that came while it was
 * set is *owed*, and made when the machine next looks: after any operation or event. (Xen on x86
 * looks on each return to the guest; Linux makes an empty hypercall for that,
 * xen_force_evtchn_callback.)
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { DmaMemory, InterruptLine } from '../device.ts';
import { readAtMost } from '../support/state.ts';
import { PlacedPage } from './placed-page.ts';

export class SharedInfo {
  readonly page: PlacedPage;
  readonly #lines: readonly InterruptLine[];
  /** Bit v: vCPU v is owed an upcall. */
  #owed = 0;

  /** `lines[v]` carries the upcalls of vCPU v. */
  constructor(memory: DmaMemory, lines: readonly InterruptLine[]) {
    this.page = new PlacedPage(memory);
    this.#lines = lines;
  }

  /** evtchn_2l_set_pending. */
  setPending(port: number, vcpu: number): void {
    if (this.#testAndSet(PENDING + (port >> 3), port & 7)) return;
    if (!this.isMasked(port)) this.#select(port, vcpu);
  }

  /** evtchn_2l_clear_pending. */
  clearPending(port: number): void {
    this.#testAndClear(PENDING + (port >> 3), port & 7);
  }

  /** evtchn_2l_unmask. */
  unmask(port: number, vcpu: number): void {
    const wasMasked = this.#testAndClear(MASK + (port >> 3), port & 7);
    if (wasMasked && this.isPending(port)) this.#select(port, vcpu);
  }

  isPending(port: number): boolean {
    return this.#isSet(PENDING + (port >> 3), port & 7);
  }

  isMasked(port: number): boolean {
    return this.#isSet(MASK + (port >> 3), port & 7);
  }

  /** Makes the upcalls that are owed and not masked any more. */
  makeOwedUpcalls(): void {
    for (let vcpu = 0; this.#owed >>> vcpu !== 0; vcpu++) {
      const isOwed = ((this.#owed >>> vcpu) & 1) === 1;
      if (!isOwed || this.page.byteAt(vcpuInfo(vcpu) + UPCALL_MASK) !== 0) continue;
      this.#owed &= ~(1 << vcpu);
      if ((this.page.byteAt(vcpuInfo(vcpu) + UPCALL_PENDING) & 1) === 1) this.#pulse(vcpu);
    }
  }

  /** As after power-on: zeros but the upcall masks, which a domain starts with set (x86 PV). */
  reset(): void {
    this.#owed = 0;
    this.page.reset();
    for (let vcpu = 0; vcpu < this.#lines.length; vcpu++) {
      this.page.setByte(vcpuInfo(vcpu) + UPCALL_MASK, 1);
    }
  }

  snapshot(writer: ByteWriter): void {
    this.page.snapshot(writer);
    writer.u32(this.#owed >>> 0);
  }

  restore(reader: ByteReader): void {
    this.page.restore(reader);
    this.#owed = readAtMost(reader, 2 ** this.#lines.length - 1, () => reader.u32()) | 0;
  }

  #select(port: number, vcpu: number): void {
    const group = port >> 6;
    if (this.#testAndSet(vcpuInfo(vcpu) + PENDING_SEL + (group >> 3), group & 7)) return;
    if (this.#testAndSet(vcpuInfo(vcpu) + UPCALL_PENDING, 0)) return;
    if (this.page.byteAt(vcpuInfo(vcpu) + UPCALL_MASK) === 0) this.#pulse(vcpu);
    else this.#owed |= 1 << vcpu;
  }

  /** One request: the PLIC keeps it, and the line is low again. */
  #pulse(vcpu: number): void {
    this.#lines[vcpu]?.set(true);
    this.#lines[vcpu]?.set(false);
  }

  #isSet(at: number, bit: number): boolean {
    return ((this.page.byteAt(at) >> bit) & 1) === 1;
  }

  #testAndSet(at: number, bit: number): boolean {
    const byte = this.page.byteAt(at);
    if (((byte >> bit) & 1) === 1) return true;
    this.page.setByte(at, byte | (1 << bit));
    return false;
  }

  #testAndClear(at: number, bit: number): boolean {
    const byte = this.page.byteAt(at);
    if (((byte >> bit) & 1) === 0) return false;
    this.page.setByte(at, byte & ~(1 << bit));
    return true;
  }
}

/** Where vcpu_info of a vCPU starts. */
export function vcpuInfo(vcpu: number): number {
  return VCPU_INFO_BYTES * vcpu;
}

const VCPU_INFO_BYTES = 64;
const UPCALL_PENDING = 0;
const UPCALL_MASK = 1;
const PENDING_SEL = 8;
/** In vcpu_info. */
export const VCPU_TIME = 32;
const PENDING = 0x800;
const MASK = 0xa00;
export const WALL_CLOCK = 0xc00;
