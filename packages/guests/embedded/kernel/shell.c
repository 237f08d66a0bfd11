/*
 * Commands, one a line, words separated by spaces. Each gives 0 or, if what it was to do failed, 1.
 */
#include "riscv.h"

enum { LINE_SIZE = 128, MEGA = 1000000 };

static int cmd_help(char *arguments);

static int cmd_ps(char *arguments)
{
  (void)arguments;
  thread_list();
  return 0;
}

static int cmd_uptime(char *arguments)
{
  (void)arguments;
  u64 microseconds = microseconds_of_ticks(read_time());
  print("up %lu.%06lu s, %lu timer interrupts, %lu preemptions, %lu upcalls\n",
        microseconds / MEGA, microseconds % MEGA, trap_timer_interrupts(), thread_preemptions(),
        event_channel_upcalls());
  return 0;
}

static int cmd_date(char *arguments)
{
  (void)arguments;
  if (!rtc_present()) {
    print("date: no clock\n");
    return 1;
  }
  rtc_print(rtc_nanoseconds());
  return 0;
}

static int cmd_rand(char *arguments)
{
  u8 bytes[64];
  i64 wanted = *arguments ? parse_number(arguments) : 16;
  if (!random_present() || wanted < 1 || wanted > (i64)sizeof(bytes)) {
    print("rand: %s\n", random_present() ? "1 to 64 bytes" : "no random numbers");
    return 1;
  }
  for (u32 have = 0; have < (u32)wanted;)
    have += random_read(bytes + have, (u32)wanted - have);
  for (i64 i = 0; i < wanted; i++)
    print("%02x", bytes[i]);
  print("\n");
  return 0;
}

static int cmd_journal(char *arguments)
{
  char *text = arguments;
  while (*text && *text != ' ')
    text++;
  if (*text)
    *text++ = 0;
  if (!compare_text(arguments, "write"))
    return journal_write(text);
  if (!compare_text(arguments, "check"))
    return journal_check();
  if (!compare_text(arguments, "replay"))
    return journal_replay();
  if (!compare_text(arguments, "format"))
    return journal_format();
  print("journal: write TEXT, check, replay or format\n");
  return 1;
}

/* Runs all rounds even if one fails, so that a failure can be counted. */
static int cmd_race(char *arguments)
{
  i64 rounds = *arguments ? parse_number(arguments) : 1;
  i64 lost = 0;
  for (i64 i = 0; i < rounds; i++)
    lost += race_run();
  if (rounds > 1)
    print("race: %ld of %ld rounds lost an update\n", lost, rounds);
  return lost != 0;
}

static int cmd_compute(char *arguments)
{
  i64 rounds = *arguments ? parse_number(arguments) : 100;
  u64 result = 1;
  u64 start_time = read_time(), start_instructions = read_instructions();
  for (i64 i = 0; i < rounds; i++)
    result = compute((int)(i % COMPUTE_KINDS), result, 1);
  u64 instructions = read_instructions() - start_instructions;
  u64 microseconds = microseconds_of_ticks(read_time() - start_time);
  print("compute: %ld rounds, checksum %016lx\n", rounds, result);
  print("compute: %lu instructions in %lu us, %lu million a second\n", instructions, microseconds,
        microseconds ? instructions / microseconds : 0);
  return 0;
}

static int cmd_sleep(char *arguments)
{
  i64 milliseconds = parse_number(arguments);
  if (milliseconds < 0) {
    print("sleep: how many milliseconds?\n");
    return 1;
  }
  thread_sleep(ticks_of_microseconds((u64)milliseconds * 1000));
  return 0;
}

static int cmd_evtchn(char *arguments)
{
  i64 count = *arguments ? parse_number(arguments) : 1;
  if (!event_channel_present() || count < 1) {
    print("evtchn: %s\n", event_channel_present() ? "how often?" : "no event channel");
    return 1;
  }
  i64 port = 0;
  for (i64 i = 0; i < count && port >= 0; i++)
    port = event_channel_ping();
  if (port < 0) {
    print("evtchn: no port\n");
    return 1;
  }
  print("evtchn: came back %ld times, %lu upcalls so far\n", count, event_channel_upcalls());
  return 0;
}

static int cmd_demo(char *arguments)
{
  (void)arguments;
  return demo_run();
}

static int cmd_poweroff(char *arguments)
{
  i64 code = *arguments ? parse_number(arguments) : 0;
  power_off(code < 0 ? 1 : (int)(code & 0xffff));
}

static const struct {
  const char *name;
  const char *usage;
  int (*run)(char *arguments);
} commands[] = {
    {"help", "", cmd_help},
    {"ps", "threads", cmd_ps},
    {"uptime", "time since power-on, interrupts so far", cmd_uptime},
    {"date", "the clock", cmd_date},
    {"rand", "[BYTES]  random numbers", cmd_rand},
    {"journal", "write TEXT | check | replay | format", cmd_journal},
    {"race", "[ROUNDS]  two clerks without a lock", cmd_race},
    {"compute", "[ROUNDS]  work, about a million instructions a round", cmd_compute},
    {"sleep", "MILLISECONDS", cmd_sleep},
    {"evtchn", "[COUNT]  send to this domain itself and wait for the upcall", cmd_evtchn},
    {"demo", "all of it", cmd_demo},
    {"poweroff", "[CODE]", cmd_poweroff},
};

static int cmd_help(char *arguments)
{
  (void)arguments;
  for (u64 i = 0; i < SIZE(commands); i++)
    print("%10s%s\n", commands[i].name, commands[i].usage);
  return 0;
}

int shell_run(char *line)
{
  while (*line == ' ')
    line++;
  u64 end = text_length(line);
  while (end > 0 && line[end - 1] == ' ')
    line[--end] = 0;
  if (!*line)
    return 0;
  char *arguments = line;
  while (*arguments && *arguments != ' ')
    arguments++;
  if (*arguments)
    *arguments++ = 0;
  while (*arguments == ' ')
    arguments++;
  for (u64 i = 0; i < SIZE(commands); i++)
    if (!compare_text(commands[i].name, line))
      return commands[i].run(arguments);
  print("%s: unknown; try help\n", line);
  return 1;
}

/* Reads a line with the keys everyone knows: backspace, Ctrl-U and Ctrl-C. */
static void read_line(char *line)
{
  enum { CTRL_C = 3, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };
  u32 length = 0;
  for (;;) {
    char c = uart_get();
    if (c == '\r' || c == '\n')
      break;
    if ((c == BACKSPACE || c == DELETE) && length > 0) {
      length--;
      print("\b \b");
    } else if (c == CTRL_U || c == CTRL_C) {
      for (; length > 0; length--)
        print("\b \b");
    } else if (c >= ' ' && c < DELETE && length + 1 < LINE_SIZE) {
      line[length++] = c;
      print("%c", c);
    }
  }
  line[length] = 0;
  print("\n");
}

void shell_interactive(void)
{
  char line[LINE_SIZE];
  print("help lists the commands.\n");
  for (;;) {
    print("guest> ");
    read_line(line);
    shell_run(line);
  }
}
