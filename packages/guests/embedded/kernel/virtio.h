/*
 * virtio devices behind memory-mapped registers (Virtual I/O Device 1.2, section 4.2), modern and
 * legacy, driven in the simplest way: one queue, one request at a time.
 */
#pragma once
#include "kernel.h"

enum { VIRTIO_ID_BLOCK = 2, VIRTIO_ID_ENTROPY = 4 };
enum { VIRTIO_QUEUE_SIZE = 8 };
/* Where the device's own configuration begins. */
enum { VIRTIO_CONFIG = 0x100 };

/* Section 2.7.5: the descriptor table. */
struct virtq_descriptor {
  u64 address;
  u32 length;
  u16 flags;
  u16 next;
};

/*
 * The three parts of a split queue as the legacy interface wants them (section 2.7.2): available
 * ring behind the descriptors, used ring on the next page. The modern interface takes any layout,
 * so this one does for both.
 */
struct virtq {
  struct virtq_descriptor descriptors[VIRTIO_QUEUE_SIZE];
  u16 available_flags;
  volatile u16 available_index;
  u16 available_ring[VIRTIO_QUEUE_SIZE];
  u8 padding[4096 - 16 * VIRTIO_QUEUE_SIZE - 4 - 2 * VIRTIO_QUEUE_SIZE];
  u16 used_flags;
  volatile u16 used_index;
  struct {
    u32 id;
    volatile u32 length;
  } used_ring[VIRTIO_QUEUE_SIZE];
} __attribute__((aligned(4096)));

struct virtio_device {
  u64 base; /* 0: absent */
  u32 features; /* agreed on, bits 0 to 31 */
  u16 used_seen;
  struct mutex lock;
  struct virtq queue;
};

struct virtio_buffer {
  void *bytes;
  u32 size;
  int is_device_written;
};

/*
 * Looks for a device of this kind, resets it and makes it ready. `base` stays 0 if there is none.
 */
void virtio_start(struct virtio_device *device, u32 device_id, u32 wanted_features);
/* Hands a request over and waits until it is done; how many bytes the device wrote. */
u32 virtio_request(struct virtio_device *device, const struct virtio_buffer *buffers, u32 count);
