/*
 * Two domains: one serves, one calls. They meet at the server's port 1 and grant 8. The page holds
 * a number and a text of the caller's, and the server's answer; each side writes its own bytes.
 */
#include "channel-test.h"

enum { PORT = 1, REF = 8, TEXT_SIZE = 1000, RETRY_NANOSECONDS = 1000000 };

struct letter {
  /* The caller's. */
  u64 number;
  u8 text[TEXT_SIZE];
  /* The server's. */
  u64 answered;
  u64 answer;
};

static union {
  struct letter letter;
  u8 bytes[PAGE_SIZE];
} page PAGE;
static volatile struct letter *const letter = &page.letter;

static u64 sum(void)
{
  u64 checksum = letter->number;
  for (u32 i = 0; i < TEXT_SIZE; i++)
    checksum = mix(checksum, letter->text[i]);
  return checksum;
}

static void report(const char *what, u64 checksum)
{
  print(what);
  print(" checksum ");
  print_number((i64)(checksum >> 1));
  print("\n");
}

void run_serve(u32 peer, u32 rounds)
{
  channel_grant(grants, REF, peer, &page, 0);
  u32 port = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, peer);
  check("the first port", port == PORT, port);
  u64 checksum = 1;
  u32 seen = 0;
  while (letter->answered < rounds) {
    if (letter->number == letter->answered) {
      seen = wait_for(port, seen);
      continue;
    }
    letter->answer = sum();
    letter->answered = letter->number;
    checksum = mix(checksum, letter->answer);
    channel_op(&channel, CHANNEL_send, port);
  }
  /* The caller unmaps, then closes. */
  while (CHANNEL_STATUS(channel_op(&channel, CHANNEL_status, DOMID_SELF, port)) !=
         EVTCHNSTAT_unbound)
    ;
  check("revoke", channel_revoke(grants, REF) == 0, grants[REF].flags);
  report("served", checksum);
}

void run_call(u32 peer, u32 rounds)
{
  u32 timer = (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_TIMER, 0);
  i64 port;
  while ((port = channel_op(&channel, CHANNEL_bind_interdomain, peer, PORT)) < 0) {
    check("bind", port == CHANNEL_ESRCH || port == CHANNEL_EINVAL, port);
    sleep(timer, RETRY_NANOSECONDS);
  }
  i64 handle = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, REF, peer,
                          (u64)&page >> 12);
  check("map", handle >= 0, handle);
  u64 checksum = 1;
  u32 seen = 0;
  for (u32 round = 1; round <= rounds; round++) {
    for (u32 i = 0; i < TEXT_SIZE; i += 1 + round % 7)
      letter->text[i] = (u8)(i * round);
    letter->number = round;
    u64 wanted = sum();
    channel_op(&channel, CHANNEL_send, (u64)port);
    while (letter->answered != round)
      seen = wait_for((u32)port, seen);
    check("answer", letter->answer == wanted, round);
    checksum = mix(checksum, letter->answer);
  }
  check("unmap", channel_op(&channel, CHANNEL_unmap_grant_ref, (u64)handle) == 0, handle);
  check("close", channel_op(&channel, CHANNEL_close, (u64)port) == 0, port);
  report("called", checksum);
}
