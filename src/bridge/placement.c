/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where BARs lie for the processor. A BAR holds an address on its bus; it is reached when every port above forwards
 * that, and where the apertures of the host bridge have it. Below a host bridge that owns apertures nothing of this
 * needs the platform. Elsewhere each BAR is claimed alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bridge/bus.h"
#include "bridge/function.h"
#include "bridge/port.h"

/* A BAR's place, as the processor sees it. */
struct place {
    enum bridge_space space;
    uint64_t first;
    bool claim; /* of the platform */
};

static bool translate(const struct bridge_aperture *aperture, uint64_t address, uint64_t size, struct place *place)
{
    if (size > aperture->size || address < aperture->bus || address - aperture->bus > aperture->size - size) {
        return false;
    }
    *place = (struct place){.space = aperture->space, .first = aperture->first + (address - aperture->bus)};
    return true;
}

/* 0; -ENXIO: nothing forwards it; -EAGAIN: it has no address yet. */
static int find_place(const struct bar *bar, uint64_t address, struct place *place)
{
    const struct bridge_bus *bus = bar->function->bus;
    const struct bridge_host_config *host = &bus->host->config;
    bool owned = (bar->io ? host->io.size : host->memory.size) != 0;

    if (bar->size - 1 > UINT64_MAX - address) {
        return -EAGAIN;
    }
    if (bus->port != NULL && !port_forwards(bus->port, bar->io, address, address + (bar->size - 1))) {
        return -EAGAIN; /* the guest sets up its ports after what is behind them, or before */
    }
    if (!owned) {
        *place = (struct place){.space = bar->io ? BRIDGE_PORT : BRIDGE_MEMORY, .first = address, .claim = true};
        return bar_is_unplaced(bar, address) ? -EAGAIN : 0;
    }
    if (bar->io ? translate(&host->io, address, bar->size, place)
                : translate(&host->memory, address, bar->size, place) ||
                      translate(&host->memory64, address, bar->size, place)) {
        return 0;
    }
    return bar_is_unplaced(bar, address) ? -EAGAIN : -ENXIO;
}

static void unmap(struct bar *bar)
{
    struct bridge *bridge = bar->function->bus->host->bridge;
    const struct bridge_host_config *host = &bar->function->bus->host->config;
    bool owned = (bar->io ? host->io.size : host->memory.size) != 0;
    struct bridge_place place;
    int rc = owned
                 ? 0
                 : bridge->platform->unclaim(bridge->context, bar->space, bar->address, bar->address + (bar->size - 1));

    if (rc != 0) {
        bridge_log(bridge, "BAR %u of %s: cannot give up 0x%" PRIx64 ": %s", bar->index,
                   bridge_place(bar->function, &place), bar->address, strerror(-rc));
    }
    address_map_remove(&bridge->map[bar->space], bar);
    bar->mapped = false;
}

static void refuse(struct bar *bar, uint64_t address, int rc)
{
    struct bridge *bridge = bar->function->bus->host->bridge;
    struct bridge_place place;
    const char *why = strerror(-rc);

    if (bar->refused) {
        return;
    }
    if (rc == -EEXIST) {
        why = "another BAR is there";
    } else if (rc == -ENXIO) {
        why = "that is outside the apertures of its host bridge";
    } else if (rc == -ENOSPC) {
        why = "the platform has as many ranges as it can have: give devices a host bridge with apertures";
    }
    bar->refused = true;
    bridge->counters.refused++;
    bridge_log(bridge, "BAR %u of %s cannot be placed at 0x%" PRIx64 ": %s", bar->index,
               bridge_place(bar->function, &place), address, why);
}

static void map(struct bar *bar, uint64_t address, const struct place *place)
{
    struct bridge *bridge = bar->function->bus->host->bridge;
    struct address_range range = {.first = place->first, .last = place->first + (bar->size - 1), .bar = bar};
    int rc = address_map_insert(&bridge->map[place->space], &range);

    if (rc == 0 && place->claim) {
        rc = bridge->platform->claim(bridge->context, place->space, range.first, range.last);
        if (rc != 0) {
            address_map_remove(&bridge->map[place->space], bar);
        }
    }
    if (rc != 0) {
        refuse(bar, address, rc);
        return;
    }
    bar->space = place->space;
    bar->address = place->first;
    bar->mapped = true;
    bar->refused = false;
}

/* Whether the BAR decodes, and where. What cannot be reached is told once. */
static bool wants(struct bar *bar, uint64_t *address, struct place *place)
{
    int rc;

    if (!bar_wanted_address(bar, address)) {
        bar->refused = false;
        return false;
    }
    rc = find_place(bar, *address, place);
    if (rc == -ENXIO) {
        refuse(bar, *address, rc);
    } else if (rc != 0) {
        bar->refused = false;
    }
    return rc == 0;
}

/* Unmaps what has to move. True when there was something. */
static bool leave(struct bridge_function *function)
{
    bool freed = false;

    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        struct bar *bar = &function->bar[i];
        struct place place;
        uint64_t address;

        if (bar->size == 0) {
            continue;
        }
        bool wanted = wants(bar, &address, &place);

        if (bar->mapped && (!wanted || place.first != bar->address || place.space != bar->space)) {
            unmap(bar);
            freed = true;
        }
    }
    return freed;
}

static void settle(struct bridge_function *function)
{
    if (function->bus->host->bridge->closing) {
        return;
    }
    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        struct bar *bar = &function->bar[i];
        struct place place;
        uint64_t address;

        if (bar->size != 0 && !bar->mapped && wants(bar, &address, &place)) {
            map(bar, address, &place);
        }
    }
}

/* What was in another BAR's way may be gone now. */
static void settle_refused(struct bridge *bridge)
{
    for (struct bridge_function *function = bridge->functions; function != NULL; function = function->next) {
        settle(function);
    }
}

void placement_sync(struct bridge_function *function)
{
    bool freed = leave(function);

    settle(function);
    if (freed) {
        settle_refused(function->bus->host->bridge);
    }
}

void placement_sync_bus(struct bridge_bus *bus)
{
    bool freed = false;

    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (bus->function[i] != NULL) {
            freed = leave(bus->function[i]) || freed;
        }
    }
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (bus->function[i] != NULL) {
            settle(bus->function[i]);
        }
    }
    if (freed) {
        settle_refused(bus->host->bridge);
    }
}

void placement_remove(struct bridge_function *function)
{
    bool freed = false;

    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        if (function->bar[i].mapped) {
            unmap(&function->bar[i]);
            freed = true;
        }
    }
    if (freed) {
        settle_refused(function->bus->host->bridge);
    }
}
