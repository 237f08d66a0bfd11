/*
 * The mix of an embedded processor's benchmark: a list that is sorted and searched, a small matrix,
 * a state machine over text, a bitwise CRC over the results.
 */
#include "bench.h"

static u16 crc16(u16 crc, u16 value)
{
  for (int bit = 0; bit < 16; bit++, value >>= 1) {
    u16 carry = (crc ^ value) & 1;
    crc >>= 1;
    if (carry)
      crc ^= 0xa001;
  }
  return crc;
}

enum { LIST_LENGTH = 64, SIDE = 12 };
struct item {
  struct item *next;
  short key, data;
};
static struct item items[LIST_LENGTH];

static struct item *merge(struct item *a, struct item *b)
{
  struct item head, *tail = &head;
  while (a && b) {
    struct item **smaller = a->key <= b->key ? &a : &b;
    tail->next = *smaller;
    tail = *smaller;
    *smaller = (*smaller)->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static struct item *sort(struct item *list)
{
  if (!list || !list->next)
    return list;
  struct item *slow = list;
  for (struct item *fast = list->next; fast && fast->next; fast = fast->next->next)
    slow = slow->next;
  struct item *second = slow->next;
  slow->next = 0;
  return merge(sort(list), sort(second));
}

static u16 list_work(u32 seed)
{
  for (u32 i = 0; i < LIST_LENGTH; i++) {
    seed = seed * 1103515245u + 12345u;
    struct item *next = i + 1 < LIST_LENGTH ? &items[i + 1] : 0;
    items[i] = (struct item){next, (short)(seed >> 16), (short)i};
  }
  u16 crc = 0;
  for (const struct item *at = sort(items); at; at = at->next)
    crc = crc16(crc, (u16)at->data);
  return crc;
}

static short matrix_a[SIDE][SIDE], matrix_b[SIDE][SIDE];

static u16 matrix_work(u32 seed)
{
  int sum = 0;
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      matrix_a[i][j] = (short)(seed + (u32)(i * j));
      matrix_b[i][j] = (short)(seed ^ (u32)(i + j));
    }
  }
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      int cell = 0;
      for (int k = 0; k < SIDE; k++)
        cell += matrix_a[i][k] * matrix_b[k][j];
      sum += cell >> 3 & 0x7f;
    }
  }
  return crc16(0, (u16)sum);
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, INVALID, STATE_COUNT };
static const char TEXT[] =
    "5012,+234.5,-110.700,2.1e6,1e,T0.3e-1F,0x12,874,-.5,12E+9,..3,99.99,7e-2";

static enum state next_state(enum state state, char c)
{
  int is_digit = c >= '0' && c <= '9';
  switch (state) {
  case START:
    return is_digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
  case SIGN:
    return is_digit ? INTEGER : c == '.' ? FRACTION : INVALID;
  case INTEGER:
    return is_digit ? INTEGER : c == '.' ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
  case FRACTION:
    return is_digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
  case EXPONENT:
    return is_digit || c == '+' || c == '-' ? EXPONENT : INVALID;
  default:
    return INVALID;
  }
}

static u16 state_work(u32 seed)
{
  u32 counts[STATE_COUNT] = {0};
  enum state state = START;
  for (u32 i = 0; TEXT[i]; i++) {
    char c = (char)(TEXT[i] ^ ((seed >> (i & 15) & 31) == 31));
    if (c == ',') {
      counts[state]++;
      state = START;
    } else {
      state = next_state(state, c);
    }
  }
  u16 crc = 0;
  for (int i = 0; i < STATE_COUNT; i++)
    crc = crc16(crc, (u16)counts[i]);
  return crc;
}

/* Rounds are hundreds. */
u64 run_cm(const u64 *arguments)
{
  u16 crc = 0;
  for (u64 round = 0; round < arguments[0] * 100; round++) {
    crc = crc16(crc, list_work((u32)round));
    crc = crc16(crc, matrix_work((u32)round));
    crc = crc16(crc, state_work((u32)round * 2654435761u));
  }
  return crc;
}
