/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests of Xen on Arm, see arch.h. There is one kind of them: no ports, no other device model, and a GIC whose SPIs are
 * the only interrupts that a device model can raise (xen/arch/arm/dm.c). Xen routes no functions there: it accepts a
 * claim of one and does nothing with it (xen/arch/arm/ioreq.c, arch_ioreq_server_get_type_addr()), so that none is made.
 */
#define __XEN_TOOLS__ 1

#include <errno.h>
#include <stdint.h>

#include <xen/xen.h>

#include "hypervisor/arm_layout.h"
#include "hypervisor/xen/arch.h"

/* Xen's header has names for its guests' addresses on Arm alone: there the table is held against it. */
#define SAME(name)                                                                                                     \
    _Static_assert(ARM_LAYOUT_##name##_FIRST == GUEST_##name##_BASE &&                                                 \
                       ARM_LAYOUT_##name##_SIZE == GUEST_##name##_SIZE,                                                \
                   "arm_layout.h is Xen's " #name)
SAME(VIRTIO_MMIO);
SAME(VPCI_ECAM);
SAME(ACPI);
SAME(PL011);
SAME(GNTTAB);
SAME(MAGIC);
SAME(RAM0);
SAME(RAM1);
_Static_assert(ARM_LAYOUT_VPCI_MEM_FIRST == GUEST_VPCI_MEM_ADDR && ARM_LAYOUT_VPCI_MEM_SIZE == GUEST_VPCI_MEM_SIZE,
               "arm_layout.h is Xen's VPCI_MEM");
_Static_assert(ARM_LAYOUT_VPCI_HIGH_FIRST == GUEST_VPCI_PREFETCH_MEM_ADDR &&
                   ARM_LAYOUT_VPCI_HIGH_SIZE == GUEST_VPCI_PREFETCH_MEM_SIZE,
               "arm_layout.h is Xen's VPCI_PREFETCH_MEM");
_Static_assert(ARM_LAYOUT_GIC_FIRST <= GUEST_GICV3_GICD_BASE && ARM_LAYOUT_GIC_FIRST <= GUEST_GICD_BASE &&
                   ARM_LAYOUT_GIC_FIRST + ARM_LAYOUT_GIC_SIZE == GUEST_GICV3_GICR0_BASE + GUEST_GICV3_GICR0_SIZE,
               "arm_layout.h has Xen's GIC");

const char arch_remedy_without_servers[] =
    "build it with CONFIG_EXPERT=y, CONFIG_UNSUPPORTED=y and CONFIG_IOREQ_SERVER=y, as distributions for Arm do not";

bool arch_has_io_apic(const struct xen_arch_domainconfig *config)
{
    (void)config;
    return false;
}

void arch_describe_guest(struct hypervisor_guest *guest, const struct domain_facts *facts)
{
    (void)facts;
    guest->memory_only = true;
    guest->spis = true;
}

int arch_claim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function)
{
    (void)device_model;
    (void)domain;
    (void)server;
    (void)function;
    return -EOPNOTSUPP;
}

int arch_unclaim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function)
{
    return arch_claim_function(device_model, domain, server, function);
}

int arch_message(xendevicemodel_handle *device_model, domid_t domain, uint64_t address, uint32_t data)
{
    (void)device_model;
    (void)domain;
    (void)address;
    (void)data;
    return -EOPNOTSUPP;
}

bool arch_message_unmaskable(uint64_t address, uint32_t data)
{
    (void)address;
    (void)data;
    return false;
}

int arch_intx(xendevicemodel_handle *device_model, domid_t domain, unsigned device, unsigned pin, bool level)
{
    (void)device_model;
    (void)domain;
    (void)device;
    (void)pin;
    (void)level;
    return -EOPNOTSUPP;
}

int arch_spi(xendevicemodel_handle *device_model, domid_t domain, unsigned spi, bool level)
{
    return xendevicemodel_set_irq_level(device_model, domain, spi, level) == 0 ? 0 : -errno;
}
