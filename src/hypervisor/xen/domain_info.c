/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only libxenctrl tells: of what kind a domain is, and whether it lives. Its ABI changes with each release of
 * Xen, so no other file uses it.
 */
#include "hypervisor/xen/xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

#include "hypervisor/xen/arch.h"

struct domain_info {
    xentoollog_logger *logger;
    xc_interface *control;
};

struct domain_info *domain_info_open(struct hypervisor_error *error)
{
    struct domain_info *info = calloc(1, sizeof(*info));

    if (info == NULL) {
        xen_error(error, HYPERVISOR_REFUSED, "out of memory");
        return NULL;
    }
    info->logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
    info->control = xc_interface_open(info->logger, info->logger, 0);
    if (info->control == NULL) {
        int saved = errno;

        xen_error(error, HYPERVISOR_REFUSED, "cannot open Xen's privileged command device (/dev/xen/privcmd): %s: %s",
                  strerror(saved),
                  saved == EACCES || saved == EPERM ? "run ioreqd as root, or give it access to the devices in /dev/xen"
                                                    : "is this Xen's control domain, with its modules loaded?");
        domain_info_close(info);
        return NULL;
    }
    return info;
}

void domain_info_close(struct domain_info *info)
{
    if (info == NULL) {
        return;
    }
    if (info->control != NULL) {
        xc_interface_close(info->control);
    }
    xtl_logger_destroy(info->logger);
    free(info);
}

int domain_info_get(struct domain_info *info, unsigned domain, struct domain_facts *facts)
{
    xc_domaininfo_t raw;
    int count = xc_domain_getinfolist(info->control, domain, 1, &raw);

    *facts = (struct domain_facts){0};
    if (count < 0) {
        return errno == ESRCH ? 0 : -errno;
    }
    /* The list starts at the first domain that is not below the one asked for. */
    if (count == 0 || raw.domain != domain) {
        return 0;
    }
    unsigned reason = raw.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

    facts->exists = true;
    facts->dying = (raw.flags & XEN_DOMINF_dying) != 0;
    facts->shut_down = (raw.flags & XEN_DOMINF_shutdown) != 0;
    facts->suspended = facts->shut_down && reason == SHUTDOWN_suspend;
    facts->resetting = facts->shut_down && reason == SHUTDOWN_soft_reset;
    facts->virtualised = (raw.flags & XEN_DOMINF_hvm_guest) != 0;
    facts->paused = (raw.flags & XEN_DOMINF_paused) != 0;
    facts->io_apic = arch_has_io_apic(&raw.arch_config);
    memcpy(facts->handle, raw.handle, sizeof(facts->handle));
    return 0;
}
