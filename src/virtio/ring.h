/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a format of virtqueue supplies. Only files that implement it touch rings; each byte that the driver may change
 * is read once. All calls but length() and fits() are made on the queue's loop, within a turn, when queue->area[] is
 * set.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_RING_H
#define IOREQD_VIRTIO_INTERNAL_RING_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

/* The three parts of a virtqueue (virtio 1.4 §2.6). */
enum ring_area { RING_DESCRIPTOR_AREA, RING_DRIVER_AREA, RING_DEVICE_AREA, RING_AREAS };

enum ring_result {
    RING_TAKEN,
    RING_EMPTY,
    RING_LATER, /* guest memory is out of reach now: the buffer stays in the ring */
    RING_FULL,  /* no room for so long a chain now: the buffer stays in the ring */
    RING_BROKEN /* told already with virtio_device_break() */
};

struct ring_ops {
    uint8_t alignment[RING_AREAS]; /* that the addresses of the areas must have */
    uint16_t first;                /* next_available and next_used of a new ring */

    /* Bytes of an area in a queue of a size. */
    size_t (*length)(const struct ioreqd_virtio_queue *queue, enum ring_area area);

    /* Whether next_available and next_used are places that a queue of this size can be at. */
    bool (*fits)(const struct ioreqd_virtio_queue *queue);

    /* Fills an empty request with a private copy of the next chain. */
    enum ring_result (*take)(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request);

    /* The chain that was taken last is in the ring again, as if it had not been taken. */
    void (*put_back)(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *request);

    /* Tells the driver of a list of requests, at least one; true when it wants an interrupt for them. */
    bool (*publish)(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *first);

    /* The driver need not ring for new buffers. */
    void (*hold)(struct ioreqd_virtio_queue *queue);

    /* The driver shall ring for new buffers; true when some came before it could know. */
    bool (*arm)(struct ioreqd_virtio_queue *queue);

    /* Whether a doorbell's upper 16 bits can be the place that the driver goes on at (virtio 1.4 §2.9). */
    bool (*announces)(const struct ioreqd_virtio_queue *queue, uint16_t next);
};

extern const struct ring_ops ring_packed;
extern const struct ring_ops ring_split;

#endif
