/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions on a bus: how they come and go. See bus.h.
 */
#include "bridge/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/function.h"
#include "bridge/pci_registers.h"
#include "bridge/port.h"

bool bus_has_place(const struct bridge_bus *bus, uint8_t devfn)
{
    /* The link of a root port leads to one device (PCI Express 4.0 §7.3.1). */
    return bus->port == NULL || devfn < 8;
}

unsigned bus_number(const struct bridge_bus *bus)
{
    return bus->port == NULL ? bus->host->config.first_bus : port_secondary_number(bus->port);
}

const char *bridge_place(const struct bridge_function *function, struct bridge_place *place)
{
    snprintf(place->text, sizeof(place->text), "%04x:%02x:%02x.%x", function->bus->host->config.segment & 0xffffu,
             bus_number(function->bus) & 0xffu, function->devfn >> 3 & 0x1fu, function->devfn & 7u);
    return place->text;
}

void bus_sync_multifunction(struct bridge_bus *bus, uint8_t devfn)
{
    unsigned first = devfn & ~7u;
    struct bridge_function *function = bus->function[first];
    bool others = false;

    if (function == NULL) {
        return;
    }
    for (unsigned i = 1; i < 8; i++) {
        others = others || bus->function[first + i] != NULL;
    }
    config_space_set(&function->config, PCI_HEADER_TYPE, 1,
                     (function->port != NULL ? PCI_HEADER_BRIDGE : 0u) | (others ? PCI_HEADER_MULTIFUNCTION : 0u));
}

/* Room for all that the function may map, so that mapping never has to allocate. */
static int reserve(struct bridge *bridge)
{
    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        for (unsigned space = 0; space < BRIDGE_SPACES; space++) {
            int rc = address_map_reserve(&bridge->map[space]);

            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

int bus_add(struct bridge_function *function)
{
    struct bridge_bus *bus = function->bus;
    struct bridge *bridge = bus->host->bridge;
    int rc = reserve(bridge);

    if (rc != 0) {
        return rc;
    }
    if (bus->host->config.configuration_ports && bus->port == NULL) {
        uint16_t number = (uint16_t)(bus_number(bus) << 8 | function->devfn);

        rc = bridge->platform->claim_function(bridge->context, number);
        if (rc != 0) {
            return rc;
        }
        function->claimed = true;
        function->claimed_as = number;
    }
    bus->function[function->devfn] = function;
    function->next = bridge->functions;
    bridge->functions = function;
    bus_sync_multifunction(bus, function->devfn);
    if (bus->port != NULL) {
        port_sync_presence(bus->port);
        host_renumber(bus->host);
    }
    return 0;
}

int bridge_add_function(struct bridge_bus *bus, uint8_t devfn, const struct ioreqd_description *description,
                        const struct bridge_function_ops *ops, void *device, struct bridge_function **added)
{
    struct ioreqd_description whole = {0};
    struct bridge_function *function;
    int rc;

    if (bridge_check_description(description) != NULL || !bus_has_place(bus, devfn)) {
        return -EINVAL;
    }
    if (bus->function[devfn] != NULL) {
        return -EEXIST;
    }
    memcpy(&whole, description, description->struct_size < sizeof(whole) ? description->struct_size : sizeof(whole));
    function = function_create(bus, devfn, &whole, ops, device,
                               bus->port != NULL ? PCI_EXPRESS_TYPE_ENDPOINT : PCI_EXPRESS_TYPE_INTEGRATED);
    if (function == NULL) {
        return -ENOMEM;
    }
    rc = bus_add(function);
    if (rc != 0) {
        function_destroy(function);
        return rc;
    }
    if (added != NULL) {
        *added = function;
    }
    return 0;
}

static void unlink_function(struct bridge *bridge, const struct bridge_function *function)
{
    struct bridge_function **link = &bridge->functions;

    while (*link != function) {
        link = &(*link)->next;
    }
    *link = function->next;
}

void bridge_remove_function(struct bridge_function *function)
{
    struct bridge_bus *bus = function->bus;
    struct bridge *bridge = bus->host->bridge;

    unlink_function(bridge, function);
    placement_remove(function);
    bridge_intx(function, false);
    if (bridge->bell_function == function) {
        bridge->bell_function = NULL;
    }
    if (function->claimed) {
        bridge->platform->unclaim_function(bridge->context, function->claimed_as);
    }
    bus->function[function->devfn] = NULL;
    bus_sync_multifunction(bus, function->devfn);
    if (bus->port != NULL) {
        port_sync_presence(bus->port);
    }
    function_destroy(function);
}
