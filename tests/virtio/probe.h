/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device model for tests of the virtio library: two queues, eight bytes of configuration that may be written, and
 * requests that wait until the test completes them.
 */
#ifndef TESTS_VIRTIO_PROBE_H
#define TESTS_VIRTIO_PROBE_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#define PROBE_SIZE 128 /* descriptors of a queue */

struct probe {
    struct ioreqd_virtio virtio;
    uint8_t config[8];
    uint16_t size; /* greatest of its queues, 0: PROBE_SIZE */
    bool lazy;     /* ready() takes nothing */
    bool instant;  /* requests are completed as they are taken */
    unsigned readies;
    struct ioreqd_virtio_queue *last; /* that ready() was called for */
    struct ioreqd_virtio_request *held[4 * PROBE_SIZE];
    unsigned count; /* of held[] */
    unsigned taken;
};

/* What both of them have queues served by. */
void probe_ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue);

/* Bits 0 and 100, and no dependencies. */
extern const struct ioreqd_model probe_model;

/*
 * A model of a type that has a transitional form. Offers bits 0 to 5, 20 by the legacy interface only, and 8 and 9, which
 * nobody can have: 1 needs 0, 3 needs 1 or 2, 5 needs 3, 8 needs 9, 9 needs 10.
 */
extern const struct ioreqd_model probe_old_model;

#endif
