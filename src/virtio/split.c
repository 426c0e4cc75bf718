/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split virtqueue (virtio 1.4 §2.7). This file alone reads its rings, which a hostile driver may change at any
 * moment: each member is read once into private memory, and what is checked is what is used. On the queue's loop.
 */
#include <endian.h>

#include "virtio/chain.h"
#include "virtio/queue.h"

#define AVAILABLE_NO_INTERRUPT 1u
#define USED_NO_NOTIFY         1u

/* The driver area; used_event follows the ring (§2.7.6). */
struct available {
    _Atomic uint16_t flags;
    _Atomic uint16_t index;
    _Atomic uint16_t ring[];
};

/* The device area; avail_event follows the entries (§2.7.8). */
struct used {
    _Atomic uint16_t flags;
    _Atomic uint16_t index;
    struct used_entry {
        uint32_t id;
        uint32_t length;
    } entry[];
};

static volatile struct available *available_of(const struct ioreqd_virtio_queue *queue)
{
    return queue->area[RING_DRIVER_AREA];
}

static volatile struct used *used_of(const struct ioreqd_virtio_queue *queue)
{
    return queue->area[RING_DEVICE_AREA];
}

static volatile _Atomic uint16_t *available_event_of(const struct ioreqd_virtio_queue *queue)
{
    return (volatile _Atomic uint16_t *)&used_of(queue)->entry[queue->size];
}

static uint16_t load(const volatile _Atomic uint16_t *place, memory_order order)
{
    return le16toh(atomic_load_explicit(place, order));
}

static void store(volatile _Atomic uint16_t *place, uint16_t value, memory_order order)
{
    atomic_store_explicit(place, htole16(value), order);
}

static size_t length(const struct ioreqd_virtio_queue *queue, enum ring_area area)
{
    size_t event = queue->event_idx ? sizeof(uint16_t) : 0;

    switch (area) {
    case RING_DESCRIPTOR_AREA:
        return queue->size * sizeof(struct virtio_descriptor);
    case RING_DRIVER_AREA:
        return sizeof(struct available) + queue->size * sizeof(uint16_t) + event;
    default:
        return sizeof(struct used) + queue->size * sizeof(struct used_entry) + event;
    }
}

static bool fits(const struct ioreqd_virtio_queue *queue)
{
    return (uint16_t)(queue->next_available - queue->next_used) <= queue->size;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Chains
 */

static struct chain_element read_once(const volatile struct virtio_descriptor *descriptor)
{
    return (struct chain_element){
        .address = le64toh(descriptor->address),
        .length = le32toh(descriptor->length),
        .flags = le16toh(descriptor->third),
        .other = le16toh(descriptor->fourth),
    };
}

/* Direct descriptors, and perhaps a table at their end (§2.7.5.3.2). request_append() bounds the number. */
static enum ring_result walk(struct ioreqd_virtio_queue *queue, unsigned next, struct ioreqd_virtio_request *request)
{
    const volatile struct virtio_descriptor *table = queue->area[RING_DESCRIPTOR_AREA];
    unsigned descriptors = queue->size;
    struct chain_element element;
    enum ring_result result;

    do {
        if (next >= descriptors) {
            return chain_refuse(queue, "descriptor index beyond its table");
        }
        element = read_once(&table[next]);
        if ((element.flags & DESCRIPTOR_INDIRECT) != 0) {
            if (table == queue->table) {
                return chain_refuse(queue, "indirect descriptor in an indirect table");
            }
            result = chain_fetch_table(queue, &element, &descriptors);
            table = queue->table;
            next = 0;
            element.flags = DESCRIPTOR_NEXT;
        } else {
            result = chain_append(queue, request, &element);
            next = element.other;
        }
        if (result != RING_TAKEN) {
            return result;
        }
    } while ((element.flags & DESCRIPTOR_NEXT) != 0);
    return chain_end(queue, request);
}

/* Learns of what the driver has added; false when it lies. */
static bool look(struct ioreqd_virtio_queue *queue)
{
    /* Acquire: entries and descriptors are read after the index that exposes them (§2.7.13). */
    uint16_t index = load(&available_of(queue)->index, memory_order_acquire);
    unsigned waiting = (uint16_t)(index - queue->next_available);
    unsigned taken = (uint16_t)(queue->next_available - queue->next_used);

    /* Each descriptor is in one chain only, so there are never more buffers than that. */
    if (waiting + taken > queue->size) {
        virtio_device_break(queue->device, "queue %u: available index %u is ahead by more than the %u of the queue",
                            queue->index, index, queue->size);
        return false;
    }
    queue->seen_available = index;
    return true;
}

static enum ring_result take(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    if (queue->next_available == queue->seen_available) {
        if (!look(queue)) {
            return RING_BROKEN;
        }
        if (queue->next_available == queue->seen_available) {
            return RING_EMPTY;
        }
    }
    unsigned slot = queue->next_available & (queue->size - 1u);
    uint16_t head = load(&available_of(queue)->ring[slot], memory_order_relaxed);
    enum ring_result result = walk(queue, head, request);

    request->id = head;
    if (result == RING_TAKEN) {
        queue->next_available++;
    }
    return result;
}

static void put_back(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *request)
{
    (void)request;
    queue->next_available--;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Notifications
 */

static bool publish(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *first)
{
    volatile struct used *used = used_of(queue);
    uint16_t before = queue->next_used;
    uint16_t after = before;

    for (const struct ioreqd_virtio_request *request = first; request != NULL; request = request->next) {
        volatile struct used_entry *entry = &used->entry[after++ & (queue->size - 1u)];

        entry->id = htole32(request->id);
        entry->length = htole32(request->used);
    }
    queue->next_used = after;
    /* Release: the driver sees the entries, and the data, before the index (§2.7.8.2). */
    store(&used->index, after, memory_order_release);
    /* The index must be out before the driver's wish is read, or both sides may wait for the other (§2.7.14). */
    atomic_thread_fence(memory_order_seq_cst);
    if (queue->event_idx) {
        uint16_t event = load(&available_of(queue)->ring[queue->size], memory_order_relaxed);

        return (uint16_t)(after - event - 1) < (uint16_t)(after - before); /* (§2.7.7.2) */
    }
    return (load(&available_of(queue)->flags, memory_order_relaxed) & AVAILABLE_NO_INTERRUPT) == 0;
}

/* With EVENT_IDX nothing is to be done: the driver rings once when it passes avail_event, and then not again. */
static void hold(struct ioreqd_virtio_queue *queue)
{
    if (!queue->event_idx) {
        store(&used_of(queue)->flags, USED_NO_NOTIFY, memory_order_relaxed);
    }
}

static bool arm(struct ioreqd_virtio_queue *queue)
{
    if (queue->event_idx) {
        store(available_event_of(queue), queue->next_available, memory_order_relaxed);
    } else {
        store(&used_of(queue)->flags, 0, memory_order_relaxed);
    }
    /* The wish must be out before the index is read again: the driver does the same the other way round (§2.7.13.4). */
    atomic_thread_fence(memory_order_seq_cst);
    return load(&available_of(queue)->index, memory_order_relaxed) != queue->next_available;
}

/* The available index, any of them: the ring itself tells the truth. */
static bool announces(const struct ioreqd_virtio_queue *queue, uint16_t next)
{
    (void)queue;
    (void)next;
    return true;
}

const struct ring_ops ring_split = {
    .alignment = {[RING_DESCRIPTOR_AREA] = 16, [RING_DRIVER_AREA] = 2, [RING_DEVICE_AREA] = 4}, /* (§2.7) */
    .first = 0,
    .length = length,
    .fits = fits,
    .take = take,
    .put_back = put_back,
    .publish = publish,
    .hold = hold,
    .arm = arm,
    .announces = announces,
};
