/*
 * The event channel: how a domain is told that something happened, as Xen tells its guests
 * (two-level event channels: a pending bit a port, a selector bit a word of them, one upcall).
 * CASMotion's own device; absent on other boards. How to drive it is in ../channel.
 */
#include "channel.h"
#include "riscv.h"

enum { PORTS = 4096, PAGE_SIZE = 4096 };

static struct channel channel;
static u8 info_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u64 upcalls;
static u32 arrivals[PORTS];

static void arrive(u32 port)
{
  arrivals[port]++;
}

static void upcall(void *unused)
{
  (void)unused;
  upcalls++;
  channel_upcall(&channel, arrive);
  thread_wake(arrivals);
}

void event_channel_init(void)
{
  struct device device = fdt_device("casmotion,event-channel", 0);
  if (!device.base || channel_init(&channel, device.base))
    return;
  if (channel_place_info(&channel, info_page) == 0)
    plic_enable(device.irq, upcall, 0);
}

int event_channel_present(void)
{
  return channel.info != 0;
}

u64 event_channel_upcalls(void)
{
  return upcalls;
}

static void wait_for(u32 port, u32 times)
{
  while (arrivals[port] < times)
    thread_wait(arrivals);
}

/* Both ends in this domain. A port that is bound is pending at once, as Xen has it. */
i64 event_channel_ping(void)
{
  u64 before = disable_interrupts();
  i64 far = channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, DOMID_SELF);
  i64 near = channel_op(&channel, CHANNEL_bind_interdomain, DOMID_SELF, (u64)far);
  if (far > 0 && near > 0) {
    u32 far_arrivals = arrivals[far], near_arrivals = arrivals[near];
    wait_for((u32)near, near_arrivals + 1);
    channel_op(&channel, CHANNEL_send, (u64)near);
    wait_for((u32)far, far_arrivals + 1);
    channel_op(&channel, CHANNEL_close, (u64)near);
    channel_op(&channel, CHANNEL_close, (u64)far);
  }
  restore_interrupts(before);
  return far > 0 && near > 0 ? far : -1;
}
