/* Each operation within this domain: what it does, and how it refuses. */
#include "channel-test.h"

enum { NANOSECONDS_A_TICK = 100, DELAY_NANOSECONDS = 50000, RAM_FRAME = 0x80000 };

static i64 open_loopback(u32 *far)
{
  *far = (u32)channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, DOMID_SELF);
  i64 near = channel_op(&channel, CHANNEL_bind_interdomain, DOMID_SELF, *far);
  check("bind_interdomain", near > 0, near);
  return near;
}

static void done(const char *what)
{
  print("ok ");
  print(what);
  print("\n");
}

/* A port that is bound is pending at once: a notification before may have been lost. */
static void check_loopback(void)
{
  u32 far, near_seen = arrivals[2];
  u32 near = (u32)open_loopback(&far);
  check("two ports", far == 1 && near == 2, near);
  near_seen = wait_for(near, near_seen);
  for (u32 i = 0; i < 3; i++) {
    u32 seen = arrivals[far];
    check("send", channel_op(&channel, CHANNEL_send, near) == 0, i);
    wait_for(far, seen);
  }
  i64 status = channel_op(&channel, CHANNEL_status, DOMID_SELF, far);
  check("status", CHANNEL_STATUS(status) == EVTCHNSTAT_interdomain, status);
  check("status, other end", CHANNEL_STATUS_PORT(status) == near, status);
  check("close", channel_op(&channel, CHANNEL_close, near) == 0, near);
  status = channel_op(&channel, CHANNEL_status, DOMID_SELF, far);
  check("status after close", CHANNEL_STATUS(status) == EVTCHNSTAT_unbound, status);
  check("send to nobody", channel_op(&channel, CHANNEL_send, far) == 0, far);
  check("close again", channel_op(&channel, CHANNEL_close, near) == CHANNEL_EINVAL, near);
  channel_op(&channel, CHANNEL_close, far);
  done("loopback");
}

static void check_ipi(void)
{
  u32 port = (u32)channel_op(&channel, CHANNEL_bind_ipi, 0);
  u32 seen = arrivals[port];
  check("ipi", channel_op(&channel, CHANNEL_send, port) == 0, port);
  wait_for(port, seen);
  check("ipi stays", channel_op(&channel, CHANNEL_bind_vcpu, port, 0) == CHANNEL_EINVAL, port);
  check("no vCPU 1", channel_op(&channel, CHANNEL_bind_ipi, 1) == CHANNEL_ENOENT, 1);
  channel_op(&channel, CHANNEL_close, port);
  done("ipi");
}

static void check_timer(void)
{
  u32 port = (u32)channel_op(&channel, CHANNEL_bind_virq, VIRQ_TIMER, 0);
  i64 again = channel_op(&channel, CHANNEL_bind_virq, VIRQ_TIMER, 0);
  check("virq bound twice", again == CHANNEL_EEXIST, again);
  for (u32 i = 0; i < 5; i++) {
    u32 seen = arrivals[port];
    u64 deadline = channel_system_time(&channel) + DELAY_NANOSECONDS;
    channel_op(&channel, CHANNEL_set_singleshot_timer, deadline, VCPU_SSHOTTMR_future);
    wait_for(port, seen);
    u64 now = channel_system_time(&channel);
    check("timer not early", now + NANOSECONDS_A_TICK >= deadline, (i64)(deadline - now));
  }
  u32 seen = arrivals[port];
  i64 late = channel_op(&channel, CHANNEL_set_singleshot_timer, 1, VCPU_SSHOTTMR_future);
  check("timer in the past", late == CHANNEL_ETIME, late);
  channel_op(&channel, CHANNEL_set_singleshot_timer, 1, 0);
  wait_for(port, seen);
  channel_op(&channel, CHANNEL_close, port);
  done("timer");
}

/* Time by shared_info is never a tick behind `time`, nor more than one before it. */
static void check_time(void)
{
  u64 last = 0;
  for (u32 i = 0; i < 2000; i++) {
    u64 before = read_time() * NANOSECONDS_A_TICK;
    u64 now = channel_system_time(&channel);
    u64 after = read_time() * NANOSECONDS_A_TICK;
    check("time behind", now + NANOSECONDS_A_TICK > before, (i64)(before - now));
    check("time ahead", now <= after + 3 * NANOSECONDS_A_TICK, (i64)(now - after));
    check("time backwards", now >= last, (i64)(last - now));
    last = now;
  }
  check("wall clock", channel_wall_seconds(&channel) > 0, 0);
  done("time");
}

static void check_masks(void)
{
  u32 port = (u32)channel_op(&channel, CHANNEL_bind_ipi, 0);
  u32 seen = arrivals[port];
  channel_mask(&channel, port);
  channel_op(&channel, CHANNEL_send, port);
  check("masked port pending", channel_is_pending(&channel, port), port);
  check("masked port silent", *(volatile u32 *)&arrivals[port] == seen, port);
  channel_op(&channel, CHANNEL_unmask, port);
  seen = wait_for(port, seen);

  channel_hold_upcalls(&channel);
  channel_op(&channel, CHANNEL_send, port);
  check("held upcall", *(volatile u32 *)&arrivals[port] == seen, port);
  channel_release_upcalls(&channel);
  wait_for(port, seen);

  channel_mask(&channel, port);
  channel_op(&channel, CHANNEL_send, port);
  channel_op(&channel, CHANNEL_close, port);
  check("closed port not pending", !channel_is_pending(&channel, port), port);
  channel_op(&channel, CHANNEL_unmask, port);
  channel.info->evtchn_mask[port / 64] &= ~(1ul << port % 64);
  done("masks");
}

static void check_refusals(void)
{
  static const struct {
    const char *what;
    u32 operation;
    u64 arguments[4];
    i64 result;
  } cases[] = {
      {"send 0", CHANNEL_send, {0}, CHANNEL_EINVAL},
      {"send 4096", CHANNEL_send, {4096}, CHANNEL_EINVAL},
      {"send closed", CHANNEL_send, {99}, CHANNEL_EINVAL},
      {"close 0", CHANNEL_close, {0}, CHANNEL_EINVAL},
      {"unmask 4096", CHANNEL_unmask, {4096}, CHANNEL_EINVAL},
      {"unmask closed", CHANNEL_unmask, {99}, 0},
      {"status closed", CHANNEL_status, {DOMID_SELF, 99}, EVTCHNSTAT_closed},
      {"virq 24", CHANNEL_bind_virq, {24, 0}, CHANNEL_EINVAL},
      {"virq of another", CHANNEL_bind_virq, {2, 0}, CHANNEL_EBUSY},
      {"domain 77", CHANNEL_bind_interdomain, {77, 1}, CHANNEL_ESRCH},
      {"status of domain 77", CHANNEL_status, {77, 1}, CHANNEL_ESRCH},
      {"info in no RAM", CHANNEL_add_to_physmap, {0, 0, 0x10200}, CHANNEL_EINVAL},
      {"info at the end", CHANNEL_add_to_physmap, {0, 0, ~0ul}, CHANNEL_EINVAL},
      {"map of domain 77", CHANNEL_map_grant_ref, {GNTMAP_host_map, 8, 77, RAM_FRAME},
       GNTST_bad_domain},
      {"unmap nothing", CHANNEL_unmap_grant_ref, {3}, GNTST_bad_handle},
      {"no operation", 0x4711, {0}, CHANNEL_ENOSYS},
  };
  for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    i64 result = channel_operate(&channel, cases[i].operation, cases[i].arguments, 4);
    check(cases[i].what, result == cases[i].result, result);
  }
  done("refusals");
}

static void check_ports_run_out(void)
{
  u32 count = 0;
  i64 port;
  while ((port = channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, 3)) > 0)
    count++;
  check("ports", count == 4095 && port == CHANNEL_ENOSPC, port);
  check("reset", channel_op(&channel, CHANNEL_reset, DOMID_SELF) == 0, 0);
  port = channel_op(&channel, CHANNEL_alloc_unbound, DOMID_SELF, 3);
  check("first port again", port == 1, port);
  channel_op(&channel, CHANNEL_close, (u64)port);
  done("ports");
}

/* Each map is a copy; a notification on a channel to the other side makes them one. */
static void check_grants(void)
{
  static u8 page[PAGE_SIZE] PAGE, map[PAGE_SIZE] PAGE;
  volatile u8 *granted = page, *mapped = map;
  u32 self = *(volatile u32 *)(channel.base + CHANNEL_DOMAIN), far;
  u32 near = (u32)open_loopback(&far);
  granted[7] = 42;
  channel_grant(grants, 8, self, page, 0);
  u64 frame = (u64)map >> 12;
  i64 handle = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, 8, self, frame);
  check("map", handle >= 0 && mapped[7] == 42, handle);
  check("revoke in use", channel_revoke(grants, 8) == -1, 0);
  mapped[5] = 1;
  granted[6] = 2;
  check("not told yet", granted[5] == 0 && mapped[6] == 0, granted[5]);
  channel_op(&channel, CHANNEL_send, near);
  check("told", granted[5] == 1 && mapped[6] == 2, granted[5]);
  mapped[9] = 9;
  check("unmap", channel_op(&channel, CHANNEL_unmap_grant_ref, (u64)handle) == 0, handle);
  check("told by unmap", granted[9] == 9, granted[9]);
  i64 copied = channel_op(&channel, CHANNEL_grant_copy, GNTCOPY_source_gref, 8, self, 5,
                          (u64)map + 100, 3);
  check("copy", copied == 0 && mapped[100] == 1 && mapped[101] == 2, copied);
  check("revoke", channel_revoke(grants, 8) == 0, grants[8].flags);
  handle = channel_op(&channel, CHANNEL_map_grant_ref, GNTMAP_host_map, 8, self, frame);
  check("map what was revoked", handle == GNTST_general_error, handle);
  channel_op(&channel, CHANNEL_close, near);
  channel_op(&channel, CHANNEL_close, far);
  done("grants");
}

static void check_console(void)
{
  static struct xencons_interface ring PAGE;
  static const char text[] = "written through the ring\n";
  i64 port = channel_console_open(&channel, &ring);
  check("console", port > 0, port);
  u32 written = 0;
  while (written < 5000)
    written += channel_console_write(&channel, &ring, (u32)port, text, sizeof(text) - 1);
  check("console taken", ring.out_cons == written, ring.out_cons);
  check("console closed", channel_op(&channel, CHANNEL_close, (u64)port) == 0, port);
  done("console");
}

/* Absent under firmware. */
static void check_sbi(void)
{
  int is_there;
  i64 version = channel_ecall(CHANNEL_version, 0, 0, &is_there);
  if (!is_there) {
    print("no SBI extension\n");
    return;
  }
  check("version by ecall", version == CHANNEL_VERSION_VALUE, version);
  i64 port = channel_ecall(CHANNEL_bind_ipi, (const u64[]){0}, 1, &is_there);
  u32 seen = arrivals[port];
  channel_ecall(CHANNEL_send, (const u64[]){(u64)port}, 1, &is_there);
  wait_for((u32)port, seen);
  i64 bad = channel_ecall(CHANNEL_send, (const u64[]){4096}, 1, &is_there);
  check("error by ecall", is_there && bad == CHANNEL_EINVAL, bad);
  channel_ecall(CHANNEL_close, (const u64[]){(u64)port}, 1, &is_there);
  done("sbi");
}

void run_local(void)
{
  check_loopback();
  check_ipi();
  check_timer();
  check_time();
  check_masks();
  check_refusals();
  check_ports_run_out();
  check_grants();
  check_console();
  check_sbi();
}
