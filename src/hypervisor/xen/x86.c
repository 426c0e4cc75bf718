/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests of Xen on x86, see arch.h: HVM ones beside QEMU, with the interrupt controllers of a PC, and PVH ones, whose
 * only interrupt controller is the local APIC.
 */
#define __XEN_TOOLS__ 1

#include <errno.h>
#include <stdint.h>

#include <xen/xen.h>

#include "hypervisor/xen/arch.h"

#define MSI_WINDOW_MASK UINT64_C(0xfff00000)
#define MSI_WINDOW      UINT64_C(0xfee00000)
#define MSI_VECTOR_MASK 0xffu

const char arch_remedy_without_servers[] = "build it with CONFIG_IOREQ_SERVER, which is its default";

bool arch_has_io_apic(const struct xen_arch_domainconfig *config)
{
    return (config->emulation_flags & XEN_X86_EMU_IOAPIC) != 0;
}

void arch_describe_guest(struct hypervisor_guest *guest, const struct domain_facts *facts)
{
    guest->intx = facts->io_apic;
    /* libxl gives every HVM guest a device model with a host bridge, and a PVH guest none. */
    guest->host_bridge = facts->io_apic;
}

int arch_claim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function)
{
    int rc = xendevicemodel_map_pcidev_to_ioreq_server(device_model, domain, server, 0, (uint8_t)(function >> 8),
                                                       (uint8_t)(function >> 3 & 0x1f), (uint8_t)(function & 7));

    return rc == 0 ? 0 : -errno;
}

int arch_unclaim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function)
{
    int rc = xendevicemodel_unmap_pcidev_from_ioreq_server(device_model, domain, server, 0, (uint8_t)(function >> 8),
                                                           (uint8_t)(function >> 3 & 0x1f), (uint8_t)(function & 7));

    return rc == 0 ? 0 : -errno;
}

int arch_message(xendevicemodel_handle *device_model, domid_t domain, uint64_t address, uint32_t data)
{
    return xendevicemodel_inject_msi(device_model, domain, address, data) == 0 ? 0 : -errno;
}

/*
 * Linux as a PVHVM guest has Xen turn the message into an event channel (vector 0 says so, the destination is the
 * pirq: xen/arch/x86/hvm/irq.c, hvm_inject_msi()) and then never unmasks the table's entry.
 */
bool arch_message_unmaskable(uint64_t address, uint32_t data)
{
    return (address & MSI_WINDOW_MASK) == MSI_WINDOW && (data & MSI_VECTOR_MASK) == 0;
}

int arch_intx(xendevicemodel_handle *device_model, domid_t domain, unsigned device, unsigned pin, bool level)
{
    int rc = xendevicemodel_set_pci_intx_level(device_model, domain, 0, 0, (uint8_t)device, (uint8_t)pin, level);

    return rc == 0 ? 0 : -errno;
}

/* Xen on x86 has no such command. */
int arch_spi(xendevicemodel_handle *device_model, domid_t domain, unsigned spi, bool level)
{
    (void)device_model;
    (void)domain;
    (void)spi;
    (void)level;
    return -EOPNOTSUPP;
}
