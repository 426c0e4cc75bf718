/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct ioreqd_stream, as stream.c and the kinds of streams see it. What all kinds share is in stream.c: the wishes
 * of the device, and telling it. A kind knows how its other end comes and goes.
 */
#ifndef IOREQD_DEVICE_STREAM_PRIVATE_H
#define IOREQD_DEVICE_STREAM_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "device/stream.h"
#include "device/timer.h"
#include "device/watch.h"

struct stream_kind {
    const char *name; /* what stands before the colon */
    const char *form; /* how it is written */
    bool needs_argument;
    bool no_argument;
    /* As stream_open(), with argument NULL when there is none; sets own and place unless it only checks. */
    int (*open)(struct ioreqd_stream *stream, const char *argument, bool check, char *reason, size_t size);
    /* Waits on the loop for the other end to come, or finds it there. 0 or -errno. */
    int (*attach)(struct ioreqd_stream *stream);
    /* As write(2), but never raises SIGPIPE. */
    ssize_t (*write)(struct ioreqd_stream *stream, const void *from, size_t length);
    /* Reading found the end, or an error. */
    void (*ended)(struct ioreqd_stream *stream);
    /* Writing failed, or the peer has left and what they sent is still being read. */
    void (*broken)(struct ioreqd_stream *stream);
    /* As stream_size(), unless it is no terminal: NULL. */
    int (*size)(const struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows);
    bool tells_size; /* it calls stream_size_changed(); else size() is called now and then */
    /* Frees own and takes back what open() made. The watch is gone. */
    void (*close)(struct ioreqd_stream *stream);
};

struct ioreqd_stream {
    const struct stream_kind *kind;
    void *own; /* the kind's */
    char *place;
    int descriptor; /* what bytes are moved with; -1: nothing */
    bool input;     /* bytes may still come, be it from somebody who has left */
    bool output;    /* somebody takes what is written: the stream is connected */

    struct ioreqd_loop *loop; /* NULL: not attached */
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    struct ioreqd_watch *watch; /* of the descriptor; NULL: it is none to wait for */
    struct ioreqd_timer *notice;
    unsigned noticed; /* events to tell of in the next turn of the loop */
    struct ioreqd_timer *size_look;
    uint16_t columns, rows; /* when it was last looked */
};

extern const struct stream_kind stream_pty, stream_socket, stream_file, stream_stdio;

/* As stream_size(), of a terminal's descriptor. */
int stream_size_of(int descriptor, uint16_t *columns, uint16_t *rows);
/* The terminal may have another size. On the stream's loop. */
void stream_size_changed(struct ioreqd_stream *stream);

/* Sets the reason and errno; returns -1. */
int stream_refuse(char *reason, size_t size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What to do about an error of a path. */
const char *stream_remedy(int error);
/* Whether something can be made at the path, for checks: 0, or as stream_refuse(). */
int stream_check_place(const char *path, char *reason, size_t size);

/* On the stream's loop. The descriptor is the kind's. 0 or -errno, and then nothing has changed. */
int stream_peer_came(struct ioreqd_stream *stream, int descriptor);
/* What is written from now on is lost; what was sent can still be read. */
void stream_peer_left(struct ioreqd_stream *stream);
/* There is nothing to be read any more, and nobody is there. */
void stream_peer_ended(struct ioreqd_stream *stream);

#endif
