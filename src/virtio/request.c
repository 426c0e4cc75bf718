/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests, see request.h and ioreqd/virtio.h. */
#include "virtio/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/device.h"
#include "virtio/queue.h"

int request_pool_create(struct request_pool *pool, struct ioreqd_virtio_queue *queue, uint16_t size,
                        uint32_t context_size)
{
    size_t align = _Alignof(struct ioreqd_virtio_request);
    size_t stride = (sizeof(struct ioreqd_virtio_request) + context_size + align - 1) / align * align;
    /* A segment that crosses a boundary of the host's mappings comes in two pieces or more. */
    uint32_t pieces = 2u * size + 16;

    memset(pool, 0, sizeof(*pool));
    pool->pieces = pieces < REQUEST_MAX_PIECES ? pieces : REQUEST_MAX_PIECES;
    pool->requests = calloc(size, stride);
    pool->segments = calloc((size_t)size * size, sizeof(*pool->segments));
    pool->iov = calloc((size_t)size * pool->pieces, sizeof(*pool->iov));
    pool->pins = calloc((size_t)size * pool->pieces, sizeof(*pool->pins));
    if (pool->requests == NULL || pool->segments == NULL || pool->iov == NULL || pool->pins == NULL) {
        request_pool_destroy(pool);
        return -ENOMEM;
    }
    for (size_t i = size; i-- > 0;) {
        struct ioreqd_virtio_request *request = (void *)(pool->requests + i * stride);

        request->queue = queue;
        request->segment = pool->segments + i * size;
        request->iov = pool->iov + i * pool->pieces;
        request->pin = pool->pins + i * pool->pieces;
        request->next = pool->free;
        pool->free = request;
    }
    return 0;
}

void request_pool_destroy(struct request_pool *pool)
{
    free(pool->requests);
    free(pool->segments);
    free(pool->iov);
    free(pool->pins);
    memset(pool, 0, sizeof(*pool));
}

void request_begin(struct ioreqd_virtio_request *request, uint16_t id)
{
    request->id = id;
    request->readable = 0;
    request->writable = 0;
    request->used = 0;
    request->readable_segments = 0;
    request->segments = 0;
    request->pieces = 0;
}

const char *request_append(struct ioreqd_virtio_request *request, uint64_t address, uint32_t length, int writable)
{
    uint64_t total = (uint64_t)request->readable + request->writable + length;

    if (!writable && request->writable != 0) {
        return "device-readable descriptor after a device-writable one"; /* (virtio 1.4 §2.7.4.2) */
    }
    if (total > UINT32_MAX) {
        return "chain of more than 2^32 - 1 bytes"; /* (virtio 1.4 §2.7.5.2), and the used length has 32 bits */
    }
    if (address + length < address) {
        return "descriptor that wraps around the end of memory";
    }
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

int ioreqd_virtio_request_map(struct ioreqd_virtio_request *request, enum ioreqd_direction direction, uint32_t offset,
                              uint32_t length, const struct iovec **iov, uint32_t *count)
{
    const struct ioreqd_virtio_device *device = request->queue->device;
    uint16_t first = request->pieces;
    struct walk walk;
    uint64_t address;
    size_t run;
    int error = length == 0 ? -EINVAL : walk_begin(&walk, request, direction, offset, length);

    if (error != 0) {
        return error;
    }
    while (walk_next(&walk, &address, &run)) {
        uint32_t room = request->queue->pool.pieces - request->pieces;
        int pieces = -E2BIG;

        if (room != 0) {
            pieces = device->host->dma_map(device->device, address, run, direction, request->iov + request->pieces,
                                           request->pin + request->pieces, room);
        }
        if (pieces < 0) {
            return pieces; /* what is mapped already goes with complete() */
        }
        request->pieces = (uint16_t)(request->pieces + pieces);
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
    request->used = used;
    virtio_queue_completed(request->queue, request);
}
