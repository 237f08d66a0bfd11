// SPDX-License-Identifier: MIT
/*
 * The event channel from a Linux program's side: what casmotion_evtchn.h promises, checked one
 * after another; at last the module is unloaded and loaded again. Prints a line `ok` or `FAILED` a
 * check, and the counts; ends with 1 if one failed.
 *
 *   riscv64-linux-gnu-gcc -static -O2 -o evtchn-test evtchn-test.c
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
typedef uint16_t domid_t; /* the next header leaves it to Xen's own */
#include <xen/evtchn.h>
#include "../embedded/channel/channel-abi.h"
#include "casmotion_evtchn/casmotion_evtchn.h"

enum { WAIT_MS = 1000, QUIET_MS = 5, MANY_PORTS = 100, DELAY_NANOSECONDS = 2000000, TRIES = 5 };

static const char DEVICE[] = "/dev/casmotion-evtchn";
static int passed, failed;

static int check(const char *what, int is_ok, long found)
{
  if (is_ok)
    passed++;
  else
    failed++;
  if (is_ok)
    printf("evtchn-test: ok %s\n", what);
  else
    printf("evtchn-test: FAILED %s: found %ld, errno %s\n", what, found, strerror(errno));
  return is_ok;
}

static int is_error(long result, int expected)
{
  return result == -1 && errno == expected;
}

static int open_device(int flags)
{
  int file = open(DEVICE, O_RDWR | flags);
  check("open", file >= 0, file);
  return file;
}

static int bind_unbound(int file)
{
  struct ioctl_evtchn_bind_unbound_port argument = {.remote_domain = DOMID_SELF};
  return ioctl(file, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &argument);
}

static int bind_interdomain(int file, int port)
{
  struct ioctl_evtchn_bind_interdomain argument = {DOMID_SELF, (unsigned)port};
  return ioctl(file, IOCTL_EVTCHN_BIND_INTERDOMAIN, &argument);
}

static int bind_virq(int file, unsigned virq)
{
  struct ioctl_evtchn_bind_virq argument = {virq};
  return ioctl(file, IOCTL_EVTCHN_BIND_VIRQ, &argument);
}

static int notify(int file, int port)
{
  struct ioctl_evtchn_notify argument = {(unsigned)port};
  return ioctl(file, IOCTL_EVTCHN_NOTIFY, &argument);
}

static int unbind(int file, int port)
{
  struct ioctl_evtchn_unbind argument = {(unsigned)port};
  return ioctl(file, IOCTL_EVTCHN_UNBIND, &argument);
}

static int is_readable(int file, int timeout_ms)
{
  struct pollfd waiting = {.fd = file, .events = POLLIN};
  return poll(&waiting, 1, timeout_ms) == 1 && (waiting.revents & POLLIN);
}

/* The port that was notified, or -1. */
static int next_port(int file)
{
  uint32_t port;
  if (!is_readable(file, WAIT_MS))
    return -1;
  return read(file, &port, sizeof(port)) == sizeof(port) ? (int)port : -1;
}

static void check_next(const char *what, int file, int port)
{
  int found = next_port(file);
  check(what, found == port, found);
}

static int unmask(int file, int port)
{
  uint32_t number = (uint32_t)port;
  return write(file, &number, sizeof(number)) == sizeof(number);
}

static void check_loopback(int file)
{
  int far = bind_unbound(file), near = bind_interdomain(file, far);
  check("bind an unbound port", far > 0, far);
  check("bind to it", near > 0, near);
  check_next("the new end is notified", file, near);
  check("notify", notify(file, near) == 0, near);
  check_next("the other end is notified", file, far);
  check("notify again", notify(file, near) == 0, near);
  check("a port that was read is silent", !is_readable(file, QUIET_MS), far);
  check("write back", unmask(file, far), far);
  check_next("what came meanwhile comes then", file, far);
  check("unbind", unbind(file, near) == 0 && unbind(file, far) == 0, near);
  check("notify what is unbound", is_error(notify(file, near), ENOTCONN), near);
  check("unbind what is unbound", is_error(unbind(file, near), ENOTCONN), near);
}

static void check_refusals(int file)
{
  uint32_t port;
  int fresh = open_device(O_NONBLOCK), own = bind_unbound(file);
  check("read nothing", is_error(read(fresh, &port, sizeof(port)), EAGAIN), 0);
  check("read less than a port", read(fresh, &port, 3) == 0, 0);
  check("another file's port", is_error(notify(fresh, own), ENOTCONN), own);
  check("port 0", is_error(notify(fresh, 0), ENOTCONN), 0);
  check("port -1", is_error(notify(fresh, -1), ENOTCONN), 0);
  check("bind to a closed port", is_error(bind_interdomain(fresh, 4000), EINVAL), 4000);
  check("no such virq", is_error(bind_virq(fresh, 99), EINVAL), 99);
  check("no such ioctl", is_error(ioctl(fresh, _IO('E', 0x7f)), ENOTTY), 0);
  check("bad address", is_error(ioctl(fresh, IOCTL_EVTCHN_NOTIFY, 8), EFAULT), 0);
  check("write what is not ours", unmask(fresh, own), own);
  close(fresh);
  unbind(file, own);
}

static uint64_t system_time(int file)
{
  uint64_t now = 0;
  if (ioctl(file, CASMOTION_EVTCHN_SYSTEM_TIME, &now) != 0)
    check("system time", 0, 0);
  return now;
}

/* Time may jump over a deadline before the operation: then another. */
static uint64_t start_timer(int file)
{
  struct casmotion_evtchn_timer timer = {.flags = VCPU_SSHOTTMR_future};
  int result = -1;
  errno = ETIME;
  for (int i = 0; i < TRIES && is_error(result, ETIME); i++) {
    timer.deadline_nanoseconds = system_time(file) + DELAY_NANOSECONDS;
    result = ioctl(file, CASMOTION_EVTCHN_SET_TIMER, &timer);
  }
  check("set the timer", result == 0, result);
  return timer.deadline_nanoseconds;
}

static void check_timer(int file)
{
  int port = bind_virq(file, VIRQ_TIMER);
  check("bind a virq", port > 0, port);
  check("a virq is bound once", is_error(bind_virq(file, VIRQ_TIMER), EEXIST), 0);
  uint64_t deadline = start_timer(file);
  /* Without poll. If nothing wakes the reader, the machine runs into its time-out. */
  uint32_t notified = 0;
  check("the timer wakes a reader", read(file, &notified, sizeof(notified)) == sizeof(notified),
        notified);
  check("by its port", notified == (uint32_t)port, notified);
  uint64_t now = system_time(file);
  check("not early", now >= deadline, (long)(deadline - now));
  struct casmotion_evtchn_timer late = {deadline, VCPU_SSHOTTMR_future, 0};
  check("late", is_error(ioctl(file, CASMOTION_EVTCHN_SET_TIMER, &late), ETIME), 0);
  late.flags = 8;
  check("no such flag", is_error(ioctl(file, CASMOTION_EVTCHN_SET_TIMER, &late), EINVAL), 8);
  unbind(file, port);
}

/* Both count from the same clock; the slower one may have begun later. */
static void check_time(int file)
{
  struct timespec first, second;
  clock_gettime(CLOCK_MONOTONIC_RAW, &first);
  uint64_t start = system_time(file);
  usleep(20000);
  uint64_t end = system_time(file);
  clock_gettime(CLOCK_MONOTONIC_RAW, &second);
  int64_t outer = (int64_t)(second.tv_sec - first.tv_sec) * 1000000000 + second.tv_nsec -
                  first.tv_nsec;
  int64_t inner = (int64_t)(end - start);
  check("system time goes on as Linux's clock", inner >= 20000000 && inner <= outer + 1000, inner);
}

static void check_ipi_and_status(int file)
{
  int port = ioctl(file, CASMOTION_EVTCHN_BIND_IPI);
  struct casmotion_evtchn_status status = {.port = (uint32_t)port};
  check("bind an ipi", port > 0, port);
  check("status", ioctl(file, CASMOTION_EVTCHN_STATUS, &status) == 0, port);
  check("status is ipi", status.status == EVTCHNSTAT_ipi && status.vcpu == 0, status.status);
  check("notify an ipi", notify(file, port) == 0, port);
  check_next("the ipi comes", file, port);
  unmask(file, port);
  notify(file, port);
  check("reset", is_readable(file, WAIT_MS) && ioctl(file, IOCTL_EVTCHN_RESET) == 0, port);
  check("reset forgets", !is_readable(file, 0), port);
  unbind(file, port);
}

/* More than are read at once; and closing the file closes them. */
static void check_many(void)
{
  int file = open_device(0), ports[MANY_PORTS], in_order = 1, seen = 0;
  uint32_t read_ports[MANY_PORTS];
  struct casmotion_evtchn_status status;
  for (int i = 0; i < MANY_PORTS; i++)
    ports[i] = ioctl(file, CASMOTION_EVTCHN_BIND_IPI);
  for (int i = 0; i < MANY_PORTS; i++)
    notify(file, ports[i]);
  while (seen < MANY_PORTS && is_readable(file, WAIT_MS)) {
    ssize_t size = read(file, read_ports, sizeof(read_ports));
    for (int i = 0; i < size / 4 && seen < MANY_PORTS; i++)
      in_order &= read_ports[i] == (uint32_t)ports[seen++];
  }
  check("many ports, none lost, in order", seen == MANY_PORTS && in_order, seen);
  status.port = (uint32_t)ports[MANY_PORTS - 1];
  close(file);
  file = open_device(0);
  int error = ioctl(file, CASMOTION_EVTCHN_STATUS, &status);
  check("closing closes the ports", !error && status.status == EVTCHNSTAT_closed, status.status);
  close(file);
}

/* The module in use stays. Taken out, it leaves nothing behind: loaded again, it works again. */
static void check_reload(void)
{
  int file = open_device(0);
  long result = syscall(SYS_delete_module, "casmotion_evtchn", O_NONBLOCK);
  check("a module in use stays", is_error(result, EAGAIN), result);
  close(file);
  result = syscall(SYS_delete_module, "casmotion_evtchn", O_NONBLOCK);
  check("unload", result == 0, result);
  check("the device is gone", is_error(open(DEVICE, O_RDWR), ENOENT), 0);
  tcdrain(STDOUT_FILENO); /* The kernel's lines do not wait for ours. */
  int module = open("/lib/modules/casmotion_evtchn.ko", O_RDONLY);
  result = syscall(SYS_finit_module, module, "selftest=1", 0);
  check("load again", result == 0, result);
  file = open_device(0);
  check_loopback(file);
  close(file);
}

int main(void)
{
  int file = open_device(0);
  if (file >= 0) {
    check_loopback(file);
    check_refusals(file);
    check_timer(file);
    check_time(file);
    check_ipi_and_status(file);
    close(file);
    check_many();
    check_reload();
  }
  printf("evtchn-test: %d passed, %d failed\n", passed, failed);
  return failed != 0;
}
