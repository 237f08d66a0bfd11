/* A hostile domain, and one that lets it. */
#include "lab.h"

enum { PORTS = 4096, OFFERED = 64 };

void run_victim(u32 peer, u32 rounds)
{
  u32 first = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, peer);
  for (u32 i = 1; i < OFFERED; i++)
    check("a port", channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, peer) > 0, i);
  wait_for(first, 0);
  u64 checksum = 1;
  for (u32 i = 0; i < rounds; i++)
    for (u32 j = 0; j < 1000; j++)
      checksum = mix(checksum, i + j);
  report("victim: rounds", rounds);
  report("victim: checksum", checksum);
}

void run_flood(u32 peer)
{
  bind_when_there(timer_port(), peer, 1);
  for (u32 port = 2; port <= OFFERED; port++)
    channel_op(&channel, CHANNEL_bind_interdomain, peer, port);
  for (;;)
    for (u32 port = 0; port < PORTS; port++)
      channel_op(&channel, CHANNEL_send, port % (2 * OFFERED));
}
