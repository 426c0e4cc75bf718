/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chains of capabilities of a function: those that the bridge serves itself, MSI-X, MSI, power management and PCI
 * Express, then the model's (PCI 3.0 §6.7, PCI Express 4.0 §7.6).
 */
#include <string.h>

#include "bridge/function.h"
#include "bridge/pci_registers.h"

#define LENGTH_MAX           128u
#define EXTENDED_HEADER      4u
#define EXTENDED_LENGTH_MAX  1024u
#define EXTENDED_VERSION_MAX 15u
#define CONVENTIONAL_HEADER  2u
#define CONVENTIONAL_ID_MAX  0xffu
#define EXTENDED_VERSION_BIT 16u
#define EXTENDED_NEXT_BIT    20u

/* A chain that is being laid out. */
struct chain {
    struct config_space *config;
    unsigned end;  /* where the next one goes */
    unsigned link; /* the register that points to it */
};

static unsigned rounded(unsigned length)
{
    return (length + 3u) & ~3u;
}

/* Appends a capability of length bytes and returns its register. Its link is still 0. */
static unsigned append(struct chain *chain, unsigned id, unsigned length)
{
    unsigned reg = chain->end;

    config_space_set(chain->config, chain->link, 1, reg);
    config_space_set(chain->config, reg, 1, id);
    chain->link = reg + 1;
    chain->end = reg + rounded(length);
    return reg;
}

/* The same in extended space, whose first capability has its place given. */
static unsigned append_extended(struct chain *chain, const struct ioreqd_capability *capability)
{
    unsigned reg = chain->end;

    if (reg != PCI_FIRST_EXTENDED) {
        config_space_set(chain->config, chain->link, 4,
                         config_space_get(chain->config, chain->link, 4) | reg << EXTENDED_NEXT_BIT);
    }
    config_space_set(chain->config, reg, 4, capability->id | (uint32_t)capability->version << EXTENDED_VERSION_BIT);
    chain->link = reg;
    chain->end = reg + rounded(capability->length);
    return reg;
}

static void build_msix(struct bridge_function *function, struct chain *chain, unsigned vectors)
{
    struct config_space *config = chain->config;
    unsigned reg = append(chain, PCI_CAPABILITY_MSIX, PCI_MSIX_LENGTH);

    function->place.msix = reg;
    config_space_set(config, reg + PCI_MSIX_CONTROL, 2, vectors - 1u);
    config_space_set_writable(config, reg + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    config_space_set(config, reg + PCI_MSIX_TABLE, 4, function->msix_bar);
    config_space_set(config, reg + PCI_MSIX_PENDING, 4, msix_pending_offset(vectors) | function->msix_bar);
}

/* PCI Power Management 1.2 §3.2: D0 and D3hot, no PME. */
static void build_power(struct bridge_function *function, struct chain *chain, enum ioreqd_power power)
{
    struct config_space *config = chain->config;
    unsigned reg = append(chain, PCI_CAPABILITY_POWER, PCI_POWER_LENGTH);

    function->place.power = reg;
    config_space_set(config, reg + PCI_POWER_CAPABILITIES, 2, PCI_POWER_VERSION);
    config_space_set(config, reg + PCI_POWER_CONTROL, 2, power == IOREQD_POWER_RESETS ? 0 : PCI_POWER_NO_SOFT_RESET);
    config_space_set_writable(config, reg + PCI_POWER_CONTROL, 2, PCI_POWER_STATE);
}

/* PCI Express 4.0 §7.5.3. What a field does not say here is 0: not implemented, or its shortest latency. */
static void build_express(struct bridge_function *function, struct chain *chain, unsigned type)
{
    struct config_space *config = chain->config;
    unsigned reg = append(chain, PCI_CAPABILITY_EXPRESS, PCI_EXPRESS_LENGTH);
    uint32_t device = PCI_EXPRESS_ROLE_BASED_ERRORS;

    function->place.express = reg;
    config_space_set(config, reg + PCI_EXPRESS_FLAGS, 2, PCI_EXPRESS_VERSION | type << PCI_EXPRESS_TYPE_SHIFT);
    if (type != PCI_EXPRESS_TYPE_ROOT_PORT) {
        device |= PCI_EXPRESS_FUNCTION_RESET;
    }
    config_space_set(config, reg + PCI_EXPRESS_DEVICE, 4, device);
    config_space_set(config, reg + PCI_EXPRESS_DEVICE_CONTROL, 2, PCI_EXPRESS_CONTROL_INITIAL);
    config_space_set_writable(config, reg + PCI_EXPRESS_DEVICE_CONTROL, 2, PCI_EXPRESS_CONTROL_WRITABLE);
    config_space_set_clearable(config, reg + PCI_EXPRESS_DEVICE_STATUS, 2, PCI_EXPRESS_STATUS_CLEARABLE);
    if (type != PCI_EXPRESS_TYPE_INTEGRATED) { /* which has no link (§7.5.3.6) */
        config_space_set(config, reg + PCI_EXPRESS_LINK, 4, PCI_EXPRESS_LINK_X1_2GT);
        config_space_set_writable(config, reg + PCI_EXPRESS_LINK_CONTROL, 2, PCI_EXPRESS_LINK_WRITABLE);
        config_space_set(config, reg + PCI_EXPRESS_LINK_STATUS, 2, PCI_EXPRESS_LINK_X1_2GT);
        config_space_set(config, reg + PCI_EXPRESS_LINK2, 4, PCI_EXPRESS_LINK2_2GT);
        config_space_set(config, reg + PCI_EXPRESS_LINK_CONTROL2, 2, 1); /* the target is the one speed */
    }
}

/* One of the model's. */
static void build_own(struct bridge_function *function, unsigned index, const struct ioreqd_capability *capability,
                      unsigned reg, unsigned header)
{
    struct config_space *config = &function->config;
    unsigned body = capability->length - header;

    if (body != 0) {
        memcpy(&config->value[reg + header], capability->body, body);
    }
    if (capability->write_mask != NULL) {
        memcpy(&config->writable[reg + header], capability->write_mask, body);
    }
    if (capability->clear_mask != NULL) {
        memcpy(&config->clearable[reg + header], capability->clear_mask, body);
    }
    function->capability[index] = (struct placed_capability){
        .reg = (uint16_t)reg,
        .length = capability->length,
        .trap = (capability->flags & IOREQD_CAPABILITY_TRAP) != 0,
    };
}

void capabilities_build(struct bridge_function *function, const struct ioreqd_description *description,
                        unsigned express_type)
{
    struct config_space *config = &function->config;
    struct chain chain = {.config = config, .end = PCI_FIRST_CAPABILITY, .link = PCI_CAPABILITY_POINTER};
    struct chain extended = {.config = config, .end = PCI_FIRST_EXTENDED};

    if (function->msix != NULL) {
        build_msix(function, &chain, description->msix);
    }
    if (function->msi != NULL) {
        function->place.msi = append(&chain, PCI_CAPABILITY_MSI, PCI_MSI_LENGTH);
        msi_build(function->msi, config, function->place.msi);
    }
    if (description->express != 0 || description->power != IOREQD_POWER_NONE) {
        build_power(function, &chain, description->power);
    }
    if (description->express != 0) {
        build_express(function, &chain, express_type);
    }
    for (unsigned i = 0; i < description->capabilities; i++) {
        const struct ioreqd_capability *capability = &description->capability[i];

        if ((capability->flags & IOREQD_CAPABILITY_EXTENDED) != 0) {
            build_own(function, i, capability, append_extended(&extended, capability), EXTENDED_HEADER);
        } else {
            build_own(function, i, capability, append(&chain, capability->id, capability->length), CONVENTIONAL_HEADER);
        }
    }
    if (chain.link != PCI_CAPABILITY_POINTER) {
        config_space_set(config, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES);
    }
}

/* ---- what a model may ask for ---- */

/* A bit that is both would have no meaning. */
static bool masks_meet(const struct ioreqd_capability *capability, unsigned body)
{
    for (unsigned i = 0; capability->write_mask != NULL && capability->clear_mask != NULL && i < body; i++) {
        if ((capability->write_mask[i] & capability->clear_mask[i]) != 0) {
            return true;
        }
    }
    return false;
}

static const char *check_one(const struct ioreqd_capability *capability, bool express)
{
    bool extended = (capability->flags & IOREQD_CAPABILITY_EXTENDED) != 0;
    unsigned header = extended ? EXTENDED_HEADER : CONVENTIONAL_HEADER;

    if ((capability->flags & ~(IOREQD_CAPABILITY_TRAP | IOREQD_CAPABILITY_EXTENDED)) != 0 ||
        capability->reserved[0] != 0 || capability->reserved[1] != 0 || capability->reserved[2] != 0 ||
        capability->reserved2 != 0) {
        return "a capability has unknown flags";
    }
    if (capability->length < header || (capability->length > header && capability->body == NULL)) {
        return "a capability has no body";
    }
    if (extended && !express) {
        return "an extended capability is there, and the device is no PCI Express one";
    }
    if (extended && (capability->version == 0 || capability->version > EXTENDED_VERSION_MAX)) {
        return "an extended capability needs a version from 1 to 15";
    }
    if (extended && capability->length > EXTENDED_LENGTH_MAX) {
        return "an extended capability has more than 1024 bytes";
    }
    if (!extended && (capability->version != 0 || capability->id > CONVENTIONAL_ID_MAX)) {
        return "a capability has a version, or an id above 255, and is not an extended one";
    }
    if (!extended && capability->length > LENGTH_MAX) {
        return "a capability has more than 128 bytes";
    }
    if (!extended && (capability->id == PCI_CAPABILITY_MSI || capability->id == PCI_CAPABILITY_MSIX ||
                      capability->id == PCI_CAPABILITY_POWER || capability->id == PCI_CAPABILITY_EXPRESS)) {
        return "a capability is one that the host makes itself: ask for it with msi, msix, power or express";
    }
    if (masks_meet(capability, capability->length - header)) {
        return "a bit of a capability is in both of its masks";
    }
    return NULL;
}

/* What the bridge's own capabilities take. */
static unsigned own_length(const struct ioreqd_description *description)
{
    unsigned length = description->msix != 0 ? PCI_MSIX_LENGTH : 0;

    length += description->msi != 0 ? PCI_MSI_LENGTH : 0;
    length += description->express != 0 || description->power != IOREQD_POWER_NONE ? PCI_POWER_LENGTH : 0;
    length += description->express != 0 ? PCI_EXPRESS_LENGTH : 0;
    return length;
}

const char *capabilities_check(const struct ioreqd_description *description)
{
    unsigned end = PCI_FIRST_CAPABILITY + own_length(description);
    unsigned extended_end = PCI_FIRST_EXTENDED;

    if (description->capabilities != 0 && description->capability == NULL) {
        return "the table of capabilities is missing";
    }
    for (unsigned i = 0; i < description->capabilities; i++) {
        const struct ioreqd_capability *capability = &description->capability[i];
        const char *reason = check_one(capability, description->express != 0);

        if (reason != NULL) {
            return reason;
        }
        if ((capability->flags & IOREQD_CAPABILITY_EXTENDED) != 0) {
            extended_end += rounded(capability->length);
        } else {
            end += rounded(capability->length);
        }
        if (end > PCI_CONFIG_SIZE || extended_end > PCI_EXTENDED_SIZE) {
            return "the capabilities do not fit in configuration space";
        }
    }
    return NULL;
}
