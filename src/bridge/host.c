/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host bridge: what it claims of the processor's addresses, its ECAM, and which bus answers to which number. See
 * bus.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/bus.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"
#include "bridge/port.h"

#define CLAIMS 5u

/* ---- what it owns ---- */

struct claim {
    enum bridge_space space;
    uint64_t first;
    uint64_t size; /* 0: none */
};

/* In the order in which they are claimed. */
static void list_claims(const struct bridge_host_config *config, struct claim claim[CLAIMS])
{
    const struct bridge_aperture *aperture[] = {&config->io, &config->memory, &config->memory64};

    claim[0] = (struct claim){BRIDGE_PORT, PCI_CONFIG_ADDRESS, config->address_port ? 4 : 0};
    claim[1] = (struct claim){BRIDGE_MEMORY, config->ecam, config->ecam != 0 ? bridge_ecam_size(config) : 0};
    for (unsigned i = 0; i < 3; i++) {
        claim[2 + i] = (struct claim){aperture[i]->space, aperture[i]->first, aperture[i]->size};
    }
}

static int claim_all(struct bridge_host *host)
{
    const struct bridge *bridge = host->bridge;
    struct claim claim[CLAIMS];

    list_claims(&host->config, claim);
    for (; host->claims < CLAIMS; host->claims++) {
        const struct claim *next = &claim[host->claims];
        int rc = next->size == 0 ? 0
                                 : bridge->platform->claim(bridge->context, next->space, next->first,
                                                           next->first + (next->size - 1));

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void unclaim_all(struct bridge_host *host)
{
    const struct bridge *bridge = host->bridge;
    struct claim claim[CLAIMS];

    list_claims(&host->config, claim);
    while (host->claims != 0) {
        const struct claim *last = &claim[--host->claims];

        if (last->size != 0) {
            bridge->platform->unclaim(bridge->context, last->space, last->first, last->first + (last->size - 1));
        }
    }
}

/* ---- the function that shows it to the guest ---- */

/*
 * The ids are those of the generic host bridge that other emulators show too: no guest has a quirk for them. The class
 * is what Linux looks for before it trusts configuration mechanism 1.
 */
static const struct ioreqd_description host_bridge_description = {
    .struct_size = sizeof(host_bridge_description),
    .vendor = 0x1b36,
    .device = 0x0008,
    .class_code = {0x06, 0x00, 0x00},
};

/* ---- life ---- */

static int map_ecam(struct bridge_host *host)
{
    struct address_map *map = &host->bridge->map[BRIDGE_MEMORY];
    struct address_range range = {
        .first = host->config.ecam,
        .last = host->config.ecam + (bridge_ecam_size(&host->config) - 1),
        .host = host,
    };
    int rc = host->config.ecam == 0 ? 0 : address_map_reserve(map);

    return rc != 0 || host->config.ecam == 0 ? rc : address_map_insert(map, &range);
}

/* What is behind a port goes before the port. */
static void remove_functions(struct bridge_bus *bus)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (bus->function[i] != NULL && bus->function[i]->port != NULL) {
            remove_functions(&bus->function[i]->port->secondary);
        }
        if (bus->function[i] != NULL) {
            bridge_remove_function(bus->function[i]);
        }
    }
}

int bridge_add_host(struct bridge *bridge, const struct bridge_host_config *config, struct bridge_host **added)
{
    struct bridge_host *host;
    int rc;

    if (bridge_check_host(config) != NULL) {
        return -EINVAL;
    }
    for (const struct bridge_host *other = bridge->hosts; other != NULL; other = other->next) {
        if (bridge_check_hosts(&other->config, config) != NULL) {
            return -EINVAL;
        }
    }
    host = calloc(1, sizeof(*host));
    if (host == NULL) {
        return -ENOMEM;
    }
    host->bridge = bridge;
    host->config = *config;
    host->root.host = host;
    host_renumber(host);
    rc = claim_all(host);
    if (rc == 0 && config->host_bridge_shown) {
        rc = bridge_add_function(&host->root, 0, &host_bridge_description, &function_without_device, NULL, NULL);
    }
    if (rc == 0) {
        rc = map_ecam(host); /* the last that can fail: the map would keep what is freed below */
    }
    if (rc != 0) {
        remove_functions(&host->root);
        unclaim_all(host);
        free(host);
        return rc;
    }
    host->next = bridge->hosts;
    bridge->hosts = host;
    bridge->has_config_address = bridge->has_config_address || config->address_port;
    if (added != NULL) {
        *added = host;
    }
    return 0;
}

void host_destroy(struct bridge_host *host)
{
    remove_functions(&host->root);
    unclaim_all(host);
    free(host);
}

const struct bridge_host_config *bridge_host_config(const struct bridge_host *host)
{
    return &host->config;
}

struct bridge_bus *bridge_root_bus(struct bridge_host *host)
{
    return &host->root;
}

/* ---- numbers of buses ---- */

/* Whether the bus behind a port answers to the number that the guest gave it. */
static bool answers(const struct bridge_bus *bus)
{
    return bus->host->bus[bus_number(bus)] == bus;
}

/* The platform routes configuration requests for the function to us by a number that it does not have any more. */
static void unclaim_old(struct bridge_function *function)
{
    const struct bridge *bridge = function->bus->host->bridge;

    if (function->claimed && (!answers(function->bus) || function->claimed_as >> 8 != (int)bus_number(function->bus))) {
        bridge->platform->unclaim_function(bridge->context, function->claimed_as);
        function->claimed = false;
    }
}

static void claim_new(struct bridge_function *function)
{
    struct bridge *bridge = function->bus->host->bridge;
    unsigned bus = bus_number(function->bus);
    int rc;

    if (!function->claimed && answers(function->bus)) {
        function->claimed_as = (uint16_t)(bus << 8 | function->devfn);
        rc = bridge->platform->claim_function(bridge->context, function->claimed_as);
        function->claimed = rc == 0;
        if (rc != 0) {
            bridge_log(bridge, "function %x of bus %02x cannot be served: %s", function->devfn, bus, strerror(-rc));
        }
    }
}

static void for_all_behind_ports(struct bridge_host *host, void (*call)(struct bridge_function *function))
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const struct bridge_function *port = host->root.function[i];

        for (unsigned j = 0; port != NULL && port->port != NULL && j < FUNCTIONS; j++) {
            if (port->port->secondary.function[j] != NULL) {
                call(port->port->secondary.function[j]);
            }
        }
    }
}

void host_renumber(struct bridge_host *host)
{
    memset(host->bus, 0, sizeof(host->bus));
    host->bus[host->config.first_bus] = &host->root;
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const struct bridge_function *port = host->root.function[i];

        if (port == NULL || port->port == NULL) {
            continue;
        }
        struct bridge_bus *secondary = &port->port->secondary;
        unsigned number = port_secondary_number(port);

        if (number > host->config.first_bus && number <= host->config.last_bus && host->bus[number] == NULL &&
            number <= config_space_get(&port->config, PCI_SUBORDINATE_BUS, 1)) {
            host->bus[number] = secondary;
        }
    }
    /* What has lost a number gives it up before another claims it: ports may change numbers among themselves. */
    if (host->config.configuration_ports) {
        for_all_behind_ports(host, unclaim_old);
        for_all_behind_ports(host, claim_new);
    }
}

/* ---- configuration accesses ---- */

static struct bridge_function *config_target(struct bridge_host *host, unsigned bus, uint8_t devfn, unsigned reg,
                                             unsigned size)
{
    const struct bridge_bus *on = bus < BUSES ? host->bus[bus] : NULL;
    struct bridge_function *function = on == NULL ? NULL : on->function[devfn];

    /* An access must not leave its dword: byte enables are all that the bus has (PCI 3.0 §3.2.2.3). */
    if (function == NULL || (size != 1 && size != 2 && size != 4) || (reg & 3u) + size > 4 ||
        reg >= function->config.size || atomic_load_explicit(&function->failed, memory_order_relaxed) ||
        (on->port != NULL && !port_is_open(on->port))) {
        host->bridge->counters.unclaimed++;
        return NULL;
    }
    return function;
}

uint32_t host_config_read(struct bridge_host *host, unsigned bus, uint8_t devfn, unsigned reg, unsigned size)
{
    struct bridge_function *function = config_target(host, bus, devfn, reg, size);

    host->bridge->counters.config_reads++;
    if (function == NULL) {
        return config_all_ones(size);
    }
    function->counters.config_reads++;
    uint32_t value = function_config_read(function, reg, size);

    lines_after_access(function);
    return value;
}

void host_config_write(struct bridge_host *host, unsigned bus, uint8_t devfn, unsigned reg, unsigned size,
                       uint32_t value)
{
    struct bridge_function *function = config_target(host, bus, devfn, reg, size);

    host->bridge->counters.config_writes++;
    if (function != NULL) {
        function->counters.config_writes++;
        function_config_write(function, reg, size, value);
        lines_after_access(function);
    }
}

/* PCI Express 4.0 §7.2.2, table 7-1: bus, device and function, register. */
static unsigned ecam_bus(const struct bridge_host *host, uint64_t offset)
{
    return host->config.first_bus + (unsigned)(offset >> 20);
}

static uint8_t ecam_devfn(uint64_t offset)
{
    return (uint8_t)(offset >> 12);
}

/* One dword at most goes to configuration space; what is larger and aligned is two, the low one first. */
uint64_t host_ecam_read(struct bridge_host *host, uint64_t offset, unsigned size)
{
    if (size == 8 && offset % 8 == 0) {
        uint64_t low = host_ecam_read(host, offset, 4);

        return low | host_ecam_read(host, offset + 4, 4) << 32;
    }
    if (offset % size != 0) {
        host->bridge->counters.misfit++;
        return bridge_all_ones(size);
    }
    return host_config_read(host, ecam_bus(host, offset), ecam_devfn(offset), offset & 0xfffu, size);
}

void host_ecam_write(struct bridge_host *host, uint64_t offset, unsigned size, uint64_t value)
{
    if (size == 8 && offset % 8 == 0) {
        host_ecam_write(host, offset, 4, (uint32_t)value);
        host_ecam_write(host, offset + 4, 4, value >> 32);
        return;
    }
    if (offset % size != 0) {
        host->bridge->counters.misfit++;
        return;
    }
    host_config_write(host, ecam_bus(host, offset), ecam_devfn(offset), offset & 0xfffu, size, (uint32_t)value);
}
