/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's PCI code, see pci.h. */
#include "tests/drv/pci.h"

#include "bridge/pci_registers.h"

#define DECODE     (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)
#define CLASS_PORT 0x0604u

/* The address register is the server's; what follows at the data port reaches it as a configuration request. */
static uint64_t select_register(const struct vcpu *vcpu, uint32_t number, unsigned reg)
{
    vcpu_out(vcpu, 0xcf8, 4, 0x80000000 | number << 8 | (reg & 0xfcu));
    return (uint64_t)number << 32 | reg;
}

/* PCI Express 4.0 §7.2.2. */
static uint64_t ecam_address(const struct vcpu *vcpu, uint32_t number, unsigned reg)
{
    return vcpu->ecam + ((uint64_t)((number & 0xffffu) - ((uint32_t)vcpu->root_bus << 8)) << 12 | reg);
}

uint32_t pci_get(const struct vcpu *vcpu, uint32_t number, unsigned reg, unsigned size)
{
    if (vcpu->ecam != 0) {
        return (uint32_t)vcpu_load(vcpu, ecam_address(vcpu, number, reg), size);
    }
    uint64_t address = select_register(vcpu, number, reg);

    return (uint32_t)sim_access(vcpu->sim, vcpu->index, REQUEST_CONFIG, address, size, 1, SIM_READ, 0);
}

void pci_put(const struct vcpu *vcpu, uint32_t number, unsigned reg, unsigned size, uint32_t value)
{
    if (vcpu->ecam != 0) {
        vcpu_store(vcpu, ecam_address(vcpu, number, reg), size, value);
        return;
    }
    uint64_t address = select_register(vcpu, number, reg);

    sim_access(vcpu->sim, vcpu->index, REQUEST_CONFIG, address, size, 1, SIM_WRITE, value);
}

/* §6.2.5.1: all ones are written; the bits that stay 0 are the size. */
static uint32_t size_register(const struct vcpu *vcpu, uint32_t number, unsigned reg)
{
    uint32_t before = pci_get(vcpu, number, reg, 4);
    uint32_t sized;

    pci_put(vcpu, number, reg, 4, 0xffffffff);
    sized = pci_get(vcpu, number, reg, 4);
    pci_put(vcpu, number, reg, 4, before);
    return sized;
}

static void size_bars(const struct vcpu *vcpu, struct pci_function *function)
{
    uint32_t command = pci_get(vcpu, function->number, PCI_COMMAND, 2);

    pci_put(vcpu, function->number, PCI_COMMAND, 2, command & ~DECODE);
    for (unsigned i = 0; i < 6; i++) {
        struct pci_bar *bar = &function->bar[i];
        unsigned reg = PCI_BAR0 + 4 * i;
        uint32_t sized = size_register(vcpu, function->number, reg);
        uint64_t mask;

        if (sized == 0) {
            continue;
        }
        bar->io = (sized & PCI_BAR_IO_SPACE) != 0;
        bar->wide = !bar->io && (sized & PCI_BAR_64BIT) != 0;
        bar->prefetchable = !bar->io && (sized & PCI_BAR_PREFETCH) != 0;
        mask = (bar->io ? sized & ~3u : sized & ~15u) | UINT64_C(0xffffffff00000000);
        if (bar->wide) {
            mask = (mask & 0xffffffff) | (uint64_t)size_register(vcpu, function->number, reg + 4) << 32;
            i++;
        }
        bar->size = ~mask + 1;
    }
    pci_put(vcpu, function->number, PCI_COMMAND, 2, command);
}

static void read_function(const struct vcpu *vcpu, struct pci_function *function, uint32_t number, uint32_t port)
{
    uint32_t id = pci_get(vcpu, number, PCI_VENDOR, 4);

    *function =
        (struct pci_function){.number = number, .port = port, .vendor = (uint16_t)id, .device = (uint16_t)(id >> 16)};
    function->class_code = pci_get(vcpu, number, PCI_REVISION, 4) >> 8;
    if (function->class_code >> 8 != CLASS_PORT) {
        size_bars(vcpu, function);
    }
    function->msix = pci_capability(vcpu, function, PCI_CAPABILITY_MSIX, 0);
    if (function->msix != 0) {
        function->vectors = (pci_get(vcpu, number, function->msix + PCI_MSIX_CONTROL, 2) & 0x7ffu) + 1;
    }
}

/* What pci_enumerate() has found so far. */
struct search {
    const struct vcpu *vcpu;
    struct pci_function *function;
    unsigned count;
    unsigned found;
    unsigned last_bus; /* the highest number given */
};

static void search_bus(struct search *search, unsigned bus, uint32_t port)
{
    const struct vcpu *vcpu = search->vcpu;

    for (unsigned device = 0; device < 32; device++) {
        unsigned functions = 1;

        for (unsigned i = 0; i < functions && search->found < search->count; i++) {
            uint32_t number = (uint32_t)vcpu->segment << 16 | bus << 8 | device << 3 | i;
            unsigned type;

            if (pci_get(vcpu, number, PCI_VENDOR, 2) == 0xffff) {
                continue;
            }
            type = pci_get(vcpu, number, PCI_HEADER_TYPE, 1);
            if (i == 0 && (type & PCI_HEADER_MULTIFUNCTION) != 0) {
                functions = 8;
            }
            read_function(vcpu, &search->function[search->found++], number, port);
            if ((type & ~PCI_HEADER_MULTIFUNCTION) == PCI_HEADER_BRIDGE) {
                unsigned secondary = ++search->last_bus;

                pci_put(vcpu, number, PCI_PRIMARY_BUS, 1, bus);
                pci_put(vcpu, number, PCI_SUBORDINATE_BUS, 1, 0xff);
                pci_put(vcpu, number, PCI_SECONDARY_BUS, 1, secondary);
                search_bus(search, secondary, number);
                pci_put(vcpu, number, PCI_SUBORDINATE_BUS, 1, search->last_bus);
            }
        }
    }
}

unsigned pci_enumerate(const struct vcpu *vcpu, struct pci_function *function, unsigned count)
{
    struct search search = {.vcpu = vcpu, .function = function, .count = count, .last_bus = vcpu->root_bus};

    search_bus(&search, vcpu->root_bus, PCI_NO_PORT);
    return search.found;
}

static uint64_t take(uint64_t *next, uint64_t size)
{
    uint64_t address = (*next + size - 1) & ~(size - 1);

    *next = address + size;
    return address;
}

static uint64_t bus_address(const struct pci_function *function, const struct pci_bar *bar)
{
    uint64_t offset = bar->io ? function->offset.ports : function->offset.memory;

    return bar->address - (bar->wide && bar->address > UINT32_MAX ? function->offset.high : offset);
}

static void write_address(const struct vcpu *vcpu, struct pci_function *function, unsigned i, uint64_t address)
{
    uint64_t value;

    function->bar[i].address = address;
    value = bus_address(function, &function->bar[i]);
    pci_put(vcpu, function->number, PCI_BAR0 + 4 * i, 4, (uint32_t)value);
    if (function->bar[i].wide) {
        pci_put(vcpu, function->number, PCI_BAR0 + 4 * i + 4, 4, (uint32_t)(value >> 32));
    }
}

/* A range that grows until it holds all that is added. */
struct window {
    uint64_t first;
    uint64_t last;
};

static void widen(struct window *window, uint64_t first, uint64_t size)
{
    window->first = first < window->first ? first : window->first;
    window->last = first + size - 1 > window->last ? first + size - 1 : window->last;
}

/* Opens the port above for all BARs of the function (PCI-to-PCI Bridge 1.2 §3.2.5.6, .8, .9). */
static void open_port(const struct vcpu *vcpu, const struct pci_function *function)
{
    struct window io = {.first = UINT64_MAX}, low = io, high = io;

    if (function->port == PCI_NO_PORT) {
        return;
    }
    for (unsigned i = 0; i < 6; i++) {
        const struct pci_bar *bar = &function->bar[i];
        uint64_t address = bus_address(function, bar);

        if (bar->size != 0) {
            widen(bar->io ? &io : address > UINT32_MAX ? &high : &low, address, bar->size);
        }
    }
    pci_put(vcpu, function->port, PCI_COMMAND, 2, DECODE | PCI_COMMAND_BUS_MASTER);
    pci_put(vcpu, function->port, PCI_IO_BASE, 1, (uint32_t)(io.first >> 8 & 0xf0));
    pci_put(vcpu, function->port, PCI_IO_LIMIT, 1, (uint32_t)(io.last >> 8 & 0xf0));
    pci_put(vcpu, function->port, PCI_MEMORY_BASE, 2, (uint32_t)(low.first >> 16 & 0xfff0));
    pci_put(vcpu, function->port, PCI_MEMORY_LIMIT, 2, (uint32_t)(low.last >> 16 & 0xfff0));
    pci_put(vcpu, function->port, PCI_PREFETCH_BASE, 2, (uint32_t)(high.first >> 16 & 0xfff0));
    pci_put(vcpu, function->port, PCI_PREFETCH_LIMIT, 2, (uint32_t)(high.last >> 16 & 0xfff0));
    pci_put(vcpu, function->port, PCI_PREFETCH_BASE_UPPER, 4, (uint32_t)(high.first >> 32));
    pci_put(vcpu, function->port, PCI_PREFETCH_LIMIT_UPPER, 4, (uint32_t)(high.last >> 32));
}

static void find_table(const struct vcpu *vcpu, struct pci_function *function)
{
    if (function->msix != 0) {
        uint32_t table = pci_get(vcpu, function->number, function->msix + PCI_MSIX_TABLE, 4);
        uint32_t pending = pci_get(vcpu, function->number, function->msix + PCI_MSIX_PENDING, 4);

        function->table = function->bar[table & 7u].address + (table & ~7u);
        function->pending = function->bar[pending & 7u].address + (pending & ~7u);
    }
}

void pci_place(const struct vcpu *vcpu, struct pci_function *function, struct pci_space *space)
{
    function->offset = space->offset;
    for (unsigned i = 0; i < 6; i++) {
        struct pci_bar *bar = &function->bar[i];

        if (bar->size != 0) {
            uint64_t *next = bar->io ? &space->ports : bar->wide && space->high != 0 ? &space->high : &space->memory;

            write_address(vcpu, function, i, take(next, bar->size));
        }
    }
    find_table(vcpu, function);
    open_port(vcpu, function);
    pci_put(vcpu, function->number, PCI_COMMAND, 2, DECODE | PCI_COMMAND_BUS_MASTER);
}

void pci_move(const struct vcpu *vcpu, struct pci_function *function, unsigned bar, uint64_t address)
{
    uint32_t command = pci_get(vcpu, function->number, PCI_COMMAND, 2);

    pci_put(vcpu, function->number, PCI_COMMAND, 2, command & ~DECODE);
    write_address(vcpu, function, bar, address);
    find_table(vcpu, function);
    open_port(vcpu, function);
    pci_put(vcpu, function->number, PCI_COMMAND, 2, command);
}

/* A chain that the device has bent into a ring ends here too. */
unsigned pci_capability(const struct vcpu *vcpu, const struct pci_function *function, uint8_t id, unsigned after)
{
    unsigned reg;

    if (after == 0 && (pci_get(vcpu, function->number, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES) == 0) {
        return 0;
    }
    reg = pci_get(vcpu, function->number, after == 0 ? PCI_CAPABILITY_POINTER : after + 1, 1) & 0xfcu;
    for (unsigned i = 0; i < 48 && reg != 0; i++) {
        if (pci_get(vcpu, function->number, reg, 1) == id) {
            return reg;
        }
        reg = pci_get(vcpu, function->number, reg + 1, 1) & 0xfcu;
    }
    return 0;
}

void pci_msix_set(const struct vcpu *vcpu, const struct pci_function *function, unsigned vector, uint64_t address,
                  uint32_t data)
{
    uint64_t entry = function->table + 16 * vector;

    vcpu_store(vcpu, entry, 4, (uint32_t)address);
    vcpu_store(vcpu, entry + 4, 4, (uint32_t)(address >> 32));
    vcpu_store(vcpu, entry + 8, 4, data);
    vcpu_store(vcpu, entry + 12, 4, 0);
}

void pci_msix_mask(const struct vcpu *vcpu, const struct pci_function *function, unsigned vector, bool masked)
{
    vcpu_store(vcpu, function->table + 16 * vector + 12, 4, masked ? 1 : 0);
}

void pci_msix_enable(const struct vcpu *vcpu, const struct pci_function *function, bool enabled)
{
    pci_put(vcpu, function->number, function->msix + PCI_MSIX_CONTROL, 2, enabled ? PCI_MSIX_ENABLE : 0);
}
