/*
 * Virtual I/O Device 1.2, section 5.2, over MMIO (modern): 1 MiB written and read back, one
 * request at a time. The completion's interrupt ends a wfi; it is not taken as a trap.
 */
#include "bench.h"

enum {
  MAGIC = 0x000, VERSION = 0x004, DEVICE_ID = 0x008, DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SEL = 0x024, QUEUE_SEL = 0x030, QUEUE_NUM = 0x038, QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050, INTERRUPT_STATUS = 0x060, INTERRUPT_ACK = 0x064, STATUS = 0x070,
  QUEUE_DESC = 0x080, QUEUE_DRIVER = 0x090, QUEUE_DEVICE = 0x0a0, CONFIG = 0x100,
};
enum { MAGIC_VALUE = 0x74726976, MODERN = 2, ID_BLOCK = 2, SLOTS = 8, QUEUE_SIZE = 4 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { TYPE_IN = 0, TYPE_OUT = 1, DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };
enum { SECTOR = 512, REQUEST_BYTES = 1 << 20 };
#define VIRTIO_BASE 0x10001000ul
#define PLIC_PRIORITY(irq) REGISTER32(0x0c000000ul + 4 * (irq))
/* Context 0: the first hart's M-mode. */
#define PLIC_ENABLE REGISTER32(0x0c002000ul)
#define PLIC_THRESHOLD REGISTER32(0x0c200000ul)
#define PLIC_CLAIM REGISTER32(0x0c200004ul)

static struct {
  u64 address;
  u32 size;
  u16 flags, next;
} descriptors[QUEUE_SIZE] __attribute__((aligned(16)));
static struct {
  u16 flags, index, ring[QUEUE_SIZE];
} available __attribute__((aligned(16)));
static volatile struct {
  u16 flags, index;
  struct {
    u32 id, length;
  } ring[QUEUE_SIZE];
} used __attribute__((aligned(16)));
static UNINITIALIZED u64 buffer[REQUEST_BYTES / 8];
static u64 base;

static void write_address(u32 offset, const volatile void *address)
{
  REGISTER32(base + offset) = (u32)(u64)address;
  REGISTER32(base + offset + 4) = (u32)((u64)address >> 32);
}

static void find_disk(void)
{
  for (u32 slot = 0; slot < SLOTS; slot++) {
    base = VIRTIO_BASE + 0x1000ul * slot;
    if (REGISTER32(base + MAGIC) == MAGIC_VALUE && REGISTER32(base + DEVICE_ID) == ID_BLOCK) {
      if (REGISTER32(base + VERSION) != MODERN)
        fail("the disk has the legacy interface");
      PLIC_PRIORITY(slot + 1) = 1;
      PLIC_ENABLE = 1u << (slot + 1);
      PLIC_THRESHOLD = 0;
      return;
    }
  }
  fail("no disk");
}

/* The steps of section 3.1.1. */
static void start_disk(void)
{
  find_disk();
  REGISTER32(base + STATUS) = 0;
  REGISTER32(base + STATUS) = ACKNOWLEDGE | DRIVER;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 0;
  REGISTER32(base + DRIVER_FEATURES) = 0;
  REGISTER32(base + DRIVER_FEATURES_SEL) = 1;
  REGISTER32(base + DRIVER_FEATURES) = 1; /* VERSION_1 */
  REGISTER32(base + STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  REGISTER32(base + QUEUE_SEL) = 0;
  REGISTER32(base + QUEUE_NUM) = QUEUE_SIZE;
  write_address(QUEUE_DESC, descriptors);
  write_address(QUEUE_DRIVER, &available);
  write_address(QUEUE_DEVICE, &used);
  REGISTER32(base + QUEUE_READY) = 1;
  REGISTER32(base + STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
  set_csr(mie, MIE_MEIE);
}

static void request(u32 type, u64 sector)
{
  struct {
    u32 type, reserved;
    u64 sector;
  } header = {type, 0, sector};
  volatile u8 status = 0xff;
  descriptors[0].address = (u64)&header;
  descriptors[0].size = sizeof(header);
  descriptors[0].flags = DESCRIPTOR_NEXT;
  descriptors[0].next = 1;
  descriptors[1].address = (u64)buffer;
  descriptors[1].size = REQUEST_BYTES;
  descriptors[1].flags = type == TYPE_IN ? DESCRIPTOR_NEXT | DESCRIPTOR_WRITE : DESCRIPTOR_NEXT;
  descriptors[1].next = 2;
  descriptors[2].address = (u64)&status;
  descriptors[2].size = 1;
  descriptors[2].flags = DESCRIPTOR_WRITE;
  u16 before = used.index;
  available.ring[available.index % QUEUE_SIZE] = 0;
  __asm__ volatile("fence" ::: "memory");
  available.index++;
  __asm__ volatile("fence" ::: "memory");
  REGISTER32(base + QUEUE_NOTIFY) = 0;
  while (used.index == before)
    __asm__ volatile("wfi" ::: "memory");
  __asm__ volatile("fence" ::: "memory");
  u32 irq = PLIC_CLAIM;
  REGISTER32(base + INTERRUPT_ACK) = REGISTER32(base + INTERRUPT_STATUS);
  PLIC_CLAIM = irq;
  if (status != 0)
    fail("the disk refuses a request");
}

/* Rounds are one request to write and one to read. */
u64 run_disk(const u64 *arguments)
{
  start_disk();
  u64 places = REGISTER32(base + CONFIG) / (REQUEST_BYTES / SECTOR); /* below 2 TiB */
  if (!places)
    fail("the disk is smaller than 1 MiB");
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++) {
    u64 sector = round * 7 % places * (REQUEST_BYTES / SECTOR);
    for (u32 i = 0; i < REQUEST_BYTES / 8; i++)
      buffer[i] = round * 0x9e3779b97f4a7c15ul + i;
    request(TYPE_OUT, sector);
    for (u32 i = 0; i < REQUEST_BYTES / 8; i++)
      buffer[i] = 0;
    request(TYPE_IN, sector);
    for (u32 i = 0; i < REQUEST_BYTES / 8; i += 64)
      checksum = mix(checksum, buffer[i]);
  }
  return checksum;
}
