/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams on a pseudo terminal, see stream_private.h: we have the master, and people open the other side by its name,
 * or by a symbolic link to it.
 *
 * A master whose other side is closed is "hung up": poll() and epoll report that at once and for ever. So it is waited
 * for only while the other side is open or bytes from there are left, and inotify on the other side's name tells when
 * somebody opens or closes it: nobody at the terminal costs nothing. To hold the other side open ourselves would hide
 * the hang-up, but also whether somebody is there, and output would pile up for whoever comes next. What inotify says
 * is only the moment to ask the kernel: its events may be lost, and that of closing comes shortly before the hang-up.
 */
#define _GNU_SOURCE /* ptsname_r(), POLLRDHUP */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "device/stream_private.h"

/* After a close the kernel is asked again after 5 ms, 10 ms and so on, for 1.3 s in all. */
#define FIRST_LOOK UINT64_C(5000000)
#define LOOKS      8u

struct terminal {
    int master;
    int inotify;
    struct ioreqd_watch *watch; /* of inotify */
    struct ioreqd_timer *look;
    unsigned looks; /* done since the last close */
    char *link;     /* NULL: none was made */
};

/* ---- the link ---- */

/* Whether what is at the path may be replaced: 0, 1 when nothing is there, or as stream_refuse(). */
static int check_link(const char *path, char *reason, size_t size)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 1
                               : stream_refuse(reason, size, errno, "%s: %s", strerror(errno), stream_remedy(errno));
    }
    if (!S_ISLNK(status.st_mode)) {
        return stream_refuse(reason, size, EEXIST,
                             "something other than a symbolic link is there: remove it, or name another path");
    }
    if (stat(path, &status) == 0) {
        return stream_refuse(reason, size, EEXIST,
                             "a symbolic link to something that exists is there: remove it, or name another path");
    }
    return 0;
}

/* A link that already leads to our terminal, which has just been made, was left by a process that is gone. */
static bool leads_to(const char *link, const char *terminal)
{
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);

    target[length < 0 ? 0 : length] = 0;
    return strcmp(target, terminal) == 0;
}

static int make_link(struct terminal *terminal, const char *place, const char *path, char *reason, size_t size)
{
    if (!leads_to(path, place)) {
        int found = check_link(path, reason, size);

        if (found < 0) {
            return -1;
        }
        if ((found == 0 && unlink(path) != 0) || symlink(place, path) != 0) {
            int error = errno;

            return stream_refuse(reason, size, error, "the symbolic link cannot be made: %s: %s", strerror(error),
                                 stream_remedy(error));
        }
    }
    terminal->link = strdup(path);
    return terminal->link != NULL ? 0 : stream_refuse(reason, size, ENOMEM, "out of memory");
}

/* ---- opening and closing ---- */

static int make_terminal(struct terminal *terminal, char **place)
{
    char name[PATH_MAX];
    struct termios modes;
    int error, side;

    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    terminal->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (terminal->master < 0 || terminal->inotify < 0 || grantpt(terminal->master) != 0 ||
        unlockpt(terminal->master) != 0) {
        return -1;
    }
    error = ptsname_r(terminal->master, name, sizeof(name));
    if (error != 0) {
        errno = error;
        return -1;
    }
    *place = strdup(name);
    side = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*place == NULL || side < 0) {
        return -1;
    }
    /* A line is no terminal: bytes go through as they are. Opened and closed once, it is hung up from the start. */
    error = tcgetattr(side, &modes);
    cfmakeraw(&modes);
    error = error == 0 && tcsetattr(side, TCSANOW, &modes) == 0 ? 0 : errno;
    close(side);
    errno = error;
    return error == 0 && inotify_add_watch(terminal->inotify, name, IN_OPEN | IN_CLOSE) >= 0 ? 0 : -1;
}

static void free_terminal(struct terminal *terminal, const char *place)
{
    timer_free(terminal->look);
    watch_free(terminal->watch);
    if (terminal->link != NULL && leads_to(terminal->link, place)) {
        unlink(terminal->link);
    }
    if (terminal->inotify >= 0) {
        close(terminal->inotify);
    }
    if (terminal->master >= 0) {
        close(terminal->master);
    }
    free(terminal->link);
    free(terminal);
}

static int open_it(struct ioreqd_stream *stream, const char *link, bool check, char *reason, size_t size)
{
    struct terminal *terminal;
    int error;

    if (check) {
        int found = link == NULL ? 0 : check_link(link, reason, size);

        return found == 1 ? stream_check_place(link, reason, size) : found;
    }
    terminal = calloc(1, sizeof(*terminal));
    if (terminal == NULL) {
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    terminal->master = terminal->inotify = -1;
    if (make_terminal(terminal, &stream->place) != 0) {
        stream_refuse(reason, size, errno,
                      "no pseudo terminal can be made: %s: see that /dev/pts is mounted and that "
                      "the limits of inotify and of pseudo terminals are not reached",
                      strerror(errno));
        goto fail;
    }
    if (link != NULL && make_link(terminal, stream->place, link, reason, size) != 0) {
        goto fail;
    }
    stream->own = terminal;
    return 0;

fail:
    error = errno;
    free_terminal(terminal, stream->place);
    free(stream->place);
    errno = error;
    return -1;
}

static void close_it(struct ioreqd_stream *stream)
{
    free_terminal(stream->own, stream->place);
}

/* ---- peers ---- */

static bool is_open(const struct terminal *terminal)
{
    struct pollfd one = {.fd = terminal->master};

    return poll(&one, 1, 0) == 0; /* hung up is reported unasked */
}

static void look_again(void *argument)
{
    struct ioreqd_stream *stream = argument;
    struct terminal *terminal = stream->own;

    if (!is_open(terminal)) {
        stream_peer_left(stream);
    } else if (terminal->looks < LOOKS) {
        timer_arm(terminal->look, timer_now() + (FIRST_LOOK << terminal->looks));
        terminal->looks++;
    }
}

static void on_inotify(void *argument, unsigned events)
{
    struct ioreqd_stream *stream = argument;
    struct terminal *terminal = stream->own;
    char buffer[4096];

    (void)events;
    while (read(terminal->inotify, buffer, sizeof(buffer)) > 0) {
    }
    if (!stream->output) {
        stream_peer_came(stream, terminal->master); /* if only to write something and leave again */
    }
    terminal->looks = 0;
    look_again(stream);
}

static int attach(struct ioreqd_stream *stream)
{
    struct terminal *terminal = stream->own;
    int rc = watch_make(stream->loop, terminal->inotify, on_inotify, stream, &terminal->watch);

    if (rc != 0) {
        return rc;
    }
    terminal->look = timer_make(stream->loop, look_again, stream);
    if (terminal->look == NULL) {
        watch_free(terminal->watch);
        terminal->watch = NULL;
        return -ENOMEM;
    }
    watch_arm(terminal->watch, IOREQD_READABLE);
    return is_open(terminal) ? stream_peer_came(stream, terminal->master) : 0; /* somebody may have been quick */
}

static ssize_t write_it(struct ioreqd_stream *stream, const void *from, size_t length)
{
    return write(stream->descriptor, from, length);
}

/* The bytes of those who left are read when reading fails; somebody may have come meanwhile. */
static void ended(struct ioreqd_stream *stream)
{
    if (!is_open(stream->own)) {
        stream_peer_ended(stream);
    }
}

static void broken(struct ioreqd_stream *stream)
{
    stream_peer_left(stream);
}

/* What people who open the other side have set it to, be it with stty(1). */
static int size_of(const struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows)
{
    return stream_size_of(((const struct terminal *)stream->own)->master, columns, rows);
}

const struct stream_kind stream_pty = {
    .name = "pty",
    .form = "pty, pty:LINK",
    .open = open_it,
    .attach = attach,
    .write = write_it,
    .ended = ended,
    .broken = broken,
    .size = size_of,
    .close = close_it,
};
