/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the drivers of the examples: the example's module as its author has built it, behind the whole of ioreqd on a
 * simulated hypervisor, and a guest's vCPU, the main thread, that has found the device and placed its BARs. One at a time.
 */
#ifndef TESTS_EXAMPLES_EXAMPLE_H
#define TESTS_EXAMPLES_EXAMPLE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/pci.h"
#include "tests/drv/stack.h"

struct example {
    struct module *module;
    struct stack stack;
    struct vcpu vcpu;
    struct pci_function found[PCI_FUNCTIONS]; /* found[1] is the device */
};

/* Fails the test when the device, of vendor 0x1234, is not there. lines: whether the guest has interrupt lines. */
void example_open(struct example *example, uint16_t device, bool lines, const char *key, const char *value);
void example_close(struct example *example);

/* The registers of BAR 0, 4 bytes each. */
uint32_t example_get(struct example *example, unsigned offset);
void example_put(struct example *example, unsigned offset, uint32_t value);

/* The program: usage: NAME MODULE. Returns its exit status. */
int example_main(const char *name, TCase *cases, int count, char **arguments);

#endif
