/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UNIX sockets of a device: struct ioreqd_sockets of the device interface. One listens at a path, others are connected
 * to at paths that begin with it. Opened by the process that has the right to, on the main thread, before the device is
 * made; used on one loop; closed when no loop of the device runs any more.
 */
#ifndef IOREQD_DEVICE_SOCKETS_H
#define IOREQD_DEVICE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ioreqd/device.h"

/*
 * Listens at a path; those who connect wait until sockets_attach(). With check, it is only found out whether that would
 * do, nothing is made, and *sockets is NULL. 0, or -1 with errno set and reason, of size bytes, for people.
 */
int sockets_open(const char *path, bool check, struct ioreqd_sockets **sockets, char *reason, size_t size);
/* The same with another mode than that for ioreqd's user alone. */
int sockets_open_for(const char *path, mode_t mode, bool check, struct ioreqd_sockets **sockets, char *reason,
                     size_t size);
/* Removes the socket that listens. NULL is allowed. */
void sockets_close(struct ioreqd_sockets *sockets);

/* As sockets_listen() and sockets_connect() of struct ioreqd_host. */
int sockets_attach(struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                   void (*came)(void *argument, int descriptor), void *argument);
int sockets_connect(struct ioreqd_sockets *sockets, const char *suffix);

#endif
