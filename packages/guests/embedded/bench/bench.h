/*
 * bench: workloads for measuring, one ELF file. The kernel's command line picks: a name, then
 * numbers. Each prints a checksum that depends on all the work done and on nothing else, so that
 * machines can be compared: no times, no counts of interrupts.
 */
#ifndef BENCH_H
#define BENCH_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

/* The board: QEMU's virt. */
#define UART_BASE 0x10000000ul
#define MTIMECMP (*(volatile u64 *)0x02004000ul)
#define MTIME (*(volatile u64 *)0x0200bff8ul)
#define UART_REGISTER(offset) (*(volatile u8 *)(UART_BASE + (offset)))
#define REGISTER32(address) (*(volatile u32 *)(address))
enum { UART_DATA = 0, UART_LSR = 5, UART_SCRATCH = 7, LSR_THR_EMPTY = 0x20 };
enum { TICKS_PER_MICROSECOND = 10 };

#define MIE_MTIE (1ul << 7)
#define MIE_MEIE (1ul << 11)
#define MSTATUS_MIE (1ul << 3)
#define read_csr(name)                                      \
  ({                                                        \
    u64 value;                                              \
    __asm__ volatile("csrr %0, " #name : "=r"(value));      \
    value;                                                  \
  })
#define write_csr(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((u64)(value)) : "memory")
#define set_csr(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"((u64)(bits)) : "memory")
#define clear_csr(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"((u64)(bits)) : "memory")

/* Of large arrays that a workload fills before it reads them. */
#define UNINITIALIZED __attribute__((section(".noinit"), aligned(4096)))

/* lib.c */
void print_char(char c);
void print(const char *text);
void print_hex(u64 value);
void print_number(u64 value);
int same_text(const char *a, const char *b);
_Noreturn void power_off(int code);
_Noreturn void fail(const char *why);
u64 mix(u64 checksum, u64 value);

/* Workloads: the numbers of the command line in, a checksum out. */
enum { ARGUMENTS_MAX = 3 };
typedef u64 workload(const u64 *arguments);
workload run_sieve, run_crc32, run_matmul, run_fib, run_vm, run_copy, run_chase, run_cm;
workload run_nbody, run_mandel;
workload run_irq, run_console, run_uart, run_disk;
/* These go on in S-mode and U-mode, and do not return. */
workload run_syscall, run_fault, run_switch;

u64 sieve_round(void);
/* Called by an M-mode timer interrupt; set by run_irq. */
void handle_timer(void);
_Noreturn void report(u64 checksum);

#endif
