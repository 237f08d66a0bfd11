/* The front end: asks for blocks in an order of its own, several at a time, and checks each. */
#include "lab.h"
#include "ring.h"

static union {
  struct ring ring;
  u8 bytes[PAGE_SIZE];
} page PAGE;
static struct ring *const ring = &page.ring;
static u8 data[RING_SLOTS][BLOCK_SIZE] PAGE;
static u32 block_of[RING_SLOTS];

static u32 port;
static u32 seen;
static u32 consumed;

static void ask(u32 id, u32 operation, u64 block)
{
  volatile struct block_request *slot = &ring->slots[ring->req_prod % RING_SLOTS].request;
  slot->id = id;
  slot->operation = operation;
  slot->block = block;
  barrier();
  ring->req_prod++;
}

static void notify(void)
{
  barrier();
  channel_op(&channel, CHANNEL_send, port);
}

static struct block_response next_response(void)
{
  while (consumed == ring->rsp_prod)
    seen = wait_for(port, seen);
  barrier();
  volatile struct block_response *slot = &ring->slots[consumed++ % RING_SLOTS].response;
  return (struct block_response){slot->id, slot->status, slot->checksum};
}

/* Blocks 0 to `blocks` - 1, so many times. */
static u64 read_blocks(u32 blocks, u32 rounds)
{
  u64 total = 0;
  u32 asked = 0;
  u32 all = blocks * rounds;
  u32 answered = 0;
  for (; asked < all && asked < RING_SLOTS; asked++) {
    block_of[asked] = asked % blocks;
    ask(asked, BLOCK_READ, block_of[asked]);
  }
  notify();
  while (answered < all) {
    struct block_response response = next_response();
    check("the back end read", response.status == BLOCK_OKAY, response.status);
    check("a request of ours", response.id < RING_SLOTS, response.id);
    u64 found = checksum_of(data[response.id], BLOCK_SIZE);
    check("the block's checksum", found == response.checksum, block_of[response.id]);
    /* Blocks come back in any order; their sum does not depend on it. */
    total += mix(found, block_of[response.id]);
    answered++;
    if (asked == all)
      continue;
    block_of[response.id] = asked++ % blocks;
    ask(response.id, BLOCK_READ, block_of[response.id]);
    notify();
  }
  return total;
}

void run_front(u32 peer, u32 blocks, u32 rounds)
{
  channel_grant(grants, RING_REF, peer, ring, 0);
  for (u32 id = 0; id < RING_SLOTS; id++)
    channel_grant(grants, DATA_REF + id, peer, data[id], 0);
  port = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, peer);
  check("the first port", port == RING_PORT, port);
  u32 timer = timer_port();
  while (CHANNEL_STATUS(channel_op(&channel, CHANNEL_status, DOMID_SELF, port)) !=
         EVTCHNSTAT_interdomain)
    sleep(timer, RETRY_NANOSECONDS);
  u64 total = read_blocks(blocks, rounds);
  check("a ring in use is kept", channel_revoke(grants, RING_REF) < 0, grants[RING_REF].flags);
  ask(0, BLOCK_END, 0);
  notify();
  while (CHANNEL_STATUS(channel_op(&channel, CHANNEL_status, DOMID_SELF, port)) !=
         EVTCHNSTAT_unbound)
    sleep(timer, RETRY_NANOSECONDS);
  check("the ring is ours again", channel_revoke(grants, RING_REF) == 0, grants[RING_REF].flags);
  report("front: blocks", blocks * rounds);
  report("front: checksum", total);
}
