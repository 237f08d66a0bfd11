/*
 * The kernel's parts and what they offer each other, one block a file.
 *
 * One hart. Turning interrupts off is the only lock: what is shared with an interrupt handler or
 * must not be seen half done is touched with interrupts off only.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define REGISTER8(address) (*(volatile u8 *)(address))
#define REGISTER32(address) (*(volatile u32 *)(address))

/* lib.c: C's own, as far as it is used here, and checksums. */
void *memset(void *to, int value, u64 count);
void *memcpy(void *to, const void *from, u64 count);
int compare_text(const char *a, const char *b);
u64 text_length(const char *text);
/* A decimal number, or -1. */
i64 parse_number(const char *text);
/* CRC-32 (ISO 3309) over `count` bytes; `seed` is 0, or the value of what came before. */
u32 crc32(u32 seed, const void *bytes, u64 count);
/* The next number of a xorshift64 generator (Marsaglia 2003); a state is never 0. */
u64 next_random(u64 *state);

/* print.c: to the console, whole lines at a time: a call is never interrupted. */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);
/* Something that cannot be: says so and ends the machine with a failure. */
__attribute__((noreturn, format(printf, 1, 2))) void panic(const char *format, ...);

/* fdt.c: the flattened device tree that the firmware passes on. */
struct device {
  u64 base; /* physical address; 0: absent */
  u64 size;
  u32 irq; /* at the PLIC; 0: none */
};
void fdt_init(const void *tree);
/* The `index`th enabled node with this compatible string. `base` is 0 if there is none. */
struct device fdt_device(const char *compatible, int index);
/* The command line; empty if there is none. */
const char *fdt_bootargs(void);
/* mtime's ticks a second. */
u32 fdt_timebase_hz(void);
/* Whether the hart's ISA string names an extension of several letters, such as "sstc". */
int fdt_has_extension(const char *name);
/* Which context of the PLIC is S-mode of the first hart. */
u32 fdt_plic_context(void);
/* The first bank of RAM. */
struct device fdt_memory(void);

/* sbi.c: calls to the firmware (RISC-V SBI 2.0). */
void sbi_set_timer(u64 deadline);
const char *sbi_implementation(void);
/* Ends the machine; `code` 0 is success. */
__attribute__((noreturn)) void power_off(int code);

/* vm.c: address translation. */
void vm_init(void);

/* trap.c */
void trap_init(void);
u64 trap_timer_interrupts(void);
/* Called with interrupts off by the PLIC's dispatch. */
typedef void interrupt_handler(void *argument);

/* plic.c: interrupts from devices. */
void plic_init(void);
void plic_enable(u32 irq, interrupt_handler *handler, void *argument);
void plic_dispatch(void);

/* timer.c */
void timer_init(void);
/* Asks for an interrupt at `deadline`, in place of the one asked for before. */
void timer_set(u64 deadline);
int timer_is_sstc(void);
u64 ticks_of_microseconds(u64 microseconds);
u64 microseconds_of_ticks(u64 ticks);

/* thread.c: threads, preempted when their slice is over. */
typedef void thread_function(i64 argument);
void thread_init(void);
int thread_create(const char *name, thread_function *run, i64 argument);
void thread_join(int id);
void thread_yield(void);
void thread_sleep(u64 ticks);
__attribute__((noreturn)) void thread_idle(void);
/* The pair for waiting: call with interrupts off; the condition is tested again after waking. */
void thread_wait(const void *channel);
void thread_wake(const void *channel);
/* From the timer interrupt: wakes sleepers and ends the slice. */
void thread_timer(void);
void thread_list(void);
/* How often a thread that could have run on was made to stop. */
u64 thread_preemptions(void);

/* Sleeping lock. */
struct mutex {
  int is_held;
};
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* uart.c: the console. */
void uart_init(void);
void uart_enable_input(void);
void uart_put(char c);
/* Waits for a key. */
char uart_get(void);

/* rtc.c */
int rtc_present(void);
u64 rtc_nanoseconds(void);
void rtc_print(u64 nanoseconds);

/* virtio_blk.c: the disk, in sectors. */
enum { SECTOR_SIZE = 512 };
void disk_init(void);
/* 0 if there is no disk. */
u64 disk_sectors(void);
/* Waits for completion. 0, or -1 if the device refused. */
int disk_read(u64 sector, void *bytes);
int disk_write(u64 sector, const void *bytes);
int disk_flush(void);

/* virtio_rng.c: random numbers. */
void random_init(void);
int random_present(void);
/* Waits for the device; how many bytes it gave. */
u32 random_read(void *bytes, u32 size);

/* event_channel.c */
void event_channel_init(void);
int event_channel_present(void);
/*
 * Opens a channel to this domain itself, sends on it, waits until the upcall has brought it, and
 * closes it. The port that was told, or -1.
 */
i64 event_channel_ping(void);
u64 event_channel_upcalls(void);

/* journal.c: each command returns 0 or, with a message printed, 1. */
int journal_format(void);
int journal_write(const char *text);
int journal_check(void);
int journal_replay(void);

/* compute.c: work for the processor. */
enum { COMPUTE_KINDS = 4 };
const char *compute_name(int kind);
u64 compute(int kind, u64 seed, u64 rounds);

/* race.c: 0 if no update was lost, else 1. */
int race_run(void);

/* shell.c: commands on the console, or from the kernel's command line. */
int shell_run(char *line);
void shell_interactive(void);

/* demo.c: a tour of everything; 0 or 1 as a shell command. */
int demo_run(void);
