/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters that one thread alone adds to, and any may read: no bus is locked, and nothing is shared between threads that
 * count. Who has several threads gives each its own, and adds them up when somebody asks.
 */
#ifndef IOREQD_DEVICE_TALLY_H
#define IOREQD_DEVICE_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

typedef atomic_uint_fast64_t tally;

/* Of histograms of time: entry i counts what took from 2^i to 2^(i+1)-1 ns, the last what took longer too. */
#define TALLY_TIMES 32u

static inline uint64_t tally_read(const tally *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void tally_set(tally *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline void tally_add(tally *counter, uint64_t more)
{
    tally_set(counter, tally_read(counter) + more);
}

/* The entry of a histogram that has so many nanoseconds. */
static inline unsigned tally_time(uint64_t took)
{
    unsigned power = took == 0 ? 0 : 63u - (unsigned)__builtin_clzll(took);

    return power < TALLY_TIMES ? power : TALLY_TIMES - 1;
}

#endif
