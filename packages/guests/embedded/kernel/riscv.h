/* The parts of the privileged architecture (Priv. 1.12) that C cannot say. */
#pragma once
#include "kernel.h"

#define READ_CSR(name)                                  \
  ({                                                    \
    u64 value_;                                         \
    __asm__ volatile("csrr %0, " #name : "=r"(value_)); \
    value_;                                             \
  })
#define WRITE_CSR(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((u64)(value)) : "memory")
#define SET_CSR(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"((u64)(bits)) : "memory")
#define CLEAR_CSR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"((u64)(bits)) : "memory")

#define SSTATUS_SIE (1ul << 1)
#define SIE_STIE (1ul << 5)
#define SIE_SEIE (1ul << 9)

/* scause (table 4.2). */
#define SCAUSE_INTERRUPT (1ul << 63)
#define SCAUSE_SUPERVISOR_TIMER (SCAUSE_INTERRUPT | 5)
#define SCAUSE_SUPERVISOR_EXTERNAL (SCAUSE_INTERRUPT | 9)

/* Turns interrupts off and gives what restore_interrupts wants back. */
static inline u64 disable_interrupts(void)
{
  u64 before;
  __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(before)::"memory");
  return before & SSTATUS_SIE;
}

static inline void restore_interrupts(u64 before)
{
  SET_CSR(sstatus, before);
}

static inline u64 read_time(void)
{
  u64 ticks;
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

static inline u64 read_instructions(void)
{
  u64 count;
  __asm__ volatile("rdinstret %0" : "=r"(count));
  return count;
}

static inline void wait_for_interrupt(void)
{
  __asm__ volatile("wfi" ::: "memory");
}

/* Orders memory against devices: what is written before is seen by a device told after. */
static inline void device_fence(void)
{
  __asm__ volatile("fence iorw, iorw" ::: "memory");
}
