/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers: their layout (PCI 3.0 §6.2.5.1) and the accesses that reach them. A model sees only accesses
 * that fit what it declared (struct ioreqd_bar); everything else ends here.
 */
#include "bridge/bus.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"

#define IO_BAR_SIZE_MIN     4u
#define IO_BAR_SIZE_MAX     256u
#define MEMORY_BAR_SIZE_MIN 16u
#define MEM32_BAR_SIZE_MAX  (UINT64_C(1) << 31)
#define ROM_MAX_ACCESS      4u

static bool is_power_of_2(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

const char *bar_check(const struct ioreqd_bar *bar)
{
    if (bar->kind > IOREQD_BAR_MEM64_PREFETCH) {
        return "a BAR is of no known kind";
    }
    if (bar->flags != 0 || bar->reserved != 0) {
        return "a BAR has unknown flags";
    }
    if (bar->kind == IOREQD_BAR_NONE) {
        return NULL;
    }
    if (!is_power_of_2(bar->size)) {
        return "the size of a BAR is no power of two";
    }
    if (bar->kind == IOREQD_BAR_IO && (bar->size < IO_BAR_SIZE_MIN || bar->size > IO_BAR_SIZE_MAX)) {
        return "an I/O BAR must have 4 to 256 bytes";
    }
    if (bar->kind != IOREQD_BAR_IO && bar->size < MEMORY_BAR_SIZE_MIN) {
        return "a memory BAR must have at least 16 bytes";
    }
    if (bar->kind == IOREQD_BAR_MEM32 && bar->size > MEM32_BAR_SIZE_MAX) {
        return "a 32-bit memory BAR must have at most 2 GiB";
    }
    if (!is_power_of_2(bar->min_access) || !is_power_of_2(bar->max_access) || bar->max_access > 8 ||
        bar->min_access > bar->max_access || bar->max_access > bar->size) {
        return "the access sizes of a BAR are not powers of two in order";
    }
    return NULL;
}

void bar_init(struct bar *bar, const struct ioreqd_bar *description)
{
    struct config_space *config = &bar->function->config;
    unsigned reg = PCI_BAR0 + 4u * bar->index;
    uint64_t mask = ~(description->size - 1);
    uint32_t kind = 0;

    bar->size = description->size;
    bar->min_access = description->min_access;
    bar->max_access = description->max_access;
    bar->io = description->kind == IOREQD_BAR_IO;
    bar->wide = description->kind == IOREQD_BAR_MEM64 || description->kind == IOREQD_BAR_MEM64_PREFETCH;
    if (bar->io) {
        kind = PCI_BAR_IO_SPACE;
    } else if (bar->wide) {
        kind = PCI_BAR_64BIT | (description->kind == IOREQD_BAR_MEM64_PREFETCH ? PCI_BAR_PREFETCH : 0);
    }
    config_space_set(config, reg, 4, kind);
    config_space_set_writable(config, reg, 4, (uint32_t)mask);
    if (bar->wide) {
        config_space_set_writable(config, reg + 4, 4, (uint32_t)(mask >> 32));
    }
}

void bar_init_rom(struct bar *bar, uint64_t size)
{
    bar->size = size;
    bar->min_access = 1;
    bar->max_access = ROM_MAX_ACCESS;
    config_space_set_writable(&bar->function->config, PCI_ROM, 4, (uint32_t) ~(size - 1) | PCI_ROM_ENABLE);
}

bool bar_wanted_address(const struct bar *bar, uint64_t *address)
{
    const struct config_space *config = &bar->function->config;
    unsigned reg = bar->index == IOREQD_ROM ? PCI_ROM : PCI_BAR0 + 4u * bar->index;
    uint32_t decode = bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    uint32_t low;

    if (bar->size == 0 || (config_space_get(config, PCI_COMMAND, 2) & decode) == 0 ||
        !function_is_awake(bar->function)) {
        return false;
    }
    low = config_space_get(config, reg, 4);
    if (bar->index == IOREQD_ROM && (low & PCI_ROM_ENABLE) == 0) { /* §6.2.5.2: both bits are needed */
        return false;
    }
    *address = low & ~(bar->size - 1);
    if (bar->wide) {
        *address |= (uint64_t)config_space_get(config, reg + 4, 4) << 32;
        *address &= ~(bar->size - 1);
    }
    return true;
}

bool bar_is_unplaced(const struct bar *bar, uint64_t address)
{
    uint64_t mask = ~(bar->size - 1);

    /*
     * Address 0 is what an unplaced BAR holds. All ones is how a BAR is sized, which some guests do with decoding on:
     * no reason to claim the top of the address space meanwhile.
     */
    return address == 0 || address == (mask & UINT32_MAX) || (bar->wide && (uint32_t)(address >> 32) == UINT32_MAX);
}

static uint64_t read_one(struct bar *bar, uint64_t offset, unsigned size)
{
    struct bridge_function *function = bar->function;

    if (function->msix != NULL && bar->index == function->msix_bar) {
        return msix_read(function->msix, offset);
    }
    return function->ops->read(function->device, bar->index, offset, size);
}

static void write_one(struct bar *bar, uint64_t offset, unsigned size, uint64_t value)
{
    struct bridge_function *function = bar->function;

    if (function->msix != NULL && bar->index == function->msix_bar) {
        msix_write(function->msix, offset, (uint32_t)value);
    } else {
        function->ops->write(function->device, bar->index, offset, size, value);
    }
}

static bool fits(const struct bar *bar, uint64_t offset, unsigned size)
{
    return (offset & (size - 1)) == 0 && offset < bar->size && size <= bar->size - offset;
}

uint64_t bar_read(struct bar *bar, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    if (!fits(bar, offset, size) || atomic_load_explicit(&bar->function->failed, memory_order_relaxed)) {
        bridge_count_misfit(bar->function->bus->host->bridge);
        return bridge_all_ones(size);
    }
    if (size < bar->min_access) {
        uint64_t within = offset & (bar->min_access - 1u);

        return (read_one(bar, offset - within, bar->min_access) >> (8 * within)) & bridge_all_ones(size);
    }
    if (size <= bar->max_access) {
        return read_one(bar, offset, size) & bridge_all_ones(size);
    }
    for (unsigned at = 0; at < size; at += bar->max_access) {
        value |= (read_one(bar, offset + at, bar->max_access) & bridge_all_ones(bar->max_access)) << (8 * at);
    }
    return value;
}

/* The doorbell at offset, if there is one. */
static const struct ioreqd_bell *find_bell(const struct bar *bar, uint64_t offset, unsigned size, unsigned *queue)
{
    const struct bridge_function *function = bar->function;

    for (unsigned i = 0; i < function->bells; i++) {
        const struct ioreqd_bell *bell = &function->bell[i];

        if (bell->bar != bar->index || size < bell->size || offset < bell->offset) {
            continue;
        }
        uint64_t index = (offset - bell->offset) / bell->stride;

        if (index < bell->count && (offset - bell->offset) % bell->stride == 0) {
            *queue = bell->first_queue + (unsigned)index;
            return bell;
        }
    }
    return NULL;
}

void bar_write(struct bar *bar, uint64_t offset, unsigned size, uint64_t value)
{
    unsigned queue;

    if (!fits(bar, offset, size) || size < bar->min_access || bar->index == IOREQD_ROM ||
        atomic_load_explicit(&bar->function->failed, memory_order_relaxed)) {
        bridge_count_misfit(bar->function->bus->host->bridge);
        return;
    }
    if (find_bell(bar, offset, size, &queue) != NULL) {
        bridge_keep_bell(bar->function, queue, (uint32_t)(value & bridge_all_ones(size)));
        return;
    }
    if (size <= bar->max_access) {
        write_one(bar, offset, size, value & bridge_all_ones(size));
        return;
    }
    for (unsigned at = 0; at < size; at += bar->max_access) {
        write_one(bar, offset + at, bar->max_access, (value >> (8 * at)) & bridge_all_ones(bar->max_access));
    }
}
