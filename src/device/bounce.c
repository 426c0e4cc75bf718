/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounce buffers, see bounce.h. Each is mapped on its own, so that only what was touched takes memory.
 */
#include "device/bounce.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct bounce_pool {
    void *idle[BOUNCE_BUFFERS];
    unsigned idle_count;
    void *made[BOUNCE_BUFFERS];
    unsigned made_count;
    struct bounce_waiter *first;
    struct bounce_waiter **last;
};

struct bounce_pool *bounce_create(void)
{
    struct bounce_pool *pool = calloc(1, sizeof(*pool));

    if (pool != NULL) {
        pool->last = &pool->first;
    }
    return pool;
}

void bounce_destroy(struct bounce_pool *pool)
{
    for (unsigned i = 0; pool != NULL && i < pool->made_count; i++) {
        munmap(pool->made[i], BOUNCE_BYTES);
    }
    free(pool);
}

void *bounce_take(struct bounce_pool *pool)
{
    void *buffer;

    if (pool->idle_count > 0) {
        return pool->idle[--pool->idle_count];
    }
    if (pool->made_count == BOUNCE_BUFFERS) {
        return NULL;
    }
    buffer = mmap(NULL, BOUNCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        return NULL;
    }
    pool->made[pool->made_count++] = buffer;
    return buffer;
}

void bounce_wait(struct bounce_pool *pool, struct bounce_waiter *waiter)
{
    waiter->next = NULL;
    *pool->last = waiter;
    pool->last = &waiter->next;
}

void bounce_give(struct bounce_pool *pool, void *buffer)
{
    struct bounce_waiter *waiter = pool->first;

    pool->idle[pool->idle_count++] = buffer;
    if (waiter != NULL) {
        pool->first = waiter->next;
        if (pool->first == NULL) {
            pool->last = &pool->first;
        }
        waiter->ready(waiter);
    }
}

static void copy(uint8_t *buffer, const struct iovec *iov, unsigned count, size_t skip, size_t length, bool gather)
{
    for (unsigned i = 0; i < count && length > 0; i++) {
        size_t at = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        size_t part = iov[i].iov_len - at < length ? iov[i].iov_len - at : length;
        uint8_t *piece = iov[i].iov_base;

        skip -= at;
        if (part == 0) {
            continue;
        }
        piece += at;
        if (gather) {
            memcpy(buffer, piece, part);
        } else {
            memcpy(piece, buffer, part);
        }
        buffer += part;
        length -= part;
    }
}

void bounce_gather(void *buffer, const struct iovec *iov, unsigned count, size_t skip, size_t length)
{
    copy(buffer, iov, count, skip, length, true);
}

void bounce_scatter(const void *buffer, const struct iovec *iov, unsigned count, size_t skip, size_t length)
{
    copy((uint8_t *)(uintptr_t)buffer, iov, count, skip, length, false);
}
