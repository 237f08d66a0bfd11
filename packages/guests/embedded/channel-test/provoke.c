/*
 * Takes all that a host, or another domain, may do to a machine, and lets everything go into one
 * checksum: what comes, in which order, and when. So a replay with one event less, more, elsewhere
 * or altered is another run.
 */
#include "channel-test.h"

enum { UART_RBR = 0, UART_IER = 1, UART_FCR = 2, UART_LSR = 5 };
enum { IER_RECEIVED = 1, FCR_ENABLE = 1, LSR_READY = 1 };
enum { REF = 8, BUFFER_SIZE = 64, NAP_NANOSECONDS = 40000, CALLS_ONE_IN = 4, SHOWN_ONE_IN = 16 };
enum { RAISED, DEBUG, KEYS, TIMER, PORTS };

static u8 granted[PAGE_SIZE] PAGE, mapped[PAGE_SIZE] PAGE;
static struct xencons_interface ring PAGE;
static struct virtio_input *net, *console, *rng;
static u32 ports[PORTS], seen[PORTS];
static u64 checksum = 1;

static void take(u64 value)
{
  checksum = mix(checksum, value);
}

static void take_page(const volatile u8 *page)
{
  for (u32 i = 0; i < PAGE_SIZE; i += 8)
    take(*(const volatile u64 *)(page + i));
}

static int is_quiet(void)
{
  for (u32 i = 0; i < PORTS; i++)
    if (*(volatile u32 *)&arrivals[ports[i]] != seen[i])
      return 0;
  return !(REGISTER8(UART + UART_LSR) & LSR_READY);
}

static void acknowledge(u32 irq)
{
  if (irq == UART_IRQ)
    REGISTER8(UART + UART_IER) = 0; /* until it has been read */
  else
    virtio_acknowledge(irq);
}

/* Until something comes; the timer does, if nothing else. */
static void nap(void)
{
  u64 deadline = channel_system_time(&channel) + NAP_NANOSECONDS;
  channel_op(&channel, CHANNEL_set_singleshot_timer, deadline, 0);
  REGISTER8(UART + UART_IER) = IER_RECEIVED;
  interrupts_off();
  if (is_quiet())
    __asm__ volatile("wfi");
  interrupts_on();
}

/* 1 if `q` was among them. */
static int take_keys(void)
{
  int is_end = 0;
  while (REGISTER8(UART + UART_LSR) & LSR_READY) {
    u8 key = REGISTER8(UART + UART_RBR);
    take(key);
    is_end |= key == 'q';
  }
  char buffer[BUFFER_SIZE];
  u32 count;
  while ((count = channel_console_read(&channel, &ring, ports[KEYS], buffer, BUFFER_SIZE)) != 0) {
    channel_console_write(&channel, &ring, ports[KEYS], buffer, count);
    for (u32 i = 0; i < count; i++)
      take((u8)buffer[i]);
  }
  return is_end;
}

/* One operation that only the other domain can answer. */
static void call(u32 peer, u32 turn)
{
  i64 result;
  switch (turn % 4) {
  case 0:
    result = channel_op(&channel, CHANNEL_bind_interdomain, peer, 1 + turn % 7);
    if (result > 0)
      take((u64)channel_op(&channel, CHANNEL_close, (u64)result));
    break;
  case 1:
    result = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, REF, peer,
                        (u64)mapped >> 12);
    take_page(mapped);
    if (result >= 0)
      take((u64)channel_op(&channel, CHANNEL_unmap_grant_ref, (u64)result));
    break;
  case 2:
    result = channel_op(&channel, CHANNEL_grant_copy, GNTCOPY_source_gref, REF, peer, 16,
                        (u64)mapped + 64, 32);
    take_page(mapped);
    break;
  default:
    result = channel_op(&channel, CHANNEL_status, peer, turn);
  }
  take((u64)result);
}

void run_provoke(u32 peer)
{
  ports[RAISED] = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, peer);
  ports[DEBUG] = (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_DEBUG, 0);
  ports[TIMER] = (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_TIMER, 0);
  ports[KEYS] = (u32)channel_console_open(&channel, &ring);
  channel_grant(grants, REF, peer, granted, 0);
  net = virtio_open(0, VIRTIO_NET, VIRTIO_BUFFERS);
  rng = virtio_open(1, VIRTIO_RNG, 1);
  console = virtio_open(2, VIRTIO_CONSOLE, VIRTIO_BUFFERS);
  REGISTER8(UART + UART_FCR) = FCR_ENABLE;
  take_irq = acknowledge;
  enable_irq(UART_IRQ);
  print("provoked\n");
  for (u32 turn = 1;; turn++) {
    nap();
    take(channel_system_time(&channel));
    for (u32 i = 0; i < PORTS; i++)
      if (*(volatile u32 *)&arrivals[ports[i]] != seen[i])
        take(i * 4096ul + (seen[i] = *(volatile u32 *)&arrivals[ports[i]]));
    checksum = virtio_take(rng, virtio_take(console, virtio_take(net, checksum)));
    take_page(granted);
    if (turn % CALLS_ONE_IN == 0)
      call(peer, turn / CALLS_ONE_IN);
    if (turn % SHOWN_ONE_IN == 0)
      print((char[]){(char)('a' + checksum % 26), 0});
    if (take_keys())
      break;
  }
  print("\nchecksum ");
  print_number((i64)(checksum >> 1));
  print("\n");
}
