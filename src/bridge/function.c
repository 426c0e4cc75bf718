/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function: its header at reset, and what the guest's accesses to its configuration space set off. See function.h.
 */
#include "bridge/function.h"

#include <stdlib.h>

#include "bridge/bus.h"
#include "bridge/pci_registers.h"
#include "bridge/port.h"

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

const struct bridge_function_ops function_without_device = {.read = no_read, .write = no_write};

static void build_header(struct bridge_function *function, const struct ioreqd_description *description)
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
    config_space_set_writable(config, PCI_LATENCY_TIMER, 1, description->express != 0 ? 0 : 0xff);
    config_space_set_clearable(config, PCI_STATUS, 2, PCI_STATUS_ERRORS);

    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        if (function->bar[i].size != 0) {
            command |= function->bar[i].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
        }
    }
    /* §6.2.4: the pin is the function's; INTA for all, as each is a device of its own to its driver. */
    if (description->intx != 0 && lines_exist(function->bus)) {
        function->has_pin = true;
        command |= PCI_COMMAND_INTX_DISABLE;
        config_space_set(config, PCI_INTERRUPT_PIN, 1, 1);
        config_space_set_writable(config, PCI_INTERRUPT_LINE, 1, 0xff);
    }
    config_space_set_writable(config, PCI_COMMAND, 2, command);
}

void function_destroy(struct bridge_function *function)
{
    if (function == NULL) {
        return;
    }
    port_destroy(function->port);
    msix_destroy(function->msix);
    msi_destroy(function->msi);
    free(function->capability);
    free(function);
}

static void build_bars(struct bridge_function *function, const struct ioreqd_description *description)
{
    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        function->bar[i].function = function;
        function->bar[i].index = (uint8_t)i;
    }
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        if (description->bar[i].kind != IOREQD_BAR_NONE) {
            bar_init(&function->bar[i], &description->bar[i]);
        }
    }
    if (description->rom_size != 0) {
        bar_init_rom(&function->bar[IOREQD_ROM], description->rom_size);
    }
    if (description->msix != 0) {
        struct ioreqd_bar bar = {
            .kind = IOREQD_BAR_MEM32,
            .min_access = 4,
            .max_access = 4, /* §6.8.2: dwords, or quadwords that may be split */
            .size = msix_bar_size(description->msix),
        };

        bar_init(&function->bar[description->msix_bar], &bar);
    }
}

struct bridge_function *function_create(struct bridge_bus *bus, uint8_t devfn,
                                        const struct ioreqd_description *description,
                                        const struct bridge_function_ops *ops, void *device, unsigned express_type)
{
    const struct bridge *bridge = bus->host->bridge;
    struct bridge_function *function = calloc(1, sizeof(*function));

    if (function == NULL) {
        return NULL;
    }
    function->bus = bus;
    function->devfn = devfn;
    function->ops = ops;
    function->device = device;
    function->bell = description->bell;
    function->bells = description->bells;
    function->capabilities = description->capabilities;
    function->msix_bar = description->msix_bar;
    function->config.size = description->express != 0 ? PCI_EXTENDED_SIZE : PCI_CONFIG_SIZE;
    function->capability = calloc(description->capabilities + 1u, sizeof(function->capability[0]));
    if (function->capability == NULL) {
        goto fail;
    }
    if (description->msix != 0) {
        function->msix = msix_create(description->msix, bridge->platform, bridge->context);
        if (function->msix == NULL) {
            goto fail;
        }
    }
    if (description->msi != 0) {
        function->msi = msi_create(description->msi, bridge->platform, bridge->context);
        if (function->msi == NULL) {
            goto fail;
        }
    }
    build_bars(function, description);
    build_header(function, description);
    capabilities_build(function, description, express_type);
    config_space_keep_initial(&function->config);
    function->interrupt_mode = function->has_pin ? IOREQD_INTERRUPT_INTX : IOREQD_INTERRUPT_NONE;
    return function;

fail:
    function_destroy(function);
    return NULL;
}

/* ---- power, and what follows from all registers together ---- */

bool function_is_awake(const struct bridge_function *function)
{
    unsigned control = function->place.power + PCI_POWER_CONTROL;

    return !atomic_load(&function->failed) &&
           (function->place.power == 0 ||
            (config_space_get(&function->config, control, 2) & PCI_POWER_STATE) != PCI_POWER_D3HOT);
}

static void sync_interrupt_mode(struct bridge_function *function)
{
    enum ioreqd_interrupt_mode mode = IOREQD_INTERRUPT_NONE;

    if (bridge_msix_enabled(function)) {
        mode = IOREQD_INTERRUPT_MSIX;
    } else if (bridge_msi_enabled(function)) {
        mode = IOREQD_INTERRUPT_MSI;
    } else if (function->has_pin &&
               (config_space_get(&function->config, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) == 0) {
        mode = IOREQD_INTERRUPT_INTX;
    }
    if (mode != function->interrupt_mode) {
        function->interrupt_mode = mode;
        if (function->ops->interrupt_mode != NULL) {
            function->ops->interrupt_mode(function->device, mode);
        }
    }
}

void function_sync_control(struct bridge_function *function)
{
    struct config_space *config = &function->config;
    uint32_t command = config_space_get(config, PCI_COMMAND, 2);
    bool awake = function_is_awake(function);
    /* A port forwards memory accesses upwards only while it is a bus master itself (PCI-to-PCI Bridge 1.2 §3.2.4.3). */
    bool bus_master = awake && (command & PCI_COMMAND_BUS_MASTER) != 0 &&
                      (function->bus->port == NULL || atomic_load(&function->bus->port->bus_master));
    bool changed = atomic_exchange(&function->bus_master, bus_master) != bus_master;

    atomic_store(&function->intx_stopped, !awake || (command & PCI_COMMAND_INTX_DISABLE) != 0);
    if (function->msix != NULL) {
        uint32_t control = config_space_get(config, function->place.msix + PCI_MSIX_CONTROL, 2);

        /* A message is a memory write: none without bus mastering (§6.8.3.3). */
        msix_set_control(function->msix, (control & PCI_MSIX_ENABLE) != 0,
                         bus_master && (control & PCI_MSIX_FUNCTION_MASK) == 0);
    }
    if (function->msi != NULL) {
        msi_sync(function->msi, config, function->place.msi, bus_master);
    }
    lines_sync(function);
    sync_interrupt_mode(function);
    if (changed && function->ops->bus_master != NULL) {
        function->ops->bus_master(function->device, bus_master);
    }
    if (function->port != NULL) {
        port_follow(function);
    }
}

void function_reset(struct bridge_function *function, enum ioreqd_reset_kind kind)
{
    function->bus->host->bridge->counters.resets++;
    if (kind == IOREQD_RESET_BUS) {
        atomic_store(&function->failed, false);
    }
    config_space_reset(&function->config);
    if (function->msix != NULL) {
        msix_reset(function->msix);
    }
    if (function->msi != NULL) {
        msi_reset(function->msi);
    }
    atomic_store(&function->intx_raised, false);
    bus_sync_multifunction(function->bus, function->devfn);
    placement_sync(function);
    function_sync_control(function);
    if (function->ops->reset != NULL) {
        function->ops->reset(function->device, kind);
    }
}

/* ---- accesses ---- */

/* Whether the access touches a register of one of the bridge's capabilities, should that be there. */
static bool touches(unsigned reg, unsigned size, unsigned place, unsigned first, unsigned length)
{
    return place != 0 && config_space_overlaps(reg, size, place + first, length);
}

/* The capability with IOREQD_CAPABILITY_TRAP that the access falls into, or NULL. Aligned: it lies in one alone. */
static const struct placed_capability *trapped(const struct bridge_function *function, unsigned reg, unsigned size)
{
    for (unsigned i = 0; i < function->capabilities; i++) {
        const struct placed_capability *capability = &function->capability[i];

        if (capability->trap && reg >= capability->reg && reg + size <= capability->reg + capability->length) {
            return capability;
        }
    }
    return NULL;
}

/* A capability with IOREQD_CAPABILITY_TRAP ends inside the access: its model sees its own part of it. */
static bool ends_a_trap(const struct bridge_function *function, unsigned reg, unsigned size)
{
    for (unsigned i = 0; i < function->capabilities; i++) {
        const struct placed_capability *capability = &function->capability[i];
        unsigned end = capability->reg + capability->length;

        if (capability->trap && reg < end && end < reg + size) {
            return true;
        }
    }
    return false;
}

/* Which bits of the access are the capability's header, that is the chain: it is not the model's to answer for. */
static uint32_t header_bits(const struct placed_capability *capability, unsigned reg, unsigned size)
{
    unsigned header = capability->reg >= PCI_FIRST_EXTENDED ? 4 : 2;
    uint32_t bits = 0;

    for (unsigned i = 0; i < size; i++) {
        bits |= reg + i - capability->reg < header ? UINT32_C(0xff) << (8 * i) : 0;
    }
    return bits;
}

uint32_t function_config_read(struct bridge_function *function, unsigned reg, unsigned size)
{
    struct config_space *config = &function->config;
    unsigned half = size / 2;

    if (reg % size != 0 || ends_a_trap(function, reg, size)) { /* a model sees aligned accesses only */
        return function_config_read(function, reg, half) | function_config_read(function, reg + half, half)
                                                               << (8 * half);
    }
    const struct placed_capability *capability = trapped(function, reg, size);

    if (config_space_overlaps(reg, size, PCI_STATUS, 2)) {
        /* §6.2.3: the bit shows what the device wants, whatever Interrupt Disable says. */
        uint32_t status = config_space_get(config, PCI_STATUS, 2) & ~PCI_STATUS_INTERRUPT;

        status |= atomic_load(&function->intx_raised) ? PCI_STATUS_INTERRUPT : 0;
        config_space_set(config, PCI_STATUS, 2, status);
    }
    if (touches(reg, size, function->place.msi, PCI_MSI_PENDING, 4)) {
        config_space_set(config, function->place.msi + PCI_MSI_PENDING, 4, msi_pending(function->msi));
    }
    uint32_t value = config_space_get(config, reg, size);

    if (capability != NULL && function->ops->config_read != NULL) {
        uint32_t own = header_bits(capability, reg, size) & value;

        value = function->ops->config_read(function->device, (unsigned)(capability - function->capability),
                                           reg - capability->reg, size, value);
        value = (value & (uint32_t)bridge_all_ones(size) & ~header_bits(capability, reg, size)) | own;
    }
    return value;
}

/* PCI Power Management 1.2 §3.2.4: a state that the function does not have changes nothing. */
static void write_power(struct bridge_function *function, uint32_t before)
{
    unsigned reg = function->place.power + PCI_POWER_CONTROL;
    uint32_t control = config_space_get(&function->config, reg, 2);
    uint32_t state = control & PCI_POWER_STATE;

    if (state != PCI_POWER_D0 && state != PCI_POWER_D3HOT) {
        state = before & PCI_POWER_STATE;
        config_space_set(&function->config, reg, 2, (control & ~PCI_POWER_STATE) | state);
    }
    if (state == (before & PCI_POWER_STATE)) {
        return;
    }
    if (state == PCI_POWER_D0 && (control & PCI_POWER_NO_SOFT_RESET) == 0) {
        function_reset(function, IOREQD_RESET_D3HOT);
        return;
    }
    placement_sync(function);
    function_sync_control(function);
}

static bool asks_for_reset(const struct bridge_function *function, unsigned reg, unsigned size, uint32_t value)
{
    unsigned high = function->place.express + PCI_EXPRESS_DEVICE_CONTROL + 1;

    return function->port == NULL && touches(reg, size, function->place.express, PCI_EXPRESS_DEVICE_CONTROL + 1, 1) &&
           (value >> (8 * (high - reg)) & PCI_EXPRESS_CONTROL_RESET >> 8) != 0;
}

void function_config_write(struct bridge_function *function, unsigned reg, unsigned size, uint32_t value)
{
    unsigned half = size / 2;

    if (reg % size != 0 || ends_a_trap(function, reg, size)) {
        function_config_write(function, reg, half, value & (uint32_t)bridge_all_ones(half));
        function_config_write(function, reg + half, half, value >> (8 * half));
        return;
    }
    const struct placed_capability *capability = trapped(function, reg, size);
    uint32_t power = function->place.power == 0
                         ? 0
                         : config_space_get(&function->config, function->place.power + PCI_POWER_CONTROL, 2);
    bool held = function->port != NULL && !port_is_open(function);

    config_space_write(&function->config, reg, size, value);
    if (asks_for_reset(function, reg, size, value)) {
        function_reset(function, IOREQD_RESET_FUNCTION);
        return;
    }
    if (config_space_overlaps(reg, size, PCI_COMMAND, 2) ||
        config_space_overlaps(reg, size, PCI_BAR0, PCI_BAR_END - PCI_BAR0) ||
        config_space_overlaps(reg, size, PCI_ROM, 4)) {
        placement_sync(function);
    }
    if (config_space_overlaps(reg, size, PCI_COMMAND, 2) ||
        touches(reg, size, function->place.msix, PCI_MSIX_CONTROL, 2) ||
        touches(reg, size, function->place.msi, 0, PCI_MSI_LENGTH)) {
        function_sync_control(function);
    }
    if (touches(reg, size, function->place.power, PCI_POWER_CONTROL, 2)) {
        write_power(function, power);
    }
    if (function->port != NULL) {
        port_written(function, reg, size, held);
    }
    if (capability != NULL && function->ops->config_write != NULL) {
        function->ops->config_write(function->device, (unsigned)(capability - function->capability),
                                    reg - capability->reg, size, config_space_get(&function->config, reg, size));
    }
}
