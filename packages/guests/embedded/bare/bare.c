/* Start, console, interrupts. The board's addresses are those of packages/machine's memory map. */
#include "bare.h"

#define REGISTER8(address) (*(volatile u8 *)(address))
#define REGISTER32(address) (*(volatile u32 *)(address))

enum { UART = 0x10000000, UART_LSR = 5, LSR_THR_EMPTY = 0x20 };
enum { FINISHER = 0x00100000, FINISHER_PASS = 0x5555, FINISHER_FAIL = 0x3333 };
enum { CHANNEL = 0x10200000, CHANNEL_IRQ = 12 };
/* PLIC, context 1: S-mode of the first hart. */
#define PLIC_PRIORITY 0x0c000000ul
#define PLIC_ENABLE 0x0c002080ul
#define PLIC_THRESHOLD 0x0c201000ul
#define PLIC_CLAIM 0x0c201004ul
#define SIE_SEIE (1ul << 9)
#define SUPERVISOR_EXTERNAL (1ul << 63 | 9)

struct channel channel;
struct grant_entry_v1 grants[GRANT_ENTRIES] PAGE;
u32 arrivals[4096];
static u8 info_page[PAGE_SIZE] PAGE;

void print(const char *text)
{
  for (; *text; text++) {
    while (!(REGISTER8(UART + UART_LSR) & LSR_THR_EMPTY))
      ;
    REGISTER8(UART) = (u8)*text;
  }
}

static void print_unsigned(u64 value)
{
  if (value >= 10)
    print_unsigned(value / 10);
  print((char[]){(char)('0' + value % 10), 0});
}

void print_number(i64 value)
{
  if (value < 0)
    print("-");
  print_unsigned(value < 0 ? -(u64)value : (u64)value);
}

void power_off(int code)
{
  REGISTER32(FINISHER) = code ? FINISHER_FAIL | (u32)code << 16 : FINISHER_PASS;
  for (;;)
    __asm__ volatile("wfi");
}

void fail(const char *what, i64 found)
{
  print("FAILED ");
  print(what);
  print(": ");
  print_number(found);
  print("\n");
  power_off(1);
}

void check(const char *what, int is_right, i64 found)
{
  if (!is_right)
    fail(what, found);
}

/* Order matters, every bit of both counts (the multiplier is that of splitmix64). */
u64 mix(u64 checksum, u64 value)
{
  checksum = (checksum ^ value) * 0xbf58476d1ce4e5b9ul;
  return checksum ^ checksum >> 29;
}

static void arrive(u32 port)
{
  arrivals[port]++;
}

/* Called by supervisor_trap. */
void handle_trap(u64 cause)
{
  if (cause != SUPERVISOR_EXTERNAL)
    fail("unexpected trap", (i64)cause);
  u32 irq;
  while ((irq = REGISTER32(PLIC_CLAIM)) != 0) {
    if (irq == CHANNEL_IRQ)
      channel_upcall(&channel, arrive);
    REGISTER32(PLIC_CLAIM) = irq;
  }
}

/* An interrupt wakes WFI also where it is not taken; it is taken while interrupts are on. */
u32 wait_for(u32 port, u32 seen)
{
  for (;;) {
    interrupts_off();
    u32 count = *(volatile u32 *)&arrivals[port];
    if (count == seen)
      __asm__ volatile("wfi");
    interrupts_on();
    if (count != seen)
      return count;
  }
}

static u32 big_endian(const u8 *at)
{
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static int same_text(const char *a, const char *b)
{
  for (; *a && *a == *b; a++, b++)
    ;
  return *a == *b;
}

/* Flattened device tree (Devicetree Specification 0.4, chapter 5). Only /chosen has `bootargs`. */
static const char *find_bootargs(const u8 *tree)
{
  const u8 *at = tree + big_endian(tree + 8);
  const char *strings = (const char *)tree + big_endian(tree + 12);
  for (;;) {
    switch (big_endian(at)) {
    case 1: /* a node */
      for (at += 4; *at; at++)
        ;
      at = (const u8 *)(((u64)at + 4) & ~3ul);
      break;
    case 3: /* a property */
      if (same_text(strings + big_endian(at + 8), "bootargs"))
        return (const char *)at + 12;
      at = (const u8 *)(((u64)at + 12 + big_endian(at + 4) + 3) & ~3ul);
      break;
    case 2: /* the end of a node */
    case 4: /* nothing */
      at += 4;
      break;
    default:
      return "";
    }
  }
}

int take_word(const char **text, const char *word)
{
  const char *at = *text;
  for (; *word && *at == *word; at++, word++)
    ;
  if (*word || (*at && *at != ' '))
    return 0;
  *text = at;
  return 1;
}

u32 take_number(const char **text, u32 otherwise)
{
  while (**text == ' ')
    (*text)++;
  if (**text < '0' || **text > '9')
    return otherwise;
  u32 value = 0;
  for (; **text >= '0' && **text <= '9'; (*text)++)
    value = value * 10 + (u32)(**text - '0');
  return value;
}

static void set_up(void)
{
  check("event channel", channel_init(&channel, CHANNEL) == 0, 0);
  i64 placed = channel_place_info(&channel, info_page);
  check("place shared_info", placed == 0, placed);
  i64 table = channel_op(&channel, CHANNEL_add_to_physmap, XENMAPSPACE_grant_table, 0,
                         (u64)grants >> 12);
  check("place the table of grants", table == 0, table);
  REGISTER32(PLIC_PRIORITY + CHANNEL_IRQ * 4) = 1;
  REGISTER32(PLIC_ENABLE) = 1u << CHANNEL_IRQ;
  REGISTER32(PLIC_THRESHOLD) = 0;
  __asm__ volatile("csrs sie, %0" ::"r"(SIE_SEIE));
  interrupts_on();
}

void sleep(u32 timer, u64 nanoseconds)
{
  u32 seen = arrivals[timer];
  u64 deadline = channel_system_time(&channel) + nanoseconds;
  channel_op(&channel, CHANNEL_set_singleshot_timer, deadline, 0);
  wait_for(timer, seen);
}

/* Called by _start with the device tree. */
void bare_main(const u8 *tree)
{
  const char *command = find_bootargs(tree);
  set_up();
  run(command);
  power_off(0);
}

/* The compiler calls these for large structures. */
void *memcpy(void *to, const void *from, u64 size)
{
  for (u64 i = 0; i < size; i++)
    ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}

void *memset(void *to, int value, u64 size)
{
  for (u64 i = 0; i < size; i++)
    ((u8 *)to)[i] = (u8)value;
  return to;
}
