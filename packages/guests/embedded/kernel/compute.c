/*
 * Work for the processor, of four kinds. A round is about a million instructions; the result
 * depends on the seed and the number of rounds only. Each kind has one workspace: no two threads
 * may do the same kind at once.
 */
#include "kernel.h"

enum { SIEVE_SIZE = 65536, SORT_SIZE = 4096, CRC_SIZE = 24576, MATRIX_SIZE = 48 };

static u64 sieve(u64 seed)
{
  static u8 is_composite[SIEVE_SIZE];
  u64 sum = seed;
  memset(is_composite, 0, SIEVE_SIZE);
  for (u64 i = 2; i < SIEVE_SIZE; i++) {
    if (is_composite[i])
      continue;
    sum = sum * 31 + i;
    for (u64 multiple = i * i; multiple < SIEVE_SIZE; multiple += i)
      is_composite[multiple] = 1;
  }
  return sum;
}

/* Moves values[root] down until both its children are smaller. */
static void sift_down(u64 *values, u64 root, u64 count)
{
  for (u64 child = 2 * root + 1; child < count; child = 2 * root + 1) {
    if (child + 1 < count && values[child + 1] > values[child])
      child++;
    if (values[root] >= values[child])
      return;
    u64 swapped = values[root];
    values[root] = values[child];
    values[child] = swapped;
    root = child;
  }
}

static u64 heap_sort(u64 seed)
{
  static u64 values[SORT_SIZE];
  u64 state = seed | 1;
  for (u64 i = 0; i < SORT_SIZE; i++)
    values[i] = next_random(&state);
  for (u64 i = SORT_SIZE / 2; i-- > 0;)
    sift_down(values, i, SORT_SIZE);
  for (u64 end = SORT_SIZE; --end > 0;) {
    u64 largest = values[0];
    values[0] = values[end];
    values[end] = largest;
    sift_down(values, 0, end);
  }
  u64 sum = 0;
  for (u64 i = 0; i < SORT_SIZE; i++)
    sum = sum * 31 + values[i];
  return sum;
}

static u64 checksum(u64 seed)
{
  static u64 words[CRC_SIZE / 8];
  u64 state = seed | 1;
  for (u64 i = 0; i < SIZE(words); i++)
    words[i] = next_random(&state);
  return crc32((u32)seed, words, CRC_SIZE);
}

static u64 matrix_product(u64 seed)
{
  static u64 a[MATRIX_SIZE][MATRIX_SIZE], b[MATRIX_SIZE][MATRIX_SIZE];
  u64 state = seed | 1, sum = 0;
  for (u64 i = 0; i < MATRIX_SIZE * MATRIX_SIZE; i++) {
    a[i / MATRIX_SIZE][i % MATRIX_SIZE] = next_random(&state);
    b[i / MATRIX_SIZE][i % MATRIX_SIZE] = next_random(&state);
  }
  for (u64 row = 0; row < MATRIX_SIZE; row++) {
    for (u64 column = 0; column < MATRIX_SIZE; column++) {
      u64 cell = 0;
      for (u64 i = 0; i < MATRIX_SIZE; i++)
        cell += a[row][i] * b[i][column];
      sum = sum * 31 + cell;
    }
  }
  return sum;
}

static const struct {
  const char *name;
  u64 (*run)(u64 seed);
} kinds[COMPUTE_KINDS] = {
    {"sieve", sieve},
    {"sort", heap_sort},
    {"crc32", checksum},
    {"matrix", matrix_product},
};

const char *compute_name(int kind)
{
  return kinds[kind].name;
}

u64 compute(int kind, u64 seed, u64 rounds)
{
  for (u64 i = 0; i < rounds; i++)
    seed = kinds[kind].run(seed);
  return seed;
}
