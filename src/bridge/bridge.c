/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge: who serves an access, and where BARs and interrupt lines lead. See bridge.h.
 */
#include "bridge/bridge.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/address_map.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"
#include "log.h"

#define FUNCTIONS           256u /* of one bus */
#define DEVICES             32u
#define PINS                4u
#define CONFIG_ADDRESS_PORT 0xcf8u
/* PCI 3.0 §3.2.2.3.2: enable, bus, device, function, register; bits 24-27 extend the register on AMD's processors. */
#define CONFIG_ADDRESS_BITS 0x8ffffffcu

struct bridge {
    const struct bridge_platform *platform;
    void *context;
    struct bridge_function *function[FUNCTIONS];
    struct address_map map[BRIDGE_SPACES];
    struct bridge_counters counters;
    struct log_limit log_limit;

    bool has_config_address;
    uint32_t config_address;

    /* The doorbell that waits until the guest has been answered. */
    struct bridge_function *bell_function;
    unsigned bell_queue;
    uint32_t bell_value;

    /* Lines are shared by the functions of a device: the level is the wired OR of all (PCI 3.0 §2.2.6). */
    pthread_mutex_t line_lock;
    uint8_t line[DEVICES][PINS];
};

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
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (bridge->function[i] != NULL) {
            bridge_remove_function(bridge->function[i]);
        }
    }
    for (unsigned space = 0; space < BRIDGE_SPACES; space++) {
        address_map_free(&bridge->map[space]);
    }
    pthread_mutex_destroy(&bridge->line_lock);
    log_limit_destroy(&bridge->log_limit);
    free(bridge);
}

const struct bridge_counters *bridge_counters(const struct bridge *bridge)
{
    return &bridge->counters;
}

/* ---- functions ---- */

/* Function 0 says whether its device has others (PCI 3.0 §6.2.1). */
static void sync_multifunction(struct bridge *bridge, uint16_t number)
{
    unsigned first = number & ~7u;
    bool others = false;

    if (bridge->function[first] == NULL) {
        return;
    }
    for (unsigned i = 1; i < 8; i++) {
        others = others || bridge->function[first + i] != NULL;
    }
    config_space_set(&bridge->function[first]->config, PCI_HEADER_TYPE, 1, others ? PCI_HEADER_MULTIFUNCTION : 0);
}

int bridge_add_function(struct bridge *bridge, uint16_t number, const struct ioreqd_description *description,
                        const struct bridge_function_ops *ops, void *device, struct bridge_function **added)
{
    struct bridge_function *function = NULL;
    int rc;

    if (bridge_check_description(description) != NULL || number >= FUNCTIONS) {
        return -EINVAL;
    }
    if (bridge->function[number] != NULL) {
        return -EEXIST;
    }
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        for (unsigned space = 0; space < BRIDGE_SPACES; space++) {
            rc = address_map_reserve(&bridge->map[space]);
            if (rc != 0) {
                return rc;
            }
        }
    }
    function = function_create(bridge, number, description, ops, device, bridge->platform, bridge->context);
    if (function == NULL) {
        return -ENOMEM;
    }
    rc = bridge->platform->claim_function(bridge->context, number);
    if (rc != 0) {
        function_destroy(function);
        return rc;
    }
    bridge->function[number] = function;
    sync_multifunction(bridge, number);
    if (added != NULL) {
        *added = function;
    }
    return 0;
}

static void unmap_bar(struct bridge *bridge, struct bar *bar);
static void map_refused(struct bridge *bridge);

void bridge_remove_function(struct bridge_function *function)
{
    struct bridge *bridge = function->bridge;

    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        if (function->bar[i].mapped) {
            unmap_bar(bridge, &function->bar[i]);
        }
    }
    bridge_intx(function, false);
    if (bridge->bell_function == function) {
        bridge->bell_function = NULL;
    }
    bridge->function[function->number] = NULL;
    sync_multifunction(bridge, function->number);
    function_destroy(function);
    map_refused(bridge);
}

/* ---- the host bridge's own function ---- */

static uint64_t no_read(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    (void)device;
    (void)bar;
    (void)offset;
    return bridge_all_ones(size);
}

static void no_write(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    (void)device;
    (void)bar;
    (void)offset;
    (void)size;
    (void)value;
}

static const struct bridge_function_ops host_bridge_ops = {.read = no_read, .write = no_write};

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

int bridge_add_host_bridge(struct bridge *bridge)
{
    int rc = bridge->platform->claim(bridge->context, BRIDGE_PORT, CONFIG_ADDRESS_PORT, CONFIG_ADDRESS_PORT + 3);

    if (rc != 0) {
        return rc;
    }
    bridge->has_config_address = true;
    return bridge_add_function(bridge, 0, &host_bridge_description, &host_bridge_ops, NULL, NULL);
}

/* ---- configuration ---- */

static struct bridge_function *config_target(struct bridge *bridge, uint16_t number, unsigned reg, unsigned size)
{
    /* An access must not leave its dword: byte enables are all that the bus has (PCI 3.0 §3.2.2.3). */
    if (number >= FUNCTIONS || bridge->function[number] == NULL || reg >= PCI_CONFIG_SIZE ||
        (size != 1 && size != 2 && size != 4) || (reg & 3u) + size > 4) {
        bridge->counters.unclaimed++;
        return NULL;
    }
    return bridge->function[number];
}

uint32_t bridge_config_read(struct bridge *bridge, uint16_t number, unsigned reg, unsigned size)
{
    struct bridge_function *function = config_target(bridge, number, reg, size);

    return function == NULL ? UINT32_MAX >> (size == 1   ? 24
                                             : size == 2 ? 16
                                                         : 0)
                            : function_config_read(function, reg, size);
}

void bridge_config_write(struct bridge *bridge, uint16_t number, unsigned reg, unsigned size, uint32_t value)
{
    struct bridge_function *function = config_target(bridge, number, reg, size);

    if (function != NULL) {
        function_config_write(function, reg, size, value);
    }
}

/* ---- BARs ---- */

static void log_refused(struct bridge *bridge, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void log_refused(struct bridge *bridge, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_limited(&bridge->log_limit, LOG_WARNING, NULL, format, arguments);
    va_end(arguments);
}

static void unmap_bar(struct bridge *bridge, struct bar *bar)
{
    int rc = bridge->platform->unclaim(bridge->context, bar->space, bar->address, bar->address + bar->size - 1);

    if (rc != 0) {
        log_refused(bridge, "BAR %u of %02x.%u: cannot give up 0x%" PRIx64 ": %s", bar->index,
                    bar->function->number >> 3 & 0x1fu, bar->function->number & 7u, bar->address, strerror(-rc));
    }
    address_map_remove(&bridge->map[bar->space], bar);
    bar->mapped = false;
}

static void map_bar(struct bridge *bridge, struct bar *bar, uint64_t address)
{
    uint64_t last = address + (bar->size - 1);
    int rc = address_map_insert(&bridge->map[bar->space], address, last, bar);

    if (rc == 0) {
        rc = bridge->platform->claim(bridge->context, bar->space, address, last);
        if (rc != 0) {
            address_map_remove(&bridge->map[bar->space], bar);
        }
    }
    if (rc == 0) {
        bar->address = address;
        bar->mapped = true;
        bar->refused = false;
        return;
    }
    if (!bar->refused) {
        bar->refused = true;
        bridge->counters.refused++;
        log_refused(bridge, "BAR %u of %02x.%u cannot be placed at 0x%" PRIx64 ": %s", bar->index,
                    bar->function->number >> 3 & 0x1fu, bar->function->number & 7u, address,
                    rc == -EEXIST ? "another BAR is there" : strerror(-rc));
    }
}

/* What was in another BAR's way may be gone now. */
static void map_refused(struct bridge *bridge)
{
    for (unsigned i = 0; i < FUNCTIONS * IOREQD_BARS; i++) {
        struct bridge_function *function = bridge->function[i / IOREQD_BARS];
        struct bar *bar = function == NULL ? NULL : &function->bar[i % IOREQD_BARS];

        if (bar != NULL && bar->refused) {
            map_bar(bridge, bar, bar_wanted_address(bar));
        }
    }
}

void bridge_sync_bars(struct bridge *bridge, struct bridge_function *function)
{
    bool freed = false;

    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        struct bar *bar = &function->bar[i];
        uint64_t wanted = bar_wanted_address(bar);

        if (bar->mapped && wanted != bar->address) {
            unmap_bar(bridge, bar);
            freed = true;
        }
        if (wanted == BAR_NOWHERE) {
            bar->refused = false;
        }
    }
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        struct bar *bar = &function->bar[i];
        uint64_t wanted = bar_wanted_address(bar);

        if (!bar->mapped && wanted != BAR_NOWHERE) {
            map_bar(bridge, bar, wanted);
        }
    }
    if (freed) {
        map_refused(bridge);
    }
}

void bridge_count_misfit(struct bridge *bridge)
{
    bridge->counters.misfit++;
}

uint64_t bridge_read(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size)
{
    if (space == BRIDGE_PORT && bridge->has_config_address && address == CONFIG_ADDRESS_PORT && size == 4) {
        return bridge->config_address;
    }
    const struct address_range *range = address_map_find(&bridge->map[space], address);

    if (range == NULL) {
        bridge->counters.unclaimed++;
        return bridge_all_ones(size);
    }
    return bar_read(range->bar, address - range->first, size);
}

void bridge_write(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size, uint64_t value)
{
    /* Only a whole dword reaches the address register; narrower writes are ordinary port accesses (§3.2.2.3.2). */
    if (space == BRIDGE_PORT && bridge->has_config_address && address == CONFIG_ADDRESS_PORT && size == 4) {
        bridge->config_address = (uint32_t)value & CONFIG_ADDRESS_BITS;
        return;
    }
    const struct address_range *range = address_map_find(&bridge->map[space], address);

    if (range == NULL) {
        bridge->counters.unclaimed++;
        return;
    }
    bar_write(range->bar, address - range->first, size, value);
}

/* ---- doorbells ---- */

void bridge_keep_bell(struct bridge_function *function, unsigned queue, uint32_t value)
{
    struct bridge *bridge = function->bridge;

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

/* ---- interrupts ---- */

void bridge_msix(struct bridge_function *function, unsigned vector)
{
    if (function->msix != NULL) {
        msix_raise(function->msix, vector);
    }
}

bool bridge_msix_enabled(const struct bridge_function *function)
{
    return function->msix != NULL && msix_is_enabled(function->msix);
}

void bridge_msi(struct bridge_function *function, unsigned vector)
{
    if (function->msi != NULL) {
        msi_raise(function->msi, vector);
    }
}

bool bridge_msi_enabled(const struct bridge_function *function)
{
    return function->msi != NULL && msi_is_enabled(function->msi);
}

void bridge_sync_intx(struct bridge_function *function)
{
    struct bridge *bridge = function->bridge;
    unsigned device = function->number >> 3 & 0x1fu;
    unsigned pin = 0;

    pthread_mutex_lock(&bridge->line_lock);
    bool level = atomic_load(&function->intx_raised) && !atomic_load(&function->intx_disabled) &&
                 !bridge_msix_enabled(function) && !bridge_msi_enabled(function);

    if (level != function->intx_on_line) {
        uint8_t *line = &bridge->line[device][pin];

        function->intx_on_line = level;
        *line = (uint8_t)(level ? *line + 1 : *line - 1);
        if (*line == (level ? 1 : 0) && bridge->platform->intx != NULL) {
            bridge->platform->intx(bridge->context, device, pin, level);
        }
    }
    pthread_mutex_unlock(&bridge->line_lock);
}

void bridge_intx(struct bridge_function *function, bool level)
{
    if (!function->has_pin) {
        return;
    }
    atomic_store(&function->intx_raised, level);
    bridge_sync_intx(function);
}

bool bridge_bus_master(const struct bridge_function *function)
{
    return atomic_load(&function->bus_master);
}
