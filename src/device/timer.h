/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of models, on the loop that they were made for: struct ioreqd_timer of the device interface.
 */
#ifndef IOREQD_DEVICE_TIMER_H
#define IOREQD_DEVICE_TIMER_H

#include <stdint.h>

#include "ioreqd/device.h"

/* Nanoseconds of CLOCK_MONOTONIC. From any thread. */
uint64_t timer_now(void);

/* NULL when memory is short. */
struct ioreqd_timer *timer_make(struct ioreqd_loop *loop, void (*fire)(void *argument), void *argument);
/* On the timer's loop, or while that does not run: as timer_set() and timer_destroy() of struct ioreqd_host. */
void timer_arm(struct ioreqd_timer *timer, uint64_t deadline);
void timer_free(struct ioreqd_timer *timer);

#endif
