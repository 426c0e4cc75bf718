/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of a file: so many requests and bytes a second, and so many at once after a pause. Token buckets, one for
 * each, without a lock: shared by all loops that use the file.
 */
#ifndef IOREQD_DEVICE_THROTTLE_H
#define IOREQD_DEVICE_THROTTLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct throttle_bucket {
    uint64_t rate;               /* a second; 0: no limit */
    uint64_t burst;              /* nanoseconds of the rate that a full bucket holds */
    atomic_uint_fast64_t filled; /* when it is full again */
};

struct throttle {
    struct throttle_bucket requests;
    struct throttle_bucket bytes;
};

/* burst 0: a tenth of a second's worth, and at least one request. */
void throttle_init(struct throttle *throttle, uint64_t iops, uint64_t iops_burst, uint64_t bps, uint64_t bps_burst);
static inline bool throttle_limits(const struct throttle *throttle)
{
    return throttle->requests.rate != 0 || throttle->bytes.rate != 0;
}

/*
 * Takes what a request costs and returns when it may start, in nanoseconds of the clock that now is of: now, or later.
 * A request of more bytes than a bucket holds starts when the bucket is full, and those after it wait longer.
 */
uint64_t throttle_take(struct throttle *throttle, uint64_t now, uint64_t bytes);

#endif
