/**
 * Registers, operations and codes of the event-channel device; the tables are in event-channel.ts
 * and operations.ts. Registers are 32 bits wide; a 64-bit one is two, low half first.
 */

export const MAGIC = 0x000;
export const VERSION = 0x004;
export const PORTS = 0x008;
export const VCPUS = 0x00c;
export const DOMAIN = 0x010;

/** A frame of registers for each vCPU: its operations, with their arguments and results. */
export const FRAME_BASE = 0x1000;
export const FRAME_STRIDE = 0x80;
/** In a frame: six arguments of 64 bits. */
export const ARGUMENTS = 0x00;
export const ARGUMENTS_MAX = 6;
export const OPERATION = 0x30;
/** Signed, 64 bits. */
export const RESULT = 0x38;

export const EVENT_CHANNEL_WINDOW_BYTES = 0x4000;

/** "CTVE" in memory: the bytes 45 56 54 43. */
export const EVENT_CHANNEL_MAGIC = 0x4354_5645;
export const EVENT_CHANNEL_VERSION = 2;
/** Ports 0 to 4095; port 0 is reserved and never pending. */
export const EVENT_CHANNEL_PORTS = 4096;
/** vCPUs that shared_info has room for: XEN_LEGACY_MAX_VCPUS, public/arch-x86/xen.h. */
export const VCPUS_MAX = 32;

/** Domain IDs: public/xen.h. */
export const DOMID_SELF = 0x7ff0;
/** Domain 0 is the host: the other end of the console's channel. */
export const DOMID_HOST = 0;

/** Errors of Xen, public/errno.h. */
export const EPERM = -1;
export const ENOENT = -2;
export const ESRCH = -3;
export const EBUSY = -16;
export const EEXIST = -17;
export const EINVAL = -22;
export const ENOSPC = -28;
export const ENOSYS = -38;
export const ETIME = -62;
export const EOPNOTSUPP = -95;

/** Results of grant operations, public/grant_table.h. */
export const GNTST_okay = 0;
export const GNTST_general_error = -1;
export const GNTST_bad_domain = -2;
export const GNTST_bad_gntref = -3;
export const GNTST_bad_handle = -4;
export const GNTST_bad_virt_addr = -5;
export const GNTST_no_device_space = -7;
export const GNTST_bad_page = -9;
export const GNTST_bad_copy_arg = -10;

/** Virtual interrupts, public/xen.h. */
export const VIRQ_TIMER = 0;
export const NR_VIRQS = 24;
