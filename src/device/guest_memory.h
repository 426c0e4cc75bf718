/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory, mapped in chunks when it is first touched and kept: a mapping costs a hundred times what a
 * copy does. Any thread reads, writes and pins without taking a lock when the chunk is there.
 *
 * When the guest's memory changes its place (IOREQ_TYPE_INVALIDATE), a generation moves on: constant time, whatever
 * is mapped. A chunk of an older generation is not used again; it is unmapped when its place is needed, or by
 * guest_memory_sweep(). One that is pinned by a transfer stays until the transfer ends, as a device's would.
 *
 * The worker owns it. All functions may be called from every thread, unless told otherwise.
 */
#ifndef IOREQD_DEVICE_GUEST_MEMORY_H
#define IOREQD_DEVICE_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hypervisor/hypervisor.h"

struct guest_memory;
struct guest_window;

/* hypervisor must outlive it. NULL when memory is short. */
struct guest_memory *guest_memory_create(struct hypervisor *hypervisor);
/* Nothing may be pinned and no window open. */
void guest_memory_destroy(struct guest_memory *memory);

/* The hypervisor that it was made with. */
struct hypervisor *guest_memory_hypervisor(const struct guest_memory *memory);

/* All that was mapped before is stale. On the main thread. */
void guest_memory_invalidate(struct guest_memory *memory);

/* Unmaps a few stale chunks; true while there may be more to do. On the main thread. */
bool guest_memory_sweep(struct guest_memory *memory);

/* Copies, all or nothing where a page is missing; each byte is read once. 0 or -EFAULT. */
int guest_memory_read(struct guest_memory *memory, uint64_t address, void *to, size_t length);
int guest_memory_write(struct guest_memory *memory, uint64_t address, const void *from, size_t length);

/*
 * Pins length bytes as at most count pieces: iov[i] stays in place until pin[i] is given back. Returns the number of
 * pieces, -E2BIG, -EFAULT, or -EINVAL for length 0.
 */
int guest_memory_pin(struct guest_memory *memory, uint64_t address, size_t length, struct iovec *iov, uint64_t *pin,
                     unsigned count);
void guest_memory_unpin(struct guest_memory *memory, const uint64_t *pin, unsigned count);

/* A range that stays mapped at one place. A window is used by one thread at a time. 0 or a negative errno. */
int guest_window_open(struct guest_memory *memory, uint64_t address, size_t length, struct guest_window **window);
/* Where it is now, or NULL when the guest has taken a page of it away. May move after an invalidation. */
volatile void *guest_window_base(struct guest_window *window);
void guest_window_close(struct guest_window *window);

#endif
