/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the event loops of the process still turn: each is asked to run a piece of work now and then, and while all
 * have answered, beat() is called. It exists only where somebody wants to know, as it wakes threads that would sleep.
 *
 * The main loop owns it and calls everything here; beat() runs there, so the main loop is watched too.
 */
#ifndef IOREQD_DEVICE_HEARTBEAT_H
#define IOREQD_DEVICE_HEARTBEAT_H

#include "ioreqd/device.h"

struct heartbeat;

/*
 * beat(argument) is called four times in that many milliseconds while all loops answer, the first time at once after a
 * quarter of them. A loop that has not answered for a whole quarter is named in the log. NULL with errno set.
 */
struct heartbeat *heartbeat_create(struct ioreqd_loop *main, unsigned milliseconds, void (*beat)(void *argument),
                                   void *argument);
/* NULL is allowed. The loops added must be stopped. */
void heartbeat_destroy(struct heartbeat *heartbeat);

/* A loop with a thread of its own; name: what people know it by. 0 or -ENOMEM. heartbeat NULL is allowed: does nothing. */
int heartbeat_add(struct heartbeat *heartbeat, struct ioreqd_loop *loop, const char *name);
/* Of a loop whose thread has ended, and which may have been added or not. heartbeat NULL is allowed. */
void heartbeat_remove(struct heartbeat *heartbeat, const struct ioreqd_loop *loop);

#endif
