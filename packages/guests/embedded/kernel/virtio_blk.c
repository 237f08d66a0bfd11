/* The disk (Virtual I/O Device 1.2, section 5.2). */
#include "virtio.h"

enum { FEATURE_FLUSH = 1u << 9 };
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };
enum { STATUS_OK = 0, STATUS_UNSET = 0xff };

static struct virtio_device disk;

void disk_init(void)
{
  virtio_start(&disk, VIRTIO_ID_BLOCK, FEATURE_FLUSH);
}

u64 disk_sectors(void)
{
  if (!disk.base)
    return 0;
  u64 low = REGISTER32(disk.base + VIRTIO_CONFIG);
  return (u64)REGISTER32(disk.base + VIRTIO_CONFIG + 4) << 32 | low;
}

/* Section 5.2.6: a header, the data, and a byte of status that the device writes. */
static int request(u32 type, u64 sector, void *bytes, u32 size)
{
  struct {
    u32 type;
    u32 reserved;
    u64 sector;
  } header = {type, 0, sector};
  volatile u8 status = STATUS_UNSET;
  struct virtio_buffer buffers[3] = {{&header, sizeof(header), 0}};
  u32 count = 1;
  if (size)
    buffers[count++] = (struct virtio_buffer){bytes, size, type == TYPE_IN};
  buffers[count++] = (struct virtio_buffer){(void *)&status, 1, 1};
  virtio_request(&disk, buffers, count);
  return status == STATUS_OK ? 0 : -1;
}

int disk_read(u64 sector, void *bytes)
{
  return request(TYPE_IN, sector, bytes, SECTOR_SIZE);
}

int disk_write(u64 sector, const void *bytes)
{
  return request(TYPE_OUT, sector, (void *)bytes, SECTOR_SIZE);
}

int disk_flush(void)
{
  return disk.features & FEATURE_FLUSH ? request(TYPE_FLUSH, 0, 0, 0) : 0;
}
