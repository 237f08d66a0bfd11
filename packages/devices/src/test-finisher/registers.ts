/**
 * The one register of the SiFive test finisher, and what is written to it. QEMU
 * hw/misc/sifive_test.c.
 */

export const FINISHER = 0x0;
/** Low 16 bits of a write; the high 16 bits of a FAIL are its code. */
export const FINISHER_FAIL = 0x3333;
export const FINISHER_PASS = 0x5555;
export const FINISHER_RESET = 0x7777;
export const FINISHER_WINDOW_BYTES = 0x1000;
