/*
 * A program that uses the event channel in every way it has, and takes all that may come to a
 * machine from outside. The first word of the command line picks what:
 *
 *   local                 each operation within this domain, a line for each part (the default)
 *   listen                what comes by the event channel alone
 *   serve PEER ROUNDS     domain PEER binds port 1 and maps grant 8; answers it
 *   call PEER ROUNDS      the other side of `serve`
 *   churn ROUNDS          much of it within this domain, for measuring
 *   provoke PEER          everything: consoles, frames, random numbers, ports, virtual IRQs, time,
 *                         pages shared with PEER, and calls to it; ends at `q` on the UART
 */
#pragma once
#include "bare.h"

/* virtio.c: the least of a driver. One queue, which the device fills; buffers stay with it. */
enum { VIRTIO_NET = 1, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4 };
enum { VIRTIO_BUFFERS = 4, VIRTIO_BUFFER_SIZE = 256 };
struct virtio_input;
/* Input 0 to 2, one a device; null where the board has none of this kind. */
struct virtio_input *virtio_open(u32 input, u32 device_id, u32 buffer_count);
/* Mixes in what has come, and gives the buffers back. */
u64 virtio_take(struct virtio_input *input, u64 checksum);
/* If the interrupt is one of a device that was opened. */
void virtio_acknowledge(u32 irq);

/* local.c, listen.c, peers.c, churn.c, provoke.c */
void run_local(void);
void run_listen(void);
void run_serve(u32 peer, u32 rounds);
void run_call(u32 peer, u32 rounds);
void run_churn(u32 rounds);
void run_provoke(u32 peer);
