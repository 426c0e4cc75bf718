/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file operations of one loop: gathered during a turn, sent out together at its end, completed on the loop. Through
 * io_uring where it is there and allowed; else by plain system calls, which hold up the queue of this loop alone. What
 * may take long, and cannot be had from io_uring, is done by a thread that helps (file_helper.h).
 *
 * Owned by its loop and used on its thread.
 */
#ifndef IOREQD_DEVICE_FILE_RING_H
#define IOREQD_DEVICE_FILE_RING_H

#include <stdbool.h>

#include <event2/event.h>

#include "device/file_operation.h"

struct bounce_pool;
struct file_ring;

/* try_uring: false for plain system calls even where io_uring is there. NULL with errno set. */
struct file_ring *file_ring_create(bool try_uring);
/* Whether operations go through io_uring. */
bool file_ring_uses_uring(const struct file_ring *ring);
/* Operations that are under way must have completed. */
void file_ring_destroy(struct file_ring *ring);

/* Calls back on the base when completions wait: then file_ring_turn(). 0 or -errno. */
int file_ring_watch(struct file_ring *ring, struct event_base *base, event_callback_fn callback, void *argument);

/* Takes an operation; it goes out at the end of the turn. */
void file_ring_submit(struct file_ring *ring, struct file_operation *operation);
/* Calls done() with the result at the end of the turn, for what needs no doing. */
void file_ring_answer(struct file_ring *ring, struct file_operation *operation, int result);

/* Sends out what was taken and runs the completions that are there. False when there was nothing to do. */
bool file_ring_turn(struct file_ring *ring);

/* The buffers of the loop; NULL: no memory. */
struct bounce_pool *file_ring_pool(struct file_ring *ring);

#endif
