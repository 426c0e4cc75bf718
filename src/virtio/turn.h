/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The turns of a virtqueue on its loop, and the gate that lets them run. A turn tells the driver what was completed,
 * has the model take new buffers, and interrupts once for all of it.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_TURN_H
#define IOREQD_VIRTIO_INTERNAL_TURN_H

#include "virtio/queue.h"

/* For a new queue, with its gate shut. */
void turn_prepare(struct ioreqd_virtio_queue *queue);

/* Hands the queue over to its loop. Main loop. */
void turn_open(struct ioreqd_virtio_queue *queue);

/*
 * Takes the queue back. True when that is done; false when its stopped_work will be posted to the main loop once the
 * requests in flight are completed. May be called again meanwhile, to discard after all. Main loop.
 */
bool turn_shut(struct ioreqd_virtio_queue *queue, bool discard);

#endif
