/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting through libnbd, see nbd_connection.h.
 */
#include "device/file_nbd_connection.h"
#include "device/file_nbd_library.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "device/loop.h"
#include "device/timer.h"

#define CONNECT_NANOSECONDS  (UINT64_C(10) * 1000000000u)
#define LOOK_MILLISECONDS    50
#define SILENCE_SECONDS      10 /* without a word from the peer, after which it is asked whether it is there */
#define SILENCE_MILLISECONDS 30000u
#define DEFAULT_MAXIMUM      (UINT32_C(32) << 20) /* what every server takes */

static void tell(char *reason, size_t size, const char *what)
{
    const char *error = nbd_library.get_error();

    snprintf(reason, size, "%s: %s", what, error != NULL ? error : "no reason is known");
}

/* A server whose machine is gone without a word must not be waited for until all time. Unix sockets know of no such. */
static void notice_silence(struct nbd_handle *handle)
{
    const int on = 1, idle = SILENCE_SECONDS;
    const unsigned timeout = SILENCE_MILLISECONDS;
    int fd = nbd_library.aio_get_fd(handle);

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

static int ask(struct nbd_handle *handle, struct nbd_export *export)
{
    int64_t size = nbd_library.get_size(handle);
    int64_t minimum = nbd_library.get_block_size(handle, LIBNBD_SIZE_MINIMUM);
    int64_t preferred = nbd_library.get_block_size(handle, LIBNBD_SIZE_PREFERRED);
    int64_t maximum = nbd_library.get_block_size(handle, LIBNBD_SIZE_MAXIMUM);

    if (size < 0) {
        return -1;
    }
    export->size = (uint64_t)size;
    export->minimum = minimum > 0 && minimum <= (1 << 16) ? (uint32_t)minimum : 1;
    export->preferred = preferred > 0 && preferred <= (INT32_C(1) << 30) ? (uint32_t)preferred : 0;
    export->maximum = maximum > 0 && maximum < DEFAULT_MAXIMUM ? (uint32_t)maximum : DEFAULT_MAXIMUM;
    export->read_only = nbd_library.is_read_only(handle) != 0;
    export->can_flush = nbd_library.can_flush(handle) > 0;
    export->can_trim = nbd_library.can_trim(handle) > 0;
    export->can_zero = nbd_library.can_zero(handle) > 0;
    return 0;
}

static int wait_until_ready(struct nbd_handle *handle, const atomic_bool *stop)
{
    uint64_t end = timer_now() + CONNECT_NANOSECONDS;

    while (nbd_library.aio_is_connecting(handle) > 0) {
        if (atomic_load(stop) || timer_now() >= end) {
            return -ETIMEDOUT;
        }
        if (nbd_library.poll(handle, LOOK_MILLISECONDS) < 0) {
            return -EIO;
        }
    }
    return nbd_library.aio_is_ready(handle) > 0 ? 0 : -EIO;
}

struct nbd_handle *file_nbd_connect(const char *uri, const atomic_bool *stop, struct nbd_export *export, char *reason,
                                    size_t size)
{
    struct nbd_handle *handle = nbd_library.create();
    int rc;

    if (handle == NULL) {
        tell(reason, size, "no connection can be made");
        errno = ENOMEM;
        return NULL;
    }
    nbd_library.set_pread_initialize(handle, false); /* what a failed read left in a buffer goes nowhere */
    if (nbd_library.aio_connect_uri(handle, uri) != 0) {
        goto fail;
    }
    rc = wait_until_ready(handle, stop);
    if (rc == -ETIMEDOUT) {
        snprintf(reason, size, "the server does not answer: start it, or correct the address");
        nbd_library.close(handle);
        errno = ETIMEDOUT;
        return NULL;
    }
    if (rc != 0 || ask(handle, export) != 0) {
        goto fail;
    }
    notice_silence(handle);
    return handle;

fail:
    rc = nbd_library.get_errno();
    tell(reason, size, "cannot connect");
    nbd_library.close(handle);
    errno = rc != 0 ? rc : EIO;
    return NULL;
}

/* ---- by a thread ---- */

struct nbd_connector {
    char *uri;
    struct ioreqd_loop *loop;
    struct ioreqd_work *work;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;

    /* The thread's, until it has ended. */
    struct nbd_handle *handle;
    struct nbd_export export;
    char reason[256];
};

struct nbd_connector *file_nbd_connector_create(const char *uri, struct ioreqd_loop *loop, struct ioreqd_work *work)
{
    struct nbd_connector *connector = calloc(1, sizeof(*connector));

    if (connector == NULL) {
        return NULL;
    }
    connector->uri = strdup(uri);
    connector->loop = loop;
    connector->work = work;
    if (connector->uri == NULL) {
        free(connector);
        return NULL;
    }
    return connector;
}

static void join(struct nbd_connector *connector)
{
    if (connector->has_thread) {
        pthread_join(connector->thread, NULL);
        connector->has_thread = false;
    }
}

void file_nbd_connector_destroy(struct nbd_connector *connector)
{
    if (connector == NULL) {
        return;
    }
    atomic_store(&connector->stop, true);
    join(connector);
    if (connector->handle != NULL) {
        nbd_library.close(connector->handle);
    }
    free(connector->uri);
    free(connector);
}

static void *thread_main(void *argument)
{
    struct nbd_connector *connector = argument;

    connector->handle = file_nbd_connect(connector->uri, &connector->stop, &connector->export, connector->reason,
                                         sizeof(connector->reason));
    loop_post(connector->loop, connector->work);
    return NULL;
}

int file_nbd_connector_start(struct nbd_connector *connector)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&connector->thread, NULL, thread_main, connector);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    connector->has_thread = rc == 0;
    return -rc;
}

struct nbd_handle *file_nbd_connector_take(struct nbd_connector *connector, struct nbd_export *export, char *reason,
                                           size_t size)
{
    struct nbd_handle *handle;

    join(connector); /* it has posted the work, which was the last that it did */
    handle = connector->handle;
    connector->handle = NULL;
    *export = connector->export;
    snprintf(reason, size, "%s", connector->reason);
    return handle;
}
