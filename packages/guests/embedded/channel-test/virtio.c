/* Devices of which one queue is used: the one that the device fills. */
#include "channel-test.h"
#include "virtio-mmio.h"

enum { INPUTS = 3 };

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

static void give(struct virtio_input *input, u32 buffer)
{
  input->available.ring[input->available.index % VIRTIO_BUFFERS] = (u16)buffer;
  barrier();
  input->available.index++;
  barrier();
  REGISTER32(input->base + QUEUE_NOTIFY) = 0;
}

static void start(struct virtio_input *input)
{
  u64 base = input->base;
  u32 status = negotiate(base);
  check("features", REGISTER32(base + STATUS) & FEATURES_OK, (i64)base);
  const volatile void *const areas[] = {input->descriptors, &input->available, &input->used};
  set_queue(base, 0, VIRTIO_BUFFERS, areas);
  REGISTER32(base + STATUS) = status | DRIVER_OK;
}

struct virtio_input *virtio_open(u32 number, u32 device_id, u32 buffer_count)
{
  struct virtio_input *input = &inputs[number];
  for (u32 slot = 0; slot < SLOTS; slot++) {
    u64 base = SLOTS_BASE + slot * SLOT_SIZE;
    if (!is_device(base, device_id))
      continue;
    input->base = base;
    input->irq = FIRST_IRQ + slot;
    start(input);
    enable_irq(input->irq);
    for (u32 i = 0; i < buffer_count; i++) {
      input->descriptors[i].address = (u64)input->buffers[i];
      input->descriptors[i].length = VIRTIO_BUFFER_SIZE;
      input->descriptors[i].flags = DESCRIPTOR_WRITE;
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
