/*
 * A small S-mode kernel that looks like a domain at work, for CASMotion's boards and QEMU's virt.
 * The firmware enters it (entry.S); devices and command line come from the device tree.
 *
 * The command line is a list of shell commands separated by `;`, run in order; the machine is then
 * powered off, with a failure if one of them failed. Without commands a shell waits on the console.
 * Words with `=`, as other kernels take them, are passed over.
 */
#include "riscv.h"

enum { COMMAND_LINE_SIZE = 512 };

static void banner(u64 hart)
{
  struct device memory = fdt_memory();
  print("casmotion guest: hart %lu, %lu MiB, firmware %s, timer by %s\n", hart, memory.size >> 20,
        sbi_implementation(), timer_is_sstc() ? "stimecmp" : "SBI");
  print("devices: disk %lu sectors, random %s, clock %s, event channel %s\n", disk_sectors(),
        random_present() ? "yes" : "no", rtc_present() ? "yes" : "no",
        event_channel_present() ? "yes" : "no");
}

/* The command line without words that hold a `=`. */
static void copy_commands(char *to, const char *from)
{
  char *end = to + COMMAND_LINE_SIZE - 2;
  while (*from && to < end) {
    const char *word = from;
    int is_setting = 0;
    while (*from && *from != ' ')
      is_setting |= *from++ == '=';
    if (!is_setting)
      while (word < from && to < end)
        *to++ = *word++;
    *to++ = ' ';
    while (*from == ' ')
      from++;
  }
  *to = 0;
}

/* Runs the commands; whether one failed. */
static int run_script(char *line)
{
  int failures = 0;
  while (*line) {
    char *end = line;
    while (*end && *end != ';')
      end++;
    char *next = *end ? end + 1 : end;
    *end = 0;
    failures += shell_run(line);
    line = next;
  }
  return failures != 0;
}

static void first_thread(i64 hart)
{
  static char commands[COMMAND_LINE_SIZE];
  disk_init();
  random_init();
  event_channel_init();
  uart_enable_input();
  banner((u64)hart);
  copy_commands(commands, fdt_bootargs());
  char *first = commands;
  while (*first == ' ')
    first++;
  if (!*first)
    shell_interactive();
  power_off(run_script(first));
}

void kernel_main(u64 hart, const void *tree)
{
  fdt_init(tree);
  uart_init();
  vm_init();
  trap_init();
  timer_init();
  plic_init();
  thread_init();
  thread_create("main", first_thread, (i64)hart);
  thread_idle();
}
