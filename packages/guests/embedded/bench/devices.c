/* What a machine's devices do: timer interrupts, console output, register access. */
#include "bench.h"

static u64 interval;
static u64 next_tick;
static volatile u64 ticks;

/*
 * Under a host's clock a machine can fall behind for good, with a tick due whenever one ends: from
 * time to time the clock is looked at, and the lag given up.
 */
void handle_timer(void)
{
  next_tick += interval;
  if (++ticks % 64 == 0 && next_tick + 64 * interval < MTIME)
    next_tick = MTIME + interval;
  MTIMECMP = next_tick;
}

/* Numbers: microseconds of guest time between interrupts, rounds of the sieve under them. */
u64 run_irq(const u64 *arguments)
{
  u64 checksum = 0;
  interval = arguments[0] * TICKS_PER_MICROSECOND;
  next_tick = MTIME + interval;
  MTIMECMP = next_tick;
  set_csr(mie, MIE_MTIE);
  set_csr(mstatus, MSTATUS_MIE);
  for (u64 round = 0; round < arguments[1]; round++)
    checksum = mix(checksum, sieve_round());
  clear_csr(mstatus, MSTATUS_MIE);
  if (!ticks)
    fail("no timer interrupt came");
  return checksum;
}

/* Rounds are a hundred lines of 64 characters. */
u64 run_console(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 line = 0; line < arguments[0] * 100; line++) {
    checksum = mix(checksum, line);
    print_hex(checksum);
    print(" a line of text that is as long as many a line \n");
  }
  return checksum;
}

/* A driver's registers, read and written without output. Rounds are ten thousands. */
u64 run_uart(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 i = 0; i < arguments[0] * 10000; i++) {
    UART_REGISTER(UART_SCRATCH) = (u8)i;
    checksum += UART_REGISTER(UART_SCRATCH);
    checksum += UART_REGISTER(UART_LSR) & LSR_THR_EMPTY;
  }
  return checksum;
}
