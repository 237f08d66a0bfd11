// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* What the device does for each operation within this domain, and how it refuses. */
#define pr_fmt(fmt) KBUILD_MODNAME ": selftest: " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/timex.h>
#include <linux/wait.h>
#include "evtchn.h"

enum {
  DELAY_NANOSECONDS = 1000000,
  QUIET_MS = 5,
  SENDS = 5,
  TIMERS = 5,
  TRIES = 5,
  READINGS = 10000,
  ABSENT_PORT = 4000,
  ABSENT_OPERATION = 0x4711,
};

struct selftest {
  struct evtchn *channel;
  u32 passed, failed;
};

/* A port that counts its notifications. */
struct listener {
  struct evtchn_binding binding;
  atomic_t arrivals;
  wait_queue_head_t wait;
};

static void check(struct selftest *test, const char *what, bool is_ok, s64 found)
{
  if (is_ok) {
    test->passed++;
    pr_info("ok %s\n", what);
  } else {
    test->failed++;
    pr_err("FAILED %s: found %lld\n", what, found);
  }
}

static void count_arrival(struct evtchn_binding *binding)
{
  struct listener *listener = container_of(binding, struct listener, binding);

  atomic_inc(&listener->arrivals);
  wake_up(&listener->wait);
}

/* The port, or an error, which is also a failed check. */
static s64 listen(struct selftest *test, struct listener *listener, const char *what,
                  u32 operation, u64 first, u64 second)
{
  s64 port;

  listener->binding.handler = count_arrival;
  atomic_set(&listener->arrivals, 0);
  init_waitqueue_head(&listener->wait);
  port = evtchn_bind(test->channel, &listener->binding, operation, first, second);
  check(test, what, port > 0, port);
  return port;
}

/* True when there were exactly so many within a second. */
static bool arrive(struct listener *listener, int count)
{
  wait_event_timeout(listener->wait, atomic_read(&listener->arrivals) >= count, HZ);
  return atomic_read(&listener->arrivals) == count;
}

static u64 status_of(struct selftest *test, s64 port)
{
  return (u64)evtchn_op(test->channel, CHANNEL_status, DOMID_SELF, (u64)port);
}

static void check_ends(struct selftest *test, struct listener *far, s64 far_port, s64 near_port)
{
  u64 status = status_of(test, far_port);
  bool is_bound = CHANNEL_STATUS(status) == EVTCHNSTAT_interdomain;
  int i;

  check(test, "status of an interdomain port",
        is_bound && CHANNEL_STATUS_PORT(status) == near_port, (s64)status);
  for (i = 1; i <= SENDS; i++) {
    s64 result = evtchn_op(test->channel, CHANNEL_send, (u64)near_port);

    if (result || !arrive(far, i))
      break;
  }
  check(test, "loopback: each notification arrives once", i > SENDS, i);
}

static void check_loopback(struct selftest *test)
{
  struct listener far, near;
  s64 near_port, far_port = listen(test, &far, "alloc_unbound", CHANNEL_alloc_unbound, DOMID_SELF,
                                   DOMID_SELF);
  u64 status;

  if (far_port < 0)
    return;
  near_port = listen(test, &near, "bind_interdomain", CHANNEL_bind_interdomain, DOMID_SELF,
                     (u64)far_port);
  if (near_port > 0) {
    /* What was sent before the binding may be lost: the new end is pending at once. */
    check(test, "loopback: the new end is notified", arrive(&near, 1),
          atomic_read(&near.arrivals));
    check_ends(test, &far, far_port, near_port);
    evtchn_unbind(test->channel, &near.binding);
    status = status_of(test, far_port);
    check(test, "close leaves the other end unbound",
          CHANNEL_STATUS(status) == EVTCHNSTAT_unbound, (s64)status);
  }
  evtchn_unbind(test->channel, &far.binding);
  status = status_of(test, far_port);
  check(test, "close", CHANNEL_STATUS(status) == EVTCHNSTAT_closed, (s64)status);
}

static void check_masks(struct selftest *test)
{
  struct listener ipi;
  s64 port = listen(test, &ipi, "bind_ipi", CHANNEL_bind_ipi, 0, 0);

  if (port < 0)
    return;
  evtchn_op(test->channel, CHANNEL_send, (u64)port);
  check(test, "ipi arrives", arrive(&ipi, 1), atomic_read(&ipi.arrivals));
  evtchn_mask(test->channel, (u32)port);
  evtchn_op(test->channel, CHANNEL_send, (u64)port);
  msleep(QUIET_MS);
  check(test, "masked port is pending", evtchn_is_pending(test->channel, (u32)port), port);
  check(test, "masked port does not arrive", atomic_read(&ipi.arrivals) == 1,
        atomic_read(&ipi.arrivals));
  evtchn_op(test->channel, CHANNEL_unmask, (u64)port);
  check(test, "unmasked port arrives", arrive(&ipi, 2), atomic_read(&ipi.arrivals));
  check(test, "arrived port is not pending", !evtchn_is_pending(test->channel, (u32)port), port);
  evtchn_unbind(test->channel, &ipi.binding);
}

/* Time may jump over a deadline before the operation: then another. 0 or an error. */
static s64 start_timer(struct selftest *test, u64 *deadline)
{
  s64 result;
  int i;

  for (i = 0; i < TRIES; i++) {
    *deadline = evtchn_system_time(test->channel) + DELAY_NANOSECONDS;
    result = evtchn_op(test->channel, CHANNEL_set_singleshot_timer, *deadline,
                       VCPU_SSHOTTMR_future);
    if (result != -ETIME)
      break;
  }
  return result;
}

static void check_timer(struct selftest *test)
{
  struct listener timer;
  struct evtchn_binding second = {.handler = count_arrival};
  s64 result, early = 0, port = listen(test, &timer, "bind_virq", CHANNEL_bind_virq, VIRQ_TIMER, 0);
  int i;

  if (port < 0)
    return;
  result = evtchn_bind(test->channel, &second, CHANNEL_bind_virq, VIRQ_TIMER, 0);
  check(test, "virq is bound once", result == -EEXIST, result);
  for (i = 1; i <= TIMERS && early <= 0; i++) {
    u64 deadline;

    result = start_timer(test, &deadline);
    if (result || !arrive(&timer, i))
      break;
    early = (s64)(deadline - evtchn_system_time(test->channel));
  }
  check(test, "virq timer fires", i > TIMERS, result ?: i);
  check(test, "virq timer is not early", early <= 0, early);
  result = evtchn_op(test->channel, CHANNEL_set_singleshot_timer, 1, VCPU_SSHOTTMR_future);
  check(test, "virq timer refuses the past", result == -ETIME, result);
  evtchn_unbind(test->channel, &timer.binding);
}

/*
 * The block is read between two readings of `time`. It may be before a reading by the part of a
 * tick that has not ended, and after by what rounding a tick to the block's scale gives.
 */
static void check_time(struct selftest *test)
{
  u64 tick = div64_ul(NSEC_PER_SEC, riscv_timebase);
  u64 last = 0, first = evtchn_system_time(test->channel);
  s64 behind = S64_MIN, ahead = S64_MIN, back = S64_MIN;
  int i;

  for (i = 0; i < READINGS; i++) {
    u64 before = get_cycles64() * tick;
    u64 now = evtchn_system_time(test->channel);
    u64 after = get_cycles64() * tick;

    behind = max(behind, (s64)(before - now));
    ahead = max(ahead, (s64)(now - after));
    back = max(back, (s64)(last - now));
    last = now;
  }
  check(test, "time block is not behind the time CSR", behind < (s64)tick, behind);
  check(test, "time block is not ahead of the time CSR", ahead <= (s64)(3 * tick), ahead);
  check(test, "time block does not go back", back <= 0, back);
  check(test, "time block goes on", last > first, (s64)(last - first));
  check(test, "wall clock", test->channel->info->wc_sec > 0, test->channel->info->wc_sec);
}

static void check_refusals(struct selftest *test)
{
  static const struct {
    const char *what;
    u32 operation;
    u64 arguments[2];
    s64 result;
  } cases[] = {
    {"version", CHANNEL_version, {0}, CHANNEL_VERSION_VALUE},
    {"send on port 0", CHANNEL_send, {0}, -EINVAL},
    {"send on port 4096", CHANNEL_send, {EVTCHN_PORTS}, -EINVAL},
    {"send on a closed port", CHANNEL_send, {ABSENT_PORT}, -EINVAL},
    {"close a closed port", CHANNEL_close, {ABSENT_PORT}, -EINVAL},
    {"status of a closed port", CHANNEL_status, {DOMID_SELF, ABSENT_PORT}, EVTCHNSTAT_closed},
    {"bind to a closed port", CHANNEL_bind_interdomain, {DOMID_SELF, ABSENT_PORT}, -EINVAL},
    {"no such operation", ABSENT_OPERATION, {0}, -ENOSYS},
  };
  u32 i;

  for (i = 0; i < ARRAY_SIZE(cases); i++) {
    s64 result = evtchn_operate(test->channel, cases[i].operation, cases[i].arguments, 2);

    check(test, cases[i].what, result == cases[i].result, result);
  }
}

void evtchn_selftest(struct evtchn *channel)
{
  struct selftest test = {.channel = channel};

  check_refusals(&test);
  check_loopback(&test);
  check_masks(&test);
  check_timer(&test);
  check_time(&test);
  pr_info("%u passed, %u failed\n", test.passed, test.failed);
}
