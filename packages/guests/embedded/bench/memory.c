/* Memory: copying, and a chase of pointers that no cache or TLB likes. */
#include "bench.h"

enum { COPY_BYTES = 4 << 20, CHASE_NODES = 1 << 18, NODE_BYTES = 128 };
static UNINITIALIZED u64 source[COPY_BYTES / 8];
static UNINITIALIZED u64 target[COPY_BYTES / 8 + 8];

/* Words, four at a time, into a place that is on other TLB slots than the source. */
u64 run_copy(const u64 *arguments)
{
  for (u32 i = 0; i < COPY_BYTES / 8; i++)
    source[i] = i * 0x9e3779b97f4a7c15ul;
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++) {
    u64 *to = target + round % 8;
    for (u32 i = 0; i < COPY_BYTES / 8; i += 4) {
      u64 a = source[i], b = source[i + 1], c = source[i + 2], d = source[i + 3];
      to[i] = a;
      to[i + 1] = b;
      to[i + 2] = c;
      to[i + 3] = d;
    }
    source[round % 1024] += round;
    checksum = mix(checksum, target[round % 1024 + 8]);
  }
  return checksum;
}

struct node {
  struct node *next;
  u64 value;
  u8 padding[NODE_BYTES - 16];
};
static UNINITIALIZED struct node nodes[CHASE_NODES];

/* 32 MiB, visited in an order that a full-period generator gives. */
u64 run_chase(const u64 *arguments)
{
  u32 at = 0;
  for (u32 i = 0; i < CHASE_NODES; i++) {
    u32 next = (at * 1664525u + 1013904223u) % CHASE_NODES;
    nodes[at].next = &nodes[next];
    nodes[at].value = i * 0x9e3779b97f4a7c15ul;
    at = next;
  }
  u64 checksum = 0;
  const struct node *node = nodes;
  for (u64 round = 0; round < arguments[0]; round++) {
    for (u32 i = 0; i < CHASE_NODES; i++) {
      checksum += node->value ^ i;
      node = node->next;
    }
    checksum = mix(checksum, round);
  }
  return checksum;
}
