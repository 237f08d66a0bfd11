/** Register map of the PLIC. RISC-V PLIC Specification 1.0.0_rc5, "Memory Map". */

/** Priority of source n at 4 n. */
export const PRIORITY_BASE = 0x00_0000;
/** Pending bit of source n: bit n mod 32 of word n / 32. */
export const PENDING_BASE = 0x00_1000;
/** Enable bits of context c at 0x2000 + 0x80 c. */
export const ENABLE_BASE = 0x00_2000;
export const ENABLE_STRIDE = 0x80;
/** Threshold of context c at 0x200000 + 0x1000 c; claim/complete 4 bytes on. */
export const CONTEXT_BASE = 0x20_0000;
export const CONTEXT_STRIDE = 0x1000;
export const CONTEXT_THRESHOLD = 0;
export const CONTEXT_CLAIM = 4;
/** The window that QEMU's `virt` gives it in the device tree. */
export const PLIC_WINDOW_BYTES = 0x60_0000;
/** `riscv,ndev` of QEMU's `virt`: sources 1 to 95. */
export const PLIC_SOURCES = 95;
/** Priorities are 0 (never) to 7, as QEMU's `virt` has them. */
export const PRIORITY_MAX = 7;
