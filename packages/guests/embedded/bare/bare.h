/*
 * What the guests on bare metal share that talk to other domains: start in S-mode, console, command
 * line, event channel with its interrupt. They have one stack and no translation.
 */
#pragma once
#include "channel.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

enum { PAGE_SIZE = 4096 };
#define PAGE __attribute__((aligned(PAGE_SIZE)))

/* The program's own: what it does, by its command line. It may return. */
void run(const char *command);

extern struct channel channel;
extern struct grant_entry_v1 grants[GRANT_ENTRIES];
/* How often each port has come. */
extern u32 arrivals[4096];

void print(const char *text);
void print_number(i64 value);
__attribute__((noreturn)) void power_off(int code);
/* Says which check failed, and ends the machine with a failure. */
__attribute__((noreturn)) void fail(const char *what, i64 found);
void check(const char *what, int is_right, i64 found);
/* Waits for `port` to come again, which `seen` has not; gives how often it has. */
u32 wait_for(u32 port, u32 seen);
/* By the single-shot timer of the event channel, whose port is `timer`. */
void sleep(u32 timer, u64 nanoseconds);
u64 mix(u64 checksum, u64 value);
/* A word is taken off the text, if it is this one. */
int take_word(const char **text, const char *word);
u32 take_number(const char **text, u32 otherwise);

static inline u64 read_time(void)
{
  u64 ticks;
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

/* Orders all memory accesses, also those of others. */
static inline void barrier(void)
{
  __asm__ volatile("fence iorw, iorw" ::: "memory");
}

static inline void interrupts_off(void)
{
  __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static inline void interrupts_on(void)
{
  __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}
