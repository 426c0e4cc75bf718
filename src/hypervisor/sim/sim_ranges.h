/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of ranges as Xen keeps one for each kind of claim (xen/common/rangeset.c, ioreq_server_map_io_range() in
 * xen/common/ioreq.c): sorted, disjoint, and adjacent ranges are one. Plain data; its owner locks it.
 */
#ifndef IOREQD_HYPERVISOR_SIM_RANGES_H
#define IOREQD_HYPERVISOR_SIM_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_RANGES_MAX 256 /* MAX_NR_IO_RANGES, include/xen/ioreq.h */

/* Both ends included. */
struct sim_range {
    uint64_t first;
    uint64_t last;
};

struct sim_ranges {
    unsigned count;
    struct sim_range range[SIM_RANGES_MAX];
};

/* -EINVAL when empty, -EEXIST when a part is in the set, -ENOSPC when the set is full. */
int sim_ranges_add(struct sim_ranges *ranges, uint64_t first, uint64_t last);

/* -EINVAL when empty, -ENOENT unless all of it is in the set, -ENOSPC when a split does not fit. */
int sim_ranges_remove(struct sim_ranges *ranges, uint64_t first, uint64_t last);

bool sim_ranges_contain(const struct sim_ranges *ranges, uint64_t first, uint64_t last);

#endif
