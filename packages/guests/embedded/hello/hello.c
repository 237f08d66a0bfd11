/*
 * hello: the smallest guest that uses the processor's traps, the timer and the console.
 *
 * In M-mode it greets, takes TICK_COUNT timer interrupts TICK_INTERVAL apart, printing a line at
 * each with the keys typed since the last, and powers the board off. Anything unexpected powers off
 * with a failure code.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum { TICK_COUNT = 5, TICK_INTERVAL = 100000 }; /* ticks of the 10 MHz timebase: 10 ms */

/* The board: QEMU's virt. */
#define UART_BASE 0x10000000ul
#define FINISHER_BASE 0x00100000ul
#define MTIMECMP_ADDRESS 0x02004000ul
#define MTIME_ADDRESS 0x0200bff8ul

/* 16550: receive and transmit holding registers share offset 0. */
#define UART_DATA (*(volatile u8 *)(UART_BASE + 0))
#define UART_LSR (*(volatile u8 *)(UART_BASE + 5))
#define LSR_DATA_READY 0x01
#define LSR_THR_EMPTY 0x20

/* SiFive test finisher: the low half says how it ended, the high half is the code of a failure. */
#define FINISHER (*(volatile u32 *)FINISHER_BASE)
#define FINISHER_PASS 0x5555u
#define FINISHER_FAIL 0x3333u

#define MTIMECMP (*(volatile u64 *)MTIMECMP_ADDRESS)
#define MTIME (*(volatile u64 *)MTIME_ADDRESS)

#define MSTATUS_MIE (1ul << 3)
#define MIE_MTIE (1ul << 7)
/* Priv. 1.12 table 3.6: machine timer interrupt. */
#define MCAUSE_MACHINE_TIMER ((1ul << 63) | 7)

static volatile int ticks;

static void print_char(char c)
{
  while (!(UART_LSR & LSR_THR_EMPTY))
    ;
  UART_DATA = (u8)c;
}

static void print(const char *text)
{
  for (; *text; text++)
    print_char(*text);
}

static void print_keys(void)
{
  if (UART_LSR & LSR_DATA_READY)
    print(", keys ");
  while (UART_LSR & LSR_DATA_READY)
    print_char((char)UART_DATA);
}

/* Called by trap_entry with interrupts off. */
void handle_trap(u64 mcause, u64 mepc)
{
  (void)mepc;
  if (mcause != MCAUSE_MACHINE_TIMER) {
    print("hello: unexpected trap\n");
    FINISHER = FINISHER_FAIL | (1u << 16);
  }
  /* Priv. 1.12 section 3.2.1: the interrupt stays pending until mtimecmp is past mtime again. */
  MTIMECMP += TICK_INTERVAL;
  ticks++;
}

void hello_main(void)
{
  print("hello from M-mode\n");
  MTIMECMP = MTIME + TICK_INTERVAL;
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_MTIE));
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  for (int shown = 0; shown < TICK_COUNT;) {
    /* A tick between the test and the wfi only costs one more interval. */
    if (shown == ticks)
      __asm__ volatile("wfi");
    if (shown == ticks)
      continue;
    shown++;
    print("tick ");
    print_char((char)('0' + shown));
    print_keys();
    print_char('\n');
  }
  print("bye\n");
  FINISHER = FINISHER_PASS;
}
