/**
 * Fields of mstatus, mip, satp and page-table entries. Priv. 1.12 §3.1.6, §3.1.9, §4.1.11, §4.4.
 */
export const MSTATUS = {
  SIE: 1 << 1,
  MIE: 1 << 3,
  SPIE: 1 << 5,
  MPIE: 1 << 7,
  SPP: 1 << 8,
  MPP: 3 << 11,
  FS: 3 << 13,
  MPRV: 1 << 17,
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
  /** SXL and UXL: both 64 bits, read-only. */
  XL: 0xan << 32n,
  UXL: 2n << 32n,
} as const;

export const MPP_SHIFT = 11;
export const SPP_SHIFT = 8;

/** Interrupt bits of mip and mie; the bit number is the cause. */
export const INTERRUPT = {
  SSIP: 1 << 1,
  MSIP: 1 << 3,
  STIP: 1 << 5,
  MTIP: 1 << 7,
  SEIP: 1 << 9,
  MEIP: 1 << 11,
} as const;

export const PRIVILEGE = { user: 0, supervisor: 1, machine: 3 } as const;

/** Exception causes. Priv. 1.12 table 3.6. */
export const CAUSE = {
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromUser: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** What an access is for; the numbers select the cause of its faults. */
export const ACCESS = { read: 0, write: 1, fetch: 2 } as const;

export const PTE = {
  V: 1,
  R: 2,
  W: 4,
  X: 8,
  U: 16,
  G: 32,
  A: 64,
  D: 128,
  /** Bits 54..63 are reserved without Svnapot and Svpbmt. */
  RESERVED_SHIFT: 54,
} as const;

/** menvcfg.STCE: the supervisor has a timer compare register. Sstc §2. */
export const MENVCFG_STCE = 1n << 63n;
export const FIOM = 1n;

export const SATP_SV39 = 8;
