/**
 * The linear memory: where everything that a guest can observe lives, and what is derived from it.
 *
 *   0x0000   nothing, so that address 0 is never valid
 *   0x0400   hart state        canonical: in snapshots and digests
 *   0x0c00   control words     how `run` and JavaScript talk; derived or transient
 *   0x0d00   secret of hashes  constant after start
 *   0x1000   CSR index table   constant after start
 *   0x2000   architectural TLB canonical
 *   0xa000   fast TLBs         derived: can be dropped at any time
 *            page flags, page directory, decoded pages: derived
 *            ROM, RAM          guest memory
 *
 * Invariants: regions do not overlap; every fast TLB entry of S and U contexts has an architectural
 * entry.
 */

/** Guest-physical addresses. */
export const RAM_BASE = 0x8000_0000;
export const ROM_BASE = 0x1000;
export const ROM_SIZE_BYTES = 0xf000;
export const PAGE_BYTES = 4096;

/** The hart state: registers first, because decoded instructions name them by offset from here. */
export const HART = 0x400;

/** Offsets in the hart state. A register is 8 bytes. */
export const X_OFFSET = 0;
export const F_OFFSET = 256;
/** Writes to x0 go here; not canonical. */
export const SINK_OFFSET = 512;
const CSR_OFFSET = 520;

/** 64-bit words of hart state after the registers, in order. */
const HART_WORDS = [
  'pc',
  'privilege',
  // Physical address of the LR/SC reservation, or all ones.
  'reservation',
  // Virtual page address of the current fetch translation, or all ones (never a page address).
  'fetchPage',
  // Physical page address it leads to.
  'fetchPhysical',
  'mstatus',
  'medeleg',
  'mideleg',
  'mie',
  // Bits of mip that software wrote, and bits that devices and the timer drive.
  'mipSoft',
  'mipLines',
  'mtvec',
  'mcounteren',
  'menvcfg',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'stvec',
  'scounteren',
  'senvcfg',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'stimecmp',
  'satp',
  'fflags',
  'frm',
  // minstret = step + instretBias; mcycle likewise (docs/architecture.md §4).
  'instretBias',
  'cycleBias',
  'pmpcfg0',
  'pmpcfg2',
  // The time line.
  'originStep',
  'originTicks',
  'slope',
] as const;

export type HartWord = (typeof HART_WORDS)[number];

/** Absolute addresses of the words of hart state. */
export const WORD: Readonly<Record<HartWord, number>> = Object.fromEntries(
  HART_WORDS.map((name, i) => [name, HART + CSR_OFFSET + i * 8]),
) as Record<HartWord, number>;

export const PMP_COUNT = 16;
/** pmpaddr0..15. */
export const PMP_ADDR = HART + CSR_OFFSET + HART_WORDS.length * 8;
/** End of the canonical hart state. */
export const HART_END = PMP_ADDR + PMP_COUNT * 8;

/** Control words, 4 or 8 bytes. */
export const CONTROL = {
  /** i64: the step at which the budget of this `run` ends. */
  stepEnd: 0xc00,
  /** i32: steps left of it, valid whenever a function outside the interpreter loop runs. */
  left: 0xc08,
  /** i32: not 0 once a trap was taken in a slow path; the loop goes on at the trap handler. */
  trapped: 0xc0c,
  /** i32: not 0 to leave `run` after the current instruction. */
  exitRequest: 0xc10,
  /** i32: fast TLB of data accesses (depends on effective privilege and SUM), as an address. */
  dataContext: 0xc14,
  /** i32: fast TLB of fetches, as an address. */
  fetchContext: 0xc18,
  /** i32: decoded page of the current fetch translation. */
  fetchDecoded: 0xc1c,
  /** i32: number of the decoded page to evict next. */
  nextDecoded: 0xc20,
  /** i32: number of pages in the list of pages written in this epoch. */
  writtenCount: 0xc24,
  /** i32: not 0 if S-mode ecalls leave `run`. */
  builtInSbi: 0xc28,
  /** i32: size of RAM in pages. */
  ramPages: 0xc2c,
  /** i32: result of the last failed bus access: 0 ok, 1 nothing there. */
  busFault: 0xc30,
  /**
   * i32: not 0 if an interrupt may have become takeable: looked at after the current instruction.
   */
  recheck: 0xc34,
  /** i32: why the region called last has returned: {@link REGION_EXIT}. */
  regionExit: 0xc38,
  /** i32: 1 + the number of that region in the table of regions. */
  regionLeft: 0xc3c,
  /** i64: transfers of control so far, in a core that counts them: state. */
  transfers: 0xc40,
  /** i64: where a watched run stops: see `transfers.ts`. */
  watchedTransfers: 0xc48,
  watchedPc: 0xc50,
  /** i32: 1 if it makes a step first; then 0. */
  watchSkipsHere: 0xc58,
  /** 128 bits each, little-endian: the hash of a page, made last, and two sums of RAM's pages. */
  pageHash: 0xc60,
  ramSum: 0xc70,
  freshSum: 0xc80,
  /** 8 bytes: the digest of the registers, made last. */
  registerDigest: 0xc90,
} as const;

/** Constant after start: the secret of hashes, 192 bytes. */
export const HASH_SECRET = 0xd00;

/** Why a region returns; pc is in memory and registers are written back. */
export const REGION_EXIT = {
  /** Control goes on at pc. */
  jump: 0,
  /**
   * The instruction at pc is the interpreter's: of a kind no region executes, or few steps left.
   */
  interpret: 1,
  /** A trap was taken: pc is at its handler. */
  trapped: 2,
  /** As `jump`, but an interrupt may have become takeable or the host be asked for. */
  check: 3,
} as const;

/**
 * A cell, 4 bytes a slot of a decoded page: 0 or more counts jumps to the slot; where bit 31 is set
 * a region may be entered there: bits 30 to 8 are its number in the table of regions, bits 7 to 0
 * the number of its entry.
 */
export const CELL = { region: 0x8000_0000, regionShift: 8, entryMask: 0xff } as const;

/** One byte a CSR number: its index in the generated switch, 255 for none. */
export const CSR_INDEX = 0x1000;

/**
 * Architectural TLB: direct-mapped by virtual page number; 16 bytes: key, PTE of the 4 KiB page.
 */
export const TLB_ENTRIES = 1024;
export const TLB_ENTRY_SHIFT = 4;
export const TLB_ENTRY_BYTES = 1 << TLB_ENTRY_SHIFT;
export const TLB_BYTES = TLB_ENTRIES * TLB_ENTRY_BYTES;
export const ARCH_TLB = 0x2000;

/**
 * Fast TLBs: four contexts of three tables each (read, write, fetch), indexed like the
 * architectural one. An entry is {i64 virtual page address or all ones, i32 value, i32 unused}. For
 * reads and writes the value is what to add to the low 32 bits of the address; for fetches it is
 * the decoded page.
 */
export const FAST_TLB = ARCH_TLB + TLB_BYTES;
export const FAST_READ = 0;
export const FAST_WRITE = TLB_BYTES;
export const FAST_FETCH = 2 * TLB_BYTES;
export const CONTEXT_BYTES = 3 * TLB_BYTES;
export const CONTEXT = {
  user: FAST_TLB,
  supervisor: FAST_TLB + CONTEXT_BYTES,
  /** S-mode with SUM: may touch user pages. */
  supervisorUser: FAST_TLB + 2 * CONTEXT_BYTES,
  machine: FAST_TLB + 3 * CONTEXT_BYTES,
} as const;
export const FAST_TLB_END = FAST_TLB + 4 * CONTEXT_BYTES;

/** Decoded pages: a slot of 16 bytes a halfword, then two sentinels; rounded to a cache line. */
export const SLOT_BYTES = 16;
export const SLOTS_PER_PAGE = PAGE_BYTES / 2;
export const DECODED_PAGE_BYTES = (SLOTS_PER_PAGE + 4) * SLOT_BYTES;
export const DECODED_SLOTS_BYTES = SLOTS_PER_PAGE * SLOT_BYTES;

/** Fields of a slot: what the interpreter reads of a decoded instruction. */
export const SLOT = {
  /** u16: number of the handler. */
  handler: 0,
  /** u16: bytes to the next slot in sequence: 16 or 32. */
  advance: 2,
  /** u16: offsets of registers in the hart state. */
  rd: 4,
  rs1: 6,
  /**
   * i32: immediate; branch offsets times 8, CSR number, rounding mode, or the bits of an illegal
   * instruction.
   */
  imm: 8,
  rs2: 12,
  rs3: 14,
} as const;

/** Flags of a RAM page, one byte each. */
export const PAGE_FLAG = {
  /** Written by anyone since power-on. */
  everWritten: 1,
  /** Written in this epoch, and in the list of written pages. */
  written: 2,
  /** Has a decoded page: stores must drop slots. */
  hasCode: 4,
} as const;

/** Places that depend on the size of RAM. */
export interface MemoryPlan {
  readonly ramPages: number;
  /** One byte a RAM page: {@link PAGE_FLAG}. */
  readonly pageFlags: number;
  /** u32 a RAM page: written pages of this epoch, in order of first write. */
  readonly writtenList: number;
  /** 16 bytes a RAM page: what it counts in the sum of RAM, as far as that is kept. */
  readonly pageHashes: number;
  /** Where registers are gathered to be hashed, and pages that are not RAM, after their number. */
  readonly digested: number;
  /** u32 a RAM page, then 15 for the ROM: address of the decoded page or 0. */
  readonly decodedOf: number;
  readonly decodedPool: number;
  readonly decodedCount: number;
  /** u32 a decoded page: 1 + index into `decodedOf` of its page, or 0. */
  readonly decodedOwner: number;
  /** u32 a decoded page: stores that hit the page but no decoded slot. */
  readonly decodedStrayStores: number;
  /** u32 a decoded page: not 0 if regions were made from it. */
  readonly decodedRegions: number;
  /** Cells: that of the slot at address `a` is at `a` / 4 + `cellBias`. */
  readonly cellBias: number;
  /** Counters of a profiled core; see `inspect/probes.ts`. */
  readonly counters: number;
  readonly rom: number;
  readonly ram: number;
  readonly totalBytes: number;
}

const ROM_PAGES = ROM_SIZE_BYTES / PAGE_BYTES;
const DECODED_PAGES_MAX = 2048;
export const DIGESTED_BYTES_MAX = 8 + PAGE_BYTES;

/** `countersBytes`: 0 unless the core is profiled. */
export function planMemory(ramSizeBytes: number, countersBytes = 0): MemoryPlan {
  const ramPages = ramSizeBytes / PAGE_BYTES;
  const decodedCount = Math.min(DECODED_PAGES_MAX, ramPages + ROM_PAGES);
  let next = align(FAST_TLB_END, 65_536);
  const take = (bytes: number, alignment: number): number => {
    const at = align(next, alignment);
    next = at + bytes;
    return at;
  };
  const plan = {
    ramPages,
    pageFlags: take(ramPages, 64),
    writtenList: take(ramPages * 4, 64),
    pageHashes: take(ramPages * 16, 64),
    digested: take(DIGESTED_BYTES_MAX, 64),
    decodedOf: take((ramPages + ROM_PAGES) * 4, 64),
    decodedCount,
    decodedOwner: take(decodedCount * 4, 64),
    decodedStrayStores: take(decodedCount * 4, 64),
    decodedRegions: take(decodedCount * 4, 64),
    decodedPool: take(decodedCount * DECODED_PAGE_BYTES, PAGE_BYTES),
    cells: take((decodedCount * DECODED_PAGE_BYTES) / 4, PAGE_BYTES),
    counters: take(countersBytes, 64),
    rom: take(ROM_SIZE_BYTES, PAGE_BYTES),
    ram: take(ramSizeBytes, 65_536),
    totalBytes: align(next, 65_536),
  };
  return { ...plan, cellBias: plan.cells - plan.decodedPool / 4 };
}

function align(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
