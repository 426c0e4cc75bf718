/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtqueue: its life, on the main loop, and its turns, on its own loop. What the two share is the gate: the main loop
 * opens it, and shuts it at once where nothing goes on, or asks the queue's loop to shut it when it has drained. Behind
 * a shut gate the queue is the main loop's, before it the queue loop's.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_QUEUE_H
#define IOREQD_VIRTIO_INTERNAL_QUEUE_H

#include "virtio/device.h"
#include "virtio/moderation.h"
#include "virtio/request.h"
#include "virtio/ring.h"

struct virtio_descriptor;

enum queue_state {
    QUEUE_CONFIGURED, /* the driver may write its registers; it has no memory */
    QUEUE_ENABLED,    /* checked and frozen, with windows and requests */
    QUEUE_RUNNING,
    QUEUE_STOPPING, /* waits for requests in flight */
    QUEUE_STATES
};

struct ioreqd_virtio_queue {
    /* Settled while the gate is shut. */
    struct ioreqd_virtio_device *device;
    struct ioreqd_loop *loop;
    const struct ring_ops *ring;
    struct ioreqd_window *window[RING_AREAS];
    struct virtio_descriptor *table; /* private copy of an indirect table, of the longest chain */
    struct request_pool pool;
    struct ioreqd_work bell_work;
    struct ioreqd_work turn_work;
    struct ioreqd_work stopped_work;
    uint16_t index;
    uint16_t size;
    _Atomic uint16_t vector; /* the main loop's, at any time */
    bool event_idx;
    bool indirect;
    bool in_order;
    bool announced;         /* doorbells tell how far the driver is */
    enum queue_state state; /* the main loop's */

    _Alignas(64) atomic_uint gate; /* enum gate */
    atomic_bool discard;           /* draining: nothing more is told to the driver */

    /* The queue loop's. */
    volatile void *area[RING_AREAS];         /* of this turn; NULL between turns */
    struct ioreqd_virtio_request *completed; /* not yet published, oldest first */
    struct ioreqd_virtio_request **completed_end;
    struct ioreqd_virtio_request *ordered; /* with in_order: taken and not in completed, oldest first */
    struct ioreqd_virtio_request **ordered_end;
    uint64_t *ids;           /* packed: a bit for each buffer id in flight */
    uint16_t next_available; /* as in struct ioreqd_virtio_registers, which is behind within a turn */
    uint16_t seen_available; /* split: how far the driver's index was checked */
    uint16_t next_used;
    uint32_t budget; /* buffers that this turn may still take */
    uint16_t in_flight;
    bool rung;    /* ready() is to be called */
    bool empty;   /* ready() saw the end of the ring */
    bool starved; /* the next buffer waits for a room, which a request in flight has */
    uint16_t end; /* next_available then: what is put back lies before it */
    struct moderation moderation;
};

/* Makes and frees all queues of a device. 0 or -ENOMEM. */
int virtio_queues_create(struct ioreqd_virtio_device *device);
void virtio_queues_destroy(struct ioreqd_virtio_device *device);
struct ioreqd_virtio_queue *virtio_queue_of(struct ioreqd_virtio_device *device, unsigned index);

/* Life, on the main loop. A call that does not fit the state has no effect. */

/*
 * Checks and freezes what the driver wrote. False when it cannot be used: then the device is broken, or, when only bus
 * mastering is off, it may be tried again.
 */
bool virtio_queue_enable(struct ioreqd_virtio_queue *queue);
void virtio_queue_start(struct ioreqd_virtio_queue *queue);
/* Stops now, or later with virtio_device_queue_stopped(). discard: nothing in flight is told to the driver any more. */
void virtio_queue_stop(struct ioreqd_virtio_queue *queue, bool discard);
/* Gives back the memory of a queue that stands. */
void virtio_queue_release(struct ioreqd_virtio_queue *queue);
/* The vector of a queue that may run. */
void virtio_queue_set_vector(struct ioreqd_virtio_queue *queue, uint16_t vector);
/* Whether the driver may still write its registers. */
bool virtio_queue_configurable(const struct ioreqd_virtio_queue *queue);
bool virtio_queue_running(const struct ioreqd_virtio_queue *queue);
bool virtio_queue_stopping(const struct ioreqd_virtio_queue *queue);

/* The driver rang, with a value: on the queue's loop; and from any other. */
void virtio_queue_bell(struct ioreqd_virtio_queue *queue, uint32_t value);
void virtio_queue_ring_bell(struct ioreqd_virtio_queue *queue);

/* Whether the driver may be told things now, and the end of what was done outside of a turn. Queue's loop. */
bool virtio_queue_serves(struct ioreqd_virtio_queue *queue);
void virtio_queue_end_turn(struct ioreqd_virtio_queue *queue);

/* The model is done with a request. Queue's loop. */
void virtio_queue_completed(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request);

#endif
