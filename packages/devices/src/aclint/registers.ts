/**
 * Register offsets of a SiFive-CLINT-compatible pair of MSWI and MTIMER.
 * RISC-V ACLINT 1.0-draft, "Backward Compatibility With SiFive CLINT".
 */

/** MSIP of hart n is at 4 n. */
export const MSIP_BASE = 0x0000;
/** mtimecmp of hart n is at 0x4000 + 8 n. */
export const MTIMECMP_BASE = 0x4000;
export const MTIME_LOW = 0xbff8;
export const MTIME_HIGH = 0xbffc;
export const ACLINT_WINDOW_BYTES = 0x1_0000;
/** The timebase of QEMU's `virt`, in Hz: one tick is 100 ns. */
export const TIMEBASE_HZ = 10_000_000;
