/* Picks what to do, and what its parts share. */
#include "lab.h"

u32 timer_port(void)
{
  return (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_TIMER, 0);
}

u32 bind_when_there(u32 timer, u32 peer, u32 port)
{
  for (;;) {
    i64 bound = channel_op(&channel, CHANNEL_bind_interdomain, peer, port);
    if (bound >= 0)
      return (u32)bound;
    check("bind", bound == CHANNEL_ESRCH || bound == CHANNEL_EINVAL, bound);
    sleep(timer, RETRY_NANOSECONDS);
  }
}

u64 checksum_of(const void *bytes, u32 size)
{
  const u64 *words = bytes;
  u64 checksum = size;
  for (u32 i = 0; i < size / 8; i++)
    checksum = mix(checksum, words[i]);
  return checksum;
}

void report(const char *what, u64 number)
{
  print(what);
  print(" ");
  print_number((i64)(number & ~(1ul << 63)));
  print("\n");
}

void run(const char *text)
{
  static const char *const names[] = {"front", "back", "echo", "ping", "victim", "flood"};
  u32 which = 0;
  while (which < 6 && !take_word(&text, names[which]))
    which++;
  u32 first = take_number(&text, 1);
  u32 second = take_number(&text, 64);
  switch (which) {
  case 0:
    return run_front(first, second, take_number(&text, 1));
  case 1:
    return run_back(first);
  case 2:
    return run_echo(first);
  case 3:
    return run_ping(first, second);
  case 4:
    return run_victim(first, second);
  case 5:
    return run_flood(first);
  default:
    fail("what to do: see lab.h", which);
  }
}
