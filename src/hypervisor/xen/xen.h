/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the Xen implementation of hypervisor.h and toolstack.h. This folder is the only one that calls the
 * Xen libraries. Stable ones throughout, but for libxenctrl, which domain_info.c alone uses.
 */
#ifndef IOREQD_HYPERVISOR_XEN_H
#define IOREQD_HYPERVISOR_XEN_H

#include "hypervisor/hypervisor.h"
#include "hypervisor/toolstack.h"

/*
 * Opens Xen for a guest. The handles are those that xentoolcore_restrict_all() leaves usable. guest is copied; its
 * number of vCPUs is found here. NULL with the error filled in.
 */
struct hypervisor *xen_open(const struct hypervisor_guest *guest, struct hypervisor_error *error);

/* The IOREQ server's number, after start. */
unsigned xen_server(const struct hypervisor *hypervisor);

/* Fills in an error; always returns -1. */
int xen_error(struct hypervisor_error *error, enum hypervisor_failure failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- domain_info.c ---- */

struct domain_info;

struct domain_facts {
    bool exists;
    bool dying;
    bool shut_down;
    bool suspended;     /* shut down to go on later */
    bool resetting;     /* shut down for a soft reset */
    bool paused;        /* by the toolstack, as a new domain is */
    bool virtualised;   /* HVM or PVH, not PV */
    bool io_apic;       /* an interrupt controller for PCI lines: HVM */
    uint8_t handle[16]; /* the UUID: tells a domain from a later one with its number */
};

struct domain_info *domain_info_open(struct hypervisor_error *error);
void domain_info_close(struct domain_info *info);
/* 0, or a negative errno when Xen would not tell. A domain that is not there is no error. */
int domain_info_get(struct domain_info *info, unsigned domain, struct domain_facts *facts);

/* ---- qemu_functions.c ---- */

/*
 * Asks the domain's QEMU, over the monitor socket that libxl makes for libxenstat, which functions it has on bus 0.
 * Fills a bitmap of 256 bits. Returns 0, or a negative errno when there is no QEMU or it does not answer in time.
 */
int qemu_functions(unsigned domain, uint8_t bitmap[32]);

#endif
