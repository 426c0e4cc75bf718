/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control sockets: where programs and people ask a running ioreqd how it is, and have it do things, by JSON-RPC 2.0
 * with a JSON text on each line (ioreqctl(8)). One socket for those who may change something, and one for those who may
 * only look; who may connect is decided by the sockets' permissions alone.
 *
 * Made by main() or a test, on the main thread, on whose loop all of it runs. A client costs a bounded amount of memory,
 * and has one request served in a turn of the loop; nothing that it does or leaves undone blocks the loop.
 */
#ifndef IOREQD_CONTROL_CONTROL_H
#define IOREQD_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/worker.h"

struct control;

/* Strings stay the caller's, and in place until control_close(). */
struct control_options {
    const char *control; /* paths of the sockets; NULL: none */
    const char *monitor;
    unsigned domain;
    const char *name; /* of the domain; NULL: it has none */
    unsigned server;  /* the IOREQ server's id */
};

#define CONTROL_LINE_MAX    65536u  /* bytes of a request, its end included */
#define CONTROL_BACKLOG_MAX 262144u /* bytes of events that a client may be behind */
#define CONTROL_CLIENTS_MAX 16u     /* of each socket */
#define CONTROL_IDLE        300     /* seconds after which one that says nothing, and hears no events, is closed */
#define CONTROL_PATIENCE    30      /* seconds that an answer waits for a client that does not read */

/*
 * Makes the sockets, and the folder that they are in if only that is missing. Those who connect wait until the worker's
 * loop runs. NULL with errno set, and reason, of size bytes, with the path, for people: EADDRINUSE where another
 * process listens.
 */
struct control *control_open(struct worker *worker, const struct control_options *options, char *reason, size_t size);
/* Removes the sockets. Before the worker is destroyed; NULL is allowed. */
void control_close(struct control *control);

#endif
