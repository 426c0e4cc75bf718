/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The groups of odd-access that go through I/O ports 0xcf8 to 0xcff. With a function's address latched, an access to
 * 0xcfc becomes a configuration request of Xen's, and a string instruction one with a count and a pointer.
 *
 * Nothing but 0 is ever written to port 0xcf9: in an HVM guest it is the PIIX3's reset control. Configuration writes
 * go to read-only registers, or are such that they must be dropped.
 */
#ifndef TESTS_GUEST_ODD_PORTS_H
#define TESTS_GUEST_ODD_PORTS_H

#include <string.h>
#include <sys/stat.h>

#include "pci.h"
#include "report.h"

#define STRING_ELEMENTS 16u
#define BUFFER_PAGES    4u

/* Where strings are put: inside a page, over a page's end between elements, and with an element over it. */
static const unsigned string_places[] = {64, PCI_PAGE - 16, PCI_PAGE - 17};

/* Its own pages, all of them present: Xen gives up on a string instruction whose page is not there. */
struct buffer {
    uint8_t *bytes;
};

static inline void buffer_fill(const struct buffer *buffer, uint8_t value)
{
    memset(buffer->bytes, value, (size_t)BUFFER_PAGES * PCI_PAGE);
}

static inline uint32_t element_of(const uint8_t *bytes, unsigned index, unsigned size)
{
    uint32_t value = 0;

    memcpy(&value, bytes + (size_t)index * size, size);
    return value;
}

static inline void latch(const struct pci_function *function, unsigned reg)
{
    port_out(PCI_ADDRESS, 4, pci_address(function->bus, function->devfn, reg));
}

/* Puts the command register right when something changed it, so that what follows means something. */
static inline void check_command(struct report *report, const struct pci_function *function, const char *name,
                                 uint32_t before)
{
    const uint32_t after = pci_port_read(function->bus, function->devfn, PCI_COMMAND, 2);

    report_check(report, name, before, after);
    if (after != before) {
        pci_port_write(function->bus, function->devfn, PCI_COMMAND, 2, before);
    }
}

static inline void test_config_reads(struct report *report, const struct pci_function *function)
{
    struct rule sysfs = {.name = "config: ports and sysfs read the same"};
    struct rule sizes = {.name = "config: a larger read is made of the smaller ones"};

    for (unsigned reg = 0; reg < 64; reg++) {
        for (unsigned size = 1; size <= 4 && reg % size == 0; size *= 2) {
            const uint32_t value = pci_port_read(function->bus, function->devfn, reg, size);
            uint32_t composed = 0;

            for (unsigned i = 0; i < size; i++) {
                composed |= pci_port_read(function->bus, function->devfn, reg + i, 1) << (8 * i);
            }
            rule_check(&sysfs, reg, size, pci_sysfs_read(function, reg, size), value);
            rule_check(&sizes, reg, size, composed, value);
        }
    }
    rule_end(report, &sysfs);
    rule_end(report, &sizes);
}

static inline void test_config_odd(struct report *report, const struct pci_function *function)
{
    const uint32_t command = pci_port_read(function->bus, function->devfn, PCI_COMMAND, 2);
    const uint32_t address = pci_address(function->bus, function->devfn, 0);

    latch(function, 0);
    report_check(report, "ports: 0xcf8 reads back what was latched", address, port_in(PCI_ADDRESS, 4));
    report_check(report, "ports: a 4-byte read at 0xcfe gives all ones", UINT32_MAX, port_in(0xcfe, 4));
    printf("INFO ports: 4 bytes at 0xcfd %#x, at 0xcff %#x; 2 bytes at 0xcfd %#x, at 0xcff %#x\n", port_in(0xcfd, 4),
           port_in(0xcff, 4), port_in(0xcfd, 2), port_in(0xcff, 2));
    for (uint16_t port = PCI_ADDRESS; port < PCI_DATA; port++) {
        printf("INFO ports: read at %#x: 1 byte %#x, 2 bytes %#x, 4 bytes %#x\n", port, port_in(port, 1),
               port_in(port, 2), port_in(port, 4));
    }

    /* All of these reach over the end of the latched double word, into the command register. */
    port_out(0xcfe, 4, UINT32_MAX);
    port_out(0xcff, 4, UINT32_MAX);
    port_out(0xcff, 2, UINT16_MAX);
    port_out(0xcfd, 4, UINT32_MAX);
    check_command(report, function, "ports: writes over the end of a register are dropped", command);

    port_out(0xcf8, 1, 0);
    port_out(0xcfa, 1, 0);
    port_out(0xcfb, 1, 1);
    port_out(0xcfa, 2, 0);
    latch(function, 0);
    report_check(report, "ports: 0xcf8 works after small writes to it", address, port_in(PCI_ADDRESS, 4));
}

static inline void test_config_strings_in(struct report *report, const struct pci_function *function,
                                          const struct buffer *buffer)
{
    struct rule same = {.name = "ports: rep ins at 0xcfc gives the register in every element"};
    struct rule ones = {.name = "ports: rep insl at 0xcfe gives all ones"};
    struct rule outside = {.name = "ports: rep ins leaves the memory around alone"};

    latch(function, PCI_VENDOR);
    for (unsigned i = 0; i < sizeof(string_places) / sizeof(string_places[0]) * 2; i++) {
        uint8_t *to = buffer->bytes + string_places[i / 2];
        const bool down = i % 2 != 0;

        for (unsigned size = 1; size <= 4; size *= 2) {
            buffer_fill(buffer, 0xa5);
            rep_ins(PCI_DATA, to, STRING_ELEMENTS, size, down);
            for (unsigned element = 0; element < STRING_ELEMENTS; element++) {
                rule_check(&same, string_places[i / 2] + element * size, size, port_in(PCI_DATA, size),
                           element_of(to, element, size));
            }
            rule_check(&outside, string_places[i / 2], size, 0xa5a5,
                       (uint64_t)to[-1] << 8 | to[STRING_ELEMENTS * size]);
        }
        buffer_fill(buffer, 0xa5);
        rep_ins(0xcfe, to, STRING_ELEMENTS, 4, down);
        for (unsigned element = 0; element < STRING_ELEMENTS; element++) {
            rule_check(&ones, string_places[i / 2] + element * 4, 4, UINT32_MAX, element_of(to, element, 4));
        }
    }
    rule_end(report, &same);
    rule_end(report, &ones);
    rule_end(report, &outside);

    /* Whatever they give. */
    for (uint16_t port = 0xcf8; port <= 0xcff; port++) {
        for (unsigned size = 1; size <= 4; size *= 2) {
            rep_ins(port, buffer->bytes + PCI_PAGE - 5, 3, size, false);
            rep_ins(port, buffer->bytes + PCI_PAGE - 5, 3, size, true);
        }
    }
    rep_ins(PCI_DATA, buffer->bytes, BUFFER_PAGES * PCI_PAGE / 4, 4, false);
    printf("INFO ports: rep ins went through every port and a long string\n");
}

static inline void test_config_strings_out(struct report *report, const struct pci_function *function,
                                           const struct buffer *buffer)
{
    const uint32_t command = pci_port_read(function->bus, function->devfn, PCI_COMMAND, 2);
    const uint32_t identity = pci_port_read(function->bus, function->devfn, PCI_VENDOR, 4);
    const uint32_t address = pci_address(function->bus, function->devfn, PCI_VENDOR);

    latch(function, PCI_VENDOR);
    for (unsigned i = 0; i < sizeof(string_places) / sizeof(string_places[0]) * 2; i++) {
        uint8_t *from = buffer->bytes + string_places[i / 2];
        const bool down = i % 2 != 0;

        buffer_fill(buffer, 0xff);
        rep_outs(PCI_DATA, from, STRING_ELEMENTS, 1, down);
        rep_outs(PCI_DATA, from, STRING_ELEMENTS, 2, down);
        rep_outs(PCI_DATA, from, STRING_ELEMENTS, 4, down);
        rep_outs(0xcfe, from, STRING_ELEMENTS, 2, down);
        rep_outs(0xcfe, from, STRING_ELEMENTS, 4, down);
        rep_outs(0xcff, from, STRING_ELEMENTS, 2, down);

        for (unsigned element = 0; element < STRING_ELEMENTS; element++) {
            memcpy(from + (size_t)element * 4, &address, sizeof(address));
        }
        rep_outs(PCI_ADDRESS, from, STRING_ELEMENTS, 4, down);
        buffer_fill(buffer, 0);
        rep_outs(0xcfa, from, STRING_ELEMENTS, 2, down);
        rep_outs(0xcf8, from, STRING_ELEMENTS, 1, down);
        latch(function, PCI_VENDOR);
    }
    report_check(report, "ports: read-only registers withstand rep outs", identity,
                 pci_port_read(function->bus, function->devfn, PCI_VENDOR, 4));
    check_command(report, function, "ports: rep outs over the end of a register is dropped", command);

    memcpy(buffer->bytes, &address, sizeof(address));
    port_out(PCI_ADDRESS, 4, 0);
    rep_outs(PCI_ADDRESS, buffer->bytes, 1, 4, false);
    report_check(report, "ports: rep outsl latches 0xcf8", address, port_in(PCI_ADDRESS, 4));
}

/* A function that Linux did not find; false when the bus is full. */
static inline bool find_absent(const struct pci_function *function, unsigned *devfn)
{
    char path[96];

    for (*devfn = 0xff; *devfn > 8; (*devfn)--) {
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:%02x:%02x.%u", function->bus, *devfn >> 3, *devfn & 7u);
        if (access(path, F_OK) != 0) {
            return true;
        }
    }
    return false;
}

static inline void test_absent(struct report *report, const struct pci_function *function, const struct buffer *buffer)
{
    struct rule ones = {.name = "absent function: reads give all ones"};
    struct rule strings = {.name = "absent function: rep ins gives all ones"};
    unsigned devfn;

    if (!find_absent(function, &devfn)) {
        printf("INFO absent function: the bus is full\n");
        return;
    }
    for (unsigned reg = 0; reg < 64; reg++) {
        for (unsigned size = 1; size <= 4 && reg % size == 0; size *= 2) {
            rule_check(&ones, reg, size, all_ones(size), pci_port_read(function->bus, devfn, reg, size));
        }
    }
    rule_check(&ones, 0, 4, UINT32_MAX, pci_port_read(0xff, 0, PCI_VENDOR, 4));
    pci_port_write(function->bus, devfn, PCI_BAR_0, 4, 0x12345678);
    rule_check(&ones, PCI_BAR_0, 4, UINT32_MAX, pci_port_read(function->bus, devfn, PCI_BAR_0, 4));
    rule_end(report, &ones);

    for (unsigned size = 1; size <= 4; size *= 2) {
        buffer_fill(buffer, 0xa5);
        rep_ins(PCI_DATA, buffer->bytes + PCI_PAGE - 6, STRING_ELEMENTS, size, size == 2);
        for (unsigned element = 0; element < STRING_ELEMENTS; element++) {
            rule_check(&strings, element, size, all_ones(size),
                       element_of(buffer->bytes + PCI_PAGE - 6, element, size));
        }
    }
    rep_outs(PCI_DATA, buffer->bytes, STRING_ELEMENTS, 4, false);
    rule_end(report, &strings);
}

static inline void test_extended(struct report *report, const struct pci_function *function)
{
    static const unsigned registers[] = {0x100, 0x104, 0x1fc, 0x800, 0xffc};
    struct rule sysfs = {.name = "extended: sysfs reads the registers"};
    struct stat status;
    uint32_t value = 0;

    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        printf("INFO extended: register %#x through bits 24-27 of 0xcf8: %#x\n", registers[i],
               pci_port_read(function->bus, function->devfn, registers[i], 4));
    }
    /* Where the bits are ignored this is a write to the vendor id. */
    pci_port_write(function->bus, function->devfn, 0x100, 4, UINT32_MAX);

    if (fstat(function->config, &status) != 0 || status.st_size < 4096) {
        printf("INFO extended: Linux sees no extended configuration space\n");
        return;
    }
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        rule_check(&sysfs, registers[i], 4, sizeof(value),
                   (uint64_t)pread(function->config, &value, sizeof(value), (off_t)registers[i]));
        printf("INFO extended: register %#x through sysfs: %#x\n", registers[i], value);
    }
    rule_end(report, &sysfs);
}

#endif
