/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's event loop: struct ioreqd_loop of the device interface. One is the worker's main loop, run by the main
 * thread; each queue of a device gets one with a thread of its own.
 *
 * A turn of the loop runs the work posted to it, sends out the file requests that the work made, and runs their
 * completions as far as they are there, until nothing is left to do; then it sleeps.
 */
#ifndef IOREQD_DEVICE_LOOP_H
#define IOREQD_DEVICE_LOOP_H

#include <stdbool.h>

#include "ioreqd/device.h"

struct event_base;
struct file_ring;

/* NULL with errno set. Made on the main thread. */
struct ioreqd_loop *loop_create(void);
/* The loop's thread, if it was started, is stopped first; what is still posted does not run. */
void loop_destroy(struct ioreqd_loop *loop);

/* Runs the loop on a thread of its own, which blocks all signals. name: 15 characters at most. 0 or -errno. */
int loop_start(struct ioreqd_loop *loop, const char *name);
/* Ends that thread after its present turn and waits for it. Not on the loop itself. */
void loop_stop(struct ioreqd_loop *loop);

/* Runs the loop on the calling thread until loop_break(). */
int loop_run(struct ioreqd_loop *loop);
/* On the loop itself. */
void loop_break(struct ioreqd_loop *loop);

/* For events of the caller's own on this loop. */
struct event_base *loop_event_base(struct ioreqd_loop *loop);

/* The file requests of this loop. On the loop itself. */
struct file_ring *loop_file_ring(struct ioreqd_loop *loop);

/* See post() of struct ioreqd_host. From any thread. */
void loop_post(struct ioreqd_loop *loop, struct ioreqd_work *work);

/*
 * The beginning and the end of a turn that was not begun by posted work. In between, nobody who posts has to wake the loop;
 * the end runs what was posted and sends out the file requests that the caller made. On the loop.
 */
void loop_begin_turn(struct ioreqd_loop *loop);
void loop_end_turn(struct ioreqd_loop *loop);

#endif
