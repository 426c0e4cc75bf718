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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "device/stream_private.h"
#include "log.h"

#define BACKLOG 4
#define MODE    (S_IRUSR | S_IWUSR) /* whoever reaches a guest's console may own the guest */

#define RETRY UINT64_C(1000000000) /* nanoseconds */

struct listener {
    int descriptor;
    struct ioreqd_watch *watch;
    struct ioreqd_timer *retry;
    dev_t device; /* of the socket's file, to remove no other one */
    ino_t inode;
};

/* ---- opening and closing ---- */

/*
 * Whether a process has the socket bound, 0 or 1, or -1 with errno set. Asked with a socket of another type, which
 * the kernel refuses with EPROTOTYPE when somebody is there: a peer would disturb them.
 */
static int is_alive(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (descriptor < 0) {
        return -1;
    }
    error = connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(descriptor);
    if (error == ECONNREFUSED || error == ENOENT) {
        return 0;
    }
    errno = error;
    return error == 0 || error == EPROTOTYPE ? 1 : -1;
}

/* Makes room at the path: what is there may be the socket of a process that has ended. */
static int make_room(const struct sockaddr_un *address, bool check, char *reason, size_t size)
{
    const char *path = address->sun_path;
    struct stat status;
    int alive;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0
                               : stream_refuse(reason, size, errno, "%s: %s", strerror(errno), stream_remedy(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return stream_refuse(reason, size, EEXIST,
                             "something other than a socket is there: remove it, or name "
                             "another path");
    }
    alive = is_alive(address);
    if (alive < 0) {
        return stream_refuse(reason, size, errno,
                             "the socket that is there cannot be asked for its owner: %s: give "
                             "ioreqd's user access to it",
                             strerror(errno));
    }
    if (alive > 0) {
        return stream_refuse(reason, size, EADDRINUSE,
                             "another process listens there: end that one, or name another "
                             "path");
    }
    if (!check && unlink(path) != 0 && errno != ENOENT) {
        return stream_refuse(reason, size, errno,
                             "the socket of a process that has ended cannot be removed: %s: "
                             "remove it",
                             strerror(errno));
    }
    return 0;
}

static int listen_at(struct listener *listener, const struct sockaddr_un *address, char *reason, size_t size)
{
    struct stat status;

    listener->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of a socket before bind() is that of the file that bind() makes: nobody gets in between. */
    if (listener->descriptor < 0 || fchmod(listener->descriptor, MODE) != 0) {
        return stream_refuse(reason, size, errno, "no socket can be made: %s", strerror(errno));
    }
    if (bind(listener->descriptor, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        return stream_refuse(reason, size, errno, "cannot be made: %s: %s", strerror(errno), stream_remedy(errno));
    }
    if (stat(address->sun_path, &status) != 0 || listen(listener->descriptor, BACKLOG) != 0) {
        int error = errno;

        unlink(address->sun_path);
        return stream_refuse(reason, size, error, "cannot be listened at: %s", strerror(error));
    }
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return 0;
}

static int open_it(struct ioreqd_stream *stream, const char *path, bool check, char *reason, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener *listener;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return stream_refuse(reason, size, ENAMETOOLONG, "a socket's path has at most %zu bytes: name a shorter one",
                             sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (make_room(&address, check, reason, size) != 0) {
        return -1;
    }
    if (check) {
        return stream_check_place(path, reason, size);
    }
    listener = calloc(1, sizeof(*listener));
    stream->place = strdup(path);
    if (listener == NULL || stream->place == NULL) {
        stream_refuse(reason, size, ENOMEM, "out of memory");
        goto fail;
    }
    listener->descriptor = -1;
    if (listen_at(listener, &address, reason, size) != 0) {
        goto fail;
    }
    stream->own = listener;
    return 0;

fail:;
    int error = errno;

    if (listener != NULL && listener->descriptor >= 0) {
        close(listener->descriptor);
    }
    free(listener);
    free(stream->place);
    errno = error;
    return -1;
}

static void close_it(struct ioreqd_stream *stream)
{
    struct listener *listener = stream->own;
    struct stat status;

    timer_free(listener->retry);
    watch_free(listener->watch);
    if (lstat(stream->place, &status) == 0 && status.st_dev == listener->device && status.st_ino == listener->inode) {
        unlink(stream->place);
    }
    if (stream->descriptor >= 0) {
        close(stream->descriptor);
    }
    close(listener->descriptor);
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
    int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

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
    if (descriptor >= 0 && stream_peer_came(stream, descriptor) != 0) {
        close(descriptor);
    }
}

/* Forgets a peer who has hung up, with what of theirs is not read yet, and lets in whoever waits. */
static void replace_peer(struct ioreqd_stream *stream)
{
    stream_peer_ended(stream);
    forget_peer(stream);
    let_in(stream);
}

static bool somebody_waits(struct ioreqd_stream *stream)
{
    struct pollfd one = {.fd = ((struct listener *)stream->own)->descriptor, .events = POLLIN};

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
    int rc = watch_make(stream->loop, listener->descriptor, on_arrival, stream, &listener->watch);

    if (rc != 0) {
        return rc;
    }
    listener->retry = timer_make(stream->loop, listen_again, stream);
    if (listener->retry == NULL) {
        watch_free(listener->watch);
        listener->watch = NULL;
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
