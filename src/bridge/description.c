/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks what a model says of itself before a function is made of it: a module may be anyone's.
 */
#include <stddef.h>

#include "bridge/function.h"
#include "bridge/pci_registers.h"

#define MSI_VECTORS_MAX  32u
#define MSIX_VECTORS_MAX 2048u
#define QUEUES_MAX       1024u
#define CAPABILITY_MAX   128u

static const char *check_bars(const struct ioreqd_description *description)
{
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        const struct ioreqd_bar *bar = &description->bar[i];
        const char *reason = bar_check(bar);

        if (reason != NULL) {
            return reason;
        }
        if (bar->kind != IOREQD_BAR_MEM64 && bar->kind != IOREQD_BAR_MEM64_PREFETCH) {
            continue;
        }
        if (i + 1 == IOREQD_BARS || description->bar[i + 1].kind != IOREQD_BAR_NONE ||
            (description->msix != 0 && description->msix_bar == i + 1)) {
            return "the place after a 64-bit BAR must stay free";
        }
    }
    if (description->msix != 0 && (description->msix_bar >= IOREQD_BARS || description->msix > MSIX_VECTORS_MAX ||
                                   description->bar[description->msix_bar].kind != IOREQD_BAR_NONE)) {
        return "MSI-X needs a BAR that nothing else uses, and has at most 2048 vectors";
    }
    return NULL;
}

static const char *check_capabilities(const struct ioreqd_description *description)
{
    /* Modules that were built before there was MSI have a shorter table. */
    unsigned msi = IOREQD_HAS(description, msi) ? description->msi : 0;
    unsigned end =
        PCI_FIRST_CAPABILITY + (description->msix != 0 ? PCI_MSIX_LENGTH : 0) + (msi != 0 ? PCI_MSI_LENGTH : 0);

    if (msi > MSI_VECTORS_MAX || (msi & (msi - 1u)) != 0) {
        return "MSI has 1, 2, 4, 8, 16 or 32 vectors";
    }

    if (description->capabilities != 0 && description->capability == NULL) {
        return "the table of capabilities is missing";
    }
    for (unsigned i = 0; i < description->capabilities; i++) {
        const struct ioreqd_capability *capability = &description->capability[i];

        if (capability->length < 2 || (capability->length > 2 && capability->body == NULL)) {
            return "a capability has no body";
        }
        if (capability->length > CAPABILITY_MAX) {
            return "a capability has more than 128 bytes";
        }
        if ((capability->flags & ~IOREQD_CAPABILITY_TRAP) != 0 || capability->reserved != 0) {
            return "a capability has unknown flags";
        }
        end += (capability->length + 3u) & ~3u;
        if (end > PCI_CONFIG_SIZE) {
            return "the capabilities do not fit in configuration space";
        }
    }
    return NULL;
}

static const char *check_bells(const struct ioreqd_description *description)
{
    if (description->bells != 0 && description->bell == NULL) {
        return "the table of doorbells is missing";
    }
    for (unsigned i = 0; i < description->bells; i++) {
        const struct ioreqd_bell *bell = &description->bell[i];

        if (bell->bar >= IOREQD_BARS || description->bar[bell->bar].kind == IOREQD_BAR_NONE) {
            return "a doorbell is in a BAR that does not exist";
        }
        uint64_t size = description->bar[bell->bar].size;

        if ((bell->size != 1 && bell->size != 2 && bell->size != 4) || bell->stride < bell->size || bell->count == 0) {
            return "a doorbell's size, stride or count is out of range";
        }
        if (bell->offset > size || (uint64_t)bell->count * bell->stride > size - bell->offset) {
            return "doorbells reach beyond their BAR";
        }
        if (bell->first_queue + bell->count > description->queues) {
            return "a doorbell has no queue";
        }
    }
    return NULL;
}

const char *bridge_check_description(const struct ioreqd_description *description)
{
    const char *reason = check_bars(description);

    if (reason == NULL) {
        reason = check_capabilities(description);
    }
    if (reason == NULL) {
        reason = check_bells(description);
    }
    if (reason == NULL && (description->vendor == 0xffff || description->vendor == 0)) {
        reason = "the vendor id is one that means: no device";
    }
    if (reason == NULL && description->queues > QUEUES_MAX) {
        reason = "more than 1024 queues";
    }
    return reason;
}
