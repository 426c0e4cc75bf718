/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sorted array of disjoint ranges, see address_map.h.
 */
#include "bridge/address_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int address_map_reserve(struct address_map *map)
{
    struct address_range *range = realloc(map->range, (map->capacity + 1) * sizeof(*range));

    if (range == NULL) {
        return -ENOMEM;
    }
    map->range = range;
    map->capacity++;
    return 0;
}

void address_map_free(struct address_map *map)
{
    free(map->range);
    *map = (struct address_map){0};
}

/* Index of the first range that ends at or after address. */
static unsigned lower_bound(const struct address_map *map, uint64_t address)
{
    unsigned low = 0, high = map->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (map->range[middle].last < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int address_map_insert(struct address_map *map, const struct address_range *range)
{
    unsigned at = lower_bound(map, range->first);

    if (map->count == map->capacity) {
        return -ENOSPC;
    }
    if (at < map->count && map->range[at].first <= range->last) {
        return -EEXIST;
    }
    memmove(&map->range[at + 1], &map->range[at], (map->count - at) * sizeof(map->range[0]));
    map->range[at] = *range;
    map->count++;
    return 0;
}

void address_map_remove(struct address_map *map, const struct bar *bar)
{
    for (unsigned i = 0; i < map->count; i++) {
        if (map->range[i].bar == bar) {
            map->count--;
            memmove(&map->range[i], &map->range[i + 1], (map->count - i) * sizeof(map->range[0]));
            return;
        }
    }
}

const struct address_range *address_map_find(struct address_map *map, uint64_t address)
{
    unsigned at = map->last_hit;

    if (at < map->count && map->range[at].first <= address && address <= map->range[at].last) {
        return &map->range[at];
    }
    at = lower_bound(map, address);
    if (at == map->count || map->range[at].first > address) {
        return NULL;
    }
    map->last_hit = at;
    return &map->range[at];
}
