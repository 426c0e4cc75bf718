/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function: its header and capabilities at reset, and what the guest's writes to them set off. See function.h.
 */
#include "bridge/function.h"

#include <stdlib.h>

#include "bridge/pci_registers.h"

static void build_header(struct bridge_function *function, const struct ioreqd_description *description, bool intx)
{
    struct config_space *config = &function->config;
    uint32_t command = PCI_COMMAND_BUS_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR;

    config_space_set(config, PCI_VENDOR, 2, description->vendor);
    config_space_set(config, PCI_DEVICE, 2, description->device);
    config_space_set(config, PCI_REVISION, 1, description->revision);
    config_space_set(config, PCI_CLASS, 1, description->class_code[2]);
    config_space_set(config, PCI_CLASS + 1, 1, description->class_code[1]);
    config_space_set(config, PCI_CLASS + 2, 1, description->class_code[0]);
    config_space_set(config, PCI_SUBSYSTEM_VENDOR, 2, description->subsystem_vendor);
    config_space_set(config, PCI_SUBSYSTEM, 2, description->subsystem);
    config_space_set_writable(config, PCI_CACHE_LINE_SIZE, 1, 0xff);
    config_space_set_writable(config, PCI_LATENCY_TIMER, 1, 0xff);
    config_space_set_clearable(config, PCI_STATUS, 2, PCI_STATUS_ERRORS);

    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        if (function->bar[i].size != 0) {
            command |= function->bar[i].space == BRIDGE_PORT ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
        }
    }
    /* §6.2.4: the pin is the function's; INTA for all, as each is a device of its own to its driver. */
    if (description->intx != 0 && intx) {
        function->has_pin = true;
        command |= PCI_COMMAND_INTX_DISABLE;
        config_space_set(config, PCI_INTERRUPT_PIN, 1, 1);
        config_space_set_writable(config, PCI_INTERRUPT_LINE, 1, 0xff);
    }
    config_space_set_writable(config, PCI_COMMAND, 2, command);
}

/* Appends a capability of length bytes to the chain and returns its register. Its link is still 0. */
static unsigned place_capability(struct bridge_function *function, unsigned *end, unsigned *link, uint8_t id,
                                 unsigned length)
{
    struct config_space *config = &function->config;
    unsigned reg = *end;

    config_space_set(config, *link, 1, reg);
    config_space_set(config, reg, 1, id);
    *link = reg + 1;
    *end = reg + ((length + 3u) & ~3u);
    return reg;
}

static void build_capabilities(struct bridge_function *function, const struct ioreqd_description *description)
{
    struct config_space *config = &function->config;
    unsigned end = PCI_FIRST_CAPABILITY;
    unsigned link = PCI_CAPABILITY_POINTER;

    if (function->msix != NULL) {
        unsigned reg = place_capability(function, &end, &link, PCI_CAPABILITY_MSIX, PCI_MSIX_LENGTH);

        function->msix_reg = reg;
        config_space_set(config, reg + PCI_MSIX_CONTROL, 2, description->msix - 1u);
        config_space_set_writable(config, reg + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
        config_space_set(config, reg + PCI_MSIX_TABLE, 4, function->msix_bar);
        config_space_set(config, reg + PCI_MSIX_PENDING, 4,
                         msix_pending_offset(description->msix) | function->msix_bar);
    }
    if (function->msi != NULL) {
        function->msi_reg = place_capability(function, &end, &link, PCI_CAPABILITY_MSI, PCI_MSI_LENGTH);
        msi_build(function->msi, config, function->msi_reg);
    }
    for (unsigned i = 0; i < description->capabilities; i++) {
        const struct ioreqd_capability *capability = &description->capability[i];
        unsigned reg = place_capability(function, &end, &link, capability->id, capability->length);

        for (unsigned j = 0; j + 2 < capability->length; j++) {
            config->value[reg + 2 + j] = capability->body[j];
            config->writable[reg + 2 + j] = capability->write_mask == NULL ? 0 : capability->write_mask[j];
        }
        function->capability[i] = (struct placed_capability){
            .reg = (uint8_t)reg,
            .length = capability->length,
            .trap = (capability->flags & IOREQD_CAPABILITY_TRAP) != 0,
        };
    }
    if (link != PCI_CAPABILITY_POINTER) {
        config_space_set(config, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES);
    }
}

void function_destroy(struct bridge_function *function)
{
    if (function == NULL) {
        return;
    }
    msix_destroy(function->msix);
    msi_destroy(function->msi);
    free(function->capability);
    free(function);
}

struct bridge_function *function_create(struct bridge *bridge, uint16_t number,
                                        const struct ioreqd_description *description,
                                        const struct bridge_function_ops *ops, void *device,
                                        const struct bridge_platform *platform, void *context)
{
    struct bridge_function *function = calloc(1, sizeof(*function));

    if (function == NULL) {
        return NULL;
    }
    function->bridge = bridge;
    function->number = number;
    function->ops = ops;
    function->device = device;
    function->bell = description->bell;
    function->bells = description->bells;
    function->capabilities = description->capabilities;
    function->msix_bar = description->msix_bar;
    function->capability = calloc(description->capabilities + 1u, sizeof(function->capability[0]));
    if (function->capability == NULL) {
        goto fail;
    }
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        function->bar[i].function = function;
        function->bar[i].index = (uint8_t)i;
        if (description->bar[i].kind != IOREQD_BAR_NONE) {
            bar_init(&function->bar[i], &description->bar[i]);
        }
    }
    if (description->msix != 0) {
        struct ioreqd_bar bar = {
            .kind = IOREQD_BAR_MEM32,
            .min_access = 4,
            .max_access = 4, /* §6.8.2: dwords, or quadwords that may be split */
            .size = msix_bar_size(description->msix),
        };

        function->msix = msix_create(description->msix, platform, context);
        if (function->msix == NULL) {
            goto fail;
        }
        bar_init(&function->bar[description->msix_bar], &bar);
    }
    if (description->msi != 0) {
        function->msi = msi_create(description->msi, platform, context);
        if (function->msi == NULL) {
            goto fail;
        }
    }
    build_header(function, description, platform->intx != NULL);
    build_capabilities(function, description);
    return function;

fail:
    function_destroy(function);
    return NULL;
}

static bool overlaps(unsigned reg, unsigned size, unsigned first, unsigned end)
{
    return reg < end && first < reg + size;
}

/* The capability with IOREQD_CAPABILITY_TRAP that the access falls into, or NULL. Aligned: it lies in one alone. */
static const struct placed_capability *trapped(const struct bridge_function *function, unsigned reg, unsigned size)
{
    for (unsigned i = 0; i < function->capabilities; i++) {
        const struct placed_capability *capability = &function->capability[i];

        if (capability->trap && reg >= capability->reg && reg + size <= capability->reg + capability->length) {
            return reg % size == 0 ? capability : NULL;
        }
    }
    return NULL;
}

uint32_t function_config_read(struct bridge_function *function, unsigned reg, unsigned size)
{
    struct config_space *config = &function->config;
    const struct placed_capability *capability = trapped(function, reg, size);

    if (overlaps(reg, size, PCI_STATUS, PCI_STATUS + 2)) {
        /* §6.2.3: the bit shows what the device wants, whatever Interrupt Disable says. */
        uint32_t status = config_space_get(config, PCI_STATUS, 2) & ~PCI_STATUS_INTERRUPT;

        status |= atomic_load(&function->intx_raised) ? PCI_STATUS_INTERRUPT : 0;
        config_space_set(config, PCI_STATUS, 2, status);
    }
    if (function->msi != NULL &&
        overlaps(reg, size, function->msi_reg + PCI_MSI_PENDING, function->msi_reg + PCI_MSI_LENGTH)) {
        config_space_set(config, function->msi_reg + PCI_MSI_PENDING, 4, msi_pending(function->msi));
    }
    uint32_t value = config_space_get(config, reg, size);

    if (capability != NULL && function->ops->config_read != NULL) {
        value = function->ops->config_read(function->device, (unsigned)(capability - function->capability),
                                           reg - capability->reg, size, value);
    }
    return value;
}

/* What decides over the function's interrupts, anew. */
static void sync_control(struct bridge_function *function)
{
    struct config_space *config = &function->config;
    uint32_t command = config_space_get(config, PCI_COMMAND, 2);
    bool bus_master = (command & PCI_COMMAND_BUS_MASTER) != 0;

    atomic_store(&function->bus_master, bus_master);
    atomic_store(&function->intx_disabled, (command & PCI_COMMAND_INTX_DISABLE) != 0);
    if (function->msix != NULL) {
        uint32_t control = config_space_get(config, function->msix_reg + PCI_MSIX_CONTROL, 2);

        /* A message is a memory write: none without bus mastering (§6.8.3.3). */
        msix_set_control(function->msix, (control & PCI_MSIX_ENABLE) != 0,
                         bus_master && (control & PCI_MSIX_FUNCTION_MASK) == 0);
    }
    if (function->msi != NULL) {
        msi_sync(function->msi, config, function->msi_reg, bus_master);
    }
    bridge_sync_intx(function);
}

void function_config_write(struct bridge_function *function, unsigned reg, unsigned size, uint32_t value)
{
    const struct placed_capability *capability = trapped(function, reg, size);

    config_space_write(&function->config, reg, size, value);
    if (overlaps(reg, size, PCI_COMMAND, PCI_COMMAND + 2) || overlaps(reg, size, PCI_BAR0, PCI_BAR_END)) {
        bridge_sync_bars(function->bridge, function);
    }
    if (overlaps(reg, size, PCI_COMMAND, PCI_COMMAND + 2) ||
        (function->msix != NULL &&
         overlaps(reg, size, function->msix_reg + PCI_MSIX_CONTROL, function->msix_reg + PCI_MSIX_CONTROL + 2)) ||
        (function->msi != NULL && overlaps(reg, size, function->msi_reg, function->msi_reg + PCI_MSI_LENGTH))) {
        sync_control(function);
    }
    if (capability != NULL && function->ops->config_write != NULL) {
        function->ops->config_write(function->device, (unsigned)(capability - function->capability),
                                    reg - capability->reg, size, config_space_get(&function->config, reg, size));
    }
}
