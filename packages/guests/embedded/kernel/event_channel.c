/*
 * The event channel: how a domain is told that something happened, as Xen tells its guests
 * (two-level event channels: a pending bit a port, a selector bit a word of them, one upcall).
 * CASMotion's own device; absent on other boards. Its registers:
 * packages/devices/src/event-channel.
 */
#include "riscv.h"

enum {
  MAGIC = 0x000,
  UPCALL_PENDING = 0x010,
  SELECTOR = 0x018, /* two words; writing 1 clears */
  SEND = 0x020,
  UNMASK = 0x024,
  PENDING = 0x1000, /* a bit a port; writing 1 clears */
  MASK = 0x1200,
};
enum { MAGIC_VALUE = 0x43545645, PORTS = 4096 };

static struct device channel;
static u64 upcalls;
static u32 arrivals[PORTS];

/* The processor has no instruction for it without Zbb. */
static u32 lowest_bit(u32 bits)
{
  u32 index = 0;
  while (!(bits >> index & 1))
    index++;
  return index;
}

/* Takes what is pending in one word of 32 ports. */
static void take_word(u32 word)
{
  u64 pending_at = channel.base + PENDING + word * 4;
  u32 bits = REGISTER32(pending_at) & ~REGISTER32(channel.base + MASK + word * 4);
  REGISTER32(pending_at) = bits;
  for (; bits; bits &= bits - 1)
    arrivals[word * 32 + lowest_bit(bits)]++;
}

/*
 * From the top down, each level cleared before the one below is read: what comes meanwhile raises
 * it again.
 */
static void upcall(void *unused)
{
  (void)unused;
  upcalls++;
  REGISTER32(channel.base + UPCALL_PENDING) = 0;
  for (u32 half = 0; half < 2; half++) {
    u32 selector = REGISTER32(channel.base + SELECTOR + half * 4);
    REGISTER32(channel.base + SELECTOR + half * 4) = selector;
    /* A selector bit stands for 64 ports: two words. */
    for (u32 bit = 0; bit < 32; bit++) {
      if (!(selector & 1u << bit))
        continue;
      take_word((half * 32 + bit) * 2);
      take_word((half * 32 + bit) * 2 + 1);
    }
  }
  thread_wake(arrivals);
}

void event_channel_init(void)
{
  channel = fdt_device("casmotion,event-channel", 0);
  if (channel.base && REGISTER32(channel.base + MAGIC) != MAGIC_VALUE)
    channel.base = 0;
  if (channel.base)
    plic_enable(channel.irq, upcall, 0);
}

int event_channel_present(void)
{
  return channel.base != 0;
}

u64 event_channel_upcalls(void)
{
  return upcalls;
}

u64 event_channel_ping(u32 port)
{
  u64 before = disable_interrupts();
  u32 arrived = arrivals[port];
  REGISTER32(channel.base + UNMASK) = port;
  REGISTER32(channel.base + SEND) = port;
  while (arrivals[port] == arrived)
    thread_wait(arrivals);
  arrived = arrivals[port];
  restore_interrupts(before);
  return arrived;
}
