/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, streams and watched descriptors of the fuzzing host, see fuzz_host.h. A request is carried out when the input
 * completes it: what is written is looked at, what is read comes from the input. One thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

uint64_t fuzz_file_size(struct ioreqd_file *file)
{
    return file->size;
}

int fuzz_file_read_only(struct ioreqd_file *file)
{
    return file->read_only;
}

static uint64_t bytes_of(const struct ioreqd_file_request *request)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < request->iov_count; i++) {
        bytes += request->iov[i].iov_len;
    }
    return bytes;
}

/* No request but the model's mistake asks for what the file has not: it knows the size, and whether it may write. */
static void check_request(const struct ioreqd_file *file, const struct ioreqd_file_request *request)
{
    uint64_t bytes;

    if (request->done == NULL) {
        fuzz_violation("file_submit: without done()");
    }
    switch (request->operation) {
    case IOREQD_FILE_FLUSH:
        return;
    case IOREQD_FILE_WRITE:
        if (file->read_only) {
            fuzz_violation("file_submit: a write to a file that is read-only");
        }
        break;
    case IOREQD_FILE_READ:
        break;
    default:
        fuzz_violation("file_submit: operation %u", request->operation);
    }
    if (request->iov == NULL || request->iov_count == 0) {
        fuzz_violation("file_submit: without iov");
    }
    bytes = bytes_of(request);
    if (request->offset > file->size || bytes > file->size - request->offset) {
        fuzz_violation("file_submit: %llu bytes at %llu of a file of %llu", (unsigned long long)bytes,
                       (unsigned long long)request->offset, (unsigned long long)file->size);
    }
}

void fuzz_file_submit(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                      struct ioreqd_file_request *request)
{
    fuzz_acts(device, "file_submit");
    if (loop != device->current) {
        fuzz_violation("file_submit: on another loop than the caller's");
    }
    for (unsigned i = 0; i < device->requests; i++) {
        if (device->request[i].request == request) {
            fuzz_violation("file_submit: a request that is not done yet");
        }
    }
    check_request(file, request);
    if (device->requests == FUZZ_REQUESTS) {
        fuzz_violation("file_submit: more than %u requests are in flight", FUZZ_REQUESTS);
    }
    device->request[device->requests++] = (struct fuzz_request){request, *request, loop, file};
}

static bool unchanged(const struct ioreqd_file_request *now, const struct ioreqd_file_request *then)
{
    return now->operation == then->operation && now->offset == then->offset && now->iov == then->iov &&
           now->iov_count == then->iov_count && now->done == then->done;
}

static void carry_out(struct ioreqd_device *device, const struct ioreqd_file_request *request)
{
    for (uint32_t i = 0; request->operation != IOREQD_FILE_FLUSH && i < request->iov_count; i++) {
        volatile uint8_t *bytes = request->iov[i].iov_base;

        if (request->operation == IOREQD_FILE_READ) {
            fuzz_fill(&device->input, request->iov[i].iov_base, request->iov[i].iov_len);
        }
        for (size_t at = 0; at < request->iov[i].iov_len; at++) {
            (void)bytes[at];
        }
    }
}

bool fuzz_complete_one(struct ioreqd_device *device, unsigned index, int error)
{
    struct fuzz_request done;

    if (device->requests == 0) {
        return false;
    }
    index %= device->requests;
    done = device->request[index];
    device->requests--;
    memmove(&device->request[index], &device->request[index + 1],
            (device->requests - index) * sizeof(device->request[0]));
    if (!unchanged(done.request, &done.copy)) {
        fuzz_violation("a file request was changed before it was done");
    }
    if (error == 0) {
        carry_out(device, done.request);
    }
    done.request->result = error;
    fuzz_begin_call(device, done.loop);
    done.request->done(done.request);
    fuzz_end_call(device);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Watches
 */

int fuzz_watch_create(struct ioreqd_device *device, struct ioreqd_loop *loop, int descriptor,
                      void (*ready)(void *argument, unsigned events), void *argument, struct ioreqd_watch **watch)
{
    fuzz_entered(device, "watch_create");
    if (device->phase != FUZZ_CREATING && device->current != loop) {
        fuzz_violation("watch_create: not on its loop");
    }
    if (fuzz_take_back(&device->input) == 0xff) {
        return -ENOMEM;
    }
    *watch = calloc(1, sizeof(**watch));
    **watch = (struct ioreqd_watch){device->watches, device, loop, ready, argument, descriptor, 0};
    device->watches = *watch;
    return 0;
}

void fuzz_watch_set(struct ioreqd_watch *watch, unsigned events)
{
    fuzz_entered_on(watch->device, watch->loop, "watch_set");
    if ((events & ~(IOREQD_READABLE | IOREQD_WRITABLE)) != 0) {
        fuzz_violation("watch_set: events %#x", events);
    }
    watch->wanted = events;
}

void fuzz_watch_destroy(struct ioreqd_watch *watch)
{
    struct ioreqd_watch **at = &watch->device->watches;

    fuzz_entered_on(watch->device, watch->loop, "watch_destroy");
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    free(watch);
}

bool fuzz_watch_event(struct ioreqd_device *device)
{
    for (struct ioreqd_watch *watch = device->watches; watch != NULL; watch = watch->next) {
        struct pollfd poll_one = {.fd = watch->descriptor,
                                  .events = (short)(((watch->wanted & IOREQD_READABLE) != 0 ? POLLIN : 0) |
                                                    ((watch->wanted & IOREQD_WRITABLE) != 0 ? POLLOUT : 0))};

        if (watch->wanted != 0 && poll(&poll_one, 1, 0) == 1) {
            unsigned events = ((poll_one.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? IOREQD_READABLE : 0) |
                              ((poll_one.revents & (POLLOUT | POLLERR)) != 0 ? IOREQD_WRITABLE : 0);

            fuzz_begin_call(device, watch->loop);
            watch->ready(watch->argument, events & watch->wanted);
            fuzz_end_call(device);
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Streams
 */

int fuzz_stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                      void (*ready)(void *argument, unsigned events), void *argument)
{
    fuzz_entered(device, "stream_watch");
    if (device->phase != FUZZ_CREATING || stream->loop != NULL) {
        fuzz_violation("stream_watch: outside of create(), or the second time");
    }
    if (fuzz_take_back(&device->input) == 0xff) {
        return -ENOMEM;
    }
    stream->loop = loop;
    stream->ready = ready;
    stream->argument = argument;
    return 0;
}

static void used(struct ioreqd_stream *stream, const char *name)
{
    if (stream->loop == NULL) {
        fuzz_violation("%s: before stream_watch()", name);
    }
    fuzz_entered_on(stream->device, stream->loop, name);
}

void fuzz_stream_want(struct ioreqd_stream *stream, unsigned events)
{
    used(stream, "stream_want");
    if ((events & ~(IOREQD_READABLE | IOREQD_WRITABLE | IOREQD_CONNECTED | IOREQD_RESIZED)) != 0) {
        fuzz_violation("stream_want: events %#x", events);
    }
    stream->wanted = events;
}

size_t fuzz_stream_read(struct ioreqd_stream *stream, void *to, size_t length)
{
    size_t bytes = stream->waiting < length ? stream->waiting : length;

    used(stream, "stream_read");
    fuzz_acts(stream->device, "stream_read");
    if (!stream->connected) {
        return 0;
    }
    fuzz_fill(&stream->device->input, to, bytes);
    stream->waiting -= bytes;
    return bytes;
}

size_t fuzz_stream_write(struct ioreqd_stream *stream, const void *from, size_t length)
{
    size_t bytes = stream->connected && stream->room < length ? stream->room : length;
    const volatile uint8_t *looked = from;

    used(stream, "stream_write");
    fuzz_acts(stream->device, "stream_write");
    for (size_t i = 0; i < length; i++) {
        (void)looked[i];
    }
    if (stream->connected) {
        stream->room -= bytes;
    }
    return bytes;
}

int fuzz_stream_connected(struct ioreqd_stream *stream)
{
    fuzz_entered(stream->device, "stream_connected");
    return stream->connected;
}

/* The sign of a terminal is that it has a width. */
int fuzz_stream_size(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows)
{
    fuzz_entered(stream->device, "stream_size");
    *columns = stream->columns;
    *rows = stream->rows;
    return stream->columns == 0 ? -ENOTTY : 0;
}

/* what: 0 somebody comes or goes, 1 bytes arrive, 2 there is room again; 3: another size; the loop looks once more. */
bool fuzz_stream_event(struct ioreqd_device *device, unsigned index, unsigned what, size_t bytes)
{
    struct ioreqd_stream *stream = device->streams;
    unsigned events = 0;

    while (index-- > 0 && stream != NULL && stream->next != NULL) {
        stream = stream->next;
    }
    if (stream == NULL || stream->loop == NULL) {
        return false;
    }
    if (what == 0) {
        stream->connected = !stream->connected;
        stream->waiting = 0;
        events = IOREQD_CONNECTED;
    } else if (what == 1 && stream->connected) {
        stream->waiting += bytes;
    } else if (what == 2) {
        stream->room += bytes;
    } else if (what == 3 && stream->columns != 0) {
        stream->rows = (uint16_t)bytes;
        events = stream->wanted & IOREQD_RESIZED;
    }
    events |= stream->connected && stream->waiting != 0 ? stream->wanted & IOREQD_READABLE : 0;
    events |= !stream->connected || stream->room != 0 ? stream->wanted & IOREQD_WRITABLE : 0;
    if (events == 0) {
        return false;
    }
    fuzz_begin_call(device, stream->loop);
    stream->ready(stream->argument, events);
    fuzz_end_call(device);
    return true;
}
