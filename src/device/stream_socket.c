/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams on a UNIX stream socket, see stream_private.h. It listens, and serves one peer at a time.
 *
 * Somebody who comes while another one is there is turned away: sees the end of the stream at once. Where that other
 * one has hung up, but left bytes that the guest has not read yet, the newcomer waits until they are read, or until
 * the guest writes something without reading: a guest that never reads must not keep people out.
 */
#define _GNU_SOURCE /* accept4(), POLLRDHUP */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/stream_private.h"
#include "device/unix_listener.h"
#include "log.h"

#define BACKLOG 4

#define RETRY UINT64_C(1000000000) /* nanoseconds */
#define LOOK  UINT64_C(1000000000)

struct listener {
    struct unix_listener socket;
    struct ioreqd_watch *watch;
    struct ioreqd_timer *retry;
    struct ioreqd_timer
        *look; /* whether the peer is still there, which nobody tells while nothing is read or written */
};

/* ---- opening and closing ---- */

static int open_it(struct ioreqd_stream *stream, const char *path, bool check, char *reason, size_t size)
{
    struct listener *listener;

    if (check) {
        return unix_listener_check(path, reason, size);
    }
    listener = calloc(1, sizeof(*listener));
    stream->place = strdup(path);
    if (listener == NULL || stream->place == NULL) {
        stream_refuse(reason, size, ENOMEM, "out of memory");
        goto fail;
    }
    if (unix_listener_open(&listener->socket, path, UNIX_LISTENER_PRIVATE, BACKLOG, reason, size) != 0) {
        goto fail;
    }
    stream->own = listener;
    return 0;

fail:;
    int error = errno;

    free(listener);
    free(stream->place);
    errno = error;
    return -1;
}

static void close_it(struct ioreqd_stream *stream)
{
    struct listener *listener = stream->own;

    timer_free(listener->look);
    timer_free(listener->retry);
    watch_free(listener->watch);
    if (stream->descriptor >= 0) {
        close(stream->descriptor);
    }
    unix_listener_close(&listener->socket, stream->place);
    free(listener);
}

/* ---- peers ---- */

static bool has_hung_up(int descriptor)
{
    struct pollfd one = {.fd = descriptor, .events = POLLRDHUP};

    return poll(&one, 1, 0) > 0;
}

static void forget_peer(struct ioreqd_stream *stream)
{
    watch_free(stream->watch);
    stream->watch = NULL;
    close(stream->descriptor);
    stream->descriptor = -1;
}

/* The descriptor of somebody who waits, or -1. */
static int take_peer(struct ioreqd_stream *stream)
{
    struct listener *listener = stream->own;
    int descriptor = accept4(listener->socket.descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (descriptor < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        /* They go on waiting, which would keep the loop busy. */
        log_line(LOG_WARNING, NULL, "%s: a connection cannot be accepted: %s", stream->place, strerror(errno));
        watch_arm(listener->watch, 0);
        timer_arm(listener->retry, timer_now() + RETRY);
    }
    return descriptor;
}

static void listen_again(void *argument)
{
    struct ioreqd_stream *stream = argument;
    struct listener *listener = stream->own;

    watch_arm(listener->watch, IOREQD_READABLE);
}

/* Lets in whoever waits; nobody is there now. */
static void let_in(struct ioreqd_stream *stream)
{
    int descriptor;

    listen_again(stream);
    descriptor = take_peer(stream);
    if (descriptor < 0) {
        return;
    }
    if (stream_peer_came(stream, descriptor) != 0) {
        close(descriptor);
        return;
    }
    timer_arm(((struct listener *)stream->own)->look, timer_now() + LOOK);
}

/* Forgets a peer who has hung up, with what of theirs is not read yet, and lets in whoever waits. */
static void replace_peer(struct ioreqd_stream *stream)
{
    stream_peer_ended(stream);
    forget_peer(stream);
    let_in(stream);
}

/* A peer who has hung up and left nothing to read is gone. */
static void look_at_peer(void *argument)
{
    struct ioreqd_stream *stream = argument;
    char byte;

    if (stream->descriptor < 0) {
        return;
    }
    if (recv(stream->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        replace_peer(stream);
    } else {
        timer_arm(((struct listener *)stream->own)->look, timer_now() + LOOK);
    }
}

static bool somebody_waits(struct ioreqd_stream *stream)
{
    struct pollfd one = {.fd = ((struct listener *)stream->own)->socket.descriptor, .events = POLLIN};

    return poll(&one, 1, 0) > 0;
}

static void on_arrival(void *argument, unsigned events)
{
    struct ioreqd_stream *stream = argument;
    struct listener *listener = stream->own;
    int descriptor;

    (void)events;
    if (stream->descriptor < 0) {
        let_in(stream);
        return;
    }
    if (has_hung_up(stream->descriptor)) {
        watch_arm(listener->watch, 0); /* waits, see above */
        return;
    }
    descriptor = take_peer(stream);
    if (descriptor >= 0) {
        log_line(LOG_INFO, NULL, "%s: somebody was turned away, as another one is connected", stream->place);
        close(descriptor);
    }
}

static int attach(struct ioreqd_stream *stream)
{
    struct listener *listener = stream->own;
    int rc = watch_make(stream->loop, listener->socket.descriptor, on_arrival, stream, &listener->watch);

    if (rc != 0) {
        return rc;
    }
    listener->retry = timer_make(stream->loop, listen_again, stream);
    listener->look = timer_make(stream->loop, look_at_peer, stream);
    if (listener->retry == NULL || listener->look == NULL) {
        timer_free(listener->retry);
        timer_free(listener->look);
        watch_free(listener->watch);
        *listener = (struct listener){.socket = listener->socket};
        return -ENOMEM;
    }
    listen_again(stream);
    return 0;
}

/* Called for each write to somebody who has left. What they sent stays, unless the guest does not read it. */
static void broken(struct ioreqd_stream *stream)
{
    stream_peer_left(stream);
    if ((stream->wanted & IOREQD_READABLE) == 0 && somebody_waits(stream)) {
        replace_peer(stream);
    }
}

static ssize_t send_it(struct ioreqd_stream *stream, const void *from, size_t length)
{
    return send(stream->descriptor, from, length, MSG_NOSIGNAL);
}

const struct stream_kind stream_socket = {
    .name = "unix",
    .form = "unix:PATH",
    .needs_argument = true,
    .open = open_it,
    .attach = attach,
    .write = send_it,
    .ended = replace_peer,
    .broken = broken,
    .close = close_it,
};
