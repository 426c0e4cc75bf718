/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's PCI code does: finds functions, numbers the buses behind root ports, sizes and places BARs and the
 * windows of ports, walks capabilities, sets up MSI-X (PCI Local Bus 3.0 §6; PCI-to-PCI Bridge 1.2 §3.2).
 * Configuration goes through ECAM where the vCPU has one, else through mechanism 1, whose data port Xen turns into
 * PCI_CONFIG requests. Functions of a guest must not be configured by two vCPUs at once, as on any machine.
 */
#ifndef TESTS_DRV_PCI_H
#define TESTS_DRV_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/vcpu.h"

#define PCI_FUNCTIONS 32 /* the most that pci_enumerate() finds */

struct pci_bar {
    uint64_t address; /* the processor's */
    uint64_t size;    /* 0: none */
    bool io;
    bool wide;
    bool prefetchable;
};

/* What the host bridge adds to an address on the bus to make it the processor's. */
struct pci_offsets {
    uint64_t ports;
    uint64_t memory;
    uint64_t high;
};

struct pci_function {
    uint32_t number; /* segment << 16 | bus << 8 | device << 3 | function */
    uint32_t port;   /* the root port above, the same way; PCI_NO_PORT: none */
    struct pci_offsets offset;
    uint16_t vendor;
    uint16_t device;
    uint32_t class_code;
    struct pci_bar bar[6];
    unsigned msix; /* register of the capability, 0: none */
    unsigned vectors;
    uint64_t table; /* guest address, once placed */
    uint64_t pending;
};

#define PCI_NO_PORT UINT32_MAX

/* Where BARs are placed next, as the processor sees it. */
struct pci_space {
    uint64_t ports;
    uint64_t memory;
    uint64_t high; /* 64-bit BARs; 0: below 4 GiB too */
    struct pci_offsets offset;
};

uint32_t pci_get(const struct vcpu *vcpu, uint32_t number, unsigned reg, unsigned size);
void pci_put(const struct vcpu *vcpu, uint32_t number, unsigned reg, unsigned size, uint32_t value);

/*
 * The functions of the root bus and of those behind its ports, which are numbered by the way, with ids, sized BARs and
 * the place of MSI-X. Decoding is as it was. Returns how many.
 */
unsigned pci_enumerate(const struct vcpu *vcpu, struct pci_function *function, unsigned count);

/* Gives every BAR a place, opens the port above for them, then turns decoding and bus mastering on. */
void pci_place(const struct vcpu *vcpu, struct pci_function *function, struct pci_space *space);
/* Writes a BAR's address as a driver does that moves it with decoding off. */
void pci_move(const struct vcpu *vcpu, struct pci_function *function, unsigned bar, uint64_t address);

/* The next capability of an id after a register (0: the first), or 0. */
unsigned pci_capability(const struct vcpu *vcpu, const struct pci_function *function, uint8_t id, unsigned after);

/* A vector's message; it is left unmasked. */
void pci_msix_set(const struct vcpu *vcpu, const struct pci_function *function, unsigned vector, uint64_t address,
                  uint32_t data);
void pci_msix_mask(const struct vcpu *vcpu, const struct pci_function *function, unsigned vector, bool masked);
void pci_msix_enable(const struct vcpu *vcpu, const struct pci_function *function, bool enabled);

#endif
