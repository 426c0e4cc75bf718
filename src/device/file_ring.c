/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File operations through io_uring or plain system calls, see file_ring.h.
 *
 * An operation stays at the head of `taken` until the kernel has its entry. So when io_uring refuses for good, nothing
 * is lost and nothing is done twice: entries that were prepared are left where they are, and what they stood for is
 * done by plain calls.
 */
#define _GNU_SOURCE
#include "device/file_ring.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "device/bounce.h"
#include "device/file_helper.h"
#include "log.h"

#define RING_ENTRIES 256u /* sent out by one system call; more may be under way */

struct file_ring {
    bool has_uring; /* it is there */
    bool use_uring; /* it is sent to; false for good once it has refused */
#ifdef HAVE_LIBURING
    struct io_uring uring;
    struct file_operation *unprepared; /* the first in `taken` without an entry */
    unsigned under_way;                /* entries that the kernel has */
#endif
    int event_fd;
    struct event *event;
    struct file_operations taken;    /* in this turn */
    struct file_operations answered; /* in this turn, without being sent out */
    struct file_helper *helper;
    struct bounce_pool *pool;
};

/* Has the helping thread do it. */
static void give_to_helper(struct file_ring *ring, struct file_operation *operation)
{
    int rc = -ENOMEM;

    if (ring->helper == NULL) {
        ring->helper = file_helper_create(ring->event_fd);
    }
    if (ring->helper != NULL) {
        rc = file_helper_give(ring->helper, operation);
    }
    if (rc != 0) {
        file_ring_answer(ring, operation, rc);
    }
}

/* What io_uring or a plain call does; the rest goes to the helper. */
static bool is_direct(const struct file_ring *ring, const struct file_operation *operation)
{
    return !file_operation_clears(operation) ||
           (ring->use_uring && operation->length != 0 && file_operation_fallocate_mode(operation) >= 0);
}

static bool turn_plain(struct file_ring *ring)
{
    struct file_operation *operation;
    bool any = false;

    while ((operation = file_operations_take(&ring->taken)) != NULL) {
        any = true;
        if (file_operation_clears(operation)) {
            give_to_helper(ring, operation);
        } else {
            operation->done(operation, file_operation_finish(operation, file_operation_try(operation)));
        }
    }
    return any;
}

static bool run_answered(struct file_ring *ring)
{
    struct file_operations list = ring->answered;
    struct file_operation *operation;
    bool any = list.first != NULL;

    ring->answered.first = NULL;
    while ((operation = file_operations_take(&list)) != NULL) {
        operation->done(operation, operation->result);
    }
    return any;
}

#ifdef HAVE_LIBURING

static void prepare(struct io_uring_sqe *entry, struct file_operation *operation)
{
    switch (operation->kind) {
    case IOREQD_FILE_READ:
        io_uring_prep_readv(entry, operation->fd, operation->iov, operation->iov_count, operation->offset);
        break;
    case IOREQD_FILE_WRITE:
        io_uring_prep_writev(entry, operation->fd, operation->iov, operation->iov_count, operation->offset);
        break;
    case IOREQD_FILE_FLUSH:
        io_uring_prep_fsync(entry, operation->fd, IORING_FSYNC_DATASYNC);
        break;
    default:
        io_uring_prep_fallocate(entry, operation->fd, file_operation_fallocate_mode(operation),
                                (off_t)operation->offset, (off_t)operation->length);
        break;
    }
    io_uring_sqe_set_data(entry, operation);
}

/* Runs the completions that are there. False when there were none. */
static bool reap(struct file_ring *ring)
{
    struct io_uring_cqe *completion;
    bool any = false;

    while (io_uring_peek_cqe(&ring->uring, &completion) == 0) {
        struct file_operation *operation = io_uring_cqe_get_data(completion);
        int64_t result = completion->res;

        io_uring_cqe_seen(&ring->uring, completion);
        ring->under_way--;
        any = true;
        if (!file_operation_clears(operation)) {
            operation->done(operation, file_operation_finish(operation, result));
        } else if (result == 0) {
            operation->done(operation, 0);
        } else {
            give_to_helper(ring, operation); /* which knows other means, or fails the same way */
        }
    }
    return any;
}

/* Gives each operation that was taken an entry, as far as there are entries. */
static void prepare_taken(struct file_ring *ring)
{
    while (ring->unprepared != NULL) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

        if (entry == NULL) {
            break; /* the rest goes out in the next turn */
        }
        prepare(entry, ring->unprepared);
        ring->unprepared = ring->unprepared->next;
    }
}

/* What the kernel does not take now. True: it may take it later, and a completion will wake us. */
static bool may_try_again(struct file_ring *ring, int rc)
{
    return rc == -EINTR || ((rc == -EBUSY || rc == -EAGAIN) && ring->under_way > 0);
}

/* Sends out what was taken. False when there was nothing to send, or no room for it now. */
static bool send_out(struct file_ring *ring)
{
    int rc;

    prepare_taken(ring);
    if (ring->taken.first == NULL) {
        return false;
    }
    rc = io_uring_submit(&ring->uring);
    if (rc > 0) {
        ring->under_way += (unsigned)rc;
        for (int i = 0; i < rc; i++) {
            file_operations_take(&ring->taken);
        }
        return true;
    }
    if (may_try_again(ring, rc)) {
        return rc == -EINTR;
    }
    log_line(LOG_ERROR, NULL, "io_uring refuses file requests (%s): from now on they go by plain system calls",
             strerror(-rc));
    ring->use_uring = false;
    ring->unprepared = NULL;
    return turn_plain(ring);
}

static bool turn_uring(struct file_ring *ring)
{
    bool any = false;

    /* What completes while it is sent out is reaped here: no need to be told. */
    io_uring_cq_eventfd_toggle(&ring->uring, false);
    any = ring->use_uring ? send_out(ring) : turn_plain(ring);
    any = reap(ring) || any;
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
    ring->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (ring->event_fd < 0) {
        goto fail;
    }
#ifdef HAVE_LIBURING
    int rc = try_uring ? io_uring_queue_init(RING_ENTRIES, &ring->uring, 0) : -EOPNOTSUPP;

    if (rc == 0) {
        ring->has_uring = true;
        ring->use_uring = true;
        if (io_uring_register_eventfd(&ring->uring, ring->event_fd) != 0) {
            goto fail;
        }
    } else if (try_uring) {
        log_line(LOG_DEBUG, NULL, "no io_uring (%s): files are read and written by plain system calls", strerror(-rc));
    }
#else
    (void)try_uring;
#endif
    return ring;

fail:
    file_ring_destroy(ring);
    return NULL;
}

void file_ring_destroy(struct file_ring *ring)
{
    if (ring == NULL) {
        return;
    }
    if (ring->event != NULL) {
        event_free(ring->event);
    }
    file_helper_destroy(ring->helper);
#ifdef HAVE_LIBURING
    if (ring->has_uring) {
        io_uring_queue_exit(&ring->uring);
    }
#endif
    if (ring->event_fd >= 0) {
        close(ring->event_fd);
    }
    bounce_destroy(ring->pool); /* which the kernel has let go of */
    free(ring);
}

int file_ring_watch(struct file_ring *ring, struct event_base *base, event_callback_fn callback, void *argument)
{
    /* Each write to the eventfd is an edge, whether it is read or not: so nobody needs to read it. */
    ring->event = event_new(base, ring->event_fd, EV_READ | EV_PERSIST | EV_ET, callback, argument);
    return ring->event != NULL && event_add(ring->event, NULL) == 0 ? 0 : -ENOMEM;
}

void file_ring_submit(struct file_ring *ring, struct file_operation *operation)
{
    if (!is_direct(ring, operation)) {
        give_to_helper(ring, operation);
        return;
    }
    file_operations_add(&ring->taken, operation);
#ifdef HAVE_LIBURING
    if (ring->use_uring && ring->unprepared == NULL) {
        ring->unprepared = operation;
    }
#endif
}

void file_ring_answer(struct file_ring *ring, struct file_operation *operation, int result)
{
    operation->result = result;
    file_operations_add(&ring->answered, operation);
}

bool file_ring_turn(struct file_ring *ring)
{
    bool any = run_answered(ring);

    any = ring->helper != NULL && file_helper_reap(ring->helper) ? true : any;
#ifdef HAVE_LIBURING
    if (ring->has_uring) {
        return turn_uring(ring) || any;
    }
#endif
    return turn_plain(ring) || any;
}

struct bounce_pool *file_ring_pool(struct file_ring *ring)
{
    if (ring->pool == NULL) {
        ring->pool = bounce_create();
    }
    return ring->pool;
}
