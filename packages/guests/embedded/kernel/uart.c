/*
 * The console: a 16550 (National Semiconductor PC16550D). Output is polled, input comes by
 * interrupt.
 */
#include "riscv.h"

enum { RBR = 0, THR = 0, IER = 1, FCR = 2, LCR = 3, LSR = 5 };
enum { IER_RECEIVED = 1, FCR_ENABLE_CLEAR = 7, LCR_8_BITS = 3 };
enum { LSR_READY = 1, LSR_THR_EMPTY = 0x20 };
enum { INPUT_SIZE = 256 };

static struct device uart;

/* Keys not yet read: from `input_read` up to `input_written`, both counting on for ever. */
static char input[INPUT_SIZE];
static u32 input_read;
static u32 input_written;

void uart_init(void)
{
  uart = fdt_device("ns16550a", 0);
  REGISTER8(uart.base + IER) = 0;
  REGISTER8(uart.base + LCR) = LCR_8_BITS;
  REGISTER8(uart.base + FCR) = FCR_ENABLE_CLEAR;
}

void uart_put(char c)
{
  if (!uart.base)
    return;
  while (!(REGISTER8(uart.base + LSR) & LSR_THR_EMPTY))
    ;
  REGISTER8(uart.base + THR) = (u8)c;
}

/* Keys that find the buffer full are lost. */
static void receive(void *unused)
{
  (void)unused;
  while (REGISTER8(uart.base + LSR) & LSR_READY) {
    char c = (char)REGISTER8(uart.base + RBR);
    if (input_written - input_read < INPUT_SIZE)
      input[input_written++ % INPUT_SIZE] = c;
  }
  thread_wake(input);
}

void uart_enable_input(void)
{
  plic_enable(uart.irq, receive, 0);
  REGISTER8(uart.base + IER) = IER_RECEIVED;
}

char uart_get(void)
{
  u64 before = disable_interrupts();
  while (input_read == input_written)
    thread_wait(input);
  char c = input[input_read++ % INPUT_SIZE];
  restore_interrupts(before);
  return c;
}
