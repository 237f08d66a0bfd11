/*
 * A ring of requests and responses in one page that two domains share: the protocol of Xen's
 * public/io/ring.h, told anew. The front end makes requests, the back end answers them in any
 * order; a response takes the slot of a request that was consumed. Indexes run freely and are taken
 * modulo the number of slots.
 *
 * Invariants: rsp_prod <= consumed requests <= req_prod <= consumed responses + RING_SLOTS.
 *
 * Each side's writes reach the other with a notification and not before, so none is ever spared:
 * there are no `req_event` and `rsp_event` as in Xen.
 */
#pragma once
#include "bare.h"

enum { RING_SLOTS = 16 };
/* The front end's, by agreement: there is no store where the two could look each other up. */
enum { RING_PORT = 1, RING_REF = 8, DATA_REF = 16 };
enum { BLOCK_READ = 0, BLOCK_END = 1 };
enum { BLOCK_OKAY = 0, BLOCK_ERROR = -1, BLOCK_UNKNOWN = -2 };

struct block_request {
  u32 id; /* of the data page, too: grant DATA_REF + id */
  u32 operation;
  u64 block;
};

struct block_response {
  u32 id;
  i32 status;
  u64 checksum;
};

struct ring {
  volatile u32 req_prod; /* the front end's */
  u32 pad0[15];
  volatile u32 rsp_prod; /* the back end's */
  u32 pad1[15];
  union {
    volatile struct block_request request;
    volatile struct block_response response;
  } slots[RING_SLOTS];
};
