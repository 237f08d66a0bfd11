/**
 * Constants of virtio over MMIO and of split virtqueues, spelled as in "Virtual I/O Device (VIRTIO)
 * Version 1.2", OASIS, 2022. Registers: §4.2.2; legacy ones: §4.2.4. Status: §2.1. Features: §6.
 * Rings: §2.7.
 */

export const MAGIC_VALUE = 0x000;
export const VERSION = 0x004;
export const DEVICE_ID = 0x008;
export const VENDOR_ID = 0x00c;
export const DEVICE_FEATURES = 0x010;
export const DEVICE_FEATURES_SEL = 0x014;
export const DRIVER_FEATURES = 0x020;
export const DRIVER_FEATURES_SEL = 0x024;
/** Legacy: the guest's page size, in bytes. */
export const GUEST_PAGE_SIZE = 0x028;
export const QUEUE_SEL = 0x030;
export const QUEUE_NUM_MAX = 0x034;
export const QUEUE_NUM = 0x038;
/** Legacy: alignment of the used ring, in bytes. */
export const QUEUE_ALIGN = 0x03c;
/** Legacy: page number of the queue; 0 stops it. */
export const QUEUE_PFN = 0x040;
export const QUEUE_READY = 0x044;
export const QUEUE_NOTIFY = 0x050;
export const INTERRUPT_STATUS = 0x060;
export const INTERRUPT_ACK = 0x064;
export const STATUS = 0x070;
export const QUEUE_DESC_LOW = 0x080;
export const QUEUE_DESC_HIGH = 0x084;
export const QUEUE_DRIVER_LOW = 0x090;
export const QUEUE_DRIVER_HIGH = 0x094;
export const QUEUE_DEVICE_LOW = 0x0a0;
export const QUEUE_DEVICE_HIGH = 0x0a4;
/** Shared memory regions: none, so length and base read as all ones. */
export const SHM_LEN_LOW = 0x0b0;
export const SHM_BASE_HIGH = 0x0bc;
export const CONFIG_GENERATION = 0x0fc;
export const CONFIG = 0x100;
export const VIRTIO_MMIO_WINDOW_BYTES = 0x1000;

/** "virt", little-endian. */
export const VIRTIO_MAGIC = 0x7472_6976;
/** "QEMU": some guests look for it. */
export const VIRTIO_VENDOR = 0x554d_4551;
export const VERSION_LEGACY = 1;
export const VERSION_MODERN = 2;

export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const DEVICE_NEEDS_RESET = 64;
export const FAILED = 128;

export const INTERRUPT_USED_RING = 1;
export const INTERRUPT_CONFIG = 2;

export const VIRTIO_F_ANY_LAYOUT = 27;
export const VIRTIO_F_INDIRECT_DESC = 28;
export const VIRTIO_F_EVENT_IDX = 29;
export const VIRTIO_F_VERSION_1 = 32;

export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
export const VIRTQ_DESC_BYTES = 16;
