/* Console, end of the machine, checksums. */
#include "bench.h"

/* SiFive test finisher: the low half says how it ended, the high half is the code of a failure. */
#define FINISHER REGISTER32(0x00100000ul)
enum { FINISHER_PASS = 0x5555, FINISHER_FAIL = 0x3333 };

void print_char(char c)
{
  while (!(UART_REGISTER(UART_LSR) & LSR_THR_EMPTY))
    ;
  UART_REGISTER(UART_DATA) = (u8)c;
}

void print(const char *text)
{
  for (; *text; text++)
    print_char(*text);
}

void print_hex(u64 value)
{
  for (int shift = 60; shift >= 0; shift -= 4)
    print_char("0123456789abcdef"[(value >> shift) & 15]);
}

void print_number(u64 value)
{
  if (value >= 10)
    print_number(value / 10);
  print_char((char)('0' + value % 10));
}

int same_text(const char *a, const char *b)
{
  for (; *a && *a == *b; a++, b++)
    ;
  return *a == *b;
}

void power_off(int code)
{
  FINISHER = code ? FINISHER_FAIL | (u32)code << 16 : FINISHER_PASS;
  for (;;)
    __asm__ volatile("wfi");
}

void fail(const char *why)
{
  print("bench: ");
  print(why);
  print("\n");
  power_off(1);
}

/* Order matters, every bit of both counts (the multiplier is that of splitmix64). */
u64 mix(u64 checksum, u64 value)
{
  checksum = (checksum ^ value) * 0xbf58476d1ce4e5b9ul;
  return checksum ^ checksum >> 29;
}

/* The compiler calls these for large structures. */
void *memcpy(void *to, const void *from, u64 size)
{
  u8 *out = to;
  const u8 *in = from;
  while (size--)
    *out++ = *in++;
  return to;
}

void *memset(void *to, int value, u64 size)
{
  u8 *out = to;
  while (size--)
    *out++ = (u8)value;
  return to;
}
