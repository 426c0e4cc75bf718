/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned buffers of a loop, for what cannot reach guest memory directly. Made as they are needed, up to a limit, and
 * kept: in steady state nothing is allocated. Owned by the loop's file ring and used on its thread.
 */
#ifndef IOREQD_DEVICE_BOUNCE_H
#define IOREQD_DEVICE_BOUNCE_H

#include <stddef.h>
#include <sys/uio.h>

#define BOUNCE_BYTES   262144u /* of a buffer: a longer transfer is made in steps */
#define BOUNCE_BUFFERS 128u

struct bounce_pool;

/* Somebody who waits for a buffer. */
struct bounce_waiter {
    struct bounce_waiter *next;
    void (*ready)(struct bounce_waiter *waiter);
};

struct bounce_pool *bounce_create(void);
/* NULL is allowed. */
void bounce_destroy(struct bounce_pool *pool);

/* NULL: all are in use; bounce_wait() tells when one is free. */
void *bounce_take(struct bounce_pool *pool);
/* Calls ready(), once, when there is a buffer: the waiter takes it there and then. */
void bounce_wait(struct bounce_pool *pool, struct bounce_waiter *waiter);
void bounce_give(struct bounce_pool *pool, void *buffer);

/* Copies length bytes between a buffer and the pieces, in which they begin at skip. */
void bounce_gather(void *buffer, const struct iovec *iov, unsigned count, size_t skip, size_t length);
void bounce_scatter(const void *buffer, const struct iovec *iov, unsigned count, size_t skip, size_t length);

#endif
