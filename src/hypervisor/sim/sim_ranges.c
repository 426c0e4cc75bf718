/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's sets of claimed ranges, see sim_ranges.h. Called by the sim with its lock held.
 */
#include "hypervisor/sim/sim_ranges.h"

#include <errno.h>
#include <string.h>

/* The first range that ends at or above value; count when there is none. */
static unsigned find(const struct sim_ranges *ranges, uint64_t value)
{
    unsigned low = 0;
    unsigned high = ranges->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (ranges->range[middle].last < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void insert(struct sim_ranges *ranges, unsigned index, uint64_t first, uint64_t last)
{
    struct sim_range *range = &ranges->range[index];

    memmove(range + 1, range, (ranges->count - index) * sizeof(*range));
    *range = (struct sim_range){.first = first, .last = last};
    ranges->count++;
}

static void discard(struct sim_ranges *ranges, unsigned index)
{
    struct sim_range *range = &ranges->range[index];

    ranges->count--;
    memmove(range, range + 1, (ranges->count - index) * sizeof(*range));
}

int sim_ranges_add(struct sim_ranges *ranges, uint64_t first, uint64_t last)
{
    unsigned index = find(ranges, first);

    if (first > last) {
        return -EINVAL;
    }
    if (index < ranges->count && ranges->range[index].first <= last) {
        return -EEXIST;
    }
    /*
     * As rangeset_add_range(): what follows a range extends it; anything else needs a place of its own, even when it
     * is then joined to the range above it.
     */
    if (index > 0 && ranges->range[index - 1].last + 1 == first) {
        index--;
        ranges->range[index].last = last;
    } else if (ranges->count < SIM_RANGES_MAX) {
        insert(ranges, index, first, last);
    } else {
        return -ENOSPC;
    }
    if (index + 1 < ranges->count && last + 1 == ranges->range[index + 1].first) {
        ranges->range[index].last = ranges->range[index + 1].last;
        discard(ranges, index + 1);
    }
    return 0;
}

int sim_ranges_remove(struct sim_ranges *ranges, uint64_t first, uint64_t last)
{
    unsigned index = find(ranges, first);
    struct sim_range old;

    if (first > last) {
        return -EINVAL;
    }
    if (!sim_ranges_contain(ranges, first, last)) {
        return -ENOENT;
    }
    old = ranges->range[index];
    if (old.first < first && old.last > last) {
        if (ranges->count == SIM_RANGES_MAX) {
            return -ENOSPC;
        }
        ranges->range[index].last = first - 1;
        insert(ranges, index + 1, last + 1, old.last);
    } else if (old.first < first) {
        ranges->range[index].last = first - 1;
    } else if (old.last > last) {
        ranges->range[index].first = last + 1;
    } else {
        discard(ranges, index);
    }
    return 0;
}

bool sim_ranges_contain(const struct sim_ranges *ranges, uint64_t first, uint64_t last)
{
    unsigned index = find(ranges, first);

    return first <= last && index < ranges->count && ranges->range[index].first <= first &&
           ranges->range[index].last >= last;
}
