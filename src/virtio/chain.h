/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of descriptors, as the formats of virtqueue have them in common: what a descriptor says, whatever its layout,
 * goes into a request here, and the tables that indirect descriptors point to are fetched here. On the queue's loop.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_CHAIN_H
#define IOREQD_VIRTIO_INTERNAL_CHAIN_H

#include "virtio/queue.h"

/* Flags of descriptors in both formats (virtio 1.4 §2.7.5, §2.8.3, §2.8.6, §2.8.7). */
#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

/* A descriptor as it stands in guest memory, little-endian. */
struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t third;  /* split: flags; packed: buffer id */
    uint16_t fourth; /* split: next; packed: flags */
};

_Static_assert(sizeof(struct virtio_descriptor) == 16, "a descriptor has 16 bytes");

/* A private copy of one, in host byte order. */
struct chain_element {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t other; /* split: next; packed: buffer id */
};

/* Breaks the device for a reason; returns RING_BROKEN. */
enum ring_result chain_refuse(const struct ioreqd_virtio_queue *queue, const char *why);

/* The same for what request_append() and request_end() return, which may be no reason to break it: RING_FULL. */
enum ring_result chain_stop(const struct ioreqd_virtio_queue *queue, const char *why);

/* Appends an element that has no table. */
static inline enum ring_result chain_append(const struct ioreqd_virtio_queue *queue,
                                            struct ioreqd_virtio_request *request, const struct chain_element *element)
{
    const char *why =
        request_append(request, element->address, element->length, (element->flags & DESCRIPTOR_WRITE) != 0);

    return why == NULL ? RING_TAKEN : chain_stop(queue, why);
}

/* The chain is complete: RING_TAKEN, if there is something in it. */
static inline enum ring_result chain_end(const struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    const char *why = request_end(request);

    return why == NULL ? RING_TAKEN : chain_stop(queue, why);
}

/* Makes queue->table a copy of the indirect table that an element points to, and tells how many descriptors it has. */
enum ring_result chain_fetch_table(struct ioreqd_virtio_queue *queue, const struct chain_element *element,
                                   unsigned *descriptors);

#endif
