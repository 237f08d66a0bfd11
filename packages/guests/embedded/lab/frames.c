/*
 * Ethernet frames between domains, over the virtual switch. A frame may be lost, so `ping` sends
 * again what did not come back. A domain's address ends in its number.
 */
#include "lab.h"

enum { FRAME_SIZE = 256, HEADER_SIZE = 12, RECEIVE = 0, TRANSMIT = 1 };
/* IEEE 802's number for experiments. */
enum { ETHERTYPE_HIGH = 0x88, ETHERTYPE_LOW = 0xb5 };
enum { WAIT_NANOSECONDS = 100000, TRIES_MAX = 100000 };

struct frame {
  u8 virtio_header[HEADER_SIZE];
  u8 destination[6];
  u8 source[6];
  u8 type[2];
  u8 payload[FRAME_SIZE - 14];
};

static struct virtio net;
static struct frame received[QUEUE_SIZE];
static struct frame sent;
static u32 timer;

static void offer_received(u32 index)
{
  struct buffer buffer = {&received[index], sizeof(struct frame), 1};
  virtio_offer(&net, RECEIVE, index, &buffer, 1);
}

static void start(void)
{
  timer = timer_port();
  virtio_start(&net, 1, 2);
  check("a network device", net.base != 0, 0);
  for (u32 i = 0; i < QUEUE_SIZE; i++)
    offer_received(i);
}

static void transmit(void)
{
  struct buffer buffer = {&sent, sizeof(sent), 0};
  virtio_offer(&net, TRANSMIT, 0, &buffer, 1);
  while (virtio_take(&net, TRANSMIT, 0) < 0)
    ;
}

/* The index of a frame that came, or -1 after so many short waits. */
static int receive(u32 waits)
{
  for (;; waits--) {
    int index = virtio_take(&net, RECEIVE, 0);
    if (index >= 0 || waits == 0)
      return index;
    sleep(timer, WAIT_NANOSECONDS);
  }
}

static void address(u8 *at, u32 domain)
{
  const u8 bytes[6] = {0x02, 0x43, 0x41, 0x53, (u8)(domain >> 8), (u8)domain};
  for (u32 i = 0; i < 6; i++)
    at[i] = bytes[i];
}

static u32 number_of(const struct frame *frame)
{
  return (u32)frame->payload[0] << 8 | frame->payload[1];
}

void run_echo(u32 frames)
{
  start();
  u64 checksum = 1;
  u32 next = 0;
  while (next < frames) {
    int index = receive(TRIES_MAX);
    check("a frame", index >= 0, next);
    struct frame *frame = &received[index];
    if (number_of(frame) == next) {
      checksum = mix(checksum, checksum_of(frame->payload, sizeof(frame->payload)));
      next++;
    }
    sent = *frame;
    for (u32 i = 0; i < 6; i++) {
      sent.destination[i] = frame->source[i];
      sent.source[i] = frame->destination[i];
    }
    transmit();
    offer_received((u32)index);
  }
  report("echo: frames", frames);
  report("echo: checksum", checksum);
}

void run_ping(u32 peer, u32 frames)
{
  start();
  u64 checksum = 1;
  u32 own = *(volatile u32 *)(channel.base + CHANNEL_DOMAIN);
  for (u32 number = 0, tries = 0; number < frames && tries < TRIES_MAX; tries++) {
    address(sent.destination, peer);
    address(sent.source, own);
    sent.type[0] = ETHERTYPE_HIGH;
    sent.type[1] = ETHERTYPE_LOW;
    for (u32 i = 0; i < sizeof(sent.payload); i++)
      sent.payload[i] = (u8)(i * number);
    sent.payload[0] = (u8)(number >> 8);
    sent.payload[1] = (u8)number;
    transmit();
    for (int index; (index = receive(20)) >= 0; offer_received((u32)index)) {
      struct frame *frame = &received[index];
      if (number_of(frame) != number)
        continue;
      checksum = mix(checksum, checksum_of(frame->payload, sizeof(frame->payload)));
      number++;
      offer_received((u32)index);
      break;
    }
  }
  report("ping: frames", frames);
  report("ping: checksum", checksum);
}
