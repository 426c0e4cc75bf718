/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program in the kernel that picks the queues of a tap's packets by their hash. Owned by the tap, on the main thread. The
 * right to load programs is needed for tap_steering_open() alone.
 */
#ifndef IOREQD_DEVICE_NETWORK_TAP_STEERING_H
#define IOREQD_DEVICE_NETWORK_TAP_STEERING_H

#include "device/network_steering.h"

struct tap_steering;

/* Loads the program, which no tap uses yet. 0 or -errno; -EPERM: that is not permitted. */
int tap_steering_open(struct tap_steering **steering);
/* NULL is allowed. A tap that uses the program keeps it. */
void tap_steering_close(struct tap_steering *steering);

/* What the program does from now on. */
void tap_steering_set(struct tap_steering *steering, const struct ioreqd_network_steering *wanted);
/* Its descriptor, which stays the steering's. */
int tap_steering_program(const struct tap_steering *steering);

/* Has the tap of a descriptor use it, or, with NULL, pick by itself. 0 or -errno. */
int tap_steer(int descriptor, const struct tap_steering *steering);

#endif
