/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams into a file, see stream_private.h: what the device writes is appended, and nothing comes in. The file is
 * always connected, and a full disk loses bytes and stops nobody: what a guest writes must not hang it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/stream_private.h"
#include "log.h"

#define MODE (S_IRUSR | S_IWUSR) /* as it may hold what people type in the guest */

/* own: whether a failure was told, until writing works again. */
static bool told(const struct ioreqd_stream *stream)
{
    return stream->own != NULL;
}

static int cannot_open(int error, char *reason, size_t size)
{
    return stream_refuse(reason, size, error, "cannot be opened for writing: %s: %s", strerror(error),
                         stream_remedy(error));
}

static int open_it(struct ioreqd_stream *stream, const char *path, bool check, char *reason, size_t size)
{
    struct stat status;
    int descriptor;

    if (check && access(path, F_OK) != 0) {
        return stream_check_place(path, reason, size);
    }
    /* Without O_NONBLOCK the opening of a FIFO would wait for a reader. */
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (check ? 0 : O_CREAT), MODE);
    if (descriptor < 0) {
        return cannot_open(errno, reason, size);
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return stream_refuse(reason, size, EINVAL, "it is not a regular file: name one");
    }
    if (check) {
        close(descriptor);
        return 0;
    }
    stream->place = strdup(path);
    if (stream->place == NULL) {
        close(descriptor);
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    stream->descriptor = descriptor;
    return 0;
}

static int attach(struct ioreqd_stream *stream)
{
    int rc = stream_peer_came(stream, stream->descriptor);

    stream->input = false;
    return rc;
}

static ssize_t write_it(struct ioreqd_stream *stream, const void *from, size_t length)
{
    ssize_t count = write(stream->descriptor, from, length);

    if (count > 0) {
        stream->own = NULL;
        return count;
    }
    if (count < 0 && errno == EINTR) {
        return count;
    }
    if (!told(stream)) {
        log_line(LOG_WARNING, NULL, "what a device writes to %s is lost: %s", stream->place, strerror(errno));
        stream->own = stream;
    }
    return (ssize_t)length;
}

static void ended(struct ioreqd_stream *stream)
{
    (void)stream; /* is never read */
}

static void close_it(struct ioreqd_stream *stream)
{
    close(stream->descriptor);
}

const struct stream_kind stream_file = {
    .name = "file",
    .form = "file:PATH",
    .needs_argument = true,
    .open = open_it,
    .attach = attach,
    .write = write_it,
    .ended = ended,
    .broken = ended,
    .close = close_it,
};
