/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests, see request.h and ioreqd/virtio.h. */
#include "virtio/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/device.h"
#include "virtio/queue.h"

#define PAGE 4096u

static size_t round_up(size_t size, size_t alignment)
{
    return (size + alignment - 1) / alignment * alignment;
}

int request_pool_create(struct request_pool *pool, struct ioreqd_virtio_queue *queue, uint16_t size, uint16_t chain,
                        uint32_t context_size)
{
    memset(pool, 0, sizeof(*pool));
    pool->queue = queue;
    pool->chain = chain;
    pool->count = size + 1u; /* what a full ring holds, and one that the next look at it goes into */
    pool->room_count = size < REQUEST_ROOMS ? size : REQUEST_ROOMS;
    pool->stride =
        round_up(sizeof(struct ioreqd_virtio_request) + (size_t)context_size, _Alignof(struct ioreqd_virtio_request));
    pool->room_stride =
        round_up(sizeof(struct request_room) + chain * sizeof(struct request_segment), _Alignof(struct request_room));
    /* calloc() checks the products; so much memory comes from the system untouched. */
    pool->requests = calloc(pool->count, pool->stride);
    pool->rooms = calloc(pool->room_count, pool->room_stride);
    if (pool->requests == NULL || pool->rooms == NULL) {
        request_pool_destroy(pool);
        return -ENOMEM;
    }
    return 0;
}

void request_pool_destroy(struct request_pool *pool)
{
    free(pool->requests);
    free(pool->rooms);
    memset(pool, 0, sizeof(*pool));
}

void request_pool_unmap(struct request_pool *pool)
{
    for (size_t i = 0; i < pool->untouched; i++) {
        struct ioreqd_virtio_request *request = (void *)(pool->requests + i * pool->stride);
        const struct ioreqd_virtio_device *device = pool->queue->device;

        if (request->pieces != 0) {
            device->host->dma_unmap(device->device, request->pin, request->pieces);
            request->pieces = 0;
        }
    }
}

static void use_own_place(struct ioreqd_virtio_request *request)
{
    request->room = NULL;
    request->segment = request->few_segments;
    request->segments_end = REQUEST_FEW_SEGMENTS;
    request->iov = request->few_iov;
    request->pin = request->few_pin;
}

struct ioreqd_virtio_request *request_get(struct request_pool *pool)
{
    struct ioreqd_virtio_request *request = pool->free;

    if (request != NULL) {
        pool->free = request->next;
    } else if (pool->untouched < pool->count) {
        request = (void *)(pool->requests + pool->untouched++ * pool->stride);
        request->queue = pool->queue;
        use_own_place(request);
    } else {
        return NULL;
    }
    request->readable = 0;
    request->writable = 0;
    request->walked = 0;
    request->readable_segments = 0;
    request->segments = 0;
    request->pieces = 0;
    request->done = false;
    return request;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Rooms
 */

bool request_has_room(const struct request_pool *pool)
{
    return pool->free_room != NULL || pool->untouched_room < pool->room_count;
}

/* False when all rooms are lent. What models were shown of iov[] so far stays where it was. */
static bool move_to_room(struct ioreqd_virtio_request *request)
{
    struct request_pool *pool = &request->queue->pool;
    struct request_room *room = pool->free_room;

    if (room != NULL) {
        pool->free_room = room->next;
    } else if (pool->untouched_room < pool->room_count) {
        room = (void *)(pool->rooms + pool->untouched_room++ * pool->room_stride);
    } else {
        return false;
    }
    memcpy(room->segment, request->segment, request->segments * sizeof(room->segment[0]));
    memcpy(room->iov, request->iov, request->pieces * sizeof(room->iov[0]));
    memcpy(room->pin, request->pin, request->pieces * sizeof(room->pin[0]));
    request->room = room;
    request->segment = room->segment;
    request->segments_end = pool->chain;
    request->iov = room->iov;
    request->pin = room->pin;
    return true;
}

static void leave_room(struct ioreqd_virtio_request *request)
{
    struct request_pool *pool = &request->queue->pool;

    if (request->room != NULL) {
        request->room->next = pool->free_room;
        pool->free_room = request->room;
        use_own_place(request);
    }
}

void request_put(struct ioreqd_virtio_request *request)
{
    struct request_pool *pool = &request->queue->pool;

    leave_room(request);
    request->next = pool->free;
    pool->free = request;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Filling
 */

const char request_no_room[] = "no room";

/* Apart, so that the common case pays nothing for it. */
static __attribute__((noinline)) const char *append_in_room(struct ioreqd_virtio_request *request, uint64_t address,
                                                            uint32_t length, bool writable)
{
    return move_to_room(request) ? request_append(request, address, length, writable) : request_no_room;
}

const char *request_append(struct ioreqd_virtio_request *request, uint64_t address, uint32_t length, bool writable)
{
    uint64_t total = (uint64_t)request->readable + request->writable + length;

    if (!writable && request->writable != 0) {
        return "device-readable descriptor after a device-writable one"; /* (virtio 1.4 §2.7.4.2, §2.8.17) */
    }
    if (total > UINT32_MAX) {
        return "chain of more than 2^32 - 1 bytes"; /* (virtio 1.4 §2.7.5.2), and the used length has 32 bits */
    }
    if (address + length < address) {
        return "descriptor that wraps around the end of memory";
    }
    if (request->walked == request->queue->pool.chain) {
        return "chain of more descriptors than the device takes"; /* (virtio 1.4 §2.7.4.1, §2.8.18) */
    }
    if (request->segments == request->segments_end) {
        return append_in_room(request, address, length, writable);
    }
    request->walked++;
    if (length == 0) {
        return NULL; /* nothing there, and nothing forbids it */
    }
    request->segment[request->segments++] = (struct request_segment){address, length};
    if (writable) {
        request->writable += length;
    } else {
        request->readable += length;
        request->readable_segments++;
    }
    return NULL;
}

const char *request_end(struct ioreqd_virtio_request *request)
{
    /* The host maps no pieces finer than pages: a segment has two more of them than its length tells, at most. */
    uint32_t pages = ((request->readable + request->writable) / PAGE) + 2u * request->segments;

    if (request->segments == 0) {
        return "chain of no bytes";
    }
    if (pages > REQUEST_FEW_PIECES && request->room == NULL && !move_to_room(request)) {
        return request_no_room;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What models see
 */

void *ioreqd_virtio_request_context(struct ioreqd_virtio_request *request)
{
    return request->context;
}

struct ioreqd_loop *ioreqd_virtio_request_loop(const struct ioreqd_virtio_request *request)
{
    return request->queue->loop;
}

uint32_t ioreqd_virtio_request_readable(const struct ioreqd_virtio_request *request)
{
    return request->readable;
}

uint32_t ioreqd_virtio_request_writable(const struct ioreqd_virtio_request *request)
{
    return request->writable;
}

/* A walk over bytes offset to offset + length of one side of a chain, segment by segment. */
struct walk {
    const struct request_segment *segment;
    uint32_t skip; /* bytes of this segment that are passed already */
    size_t left;
};

static int walk_begin(struct walk *walk, const struct ioreqd_virtio_request *request, enum ioreqd_direction direction,
                      uint32_t offset, size_t length)
{
    uint32_t total = direction == IOREQD_FROM_GUEST ? request->readable : request->writable;

    if (atomic_load_explicit(&request->queue->device->broken, memory_order_relaxed)) {
        return -EIO; /* a broken device leaves the guest's memory alone until its reset */
    }
    if (offset > total || length > total - offset) {
        return -EINVAL;
    }
    walk->segment = request->segment + (direction == IOREQD_FROM_GUEST ? 0 : request->readable_segments);
    walk->left = length;
    if (length != 0) {
        while (offset >= walk->segment->length) {
            offset -= walk->segment->length;
            walk->segment++;
        }
    }
    walk->skip = offset;
    return 0;
}

/* The next run of memory, or false at the end. */
static bool walk_next(struct walk *walk, uint64_t *address, size_t *length)
{
    if (walk->left == 0) {
        return false;
    }
    *address = walk->segment->address + walk->skip;
    *length = walk->segment->length - walk->skip;
    if (*length > walk->left) {
        *length = walk->left;
    }
    walk->left -= *length;
    walk->skip = 0;
    walk->segment++;
    return true;
}

int ioreqd_virtio_request_read(struct ioreqd_virtio_request *request, uint32_t offset, void *to, size_t length)
{
    const struct ioreqd_virtio_device *device = request->queue->device;
    unsigned char *bytes = to;
    struct walk walk;
    uint64_t address;
    size_t run;
    int error = walk_begin(&walk, request, IOREQD_FROM_GUEST, offset, length);

    while (error == 0 && walk_next(&walk, &address, &run)) {
        error = device->host->dma_read(device->device, address, bytes, run);
        bytes += run;
    }
    return error;
}

int ioreqd_virtio_request_write(struct ioreqd_virtio_request *request, uint32_t offset, const void *from, size_t length)
{
    const struct ioreqd_virtio_device *device = request->queue->device;
    const unsigned char *bytes = from;
    struct walk walk;
    uint64_t address;
    size_t run;
    int error = walk_begin(&walk, request, IOREQD_TO_GUEST, offset, length);

    while (error == 0 && walk_next(&walk, &address, &run)) {
        error = device->host->dma_write(device->device, address, bytes, run);
        bytes += run;
    }
    return error;
}

static int map_run(struct ioreqd_virtio_request *request, enum ioreqd_direction direction, uint64_t address,
                   size_t length)
{
    const struct ioreqd_virtio_device *device = request->queue->device;

    for (;;) {
        uint32_t left = (request->room != NULL ? REQUEST_MAX_PIECES : REQUEST_FEW_PIECES) - request->pieces;
        int pieces = -E2BIG;

        if (left != 0) {
            pieces = device->host->dma_map(device->device, address, length, direction, request->iov + request->pieces,
                                           request->pin + request->pieces, left);
        }
        if (pieces >= 0) {
            request->pieces = (uint16_t)(request->pieces + pieces);
            return 0;
        }
        /* For a model that maps bytes twice. */
        if (pieces != -E2BIG || request->room != NULL || !move_to_room(request)) {
            return pieces;
        }
    }
}

int ioreqd_virtio_request_map(struct ioreqd_virtio_request *request, enum ioreqd_direction direction, uint32_t offset,
                              uint32_t length, const struct iovec **iov, uint32_t *count)
{
    uint16_t first = request->pieces;
    struct walk walk;
    uint64_t address;
    size_t run;
    int error = length == 0 ? -EINVAL : walk_begin(&walk, request, direction, offset, length);

    if (error != 0) {
        return error;
    }
    while (walk_next(&walk, &address, &run)) {
        error = map_run(request, direction, address, run);
        if (error != 0) {
            return error; /* what is mapped already goes with complete() */
        }
    }
    *iov = request->iov + first;
    *count = (uint32_t)request->pieces - first;
    return 0;
}

void request_unmap(struct ioreqd_virtio_request *request)
{
    const struct ioreqd_virtio_device *device = request->queue->device;

    if (request->pieces != 0) {
        device->host->dma_unmap(device->device, request->pin, request->pieces);
        request->pieces = 0;
    }
}

void ioreqd_virtio_request_complete(struct ioreqd_virtio_request *request, uint32_t used)
{
    request_unmap(request); /* before the driver learns of it: it may take the memory back at once */
    leave_room(request);    /* it may wait long for older requests */
    request->used = used;
    virtio_queue_completed(request->queue, request);
}
