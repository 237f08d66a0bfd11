/*
 * The timer: by the stimecmp register where the hart has it (Sstc 1.0), else by a call to the
 * firmware.
 */
#include "riscv.h"

#define STIMECMP 0x14d /* its name is newer than the assembler */

static int has_sstc;
static u32 timebase_hz;

void timer_init(void)
{
  timebase_hz = fdt_timebase_hz();
  has_sstc = fdt_has_extension("sstc");
}

/* Both forms take a pending interrupt back if the deadline lies ahead. */
void timer_set(u64 deadline)
{
  if (has_sstc)
    __asm__ volatile("csrw %0, %1" ::"i"(STIMECMP), "r"(deadline) : "memory");
  else
    sbi_set_timer(deadline);
}

int timer_is_sstc(void)
{
  return has_sstc;
}

u64 ticks_of_microseconds(u64 microseconds)
{
  return microseconds * timebase_hz / 1000000;
}

u64 microseconds_of_ticks(u64 ticks)
{
  return ticks * 1000000 / timebase_hz;
}
