#include "kernel.h"

void *memset(void *to, int value, u64 count)
{
  u8 *bytes = to;
  for (u64 i = 0; i < count; i++)
    bytes[i] = (u8)value;
  return to;
}

void *memcpy(void *to, const void *from, u64 count)
{
  u8 *target = to;
  const u8 *source = from;
  for (u64 i = 0; i < count; i++)
    target[i] = source[i];
  return to;
}

int compare_text(const char *a, const char *b)
{
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return (u8)*a - (u8)*b;
}

u64 text_length(const char *text)
{
  u64 length = 0;
  while (text[length])
    length++;
  return length;
}

i64 parse_number(const char *text)
{
  i64 value = 0;
  if (!*text || text_length(text) > 18)
    return -1;
  for (; *text; text++) {
    if (*text < '0' || *text > '9')
      return -1;
    value = value * 10 + (*text - '0');
  }
  return value;
}

u32 crc32(u32 seed, const void *bytes, u64 count)
{
  const u8 *at = bytes;
  u32 crc = ~seed;
  for (u64 i = 0; i < count; i++) {
    crc ^= at[i];
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

u64 next_random(u64 *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}
