/* Double precision with the compiler's default contraction: fused multiply-adds appear. */
#include "bench.h"

static u64 bits_of(double value)
{
  u64 bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  return bits;
}

enum { BODIES = 5 };
struct body {
  double x, y, z, vx, vy, vz, mass;
};

/* A sun and four planets, units of our own. */
static struct body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 39.47},
    {4.84, -1.16, -0.10, 0.606, 2.81, -0.02, 0.0376},
    {8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.0112},
    {12.89, -15.11, -0.22, 1.08, 0.868, -0.010, 0.0017},
    {15.37, -25.9, 0.179, 0.979, 0.594, -0.034, 0.0020},
};

static void advance(double step)
{
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      double square = dx * dx + dy * dy + dz * dz;
      double pull = step / (square * __builtin_sqrt(square));
      a->vx -= dx * b->mass * pull;
      a->vy -= dy * b->mass * pull;
      a->vz -= dz * b->mass * pull;
      b->vx += dx * a->mass * pull;
      b->vy += dy * a->mass * pull;
      b->vz += dz * a->mass * pull;
    }
  }
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    a->x += step * a->vx;
    a->y += step * a->vy;
    a->z += step * a->vz;
  }
}

/* Rounds are ten thousands of steps. */
u64 run_nbody(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++) {
    for (int i = 0; i < 10000; i++)
      advance(0.001);
    checksum = mix(checksum, bits_of(bodies[round % BODIES].x));
  }
  return checksum;
}

enum { PIXELS = 128, ITERATIONS = 256 };

static u64 mandelbrot(double shift)
{
  u64 total = 0;
  for (int row = 0; row < PIXELS; row++) {
    for (int column = 0; column < PIXELS; column++) {
      double cr = column * (3.0 / PIXELS) - 2.0 + shift, ci = row * (2.0 / PIXELS) - 1.0;
      double r = 0, i = 0;
      int count = 0;
      for (; count < ITERATIONS && r * r + i * i < 4.0; count++) {
        double next = r * r - i * i + cr;
        i = 2.0 * r * i + ci;
        r = next;
      }
      total += (u64)count;
    }
  }
  return total;
}

u64 run_mandel(const u64 *arguments)
{
  u64 checksum = 0;
  for (u64 round = 0; round < arguments[0]; round++)
    checksum = mix(checksum, mandelbrot((double)round * 0x1p-12));
  return checksum;
}
