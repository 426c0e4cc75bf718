/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that a loop waits for: struct ioreqd_watch of the device interface, for models and for the host's own
 * streams. Owned by whoever made it, who owns the descriptor too. On the watch's loop, or while that does not run.
 */
#ifndef IOREQD_DEVICE_WATCH_H
#define IOREQD_DEVICE_WATCH_H

#include "ioreqd/device.h"

/* As watch_create() of struct ioreqd_host: 0, -ENOMEM, -EBADF, or -EPERM for what is ready always, as a file is. */
int watch_make(struct ioreqd_loop *loop, int descriptor, void (*ready)(void *argument, unsigned events), void *argument,
               struct ioreqd_watch **watch);
void watch_arm(struct ioreqd_watch *watch, unsigned events);
/* Before the descriptor is closed. NULL is allowed. */
void watch_free(struct ioreqd_watch *watch);

#endif
