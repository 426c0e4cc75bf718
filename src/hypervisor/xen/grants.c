/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that a guest grants, see grants.h. */
#include "hypervisor/xen/grants.h"

#include <errno.h>
#include <sys/mman.h>

#include "hypervisor/hypervisor.h"

#define COPIES 16u /* of one call; each within a page on both sides */

void *grants_map(xengnttab_handle *grants, unsigned domain, uint32_t reference, size_t count, bool write)
{
    uint32_t references[HYPERVISOR_GRANTS_MAX];

    if (grants == NULL) {
        errno = EOPNOTSUPP;
        return NULL;
    }
    if (count == 0 || count > HYPERVISOR_GRANTS_MAX || count - 1 > UINT32_MAX - reference) {
        errno = EINVAL;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        references[i] = reference + (uint32_t)i;
    }
    return xengnttab_map_domain_grant_refs(grants, (uint32_t)count, domain, references,
                                           write ? PROT_READ | PROT_WRITE : PROT_READ);
}

void grants_unmap(xengnttab_handle *grants, void *base, size_t count)
{
    xengnttab_unmap(grants, base, (uint32_t)count);
}

/* The next copy of at most length bytes, from offset of the guest's page and at buffer; returns its length. */
static size_t make_copy(xengnttab_grant_copy_segment_t *copy, unsigned domain, uint32_t reference, size_t offset,
                        uint8_t *buffer, size_t length, bool to_guest)
{
    size_t ours = HYPERVISOR_PAGE_SIZE - ((uintptr_t)buffer & (HYPERVISOR_PAGE_SIZE - 1));
    size_t theirs = HYPERVISOR_PAGE_SIZE - offset;
    size_t here = ours < theirs ? ours : theirs;
    union xengnttab_copy_ptr guest = {
        .foreign = {.ref = reference, .offset = (uint16_t)offset, .domid = (uint16_t)domain}};
    union xengnttab_copy_ptr local = {.virt = buffer};

    here = here < length ? here : length;
    *copy = (xengnttab_grant_copy_segment_t){
        .source = to_guest ? local : guest,
        .dest = to_guest ? guest : local,
        .len = (uint16_t)here,
        .flags = to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
    };
    return here;
}

int grants_copy(xengnttab_handle *grants, unsigned domain, uint32_t reference, size_t offset, void *buffer,
                size_t length, bool to_guest)
{
    xengnttab_grant_copy_segment_t copy[COPIES];
    uint8_t *at = buffer;

    if (grants == NULL) {
        return -EOPNOTSUPP;
    }
    while (length != 0) {
        unsigned copies = 0;

        while (length != 0 && copies < COPIES) {
            size_t here = make_copy(&copy[copies++], domain, reference, offset, at, length, to_guest);

            at += here;
            length -= here;
            offset += here;
            if (offset == HYPERVISOR_PAGE_SIZE) {
                offset = 0;
                reference++;
            }
        }
        if (xengnttab_grant_copy(grants, copies, copy) != 0) {
            return -errno;
        }
        for (unsigned i = 0; i < copies; i++) {
            if (copy[i].status != GNTST_okay) {
                return -EFAULT;
            }
        }
    }
    return 0;
}
