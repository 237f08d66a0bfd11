/**
 * Registers of the event-channel device; the table is in event-channel.ts. All are 32 bits wide.
 */

export const MAGIC = 0x000;
export const VERSION = 0x004;
export const PORTS = 0x008;
export const UPCALL_PENDING = 0x010;
export const UPCALL_MASK = 0x014;
export const SELECTOR_LOW = 0x018;
export const SELECTOR_HIGH = 0x01c;
export const SEND = 0x020;
export const UNMASK = 0x024;
export const PENDING_BASE = 0x1000;
export const MASK_BASE = 0x1200;
/** One past the mask bitmap. */
export const MASK_END = 0x1400;
export const EVENT_CHANNEL_WINDOW_BYTES = 0x4000;

/** "CTVE" in memory: the bytes 45 56 54 43. */
export const EVENT_CHANNEL_MAGIC = 0x4354_5645;
export const EVENT_CHANNEL_VERSION = 1;
/** Ports 0 to 4095; port 0 is reserved and never pending. */
export const EVENT_CHANNEL_PORTS = 4096;
