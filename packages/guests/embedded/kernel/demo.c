/*
 * A domain at work: the clock, random numbers, threads, the disk, upcalls, and the race at the end.
 */
#include "riscv.h"

enum { WORK_ROUNDS = 8, JOURNAL_RECORDS = 8, PINGS = 5 };

static u64 results[COMPUTE_KINDS];

static void worker(i64 kind)
{
  results[kind] = compute((int)kind, (u64)kind + 1, WORK_ROUNDS);
}

static void run_workers(void)
{
  int ids[COMPUTE_KINDS];
  for (int kind = 0; kind < COMPUTE_KINDS; kind++)
    ids[kind] = thread_create(compute_name(kind), worker, kind);
  thread_list();
  for (int kind = 0; kind < COMPUTE_KINDS; kind++)
    thread_join(ids[kind]);
  for (int kind = 0; kind < COMPUTE_KINDS; kind++)
    print("work: %8s%016lx\n", compute_name(kind), results[kind]);
}

static int use_journal(void)
{
  static char text[] = "transfer 0";
  if (journal_format())
    return 1;
  for (int i = 0; i < JOURNAL_RECORDS; i++) {
    text[sizeof(text) - 2] = (char)('0' + i);
    if (journal_write(text))
      return 1;
  }
  return journal_check() || journal_replay();
}

static void use_event_channel(void)
{
  u64 before = event_channel_upcalls();
  for (u32 i = 0; i < PINGS; i++)
    event_channel_ping();
  print("evtchn: %d times sent, %lu upcalls\n", PINGS, event_channel_upcalls() - before);
}

int demo_run(void)
{
  char date[] = "date", random[] = "rand", uptime[] = "uptime";
  if (rtc_present())
    shell_run(date);
  if (random_present())
    shell_run(random);
  run_workers();
  int failures = disk_sectors() ? use_journal() : 0;
  if (event_channel_present())
    use_event_channel();
  failures += race_run();
  shell_run(uptime);
  print("demo: %s\n", failures ? "FAILED" : "passed");
  return failures != 0;
}
