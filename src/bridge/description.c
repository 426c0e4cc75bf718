/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks what a model says of itself before a function is made of it: a module may be anyone's.
 */
#include <stddef.h>
#include <string.h>

#include "bridge/function.h"
#include "bridge/pci_registers.h"

#define MSI_VECTORS_MAX  32u
#define MSIX_VECTORS_MAX 2048u
#define QUEUES_MAX       1024u
#define ROM_SIZE_MIN     UINT64_C(2048) /* PCI 3.0 §6.2.5.2: bits 10 to 1 are reserved */
#define ROM_SIZE_MAX     (UINT64_C(16) << 20)

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

static const char *check_msi(const struct ioreqd_description *description)
{
    unsigned msi = description->msi;

    return msi > MSI_VECTORS_MAX || (msi & (msi - 1u)) != 0 ? "MSI has 1, 2, 4, 8, 16 or 32 vectors" : NULL;
}

/* What came to the interface later than the rest; a shorter table was filled up with zeroes. */
static const char *check_kind(const struct ioreqd_description *description)
{
    uint64_t rom = description->rom_size;

    if (description->express > 1 || description->power > IOREQD_POWER_RESETS) {
        return "express is 0 or 1, and power one of enum ioreqd_power";
    }
    for (unsigned i = 0; i < sizeof(description->reserved); i++) {
        if (description->reserved[i] != 0) {
            return "its description has unknown flags";
        }
    }
    if (rom != 0 && (rom < ROM_SIZE_MIN || rom > ROM_SIZE_MAX || (rom & (rom - 1)) != 0)) {
        return "the expansion ROM must have 2 KiB to 16 MiB, a power of two";
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
    struct ioreqd_description whole = {0};
    const char *reason;

    /* Modules that were built for an older interface have a shorter table. */
    memcpy(&whole, description, description->struct_size < sizeof(whole) ? description->struct_size : sizeof(whole));
    description = &whole;
    reason = check_bars(description);
    if (reason == NULL) {
        reason = check_msi(description);
    }
    if (reason == NULL) {
        reason = check_kind(description);
    }
    if (reason == NULL) {
        reason = capabilities_check(description);
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
