/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things lie for Xen's guests on Arm (xen/include/public/arch-arm.h), so that host bridges keep off them. Numbers
 * only, on every architecture: xen/arm.c holds them against Xen's header where that has them. No state; any thread.
 */
#ifndef IOREQD_HYPERVISOR_ARM_LAYOUT_H
#define IOREQD_HYPERVISOR_ARM_LAYOUT_H

#include <stdint.h>

#define ARM_LAYOUT_VIRTIO_MMIO_FIRST UINT64_C(0x02000000)
#define ARM_LAYOUT_VIRTIO_MMIO_SIZE  UINT64_C(0x00100000)
#define ARM_LAYOUT_GIC_FIRST         UINT64_C(0x03000000) /* of either version */
#define ARM_LAYOUT_GIC_SIZE          UINT64_C(0x01020000)
#define ARM_LAYOUT_VPCI_ECAM_FIRST   UINT64_C(0x10000000)
#define ARM_LAYOUT_VPCI_ECAM_SIZE    UINT64_C(0x10000000)
#define ARM_LAYOUT_ACPI_FIRST        UINT64_C(0x20000000)
#define ARM_LAYOUT_ACPI_SIZE         UINT64_C(0x02000000)
#define ARM_LAYOUT_PL011_FIRST       UINT64_C(0x22000000)
#define ARM_LAYOUT_PL011_SIZE        UINT64_C(0x00001000)
#define ARM_LAYOUT_VPCI_MEM_FIRST    UINT64_C(0x23000000)
#define ARM_LAYOUT_VPCI_MEM_SIZE     UINT64_C(0x10000000)
#define ARM_LAYOUT_GNTTAB_FIRST      UINT64_C(0x38000000)
#define ARM_LAYOUT_GNTTAB_SIZE       UINT64_C(0x01000000)
#define ARM_LAYOUT_MAGIC_FIRST       UINT64_C(0x39000000)
#define ARM_LAYOUT_MAGIC_SIZE        UINT64_C(0x01000000)
/* What a bank does not hold of memory, libxl gives the guest for mappings of others' memory: its extended regions. */
#define ARM_LAYOUT_RAM0_FIRST      UINT64_C(0x40000000)
#define ARM_LAYOUT_RAM0_SIZE       UINT64_C(0xc0000000)
#define ARM_LAYOUT_VPCI_HIGH_FIRST UINT64_C(0x0100000000)
#define ARM_LAYOUT_VPCI_HIGH_SIZE  UINT64_C(0x0100000000)
#define ARM_LAYOUT_RAM1_FIRST      UINT64_C(0x0200000000)
#define ARM_LAYOUT_RAM1_SIZE       UINT64_C(0xfe00000000)

struct arm_region {
    uint64_t first;
    uint64_t size;
    const char *what; /* for people */
};

/* What lies in a range, both ends included: the lowest; NULL: nothing does. */
const struct arm_region *arm_layout_find(uint64_t first, uint64_t last);

/* What is free, for people. */
extern const char arm_layout_free[];

#endif
