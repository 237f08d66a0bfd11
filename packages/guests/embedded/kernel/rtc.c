/* The clock of the real world: goldfish RTC (Android's goldfish virtual hardware). */
#include "kernel.h"

enum { TIME_LOW = 0, TIME_HIGH = 4 };

int rtc_present(void)
{
  return fdt_device("google,goldfish-rtc", 0).base != 0;
}

/* Nanoseconds since 1970. Reading the low half latches the high half. */
u64 rtc_nanoseconds(void)
{
  u64 base = fdt_device("google,goldfish-rtc", 0).base;
  u64 low = REGISTER32(base + TIME_LOW);
  return (u64)REGISTER32(base + TIME_HIGH) << 32 | low;
}

static int is_leap(u64 year)
{
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

void rtc_print(u64 nanoseconds)
{
  static const u8 month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  u64 seconds = nanoseconds / 1000000000;
  u64 days = seconds / 86400;
  u64 year = 1970;
  for (; days >= 365u + is_leap(year); year++)
    days -= 365u + is_leap(year);
  u32 month = 0;
  for (; days >= month_days[month] + (u32)(month == 1 && is_leap(year)); month++)
    days -= month_days[month] + (u32)(month == 1 && is_leap(year));
  u64 second = seconds % 86400;
  print("%lu-%02u-%02lu %02lu:%02lu:%02lu UTC\n", year, month + 1, days + 1, second / 3600,
        second / 60 % 60, second % 60);
}
