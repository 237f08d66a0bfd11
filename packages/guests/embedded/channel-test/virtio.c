/*
 * Devices behind virtio-mmio (Virtual I/O Device 1.2, sections 2.7 and 4.2), modern, of which one
 * queue is used: the one that the device fills.
 */
#include "channel-test.h"

enum { SLOTS = 0x10001000, SLOT_SIZE = 0x1000, SLOT_COUNT = 8, FIRST_IRQ = 1, INPUTS = 3 };
enum { MAGIC = 0x74726976, MODERN = 2 };
enum {
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
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
/* Bit 32, the first of the second word: the device follows the standard. */
enum { VERSION_1 = 1 };
enum { DEVICE_WRITES = 2 };

struct virtio_input {
  u64 base;
  u32 irq;
  u16 seen;
  struct {
    u64 address;
    u32 length;
    u16 flags, next;
  } descriptors[VIRTIO_BUFFERS] __attribute__((aligned(16)));
  struct {
    u16 flags;
    volatile u16 index;
    u16 ring[VIRTIO_BUFFERS];
  } available;
  struct {
    u16 flags;
    volatile u16 index;
    struct {
      u32 id, length;
    } ring[VIRTIO_BUFFERS];
  } used __attribute__((aligned(4)));
  u8 buffers[VIRTIO_BUFFERS][VIRTIO_BUFFER_SIZE];
};

static struct virtio_input inputs[INPUTS];

static void write_address(u64 reg, const void *address)
{
  REGISTER32(reg) = (u32)(u64)address;
  REGISTER32(reg + 4) = (u32)((u64)address >> 32);
}

static void give(struct virtio_input *input, u32 buffer)
{
  input->available.ring[input->available.index % VIRTIO_BUFFERS] = (u16)buffer;
  barrier();
  input->available.index++;
  barrier();
  REGISTER32(input->base + QUEUE_NOTIFY) = 0;
}

/* The steps of section 3.1.1. */
static void start(struct virtio_input *input)
{
  u64 base = input->base;
  u32 status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  REGISTER32(base + STATUS) = 0;
  REGISTER32(base + STATUS) = ACKNOWLEDGE | DRIVER;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 0;
  REGISTER32(base + DRIVER_FEATURES) = 0;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 1;
  REGISTER32(base + DRIVER_FEATURES) = VERSION_1;
  REGISTER32(base + STATUS) = status;
  check("features", REGISTER32(base + STATUS) & FEATURES_OK, (i64)base);
  REGISTER32(base + QUEUE_SEL) = 0;
  REGISTER32(base + QUEUE_NUM) = VIRTIO_BUFFERS;
  write_address(base + QUEUE_DESC, input->descriptors);
  write_address(base + QUEUE_DRIVER, &input->available);
  write_address(base + QUEUE_DEVICE, &input->used);
  REGISTER32(base + QUEUE_READY) = 1;
  REGISTER32(base + STATUS) = status | DRIVER_OK;
}

struct virtio_input *virtio_open(u32 number, u32 device_id, u32 buffer_count)
{
  struct virtio_input *input = &inputs[number];
  for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
    u64 base = SLOTS + slot * SLOT_SIZE;
    if (REGISTER32(base) != MAGIC || REGISTER32(base + VERSION) != MODERN ||
        REGISTER32(base + DEVICE_ID) != device_id)
      continue;
    input->base = base;
    input->irq = FIRST_IRQ + slot;
    start(input);
    enable_irq(input->irq);
    for (u32 i = 0; i < buffer_count; i++) {
      input->descriptors[i].address = (u64)input->buffers[i];
      input->descriptors[i].length = VIRTIO_BUFFER_SIZE;
      input->descriptors[i].flags = DEVICE_WRITES;
      give(input, i);
    }
    return input;
  }
  return 0;
}

u64 virtio_take(struct virtio_input *input, u64 checksum)
{
  if (!input)
    return checksum;
  while (input->seen != input->used.index) {
    barrier();
    u32 slot = input->seen++ % VIRTIO_BUFFERS;
    u32 buffer = input->used.ring[slot].id, length = input->used.ring[slot].length;
    checksum = mix(checksum, length);
    for (u32 i = 0; i < length; i++)
      checksum = mix(checksum, input->buffers[buffer][i]);
    give(input, buffer);
  }
  return checksum;
}

void virtio_acknowledge(u32 irq)
{
  for (u32 i = 0; i < INPUTS; i++) {
    u64 base = inputs[i].base;
    if (base && inputs[i].irq == irq)
      REGISTER32(base + INTERRUPT_ACK) = REGISTER32(base + INTERRUPT_STATUS);
  }
}
