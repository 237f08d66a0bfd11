/* What channel.h promises. */
#include "channel.h"

enum { PAGE_SHIFT = 12 };

static volatile uint32_t *word_at(const struct channel *channel, uint32_t offset)
{
  return (volatile uint32_t *)(channel->base + offset);
}

static volatile uint64_t *double_at(const struct channel *channel, uint32_t offset)
{
  return (volatile uint64_t *)(channel->base + offset);
}

/* Orders what a guest wrote to memory before what it tells the device, and the reverse. */
static void barrier(void)
{
  __asm__ volatile("fence iorw, iorw" ::: "memory");
}

static uint64_t frame_of(const void *page)
{
  return (uintptr_t)page >> PAGE_SHIFT;
}

int channel_init(struct channel *channel, uintptr_t base)
{
  channel->base = base;
  channel->info = 0;
  int is_known = *word_at(channel, CHANNEL_MAGIC) == CHANNEL_MAGIC_VALUE &&
                 *word_at(channel, CHANNEL_VERSION) == CHANNEL_VERSION_VALUE;
  return is_known ? 0 : -1;
}

int64_t channel_place_info(struct channel *channel, void *page)
{
  int64_t result = channel_op(channel, CHANNEL_add_to_physmap, XENMAPSPACE_shared_info, 0,
                              frame_of(page));
  if (result < 0)
    return result;
  channel->info = page;
  channel_release_upcalls(channel);
  return 0;
}

int64_t channel_operate(const struct channel *channel, uint32_t operation,
                        const uint64_t *arguments, uint32_t count)
{
  for (uint32_t i = 0; i < count && i < 6; i++)
    *double_at(channel, CHANNEL_FRAME + CHANNEL_ARGUMENT + i * 8) = arguments[i];
  barrier();
  *word_at(channel, CHANNEL_FRAME + CHANNEL_OPERATION) = operation;
  barrier();
  return (int64_t)*double_at(channel, CHANNEL_FRAME + CHANNEL_RESULT);
}

int64_t channel_ecall(uint32_t operation, const uint64_t *arguments, uint32_t count, int *is_there)
{
  register uint64_t a0 __asm__("a0") = count > 0 ? arguments[0] : 0;
  register uint64_t a1 __asm__("a1") = count > 1 ? arguments[1] : 0;
  register uint64_t a2 __asm__("a2") = count > 2 ? arguments[2] : 0;
  register uint64_t a3 __asm__("a3") = count > 3 ? arguments[3] : 0;
  register uint64_t a4 __asm__("a4") = count > 4 ? arguments[4] : 0;
  register uint64_t a5 __asm__("a5") = count > 5 ? arguments[5] : 0;
  register uint64_t a6 __asm__("a6") = operation;
  register uint64_t a7 __asm__("a7") = CHANNEL_SBI_EXTENSION;
  __asm__ volatile("ecall"
                   : "+r"(a0), "+r"(a1)
                   : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7)
                   : "memory");
  *is_there = a0 == 0;
  return (int64_t)a1;
}

/*
 * From the top down, each level cleared before the one below is read: what comes meanwhile raises
 * it again.
 */
void channel_upcall(const struct channel *channel, channel_handler *handler)
{
  volatile struct vcpu_info *vcpu = &channel->info->vcpu_info[0];
  vcpu->evtchn_upcall_pending = 0;
  uint64_t selector = __atomic_exchange_n(&vcpu->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
  for (uint32_t word = 0; word < 64; word++) {
    if (!(selector >> word & 1))
      continue;
    for (;;) {
      uint64_t bits = channel->info->evtchn_pending[word] & ~channel->info->evtchn_mask[word];
      if (!bits)
        break;
      uint32_t bit = 0;
      while (!(bits >> bit & 1))
        bit++;
      __atomic_fetch_and(&channel->info->evtchn_pending[word], ~(1ul << bit), __ATOMIC_SEQ_CST);
      handler(word * 64 + bit);
    }
  }
}

int channel_is_pending(const struct channel *channel, uint32_t port)
{
  return channel->info->evtchn_pending[port / 64] >> port % 64 & 1;
}

void channel_mask(const struct channel *channel, uint32_t port)
{
  __atomic_fetch_or(&channel->info->evtchn_mask[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
}

void channel_hold_upcalls(const struct channel *channel)
{
  channel->info->vcpu_info[0].evtchn_upcall_mask = 1;
  barrier();
}

/* The mask is memory; only an operation makes the machine look at it. */
void channel_release_upcalls(const struct channel *channel)
{
  channel->info->vcpu_info[0].evtchn_upcall_mask = 0;
  barrier();
  if (channel->info->vcpu_info[0].evtchn_upcall_pending)
    channel_op(channel, CHANNEL_version, 0);
}

uint64_t channel_system_time(const struct channel *channel)
{
  volatile struct vcpu_time_info *time = &channel->info->vcpu_info[0].time;
  uint32_t version;
  uint64_t nanoseconds;
  do {
    do
      version = time->version;
    while (version & 1);
    barrier();
    uint64_t cycle;
    __asm__ volatile("rdcycle %0" : "=r"(cycle));
    uint64_t delta = cycle - time->tsc_timestamp;
    int8_t shift = time->tsc_shift;
    delta = shift < 0 ? delta >> -shift : delta << shift;
    __uint128_t product = (__uint128_t)delta * time->tsc_to_system_mul;
    nanoseconds = time->system_time + (uint64_t)(product >> 32);
    barrier();
  } while (time->version != version);
  return nanoseconds;
}

uint64_t channel_wall_seconds(const struct channel *channel)
{
  uint32_t version;
  uint64_t seconds;
  do {
    do
      version = channel->info->wc_version;
    while (version & 1);
    barrier();
    seconds = (uint64_t)channel->info->wc_sec_hi << 32 | channel->info->wc_sec;
    barrier();
  } while (channel->info->wc_version != version);
  return seconds;
}

int64_t channel_console_open(const struct channel *channel, void *page)
{
  int64_t result = channel_op(channel, CHANNEL_set_param, HVM_PARAM_CONSOLE_PFN, frame_of(page));
  return result < 0 ? result : channel_op(channel, CHANNEL_get_param, HVM_PARAM_CONSOLE_EVTCHN);
}

uint32_t channel_console_write(const struct channel *channel, struct xencons_interface *ring,
                               uint32_t port, const char *bytes, uint32_t size)
{
  uint32_t produced = ring->out_prod;
  uint32_t free = sizeof(ring->out) - (produced - *(volatile uint32_t *)&ring->out_cons);
  uint32_t count = size < free ? size : free;
  for (uint32_t i = 0; i < count; i++)
    ring->out[produced++ % sizeof(ring->out)] = bytes[i];
  barrier();
  *(volatile uint32_t *)&ring->out_prod = produced;
  barrier();
  channel_op(channel, CHANNEL_send, port);
  return count;
}

uint32_t channel_console_read(const struct channel *channel, struct xencons_interface *ring,
                              uint32_t port, char *bytes, uint32_t size)
{
  uint32_t consumed = ring->in_cons;
  uint32_t waiting = *(volatile uint32_t *)&ring->in_prod - consumed;
  uint32_t count = size < waiting ? size : waiting;
  barrier();
  for (uint32_t i = 0; i < count; i++)
    bytes[i] = ring->in[consumed++ % sizeof(ring->in)];
  barrier();
  *(volatile uint32_t *)&ring->in_cons = consumed;
  if (count)
    channel_op(channel, CHANNEL_send, port);
  return count;
}

void channel_grant(struct grant_entry_v1 *table, uint32_t ref, uint32_t domain, const void *page,
                   int is_read_only)
{
  table[ref].domid = (uint16_t)domain;
  table[ref].frame = (uint32_t)frame_of(page);
  barrier();
  *(volatile uint16_t *)&table[ref].flags = GTF_permit_access | (is_read_only ? GTF_readonly : 0);
}

/* A word of flags and domain is compared and swapped: there are no atomics on half words. */
int channel_revoke(struct grant_entry_v1 *table, uint32_t ref)
{
  uint32_t *entry = (uint32_t *)&table[ref];
  uint32_t before = __atomic_load_n(entry, __ATOMIC_SEQ_CST);
  do
    if (before & (GTF_reading | GTF_writing))
      return -1;
  while (!__atomic_compare_exchange_n(entry, &before, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return 0;
}
