/*
 * Work for the event channel without a host or a peer: notifications taken as interrupts, masked
 * ports, a page shared with itself, the console ring, time. For measuring.
 */
#include "channel-test.h"

enum { REF = 8, SENDS = 16, WORDS_WRITTEN = 64, LINE_SIZE = 64 };

static u64 granted[PAGE_SIZE / 8] PAGE, mapped[PAGE_SIZE / 8] PAGE;
static struct xencons_interface ring PAGE;

/* `raised` is the port itself, or its other end. */
static void notify(u32 port, u32 raised)
{
  u32 seen = arrivals[raised];
  channel_op(&channel, CHANNEL_send, port);
  wait_for(raised, seen);
}

static void send_masked(u32 port)
{
  u32 seen = arrivals[port];
  channel_mask(&channel, port);
  channel_op(&channel, CHANNEL_send, port);
  channel_op(&channel, CHANNEL_unmask, port);
  wait_for(port, seen);
}

/* Of the page as the other side sees it. */
static u64 sum(const volatile u64 *page)
{
  u64 checksum = 1;
  for (u32 i = 0; i < PAGE_SIZE / 8; i++)
    checksum = mix(checksum, page[i]);
  return checksum;
}

void run_churn(u32 rounds)
{
  char line[LINE_SIZE];
  u64 checksum = 1;
  u32 self = *(volatile u32 *)(channel.base + CHANNEL_DOMAIN);
  u32 ipi = (u32)channel_op(&channel, CHANNEL_bind_ipi, 0);
  u32 keys = (u32)channel_console_open(&channel, &ring);
  u32 far = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, DOMID_SELF);
  u32 near = (u32)channel_op(&channel, CHANNEL_bind_interdomain, DOMID_SELF, far);
  channel_grant(grants, REF, self, granted, 0);
  i64 handle = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, REF, self,
                          (u64)mapped >> 12);
  check("map", handle >= 0, handle);
  for (u32 i = 0; i < LINE_SIZE; i++)
    line[i] = i == LINE_SIZE - 1 ? '\n' : (char)('a' + i % 26);
  for (u32 round = 0; round < rounds; round++) {
    u64 last = channel_system_time(&channel);
    for (u32 i = 0; i < SENDS; i++)
      notify(ipi, ipi);
    send_masked(ipi);
    for (u32 i = 0; i < WORDS_WRITTEN; i++)
      ((volatile u64 *)granted)[(i * 5 + round) % (PAGE_SIZE / 8)] = round + i;
    notify(near, far);
    checksum = mix(checksum, sum(mapped));
    check("one page", sum(mapped) == sum(granted), round);
    if (round % 64 == 0)
      channel_console_write(&channel, &ring, keys, line, LINE_SIZE);
    check("time", channel_system_time(&channel) >= last, round);
  }
  print("checksum ");
  print_number((i64)(checksum >> 1));
  print("\n");
}
