/*
 * A small library over channel-abi.h for guests without an operating system below them: one vCPU,
 * physical addresses as they are (no translation, or an identity). It needs nothing but the
 * compiler.
 */
#pragma once
#include "channel-abi.h"

/* Called for each port that was pending, with its bit clear. */
typedef void channel_handler(uint32_t port);

struct channel {
  uintptr_t base; /* of the registers */
  volatile struct shared_info *info;
};

/* 0, or -1 if the registers at `base` are no event channel of this version. */
int channel_init(struct channel *channel, uintptr_t base);
/* Gives shared_info this page, and lets upcalls through. 0 or an error. */
int64_t channel_place_info(struct channel *channel, void *page);

/* An operation through the registers: its result, or a negative error. */
int64_t channel_operate(const struct channel *channel, uint32_t operation,
                        const uint64_t *arguments, uint32_t count);
/* The same by `ecall`; `*is_there` is 0 where the machine has no such extension. */
int64_t channel_ecall(uint32_t operation, const uint64_t *arguments, uint32_t count, int *is_there);

/* `channel_op(channel, CHANNEL_send, port)`: an operation with its arguments. */
#define channel_op(channel, operation, ...)                                            \
  channel_operate((channel), (operation), (const uint64_t[]){__VA_ARGS__},             \
                  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* From the interrupt handler: serves what is pending and not masked. */
void channel_upcall(const struct channel *channel, channel_handler *handler);
int channel_is_pending(const struct channel *channel, uint32_t port);
void channel_mask(const struct channel *channel, uint32_t port);
/* Holds upcalls, and lets them through again; what came meanwhile comes then. */
void channel_hold_upcalls(const struct channel *channel);
void channel_release_upcalls(const struct channel *channel);

/* Nanoseconds since power-on, from shared_info and the cycle CSR. */
uint64_t channel_system_time(const struct channel *channel);
/* Seconds since 1970 at power-on. */
uint64_t channel_wall_seconds(const struct channel *channel);

/* The console's rings in `page`: the port that tells of input and room, or an error. */
int64_t channel_console_open(const struct channel *channel, void *page);
/* Both give how many bytes they moved; never wait. The writer notifies. */
uint32_t channel_console_write(const struct channel *channel, struct xencons_interface *ring,
                               uint32_t port, const char *bytes, uint32_t size);
uint32_t channel_console_read(const struct channel *channel, struct xencons_interface *ring,
                              uint32_t port, char *bytes, uint32_t size);

/* Grants a page to `domain`; the entry must be free. `table` was placed before. */
void channel_grant(struct grant_entry_v1 *table, uint32_t ref, uint32_t domain, const void *page,
                   int is_read_only);
/* Takes it back. -1 while the other domain has it mapped. */
int channel_revoke(struct grant_entry_v1 *table, uint32_t ref);
