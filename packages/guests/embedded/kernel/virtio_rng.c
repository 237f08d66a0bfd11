/*
 * Random numbers (Virtual I/O Device 1.2, section 5.4): the device fills what it is given, in whole
 * or in part.
 */
#include "virtio.h"

static struct virtio_device entropy;

void random_init(void)
{
  virtio_start(&entropy, VIRTIO_ID_ENTROPY, 0);
}

int random_present(void)
{
  return entropy.base != 0;
}

u32 random_read(void *bytes, u32 size)
{
  struct virtio_buffer buffer = {bytes, size, 1};
  return virtio_request(&entropy, &buffer, 1);
}
