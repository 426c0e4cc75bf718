/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that a guest grants, through libxengnttab, see hypervisor.h. The handle has no state of ours: any thread. A handle
 * that is NULL grants nothing.
 */
#ifndef IOREQD_HYPERVISOR_XEN_GRANTS_H
#define IOREQD_HYPERVISOR_XEN_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xengnttab.h>

void *grants_map(xengnttab_handle *grants, unsigned domain, uint32_t reference, size_t count, bool write);
void grants_unmap(xengnttab_handle *grants, void *base, size_t count);
int grants_copy(xengnttab_handle *grants, unsigned domain, uint32_t reference, size_t offset, void *buffer,
                size_t length, bool to_guest);

#endif
