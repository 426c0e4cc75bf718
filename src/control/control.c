/* SPDX-License-Identifier: BSD-2-Clause */
/* The control sockets, see control.h. */
#include "control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/control_private.h"
#include "device/sockets.h"
#include "device/timer.h"

#define CONTROL_MODE ((mode_t)0600) /* who may change a guest's devices may own the guest */
#define MONITOR_MODE ((mode_t)0660)
#define FOLDER_MODE  ((mode_t)0755)

static void on_arrival(void *argument, int descriptor)
{
    client_create(argument, descriptor);
}

/* The folder of a path, if only that is missing. What goes wrong is told by what follows. */
static void make_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL && slash != path ? strndup(path, (size_t)(slash - path)) : NULL;

    if (folder != NULL) {
        (void)mkdir(folder, FOLDER_MODE);
    }
    free(folder);
}

static int open_socket(struct control_socket *socket, const char *path, mode_t mode, char *reason, size_t size)
{
    char why[256];
    int rc;

    if (path == NULL) {
        return 0;
    }
    make_folder(path);
    rc = sockets_open_for(path, mode, false, &socket->listener, why, sizeof(why));
    if (rc != 0) {
        int error = errno;

        snprintf(reason, size, "%s: %s", path, why);
        errno = error;
        return -1;
    }
    socket->path = path;
    rc = sockets_attach(worker_loop(socket->control->worker), socket->listener, on_arrival, socket);
    if (rc != 0) {
        snprintf(reason, size, "%s: %s", path, strerror(-rc));
        errno = -rc;
        return -1;
    }
    return 0;
}

static void close_socket(struct control_socket *socket)
{
    while (socket->clients != NULL) {
        client_destroy(socket->clients);
    }
    sockets_close(socket->listener);
}

struct control *control_open(struct worker *worker, const struct control_options *options, char *reason, size_t size)
{
    struct control *control = calloc(1, sizeof(*control));

    if (control == NULL) {
        snprintf(reason, size, "out of memory");
        return NULL;
    }
    control->worker = worker;
    control->options = *options;
    control->begun = timer_now();
    control->control.control = control;
    control->monitor.control = control;
    control->monitor.read_only = true;
    log_limit_init(&control->log_limit);
    events_open(control);
    if (open_socket(&control->control, options->control, CONTROL_MODE, reason, size) != 0 ||
        open_socket(&control->monitor, options->monitor, MONITOR_MODE, reason, size) != 0) {
        int error = errno;

        control_close(control);
        errno = error;
        return NULL;
    }
    return control;
}

void control_close(struct control *control)
{
    if (control == NULL) {
        return;
    }
    events_close(control);
    close_socket(&control->control);
    close_socket(&control->monitor);
    log_limit_destroy(&control->log_limit);
    free(control);
}
