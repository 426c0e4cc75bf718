/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a virtqueue, see queue.h. Main loop, but for the bell that is carried to the queue's loop. */
#include "virtio/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/chain.h"
#include "virtio/turn.h"

enum event { ENABLE, START, STOP, STOPPED, RELEASE, EVENTS };

/* Where an event leads; QUEUE_STATES: it does not fit the state. */
static const uint8_t transition[QUEUE_STATES][EVENTS] = {
    [QUEUE_CONFIGURED] = {[ENABLE] = QUEUE_ENABLED,
                          [START] = QUEUE_STATES,
                          [STOP] = QUEUE_STATES,
                          [STOPPED] = QUEUE_STATES,
                          [RELEASE] = QUEUE_STATES},
    [QUEUE_ENABLED] = {[ENABLE] = QUEUE_STATES,
                       [START] = QUEUE_RUNNING,
                       [STOP] = QUEUE_STATES,
                       [STOPPED] = QUEUE_STATES,
                       [RELEASE] = QUEUE_CONFIGURED},
    [QUEUE_RUNNING] = {[ENABLE] = QUEUE_STATES,
                       [START] = QUEUE_STATES,
                       [STOP] = QUEUE_STOPPING,
                       [STOPPED] = QUEUE_STATES,
                       [RELEASE] = QUEUE_STATES},
    [QUEUE_STOPPING] = {[ENABLE] = QUEUE_STATES,
                        [START] = QUEUE_STATES,
                        [STOP] = QUEUE_STOPPING, /* again, with more reason to hurry */
                        [STOPPED] = QUEUE_ENABLED,
                        [RELEASE] = QUEUE_STATES},
};

static bool move(struct ioreqd_virtio_queue *queue, enum event event)
{
    uint8_t next = transition[queue->state][event];

    if (next == QUEUE_STATES) {
        return false;
    }
    queue->state = (enum queue_state)next;
    return true;
}

static void stopped(void *argument)
{
    struct ioreqd_virtio_queue *queue = argument;

    if (move(queue, STOPPED)) {
        virtio_device_queue_stopped(queue->device, queue->index);
    }
}

int virtio_queues_create(struct ioreqd_virtio_device *device)
{
    size_t bytes = device->options.queues * sizeof(*device->queues);
    int error;

    device->queues = aligned_alloc(_Alignof(struct ioreqd_virtio_queue), bytes);
    if (device->queues == NULL) {
        return -ENOMEM;
    }
    memset(device->queues, 0, bytes);
    for (uint16_t i = 0; i < device->options.queues; i++) {
        struct ioreqd_virtio_queue *queue = &device->queues[i];

        queue->device = device;
        queue->index = i;
        queue->state = QUEUE_CONFIGURED;
        queue->loop = device->host->queue_loop(device->device, i);
        queue->stopped_work = (struct ioreqd_work){.run = stopped, .argument = queue};
        turn_prepare(queue);
    }
    error = moderation_create(device);
    if (error != 0) {
        virtio_queues_destroy(device);
    }
    return error;
}

void virtio_queues_destroy(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        /* No loop runs any more: what is in flight never comes back. */
        move(&device->queues[i], STOP);
        move(&device->queues[i], STOPPED);
        request_pool_unmap(&device->queues[i].pool);
        virtio_queue_release(&device->queues[i]);
    }
    moderation_destroy(device);
    free(device->queues);
}

struct ioreqd_virtio_queue *virtio_queue_of(struct ioreqd_virtio_device *device, unsigned index)
{
    return &device->queues[index];
}

struct ioreqd_virtio_queue *ioreqd_virtio_queue(struct ioreqd_virtio *virtio, unsigned index)
{
    return virtio_queue_of(virtio->device, index);
}

unsigned ioreqd_virtio_queue_index(const struct ioreqd_virtio_queue *queue)
{
    return queue->index;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Memory of a queue
 */

static void free_memory(struct ioreqd_virtio_queue *queue)
{
    for (unsigned i = 0; i < RING_AREAS; i++) {
        if (queue->window[i] != NULL) {
            queue->device->host->window_close(queue->window[i]);
            queue->window[i] = NULL;
        }
    }
    request_pool_destroy(&queue->pool);
    free(queue->table);
    queue->table = NULL;
    free(queue->ids);
    queue->ids = NULL;
}

static bool open_windows(struct ioreqd_virtio_queue *queue)
{
    static const char *const name[RING_AREAS] = {"descriptor", "driver", "device"};
    const struct ioreqd_virtio_registers *registers = queue->device->registers;
    const struct ioreqd_host *host = queue->device->host;
    const uint64_t address[RING_AREAS] = {registers->queue_descriptor[queue->index],
                                          registers->queue_driver[queue->index], registers->queue_device[queue->index]};

    for (unsigned i = 0; i < RING_AREAS; i++) {
        size_t length = queue->ring->length(queue, (enum ring_area)i);
        int error = -EINVAL;

        if (address[i] % queue->ring->alignment[i] == 0 && address[i] + length >= address[i]) {
            error = host->window_open(queue->device->device, address[i], length, &queue->window[i]);
        }
        if (error != 0) {
            queue->window[i] = NULL;
        }
        if (error == -EIO) {
            return false;
        }
        if (error != 0) {
            virtio_device_break(queue->device, "queue %u: %s area of %zu bytes at %#llx cannot be used", queue->index,
                                name[i], length, (unsigned long long)address[i]);
            return false;
        }
    }
    return true;
}

static bool allocate(struct ioreqd_virtio_queue *queue)
{
    const struct ioreqd_virtio_options *options = &queue->device->options;

    queue->table = calloc(options->chain_limit, sizeof(*queue->table));
    queue->ids = calloc((queue->size + 63u) / 64, sizeof(*queue->ids));
    return queue->table != NULL && queue->ids != NULL &&
           request_pool_create(&queue->pool, queue, queue->size, options->chain_limit, options->context_size) == 0;
}

/* The size was checked when it was written, but perhaps before the features were agreed on. */
static bool is_size(const struct ioreqd_virtio_queue *queue)
{
    return queue->ring == &ring_packed || (queue->size & (queue->size - 1)) == 0;
}

bool virtio_queue_enable(struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_device *device = queue->device;

    if (!move(queue, ENABLE)) {
        return false;
    }
    queue->size = device->registers->queue_size[queue->index];
    queue->event_idx = virtio_device_negotiated(device, IOREQD_VIRTIO_F_EVENT_IDX);
    queue->indirect = virtio_device_negotiated(device, IOREQD_VIRTIO_F_INDIRECT_DESC);
    queue->in_order = virtio_device_negotiated(device, IOREQD_VIRTIO_F_IN_ORDER);
    queue->announced = virtio_device_negotiated(device, IOREQD_VIRTIO_F_NOTIFICATION_DATA);
    queue->ring = virtio_device_negotiated(device, IOREQD_VIRTIO_F_RING_PACKED) ? &ring_packed : &ring_split;
    device->registers->queue_next_available[queue->index] = queue->ring->first;
    device->registers->queue_next_used[queue->index] = queue->ring->first;
    if (!is_size(queue)) {
        virtio_device_break(device, "queue %u: size %u of a split ring is no power of 2", queue->index, queue->size);
    } else if (!allocate(queue)) {
        device->host->log(device->device, IOREQD_LOG_ERROR, "queue %u: no memory for %u requests", queue->index,
                          queue->size);
        virtio_device_break(device, "queue %u cannot be enabled", queue->index);
    } else if (open_windows(queue)) {
        return true;
    }
    virtio_queue_release(queue);
    return false;
}

void virtio_queue_release(struct ioreqd_virtio_queue *queue)
{
    if (move(queue, RELEASE)) {
        free_memory(queue);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Start and stop
 */

void virtio_queue_start(struct ioreqd_virtio_queue *queue)
{
    const struct ioreqd_virtio_registers *registers = queue->device->registers;

    if (!move(queue, START)) {
        return;
    }
    queue->vector = registers->queue_vector[queue->index];
    queue->next_available = registers->queue_next_available[queue->index];
    queue->seen_available = queue->next_available;
    queue->next_used = registers->queue_next_used[queue->index];
    if (!queue->ring->fits(queue)) {
        virtio_device_break(queue->device, "queue %u: it cannot go on at %#x and %#x", queue->index,
                            queue->next_available, queue->next_used);
    }
    turn_open(queue);
    /* Drivers may fill a queue before DRIVER_OK, and then have no reason to ring. */
    virtio_queue_ring_bell(queue);
}

void virtio_queue_stop(struct ioreqd_virtio_queue *queue, bool discard)
{
    if (move(queue, STOP) && turn_shut(queue, discard)) {
        move(queue, STOPPED);
    }
}

void virtio_queue_set_vector(struct ioreqd_virtio_queue *queue, uint16_t vector)
{
    atomic_store_explicit(&queue->vector, vector, memory_order_relaxed);
}

bool virtio_queue_configurable(const struct ioreqd_virtio_queue *queue)
{
    return queue->state == QUEUE_CONFIGURED;
}

bool virtio_queue_running(const struct ioreqd_virtio_queue *queue)
{
    return queue->state == QUEUE_RUNNING;
}

bool virtio_queue_stopping(const struct ioreqd_virtio_queue *queue)
{
    return queue->state == QUEUE_STOPPING;
}
