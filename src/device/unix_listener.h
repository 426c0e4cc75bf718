/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A UNIX stream socket that listens at a path, for streams and sockets of devices, and for control. Its mode says who may
 * connect; what a process that has ended left at the path is replaced, and nothing else. Main thread.
 */
#ifndef IOREQD_DEVICE_UNIX_LISTENER_H
#define IOREQD_DEVICE_UNIX_LISTENER_H

#include <stddef.h>
#include <sys/types.h>

#define UNIX_LISTENER_PRIVATE ((mode_t)0600) /* whoever reaches a guest's console may own the guest */

struct unix_listener {
    int descriptor;
    dev_t device; /* of the socket's file, to remove no other one */
    ino_t inode;
};

/* Whether unix_listener_open() would do, without a change. These return 0, or -1 with errno and the reason set. */
int unix_listener_check(const char *path, char *reason, size_t size);
int unix_listener_open(struct unix_listener *listener, const char *path, mode_t mode, int backlog, char *reason,
                       size_t size);
/* Closes it, and removes its file if that is still there. */
void unix_listener_close(struct unix_listener *listener, const char *path);

#endif
