/* What comes from outside: keys at the ring's console, VIRQ_DEBUG, a port raised, time passing. */
#include "channel-test.h"

enum { BUFFER_SIZE = 64 };

void run_listen(void)
{
  static struct xencons_interface ring PAGE;
  u32 port = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, DOMID_SELF);
  u32 debug = (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_DEBUG, 0);
  u32 keys = (u32)channel_console_open(&channel, &ring);
  u64 checksum = 1;
  u32 seen[3] = {0, 0, 0};
  const u32 ports[3] = {port, debug, keys};
  static const char *const names[3] = {"raised", "debug", "keys"};
  print("listening\n");
  for (;;) {
    interrupts_off();
    int is_new = 0;
    for (u32 i = 0; i < 3; i++)
      is_new |= *(volatile u32 *)&arrivals[ports[i]] != seen[i];
    if (!is_new)
      __asm__ volatile("wfi");
    interrupts_on();
    for (u32 i = 0; i < 3; i++) {
      if (*(volatile u32 *)&arrivals[ports[i]] == seen[i])
        continue;
      seen[i] = *(volatile u32 *)&arrivals[ports[i]];
      checksum = mix(checksum, channel_system_time(&channel) + i);
      if (i < 2) {
        print(names[i]);
        print("\n");
      }
    }
    char buffer[BUFFER_SIZE];
    u32 count = channel_console_read(&channel, &ring, keys, buffer, BUFFER_SIZE);
    if (!count)
      continue;
    channel_console_write(&channel, &ring, keys, buffer, count);
    for (u32 i = 0; i < count; i++)
      checksum = mix(checksum, (u8)buffer[i]);
    if (buffer[count - 1] == 'q')
      break;
  }
  print("checksum ");
  print_number((i64)(checksum >> 1));
  print("\n");
}
