/* Finds the command line in the device tree, and runs the workload that it names. */
#include "bench.h"

struct entry {
  const char *name;
  workload *run;
  u64 defaults[ARGUMENTS_MAX];
};

/* Numbers as apps/bench gives them; what the command line leaves out has these. */
static const struct entry WORKLOADS[] = {
    {"sieve", run_sieve, {10}},     {"crc32", run_crc32, {10}},   {"matmul", run_matmul, {10}},
    {"fib", run_fib, {30}},         {"vm", run_vm, {10}},         {"copy", run_copy, {10}},
    {"chase", run_chase, {10}},     {"cm", run_cm, {10}},         {"nbody", run_nbody, {10}},
    {"mandel", run_mandel, {10}},   {"irq", run_irq, {100, 10}},  {"syscall", run_syscall, {10}},
    {"fault", run_fault, {10}},     {"switch", run_switch, {10}}, {"console", run_console, {10}},
    {"uart", run_uart, {10}},       {"disk", run_disk, {10}},
};
enum { WORKLOAD_COUNT = sizeof(WORKLOADS) / sizeof(WORKLOADS[0]), NAME_MAX = 16 };

/* Flattened device tree (Devicetree Specification 0.4, chapter 5): big-endian tokens. */
enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4 };

static u32 big_endian(const u8 *at)
{
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

/* Only /chosen has `bootargs`. Without it, the empty text. */
static const char *find_bootargs(const u8 *tree)
{
  const u8 *at = tree + big_endian(tree + 8);
  const char *strings = (const char *)tree + big_endian(tree + 12);
  for (;;) {
    switch (big_endian(at)) {
    case BEGIN_NODE:
      for (at += 4; *at; at++)
        ;
      at = (const u8 *)(((u64)at + 4) & ~3ul);
      break;
    case PROPERTY:
      if (same_text(strings + big_endian(at + 8), "bootargs"))
        return (const char *)at + 12;
      at = (const u8 *)(((u64)at + 12 + big_endian(at + 4) + 3) & ~3ul);
      break;
    case END_NODE:
    case NOP:
      at += 4;
      break;
    default:
      return "";
    }
  }
}

static const char *skip_spaces(const char *text)
{
  while (*text == ' ')
    text++;
  return text;
}

static const struct entry *find_workload(const char **text)
{
  char name[NAME_MAX] = {0};
  for (int i = 0; i < NAME_MAX - 1 && **text > ' '; i++)
    name[i] = *(*text)++;
  for (int i = 0; i < WORKLOAD_COUNT; i++) {
    if (same_text(WORKLOADS[i].name, name))
      return &WORKLOADS[i];
  }
  fail("no such workload: give a name and numbers on the kernel's command line");
}

void report(u64 checksum)
{
  print("checksum ");
  print_hex(checksum);
  print("\n");
  power_off(0);
}

void bench_main(const u8 *tree)
{
  const char *text = skip_spaces(find_bootargs(tree));
  const struct entry *entry = find_workload(&text);
  u64 arguments[ARGUMENTS_MAX];
  print("bench ");
  print(entry->name);
  for (int i = 0; i < ARGUMENTS_MAX; i++) {
    arguments[i] = entry->defaults[i];
    text = skip_spaces(text);
    if (*text < '0' || *text > '9')
      continue;
    for (arguments[i] = 0; *text >= '0' && *text <= '9'; text++)
      arguments[i] = arguments[i] * 10 + (u64)(*text - '0');
    print(" ");
    print_number(arguments[i]);
  }
  print("\n");
  report(entry->run(arguments));
}

/* Called by machine_trap. */
void handle_machine_trap(u64 cause)
{
  /* Priv. 1.12 table 3.6: machine timer interrupt. */
  if (cause == ((1ul << 63) | 7))
    return handle_timer();
  print("cause ");
  print_hex(cause);
  print(" at ");
  print_hex(read_csr(mepc));
  print(" value ");
  print_hex(read_csr(mtval));
  print("\n");
  fail("unexpected trap");
}
