/*
 * Work between U-mode and S-mode under Sv39: system calls, page faults with demand mapping, and
 * switches between two tasks with an address space each.
 *
 * Addresses: the kernel runs where it was loaded, in a gigapage without the U bit. User code is the
 * same code and data through a second gigapage with the U bit, USER_OFFSET higher; it is relative
 * to pc, so it needs no other build. REGION is 2 MiB of pages that belong to a task.
 */
#include "bench.h"

enum { PAGE = 4096, ENTRIES = 512, STACK = 8192, TASKS = 2 };
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
enum { PTE_KERNEL = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D, PTE_USER = PTE_KERNEL | PTE_U };
enum { CAUSE_ECALL_U = 8, CAUSE_LOAD_FAULT = 13, CAUSE_STORE_FAULT = 15 };
#define GIGAPAGE (1ul << 30)
#define RAM 0x80000000ul
#define USER_OFFSET (2 * GIGAPAGE)
#define REGION (8 * GIGAPAGE)
#define SATP_SV39 (8ul << 60)
#define MSTATUS_MPP_S (1ul << 11)
#define MSTATUS_MPP (3ul << 11)
#define SSTATUS_SPP (1ul << 8)

enum call { CALL_ADD, CALL_UNMAP, CALL_YIELD, CALL_EXIT };

/* As user.S has it. */
struct frame {
  u64 registers[32]; /* x1 to x31; [0] is sepc */
  u64 kernel_stack;
};
enum { SP = 2, A0 = 10, A1 = 11, A7 = 17 };

struct task {
  struct frame frame;
  u64 satp;
  u64 *leaves; /* The table that maps REGION. */
  u8 *pages;
};

static u64 root[TASKS][ENTRIES] __attribute__((aligned(PAGE)));
static u64 middle[TASKS][ENTRIES] __attribute__((aligned(PAGE)));
static u64 leaf[TASKS][ENTRIES] __attribute__((aligned(PAGE)));
static UNINITIALIZED u8 pages[TASKS][ENTRIES][PAGE];
static u8 kernel_stack[STACK] __attribute__((aligned(16)));
static u8 user_stack[TASKS][STACK] __attribute__((aligned(16)));
static struct task tasks[TASKS];
static struct task *current;
static u64 total;
static u32 live_tasks;

/* user.S */
void supervisor_trap(void);
_Noreturn void enter_user(struct frame *frame);
u64 system_call(u64 a, u64 b, u64 number);

static u64 leaf_entry(u64 physical, u64 bits)
{
  return physical >> 12 << 10 | bits;
}

/* `entry` starts with its task's number and `rounds`. */
static void make_task(u32 index, u64 entry, u64 rounds)
{
  struct task *task = &tasks[index];
  u64 *table = root[index];
  table[0] = leaf_entry(0, PTE_KERNEL);
  table[RAM / GIGAPAGE] = leaf_entry(RAM, PTE_KERNEL);
  table[(RAM + USER_OFFSET) / GIGAPAGE] = leaf_entry(RAM, PTE_USER);
  table[REGION / GIGAPAGE] = leaf_entry((u64)middle[index], PTE_V);
  middle[index][0] = leaf_entry((u64)leaf[index], PTE_V);
  task->leaves = leaf[index];
  task->pages = pages[index][0];
  task->satp = SATP_SV39 | (u64)(index + 1) << 44 | (u64)table >> 12;
  task->frame.registers[0] = entry + USER_OFFSET;
  task->frame.registers[SP] = (u64)user_stack[index] + STACK + USER_OFFSET;
  task->frame.registers[A0] = index;
  task->frame.registers[A1] = rounds;
  task->frame.kernel_stack = (u64)kernel_stack + STACK;
  live_tasks++;
}

static void supervisor_main(void)
{
  write_csr(stvec, supervisor_trap);
  current = &tasks[0];
  write_csr(satp, current->satp);
  __asm__ volatile("sfence.vma" ::: "memory");
  clear_csr(sstatus, SSTATUS_SPP);
  enter_user(&current->frame);
}

/* Leaves M-mode, which delegates what U-mode can cause. */
static _Noreturn void start_tasks(void)
{
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f); /* NAPOT, all of memory, read, write, execute */
  write_csr(medeleg, 1ul << CAUSE_ECALL_U | 1ul << CAUSE_LOAD_FAULT | 1ul << CAUSE_STORE_FAULT);
  clear_csr(mstatus, MSTATUS_MPP);
  set_csr(mstatus, MSTATUS_MPP_S);
  write_csr(mepc, supervisor_main);
  __asm__ volatile("mret");
  __builtin_unreachable();
}

/* Gives the page a first word of its own and clears the rest, as a kernel does. */
static void map_page(u64 address)
{
  u64 index = (address - REGION) / PAGE;
  if (address < REGION || index >= ENTRIES)
    fail("a fault outside the region");
  u64 *words = (u64 *)(current->pages + index * PAGE);
  for (u32 i = 1; i < PAGE / 8; i++)
    words[i] = 0;
  words[0] = index;
  current->leaves[index] = leaf_entry((u64)words, PTE_USER);
  __asm__ volatile("sfence.vma %0" ::"r"(address) : "memory");
}

static void unmap_all(void)
{
  for (u32 i = 0; i < ENTRIES; i++)
    current->leaves[i] = 0;
  __asm__ volatile("sfence.vma" ::: "memory");
}

static void switch_task(void)
{
  if (live_tasks < TASKS)
    return;
  current = current == &tasks[0] ? &tasks[1] : &tasks[0];
  write_csr(satp, current->satp);
}

static void exit_task(u64 checksum)
{
  total = mix(total, checksum);
  if (live_tasks == 1)
    report(total);
  switch_task();
  live_tasks--;
}

static void handle_call(struct frame *frame)
{
  u64 *registers = frame->registers;
  registers[0] += 4;
  switch ((enum call)registers[A7]) {
  case CALL_ADD:
    registers[A0] = mix(registers[A0], registers[A1]);
    return;
  case CALL_UNMAP:
    return unmap_all();
  case CALL_YIELD:
    return switch_task();
  case CALL_EXIT:
    return exit_task(registers[A0]);
  }
  fail("no such system call");
}

/* Called by supervisor_trap; gives the frame to go on with. */
struct frame *handle_supervisor_trap(struct frame *frame)
{
  u64 cause = read_csr(scause);
  if (cause == CAUSE_ECALL_U)
    handle_call(frame);
  else
    map_page(read_csr(stval));
  return &current->frame;
}

/* Rounds are thousands of calls. */
static void user_syscall(u64 task, u64 rounds)
{
  u64 checksum = task;
  for (u64 i = 0; i < rounds * 1000; i++)
    checksum = system_call(checksum, i, CALL_ADD);
  system_call(checksum, 0, CALL_EXIT);
}

/* A round touches 512 pages that are not there, half by reading and half by writing. */
static void user_fault(u64 task, u64 rounds)
{
  u64 checksum = task;
  for (u64 round = 0; round < rounds; round++) {
    for (u64 i = 0; i < ENTRIES; i++) {
      volatile u64 *words = (u64 *)(REGION + (i * 37 + round) % ENTRIES * PAGE);
      if (i % 2)
        words[1] = round;
      checksum = mix(checksum, words[0] + words[1]);
    }
    system_call(0, 0, CALL_UNMAP);
  }
  system_call(checksum, 0, CALL_EXIT);
}

/* Rounds are thousands of turns, each with eight pages touched and one switch. */
static void user_switch(u64 task, u64 rounds)
{
  u64 checksum = task;
  for (u64 i = 0; i < rounds * 1000; i++) {
    for (u64 page = 0; page < 8; page++) {
      volatile u64 *words = (u64 *)(REGION + page * PAGE);
      words[task + 1] += i;
      checksum += words[task + 1] ^ words[0];
    }
    system_call(0, 0, CALL_YIELD);
  }
  system_call(checksum, 0, CALL_EXIT);
}

u64 run_syscall(const u64 *arguments)
{
  make_task(0, (u64)user_syscall, arguments[0]);
  start_tasks();
}

u64 run_fault(const u64 *arguments)
{
  make_task(0, (u64)user_fault, arguments[0]);
  start_tasks();
}

u64 run_switch(const u64 *arguments)
{
  make_task(0, (u64)user_switch, arguments[0]);
  make_task(1, (u64)user_switch, arguments[0]);
  start_tasks();
}
