/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues in a storm, see storm.h: vCPUs that keep them full, each on a thread of its own, and one request at a time
 * when those are gone.
 */
#include <sched.h>

#include "tests/worker/storm_private.h"

#define TABLE    3072u /* in a slot: indirect table */
#define WRITABLE 4096u

unsigned storm_queues(void)
{
    return storm.queues_used;
}

uint64_t storm_slot(unsigned queue, unsigned slot)
{
    return BUFFERS + (queue * SLOTS + slot) * SLOT;
}

uint8_t *storm_view(uint64_t address, uint64_t length)
{
    return sim_memory(storm.stack.sim, address, (size_t)length);
}

/* ---- requests; with the queue's lock ---- */

static unsigned cut(struct virtio_segment *segment, uint64_t address, uint32_t length, bool device_writes,
                    uint32_t share)
{
    unsigned count = 0;

    share = share < length ? share : 0;
    if (share > 0) {
        segment[count++] = (struct virtio_segment){address, share, device_writes};
    }
    if (length > share) {
        segment[count++] = (struct virtio_segment){address + share, length - share, device_writes};
    }
    return count;
}

static bool storm_give(unsigned index, unsigned slot, const struct storm_request *request, uint32_t share,
                       bool indirect)
{
    struct storm_queue *queue = &storm.queues[index];
    const uint64_t at = storm_slot(index, slot);
    struct virtio_segment segment[4];
    unsigned count = cut(segment, at, request->readable, false, share);
    int head;

    count += cut(segment + count, at + WRITABLE, request->writable, true, share);
    head = virtio_queue_add(&queue->ring, segment, count, indirect ? at + TABLE : 0);
    if (head < 0) {
        return false;
    }
    queue->slot_of[head] = (uint8_t)slot;
    queue->idle &= ~(1u << slot);
    queue->given++;
    return true;
}

int storm_take(unsigned index, uint32_t *written)
{
    struct storm_queue *queue = &storm.queues[index];
    int head = virtio_queue_take(&queue->ring, written);

    if (head < 0) {
        return head;
    }
    queue->idle |= 1u << queue->slot_of[head];
    queue->given--;
    return queue->slot_of[head];
}

void storm_notify(unsigned index, const struct vcpu *by)
{
    (void)virtio_queue_needs_kick(&storm.queues[index].ring);
    virtio_queue_notify(&storm.queues[index].ring, by);
}

static void serve(unsigned index, const struct vcpu *by, uint32_t *seed)
{
    struct storm_queue *queue = &storm.queues[index];
    uint32_t written;

    while (storm_take(index, &written) >= 0) {
        atomic_fetch_add(&storm.answers, 1);
    }
    for (unsigned more = storm_random(seed) % 12; more > 0 && queue->idle != 0; more--) {
        unsigned slot = (unsigned)__builtin_ctz(queue->idle);
        struct storm_request request = storm_request_of(index, slot);

        storm.kind->fill(index, &request, seed);
        if (!storm_give(index, slot, &request, storm_random(seed) % 64, storm_random(seed) % 2 == 0)) {
            break;
        }
        atomic_fetch_add(&storm.requests, 1);
    }
    if (virtio_queue_needs_kick(&queue->ring) || storm_random(seed) % 16 == 0) {
        virtio_queue_notify(&queue->ring, by);
    }
}

void *storm_keep_full(void *argument)
{
    const struct vcpu *by = argument;
    uint32_t seed = by->index;

    while (!atomic_load(&storm.over)) {
        unsigned index = storm_random(&seed) % STORM_QUEUES;

        pthread_mutex_lock(&storm.queues[index].lock);
        if (storm.queues[index].open) {
            serve(index, by, &seed);
        }
        pthread_mutex_unlock(&storm.queues[index].lock);
        sched_yield(); /* the lock is nobody's for a moment */
    }
    return NULL;
}

/* ---- what prove() uses, when the threads are gone ---- */

struct storm_request storm_request_of(unsigned queue, unsigned slot)
{
    return (struct storm_request){.bytes = storm_view(storm_slot(queue, slot), SLOT)};
}

const uint8_t *storm_written(unsigned queue, unsigned slot)
{
    return storm_view(storm_slot(queue, slot) + WRITABLE, STORM_WRITABLE);
}

int storm_next(unsigned queue, uint32_t *written)
{
    const time_t end = storm_now() + STORM_PATIENCE;
    int slot;

    while ((slot = storm_take(queue, written)) < 0 && storm_now() < end) {
        sched_yield();
    }
    return slot;
}

bool storm_do(unsigned queue, unsigned slot, const struct storm_request *request, bool wait, uint32_t *written)
{
    if (!storm_give(queue, slot, request, 0, false)) {
        return false;
    }
    storm_notify(queue, &storm.vcpu[0]);
    return !wait || storm_next(queue, written) == (int)slot;
}
