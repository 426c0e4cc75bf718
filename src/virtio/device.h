/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One virtio device: what its registers, queues and interrupts share. Made by ioreqd_virtio_create(), owned by the
 * model's state. The main loop changes it; queue loops read what is settled before they run (offered and negotiated
 * features, options) and the atomic flag.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_DEVICE_H
#define IOREQD_VIRTIO_INTERNAL_DEVICE_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

struct ioreqd_virtio_device {
    struct ioreqd_virtio_registers *registers; /* in the model's state */
    void *state;                               /* the model's, which begins with the struct ioreqd_virtio */
    const struct ioreqd_host *host;
    struct ioreqd_device *device;
    struct ioreqd_virtio_options options;
    uint32_t offered[4]; /* feature bits */
    struct ioreqd_virtio_queue *queues;

    /* A rule was broken: no ring is touched any more. Set from any loop, cleared by reset once all queues stand. */
    atomic_bool broken;
    struct ioreqd_work broken_work; /* shows it, on the main loop */

    bool resetting;            /* waits for queues to stop, then clears the registers */
    bool quiescing;            /* waits for queues to stop, then tells the host */
    bool quiet;                /* quiesce() was called and no reset since: no queue starts */
    bool config_changed_later; /* while quiet: the driver is to be told by resume() */
};

/* The device behind the model's state. */
struct ioreqd_virtio_device *virtio_device_of(void *state);

/* Whether a feature was agreed on. [any] */
bool virtio_device_negotiated(const struct ioreqd_virtio_device *device, unsigned bit);

/* Tells the model of a bit of the device status that the driver set, or with 0 of a reset. */
void virtio_device_status_changed(struct ioreqd_virtio_device *device, uint8_t bit);

/* Stops all queues; once they stand, brings every register to its value at reset. May be asked for again meanwhile. */
void virtio_device_reset(struct ioreqd_virtio_device *device);

/* Starts a queue that is enabled, if the driver and the host let the device run. */
void virtio_device_start_queue(struct ioreqd_virtio_device *device, unsigned index);

/* Resets one queue (virtio 1.4 §2.6.1); queue_reset reads as 1 until it stands. */
void virtio_device_reset_queue(struct ioreqd_virtio_device *device, unsigned index);

/* A queue that was asked to stop stands: the queue's call, on the main loop. */
void virtio_device_queue_stopped(struct ioreqd_virtio_device *device, unsigned index);

/* ioreqd_virtio_broken() for the library's own files. [any] */
#define virtio_device_break(device, ...) ioreqd_virtio_broken((device)->state, __VA_ARGS__)

#endif
