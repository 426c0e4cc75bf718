/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns of a virtqueue, see turn.h. All on the queue's loop, but for turn_prepare(), turn_open() and turn_shut(). */
#include "virtio/turn.h"

#include "virtio/moderation.h"

/*
 *            turn_open()           turn begins          turn_shut()
 *   SHUT ----------------> IDLE ----------------> BUSY ------------> DRAINING
 *    ^  <----------------      <----------------                         |
 *    |      turn_shut()          nothing in flight                       |
 *    +-------------------------------------------------------------------+
 *                             nothing in flight
 *
 * SHUT and IDLE are the main loop's to leave, BUSY and DRAINING the queue loop's, but that the main loop may move IDLE
 * or BUSY on by compare-and-swap. A queue that idles can so be stopped without waiting for its loop, and a reset by
 * firmware that does not poll for its end is over before the next register access.
 */
enum gate { GATE_SHUT, GATE_IDLE, GATE_BUSY, GATE_DRAINING };

static bool shift(struct ioreqd_virtio_queue *queue, unsigned from, unsigned to)
{
    return atomic_compare_exchange_strong_explicit(&queue->gate, &from, to, memory_order_acq_rel, memory_order_acquire);
}

static unsigned gate_of(struct ioreqd_virtio_queue *queue)
{
    return atomic_load_explicit(&queue->gate, memory_order_acquire);
}

static void post(struct ioreqd_virtio_queue *queue, struct ioreqd_work *work)
{
    queue->device->host->post(queue->loop, work);
}

static bool broken(const struct ioreqd_virtio_queue *queue)
{
    return atomic_load_explicit(&queue->device->broken, memory_order_relaxed);
}

/* Nothing more may be told to the driver, nor read from its rings: they may be gone. */
static bool silenced(const struct ioreqd_virtio_queue *queue)
{
    return broken(queue) || atomic_load_explicit(&queue->discard, memory_order_relaxed);
}

static bool enter(struct ioreqd_virtio_queue *queue)
{
    switch (gate_of(queue)) {
    case GATE_SHUT:
        return false;
    case GATE_IDLE:
        return shift(queue, GATE_IDLE, GATE_BUSY); /* or the main loop was first, and has shut it */
    default:
        return true; /* since an earlier turn */
    }
}

static void leave(struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_device *device = queue->device;

    if (queue->in_flight != 0 || queue->completed != NULL) {
        return;
    }
    if (queue->moderation.held) {
        if (gate_of(queue) != GATE_DRAINING) {
            return;
        }
        moderation_end(queue, silenced(queue));
    }
    if (shift(queue, GATE_BUSY, GATE_IDLE)) {
        return;
    }
    atomic_store_explicit(&queue->gate, GATE_SHUT, memory_order_release);
    device->host->post(device->host->main_loop(device->device), &queue->stopped_work);
}

/* Finds where the rings are now; false when the guest has taken them out of reach, be it by ending bus mastering. */
static bool locate(struct ioreqd_virtio_queue *queue)
{
    for (unsigned i = 0; i < RING_AREAS; i++) {
        queue->area[i] = queue->device->host->window_base(queue->window[i]);
        if (queue->area[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void recycle(struct ioreqd_virtio_queue *queue)
{
    while (queue->completed != NULL) {
        struct ioreqd_virtio_request *request = queue->completed;

        queue->completed = request->next;
        request_put(request);
    }
    queue->completed_end = &queue->completed;
}

static void publish(struct ioreqd_virtio_queue *queue)
{
    if (queue->completed == NULL) {
        return;
    }
    bool wanted = queue->ring->publish(queue, queue->completed);
    queue->device->registers->queue_next_used[queue->index] = queue->next_used;
    moderation_published(queue, wanted);
    recycle(queue);
}

static bool draining(struct ioreqd_virtio_queue *queue)
{
    return gate_of(queue) == GATE_DRAINING;
}

/* Buffers that the model has seen and put back are no reason to look again. */
static bool arm_at_end(struct ioreqd_virtio_queue *queue)
{
    uint16_t next_available = queue->next_available;
    bool more;

    queue->next_available = queue->end;
    more = queue->ring->arm(queue);
    queue->next_available = next_available;
    return more;
}

/*
 * Has the model take buffers until the ring is empty and the driver was asked to ring for more, or the turn has taken
 * its share. What is completed at once is told at the end of each round.
 */
static void serve(struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_device *device = queue->device;
    bool more;

    queue->budget = queue->size + 1u;
    do {
        more = false;
        queue->budget--; /* each round costs one: a driver may play with its index between two looks */
        queue->empty = false;
        queue->ring->hold(queue);
        device->options.ready(device->device, device->state, queue);
        device->registers->queue_next_available[queue->index] = queue->next_available;
        if (silenced(queue)) {
            recycle(queue);
            return;
        }
        publish(queue);
        if (queue->empty) {
            more = arm_at_end(queue);
        }
    } while (more && queue->budget != 0 && !draining(queue));
    if (more || queue->budget == 0) {
        queue->rung = true;
        post(queue, &queue->turn_work);
    }
}

/* Behind the gate. */
static void run_turn(struct ioreqd_virtio_queue *queue, bool rung)
{
    queue->rung |= rung;
    if (silenced(queue)) {
        recycle(queue);
    } else if (locate(queue)) {
        publish(queue);
        if (queue->rung && !draining(queue)) {
            queue->rung = false;
            serve(queue);
        }
    } else if (draining(queue)) {
        recycle(queue); /* as a write to memory that is not there */
    }
    queue->area[0] = NULL;
    leave(queue);
}

static void turn(void *argument)
{
    struct ioreqd_virtio_queue *queue = argument;

    if (enter(queue)) {
        run_turn(queue, false);
    }
}

static void bell(void *argument)
{
    struct ioreqd_virtio_queue *queue = argument;

    if (enter(queue)) {
        run_turn(queue, true);
    }
}

/* What the driver tells is not needed, as the ring itself is looked at; but it tells of the driver's errors. */
static void check_announcement(const struct ioreqd_virtio_queue *queue, uint32_t value)
{
    if ((value & 0xffffu) != queue->index || !queue->ring->announces(queue, (uint16_t)(value >> 16))) {
        queue->device->host->guest_error(queue->device->device, "queue %u: doorbell value %#x does not fit it",
                                         queue->index, value);
    }
}

void virtio_queue_bell(struct ioreqd_virtio_queue *queue, uint32_t value)
{
    if (enter(queue)) {
        if (queue->announced) {
            check_announcement(queue, value);
        }
        run_turn(queue, true);
    }
}

void virtio_queue_ring_bell(struct ioreqd_virtio_queue *queue)
{
    post(queue, &queue->bell_work);
}

bool virtio_queue_serves(struct ioreqd_virtio_queue *queue)
{
    return gate_of(queue) == GATE_BUSY && !silenced(queue);
}

void virtio_queue_end_turn(struct ioreqd_virtio_queue *queue)
{
    if (queue->area[0] == NULL) {
        leave(queue);
    }
}

static void complete(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    request->next = NULL;
    *queue->completed_end = request;
    queue->completed_end = &request->next;
}

/* The driver learns of what is done in the order in which it was taken (virtio 1.4 §6.2). */
static void complete_in_order(struct ioreqd_virtio_queue *queue)
{
    while (queue->ordered != NULL && queue->ordered->done) {
        struct ioreqd_virtio_request *request = queue->ordered;

        queue->ordered = request->next;
        complete(queue, request);
    }
    if (queue->ordered == NULL) {
        queue->ordered_end = &queue->ordered;
    }
}

/* The chain that waited for a room may have it. */
static void feed(struct ioreqd_virtio_queue *queue)
{
    if (request_has_room(&queue->pool)) {
        queue->starved = false;
        queue->rung = true;
        post(queue, &queue->turn_work);
    }
}

void virtio_queue_completed(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    queue->in_flight--;
    if (queue->in_order) {
        request->done = true;
        complete_in_order(queue);
    } else {
        complete(queue, request);
    }
    if (queue->starved) {
        feed(queue);
    }
    if (queue->area[0] == NULL && queue->completed != NULL) {
        post(queue, &queue->turn_work); /* with whatever else completes until it runs */
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * What models see
 */

static void taken(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    queue->budget--;
    queue->in_flight++;
    if (queue->in_order) {
        request->next = NULL;
        *queue->ordered_end = request;
        queue->ordered_end = &request->next;
    }
}

struct ioreqd_virtio_request *ioreqd_virtio_take(struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    if (queue->area[0] == NULL || queue->budget == 0 || broken(queue) || draining(queue)) {
        return NULL;
    }
    /* There is one for every buffer that a ring may hold, and one more to find it empty, or overfull, with. */
    request = request_get(&queue->pool);
    if (request == NULL) {
        return NULL;
    }
    switch (queue->ring->take(queue, request)) {
    case RING_TAKEN:
        taken(queue, request);
        return request;
    case RING_EMPTY:
        queue->empty = true;
        queue->end = queue->next_available;
        break;
    case RING_LATER:
        queue->rung = true;
        queue->ring->arm(queue); /* the driver has to ring once its memory is back */
        break;
    case RING_FULL:
        queue->starved = true;
        break;
    default:
        break;
    }
    request_put(request);
    return NULL;
}

/* It is the youngest, as it was taken last. */
static void leave_order(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *youngest)
{
    struct ioreqd_virtio_request **link = &queue->ordered;

    while (*link != NULL && *link != youngest) {
        link = &(*link)->next;
    }
    *link = NULL;
    queue->ordered_end = link;
}

void ioreqd_virtio_put_back(struct ioreqd_virtio_request *request)
{
    struct ioreqd_virtio_queue *queue = request->queue;

    request_unmap(request);
    if (queue->in_order) {
        leave_order(queue, request);
    }
    queue->ring->put_back(queue, request);
    queue->in_flight--;
    request_put(request);
}

void ioreqd_virtio_queue_kick(struct ioreqd_virtio_queue *queue)
{
    post(queue, &queue->bell_work);
}

void ioreqd_virtio_queue_run(struct ioreqd_virtio_queue *queue)
{
    bell(queue);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The main loop's side of the gate
 */

void turn_prepare(struct ioreqd_virtio_queue *queue)
{
    atomic_init(&queue->gate, GATE_SHUT);
    atomic_init(&queue->discard, false);
    queue->completed_end = &queue->completed;
    queue->ordered_end = &queue->ordered;
    queue->turn_work = (struct ioreqd_work){.run = turn, .argument = queue};
    queue->bell_work = (struct ioreqd_work){.run = bell, .argument = queue};
}

void turn_open(struct ioreqd_virtio_queue *queue)
{
    queue->rung = false;
    queue->starved = false;
    atomic_store_explicit(&queue->discard, false, memory_order_relaxed);
    atomic_store_explicit(&queue->gate, GATE_IDLE, memory_order_release);
}

bool turn_shut(struct ioreqd_virtio_queue *queue, bool discard)
{
    if (discard) {
        atomic_store_explicit(&queue->discard, true, memory_order_relaxed);
    }
    for (;;) {
        switch (gate_of(queue)) {
        case GATE_IDLE:
            if (shift(queue, GATE_IDLE, GATE_SHUT)) {
                return true;
            }
            break;
        case GATE_BUSY:
            if (shift(queue, GATE_BUSY, GATE_DRAINING)) {
                post(queue, &queue->turn_work);
                return false;
            }
            break;
        case GATE_DRAINING: /* for an earlier call, that may have waited for the driver to be told */
            post(queue, &queue->turn_work);
            return false;
        default: /* shut for an earlier call: stopped_work is on its way */
            return false;
        }
    }
}
