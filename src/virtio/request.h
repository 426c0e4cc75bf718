/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: private copies of the chains that a driver made available. A queue owns as many as it has descriptors,
 * made when it is enabled; between take() and complete() one is the model's. Queue's loop.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_REQUEST_H
#define IOREQD_VIRTIO_INTERNAL_REQUEST_H

#include <ioreqd/virtio.h>

/* Pieces of mapped memory in one request: what one preadv() takes. */
#define REQUEST_MAX_PIECES 1024u

/* A run of guest memory, as one descriptor gives it. Checked: not empty, does not wrap. */
struct request_segment {
    uint64_t address;
    uint32_t length;
};

struct ioreqd_virtio_request {
    struct ioreqd_virtio_queue *queue;
    struct ioreqd_virtio_request *next; /* in the list of free or of completed ones */
    struct request_segment *segment;    /* the readable ones, then the writable ones; room for the queue's size */
    struct iovec *iov;
    uint64_t *pin;
    uint32_t readable; /* bytes */
    uint32_t writable;
    uint32_t used;
    uint16_t id;       /* what the used entry shows the driver */
    uint16_t position; /* next_available of the queue when it was taken */
    uint16_t readable_segments;
    uint16_t segments;
    uint16_t pieces; /* of iov[] and pin[] in use */
    _Alignas(max_align_t) unsigned char context[];
};

/* The requests of a queue, in few large pieces of zeroed memory of which only what is used becomes resident. */
struct request_pool {
    unsigned char *requests;
    struct request_segment *segments;
    struct iovec *iov;
    uint64_t *pins;
    struct ioreqd_virtio_request *free; /* last in, first out: the warm ones */
    uint32_t pieces;                    /* room in each request's iov[] and pin[] */
};

/* 0 or -ENOMEM, with nothing made. Main loop, while the queue stands still; so is destroy. */
int request_pool_create(struct request_pool *pool, struct ioreqd_virtio_queue *queue, uint16_t size,
                        uint32_t context_size);
void request_pool_destroy(struct request_pool *pool);

/* Gives back the memory that it has mapped, if any. */
void request_unmap(struct ioreqd_virtio_request *request);

/* Empties a request before descriptors are appended. */
void request_begin(struct ioreqd_virtio_request *request, uint16_t id);

/*
 * Appends what a descriptor gives. Returns NULL, or what rule it breaks. The caller bounds the number of descriptors
 * by the queue's size.
 */
const char *request_append(struct ioreqd_virtio_request *request, uint64_t address, uint32_t length, int writable);

#endif
