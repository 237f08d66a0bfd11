/* The back end: reads from its disk into the front end's pages. */
#include "lab.h"
#include "ring.h"

static union {
  struct ring ring;
  u8 bytes[PAGE_SIZE];
} page PAGE;
static struct ring *const ring = &page.ring;
static u8 data[RING_SLOTS][BLOCK_SIZE] PAGE;
static i64 handles[RING_SLOTS + 1];
static struct virtio disk;
static u64 total;
static u32 count;

static i64 map(u32 peer, u32 ref, void *at)
{
  i64 handle = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, ref, peer,
                          (u64)at >> 12);
  check("map", handle >= 0, handle);
  return handle;
}

/* Nothing in the ring is believed: the other side may write there what it likes, at any time. */
static struct block_response serve(struct block_request request)
{
  struct block_response response = {request.id, BLOCK_ERROR, 0};
  if (request.operation != BLOCK_READ)
    response.status = BLOCK_UNKNOWN;
  else if (request.id < RING_SLOTS && request.block < disk_blocks(&disk) &&
           disk_read_block(&disk, request.block, data[request.id]) == 0) {
    response.status = BLOCK_OKAY;
    response.checksum = checksum_of(data[request.id], BLOCK_SIZE);
    total += mix(response.checksum, request.block);
    count++;
  }
  return response;
}

static void serve_until_end(u32 port)
{
  u32 seen = 0;
  for (u32 consumed = 0;;) {
    u32 produced = ring->req_prod;
    check("a sane ring", produced - consumed <= RING_SLOTS, produced);
    if (consumed == produced) {
      seen = wait_for(port, seen);
      continue;
    }
    barrier();
    volatile struct block_request *slot = &ring->slots[consumed++ % RING_SLOTS].request;
    struct block_request request = {slot->id, slot->operation, slot->block};
    if (request.operation == BLOCK_END)
      return;
    struct block_response response = serve(request);
    volatile struct block_response *answer = &ring->slots[ring->rsp_prod % RING_SLOTS].response;
    answer->id = response.id;
    answer->status = response.status;
    answer->checksum = response.checksum;
    barrier();
    ring->rsp_prod++;
    barrier();
    channel_op(&channel, CHANNEL_send, port);
  }
}

void run_back(u32 peer)
{
  virtio_start(&disk, 2, 1);
  check("a disk", disk.base != 0, 0);
  u32 port = bind_when_there(timer_port(), peer, RING_PORT);
  handles[RING_SLOTS] = map(peer, RING_REF, ring);
  for (u32 id = 0; id < RING_SLOTS; id++)
    handles[id] = map(peer, DATA_REF + id, data[id]);
  serve_until_end(port);
  for (u32 i = 0; i <= RING_SLOTS; i++)
    check("unmap", channel_op(&channel, CHANNEL_unmap_grant_ref, (u64)handles[i]) == 0, i);
  check("close", channel_op(&channel, CHANNEL_close, port) == 0, port);
  report("back: blocks", count);
  report("back: checksum", total);
}
