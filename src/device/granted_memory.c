/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the guest grants, see granted_memory.h. */
#include "device/granted_memory.h"

#include <errno.h>

#define ADDRESS_MARK (UINT64_C(1) << 63)
#define PAGE_MASK    (HYPERVISOR_PAGE_SIZE - 1)

/*
 * A pin: where the pages are, which is a multiple of their size, how many they are, and 1 for one of ours. Nothing has to be
 * allocated for it.
 */
#define PIN_COUNT_SHIFT 1
#define PIN_MARK        UINT64_C(1)

_Static_assert(HYPERVISOR_GRANTS_MAX << PIN_COUNT_SHIFT < HYPERVISOR_PAGE_SIZE,
               "the number of pages fits below an address");

/* What grants a range stands for. False when there are no such references. */
static bool find(uint64_t address, size_t length, uint32_t *reference, size_t *offset)
{
    uint64_t at = address & ~ADDRESS_MARK;
    uint64_t last = at + (length - 1);

    if (length == 0 || last < at || last >> HYPERVISOR_PAGE_SHIFT > UINT32_MAX) {
        return false;
    }
    *reference = (uint32_t)(at >> HYPERVISOR_PAGE_SHIFT);
    *offset = (size_t)(at & PAGE_MASK);
    return true;
}

static size_t pages_of(size_t offset, size_t length)
{
    return (size_t)((offset + length + PAGE_MASK) >> HYPERVISOR_PAGE_SHIFT);
}

/* 0 or -EFAULT. */
static int copy(struct hypervisor *hypervisor, uint64_t address, void *buffer, size_t length, bool to_guest)
{
    uint32_t reference;
    size_t offset;

    if (length == 0) {
        return 0;
    }
    if (!find(address, length, &reference, &offset) ||
        hypervisor->ops->copy_grants(hypervisor, reference, offset, buffer, length, to_guest) != 0) {
        return -EFAULT;
    }
    return 0;
}

int granted_memory_read(struct hypervisor *hypervisor, uint64_t address, void *to, size_t length)
{
    return copy(hypervisor, address, to, length, false);
}

int granted_memory_write(struct hypervisor *hypervisor, uint64_t address, const void *from, size_t length)
{
    return copy(hypervisor, address, (void *)(uintptr_t)from, length, true);
}

int granted_memory_pin(struct hypervisor *hypervisor, uint64_t address, size_t length, bool write, struct iovec *iov,
                       uint64_t *pin, unsigned count)
{
    const size_t most = HYPERVISOR_GRANTS_MAX << HYPERVISOR_PAGE_SHIFT;
    unsigned pieces = 0;
    uint32_t reference;
    size_t offset;
    int rc = -EFAULT;

    if (length == 0) {
        return -EINVAL;
    }
    if (!find(address, length, &reference, &offset)) {
        return -EFAULT;
    }
    while (length != 0) {
        size_t here = length < most - offset ? length : most - offset;
        size_t pages = pages_of(offset, here);
        uint8_t *base;

        if (pieces == count) {
            rc = -E2BIG;
            goto fail;
        }
        base = hypervisor->ops->map_grants(hypervisor, reference, pages, write);
        if (base == NULL) {
            goto fail;
        }
        pin[pieces] = (uint64_t)(uintptr_t)base | (uint64_t)pages << PIN_COUNT_SHIFT | PIN_MARK;
        iov[pieces] = (struct iovec){.iov_base = base + offset, .iov_len = here};
        pieces++;
        reference += (uint32_t)pages;
        offset = 0;
        length -= here;
    }
    return (int)pieces;

fail:
    while (pieces != 0) {
        granted_memory_unpin(hypervisor, pin[--pieces]);
    }
    return rc;
}

void granted_memory_unpin(struct hypervisor *hypervisor, uint64_t pin)
{
    hypervisor->ops->unmap_grants(hypervisor, (void *)(uintptr_t)(pin & ~PAGE_MASK),
                                  (size_t)((pin & PAGE_MASK) >> PIN_COUNT_SHIFT));
}

int granted_window_open(struct hypervisor *hypervisor, uint64_t address, size_t length, struct granted_window *window)
{
    uint32_t reference;
    size_t offset;

    if (length == 0) {
        return -EINVAL;
    }
    if (!find(address, length, &reference, &offset)) {
        return -EFAULT;
    }
    if (pages_of(offset, length) > HYPERVISOR_GRANTS_MAX) {
        return -E2BIG;
    }
    window->pages = pages_of(offset, length);
    window->mapping = hypervisor->ops->map_grants(hypervisor, reference, window->pages, true);
    if (window->mapping == NULL) {
        return -EFAULT;
    }
    window->base = (volatile uint8_t *)window->mapping + offset;
    return 0;
}

void granted_window_close(struct hypervisor *hypervisor, struct granted_window *window)
{
    if (window->base != NULL) {
        hypervisor->ops->unmap_grants(hypervisor, window->mapping, window->pages);
        window->base = NULL;
    }
}
