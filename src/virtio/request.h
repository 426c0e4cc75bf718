/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: private copies of the chains that a driver made available. A queue has one for each buffer that its ring
 * may hold; between take() and complete() one is the model's. Queue's loop.
 *
 * Most chains are short, so a request itself has place for a few segments and pieces only. A long chain borrows a room
 * from its queue, which has some; when all are lent, the chain stays in the ring until one comes back. That bounds what
 * a guest can make resident, whatever the size of the queue, and nothing is allocated while it runs.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_REQUEST_H
#define IOREQD_VIRTIO_INTERNAL_REQUEST_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#define REQUEST_FEW_SEGMENTS 20u /* a network packet of Linux: 17 fragments, its head and the header */
#define REQUEST_FEW_PIECES   48u
#define REQUEST_MAX_PIECES   ((uint32_t)IOREQD_VIRTIO_MAX_PIECES) /* what one preadv() takes */
#define REQUEST_ROOMS        256u                                 /* of a queue, if it has that many descriptors */

/* A run of guest memory, as one descriptor gives it. Checked: not empty, does not wrap. */
struct request_segment {
    uint64_t address;
    uint32_t length;
};

/* What a request borrows for a long chain. */
struct request_room {
    struct request_room *next; /* in the list of free ones */
    struct iovec iov[REQUEST_MAX_PIECES];
    uint64_t pin[REQUEST_MAX_PIECES];
    struct request_segment segment[]; /* as many as a chain may have */
};

struct ioreqd_virtio_request {
    struct ioreqd_virtio_queue *queue;
    struct ioreqd_virtio_request *next; /* in the list of free, of ordered, or of completed ones */
    struct request_room *room;          /* NULL: its own few are enough */
    struct request_segment *segment;    /* the readable ones, then the writable ones */
    struct iovec *iov;
    uint64_t *pin;
    uint32_t readable; /* bytes */
    uint32_t writable;
    uint32_t used;
    uint16_t id;          /* what the used entry shows the driver */
    uint16_t descriptors; /* of the ring that the chain takes */
    uint16_t walked;      /* descriptors that were appended, empty ones too: bounds a loop */
    uint16_t readable_segments;
    uint16_t segments;
    uint16_t segments_end; /* place for so many */
    uint16_t pieces;       /* of iov[] and pin[] in use */
    bool done;             /* completed, and waits for older ones */
    struct request_segment few_segments[REQUEST_FEW_SEGMENTS];
    struct iovec few_iov[REQUEST_FEW_PIECES];
    uint64_t few_pin[REQUEST_FEW_PIECES];
    _Alignas(max_align_t) unsigned char context[];
};

/*
 * The requests of a queue and its rooms: two large pieces of zeroed memory, of which only what is used becomes
 * resident.
 */
struct request_pool {
    struct ioreqd_virtio_queue *queue;
    unsigned char *requests;
    unsigned char *rooms;
    struct ioreqd_virtio_request *free; /* last in, first out: the warm ones */
    struct request_room *free_room;
    size_t stride; /* bytes from one to the next */
    size_t room_stride;
    uint32_t untouched; /* first one that was never used, and how many there are */
    uint32_t count;
    uint32_t untouched_room;
    uint32_t room_count;
    uint16_t chain; /* descriptors of the longest chain */
};

/* 0 or -ENOMEM, with nothing made. Main loop, while the queue stands still; so is destroy. */
int request_pool_create(struct request_pool *pool, struct ioreqd_virtio_queue *queue, uint16_t size, uint16_t chain,
                        uint32_t context_size);
void request_pool_destroy(struct request_pool *pool);

/* Unmaps what requests hold that will never be completed. */
void request_pool_unmap(struct request_pool *pool);

/* An empty one, or NULL when all are in use; and back again. */
struct ioreqd_virtio_request *request_get(struct request_pool *pool);
void request_put(struct ioreqd_virtio_request *request);

/* Whether a room is free for the next long chain. */
bool request_has_room(const struct request_pool *pool);

/* Gives back what of guest memory is mapped for it. */
void request_unmap(struct ioreqd_virtio_request *request);

/*
 * Appends what a descriptor gives to a request, and ends it. Return NULL, or request_no_room, which is to be tried again
 * when another request is completed, or which rule is broken.
 */
const char *request_append(struct ioreqd_virtio_request *request, uint64_t address, uint32_t length, bool writable);
const char *request_end(struct ioreqd_virtio_request *request);

extern const char request_no_room[];

#endif
