/*
 * An interpreter's loop, as guests that interpret have it: a switch over operations, and calls
 * through a table of functions. The program it runs is a small loop.
 */
#include "bench.h"

enum operation { LOAD, ADD, MULTIPLY, XOR, SHIFT, STORE, CALL, DECREMENT, JUMP_NOT_ZERO, STOP };

struct instruction {
  u8 operation, to, a, b;
  int immediate;
};

enum { REGISTER_COUNT = 8, MEMORY_WORDS = 256 };
static u64 registers[REGISTER_COUNT];
static u64 memory[MEMORY_WORDS];

static u64 rotate(u64 value) { return value << 7 | value >> 57; }
static u64 reverse_bytes(u64 value)
{
  u64 out = 0;
  for (int i = 0; i < 8; i++, value >>= 8)
    out = out << 8 | (value & 0xff);
  return out;
}
static u64 increment(u64 value) { return value + 0x9e3779b97f4a7c15ul; }
static u64 spread(u64 value) { return value ^ value >> 31; }

static u64 (*const volatile FUNCTIONS[4])(u64) = {rotate, reverse_bytes, increment, spread};

static const struct instruction PROGRAM[] = {
    {LOAD, 1, 0, 0, 0},      {ADD, 2, 2, 1, 3},   {MULTIPLY, 3, 2, 1, 0}, {XOR, 4, 4, 3, 0},
    {CALL, 4, 4, 0, 0},      {SHIFT, 5, 4, 0, 9}, {XOR, 2, 2, 5, 0},      {STORE, 2, 0, 0, 1},
    {CALL, 2, 2, 0, 2},      {ADD, 6, 6, 2, 1},   {CALL, 6, 6, 0, 3},     {STORE, 6, 0, 0, 2},
    {DECREMENT, 0, 0, 0, 0}, {CALL, 3, 3, 0, 1},  {JUMP_NOT_ZERO, 0, 0, 0, 0}, {STOP, 0, 0, 0, 0},
};

static __attribute__((noinline)) void interpret(void)
{
  const struct instruction *at = PROGRAM;
  for (;; at++) {
    u64 a = registers[at->a], b = registers[at->b];
    switch ((enum operation)at->operation) {
    case LOAD:
      registers[at->to] = memory[a % MEMORY_WORDS];
      break;
    case ADD:
      registers[at->to] = a + b + (u64)at->immediate;
      break;
    case MULTIPLY:
      registers[at->to] = a * (b | 1);
      break;
    case XOR:
      registers[at->to] = a ^ b;
      break;
    case SHIFT:
      registers[at->to] = a >> at->immediate;
      break;
    case STORE:
      memory[(registers[at->a] * 3 + (u64)at->immediate) % MEMORY_WORDS] = registers[at->to];
      break;
    case CALL:
      registers[at->to] = FUNCTIONS[at->immediate](a);
      break;
    case DECREMENT:
      registers[at->to] = a - 1;
      break;
    case JUMP_NOT_ZERO:
      if (a)
        at = PROGRAM - 1;
      break;
    case STOP:
      return;
    }
  }
}

/* Rounds are thousands of turns of the program's loop. */
u64 run_vm(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++) {
    registers[0] = 1000;
    interpret();
    checksum = mix(checksum, registers[6]);
  }
  return checksum;
}
