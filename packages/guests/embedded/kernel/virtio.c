#include "virtio.h"
#include "riscv.h"

/* Registers: section 4.2.2 and, for the legacy interface, 4.2.4. */
enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DEVICE_FEATURES = 0x010,
  DEVICE_FEATURES_SEL = 0x014,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SEL = 0x024,
  LEGACY_GUEST_PAGE_SIZE = 0x028,
  QUEUE_SEL = 0x030,
  QUEUE_NUM = 0x038,
  LEGACY_QUEUE_ALIGN = 0x03c,
  LEGACY_QUEUE_PFN = 0x040,
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  STATUS = 0x070,
  QUEUE_DESC_LOW = 0x080,
  QUEUE_DRIVER_LOW = 0x090,
  QUEUE_DEVICE_LOW = 0x0a0,
};
enum { MAGIC_VALUE = 0x74726976, LEGACY = 1, MODERN = 2, PAGE_SIZE = 4096 };
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8 };
/* Feature 32, the first bit of the second word: the device follows the standard. */
enum { VERSION_1 = 1 };
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

static void write_register(struct virtio_device *device, u32 offset, u32 value)
{
  REGISTER32(device->base + offset) = value;
}

static u32 read_register(const struct virtio_device *device, u32 offset)
{
  return REGISTER32(device->base + offset);
}

static void write_address(struct virtio_device *device, u32 offset, const volatile void *address)
{
  write_register(device, offset, (u32)(u64)address);
  write_register(device, offset + 4, (u32)((u64)address >> 32));
}

static struct device find(u32 device_id)
{
  for (int index = 0;; index++) {
    struct device found = fdt_device("virtio,mmio", index);
    if (!found.base)
      return found;
    u32 version = REGISTER32(found.base + VERSION);
    if (REGISTER32(found.base + MAGIC) == MAGIC_VALUE && (version == LEGACY || version == MODERN) &&
        REGISTER32(found.base + DEVICE_ID) == device_id)
      return found;
  }
}

static void complete(void *argument)
{
  struct virtio_device *device = argument;
  write_register(device, INTERRUPT_ACK, read_register(device, INTERRUPT_STATUS));
  thread_wake(device);
}

static void set_up_queue(struct virtio_device *device, int is_legacy)
{
  struct virtq *queue = &device->queue;
  write_register(device, QUEUE_SEL, 0);
  write_register(device, QUEUE_NUM, VIRTIO_QUEUE_SIZE);
  if (is_legacy) {
    write_register(device, LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE);
    write_register(device, LEGACY_QUEUE_ALIGN, PAGE_SIZE);
    write_register(device, LEGACY_QUEUE_PFN, (u32)((u64)queue / PAGE_SIZE));
    return;
  }
  write_address(device, QUEUE_DESC_LOW, queue->descriptors);
  write_address(device, QUEUE_DRIVER_LOW, &queue->available_flags);
  write_address(device, QUEUE_DEVICE_LOW, &queue->used_flags);
  write_register(device, QUEUE_READY, 1);
}

/* The steps of section 3.1.1. */
void virtio_start(struct virtio_device *device, u32 device_id, u32 wanted_features)
{
  struct device found = find(device_id);
  if (!found.base)
    return;
  device->base = found.base;
  int is_legacy = read_register(device, VERSION) == LEGACY;
  u32 status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
  write_register(device, STATUS, 0);
  write_register(device, STATUS, STATUS_ACKNOWLEDGE);
  write_register(device, STATUS, status);
  write_register(device, DEVICE_FEATURES_SEL, 0);
  device->features = read_register(device, DEVICE_FEATURES) & wanted_features;
  write_register(device, DRIVER_FEATURES_SEL, 0);
  write_register(device, DRIVER_FEATURES, device->features);
  if (!is_legacy) {
    write_register(device, DRIVER_FEATURES_SEL, 1);
    write_register(device, DRIVER_FEATURES, VERSION_1);
    status |= STATUS_FEATURES_OK;
    write_register(device, STATUS, status);
    if (!(read_register(device, STATUS) & STATUS_FEATURES_OK))
      panic("virtio device at 0x%lx refuses its features", device->base);
  }
  set_up_queue(device, is_legacy);
  write_register(device, STATUS, status | STATUS_DRIVER_OK);
  plic_enable(found.irq, complete, device);
}

u32 virtio_request(struct virtio_device *device, const struct virtio_buffer *buffers, u32 count)
{
  struct virtq *queue = &device->queue;
  mutex_lock(&device->lock);
  for (u32 i = 0; i < count; i++) {
    u16 flags = buffers[i].is_device_written ? DESCRIPTOR_WRITE : 0;
    if (i + 1 < count)
      flags |= DESCRIPTOR_NEXT;
    queue->descriptors[i] =
        (struct virtq_descriptor){(u64)buffers[i].bytes, buffers[i].size, flags, (u16)(i + 1)};
  }
  queue->available_ring[queue->available_index % VIRTIO_QUEUE_SIZE] = 0;
  device_fence();
  queue->available_index++;
  device_fence();
  u64 before = disable_interrupts();
  write_register(device, QUEUE_NOTIFY, 0);
  while (queue->used_index == device->used_seen)
    thread_wait(device);
  restore_interrupts(before);
  device_fence();
  u32 written = queue->used_ring[device->used_seen % VIRTIO_QUEUE_SIZE].length;
  device->used_seen++;
  mutex_unlock(&device->lock);
  return written;
}
