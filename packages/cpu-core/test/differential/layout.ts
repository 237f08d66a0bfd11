/**
 * Where things lie in guest memory while random programs run: the monitor, then a region of 64 KiB
 * a program. Test support.
 *
 *   page 0      header: initial registers, final registers, log of traps to M-mode
 *   pages 1-3   code
 *   pages 4-7   data
 *   page 8      log of traps to S-mode
 *   pages 9-11  page tables: root, middle, leaves
 */
import { RAM_START } from '../support/make-core.ts';

export const PAGE = 4096;
export const MONITOR = RAM_START;
/** Handler of traps to S-mode, in the monitor. */
export const SUPERVISOR_HANDLER = RAM_START + 8 * PAGE;
export const REGIONS = RAM_START + 16 * PAGE;
export const REGION_BYTES = 16 * PAGE;

export function regionAt(index: number): number {
  return REGIONS + index * REGION_BYTES;
}

/** Page numbers in a region. */
export const PAGES = {
  header: 0,
  code: 1,
  data: 4,
  log: 8,
  root: 9,
  middle: 10,
  leaves: 11,
} as const;
export const CODE_PAGES = 3;
export const DATA_PAGES = 4;

/** Offsets in the header. */
export const HEADER = {
  initialX: 0x000,
  initialF: 0x100,
  initialCsrs: 0x200,
  finalX: 0x300,
  finalF: 0x400,
  finalCsrs: 0x500,
} as const;

/** Offsets in the header and in the log of S-mode alike: both handlers are made by one function. */
export const LOG = {
  count: 0x600,
  saved: 0x610,
  records: 0x640,
  recordBytes: 32,
  max: 60,
} as const;

/** CSRs set before a program starts, in this order; mstatus and mepc decide its mode and entry. */
export const INITIAL_CSRS = {
  satp: 0x180,
  medeleg: 0x302,
  mideleg: 0x303,
  stvec: 0x105,
  sscratch: 0x140,
  sepc: 0x141,
  scause: 0x142,
  stval: 0x143,
  scounteren: 0x106,
  mcounteren: 0x306,
  mie: 0x304,
  mip: 0x344,
  fcsr: 0x003,
  mepc: 0x341,
  mstatus: 0x300,
} as const;

export type InitialCsr = keyof typeof INITIAL_CSRS;

/** CSRs written to the header at the end. */
export const FINAL_CSRS = {
  mstatus: 0x300,
  mepc: 0x341,
  mcause: 0x342,
  mtval: 0x343,
  sepc: 0x141,
  scause: 0x142,
  stval: 0x143,
  sscratch: 0x140,
  stvec: 0x105,
  satp: 0x180,
  mie: 0x304,
  mip: 0x344,
  medeleg: 0x302,
  mideleg: 0x303,
  mcounteren: 0x306,
  scounteren: 0x106,
  misa: 0x301,
  fcsr: 0x003,
} as const;

/** An ecall with this in a7 ends a program. */
export const END_OF_PROGRAM = 0x5ca1_ab1e;

/** Virtual addresses, where a program has page tables. Leaves map 2 MiB from here. */
export const VIRTUAL = {
  base: 0x4000_0000n,
  /** The same middle table again, in the upper half of the address space. */
  alias: 0xffff_ffc0_0000_0000n,
  /** Page numbers from the base: the S-mode handler, pages with random flags, the leaves. */
  handler: 14,
  random: 16,
  randomCount: 16,
  leaves: 32,
  remapped: 40,
} as const;
