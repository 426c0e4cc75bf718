/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What serves an address: the ranges of one space, disjoint and sorted. Owned by the bridge, used on its main
 * thread. It changes when the guest moves a BAR and is looked up at every access, so a look-up is a guess that the
 * last answer still holds, then a binary search; it never allocates.
 */
#ifndef IOREQD_BRIDGE_ADDRESS_MAP_H
#define IOREQD_BRIDGE_ADDRESS_MAP_H

#include <stdint.h>

struct bar;
struct bridge_host;

/* Belongs to a BAR or, where bar is NULL, is the ECAM of a host bridge or, where that is NULL too, the message frame. */
struct address_range {
    uint64_t first;
    uint64_t last;
    struct bar *bar;
    struct bridge_host *host;
};

struct address_map {
    struct address_range *range;
    unsigned count;
    unsigned capacity;
    unsigned last_hit;
};

/* Makes room for one more range than were reserved before, so that inserting cannot fail. 0 or -ENOMEM. */
int address_map_reserve(struct address_map *map);
void address_map_free(struct address_map *map);

/* 0, or -EEXIST when the range overlaps another. */
int address_map_insert(struct address_map *map, const struct address_range *range);
void address_map_remove(struct address_map *map, const struct bar *bar);

/* The range that holds address, or NULL. Valid until the map changes. */
const struct address_range *address_map_find(struct address_map *map, uint64_t address);

#endif
