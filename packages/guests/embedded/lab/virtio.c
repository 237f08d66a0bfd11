/* Drivers in the simplest way: one request at a time, no interrupts. */
#include "lab.h"
#include "virtio-mmio.h"

enum { SECTORS_A_BLOCK = 8 };

struct virtq {
  struct {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
  } descriptors[QUEUE_SIZE];
  u16 available_flags;
  volatile u16 available_index;
  u16 available_ring[QUEUE_SIZE];
  u8 padding[28];
  u16 used_flags;
  volatile u16 used_index;
  struct {
    u32 id;
    volatile u32 length;
  } used_ring[QUEUE_SIZE];
  u16 used_seen;
} __attribute__((aligned(64)));

static struct virtq queues[2];

void virtio_start(struct virtio *device, u32 id, u32 count)
{
  for (u32 slot = 0; slot < SLOTS && device->base == 0; slot++) {
    u64 base = SLOTS_BASE + slot * SLOT_SIZE;
    if (is_device(base, id))
      device->base = base;
  }
  if (device->base == 0)
    return;
  u32 status = negotiate(device->base);
  for (u32 i = 0; i < count; i++) {
    struct virtq *queue = device->queues[i] = &queues[i];
    const volatile void *const areas[] = {queue->descriptors, &queue->available_flags,
                                          &queue->used_flags};
    set_queue(device->base, i, QUEUE_SIZE, areas);
  }
  REGISTER32(device->base + STATUS) = status | DRIVER_OK;
}

void virtio_offer(struct virtio *device, u32 index, u32 first, const struct buffer *buffers,
                  u32 count)
{
  struct virtq *queue = device->queues[index];
  for (u32 i = 0; i < count; i++) {
    u16 flags = buffers[i].is_device_written ? DESCRIPTOR_WRITE : 0;
    if (i + 1 < count)
      flags |= DESCRIPTOR_NEXT;
    queue->descriptors[first + i].address = (u64)buffers[i].bytes;
    queue->descriptors[first + i].length = buffers[i].size;
    queue->descriptors[first + i].flags = flags;
    queue->descriptors[first + i].next = (u16)(first + i + 1);
  }
  queue->available_ring[queue->available_index % QUEUE_SIZE] = (u16)first;
  barrier();
  queue->available_index++;
  barrier();
  REGISTER32(device->base + QUEUE_NOTIFY) = index;
}

int virtio_take(struct virtio *device, u32 index, u32 *written)
{
  struct virtq *queue = device->queues[index];
  if (queue->used_index == queue->used_seen)
    return -1;
  barrier();
  u32 slot = queue->used_seen++ % QUEUE_SIZE;
  if (written)
    *written = queue->used_ring[slot].length;
  return (int)queue->used_ring[slot].id;
}

/* Section 5.2.6: a header, the data, and a byte of status that the device writes. */
int disk_read_block(struct virtio *disk, u64 block, void *bytes)
{
  struct {
    u32 type;
    u32 reserved;
    u64 sector;
  } header = {0, 0, block * SECTORS_A_BLOCK};
  volatile u8 status = 0xff;
  struct buffer buffers[3] = {
      {&header, sizeof(header), 0}, {bytes, BLOCK_SIZE, 1}, {(void *)&status, 1, 1}};
  virtio_offer(disk, 0, 0, buffers, 3);
  while (virtio_take(disk, 0, 0) < 0)
    ;
  return status == 0 ? 0 : -1;
}

u64 disk_blocks(const struct virtio *disk)
{
  u64 low = REGISTER32(disk->base + CONFIG);
  u64 sectors = (u64)REGISTER32(disk->base + CONFIG + 4) << 32 | low;
  return sectors / SECTORS_A_BLOCK;
}
