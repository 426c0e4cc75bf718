/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtqueues of either format from the driver's side, see virtio.h. Each area is on pages of its own. */
#include <string.h>

#include "tests/drv/virtio.h"

#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

#define PAGE 4096u

#define PACKED_AVAILABLE (1u << 7)
#define PACKED_USED      (1u << 15)
#define PLACE_WRAP       0x8000u

enum event { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESCRIPTOR = 2 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t third;  /* split: flags; packed: buffer id */
    uint16_t fourth; /* split: next; packed: flags */
};

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint64_t driver_area(uint16_t size)
{
    return whole_pages(UINT64_C(16) * size);
}

static uint64_t device_area(uint16_t size)
{
    return driver_area(size) + whole_pages(6 + UINT64_C(2) * size);
}

uint64_t virtio_queue_bytes(uint16_t size)
{
    return device_area(size) + whole_pages(6 + UINT64_C(8) * size);
}

static struct descriptor *descriptors(const struct virtio_queue *queue)
{
    return (struct descriptor *)(void *)queue->view;
}

static bool has(const struct virtio_queue *queue, uint64_t feature)
{
    return (queue->virtio->features & feature) != 0;
}

/* Split: flags, index, ring[size], used_event. Packed: place, flags. */
static _Atomic uint16_t *driver_word(const struct virtio_queue *queue, unsigned at)
{
    return (_Atomic uint16_t *)(void *)(queue->view + driver_area(queue->size)) + at;
}

/* Split: flags, index, entries of 8 bytes, avail_event. Packed: place, flags. */
static _Atomic uint16_t *device_word(const struct virtio_queue *queue, unsigned at)
{
    return (_Atomic uint16_t *)(void *)(queue->view + device_area(queue->size)) + at;
}

static uint32_t used_entry(const struct virtio_queue *queue, uint16_t index, unsigned word)
{
    uint32_t value;

    memcpy(&value, queue->view + device_area(queue->size) + 4 + 8u * (index % queue->size) + 4 * word, sizeof(value));
    return value;
}

static void put_address(struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, uint64_t address)
{
    virtio_put(virtio, vcpu, reg, 4, (uint32_t)address);
    virtio_put(virtio, vcpu, reg + 4, 4, (uint32_t)(address >> 32));
}

bool virtio_queue_open(struct virtio_queue *queue, struct virtio *virtio, const struct vcpu *vcpu, uint16_t index,
                       uint16_t size, uint64_t memory, uint16_t vector)
{
    uint16_t most;

    virtio_put(virtio, vcpu, VIRTIO_QUEUE_SELECT, 2, index);
    most = (uint16_t)virtio_get(virtio, vcpu, VIRTIO_QUEUE_SIZE, 2);
    size = size == 0 ? most : size;
    if (size == 0 || size > most || size > VIRTIO_QUEUE_MAX) {
        return false;
    }
    *queue = (struct virtio_queue){.virtio = virtio, .index = index, .size = size, .memory = memory, .free = size};
    queue->view = sim_memory(vcpu->sim, memory, virtio_queue_bytes(size));
    if (queue->view == NULL) {
        return false;
    }
    memset(queue->view, 0, virtio_queue_bytes(size));
    for (uint16_t i = 0; i < size; i++) {
        queue->next[i] = (uint16_t)((i + 1) % size);
    }
    queue->next_available = PLACE_WRAP;
    queue->next_used = PLACE_WRAP;
    queue->place_kicked = PLACE_WRAP;
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_SIZE, 2, size);
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_VECTOR, 2, vector);
    queue->notify_off = (uint16_t)virtio_get(virtio, vcpu, VIRTIO_QUEUE_NOTIFY_OFF, 2);
    put_address(virtio, vcpu, VIRTIO_QUEUE_DESC, memory);
    put_address(virtio, vcpu, VIRTIO_QUEUE_DRIVER, memory + driver_area(size));
    put_address(virtio, vcpu, VIRTIO_QUEUE_DEVICE, memory + device_area(size));
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_ENABLE, 2, 1);
    return virtio_get(virtio, vcpu, VIRTIO_QUEUE_VECTOR, 2) == vector;
}

/* ---- making buffers available ---- */

static unsigned flags_of(const struct virtio_segment *segment, bool last)
{
    return (segment->device_writes ? DESCRIPTOR_WRITE : 0) | (last ? 0 : DESCRIPTOR_NEXT);
}

static void expose(struct virtio_queue *queue, uint16_t head)
{
    atomic_store_explicit(driver_word(queue, 2u + queue->available % queue->size), head, memory_order_relaxed);
    queue->available++;
    /* Before the look at avail_event or the flags, which decide on the kick (§2.7.13.4.1). */
    atomic_store(driver_word(queue, 1), queue->available);
}

/* A chain of the ring's descriptors. With IN_ORDER they follow each other, as none is free before an older one (§2.7.5). */
static uint16_t add_split(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count,
                          unsigned more)
{
    uint16_t head = queue->free_head;
    uint16_t at = head;

    for (unsigned i = 0; i < count; i++) {
        bool last = i + 1 == count;

        descriptors(queue)[at] = (struct descriptor){
            .address = segment[i].address,
            .length = segment[i].length,
            .third = (uint16_t)(flags_of(&segment[i], last) | more),
            .fourth = last ? 0 : queue->next[at],
        };
        at = queue->next[at];
    }
    queue->free_head = at;
    expose(queue, head);
    return head;
}

static uint16_t advance(const struct virtio_queue *queue, uint16_t place, unsigned count)
{
    unsigned offset = (place & ~PLACE_WRAP) + count;

    return (uint16_t)(offset < queue->size ? (place & PLACE_WRAP) | offset
                                           : ((place & PLACE_WRAP) ^ PLACE_WRAP) | (offset - queue->size));
}

static _Atomic uint16_t *packed_flags(const struct virtio_queue *queue, uint16_t place)
{
    return (_Atomic uint16_t *)(void *)&descriptors(queue)[place & ~PLACE_WRAP].fourth;
}

static uint16_t add_packed(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count,
                           unsigned more)
{
    uint16_t id = queue->free_head;
    uint16_t first = queue->next_available;
    uint16_t first_flags = 0;

    for (unsigned i = 0; i < count; i++) {
        uint16_t here = queue->next_available;
        struct descriptor *descriptor = &descriptors(queue)[here & ~PLACE_WRAP];
        uint16_t flags = (uint16_t)(flags_of(&segment[i], i + 1 == count) | more |
                                    ((here & PLACE_WRAP) != 0 ? PACKED_AVAILABLE : PACKED_USED));

        descriptor->address = segment[i].address;
        descriptor->length = segment[i].length;
        descriptor->third = i + 1 == count ? id : (uint16_t)~id; /* that of the last counts (§2.8.6) */
        if (i == 0) {
            first_flags = flags;
        } else {
            atomic_store_explicit(packed_flags(queue, here), flags, memory_order_relaxed);
        }
        queue->next_available = advance(queue, here, 1);
    }
    queue->free_head = queue->next[id];
    queue->available = (uint16_t)(queue->available + count);
    /* Last, and before the look at the device's wish (§2.8.17, §2.8.21.2). */
    atomic_store(packed_flags(queue, first), first_flags);
    return id;
}

static void write_table(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count,
                        uint64_t table)
{
    uint8_t *view = queue->view - queue->memory + table; /* the guest's memory is one piece in its own view */

    for (unsigned i = 0; i < count; i++) {
        bool packed = has(queue, VIRTIO_F_RING_PACKED);
        uint16_t flags = (uint16_t)flags_of(&segment[i], packed || i + 1 == count);
        uint16_t next = i + 1 == count ? 0 : (uint16_t)(i + 1);
        struct descriptor descriptor = {
            .address = segment[i].address,
            .length = segment[i].length,
            .third = packed ? 0 : flags,
            .fourth = packed ? flags : next,
        };

        memcpy(view + sizeof(descriptor) * i, &descriptor, sizeof(descriptor));
    }
}

int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count, uint64_t table)
{
    bool indirect = table != 0 && has(queue, VIRTIO_F_INDIRECT_DESC);
    struct virtio_segment whole = {.address = table, .length = (uint32_t)(sizeof(struct descriptor) * count)};
    unsigned needed = indirect ? 1 : count;
    uint32_t writable = 0;
    uint16_t head;

    if (queue->free < needed || count == 0 || count > queue->size) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        writable += segment[i].device_writes ? segment[i].length : 0;
    }
    if (indirect) {
        write_table(queue, segment, count, table);
        segment = &whole;
    }
    head = has(queue, VIRTIO_F_RING_PACKED) ? add_packed(queue, segment, needed, indirect ? DESCRIPTOR_INDIRECT : 0)
                                            : add_split(queue, segment, needed, indirect ? DESCRIPTOR_INDIRECT : 0);
    queue->free = (uint16_t)(queue->free - needed);
    queue->length[head] = (uint16_t)needed;
    queue->writable[head] = writable;
    queue->order[queue->youngest++ % VIRTIO_QUEUE_MAX] = head;
    return head;
}

/* Whether the device waits for one of the descriptors since the last kick (§2.8.10). */
static bool packed_needs_kick(struct virtio_queue *queue, uint16_t added)
{
    uint16_t flags = atomic_load(device_word(queue, 1));
    uint16_t here = atomic_load(device_word(queue, 0));
    uint16_t from = queue->place_kicked;
    unsigned lap = ((here ^ from) & PLACE_WRAP) != 0 ? queue->size : 0;

    queue->place_kicked = queue->next_available;
    if (added == 0) {
        return false;
    }
    if (flags == EVENT_DESCRIPTOR) {
        return (here & ~PLACE_WRAP) + lap - (from & ~PLACE_WRAP) < added;
    }
    return flags == EVENT_ENABLE;
}

bool virtio_queue_needs_kick(struct virtio_queue *queue)
{
    uint16_t old = queue->kicked;
    uint16_t event;

    queue->kicked = queue->available;
    if (has(queue, VIRTIO_F_NOTIFICATION_DATA)) {
        uint32_t here = has(queue, VIRTIO_F_RING_PACKED) ? queue->next_available : queue->available;

        atomic_store(&queue->announcement, here << 16);
    }
    if (has(queue, VIRTIO_F_RING_PACKED)) {
        return packed_needs_kick(queue, (uint16_t)(queue->available - old));
    }
    if (old == queue->available) {
        return false;
    }
    if (!has(queue, VIRTIO_F_EVENT_IDX)) {
        return (atomic_load(device_word(queue, 0)) & 1u) == 0;
    }
    event = atomic_load(device_word(queue, 2u + 4u * queue->size));
    return (uint16_t)(queue->available - event - 1) < (uint16_t)(queue->available - old);
}

/* ---- taking them back ---- */

/* Whether there is a used entry, or used descriptor, that was not seen. */
static bool is_used(const struct virtio_queue *queue)
{
    if (has(queue, VIRTIO_F_RING_PACKED)) {
        uint16_t flags = atomic_load(packed_flags(queue, queue->next_used));
        bool wrap = (queue->next_used & PLACE_WRAP) != 0;

        return ((flags & PACKED_AVAILABLE) != 0) == wrap && ((flags & PACKED_USED) != 0) == wrap;
    }
    return atomic_load(device_word(queue, 1)) != queue->seen;
}

/* Gives the chain's descriptors back; false when the device has given what it did not have. */
static bool release(struct virtio_queue *queue, uint16_t head)
{
    uint16_t last = head;

    if (head >= queue->size || queue->length[head] == 0) {
        return false;
    }
    queue->seen++;
    queue->next_used = advance(queue, queue->next_used, queue->length[head]);
    queue->free = (uint16_t)(queue->free + queue->length[head]);
    if (has(queue, VIRTIO_F_RING_PACKED)) {
        queue->next[head] = queue->free_head;
        queue->free_head = head;
    } else if (!has(queue, VIRTIO_F_IN_ORDER)) {
        for (unsigned i = 1; i < queue->length[head]; i++) {
            last = queue->next[last];
        }
        queue->next[last] = queue->free_head;
        queue->free_head = head;
    }
    queue->length[head] = 0;
    return true;
}

int virtio_queue_take(struct virtio_queue *queue, uint32_t *written)
{
    uint16_t head;

    if (!queue->in_batch) {
        if (!is_used(queue)) {
            return -1;
        }
        if (has(queue, VIRTIO_F_RING_PACKED)) {
            const struct descriptor *used = &descriptors(queue)[queue->next_used & ~PLACE_WRAP];

            queue->batch_head = used->third;
            queue->batch_written = used->length;
        } else {
            queue->batch_head = (uint16_t)used_entry(queue, queue->seen, 0);
            queue->batch_written = used_entry(queue, queue->seen, 1);
        }
    }
    head = queue->batch_head;
    *written = queue->batch_written;
    if (has(queue, VIRTIO_F_IN_ORDER)) {
        /* What is told of the last of a batch tells of all: those before it were written in full (§2.7.9, §2.8.8). */
        if (queue->oldest == queue->youngest) {
            return -2;
        }
        head = queue->order[queue->oldest++ % VIRTIO_QUEUE_MAX];
        queue->in_batch = head != queue->batch_head;
        *written = queue->in_batch ? queue->writable[head] : queue->batch_written;
    }
    return release(queue, head) ? head : -2; /* the device gave back what it did not have */
}

bool virtio_queue_listen(struct virtio_queue *queue)
{
    if (has(queue, VIRTIO_F_RING_PACKED)) {
        atomic_store(driver_word(queue, 0), queue->next_used);
        atomic_store(driver_word(queue, 1), has(queue, VIRTIO_F_EVENT_IDX) ? EVENT_DESCRIPTOR : EVENT_ENABLE);
    } else {
        atomic_store(driver_word(queue, 2u + queue->size), queue->seen);
    }
    return !is_used(queue);
}
