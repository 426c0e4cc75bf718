/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts what is allocated: these take the place of glibc's functions in the whole process, its libraries and modules
 * included, and call them by their other names. Any thread.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/worker/cost.h"

static _Atomic uint64_t allocations, frees;

uint64_t cost_allocations(void)
{
    return atomic_load(&allocations);
}

uint64_t cost_frees(void)
{
    return atomic_load(&frees);
}

#if !COST_SANITIZED

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static void count(_Atomic uint64_t *what)
{
    atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(&allocations);
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    count(&allocations);
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    count(&allocations);
    return __libc_realloc(old, size);
}

void free(void *memory)
{
    if (memory != NULL) {
        count(&frees);
    }
    __libc_free(memory);
}

void *memalign(size_t alignment, size_t size)
{
    count(&allocations);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *got = memalign(alignment, size);

    if (got == NULL) {
        return ENOMEM;
    }
    *memory = got;
    return 0;
}

#endif
