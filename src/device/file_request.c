/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a request through a file, on the loop that it was made on: its turn under the limits, the operations that
 * do it, and what becomes of an error. Each loop has a channel of its own for each file, so that nothing is shared but
 * the size and the limits' two numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/bounce.h"
#include "device/file_nbd.h"
#include "device/file_private.h"
#include "device/file_ring.h"
#include "device/loop.h"
#include "device/timer.h"
#include "event.h"
#include "log.h"

#define RETRY_NANOSECONDS UINT64_C(1000000000)

/* What the host keeps in a request while it is ours. */
struct pending {
    struct file_operation operation; /* first: done() is given this */
    struct file_channel *channel;
    /* Direct I/O goes in steps through a buffer. */
    struct iovec piece;
    uint64_t length; /* of all steps */
    uint64_t begun;  /* timer_now(); 0: it is not timed */
    struct bounce_waiter waiter;
    bool retried; /* it has failed before */
};

_Static_assert(sizeof(struct pending) <= sizeof(((struct ioreqd_file_request *)0)->host), "fits in the request");

static struct pending *pending_of(struct ioreqd_file_request *request)
{
    return (struct pending *)request->host;
}

static struct ioreqd_file_request *request_of(struct file_operation *operation)
{
    return (struct ioreqd_file_request *)(void *)((char *)operation - offsetof(struct ioreqd_file_request, host));
}

static struct file_channel *channel_of(struct file_operation *operation)
{
    return ((struct pending *)operation)->channel;
}

static void start(struct file_operation *operation);

/* ---- errors ---- */

static bool is_read(const struct ioreqd_file_request *request)
{
    return request->operation == IOREQD_FILE_READ;
}

/*
 * Whether time may mend it, and it is to be waited for. Not a flush: after one that failed the kernel takes what it
 * could not write for written, and a second one would tell the guest that all is well.
 */
static bool may_mend(const struct file_channel *channel, const struct ioreqd_file_request *request, int result)
{
    const struct file_options *options = &channel->file->options;

    if (result == -EOPNOTSUPP || result == -EINVAL || result == -EFAULT || result == -EBADF || result == -EROFS ||
        request->operation == IOREQD_FILE_FLUSH || atomic_load(&channel->file->hurry)) {
        return false;
    }
    return (is_read(request) ? options->on_read_error : options->on_write_error) == FILE_ON_ERROR_STOP;
}

static void tell_stopped(struct file_channel *channel, const struct ioreqd_file_request *request, int result)
{
    const char *what = is_read(request) ? "read" : "write";
    char facts[64];

    if (channel->told) {
        return;
    }
    channel->told = true;
    log_line(LOG_ERROR, channel->file->owner,
             "%s cannot be %s: %s: the guest waits, and it is tried again each second: mend that", channel->file->name,
             is_read(request) ? "read" : "written", strerror(-result));
    snprintf(facts, sizeof(facts), "{\"operation\": \"%s\", \"error\": %d}", what, -result);
    event_tell(channel->file->owner, "file-stopped", facts);
}

static void tell_mended(struct file_channel *channel)
{
    channel->told = false;
    log_line(LOG_INFO, channel->file->owner, "%s works again", channel->file->name);
    event_tell(channel->file->owner, "file-resumed", NULL);
}

static void retry(void *argument)
{
    struct file_channel *channel = argument;
    struct file_operations list = channel->stopped;
    struct file_operation *operation;

    channel->stopped.first = NULL;
    while ((operation = file_operations_take(&list)) != NULL) {
        ((struct pending *)operation)->retried = true;
        start(operation);
    }
}

/* The request has come to an end, whatever it was. */
static void finish(struct file_operation *operation, int result)
{
    struct ioreqd_file_request *request = request_of(operation);
    struct file_channel *channel = channel_of(operation);

    if (result < 0 && may_mend(channel, request, result)) {
        tell_stopped(channel, request, result);
        tally_add(&channel->tally.stops, 1);
        operation->result = result;
        if (channel->stopped.first == NULL) {
            timer_arm(channel->retry_timer, timer_now() + RETRY_NANOSECONDS);
        }
        file_operations_add(&channel->stopped, operation);
        return;
    }
    if (result == 0 && channel->told && ((struct pending *)operation)->retried) {
        tell_mended(channel);
    }
    file_tally_end(&channel->tally, request, pending_of(request)->length, result, pending_of(request)->begun);
    request->result = result;
    request->done(request);
}

/* ---- direct I/O, through a buffer ---- */

static void start_step(struct file_operation *operation)
{
    struct pending *pending = (struct pending *)operation;
    struct ioreqd_file_request *request = request_of(operation);
    uint64_t at = operation->offset - request->offset;
    uint64_t left = pending->length - at;

    pending->piece.iov_len = left < BOUNCE_BYTES ? (size_t)left : BOUNCE_BYTES;
    if (!is_read(request)) {
        bounce_gather(pending->piece.iov_base, request->iov, request->iov_count, (size_t)at, pending->piece.iov_len);
    }
    file_ring_submit(pending->channel->ring, operation);
}

static void step_done(struct file_operation *operation, int result)
{
    struct pending *pending = (struct pending *)operation;
    struct ioreqd_file_request *request = request_of(operation);
    uint64_t at = operation->offset - request->offset;

    if (result == 0) {
        if (is_read(request)) {
            bounce_scatter(pending->piece.iov_base, request->iov, request->iov_count, (size_t)at,
                           pending->piece.iov_len);
        }
        operation->offset += pending->piece.iov_len;
        if (at + pending->piece.iov_len < pending->length) {
            start_step(operation);
            return;
        }
    }
    bounce_give(file_ring_pool(pending->channel->ring), pending->piece.iov_base);
    finish(operation, result);
}

static void start_direct(struct file_operation *operation)
{
    struct pending *pending = (struct pending *)operation;

    operation->fd = pending->channel->file->direct_fd;
    operation->iov = &pending->piece;
    operation->iov_count = 1;
    operation->done = step_done;
    start_step(operation);
}

static void buffer_came(struct bounce_waiter *waiter)
{
    struct pending *pending = (struct pending *)(void *)((char *)waiter - offsetof(struct pending, waiter));

    pending->piece.iov_base = bounce_take(file_ring_pool(pending->channel->ring));
    start_direct(&pending->operation);
}

static void begin_direct(struct file_operation *operation)
{
    struct pending *pending = (struct pending *)operation;
    struct bounce_pool *pool = file_ring_pool(pending->channel->ring);

    if (pool == NULL) {
        file_ring_answer(pending->channel->ring, operation, -ENOMEM);
        return;
    }
    pending->piece.iov_base = bounce_take(pool);
    if (pending->piece.iov_base == NULL) {
        pending->waiter.ready = buffer_came;
        bounce_wait(pool, &pending->waiter);
        return;
    }
    start_direct(operation);
}

/* ---- another loop has the connection ---- */

/* On that loop. */
static void give_back(struct file_operation *operation, int result)
{
    struct file_channel *channel = channel_of(operation);

    operation->result = result;
    operation->next = atomic_load_explicit(&channel->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&channel->returned, &operation->next, operation)) {
        continue;
    }
    loop_post(channel->loop, &channel->take_returned);
}

static void take_returned(void *argument)
{
    struct file_channel *channel = argument;
    struct file_operation *operation = atomic_exchange(&channel->returned, NULL);

    while (operation != NULL) {
        struct file_operation *next = operation->next;

        finish(operation, operation->result);
        operation = next;
    }
}

/* ---- starting ---- */

static bool moves_bytes(const struct ioreqd_file_request *request)
{
    return request->operation == IOREQD_FILE_READ || request->operation == IOREQD_FILE_WRITE;
}

static uint64_t length_of(const struct ioreqd_file_request *request)
{
    uint64_t total = 0;

    if (!moves_bytes(request)) {
        return request->length;
    }
    for (uint32_t i = 0; i < request->iov_count; i++) {
        total += request->iov[i].iov_len;
    }
    return total;
}

/* What is wrong with a request now, as a negative errno: a file may have shrunk since the model looked. */
static int check(const struct ioreqd_file *file, const struct ioreqd_file_request *request, uint64_t length)
{
    uint64_t size = atomic_load_explicit(&file->size, memory_order_relaxed);

    if (request->operation < IOREQD_FILE_READ || request->operation > IOREQD_FILE_ERASE) {
        return -EINVAL;
    }
    if (file->read_only && !is_read(request) && request->operation != IOREQD_FILE_FLUSH) {
        return -EROFS;
    }
    if (request->operation != IOREQD_FILE_FLUSH && (request->offset > size || length > size - request->offset)) {
        return -EIO;
    }
    return 0;
}

/* Offset and length fit direct I/O. What does not goes through the page cache, which the kernel keeps in step. */
static bool fits_direct(const struct ioreqd_file *file, const struct ioreqd_file_request *request, uint64_t length)
{
    return file->direct_fd >= 0 && moves_bytes(request) && length != 0 &&
           ((request->offset | length) & (file->direct_unit - 1)) == 0;
}

/* Under the limits, for the first time or again. */
static void start(struct file_operation *operation)
{
    struct ioreqd_file_request *request = request_of(operation);
    struct file_channel *channel = channel_of(operation);
    struct ioreqd_file *file = channel->file;
    uint64_t length = length_of(request);
    int error = check(file, request, length);

    *operation = (struct file_operation){
        .done = finish,
        .iov = request->iov,
        .iov_count = request->iov_count,
        .fd = file->fd,
        .offset = request->offset,
        .length = request->length,
        .kind = request->operation,
        .flags = request->flags,
        .block_device = file->block_device,
    };
    ((struct pending *)operation)->length = length;
    if (error != 0) {
        file_ring_answer(channel->ring, operation, error);
    } else if (file->nbd != NULL) {
        operation->done = file_nbd_home(file->nbd, channel->loop) == channel->loop ? finish : give_back;
        file_nbd_submit(file->nbd, channel->loop, operation);
    } else if (request->operation == IOREQD_FILE_FLUSH && file->options.cache == FILE_CACHE_UNSAFE) {
        file_ring_answer(channel->ring, operation, 0);
    } else if (fits_direct(file, request, length)) {
        begin_direct(operation);
    } else {
        file_ring_submit(channel->ring, operation);
    }
}

/* ---- limits ---- */

/* When the request may go, from now on. Flushes are not counted, but keep their place. */
static uint64_t take_turn(const struct file_channel *channel, struct file_operation *operation, uint64_t now)
{
    const struct ioreqd_file_request *request = request_of(operation);

    if (request->operation == IOREQD_FILE_FLUSH) {
        return now;
    }
    return throttle_take(&channel->file->throttle, now, moves_bytes(request) ? length_of(request) : 0);
}

/* The turn of the first that waits has come. */
static void on_turn(void *argument)
{
    struct file_channel *channel = argument;
    uint64_t now = timer_now();

    while (channel->throttled.first != NULL) {
        start(file_operations_take(&channel->throttled));
        if (channel->throttled.first != NULL) {
            uint64_t turn = take_turn(channel, channel->throttled.first, now);

            if (turn > now && !atomic_load(&channel->file->hurry)) {
                timer_arm(channel->throttle_timer, turn);
                return;
            }
        }
    }
}

static void wait_for_turn(struct file_channel *channel, struct file_operation *operation)
{
    uint64_t now, turn;

    if (channel->throttled.first != NULL) {
        file_operations_add(&channel->throttled, operation);
        return;
    }
    now = timer_now();
    turn = take_turn(channel, operation, now);
    if (turn <= now) {
        start(operation);
        return;
    }
    file_operations_add(&channel->throttled, operation);
    timer_arm(channel->throttle_timer, turn);
}

/* ---- channels ---- */

static void on_hurry(void *argument)
{
    struct file_channel *channel = argument;
    struct file_operations failed = channel->stopped;
    struct file_operation *operation;

    if (!atomic_load(&channel->file->hurry)) {
        return;
    }
    timer_arm(channel->throttle_timer, 0);
    on_turn(channel);
    if (channel->file->nbd != NULL) {
        file_nbd_hurry(channel->file->nbd, channel->loop);
    }
    timer_arm(channel->retry_timer, 0);
    channel->stopped.first = NULL;
    while ((operation = file_operations_take(&failed)) != NULL) {
        finish(operation, operation->result);
    }
}

static void free_channel(struct file_channel *channel)
{
    timer_free(channel->throttle_timer);
    timer_free(channel->retry_timer);
    free(channel);
}

static struct file_channel *make_channel(struct ioreqd_file *file, struct ioreqd_loop *loop)
{
    struct file_channel *channel = calloc(1, sizeof(*channel));

    if (channel == NULL) {
        return NULL;
    }
    channel->file = file;
    channel->loop = loop;
    channel->ring = loop_file_ring(loop);
    channel->hurry = (struct ioreqd_work){.run = on_hurry, .argument = channel};
    channel->take_returned = (struct ioreqd_work){.run = take_returned, .argument = channel};
    channel->throttle_timer = timer_make(loop, on_turn, channel);
    channel->retry_timer = timer_make(loop, retry, channel);
    if (channel->throttle_timer == NULL || channel->retry_timer == NULL) {
        free_channel(channel);
        return NULL;
    }
    channel->next = atomic_load(&file->channel);
    while (!atomic_compare_exchange_weak(&file->channel, &channel->next, channel)) {
        continue;
    }
    return channel;
}

static struct file_channel *find_channel(struct ioreqd_file *file, struct ioreqd_loop *loop)
{
    struct file_channel *channel = atomic_load_explicit(&file->channel, memory_order_acquire);

    while (channel != NULL && channel->loop != loop) {
        channel = channel->next;
    }
    return channel != NULL ? channel : make_channel(file, loop);
}

void file_free_channels(struct ioreqd_file *file)
{
    struct file_channel *channel = atomic_exchange(&file->channel, NULL);

    while (channel != NULL) {
        struct file_channel *next = channel->next;

        free_channel(channel);
        channel = next;
    }
}

static void refuse(struct file_operation *operation, int result)
{
    struct ioreqd_file_request *request = request_of(operation);

    request->result = result;
    request->done(request);
}

void file_submit(struct ioreqd_file *file, struct ioreqd_loop *loop, struct ioreqd_file_request *request)
{
    struct pending *pending = pending_of(request);

    pending->retried = false;
    pending->channel = find_channel(file, loop);
    if (pending->channel == NULL) {
        pending->operation = (struct file_operation){.done = refuse};
        file_ring_answer(loop_file_ring(loop), &pending->operation, -ENOMEM);
        return;
    }
    file_tally_begin(&pending->channel->tally);
    pending->begun = file->timed != NULL && atomic_load_explicit(file->timed, memory_order_relaxed) ? timer_now() : 0;
    if (throttle_limits(&file->throttle) && !atomic_load(&file->hurry)) {
        wait_for_turn(pending->channel, &pending->operation);
    } else {
        start(&pending->operation);
    }
}

void file_hurry(struct ioreqd_file *file, bool hurry)
{
    atomic_store(&file->hurry, hurry);
    if (!hurry) {
        return;
    }
    for (struct file_channel *channel = atomic_load(&file->channel); channel != NULL; channel = channel->next) {
        loop_post(channel->loop, &channel->hurry);
    }
}
