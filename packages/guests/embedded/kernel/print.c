/* Formatted output: %d %u %x with l, 0 and a width; %s %c %%. */
#include <stdarg.h>
#include "riscv.h"

static void put_text(const char *text)
{
  for (; *text; text++) {
    if (*text == '\n')
      uart_put('\r');
    uart_put(*text);
  }
}

static void put_number(u64 value, u32 base, int width, char fill)
{
  char digits[21];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  for (int i = count; i < width; i++)
    uart_put(fill);
  while (count)
    uart_put(digits[--count]);
}

static void put_padded(const char *text, int width)
{
  put_text(text);
  for (int i = (int)text_length(text); i < width; i++)
    uart_put(' ');
}

/* Prints one conversion; `at` stands behind the '%'. Returns its last character. */
static const char *put_conversion(const char *at, va_list *arguments)
{
  int width = 0, is_long = 0;
  char fill = *at == '0' ? '0' : ' ';
  for (; *at >= '0' && *at <= '9'; at++)
    width = width * 10 + (*at - '0');
  for (; *at == 'l'; at++)
    is_long = 1;
  switch (*at) {
  case 'd': {
    i64 value = is_long ? va_arg(*arguments, i64) : va_arg(*arguments, int);
    if (value < 0)
      uart_put('-');
    put_number(value < 0 ? -(u64)value : (u64)value, 10, width, fill);
    break;
  }
  case 'u':
  case 'x': {
    u64 value = is_long ? va_arg(*arguments, u64) : va_arg(*arguments, u32);
    put_number(value, *at == 'x' ? 16 : 10, width, fill);
    break;
  }
  case 's':
    put_padded(va_arg(*arguments, const char *), width);
    break;
  case 'c':
    uart_put((char)va_arg(*arguments, int));
    break;
  default:
    uart_put(*at);
  }
  return at;
}

static void print_list(const char *format, va_list *arguments)
{
  u64 before = disable_interrupts();
  for (const char *at = format; *at; at++) {
    if (*at == '%') {
      at = put_conversion(at + 1, arguments);
    } else {
      if (*at == '\n')
        uart_put('\r');
      uart_put(*at);
    }
  }
  restore_interrupts(before);
}

void print(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  print_list(format, &arguments);
  va_end(arguments);
}

void panic(const char *format, ...)
{
  va_list arguments;
  disable_interrupts();
  print("panic: ");
  va_start(arguments, format);
  print_list(format, &arguments);
  va_end(arguments);
  print("\n");
  power_off(101);
}
