/* SPDX-License-Identifier: BSD-2-Clause */
/* UNIX sockets of a device, see sockets.h. */
#define _GNU_SOURCE /* accept4() */
#include "device/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "device/stream_private.h"
#include "device/timer.h"
#include "device/unix_listener.h"
#include "device/watch.h"
#include "log.h"

#define BACKLOG    128
#define SUFFIX_MAX sizeof("_4294967295") /* the longest that a device is sure to have room for, with its end */
#define PLACE_MAX  (sizeof(((struct sockaddr_un *)NULL)->sun_path) - SUFFIX_MAX)

#define RETRY UINT64_C(1000000000) /* nanoseconds */

struct ioreqd_sockets {
    char *path;
    struct unix_listener listener;
    struct ioreqd_watch *watch; /* NULL: not attached */
    struct ioreqd_timer *retry;
    void (*came)(void *argument, int descriptor);
    void *argument;
};

int sockets_open_for(const char *path, mode_t mode, bool check, struct ioreqd_sockets **opened, char *reason,
                     size_t size)
{
    struct ioreqd_sockets *sockets;
    int error;

    *opened = NULL;
    if (path[0] == 0) {
        return stream_refuse(reason, size, EINVAL, "the path is missing: give that of a socket to be made");
    }
    if (strlen(path) > PLACE_MAX) {
        return stream_refuse(reason, size, ENAMETOOLONG,
                             "the path has %zu bytes, and at most %zu leave room for what is appended to it: name a "
                             "shorter one",
                             strlen(path), PLACE_MAX);
    }
    if (check) {
        return unix_listener_check(path, reason, size);
    }
    sockets = calloc(1, sizeof(*sockets));
    if (sockets == NULL || (sockets->path = strdup(path)) == NULL) {
        free(sockets);
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    if (unix_listener_open(&sockets->listener, path, mode, BACKLOG, reason, size) != 0) {
        error = errno;
        free(sockets->path);
        free(sockets);
        errno = error;
        return -1;
    }
    *opened = sockets;
    return 0;
}

int sockets_open(const char *path, bool check, struct ioreqd_sockets **opened, char *reason, size_t size)
{
    return sockets_open_for(path, UNIX_LISTENER_PRIVATE, check, opened, reason, size);
}

void sockets_close(struct ioreqd_sockets *sockets)
{
    if (sockets == NULL) {
        return;
    }
    timer_free(sockets->retry);
    watch_free(sockets->watch);
    unix_listener_close(&sockets->listener, sockets->path);
    free(sockets->path);
    free(sockets);
}

static void on_arrival(void *argument, unsigned events)
{
    struct ioreqd_sockets *sockets = argument;
    int descriptor = accept4(sockets->listener.descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (descriptor >= 0) {
        sockets->came(sockets->argument, descriptor);
    } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        /* They go on waiting, which would keep the loop busy. */
        log_line(LOG_WARNING, NULL, "%s: a connection cannot be accepted: %s", sockets->path, strerror(errno));
        watch_arm(sockets->watch, 0);
        timer_arm(sockets->retry, timer_now() + RETRY);
    }
}

static void listen_again(void *argument)
{
    struct ioreqd_sockets *sockets = argument;

    watch_arm(sockets->watch, IOREQD_READABLE);
}

int sockets_attach(struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                   void (*came)(void *argument, int descriptor), void *argument)
{
    int rc;

    if (sockets->watch != NULL) {
        return -EBUSY;
    }
    sockets->retry = timer_make(loop, listen_again, sockets);
    if (sockets->retry == NULL) {
        return -ENOMEM;
    }
    rc = watch_make(loop, sockets->listener.descriptor, on_arrival, sockets, &sockets->watch);
    if (rc != 0) {
        timer_free(sockets->retry);
        sockets->retry = NULL;
        sockets->watch = NULL;
        return rc;
    }
    sockets->came = came;
    sockets->argument = argument;
    listen_again(sockets);
    return 0;
}

/* No suffix leads out of the folder, whatever the guest had the device make of it. */
static bool is_suffix(const char *suffix)
{
    return suffix[0] != 0 &&
           suffix[strspn(suffix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == 0;
}

int sockets_connect(struct ioreqd_sockets *sockets, const char *suffix)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(sockets->path);
    int descriptor, error;

    if (!is_suffix(suffix)) {
        return -EINVAL;
    }
    if (length + strlen(suffix) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, sockets->path, length);
    memcpy(address.sun_path + length, suffix, strlen(suffix) + 1);
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    /* Settled at once; EAGAIN: whoever listens is behind with accepting (unix(7)). */
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}
