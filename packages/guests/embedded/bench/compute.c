/* Integer work: sieve, CRC, matrix product, recursion. */
#include "bench.h"

enum { SIEVE_SIZE = 1 << 20 };
static u8 is_composite[SIEVE_SIZE];

/* Counts the primes below SIEVE_SIZE. */
u64 sieve_round(void)
{
  u64 count = 0;
  for (u32 i = 0; i < SIEVE_SIZE; i++)
    is_composite[i] = 0;
  for (u32 i = 2; i < SIEVE_SIZE; i++) {
    if (is_composite[i])
      continue;
    count++;
    for (u64 multiple = (u64)i * i; multiple < SIEVE_SIZE; multiple += i)
      is_composite[multiple] = 1;
  }
  return count;
}

u64 run_sieve(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++)
    checksum = mix(checksum, sieve_round());
  return checksum;
}

enum { CRC_SIZE = 1 << 16 };
static u8 crc_data[CRC_SIZE];
static u32 crc_table[256];

u64 run_crc32(const u64 *arguments)
{
  for (u32 i = 0; i < 256; i++) {
    u32 value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    crc_table[i] = value;
  }
  for (u32 i = 0; i < CRC_SIZE; i++)
    crc_data[i] = (u8)(i * 7 + (i >> 8));
  u32 crc = ~0u;
  for (u64 round = 0; round < arguments[0]; round++) {
    for (u32 i = 0; i < CRC_SIZE; i++)
      crc = crc >> 8 ^ crc_table[(crc ^ crc_data[i]) & 0xff];
  }
  return ~crc;
}

enum { MATRIX = 128 };
static int left[MATRIX][MATRIX], right[MATRIX][MATRIX], product[MATRIX][MATRIX];

u64 run_matmul(const u64 *arguments)
{
  u64 checksum = 0;
  for (int i = 0; i < MATRIX; i++) {
    for (int j = 0; j < MATRIX; j++) {
      left[i][j] = i * 3 + j;
      right[i][j] = i - j * 5;
    }
  }
  for (u64 round = 0; round < arguments[0]; round++) {
    for (int i = 0; i < MATRIX; i++) {
      for (int j = 0; j < MATRIX; j++) {
        int sum = 0;
        for (int k = 0; k < MATRIX; k++)
          sum += left[i][k] * right[k][j];
        product[i][j] = sum;
      }
    }
    left[round % MATRIX][0] ^= product[0][round % MATRIX];
    checksum = mix(checksum, (u64)product[MATRIX - 1][round % MATRIX]);
  }
  return checksum;
}

/* volatile hides the function from inlining: every call is made. */
static u64 (*volatile fib_call)(u64);

static __attribute__((noinline, noclone)) u64 fib(u64 n)
{
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* Its number is that of Fibonacci, not a count of rounds. */
u64 run_fib(const u64 *arguments)
{
  fib_call = fib;
  return fib_call(arguments[0]);
}
