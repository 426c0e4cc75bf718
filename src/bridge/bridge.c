/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's PCI as a whole: who serves an access, and what is kept until the guest has its answer. See bridge.h.
 */
#include "bridge/bridge.h"

#include <stdlib.h>

#include "bridge/bus.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"

/* PCI 3.0 §3.2.2.3.2: enable, bus, device, function, register; bits 24-27 extend the register on AMD's processors. */
#define CONFIG_ADDRESS_BITS 0x8ffffffcu

struct bridge *bridge_create(const struct bridge_platform *platform, void *context)
{
    struct bridge *bridge = calloc(1, sizeof(*bridge));

    if (bridge == NULL) {
        return NULL;
    }
    bridge->platform = platform;
    bridge->context = context;
    pthread_mutex_init(&bridge->line_lock, NULL);
    log_limit_init(&bridge->log_limit);
    return bridge;
}

void bridge_destroy(struct bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    bridge->closing = true;
    while (bridge->hosts != NULL) {
        struct bridge_host *host = bridge->hosts;

        bridge->hosts = host->next;
        host_destroy(host);
    }
    frame_remove(bridge);
    for (unsigned space = 0; space < BRIDGE_SPACES; space++) {
        address_map_free(&bridge->map[space]);
    }
    pthread_mutex_destroy(&bridge->line_lock);
    log_limit_destroy(&bridge->log_limit);
    free(bridge);
}

void bridge_close(struct bridge *bridge)
{
    bridge->closing = true;
}

const struct bridge_counters *bridge_counters(const struct bridge *bridge)
{
    return &bridge->counters;
}

const struct bridge_function_counters *bridge_function_counters(const struct bridge_function *function)
{
    return &function->counters;
}

void bridge_log(struct bridge *bridge, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_limited(&bridge->log_limit, LOG_WARNING, NULL, format, arguments);
    va_end(arguments);
}

/* ---- configuration requests ---- */

/* The host bridge that has the bus, or NULL. The one of the last request is the first to be looked at. */
static struct bridge_host *find_host(struct bridge *bridge, unsigned segment, unsigned bus)
{
    struct bridge_host *host = bridge->recent;

    if (host != NULL && host->config.segment == segment && bus >= host->config.first_bus &&
        bus <= host->config.last_bus) {
        return host;
    }
    for (host = bridge->hosts; host != NULL; host = host->next) {
        if (host->config.segment == segment && bus >= host->config.first_bus && bus <= host->config.last_bus) {
            bridge->recent = host;
            return host;
        }
    }
    bridge->counters.unclaimed++;
    return NULL;
}

uint32_t bridge_config_read(struct bridge *bridge, uint32_t function, unsigned reg, unsigned size)
{
    unsigned bus = function >> 8 & 0xffu;
    struct bridge_host *host = find_host(bridge, function >> 16, bus);

    if (host == NULL) {
        bridge->counters.config_reads++;
        return config_all_ones(size);
    }
    return host_config_read(host, bus, function & 0xff, reg, size);
}

void bridge_config_write(struct bridge *bridge, uint32_t function, unsigned reg, unsigned size, uint32_t value)
{
    unsigned bus = function >> 8 & 0xffu;
    struct bridge_host *host = find_host(bridge, function >> 16, bus);

    if (host != NULL) {
        host_config_write(host, bus, function & 0xff, reg, size, value);
    } else {
        bridge->counters.config_writes++;
    }
}

/* ---- memory and ports ---- */

void bridge_count_misfit(struct bridge *bridge)
{
    bridge->counters.misfit++;
}

uint64_t bridge_read(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size)
{
    if (space == BRIDGE_PORT && bridge->has_config_address && address == PCI_CONFIG_ADDRESS && size == 4) {
        return bridge->config_address;
    }
    const struct address_range *range = address_map_find(&bridge->map[space], address);

    if (range == NULL) {
        bridge->counters.unclaimed++;
        return bridge_all_ones(size);
    }
    struct bar *bar = range->bar;

    if (bar == NULL) {
        return range->host != NULL ? host_ecam_read(range->host, address - range->first, size)
                                   : frame_read(bridge, address - range->first, size);
    }
    uint64_t value = bar_read(bar, address - range->first, size);

    lines_after_access(bar->function);
    return value;
}

void bridge_write(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size, uint64_t value)
{
    /* Only a whole dword reaches the address register; narrower writes are ordinary port accesses (§3.2.2.3.2). */
    if (space == BRIDGE_PORT && bridge->has_config_address && address == PCI_CONFIG_ADDRESS && size == 4) {
        bridge->config_address = (uint32_t)value & CONFIG_ADDRESS_BITS;
        return;
    }
    const struct address_range *range = address_map_find(&bridge->map[space], address);

    if (range == NULL) {
        bridge->counters.unclaimed++;
    } else if (range->bar != NULL) {
        struct bar *bar = range->bar;

        bar_write(bar, address - range->first, size, value);
        lines_after_access(bar->function);
    } else if (range->host != NULL) {
        host_ecam_write(range->host, address - range->first, size, value);
    } else {
        frame_write(bridge, address - range->first, size, value);
    }
}

/* ---- doorbells ---- */

void bridge_keep_bell(struct bridge_function *function, unsigned queue, uint32_t value)
{
    struct bridge *bridge = function->bus->host->bridge;

    bridge_deliver_bell(bridge); /* an earlier element of the same string instruction */
    bridge->bell_function = function;
    bridge->bell_queue = queue;
    bridge->bell_value = value;
}

void bridge_deliver_bell(struct bridge *bridge)
{
    struct bridge_function *function = bridge->bell_function;

    if (function != NULL) {
        bridge->bell_function = NULL;
        function->ops->bell(function->device, bridge->bell_queue, bridge->bell_value);
    }
}

/* ---- messages, memory, failure. A failed function has neither. ---- */

static bool has_failed(const struct bridge_function *function)
{
    return atomic_load_explicit(&function->failed, memory_order_relaxed);
}

void bridge_msix(struct bridge_function *function, unsigned vector)
{
    if (function->msix != NULL && !has_failed(function)) {
        msix_raise(function->msix, vector);
    }
}

bool bridge_msix_enabled(const struct bridge_function *function)
{
    return function->msix != NULL && msix_is_enabled(function->msix);
}

void bridge_msi(struct bridge_function *function, unsigned vector)
{
    if (function->msi != NULL && !has_failed(function)) {
        msi_raise(function->msi, vector);
    }
}

bool bridge_msi_enabled(const struct bridge_function *function)
{
    return function->msi != NULL && msi_is_enabled(function->msi);
}

enum ioreqd_interrupt_mode bridge_interrupt_mode(const struct bridge_function *function)
{
    return function->interrupt_mode;
}

bool bridge_bus_master(const struct bridge_function *function)
{
    return atomic_load(&function->bus_master) && !has_failed(function);
}

bool bridge_failed(const struct bridge_function *function)
{
    return has_failed(function);
}

void bridge_fail(struct bridge_function *function)
{
    atomic_store(&function->failed, true);
    lines_sync(function);
}
