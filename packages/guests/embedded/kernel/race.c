/*
 * A real race. Two clerks move money between accounts and forgot the lock: an account is read, the
 * new balance is worked out, and written back. If a clerk's slice ends in between, what the other
 * did to that account in its slice is overwritten, and money has been made or lost. Whether that
 * happens depends on where a handful of timer interrupts fall, and on nothing else.
 *
 * The odds: a transfer takes about 1,600 instructions, and in front of 15 of them an interrupt does
 * harm. A race is RACE_PREEMPTIONS slices long, so an update is lost in 1 - (1 - 15 / 1,600)^16 =
 * 14 % of the races, however fast the machine is. RACE_THINK_ROUNDS, 13 instructions each, is the
 * one constant to tune.
 */
#include "kernel.h"

enum { ACCOUNTS = 4, OPENING_BALANCE = 25000, MAX_AMOUNT = 100, CLERKS = 2 };
enum { RACE_PREEMPTIONS = 16, RACE_THINK_ROUNDS = 120 };

static volatile i64 balances[ACCOUNTS];
static volatile u64 thoughts[CLERKS];
static u64 last_preemption;

/*
 * Not inlined: emulators that take interrupts only between blocks must find a place to take one in
 * the window.
 */
__attribute__((noinline)) static i64 work_out(i64 balance, i64 change)
{
  __asm__ volatile("");
  return balance + change;
}

static void change_balance(u64 account, i64 change)
{
  i64 balance = balances[account];
  balance = work_out(balance, change); /* the window */
  balances[account] = balance;
}

/* What a clerk does between two transfers. */
static void think(i64 clerk, u64 *state)
{
  for (int i = 0; i < RACE_THINK_ROUNDS; i++)
    next_random(state);
  thoughts[clerk] = *state;
}

static void clerk(i64 number)
{
  u64 state = 0x9e3779b97f4a7c15ul + (u64)number;
  while (thread_preemptions() < last_preemption) {
    think(number, &state);
    u64 from = state % ACCOUNTS;
    u64 to = (from + 1 + (state >> 8) % (ACCOUNTS - 1)) % ACCOUNTS;
    i64 amount = (i64)((state >> 16) % MAX_AMOUNT) + 1;
    change_balance(from, -amount);
    change_balance(to, amount);
  }
}

int race_run(void)
{
  int ids[CLERKS];
  for (int i = 0; i < ACCOUNTS; i++)
    balances[i] = OPENING_BALANCE;
  last_preemption = thread_preemptions() + RACE_PREEMPTIONS;
  for (int i = 0; i < CLERKS; i++)
    ids[i] = thread_create("clerk", clerk, i);
  for (int i = 0; i < CLERKS; i++)
    thread_join(ids[i]);
  i64 total = 0;
  for (int i = 0; i < ACCOUNTS; i++)
    total += balances[i];
  i64 expected = ACCOUNTS * OPENING_BALANCE;
  if (total == expected) {
    print("race: balance %ld, no update lost\n", total);
    return 0;
  }
  print("RACE: lost update, balance %ld expected %ld\n", total, expected);
  return 1;
}
