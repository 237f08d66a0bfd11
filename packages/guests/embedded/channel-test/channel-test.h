/*
 * A program that uses the event channel in every way it has. The first word of the command line
 * picks what:
 *
 *   local                 each operation within this domain, a line a check (the default)
 *   local                 each operation within this domain, a line for each part
 *   serve PEER ROUNDS     domain PEER binds port 1 and maps grant 8; answers it
 *   call PEER ROUNDS      the other side of `serve`
 */
#pragma once
#include "channel.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

enum { PAGE_SIZE = 4096 };
#define PAGE __attribute__((aligned(PAGE_SIZE)))

extern struct channel channel;
extern struct grant_entry_v1 grants[GRANT_ENTRIES];
/* How often each port has come. */
extern u32 arrivals[4096];

/* main.c */
void print(const char *text);
void print_number(i64 value);
__attribute__((noreturn)) void power_off(int code);
/* Says which check failed, and ends the machine with a failure. */
__attribute__((noreturn)) void fail(const char *what, i64 found);
void check(const char *what, int is_right, i64 found);
/* Waits for `port` to come again, which `seen` has not; gives how often it has. */
u32 wait_for(u32 port, u32 seen);
u64 mix(u64 checksum, u64 value);

/* local.c, listen.c, peers.c */
void run_local(void);
void run_listen(void);
void run_serve(u32 peer, u32 rounds);
void run_call(u32 peer, u32 rounds);

static inline u64 read_time(void)
{
  u64 ticks;
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

static inline void interrupts_off(void)
{
  __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static inline void interrupts_on(void)
{
  __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}
