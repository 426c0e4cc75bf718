/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root ports, see port.h.
 */
#include "bridge/port.h"

#include <errno.h>
#include <stdlib.h>

#include "bridge/pci_registers.h"

#define SLOT_NUMBER_MAX 8191u /* PCI Express 4.0 §7.5.3.9: 13 bits */

/* ---- as a function: it has no BAR and no device behind it ---- */

/* The ids are those of the generic root port that other emulators show too: Linux's pcieport drives it by its class. */
static const struct ioreqd_description port_description = {
    .struct_size = sizeof(port_description),
    .vendor = 0x1b36,
    .device = 0x000c,
    .class_code = {0x06, 0x04, 0x00},
    .express = 1,
};

/* Header type 1 (PCI-to-PCI Bridge 1.2 §3.2): where type 0 has BARs and more, it has buses and windows. */
static void build_header(struct config_space *config, unsigned slot, unsigned express)
{
    config_space_set(config, PCI_HEADER_TYPE, 1, PCI_HEADER_BRIDGE);
    config_space_set_writable(config, PCI_PRIMARY_BUS, 1, 0xff);
    config_space_set_writable(config, PCI_SECONDARY_BUS, 1, 0xff);
    config_space_set_writable(config, PCI_SUBORDINATE_BUS, 1, 0xff);
    /* Windows are closed at reset: base above limit. I/O has 16 bits. */
    config_space_set(config, PCI_IO_BASE, 1, 0xf0);
    config_space_set_writable(config, PCI_IO_BASE, 1, 0xf0);
    config_space_set_writable(config, PCI_IO_LIMIT, 1, 0xf0);
    config_space_set_clearable(config, PCI_SECONDARY_STATUS, 2, PCI_STATUS_ERRORS);
    config_space_set(config, PCI_MEMORY_BASE, 2, 0xfff0);
    config_space_set_writable(config, PCI_MEMORY_BASE, 2, 0xfff0);
    config_space_set_writable(config, PCI_MEMORY_LIMIT, 2, 0xfff0);
    config_space_set(config, PCI_PREFETCH_BASE, 2, 0xfff0 | PCI_BRIDGE_PREFETCH_64BIT);
    config_space_set(config, PCI_PREFETCH_LIMIT, 2, PCI_BRIDGE_PREFETCH_64BIT);
    config_space_set_writable(config, PCI_PREFETCH_BASE, 2, 0xfff0);
    config_space_set_writable(config, PCI_PREFETCH_LIMIT, 2, 0xfff0);
    config_space_set_writable(config, PCI_PREFETCH_BASE_UPPER, 4, 0xffffffff);
    config_space_set_writable(config, PCI_PREFETCH_LIMIT_UPPER, 4, 0xffffffff);
    config_space_set_writable(config, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CONTROL_WRITABLE);
    config_space_set_writable(config, PCI_COMMAND, 2,
                              config_space_get(config, PCI_COMMAND, 2) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
                                  PCI_COMMAND_BUS_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR);
    config_space_set(config, express + PCI_EXPRESS_FLAGS, 2,
                     config_space_get(config, express + PCI_EXPRESS_FLAGS, 2) | PCI_EXPRESS_SLOT_IMPLEMENTED);
    config_space_set(config, express + PCI_EXPRESS_SLOT, 4, (uint32_t)slot << PCI_EXPRESS_SLOT_NUMBER_SHIFT);
    config_space_set_writable(config, express + PCI_EXPRESS_ROOT_CONTROL, 2, PCI_EXPRESS_ROOT_WRITABLE);
}

int bridge_add_port(struct bridge_bus *bus, uint8_t devfn, unsigned slot, struct bridge_bus **secondary)
{
    struct bridge_function *function;
    int rc;

    if (bus->port != NULL || slot > SLOT_NUMBER_MAX || !bus_has_place(bus, devfn)) {
        return -EINVAL;
    }
    if (bus->function[devfn] != NULL) {
        return -EEXIST;
    }
    function =
        function_create(bus, devfn, &port_description, &function_without_device, NULL, PCI_EXPRESS_TYPE_ROOT_PORT);
    if (function == NULL) {
        return -ENOMEM;
    }
    function->port = calloc(1, sizeof(*function->port));
    if (function->port == NULL) {
        function_destroy(function);
        return -ENOMEM;
    }
    function->port->secondary.host = bus->host;
    function->port->secondary.port = function;
    build_header(&function->config, slot, function->place.express);
    config_space_keep_initial(&function->config);
    rc = bus_add(function);
    if (rc != 0) {
        function_destroy(function);
        return rc;
    }
    *secondary = &function->port->secondary;
    return 0;
}

void port_destroy(struct port *port)
{
    free(port);
}

/* ---- what it forwards ---- */

static bool in_window(uint64_t base, uint64_t limit, uint64_t first, uint64_t last)
{
    return base <= first && last <= limit;
}

bool port_forwards(const struct bridge_function *port, bool io, uint64_t first, uint64_t last)
{
    const struct config_space *config = &port->config;
    uint32_t command = config_space_get(config, PCI_COMMAND, 2);

    if ((command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) == 0 || !function_is_awake(port)) {
        return false;
    }
    if (io) { /* §3.2.5.6: steps of 4 KiB */
        return in_window((config_space_get(config, PCI_IO_BASE, 1) & 0xf0u) << 8,
                         (config_space_get(config, PCI_IO_LIMIT, 1) & 0xf0u) << 8 | 0xfffu, first, last);
    }
    /* §3.2.5.8 and .9: steps of 1 MiB; the prefetchable one has 64 bits */
    uint64_t base = (uint64_t)(config_space_get(config, PCI_MEMORY_BASE, 2) & 0xfff0u) << 16;
    uint64_t limit = (uint64_t)(config_space_get(config, PCI_MEMORY_LIMIT, 2) & 0xfff0u) << 16 | 0xfffffu;
    uint64_t wide_base = (uint64_t)config_space_get(config, PCI_PREFETCH_BASE_UPPER, 4) << 32 |
                         (uint64_t)(config_space_get(config, PCI_PREFETCH_BASE, 2) & 0xfff0u) << 16;
    uint64_t wide_limit = (uint64_t)config_space_get(config, PCI_PREFETCH_LIMIT_UPPER, 4) << 32 |
                          (uint64_t)(config_space_get(config, PCI_PREFETCH_LIMIT, 2) & 0xfff0u) << 16 | 0xfffffu;

    return in_window(base, limit, first, last) || in_window(wide_base, wide_limit, first, last);
}

unsigned port_secondary_number(const struct bridge_function *port)
{
    return config_space_get(&port->config, PCI_SECONDARY_BUS, 1);
}

bool port_is_open(const struct bridge_function *port)
{
    return (config_space_get(&port->config, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_BUS_RESET) == 0;
}

/* ---- what follows from its registers ---- */

void port_sync_presence(struct bridge_function *port)
{
    unsigned reg = port->place.express + PCI_EXPRESS_SLOT_STATUS;
    bool present = false;

    for (unsigned i = 0; i < FUNCTIONS; i++) {
        present = present || port->port->secondary.function[i] != NULL;
    }
    config_space_set(&port->config, reg, 2, present ? PCI_EXPRESS_SLOT_PRESENT : 0);
    port->config.initial[reg] = port->config.value[reg];
}

void port_follow(struct bridge_function *port)
{
    struct bridge_bus *secondary = &port->port->secondary;

    placement_sync_bus(secondary);
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (secondary->function[i] != NULL) {
            function_sync_control(secondary->function[i]);
        }
    }
}

void port_written(struct bridge_function *port, unsigned reg, unsigned size, bool held)
{
    struct bridge_bus *secondary = &port->port->secondary;

    if (config_space_overlaps(reg, size, PCI_SECONDARY_BUS, 2)) {
        host_renumber(port->bus->host);
    }
    if (config_space_overlaps(reg, size, PCI_IO_BASE, PCI_PREFETCH_LIMIT_UPPER + 4 - PCI_IO_BASE) ||
        config_space_overlaps(reg, size, PCI_COMMAND, 2)) {
        placement_sync_bus(secondary);
    }
    /* §3.2.5.18: the bus is in reset for as long as the bit is set. Its devices are at power on when it begins. */
    if (!held && !port_is_open(port)) {
        for (unsigned i = 0; i < FUNCTIONS; i++) {
            if (secondary->function[i] != NULL) {
                function_reset(secondary->function[i], IOREQD_RESET_BUS);
            }
        }
    }
}
