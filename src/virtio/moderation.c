/* SPDX-License-Identifier: BSD-2-Clause */
/* Moderation of interrupts, see moderation.h. */
#include "virtio/moderation.h"

#include "virtio/interrupt.h"
#include "virtio/queue.h"

static bool is_off(const struct moderation *moderation)
{
    return moderation->delay == 0 || moderation->buffers == 0;
}

static void tell(struct ioreqd_virtio_queue *queue)
{
    queue->moderation.held = false;
    virtio_interrupt_queue(queue->device, queue->vector);
}

/* A timer that is set for an earlier end stays: it finds out when it fires, and the next period needs it anyway. */
static void await(struct ioreqd_virtio_queue *queue)
{
    struct moderation *moderation = &queue->moderation;

    if (!moderation->set) {
        moderation->set = true;
        queue->device->host->timer_set(moderation->timer, moderation->since + moderation->delay);
    }
}

static void fire(void *argument)
{
    struct ioreqd_virtio_queue *queue = argument;
    struct moderation *moderation = &queue->moderation;

    moderation->set = false;
    if (!virtio_queue_serves(queue) || !moderation->held) {
        return; /* what it was set for was told before */
    }
    if (queue->device->host->now(queue->device->device) < moderation->since + moderation->delay) {
        await(queue);
        return;
    }
    tell(queue);
    virtio_queue_end_turn(queue);
}

void moderation_published(struct ioreqd_virtio_queue *queue, bool wanted)
{
    struct moderation *moderation = &queue->moderation;

    if (is_off(moderation)) {
        if (wanted) {
            tell(queue);
        }
        return;
    }
    if (!moderation->held) {
        if (!wanted) {
            return;
        }
        moderation->held = true;
        moderation->count = 0;
        moderation->since = queue->device->host->now(queue->device->device);
    }
    for (const struct ioreqd_virtio_request *request = queue->completed; request != NULL; request = request->next) {
        moderation->count++;
    }
    if (moderation->count >= moderation->buffers) {
        tell(queue);
    } else {
        await(queue);
    }
}

void moderation_end(struct ioreqd_virtio_queue *queue, bool silenced)
{
    if (silenced) {
        queue->moderation.held = false;
    } else if (queue->moderation.held) {
        tell(queue);
    }
}

/* Notification conditions are looked at again with the new limits (virtio 1.4 §5.1.9.5.10.4). */
void ioreqd_virtio_queue_moderate(struct ioreqd_virtio_queue *queue, uint32_t buffers, uint64_t delay)
{
    struct moderation *moderation = &queue->moderation;

    if (moderation->timer == NULL) {
        return;
    }
    moderation->buffers = buffers;
    moderation->delay = delay;
    if (!moderation->held || !virtio_queue_serves(queue)) {
        return;
    }
    if (is_off(moderation) || moderation->count >= buffers) {
        tell(queue);
        virtio_queue_end_turn(queue);
    } else {
        moderation->set = false; /* the delay may be shorter now */
        await(queue);
    }
}

int moderation_create(struct ioreqd_virtio_device *device)
{
    int error = 0;

    for (unsigned i = 0; device->options.moderated != 0 && i < device->options.queues && error == 0; i++) {
        struct ioreqd_virtio_queue *queue = &device->queues[i];

        error = device->host->timer_create(device->device, queue->loop, fire, queue, &queue->moderation.timer);
        if (error != 0) {
            queue->moderation.timer = NULL;
        }
    }
    return error;
}

void moderation_destroy(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        if (device->queues[i].moderation.timer != NULL) {
            device->host->timer_destroy(device->queues[i].moderation.timer);
        }
    }
}

void moderation_reset(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        struct moderation *moderation = &device->queues[i].moderation;

        moderation->buffers = 0;
        moderation->delay = 0;
    }
}
