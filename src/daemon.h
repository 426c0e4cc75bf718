/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Becoming a daemon. The process that was started stays until the daemon is ready and then ends with status 0, or ends
 * as the daemon did, whose messages go to the same standard error until then: whoever started it sees what became of it.
 *
 * It is done first of all, because neither threads nor what Xen maps for us outlive a fork. Main thread.
 */
#ifndef IOREQD_DAEMON_H
#define IOREQD_DAEMON_H

#include <stdbool.h>

struct daemon;

/*
 * Returns in the daemon: in a session of its own, without a terminal, standard input and output at /dev/null. The
 * process that was started never returns from it. NULL with errno set.
 *
 * If that process is asked to end before the daemon is ready, so is the daemon; if it dies, too.
 */
struct daemon *daemon_begin(void);

/* The daemon is ready: lets the first process end, and lets standard error go unless that is to be kept. */
void daemon_ready(struct daemon *daemon, bool keep_stderr);

/* Of the daemon that is not ready, or is: forgets it. NULL is allowed. */
void daemon_end(struct daemon *daemon);

#endif
