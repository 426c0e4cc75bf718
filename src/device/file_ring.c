/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File requests through io_uring or plain system calls, see file_ring.h.
 */
#define _GNU_SOURCE
#include "device/file_ring.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "log.h"

#define RING_ENTRIES 256u /* sent out by one system call; more may be under way */

/* What the host keeps in a request while it is ours. */
struct pending {
    struct ioreqd_file_request *next;
    int64_t fd;
};

_Static_assert(sizeof(struct pending) <= sizeof(((struct ioreqd_file_request *)0)->host), "fits in the request");

struct file_ring {
    bool use_uring;
#ifdef HAVE_LIBURING
    struct io_uring uring;
#endif
    int event_fd;
    struct event *event;
    /* Taken in this turn, oldest first. */
    struct ioreqd_file_request *first;
    struct ioreqd_file_request **last;
};

static struct pending *pending_of(struct ioreqd_file_request *request)
{
    return (struct pending *)request->host;
}

static uint64_t total_length(const struct ioreqd_file_request *request)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < request->iov_count; i++) {
        total += request->iov[i].iov_len;
    }
    return total;
}

/* Does what is left of a transfer after its first `done` bytes, by plain system calls. 0 or a negative errno. */
static int transfer_rest(struct ioreqd_file_request *request, uint64_t done)
{
    int fd = (int)pending_of(request)->fd;
    uint64_t skip = done;

    for (uint32_t i = 0; i < request->iov_count; i++) {
        uint8_t *base = request->iov[i].iov_base;
        size_t length = request->iov[i].iov_len;
        size_t at = skip < length ? (size_t)skip : length;

        skip -= at;
        while (at < length) {
            off_t offset = (off_t)(request->offset + done);
            ssize_t got = request->operation == IOREQD_FILE_READ ? pread(fd, base + at, length - at, offset)
                                                                 : pwrite(fd, base + at, length - at, offset);

            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                return got < 0 ? -errno : -EIO; /* the file has become shorter than it was */
            }
            at += (size_t)got;
            done += (uint64_t)got;
        }
    }
    return 0;
}

/* The first try of a transfer was `result`: bytes, or a negative errno. */
static void finish(struct ioreqd_file_request *request, int64_t result)
{
    if (request->operation == IOREQD_FILE_FLUSH) {
        request->result = result < 0 ? (int32_t)result : 0;
    } else if (result == -EINTR || result == -EAGAIN) {
        request->result = transfer_rest(request, 0);
    } else if (result < 0) {
        request->result = (int32_t)result;
    } else if ((uint64_t)result < total_length(request)) {
        request->result = transfer_rest(request, (uint64_t)result);
    } else {
        request->result = 0;
    }
    request->done(request);
}

static int64_t perform(struct ioreqd_file_request *request)
{
    int fd = (int)pending_of(request)->fd;
    ssize_t result;

    switch (request->operation) {
    case IOREQD_FILE_READ:
        result = preadv(fd, request->iov, (int)request->iov_count, (off_t)request->offset);
        break;
    case IOREQD_FILE_WRITE:
        result = pwritev(fd, request->iov, (int)request->iov_count, (off_t)request->offset);
        break;
    default:
        result = fdatasync(fd);
        break;
    }
    return result < 0 ? -errno : result;
}

static void take_off(struct file_ring *ring)
{
    ring->first = pending_of(ring->first)->next;
    if (ring->first == NULL) {
        ring->last = &ring->first;
    }
}

static bool turn_plain(struct file_ring *ring)
{
    bool any = ring->first != NULL;

    while (ring->first != NULL) {
        struct ioreqd_file_request *request = ring->first;

        take_off(ring);
        finish(request, perform(request));
    }
    return any;
}

#ifdef HAVE_LIBURING

static void prepare(struct io_uring_sqe *entry, struct ioreqd_file_request *request)
{
    int fd = (int)pending_of(request)->fd;

    switch (request->operation) {
    case IOREQD_FILE_READ:
        io_uring_prep_readv(entry, fd, request->iov, request->iov_count, request->offset);
        break;
    case IOREQD_FILE_WRITE:
        io_uring_prep_writev(entry, fd, request->iov, request->iov_count, request->offset);
        break;
    default:
        io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(entry, request);
}

/* Runs the completions that are there. False when there were none. */
static bool reap(struct file_ring *ring)
{
    struct io_uring_cqe *completion;
    bool any = false;

    while (io_uring_peek_cqe(&ring->uring, &completion) == 0) {
        struct ioreqd_file_request *request = io_uring_cqe_get_data(completion);
        int64_t result = completion->res;

        io_uring_cqe_seen(&ring->uring, completion);
        finish(request, result);
        any = true;
    }
    return any;
}

static bool turn_uring(struct file_ring *ring)
{
    bool any = false;

    /* What completes while it is sent out is reaped here: no need to be told. */
    io_uring_cq_eventfd_toggle(&ring->uring, false);
    while (ring->first != NULL) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

        if (entry == NULL) {
            break; /* the rest goes out in the next turn */
        }
        struct ioreqd_file_request *request = ring->first;

        take_off(ring);
        prepare(entry, request);
    }
    if (io_uring_sq_ready(&ring->uring) != 0) {
        int rc = io_uring_submit(&ring->uring);

        any = true;
        if (rc < 0 && rc != -EBUSY && rc != -EAGAIN && rc != -EINTR) {
            log_line(LOG_ERROR, NULL, "io_uring refuses file requests: %s", strerror(-rc));
        }
    }
    any = reap(ring) || any || ring->first != NULL;
    if (!any) {
        /* The loop may sleep now; what completed before this store was not told of. */
        io_uring_cq_eventfd_toggle(&ring->uring, true);
        atomic_thread_fence(memory_order_seq_cst);
        any = reap(ring);
    }
    return any;
}

#endif

bool file_ring_uses_uring(const struct file_ring *ring)
{
    return ring->use_uring;
}

struct file_ring *file_ring_create(bool try_uring)
{
    struct file_ring *ring = calloc(1, sizeof(*ring));

    if (ring == NULL) {
        return NULL;
    }
    ring->last = &ring->first;
    ring->event_fd = -1;
#ifdef HAVE_LIBURING
    int rc = try_uring ? io_uring_queue_init(RING_ENTRIES, &ring->uring, 0) : -EOPNOTSUPP;

    if (rc == 0) {
        ring->use_uring = true;
        ring->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (ring->event_fd < 0 || io_uring_register_eventfd(&ring->uring, ring->event_fd) != 0) {
            file_ring_destroy(ring);
            return NULL;
        }
    } else if (try_uring) {
        log_line(LOG_DEBUG, NULL, "no io_uring (%s): files are read and written by plain system calls", strerror(-rc));
    }
#else
    (void)try_uring;
#endif
    return ring;
}

void file_ring_destroy(struct file_ring *ring)
{
    if (ring == NULL) {
        return;
    }
    if (ring->event != NULL) {
        event_free(ring->event);
    }
#ifdef HAVE_LIBURING
    if (ring->use_uring) {
        io_uring_queue_exit(&ring->uring);
    }
#endif
    if (ring->event_fd >= 0) {
        close(ring->event_fd);
    }
    free(ring);
}

int file_ring_watch(struct file_ring *ring, struct event_base *base, event_callback_fn callback, void *argument)
{
    if (!ring->use_uring) {
        return 0;
    }
    ring->event = event_new(base, ring->event_fd, EV_READ | EV_PERSIST, callback, argument);
    return ring->event != NULL && event_add(ring->event, NULL) == 0 ? 0 : -ENOMEM;
}

void file_ring_acknowledge(struct file_ring *ring)
{
    uint64_t count;

    if (read(ring->event_fd, &count, sizeof(count)) < 0) {
        return; /* EAGAIN: nothing was left to tell */
    }
}

void file_ring_submit(struct file_ring *ring, int fd, struct ioreqd_file_request *request)
{
    *pending_of(request) = (struct pending){.fd = fd};
    *ring->last = request;
    ring->last = &pending_of(request)->next;
}

bool file_ring_turn(struct file_ring *ring)
{
#ifdef HAVE_LIBURING
    if (ring->use_uring) {
        return turn_uring(ring);
    }
#endif
    return turn_plain(ring);
}
