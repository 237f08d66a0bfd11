/*
 * virtio behind memory-mapped registers (Virtual I/O Device 1.2, section 4.2), modern: what its
 * drivers share.
 */
#pragma once
#include "bare.h"

/* The board's slots: packages/machine's memory map. */
enum { SLOTS_BASE = 0x10001000, SLOT_SIZE = 0x1000, SLOTS = 8, FIRST_IRQ = 1 };
/* Section 4.2.2. */
enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SEL = 0x024,
  QUEUE_SEL = 0x030,
  QUEUE_NUM = 0x038,
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  STATUS = 0x070,
  QUEUE_DESC = 0x080,
  QUEUE_DRIVER = 0x090,
  QUEUE_DEVICE = 0x0a0,
  CONFIG = 0x100,
};
enum { MAGIC_VALUE = 0x74726976, MODERN = 2 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
/* Bit 32, the first of the second word: the device follows the standard. */
enum { VERSION_1 = 1 };
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

static inline int is_device(u64 base, u32 id)
{
  return REGISTER32(base + MAGIC) == MAGIC_VALUE && REGISTER32(base + VERSION) == MODERN &&
         REGISTER32(base + DEVICE_ID) == id;
}

/* The first steps of section 3.1.1, to FEATURES_OK; gives the status. */
static inline u32 negotiate(u64 base)
{
  u32 status = ACKNOWLEDGE | DRIVER;
  REGISTER32(base + STATUS) = 0;
  REGISTER32(base + STATUS) = status;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 0;
  REGISTER32(base + DRIVER_FEATURES) = 0;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 1;
  REGISTER32(base + DRIVER_FEATURES) = VERSION_1;
  REGISTER32(base + STATUS) = status |= FEATURES_OK;
  return status;
}

static inline void write_address(u64 at, const volatile void *address)
{
  REGISTER32(at) = (u32)(u64)address;
  REGISTER32(at + 4) = (u32)((u64)address >> 32);
}

/* The areas of a queue: descriptors, available ring, used ring. */
static inline void set_queue(u64 base, u32 index, u32 size, const volatile void *const areas[3])
{
  REGISTER32(base + QUEUE_SEL) = index;
  REGISTER32(base + QUEUE_NUM) = size;
  write_address(base + QUEUE_DESC, areas[0]);
  write_address(base + QUEUE_DRIVER, areas[1]);
  write_address(base + QUEUE_DEVICE, areas[2]);
  REGISTER32(base + QUEUE_READY) = 1;
}
