/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Token buckets, see throttle.h. A bucket is one number: the moment at which it would be full again if nobody took any
 * more. What is taken moves it on; as long as it is no further away than the burst, nobody has to wait.
 */
#include "device/throttle.h"

#define NANOSECONDS 1000000000u
#define TENTH       (NANOSECONDS / 10)
/* So that sums of times do not overflow, whatever the limits are. */
#define LONGEST (UINT64_C(3600) * NANOSECONDS)

/* How long the rate needs for the amount. */
static uint64_t time_of(const struct throttle_bucket *bucket, uint64_t amount)
{
    unsigned __int128 time = (unsigned __int128)amount * NANOSECONDS / bucket->rate;

    return time < LONGEST ? (uint64_t)time : LONGEST;
}

static void init(struct throttle_bucket *bucket, uint64_t rate, uint64_t burst)
{
    bucket->rate = rate;
    bucket->burst = 0;
    atomic_init(&bucket->filled, 0);
    if (rate != 0) {
        bucket->burst = burst != 0 ? time_of(bucket, burst) : TENTH;
    }
}

void throttle_init(struct throttle *throttle, uint64_t iops, uint64_t iops_burst, uint64_t bps, uint64_t bps_burst)
{
    init(&throttle->requests, iops, iops_burst);
    init(&throttle->bytes, bps, bps_burst);
}

/* When the amount may go. It is the earliest moment at which the bucket holds it, or is full if it never does. */
static uint64_t take(struct throttle_bucket *bucket, uint64_t now, uint64_t amount)
{
    uint64_t filled, from, cost, room;

    if (bucket->rate == 0) {
        return now;
    }
    cost = time_of(bucket, amount);
    filled = atomic_load_explicit(&bucket->filled, memory_order_relaxed);
    do {
        from = filled > now ? filled : now;
    } while (!atomic_compare_exchange_weak_explicit(&bucket->filled, &filled, from + cost, memory_order_relaxed,
                                                    memory_order_relaxed));
    room = bucket->burst > cost ? bucket->burst - cost : 0;
    return from - now > room ? from - room : now;
}

uint64_t throttle_take(struct throttle *throttle, uint64_t now, uint64_t bytes)
{
    uint64_t by_requests = take(&throttle->requests, now, 1);
    uint64_t by_bytes = take(&throttle->bytes, now, bytes);

    return by_requests > by_bytes ? by_requests : by_bytes;
}
