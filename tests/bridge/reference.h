/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second, slow and simple statement of what the bridge does, for the property test to compare it with: each function
 * is its bytes with masks, and everything else is worked out anew from these after every step, by trying all functions
 * and BARs. It shares no code with the bridge but the description of devices.
 *
 * Where BARs want the same place, who gets it depends on an order that is not promised: the reference is told what was
 * seen, and judges whether it can be.
 */
#ifndef TESTS_BRIDGE_REFERENCE_H
#define TESTS_BRIDGE_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bridge.h"

#define REF_BARS      7
#define REF_VECTORS   2 /* of MSI-X; MSI has two bits more: 4 */
#define REF_FUNCTIONS 7
#define REF_MESSAGES  64

struct ref_place {
    enum bridge_space space;
    uint64_t first, last;
    bool claim; /* of the platform */
};

struct ref_vector {
    uint64_t address;
    uint32_t data;
    bool masked, pending;
};

struct ref_function {
    const struct ioreqd_description *description; /* NULL: it is a root port */
    const struct bridge_host_config *host;
    struct ref_function *port; /* above it, or NULL */
    uint8_t devfn;
    bool present;

    unsigned size;
    uint8_t value[4096], writable[4096], initial[4096];
    unsigned msix, msi, power, express; /* places of capabilities */
    struct ref_vector vector[REF_VECTORS];
    uint32_t msi_pending;
    bool raised, failed;

    bool decodes[REF_BARS];
    struct ref_place place[REF_BARS];

    /* What the device is told. */
    int mode, master;
    unsigned resets[4];
};

struct ref_message {
    uint64_t address;
    uint32_t data;
};

extern struct ref_function ref[REF_FUNCTIONS];
extern struct ref_message ref_message[REF_MESSAGES];
extern unsigned ref_messages;

/* The function at reset; also when it comes back. */
void ref_build(struct ref_function *f);

/* The function that answers, or NULL. */
struct ref_function *ref_find(unsigned segment, unsigned bus, unsigned devfn);
uint32_t ref_config_read(unsigned number, unsigned reg, unsigned size);
void ref_config_write(unsigned number, unsigned reg, unsigned size, uint32_t value);
uint64_t ref_value(const struct ref_function *f, unsigned reg, unsigned size);

/* Events of the device. */
void ref_msix(struct ref_function *f, unsigned vector);
void ref_msi(struct ref_function *f, unsigned vector);
/* What follows from all registers: messages that may go now, what devices are told. */
void ref_settle(void);
bool ref_awake(const struct ref_function *f);
bool ref_level(unsigned device, unsigned pin);

uint32_t ref_msix_read(const struct ref_function *f, uint64_t offset);
void ref_msix_write(struct ref_function *f, uint64_t offset, uint32_t value);

uint64_t ref_bar_size(const struct ref_function *f, unsigned bar);
bool ref_bar_is_io(const struct ref_function *f, unsigned bar);
/* Where the BAR would be, if it has a place. */
bool ref_wants(const struct ref_function *f, unsigned bar, struct ref_place *place);
/*
 * BARs that kept their places stay; of the others seen() tells whether they decode. False when that breaks a rule: two
 * in one place, one that stayed is gone, or one that nothing hinders does not decode.
 */
bool ref_place_all(bool (*seen)(const struct ref_function *f, unsigned bar, const struct ref_place *place));
/* Who decodes the address, or NULL. */
struct ref_function *ref_at(enum bridge_space space, uint64_t address, unsigned *bar);

#endif
