/*
 * Guests for a lab of several domains. The first word of the command line picks what:
 *
 *   front PEER BLOCKS N   reads BLOCKS blocks of 4 KiB through a ring from domain PEER, N times
 *   back PEER             reads them for domain PEER from its disk
 *   echo FRAMES           sends every frame back, until it has seen FRAMES different ones
 *   ping PEER FRAMES      sends FRAMES frames to domain PEER and waits for each to come back
 *   victim PEER ROUNDS    offers PEER all ports it may have, and counts to ROUNDS
 *   flood PEER            binds what it gets of PEER's ports, and sends to all there are, for ever
 */
#pragma once
#include "bare.h"

enum { BLOCK_SIZE = 4096, RETRY_NANOSECONDS = 1000000 };

/* block_front.c, block_back.c, frames.c, flood.c */
void run_front(u32 peer, u32 blocks, u32 rounds);
void run_back(u32 peer);
void run_echo(u32 frames);
void run_ping(u32 peer, u32 frames);
void run_victim(u32 peer, u32 rounds);
void run_flood(u32 peer);

/* virtio.c: modern devices, one request at a time, no interrupts. */
enum { QUEUE_SIZE = 8 };
struct virtio {
  u64 base; /* 0: absent */
  struct virtq *queues[2];
};
struct buffer {
  void *bytes;
  u32 size;
  int is_device_written;
};
/* Finds a device of this kind and makes its first `queues` queues ready. */
void virtio_start(struct virtio *device, u32 id, u32 queues);
/* Offers a chain that starts with descriptor `first`. */
void virtio_offer(struct virtio *device, u32 queue, u32 first, const struct buffer *buffers,
                  u32 count);
/* The next chain that the device is done with: its first descriptor, or -1. */
int virtio_take(struct virtio *device, u32 queue, u32 *written);
/* The disk: 8 sectors. 0, or -1. */
int disk_read_block(struct virtio *disk, u64 block, void *bytes);
u64 disk_blocks(const struct virtio *disk);
/* A port that is bound to the timer. */
u32 timer_port(void);
/* Tries until the other domain has come so far; ends the machine on any other error. */
u32 bind_when_there(u32 timer, u32 peer, u32 port);
u64 checksum_of(const void *bytes, u32 size);
/* `what NUMBER` on a line. */
void report(const char *what, u64 number);
