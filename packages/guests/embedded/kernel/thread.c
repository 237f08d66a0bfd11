/*
 * Threads: each has a stack and runs in turn; a timer interrupt ends its slice wherever it stands.
 *
 * Invariants: `current` is running, any other thread is where switch_context left it; switching is
 * done with interrupts off; thread 0, idle, runs exactly when no other thread can.
 */
#include "riscv.h"

enum { THREADS = 12, STACK_SIZE = 8192, SLICE_MICROSECONDS = 1000 };
#define STACK_CANARY 0x5afe57ac0ddba11ul
#define NEVER (~0ul)

enum state { FREE, RUNNABLE, WAITING, ASLEEP, EXITED };

/* What switch_context keeps, in its order. */
struct context {
  u64 ra;
  u64 sp;
  u64 s[12];
};

struct thread {
  struct context context;
  enum state state;
  const char *name;
  const void *channel; /* while WAITING */
  u64 wake_time;       /* while ASLEEP */
  u64 *stack;          /* its lowest word is the canary */
  u64 slices;
  u64 runs;
};

void switch_context(struct context *from, const struct context *to); /* switch.S */
void thread_start(void);                                             /* switch.S */
extern u64 boot_stack[];                                             /* entry.S */

static struct thread threads[THREADS];
static u8 stacks[THREADS][STACK_SIZE] __attribute__((aligned(16)));
static struct thread *const idle = &threads[0];
static struct thread *current = &threads[0];
static u64 preemptions;

void thread_init(void)
{
  idle->name = "idle";
  idle->state = RUNNABLE;
  idle->stack = boot_stack;
  *idle->stack = STACK_CANARY;
}

/* The next in turn after `current`, which itself comes last; idle if none can run. */
static struct thread *next_thread(void)
{
  u64 start = (u64)(current - threads);
  for (u64 i = 1; i <= THREADS; i++) {
    struct thread *thread = &threads[(start + i) % THREADS];
    if (thread != idle && thread->state == RUNNABLE)
      return thread;
  }
  return idle;
}

static u64 next_wake_time(void)
{
  u64 earliest = NEVER;
  for (u64 i = 0; i < THREADS; i++)
    if (threads[i].state == ASLEEP && threads[i].wake_time < earliest)
      earliest = threads[i].wake_time;
  return earliest;
}

/* Gives the processor to the next thread, for a new slice. Interrupts are off, before and after. */
static void switch_thread(void)
{
  struct thread *from = current;
  struct thread *to = next_thread();
  if (*from->stack != STACK_CANARY)
    panic("thread %s has used up its stack", from->name);
  u64 deadline = read_time() + ticks_of_microseconds(SLICE_MICROSECONDS);
  u64 wake_time = next_wake_time();
  /* Idle sets its own deadline: an idle machine has no slices. */
  if (to != idle)
    timer_set(wake_time < deadline ? wake_time : deadline);
  if (to == from)
    return;
  to->runs++;
  current = to;
  switch_context(&from->context, &to->context);
}

int thread_create(const char *name, thread_function *run, i64 argument)
{
  u64 before = disable_interrupts();
  int id = 1;
  while (id < THREADS && threads[id].state != FREE)
    id++;
  if (id == THREADS)
    panic("no room for thread %s", name);
  struct thread *thread = &threads[id];
  memset(thread, 0, sizeof(*thread));
  thread->name = name;
  thread->stack = (u64 *)stacks[id];
  *thread->stack = STACK_CANARY;
  thread->context.ra = (u64)thread_start;
  thread->context.sp = (u64)stacks[id] + STACK_SIZE;
  thread->context.s[0] = (u64)run;
  thread->context.s[1] = (u64)argument;
  thread->state = RUNNABLE;
  restore_interrupts(before);
  return id;
}

/* Where a thread's function returns to (switch.S). Its slot is free once it was joined. */
__attribute__((noreturn, used)) void thread_exit(void)
{
  disable_interrupts();
  current->state = EXITED;
  thread_wake(current);
  switch_thread();
  panic("an exited thread runs");
}

void thread_join(int id)
{
  u64 before = disable_interrupts();
  while (threads[id].state != EXITED)
    thread_wait(&threads[id]);
  threads[id].state = FREE;
  restore_interrupts(before);
}

void thread_yield(void)
{
  u64 before = disable_interrupts();
  switch_thread();
  restore_interrupts(before);
}

void thread_sleep(u64 ticks)
{
  u64 before = disable_interrupts();
  current->state = ASLEEP;
  current->wake_time = read_time() + ticks;
  switch_thread();
  restore_interrupts(before);
}

void thread_wait(const void *channel)
{
  current->state = WAITING;
  current->channel = channel;
  switch_thread();
}

void thread_wake(const void *channel)
{
  for (u64 i = 0; i < THREADS; i++)
    if (threads[i].state == WAITING && threads[i].channel == channel)
      threads[i].state = RUNNABLE;
}

void thread_timer(void)
{
  u64 now = read_time();
  for (u64 i = 0; i < THREADS; i++)
    if (threads[i].state == ASLEEP && threads[i].wake_time <= now)
      threads[i].state = RUNNABLE;
  current->slices++;
  if (current != idle && next_thread() != current)
    preemptions++;
  /* Takes the interrupt back even if idle runs on, which asks for the next one itself. */
  timer_set(NEVER);
  switch_thread();
}

u64 thread_preemptions(void)
{
  return *(volatile u64 *)&preemptions;
}

/* An interrupt that comes between the look and the wfi stays pending, and ends the wfi at once. */
void thread_idle(void)
{
  for (;;) {
    disable_interrupts();
    if (next_thread() == idle) {
      timer_set(next_wake_time());
      wait_for_interrupt();
    }
    restore_interrupts(SSTATUS_SIE);
    thread_yield();
  }
}

void thread_list(void)
{
  static const char *const states[] = {"free", "runnable", "waiting", "asleep", "exited"};
  print("id name     state        slices     runs\n");
  for (u64 i = 0; i < THREADS; i++)
    if (threads[i].state != FREE)
      print("%2lu %8s %8s %10lu %8lu\n", i, threads[i].name,
            &threads[i] == current ? "running" : states[threads[i].state], threads[i].slices,
            threads[i].runs);
}

void mutex_lock(struct mutex *mutex)
{
  u64 before = disable_interrupts();
  while (mutex->is_held)
    thread_wait(mutex);
  mutex->is_held = 1;
  restore_interrupts(before);
}

void mutex_unlock(struct mutex *mutex)
{
  u64 before = disable_interrupts();
  mutex->is_held = 0;
  thread_wake(mutex);
  restore_interrupts(before);
}
