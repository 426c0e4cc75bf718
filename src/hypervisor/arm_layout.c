/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout of Xen's guests on Arm as a table, see arm_layout.h.
 */
#include "hypervisor/arm_layout.h"

#include <stddef.h>

#define REGION(name, what)                                                                                             \
    {                                                                                                                  \
        ARM_LAYOUT_##name##_FIRST, ARM_LAYOUT_##name##_SIZE, what                                                      \
    }

/* By address. */
static const struct arm_region regions[] = {
    REGION(VIRTIO_MMIO, "the registers of virtio-mmio devices"),
    REGION(GIC, "the interrupt controller"),
    REGION(VPCI_ECAM, "vPCI's configuration space"),
    REGION(ACPI, "the ACPI tables"),
    REGION(PL011, "the emulated serial port"),
    REGION(VPCI_MEM, "vPCI's memory"),
    REGION(GNTTAB, "the grant table"),
    REGION(MAGIC, "Xen's own pages"),
    REGION(RAM0, "the memory"),
    REGION(VPCI_HIGH, "vPCI's memory above 4 GiB"),
    REGION(RAM1, "the memory above 4 GiB"),
};

const char arm_layout_free[] = "0x4100000 to 0xfffffff, 0x33000000 to 0x37ffffff, 0x3a000000 to 0x3fffffff and what is "
                               "above 1 TiB";

const struct arm_region *arm_layout_find(uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        if (first <= regions[i].first + (regions[i].size - 1) && regions[i].first <= last) {
            return &regions[i];
        }
    }
    return NULL;
}
