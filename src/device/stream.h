/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of bytes both ways between a device and people or programs: struct ioreqd_stream of the device interface.
 * Opened by the process that has the right to, on the main thread, before the device is made; used on the loop of
 * stream_attach(); closed when no loop of the device runs any more.
 *
 * The other end may come and go at any time, and nothing that it does blocks, stops or busies a loop. While somebody
 * is there no byte is lost, however slowly they read; while nobody is, what the device writes is lost.
 */
#ifndef IOREQD_DEVICE_STREAM_H
#define IOREQD_DEVICE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "ioreqd/device.h"

/*
 * Opens what a user wrote: pty, pty:LINK, unix:PATH, file:PATH, stdio or none, for which *stream is NULL. With check, it is
 * only found out whether that would do, nothing is made or changed, and *stream is NULL. 0, or -1 with errno set and
 * reason, of size bytes, saying for people what is wrong and what to do.
 */
int stream_open(const char *value, bool check, struct ioreqd_stream **stream, char *reason, size_t size);
/* Takes back what was made for it in the file system. NULL is allowed. */
void stream_close(struct ioreqd_stream *stream);

/* Where people find it, as /dev/pts/3. */
const char *stream_place(const struct ioreqd_stream *stream);

/* As stream_watch(), stream_want() and so on of struct ioreqd_host. */
int stream_attach(struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                  void (*ready)(void *argument, unsigned events), void *argument);
void stream_want(struct ioreqd_stream *stream, unsigned events);
size_t stream_read(struct ioreqd_stream *stream, void *to, size_t length);
size_t stream_write(struct ioreqd_stream *stream, const void *from, size_t length);
bool stream_connected(const struct ioreqd_stream *stream);
int stream_size(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows);

#endif
