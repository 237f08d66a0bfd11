/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The event channel inside of the module. Everything is bound to vCPU 0 and asked through its frame
 * of registers, from whichever processor.
 */
#ifndef EVTCHN_H
#define EVTCHN_H

#include <linux/miscdevice.h>
#include <linux/spinlock.h>
#include "channel-abi.h"

#define EVTCHN_PORTS 4096 /* that shared_info has bits for */

struct evtchn_binding;
/* In the interrupt, with the channel's lock held; the port's pending bit is clear. */
typedef void evtchn_handler(struct evtchn_binding *binding);

/* Who is told of a port. It belongs to the caller, who keeps it until evtchn_unbind. */
struct evtchn_binding {
  evtchn_handler *handler;
  u32 port;
};

/*
 * Invariants: bindings[p]->port == p; a port without a binding is masked; `lock` is taken before
 * `operation_lock`.
 */
struct evtchn {
  void __iomem *base;
  struct shared_info *info;
  spinlock_t lock;           /* bindings, and what their handlers write */
  spinlock_t operation_lock; /* the frame of registers */
  struct evtchn_binding *bindings[EVTCHN_PORTS];
  struct miscdevice misc;
};

/* An operation: its result, or a negative error, which is also Linux's. */
s64 evtchn_operate(struct evtchn *channel, u32 operation, const u64 *arguments, u32 count);
#define evtchn_op(channel, operation, ...)                         \
  evtchn_operate((channel), (operation), (const u64[]){__VA_ARGS__}, \
                 sizeof((const u64[]){__VA_ARGS__}) / sizeof(u64))

/* Does an operation that gives a port, and sends its notifications there: the port or an error. */
s64 evtchn_bind(struct evtchn *channel, struct evtchn_binding *binding, u32 operation, u64 first,
                u64 second);
/* Closes the port. Afterwards the handler is not running and is not called any more. */
void evtchn_unbind(struct evtchn *channel, struct evtchn_binding *binding);

void evtchn_mask(struct evtchn *channel, u32 port);
bool evtchn_is_pending(struct evtchn *channel, u32 port);
/* Nanoseconds since power-on, by the time block. */
u64 evtchn_system_time(struct evtchn *channel);

/* The file /dev/casmotion-evtchn; it goes with the device. */
int evtchn_add_user_interface(struct evtchn *channel, struct device *device);
/* Prints a line for each check, and at last how many passed and failed. */
void evtchn_selftest(struct evtchn *channel);

#endif
