/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function seen from user space of a Linux x86 guest: its BARs mapped from sysfs, its configuration space through
 * sysfs and through ports 0xcf8 and 0xcfc. For programs that run in a guest, as root, on one thread, and on a function
 * that no driver is bound to: Linux keeps the BARs of a bound one to its driver.
 *
 * The ports are the kernel's too. Between a latch and its data access the kernel may come in; on an idle guest it does
 * not.
 */
#ifndef TESTS_GUEST_PCI_H
#define TESTS_GUEST_PCI_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "instructions.h"

#define PCI_BARS    6
#define PCI_VENDOR  0x00
#define PCI_DEVICE  0x02
#define PCI_COMMAND 0x04
#define PCI_BAR_0   0x10
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc

/* Of the command register. */
#define PCI_COMMAND_MEMORY       0x0002u
#define PCI_COMMAND_MASTER       0x0004u
#define PCI_COMMAND_INTX_DISABLE 0x0400u

#define PCI_FLAG_MEMORY 0x200 /* IORESOURCE_MEM, in sysfs's file "resource" */
#define PCI_PAGE        4096u

struct pci_bar {
    uint64_t address;
    uint64_t length; /* 0: there is none */
    uint64_t flags;
    volatile uint8_t *base; /* NULL: not memory */
};

struct pci_function {
    char name[32];
    unsigned bus;
    unsigned devfn;
    int config;       /* sysfs */
    uint16_t command; /* as it was found */
    bool enabled;     /* by us, through sysfs */
    struct pci_bar bar[PCI_BARS];
};

static inline int pci_open_file(const struct pci_function *function, const char *file, int flags)
{
    char path[96];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", function->name, file);
    return open(path, flags);
}

static inline uint32_t pci_sysfs_read(const struct pci_function *function, unsigned reg, unsigned size)
{
    uint32_t value = 0;

    return pread(function->config, &value, size, reg) == (ssize_t)size ? value : UINT32_MAX;
}

static inline void pci_sysfs_write(const struct pci_function *function, unsigned reg, unsigned size, uint32_t value)
{
    if (pwrite(function->config, &value, size, reg) != (ssize_t)size) {
        perror("write to the configuration space");
    }
}

/* What selects a register through port 0xcf8; bits 24 to 27 are AMD's extension for registers above 255. */
static inline uint32_t pci_address(unsigned bus, unsigned devfn, unsigned reg)
{
    return 0x80000000u | (reg & 0xf00u) << 16 | bus << 16 | devfn << 8 | (reg & 0xfcu);
}

static inline uint32_t pci_port_read(unsigned bus, unsigned devfn, unsigned reg, unsigned size)
{
    port_out(PCI_ADDRESS, 4, pci_address(bus, devfn, reg));
    return port_in((uint16_t)(PCI_DATA + (reg & 3)), size);
}

static inline void pci_port_write(unsigned bus, unsigned devfn, unsigned reg, unsigned size, uint32_t value)
{
    port_out(PCI_ADDRESS, 4, pci_address(bus, devfn, reg));
    port_out((uint16_t)(PCI_DATA + (reg & 3)), size, value);
}

static inline bool pci_map_bar(const struct pci_function *function, unsigned index, struct pci_bar *bar)
{
    const uint64_t inside = bar->address % PCI_PAGE;
    const size_t length = (size_t)((inside + bar->length + PCI_PAGE - 1) / PCI_PAGE * PCI_PAGE);
    void *base = MAP_FAILED;
    char file[16];
    int descriptor;

    snprintf(file, sizeof(file), "resource%u", index);
    descriptor = pci_open_file(function, file, O_RDWR | O_SYNC);
    if (descriptor >= 0) {
        base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        close(descriptor);
    }
    if (base == MAP_FAILED) {
        descriptor = open("/dev/mem", O_RDWR | O_SYNC);
        if (descriptor >= 0) {
            base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, (off_t)(bar->address - inside));
            close(descriptor);
        }
    }
    if (base == MAP_FAILED) {
        fprintf(stderr, "cannot map BAR %u of %s: ", index, function->name);
        perror(NULL);
        return false;
    }
    bar->base = (volatile uint8_t *)base + inside;
    return true;
}

static inline bool pci_enable(const struct pci_function *function, const char *digit)
{
    const int file = pci_open_file(function, "enable", O_WRONLY);
    bool done;

    if (file < 0) {
        return false;
    }
    done = write(file, digit, 1) == 1;
    close(file);
    return done;
}

/* Opens a function, has it decode memory and maps its memory BARs. False, with the reason told, when it cannot. */
static inline bool pci_open(struct pci_function *function, const char *name)
{
    unsigned segment;
    unsigned device;
    unsigned number;
    FILE *resources;
    int file;

    *function = (struct pci_function){.config = -1};
    snprintf(function->name, sizeof(function->name), "%s", name);
    if (sscanf(name, "%x:%x:%x.%x", &segment, &function->bus, &device, &number) != 4 || segment != 0) {
        fprintf(stderr, "%s: not a function of segment 0, as 0000:00:01.0\n", name);
        return false;
    }
    function->devfn = device << 3 | number;
    function->config = pci_open_file(function, "config", O_RDWR);
    file = pci_open_file(function, "resource", O_RDONLY);
    if (function->config < 0 || file < 0) {
        perror(name);
        return false;
    }
    resources = fdopen(file, "r");
    for (unsigned i = 0; resources != NULL && i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bar[i];
        unsigned long long first;
        unsigned long long last;
        unsigned long long flags;

        if (fscanf(resources, "%llx %llx %llx", &first, &last, &flags) == 3 && last > first) {
            bar->address = first;
            bar->length = last - first + 1;
            bar->flags = flags;
        }
    }
    if (resources != NULL) {
        fclose(resources);
    }

    /* The kernel's way, so that it knows; by hand where it refuses, because a driver is bound. */
    function->command = (uint16_t)pci_sysfs_read(function, PCI_COMMAND, 2);
    function->enabled = pci_enable(function, "1");
    if (!function->enabled) {
        pci_sysfs_write(function, PCI_COMMAND, 2, function->command | PCI_COMMAND_MEMORY);
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bar[i];

        if (bar->length > 0 && (bar->flags & PCI_FLAG_MEMORY) != 0 && !pci_map_bar(function, i, bar)) {
            return false;
        }
    }
    return true;
}

/* Leaves the command register, and the kernel's count of who enabled the function, as they were found. */
static inline void pci_close(struct pci_function *function)
{
    if (function->enabled) {
        (void)pci_enable(function, "0");
    }
    pci_sysfs_write(function, PCI_COMMAND, 2, function->command);
    close(function->config);
}

#endif
