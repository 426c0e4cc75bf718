/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packed virtqueue (virtio 1.4 §2.8). This file alone reads its ring, which a hostile driver may change at any
 * moment: each member is read once into private memory, and what is checked is what is used. On the queue's loop.
 *
 * A place in the ring is told as in the event suppression structures: an offset in bits 0 to 14, and in bit 15 the wrap
 * counter of the lap, which begins with 1. next_available is the first descriptor that was not taken, next_used the one
 * that the next used descriptor goes to; what lies between them is in flight.
 */
#include <endian.h>

#include "virtio/chain.h"
#include "virtio/queue.h"

#define DESCRIPTOR_AVAILABLE (1u << 7)
#define DESCRIPTOR_USED      (1u << 15)

#define PLACE_WRAP 0x8000u

enum event_flags { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESCRIPTOR = 2, EVENT_FLAGS = 3 };

/* Driver and device area (§2.8.14). */
struct event_suppression {
    _Atomic uint16_t place;
    _Atomic uint16_t flags;
};

_Static_assert(sizeof(struct event_suppression) == 4, "an event suppression structure has 4 bytes");

static volatile struct virtio_descriptor *descriptor_at(const struct ioreqd_virtio_queue *queue, uint16_t place)
{
    return (volatile struct virtio_descriptor *)queue->area[RING_DESCRIPTOR_AREA] + (place & ~PLACE_WRAP);
}

static volatile _Atomic uint16_t *flags_at(const struct ioreqd_virtio_queue *queue, uint16_t place)
{
    return (volatile _Atomic uint16_t *)&descriptor_at(queue, place)->fourth;
}

static uint16_t load(const volatile _Atomic uint16_t *from, memory_order order)
{
    return le16toh(atomic_load_explicit(from, order));
}

static void store(volatile _Atomic uint16_t *to, uint16_t value, memory_order order)
{
    atomic_store_explicit(to, htole16(value), order);
}

/* The place that lies descriptors, up to as many as the ring has, further on. */
static uint16_t advance(const struct ioreqd_virtio_queue *queue, uint16_t place, unsigned descriptors)
{
    unsigned offset = (place & ~PLACE_WRAP) + descriptors;
    unsigned wrap = place & PLACE_WRAP;

    if (offset >= queue->size) {
        offset -= queue->size;
        wrap ^= PLACE_WRAP;
    }
    return (uint16_t)(offset | wrap);
}

/* How many descriptors on from a place another lies; more than the ring has when it is none of this lap or the next. */
static unsigned distance(const struct ioreqd_virtio_queue *queue, uint16_t from, uint16_t to)
{
    unsigned lap = ((from ^ to) & PLACE_WRAP) != 0 ? queue->size : 0;

    return (to & ~PLACE_WRAP) + lap - (from & ~PLACE_WRAP);
}

static bool in_ring(const struct ioreqd_virtio_queue *queue, uint16_t place)
{
    return (place & ~PLACE_WRAP) < queue->size;
}

static bool fits(const struct ioreqd_virtio_queue *queue)
{
    return in_ring(queue, queue->next_available) && in_ring(queue, queue->next_used) &&
           distance(queue, queue->next_used, queue->next_available) <= queue->size;
}

static size_t length(const struct ioreqd_virtio_queue *queue, enum ring_area area)
{
    return area == RING_DESCRIPTOR_AREA ? queue->size * sizeof(struct virtio_descriptor)
                                        : sizeof(struct event_suppression);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Chains
 */

/* Whether flags, at a place, are those of a descriptor that the driver has made available (§2.8.1). */
static bool is_available(uint16_t flags, uint16_t place)
{
    bool wrap = (place & PLACE_WRAP) != 0;

    return ((flags & DESCRIPTOR_AVAILABLE) != 0) == wrap && ((flags & DESCRIPTOR_USED) != 0) != wrap;
}

/* flags were read before, and once: with those that tell that the descriptor is there. */
static struct chain_element read_once(const volatile struct virtio_descriptor *descriptor, uint16_t flags)
{
    return (struct chain_element){
        .address = le64toh(descriptor->address),
        .length = le32toh(descriptor->length),
        .flags = flags,
        .other = le16toh(descriptor->third),
    };
}

/* The elements of a table follow each other; of their flags WRITE alone has a meaning (§2.8.7). */
static enum ring_result walk_table(struct ioreqd_virtio_queue *queue, const struct chain_element *indirect,
                                   struct ioreqd_virtio_request *request)
{
    unsigned descriptors;
    enum ring_result result = chain_fetch_table(queue, indirect, &descriptors);

    for (unsigned i = 0; result == RING_TAKEN && i < descriptors; i++) {
        const struct chain_element element = read_once(&queue->table[i], le16toh(queue->table[i].fourth));

        result = chain_append(queue, request, &element);
    }
    return result;
}

/* Marks a buffer id as in flight. Drivers find what an id means in a table as large as the ring (§2.8.22). */
static bool claim(struct ioreqd_virtio_queue *queue, uint16_t id)
{
    uint64_t bit = UINT64_C(1) << (id % 64);

    if (id >= queue->size || (queue->ids[id / 64] & bit) != 0) {
        return false;
    }
    queue->ids[id / 64] |= bit;
    return true;
}

static void release(struct ioreqd_virtio_queue *queue, uint16_t id)
{
    queue->ids[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

/* flags: those of the first descriptor. */
static enum ring_result walk(struct ioreqd_virtio_queue *queue, uint16_t flags, struct ioreqd_virtio_request *request)
{
    unsigned room = queue->size - distance(queue, queue->next_used, queue->next_available);
    uint16_t here = queue->next_available;
    unsigned walked = 0;
    struct chain_element element;
    enum ring_result result;

    for (;;) {
        if (walked == room) {
            return chain_refuse(queue, "chain of more descriptors than the ring has free");
        }
        element = read_once(descriptor_at(queue, here), flags);
        if ((flags & DESCRIPTOR_INDIRECT) == 0) {
            result = chain_append(queue, request, &element);
        } else if (walked == 0) {
            result = walk_table(queue, &element, request);
        } else {
            return chain_refuse(queue, "indirect descriptor in a chain"); /* (§2.8.19) */
        }
        if (result != RING_TAKEN) {
            return result;
        }
        walked++;
        if ((flags & DESCRIPTOR_NEXT) == 0) {
            break;
        }
        here = advance(queue, here, 1);
        /* The driver makes the first one available last (§2.8.17): the acquire of its flags covers these. */
        flags = load(flags_at(queue, here), memory_order_relaxed);
        if (!is_available(flags, here)) {
            return chain_refuse(queue, "chain that goes on in a descriptor that is not available");
        }
    }
    request->descriptors = (uint16_t)walked;
    request->id = element.other; /* that of the last (§2.8.6) */
    return chain_end(queue, request);
}

static enum ring_result take(struct ioreqd_virtio_queue *queue, struct ioreqd_virtio_request *request)
{
    /* Acquire: what the descriptor says is read after the flags that expose it (§2.8.21.1). */
    uint16_t flags = load(flags_at(queue, queue->next_available), memory_order_acquire);
    enum ring_result result;

    if (!is_available(flags, queue->next_available)) {
        return RING_EMPTY;
    }
    result = walk(queue, flags, request);
    if (result != RING_TAKEN) {
        return result;
    }
    if (!claim(queue, request->id)) {
        return chain_refuse(queue, "buffer id that is in flight, or not below the queue's size");
    }
    queue->next_available = advance(queue, queue->next_available, request->descriptors);
    return RING_TAKEN;
}

static void put_back(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *request)
{
    unsigned offset = queue->next_available & ~PLACE_WRAP;
    unsigned wrap = queue->next_available & PLACE_WRAP;

    if (offset < request->descriptors) {
        offset += queue->size;
        wrap ^= PLACE_WRAP;
    }
    queue->next_available = (uint16_t)((offset - request->descriptors) | wrap);
    release(queue, request->id);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Notifications
 */

/*
 * The last of the requests, from first on, that one used descriptor can stand for, and how many descriptors of the ring
 * they have. With IN_ORDER that may be several, whose buffers but for the last's are then taken to be written in full
 * (§2.8.8).
 */
static const struct ioreqd_virtio_request *
last_of_batch(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *first, unsigned *descriptors)
{
    const struct ioreqd_virtio_request *last = first;

    *descriptors = last->descriptors;
    release(queue, last->id);
    while (queue->in_order && last->next != NULL && last->used == last->writable) {
        last = last->next;
        *descriptors += last->descriptors;
        release(queue, last->id);
    }
    return last;
}

/* Makes a descriptor a used one but for its flags, which are returned (§2.8.1, §2.8.3, §2.8.4). */
static uint16_t write_used(const struct ioreqd_virtio_queue *queue, uint16_t place,
                           const struct ioreqd_virtio_request *request)
{
    volatile struct virtio_descriptor *descriptor = descriptor_at(queue, place);
    unsigned flags = request->used != 0 ? DESCRIPTOR_WRITE : 0;

    descriptor->third = htole16(request->id);
    descriptor->length = htole32(request->used);
    if ((place & PLACE_WRAP) != 0) {
        flags |= DESCRIPTOR_AVAILABLE | DESCRIPTOR_USED;
    }
    return (uint16_t)flags;
}

/* Whether the driver asked for an interrupt when one of the descriptors from before on, so many of them, is used. */
static bool wants_interrupt(const struct ioreqd_virtio_queue *queue, uint16_t before, unsigned descriptors)
{
    volatile struct event_suppression *driver = queue->area[RING_DRIVER_AREA];
    /* Acquire: a driver writes the place before the flags that give it a meaning. */
    unsigned flags = load(&driver->flags, memory_order_acquire) & EVENT_FLAGS;

    if (flags == EVENT_DESCRIPTOR && queue->event_idx) {
        return distance(queue, before, load(&driver->place, memory_order_relaxed)) < descriptors;
    }
    return flags != EVENT_DISABLE;
}

static bool publish(struct ioreqd_virtio_queue *queue, const struct ioreqd_virtio_request *first)
{
    uint16_t before = queue->next_used;
    uint16_t first_flags = 0;
    unsigned all = 0;

    for (const struct ioreqd_virtio_request *request = first; request != NULL; request = request->next) {
        uint16_t here = queue->next_used;
        unsigned descriptors;
        uint16_t flags;

        request = last_of_batch(queue, request, &descriptors);
        flags = write_used(queue, here, request);
        if (all == 0) {
            first_flags = flags;
        } else {
            store(flags_at(queue, here), flags, memory_order_relaxed);
        }
        all += descriptors;
        queue->next_used = advance(queue, here, descriptors);
    }
    /* Release: the driver waits for this descriptor, and then sees all that lie behind it, and the data (§2.8.2). */
    store(flags_at(queue, before), first_flags, memory_order_release);
    /* It must be out before the driver's wish is read, or both sides may wait for the other (§2.8.10). */
    atomic_thread_fence(memory_order_seq_cst);
    return wants_interrupt(queue, before, all);
}

/* With EVENT_IDX nothing is to be done: the driver rings once when it passes the place, and then not again. */
static void hold(struct ioreqd_virtio_queue *queue)
{
    volatile struct event_suppression *device = queue->area[RING_DEVICE_AREA];

    if (!queue->event_idx) {
        store(&device->flags, EVENT_DISABLE, memory_order_relaxed);
    }
}

static bool arm(struct ioreqd_virtio_queue *queue)
{
    volatile struct event_suppression *device = queue->area[RING_DEVICE_AREA];

    if (queue->event_idx) {
        store(&device->place, queue->next_available, memory_order_relaxed);
        store(&device->flags, EVENT_DESCRIPTOR, memory_order_release); /* after the place that they give a meaning */
    } else {
        store(&device->flags, EVENT_ENABLE, memory_order_relaxed);
    }
    /* The wish must be out before the ring is read again: the driver does the same the other way round (§2.8.21). */
    atomic_thread_fence(memory_order_seq_cst);
    return is_available(load(flags_at(queue, queue->next_available), memory_order_relaxed), queue->next_available);
}

static bool announces(const struct ioreqd_virtio_queue *queue, uint16_t next)
{
    return in_ring(queue, next);
}

const struct ring_ops ring_packed = {
    .alignment = {[RING_DESCRIPTOR_AREA] = 16, [RING_DRIVER_AREA] = 4, [RING_DEVICE_AREA] = 4}, /* (§2.8.10.1) */
    .first = PLACE_WRAP,
    .length = length,
    .fits = fits,
    .take = take,
    .put_back = put_back,
    .publish = publish,
    .hold = hold,
    .arm = arm,
    .announces = announces,
};
