/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the guest grants for one transfer, and takes back after it, instead of letting us reach all that it has. Its
 * driver gives DMA addresses with bit 63 set; below are the number of a grant reference and the offset in its page, and
 * the references of a range follow one another (Linux, drivers/xen/grant-dma-ops.c). What is granted is mapped for as
 * long as it is used and no longer: the guest can take it back only when it is not mapped.
 *
 * No state; any thread. All functions fail with -EFAULT where the guest has not granted the range so.
 */
#ifndef IOREQD_DEVICE_GRANTED_MEMORY_H
#define IOREQD_DEVICE_GRANTED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hypervisor/hypervisor.h"

static inline bool granted_memory_is_address(uint64_t address)
{
    return address >> 63 != 0;
}

int granted_memory_read(struct hypervisor *hypervisor, uint64_t address, void *to, size_t length);
int granted_memory_write(struct hypervisor *hypervisor, uint64_t address, const void *from, size_t length);

/* As guest_memory_pin(); write: the pages are to be written. */
int granted_memory_pin(struct hypervisor *hypervisor, uint64_t address, size_t length, bool write, struct iovec *iov,
                       uint64_t *pin, unsigned count);
/* Whether a pin is of granted memory, and not of guest_memory_pin(), whose pins are even. */
static inline bool granted_memory_is_pin(uint64_t pin)
{
    return (pin & 1) != 0;
}
void granted_memory_unpin(struct hypervisor *hypervisor, uint64_t pin);

/* A range that stays mapped, for reading and writing. base is NULL when it is not open. */
struct granted_window {
    volatile void *base;
    void *mapping;
    size_t pages;
};
int granted_window_open(struct hypervisor *hypervisor, uint64_t address, size_t length, struct granted_window *window);
void granted_window_close(struct hypervisor *hypervisor, struct granted_window *window);

#endif
