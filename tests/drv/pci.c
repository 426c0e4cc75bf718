/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's PCI code, see pci.h. */
#include "tests/drv/pci.h"

#include "bridge/pci_registers.h"

#define DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

/* The address register is the server's; what follows at the data port reaches it as a configuration request. */
static uint64_t select_register(const struct vcpu *vcpu, uint16_t number, unsigned reg)
{
    vcpu_out(vcpu, 0xcf8, 4, 0x80000000 | (uint32_t)number << 8 | (reg & 0xfcu));
    return (uint64_t)number << 32 | reg;
}

uint32_t pci_get(const struct vcpu *vcpu, uint16_t number, unsigned reg, unsigned size)
{
    uint64_t address = select_register(vcpu, number, reg);

    return (uint32_t)sim_access(vcpu->sim, vcpu->index, REQUEST_CONFIG, address, size, 1, SIM_READ, 0);
}

void pci_put(const struct vcpu *vcpu, uint16_t number, unsigned reg, unsigned size, uint32_t value)
{
    uint64_t address = select_register(vcpu, number, reg);

    sim_access(vcpu->sim, vcpu->index, REQUEST_CONFIG, address, size, 1, SIM_WRITE, value);
}

/* §6.2.5.1: all ones are written; the bits that stay 0 are the size. */
static uint32_t size_register(const struct vcpu *vcpu, uint16_t number, unsigned reg)
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

static void read_function(const struct vcpu *vcpu, struct pci_function *function, uint16_t number)
{
    uint32_t id = pci_get(vcpu, number, PCI_VENDOR, 4);

    *function = (struct pci_function){.number = number, .vendor = (uint16_t)id, .device = (uint16_t)(id >> 16)};
    function->class_code = pci_get(vcpu, number, PCI_REVISION, 4) >> 8;
    size_bars(vcpu, function);
    function->msix = pci_capability(vcpu, function, PCI_CAPABILITY_MSIX, 0);
    if (function->msix != 0) {
        function->vectors = (pci_get(vcpu, number, function->msix + PCI_MSIX_CONTROL, 2) & 0x7ffu) + 1;
    }
}

unsigned pci_enumerate(const struct vcpu *vcpu, struct pci_function *function, unsigned count)
{
    unsigned found = 0;

    for (unsigned device = 0; device < 32; device++) {
        unsigned functions = 1;

        for (unsigned i = 0; i < functions && found < count; i++) {
            uint16_t number = (uint16_t)(device << 3 | i);

            if (pci_get(vcpu, number, PCI_VENDOR, 2) == 0xffff) {
                continue;
            }
            if (i == 0 && (pci_get(vcpu, number, PCI_HEADER_TYPE, 1) & PCI_HEADER_MULTIFUNCTION) != 0) {
                functions = 8;
            }
            read_function(vcpu, &function[found++], number);
        }
    }
    return found;
}

static uint64_t take(uint64_t *next, uint64_t size)
{
    uint64_t address = (*next + size - 1) & ~(size - 1);

    *next = address + size;
    return address;
}

static void write_address(const struct vcpu *vcpu, struct pci_function *function, unsigned i, uint64_t address)
{
    function->bar[i].address = address;
    pci_put(vcpu, function->number, PCI_BAR0 + 4 * i, 4, (uint32_t)address);
    if (function->bar[i].wide) {
        pci_put(vcpu, function->number, PCI_BAR0 + 4 * i + 4, 4, (uint32_t)(address >> 32));
    }
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
    for (unsigned i = 0; i < 6; i++) {
        struct pci_bar *bar = &function->bar[i];

        if (bar->size != 0) {
            uint64_t *next = bar->io ? &space->ports : bar->wide && space->high != 0 ? &space->high : &space->memory;

            write_address(vcpu, function, i, take(next, bar->size));
        }
    }
    find_table(vcpu, function);
    pci_put(vcpu, function->number, PCI_COMMAND, 2, DECODE | PCI_COMMAND_BUS_MASTER);
}

void pci_move(const struct vcpu *vcpu, struct pci_function *function, unsigned bar, uint64_t address)
{
    uint32_t command = pci_get(vcpu, function->number, PCI_COMMAND, 2);

    pci_put(vcpu, function->number, PCI_COMMAND, 2, command & ~DECODE);
    write_address(vcpu, function, bar, address);
    find_table(vcpu, function);
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
