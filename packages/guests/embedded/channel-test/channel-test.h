/*
 * A program that uses the event channel in every way it has, and takes all that may come to a
 * machine from outside. The first word of the command line picks what:
 *
 *   local                 each operation within this domain, a line for each part (the default)
 *   listen                what comes by the event channel alone
 *   serve PEER ROUNDS     domain PEER binds port 1 and maps grant 8; answers it
 *   call PEER ROUNDS      the other side of `serve`
 *   provoke PEER          everything: consoles, frames, random numbers, ports, virtual IRQs, time,
 *                         pages shared with PEER, and calls to it; ends at `q` on the UART
 */
#pragma once
#include "channel.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

enum { PAGE_SIZE = 4096 };
#define PAGE __attribute__((aligned(PAGE_SIZE)))

extern struct channel channel;
extern struct grant_entry_v1 grants[GRANT_ENTRIES];
/* How often each port has come. */
extern u32 arrivals[4096];

/* main.c */
void print(const char *text);
void print_number(i64 value);
__attribute__((noreturn)) void power_off(int code);
/* Says which check failed, and ends the machine with a failure. */
__attribute__((noreturn)) void fail(const char *what, i64 found);
void check(const char *what, int is_right, i64 found);
/* Waits for `port` to come again, which `seen` has not; gives how often it has. */
u32 wait_for(u32 port, u32 seen);
u64 mix(u64 checksum, u64 value);

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

/* main.c: interrupts of the UART and of virtio devices are let through. */
void enable_irq(u32 irq);

/* local.c, listen.c, peers.c, provoke.c */
void run_local(void);
void run_listen(void);
void run_serve(u32 peer, u32 rounds);
void run_call(u32 peer, u32 rounds);
void run_provoke(u32 peer);

#define REGISTER8(address) (*(volatile u8 *)(address))
#define REGISTER32(address) (*(volatile u32 *)(address))
/* The board's, by packages/machine's memory map. */
enum { UART = 0x10000000, UART_IRQ = 10 };

static inline u64 read_time(void)
{
  u64 ticks;
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

static inline void interrupts_off(void)
{
  __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static inline void interrupts_on(void)
{
  __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}
