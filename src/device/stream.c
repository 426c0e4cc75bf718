/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all streams share, see stream.h.
 *
 * A call of the device must not call it back, so what is found out during one is told in the next turn of the loop,
 * by a timer that is due at once.
 */
#include "device/stream.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/stream_private.h"

#define AT_ONCE   1u                   /* a time that has passed */
#define SIZE_LOOK UINT64_C(1000000000) /* nanoseconds between two looks at a terminal that does not tell its size */

static const struct stream_kind *const kinds[] = {&stream_pty, &stream_socket, &stream_file, &stream_stdio};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int stream_refuse(char *reason, size_t size, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    errno = error;
    return -1;
}

const char *stream_remedy(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "give ioreqd's user access to it";
    case ENOENT:
        return "create the directory, or correct the path";
    default:
        return "name another path";
    }
}

int stream_check_place(const char *path, char *reason, size_t size)
{
    char *copy = strdup(path);
    const char *directory;
    int rc = 0;

    if (copy == NULL) {
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    directory = dirname(copy);
    if (access(directory, W_OK | X_OK) != 0) {
        int error = errno;

        rc = stream_refuse(reason, size, error, "nothing can be made in %s: %s: %s", directory, strerror(error),
                           stream_remedy(error));
    }
    free(copy);
    return rc;
}

/* ---- opening and closing ---- */

static int unknown_kind(char *reason, size_t size)
{
    char forms[128] = "";
    size_t used = 0;

    for (size_t i = 0; i < KINDS; i++) {
        used += (size_t)snprintf(forms + used, sizeof(forms) - used, "%s, ", kinds[i]->form);
    }
    return stream_refuse(reason, size, EINVAL, "it is no stream: give %sor none", forms);
}

static const struct stream_kind *find_kind(const char *value, const char **argument)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i]->name);

        if (strncmp(value, kinds[i]->name, length) == 0 && (value[length] == 0 || value[length] == ':')) {
            *argument = value[length] == ':' ? value + length + 1 : NULL;
            return kinds[i];
        }
    }
    return NULL;
}

int stream_open(const char *value, bool check, struct ioreqd_stream **opened, char *reason, size_t size)
{
    const struct stream_kind *kind;
    struct ioreqd_stream *stream;
    const char *argument;
    int rc;

    *opened = NULL;
    if (strcmp(value, "none") == 0) {
        return 0;
    }
    kind = find_kind(value, &argument);
    if (kind == NULL) {
        return unknown_kind(reason, size);
    }
    if (argument == NULL ? kind->needs_argument : argument[0] == 0) {
        return stream_refuse(reason, size, EINVAL, "the path is missing: give %s", kind->form);
    }
    if (argument != NULL && kind->no_argument) {
        return stream_refuse(reason, size, EINVAL, "nothing may follow: give %s", kind->form);
    }
    stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    stream->kind = kind;
    stream->descriptor = -1;
    rc = kind->open(stream, argument, check, reason, size);
    if (rc != 0 || check) {
        int error = errno;

        free(stream);
        errno = error;
        return rc;
    }
    *opened = stream;
    return 0;
}

void stream_close(struct ioreqd_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    timer_free(stream->size_look);
    timer_free(stream->notice);
    watch_free(stream->watch);
    stream->kind->close(stream);
    free(stream->place);
    free(stream);
}

const char *stream_place(const struct ioreqd_stream *stream)
{
    return stream->place;
}

/* ---- telling the device ---- */

static void on_notice(void *argument)
{
    struct ioreqd_stream *stream = argument;
    unsigned events = stream->noticed & (stream->wanted | IOREQD_CONNECTED);

    stream->noticed = 0;
    if (events != 0) {
        stream->ready(stream->argument, events);
    }
}

static void notice(struct ioreqd_stream *stream, unsigned events)
{
    if (stream->noticed == 0) {
        timer_arm(stream->notice, AT_ONCE);
    }
    stream->noticed |= events;
}

static void on_ready(void *argument, unsigned events)
{
    struct ioreqd_stream *stream = argument;

    if ((events & stream->wanted) != 0) {
        stream->ready(stream->argument, events & stream->wanted);
    }
}

/* Nobody's descriptor is waited for: a terminal whose other side is closed is ready for ever. */
static void wait_for_peer(struct ioreqd_stream *stream)
{
    unsigned events = (stream->input ? IOREQD_READABLE : 0) | (stream->output ? IOREQD_WRITABLE : 0);

    if (stream->watch != NULL) {
        watch_arm(stream->watch, stream->wanted & events);
    }
}

/* ---- sizes ---- */

int stream_size_of(int descriptor, uint16_t *columns, uint16_t *rows)
{
    struct winsize size;

    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) {
        return -ENOTTY;
    }
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

int stream_size(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows)
{
    return stream->kind->size == NULL ? -ENOTTY : stream->kind->size(stream, columns, rows);
}

void stream_size_changed(struct ioreqd_stream *stream)
{
    uint16_t columns, rows;

    if (stream_size(stream, &columns, &rows) == 0 && (columns != stream->columns || rows != stream->rows)) {
        stream->columns = columns;
        stream->rows = rows;
        notice(stream, IOREQD_RESIZED);
    }
}

/* Only while somebody is there whose terminal it could be, and the device wants to know. */
static void watch_size(struct ioreqd_stream *stream)
{
    bool watched = stream->output && (stream->wanted & IOREQD_RESIZED) != 0;

    if (stream->size_look != NULL) {
        timer_arm(stream->size_look, watched ? timer_now() + SIZE_LOOK : 0);
    }
}

static void look_at_size(void *argument)
{
    stream_size_changed(argument);
    watch_size(argument);
}

/* ---- peers ---- */

int stream_peer_came(struct ioreqd_stream *stream, int descriptor)
{
    if (stream->watch == NULL) {
        int rc = watch_make(stream->loop, descriptor, on_ready, stream, &stream->watch);

        if (rc != 0 && rc != -EPERM) {
            return rc;
        }
    }
    stream->descriptor = descriptor;
    stream->input = true;
    stream->output = true;
    wait_for_peer(stream);
    notice(stream, IOREQD_CONNECTED);
    stream_size_changed(stream);
    watch_size(stream);
    return 0;
}

void stream_peer_left(struct ioreqd_stream *stream)
{
    if (stream->output) {
        stream->output = false;
        wait_for_peer(stream);
        watch_size(stream);
        notice(stream, IOREQD_CONNECTED | IOREQD_WRITABLE); /* there is room for all that nobody will get */
    }
}

void stream_peer_ended(struct ioreqd_stream *stream)
{
    stream->input = false;
    stream_peer_left(stream);
    wait_for_peer(stream);
}

/* ---- what the device calls ---- */

int stream_attach(struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                  void (*ready)(void *argument, unsigned events), void *argument)
{
    int rc;

    if (stream->loop != NULL) {
        return -EBUSY;
    }
    stream->notice = timer_make(loop, on_notice, stream);
    if (stream->kind->size != NULL && !stream->kind->tells_size) {
        stream->size_look = timer_make(loop, look_at_size, stream);
    }
    if (stream->notice == NULL ||
        (stream->kind->size != NULL && !stream->kind->tells_size && stream->size_look == NULL)) {
        rc = -ENOMEM;
        goto fail;
    }
    stream_size(stream, &stream->columns, &stream->rows); /* it is known from now on */
    stream->loop = loop;
    stream->ready = ready;
    stream->argument = argument;
    rc = stream->kind->attach(stream);
    if (rc == 0) {
        return 0;
    }

fail:
    timer_free(stream->size_look);
    timer_free(stream->notice);
    stream->size_look = NULL;
    stream->notice = NULL;
    stream->loop = NULL;
    return rc;
}

void stream_want(struct ioreqd_stream *stream, unsigned events)
{
    unsigned before = stream->wanted, more = events & ~before;

    stream->wanted = events;
    wait_for_peer(stream);
    if (((before ^ events) & IOREQD_RESIZED) != 0) {
        watch_size(stream);
    }
    if ((more & IOREQD_WRITABLE) != 0 && (!stream->output || stream->watch == NULL)) {
        notice(stream, IOREQD_WRITABLE);
    }
}

size_t stream_read(struct ioreqd_stream *stream, void *to, size_t length)
{
    ssize_t count;

    if (!stream->input || length == 0) {
        return 0;
    }
    do {
        count = read(stream->descriptor, to, length);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        return (size_t)count;
    }
    if (count == 0 || errno != EAGAIN) {
        stream->kind->ended(stream);
    }
    return 0;
}

size_t stream_write(struct ioreqd_stream *stream, const void *from, size_t length)
{
    const char *at = from;
    size_t left = length;

    if (!stream->output && stream->input) {
        stream->kind->broken(stream); /* somebody else may have come */
    }
    while (stream->output && left > 0) {
        ssize_t count = stream->kind->write(stream, at, left);

        if (count > 0) {
            at += count;
            left -= (size_t)count;
        } else if (count == 0 || errno == EAGAIN) {
            return length - left;
        } else if (errno != EINTR) {
            stream->kind->broken(stream);
        }
    }
    return length;
}

bool stream_connected(const struct ioreqd_stream *stream)
{
    return stream->output;
}
