/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What differs between the architectures that Xen runs on. One of x86.c and arm.c is built, and the rest of this folder
 * is the same for both. No state; the functions with a device_model handle may be called from every thread.
 */
#ifndef IOREQD_HYPERVISOR_XEN_ARCH_H
#define IOREQD_HYPERVISOR_XEN_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include <xendevicemodel.h>

#include "hypervisor/xen/xen.h"

/* What to do when Xen has no IOREQ servers. */
extern const char arch_remedy_without_servers[];

/* Whether PCI lines reach an interrupt controller of Xen's. */
struct xen_arch_domainconfig;
bool arch_has_io_apic(const struct xen_arch_domainconfig *config);

/* Fills in how the guest reaches PCI and how PCI reaches it. */
void arch_describe_guest(struct hypervisor_guest *guest, const struct domain_facts *facts);

/* These are hypervisor_ops' of the same names: 0 or a negative errno. */
int arch_claim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function);
int arch_unclaim_function(xendevicemodel_handle *device_model, domid_t domain, ioservid_t server, uint16_t function);
int arch_message(xendevicemodel_handle *device_model, domid_t domain, uint64_t address, uint32_t data);
bool arch_message_unmaskable(uint64_t address, uint32_t data);
int arch_intx(xendevicemodel_handle *device_model, domid_t domain, unsigned device, unsigned pin, bool level);
int arch_spi(xendevicemodel_handle *device_model, domid_t domain, unsigned spi, bool level);

#endif
