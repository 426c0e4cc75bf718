/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moderation of a queue's interrupts: the driver hears of used buffers when there are enough of them, or after a while.
 * Part of the queue. While an interrupt is held back the queue does not idle, so that it never stops without telling.
 * Queue's loop, but for what says otherwise.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_MODERATION_H
#define IOREQD_VIRTIO_INTERNAL_MODERATION_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

struct ioreqd_virtio_device;

struct moderation {
    struct ioreqd_timer *timer; /* NULL: the model moderates nothing */
    bool set;                   /* the timer will fire */
    uint64_t delay;             /* nanoseconds; 0, or no buffers: an interrupt for each turn */
    uint32_t buffers;
    uint32_t count; /* of buffers since the last interrupt */
    uint64_t since; /* when the first of them was used */
    bool held;      /* the driver wants to hear of them */
};

/* For all queues of a device; 0 or -ENOMEM, with the rest left to destroy. Main loop, no other runs. */
int moderation_create(struct ioreqd_virtio_device *device);
void moderation_destroy(struct ioreqd_virtio_device *device);
/* Back to an interrupt for each turn. Main loop, while all queues stand. */
void moderation_reset(struct ioreqd_virtio_device *device);

/* queue->completed shows in the ring: interrupts now, or takes note. */
void moderation_published(struct ioreqd_virtio_queue *queue, bool wanted);

/* The queue is about to stand: interrupts for what was held back, or not even that. */
void moderation_end(struct ioreqd_virtio_queue *queue, bool silenced);

#endif
